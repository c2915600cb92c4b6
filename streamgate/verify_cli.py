"""`streamgate verify`: proves the ledger of a data directory, or of a copy, without database and program."""

from pathlib import Path

import msgspec
import typer

from streamgate.errors import LedgerError
from streamgate.ledger.verify import verify

PROVEN, REFUTED, UNREADABLE = 0, 1, 2


def run(directory: Path, *, json: bool) -> int:
    """Verify `directory`, print the verdict, return the exit code."""
    try:
        verdict = verify(directory)
    except LedgerError as error:
        typer.echo(f"streamgate: {error}", err=True)
        return UNREADABLE
    first = verdict.first_bad
    if json:
        typer.echo(msgspec.json.encode(verdict).decode())
    elif first is None:
        typer.echo(f"{directory}: {verdict.records} records in {verdict.files} files, every chain whole")
    else:
        line = f", line {first.line}" if first.line else ""
        typer.echo(f"{directory}: NOT whole. First bad record: {first.file}{line}: {first.why}")
    return PROVEN if verdict.ok else REFUTED
