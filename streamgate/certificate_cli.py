"""`streamgate certificate` and `archive render`: delay certificate and aired program, from an edit list."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import typer

from streamgate.archive import as_aired_file
from streamgate.archive.as_aired import AsAired
from streamgate.archive.certificate import AirGap, Certificate, certify
from streamgate.archive.edit_list import Begin, EditList, find_edit_list, read_edit_list
from streamgate.errors import ArchiveError


def read_certificate(archive: Path, broadcast: str) -> Certificate:
    """Return the certificate of a broadcast.

    Raises:
        Refused: there is no such broadcast; the text lists the existing ones.
        ArchiveError: its edit list cannot be read.
    """
    return certify(_read(archive, broadcast))


def _read(archive: Path, broadcast: str) -> EditList:
    path = find_edit_list(archive, broadcast)
    try:
        edits = read_edit_list(path)
    except OSError as error:
        raise ArchiveError(f"the edit list {path} cannot be read: {error.strerror}") from error
    if not any(isinstance(line, Begin) for line in edits.lines):
        raise ArchiveError(f"the edit list {path} does not say when the broadcast began; its start is lost")
    return edits


def render(archive: Path, broadcast: str, out: Path, *, json: bool) -> None:
    """Write the program of a broadcast as it aired; raises as `as_aired_file.render`."""
    edits = _read(archive, broadcast)
    try:
        rendering = AsAired(archive, edits)
    except OSError as error:
        raise ArchiveError(f"the archive {archive} cannot be read: {error.strerror}") from error
    made = as_aired_file.render(rendering, out)
    begin = certify(edits)
    if json:
        answer = {"start": begin.start, "end": begin.end, **msgspec.to_builtins(made)}
        answer["missing"] = [one._asdict() for one in made.missing]
        typer.echo(msgspec.json.encode(answer).decode())
        return
    typer.echo(f"{made.file}: {made.packets} packets, {made.bytes} bytes, SHA-256 {made.sha256}")
    for one in made.missing:
        typer.echo(f"  missing: {one.packets} packets of {one.track}, {_time(one.at)} UTC")


def run(archive: Path, broadcast: str, *, json: bool) -> None:
    """Print the certificate of a broadcast; raises as `read_certificate`."""
    found = read_certificate(archive, broadcast)
    typer.echo(msgspec.json.encode(found).decode() if json else _in_words(found))


def _in_words(one: Certificate) -> str:
    state = "ended" if one.ended else "as far as it goes (on air, or ended by a kill)"
    lines = [
        f"{one.broadcast}: {_time(one.start)} to {_time(one.end)} UTC, {state}",
        f"delay {one.delay_s:g} s, floor {one.floor_s:g} s",
        f"{one.packets} live packets, {one.below_floor} below the floor",
    ]
    spread = {"min": one.min_s, "p50": one.p50_s, "p99": one.p99_s, "max": one.max_s}
    if one.packets:
        lines.append("held: " + ", ".join(f"{name} {value:.3f} s" for name, value in spread.items()))
    lines += [f"  not live {_gap(gap)}" for gap in one.gaps]
    return "\n".join(lines)


def _gap(gap: AirGap) -> str:
    who = f" by {gap.actor}" if gap.actor else ""
    what = f": {gap.filler}" if gap.filler else ""
    lost = f", {gap.lines} lines of the list" if gap.lines else ""
    return f"{_time(gap.start)} to {_time(gap.end)} ({gap.end - gap.start:.1f} s) {gap.why}{who}{what}{lost}"


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"
