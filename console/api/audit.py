"""The audit: records of the ledger, found, exported, proven."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import StreamingResponse

from console.api.answers import EMPTY_BODY, GetParts, GetSession, Model, problems
from console.api.download import Download, decision_of
from console.audit import query
from console.audit.audit import EXPORT_S
from console.audit.proofs import Proofs
from console.audit.trail import MAX_CURSOR, Fault
from console.auth.rights import API, Right, require, rights_by_channel, rights_everywhere
from streamgate.clock import wall_s
from streamgate.ledger.places import utc_day

router = APIRouter(prefix=f"{API}/audit", tags=["audit"])
MAX_ROWS = 200
_MOST_S = 32_503_680_000.0  # the year 3000
_Time = Annotated[float | None, Query(ge=0, le=_MOST_S, allow_inf_nan=False)]


class AuditRecord(Model):
    """A record of the ledger. `record`: its line, exactly as it stands in `file`, of which it is number `n`.

    `at`: seconds since the epoch.
    """

    at: float
    file: str
    n: int
    record: str


class AuditFault(Model):
    """Something that could not be read, and is left out. `line` 0: the file as a whole."""

    file: str
    line: int
    error: str
    error_zh: str


class AuditPage(Model):
    """Records, newest first. `next`: the cursor of what follows; null at the end.

    One request reads for about a second: a page can hold fewer records than asked for, or none, and a cursor.
    `day` (UTC): whose files were read last.
    """

    records: list[AuditRecord]
    next: str | None
    day: str
    faults: list[AuditFault]


class FirstBad(Model):
    """The first record that is not what it must be. `line` 0: the file as a whole."""

    file: str
    line: int
    why: str


class AuditProof(Model):
    """How far the ledger is proven: what `streamgate verify` says.

    `verified_until`: all is whole up to then (seconds since the epoch; null: nothing is). `checked_at`:
    when the check began; null: there was none since the console started. `running`: one is under way.
    `error`: why the last check came to no result.
    """

    verified_until: float | None
    records: int
    files: int
    first_bad: FirstBad | None
    checked_at: float | None
    running: bool
    error: str
    error_zh: str


def _asked(  # noqa: PLR0917 - one for each question
    session: GetSession,
    person: Annotated[str, Query(max_length=128)] = "",
    channel: Annotated[str, Query(max_length=128)] = "",
    group: query.Group = "all",
    kind: Annotated[str, Query(max_length=64, pattern="^[a-z_]*$")] = "",
    action: Annotated[str, Query(max_length=64)] = "",
    outcome: Literal["", "done", "refused", "waiting"] = "",
    since: Annotated[_Time, Query(alias="from")] = None,
    until: _Time = None,
    text: Annotated[str, Query(max_length=200)] = "",
) -> query.Query:
    """Read the filters; whoever has the right on some channels sees the records of those alone."""
    if channel:
        require(session, Right.AUDIT_READ, channel)
    channels = None
    if Right.AUDIT_READ not in rights_everywhere(session):
        own = rights_by_channel(session).items()
        channels = frozenset(name for name, rights in own if Right.AUDIT_READ in rights)
    return query.Query(person, channel, group, kind, action, outcome, since, until, text, channels)


_Asked = Annotated[query.Query, Depends(_asked)]


@router.get("", responses=problems(400, 503))
async def search_audit(
    parts: GetParts,
    asked: _Asked,
    cursor: Annotated[str, Query(max_length=MAX_CURSOR)] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS)] = 100,
) -> AuditPage:
    """Find records of all processes, newest first. All filters that are given must fit."""
    found = await parts.audit.search(asked, cursor, limit)
    records = [
        AuditRecord(at=row.at, file=row.file, n=row.n, record=row.line.decode("utf-8", "replace"))
        for row in found.rows
    ]
    faults = [_fault(one) for one in found.faults]
    return AuditPage(records=records, next=found.next, day=found.day, faults=faults)


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "CSV, UTF-8 with BOM"},
        **problems(400, 503),
    },
)
async def export_audit(parts: GetParts, session: GetSession, asked: _Asked) -> StreamingResponse:
    """Export records as CSV, newest first, with the same filters. The export is recorded in the ledger."""
    export = await parts.audit.begin_export(asked, decision_of(session))
    name = f"streamgate-audit-{utc_day(wall_s())}.csv"
    return Download(export, session, name, "text/csv", EXPORT_S + 30)


@router.get("/verified")
async def show_proof(parts: GetParts) -> AuditProof:
    """Show up to when the ledger is proven; a result older than a minute is renewed afterwards."""
    parts.audit.proofs.ask()
    return _proof(parts.audit.proofs)


@router.post("/verified", openapi_extra=EMPTY_BODY)
async def check_proof(parts: GetParts) -> AuditProof:
    """Have the whole ledger checked now; the answer comes at once, the result with later questions."""
    parts.audit.proofs.check_all()
    return _proof(parts.audit.proofs)


def _fault(one: Fault) -> AuditFault:
    return AuditFault(file=one.file, line=one.line, error=one.why, error_zh=one.why_zh)


def _proof(proofs: Proofs) -> AuditProof:
    last, proof = proofs.last, proofs.last.proof
    bad = proof.verdict.first_bad if proof is not None else None
    return AuditProof(
        verified_until=proof.until if proof is not None else None,
        records=proof.verdict.records if proof is not None else 0,
        files=proof.verdict.files if proof is not None else 0,
        first_bad=FirstBad(file=bad.file, line=bad.line, why=bad.why) if bad is not None else None,
        checked_at=last.at,
        running=proofs.running,
        error=last.error,
        error_zh=last.error_zh,
    )
