"""`streamgate verify`: verifies a data directory, or a copy of it, without database and `serve`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import typer

from streamgate.errors import LedgerError
from streamgate.ledger.signing import read_public
from streamgate.ledger.stamps import read_roots
from streamgate.ledger.verdict import Finding
from streamgate.verify.outcome import Outcome, Remark
from streamgate.verify.verifier import verify

PROVEN, REFUTED, UNREADABLE = 0, 1, 2
SHOWN = 20  # findings and remarks in words; all are in the JSON


def run(
    directory: Path,
    key: str = "",
    *,
    broadcast: str = "",
    heads: Path | None = None,
    tsa_cert: Path | None = None,
    json: bool,
) -> int:
    """Verify `directory`, print the outcome, return the exit code. `key`: public, in hex or its file."""
    try:
        keys = read_public(key) if key else ()
        roots = read_roots(tsa_cert) if tsa_cert is not None else ()
        outcome = verify(directory, keys, broadcast=broadcast, heads=heads, roots=roots)
    except LedgerError as error:
        typer.echo(f"streamgate: {error}", err=True)
        return UNREADABLE
    if json:
        typer.echo(msgspec.json.encode(outcome).decode())
    else:
        typer.echo("\n".join(_in_words(directory, outcome, by_key=bool(key))))
    return PROVEN if outcome.ok else REFUTED


def _in_words(directory: Path, outcome: Outcome, *, by_key: bool) -> Iterator[str]:
    counts = f"{outcome.records} records in {outcome.files} files"
    first = outcome.first_bad
    if first is None:
        yield f"{directory}: {counts}, every chain whole"
        yield _signed_words(outcome, by_key=by_key)
        if outcome.parts:
            yield f"{outcome.parts} recorded parts are what the ledger says ({outcome.bytes} bytes)"
        if outcome.stamped is not None:
            at = f"{datetime.fromtimestamp(outcome.stamped, UTC):%Y-%m-%d %H:%M:%S} UTC"
            yield f"{outcome.stamps} time stamps, the newest of {at}"
    else:
        yield f"{directory}: NOT whole. First bad record: {_place(first)}: {first.why}"
        yield from (f"  {_place(one)}: {one.why}" for one in outcome.findings[1:SHOWN])
        if outcome.bad > SHOWN:
            yield f"  and {outcome.bad - SHOWN} more (--json)"
    for one in outcome.certificates:
        state = "proven" if one.proven else "NOT proven"
        least = "" if one.min_s is None else f", held {one.min_s:.3f} s at least"
        below = f"{one.below_floor} below {one.floor_s:g} s"
        yield f"{one.broadcast}: delay {state}: {one.packets} live packets{least}, {below}"
    yield from _remarks("open", outcome.open)
    yield from _remarks("lost, as documented", outcome.lost)
    yield from _remarks("not proven", outcome.unproven)


def _place(one: Finding) -> str:
    line = f", line {one.line}" if one.line else ""
    return f"{one.file}{line}" + (f" ({one.broadcast})" if one.broadcast else "")


def _remarks(word: str, remarks: list[Remark]) -> Iterator[str]:
    for one in remarks[:SHOWN]:
        yield f"  {word}: {one.file}: {one.why}"
    if len(remarks) > SHOWN:
        yield f"  {word}: and {len(remarks) - SHOWN} more (--json)"


def _signed_words(outcome: Outcome, *, by_key: bool) -> str:
    if not outcome.signed:
        return "nothing in it is signed"
    keys = "; ".join(
        f"until {datetime.fromtimestamp(one.until, UTC):%Y-%m-%d %H:%M:%S} UTC with the key {one.key}"
        for one in outcome.signed
    )
    doubt = "" if by_key else "\ncompare it with the one that you keep elsewhere, or name that: --key"
    return f"signed {keys}{doubt}"
