"""Proves a data directory, or a copy of it, from its files alone: ledger, recording, what aired, comments."""

import time
from collections.abc import Collection, Sequence
from pathlib import Path

from cryptography.x509 import Certificate

from streamgate.errors import LedgerError
from streamgate.ledger.heads import check_heads
from streamgate.ledger.stamps import Stamped, check_stamps
from streamgate.ledger.verdict import Finding, Verdict
from streamgate.ledger.verify import find_ledger
from streamgate.ledger.verify import verify as verify_chain
from streamgate.verify.aired import AiredCheck
from streamgate.verify.catalog import CatalogCheck
from streamgate.verify.comments import CommentCheck
from streamgate.verify.content import ContentCheck
from streamgate.verify.digests import Digests
from streamgate.verify.facts import read_facts
from streamgate.verify.media import MediaCheck
from streamgate.verify.outcome import MAX_TOLD, Notes, Outcome
from streamgate.verify.removals import RemovalCheck
from streamgate.verify.scope import ARCHIVE, Scope, find_spans

LOOKS = 3  # a directory that is written to meanwhile: what is bad is looked at again before it is told
PAUSE_S = 0.4


def verify(
    where: Path,
    keys: Collection[str] = (),
    *,
    broadcast: str = "",
    heads: Path | None = None,
    roots: Sequence[Certificate] = (),
    threads: int | None = None,
) -> Outcome:
    """Check a data directory, a copy of one, or a ledger alone.

    `keys`: public ones (hex), one of which must have signed every seal. `broadcast`: of the archive check
    only what belongs to this one. `heads`: a file of heads that were kept elsewhere. `roots`: certificates
    that time stamps must lead to; none: whoever made them. `threads`: how many files to hash at once; None:
    one on each core.

    Raises:
        LedgerError: something cannot be read, or there is no such broadcast.
    """
    chain = verify_chain(where, keys)
    ledger = find_ledger(where)
    digests = Digests(threads)
    notes = Notes()
    for look in range(LOOKS):
        if look:
            time.sleep(PAUSE_S)
        notes = Notes()
        try:
            running = _look(where, ledger, notes, digests, broadcast)
        except OSError as error:
            raise LedgerError(f"{error.filename or where} cannot be read: {error.strerror}") from error
        if not notes.findings or not running:
            break
    stamped = check_stamps(ledger.parent, ledger, roots)
    elsewhere = [*(check_heads(ledger, heads) if heads is not None else []), *stamped.findings]
    return _outcome(chain, elsewhere, stamped, notes, digests)


def _look(where: Path, ledger: Path, notes: Notes, digests: Digests, broadcast: str) -> bool:
    """Check everything but the chain; return whether the gate had not ended, by its ledger."""
    facts = read_facts(ledger)
    archive = where / ARCHIVE
    has_archive = ledger != where and archive.is_dir()
    scope = Scope(find_spans(archive, facts), broadcast)
    if has_archive:
        check = MediaCheck(archive, facts, notes, scope)
        recorded = check.run()
        for found in recorded.values():
            there = check.find_missing(found.parts)
            ContentCheck(archive, notes, scope, digests).run(there)
        AiredCheck(archive, facts, notes, scope, digests).run(recorded)
        CatalogCheck(where, facts, notes, scope).run(recorded)
    elif ledger != where and (facts.parts or facts.lists):
        notes.find(ARCHIVE, 0, "the archive is missing; the ledger names what was in it")
    RemovalCheck(facts, notes, scope).run()
    CommentCheck(facts, notes, scope).run()
    return facts.running


def _outcome(
    chain: Verdict, elsewhere: list[Finding], stamped: Stamped, notes: Notes, digests: Digests
) -> Outcome:
    broken = [chain.first_bad] if chain.first_bad is not None else []
    findings = [*broken, *elsewhere, *notes.findings]
    refuted = {finding.broadcast for finding in findings}
    for one in notes.certificates:
        one.proven = one.proven and chain.ok and one.broadcast not in refuted
    return Outcome(
        ok=not findings,
        records=chain.records,
        files=chain.files,
        first_bad=findings[0] if findings else None,
        signed=chain.signed,
        certificates=notes.certificates,
        missing=list(notes.missing)[:MAX_TOLD],
        bad=len(findings),
        findings=findings[:MAX_TOLD],
        parts=notes.parts,
        bytes=digests.read,
        stamps=stamped.number,
        stamped=stamped.until,
        open=notes.told(notes.open),
        lost=notes.told(notes.lost),
        unproven=notes.told(notes.unproven),
    )
