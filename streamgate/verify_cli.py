"""`streamgate verify`: proves the ledger of a data directory, or of a copy, without database and program."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import typer

from streamgate.errors import LedgerError
from streamgate.ledger.signing import read_public
from streamgate.ledger.verify import Verdict, verify

PROVEN, REFUTED, UNREADABLE = 0, 1, 2


def run(directory: Path, key: str = "", *, json: bool) -> int:
    """Verify `directory`, print the verdict, return the exit code. `key`: public, in hex or its file."""
    try:
        verdict = verify(directory, read_public(key) if key else ())
    except LedgerError as error:
        typer.echo(f"streamgate: {error}", err=True)
        return UNREADABLE
    first = verdict.first_bad
    if json:
        typer.echo(msgspec.json.encode(verdict).decode())
    elif first is None:
        typer.echo(f"{directory}: {verdict.records} records in {verdict.files} files, every chain whole")
        typer.echo(_signed_words(verdict, by_key=bool(key)))
    else:
        line = f", line {first.line}" if first.line else ""
        typer.echo(f"{directory}: NOT whole. First bad record: {first.file}{line}: {first.why}")
    return PROVEN if verdict.ok else REFUTED


def _signed_words(verdict: Verdict, *, by_key: bool) -> str:
    if not verdict.signed:
        return "nothing in it is signed"
    keys = "; ".join(
        f"until {datetime.fromtimestamp(one.until, UTC):%Y-%m-%d %H:%M:%S} UTC with the key {one.key}"
        for one in verdict.signed
    )
    doubt = "" if by_key else "\ncompare it with the one that you keep elsewhere, or name that: --key"
    return f"signed {keys}{doubt}"
