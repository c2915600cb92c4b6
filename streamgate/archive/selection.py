"""Which fragments of which parts are in a span, in the order they were recorded, and how they go on."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import msgspec

from streamgate.archive.broadcasts import Loss, Piece, find_losses
from streamgate.archive.catalog import LONGEST_S, Catalog
from streamgate.archive.fragments import Fragment, PartMap, read_map
from streamgate.archive.parts import GOES_ON, PartName, newer_parts, parse, read_index_end
from streamgate.clock import wall_s
from streamgate.wording import disk_error

AROUND_S = 10.0  # a part plays a little longer than its packets took to arrive


class Part(msgspec.Struct, frozen=True):
    """A part that may be in the span. `path`: below the archive. Times: wall clock. `closed`: "" unknown."""

    path: PurePosixPath
    number: int
    start: float
    end: float
    closed: str = ""


class Chosen(msgspec.Struct, frozen=True):
    """Fragments of one part, one after the other. `start`: wall clock at the first of them.

    Once every time in them is later by `shift_ms` they play behind what is chosen before; with `goes_on` they
    do so without a break.
    """

    part: Part
    map: PartMap
    fragments: Sequence[Fragment]
    start: float
    goes_on: bool
    shift_ms: int


class Selection(msgspec.Struct, frozen=True):
    """What plays of a span, and what does not: `losses` as in listings; "flv": recorded in another form."""

    chosen: list[Chosen]
    losses: list[Loss]


def select(root: Path, catalog: Catalog, channel: str, start: float, end: float) -> Selection:
    """Return what plays of [start, end), wall clock, the part that is being written included.

    It begins at the keyframe at or before `start`, or at the first recording after it. Raises ArchiveError.
    """
    try:
        parts = _parts(root, catalog, channel, start - AROUND_S, end + AROUND_S)
        return _select(root, parts, _gaps(catalog, channel, start, end), start, end)
    except OSError as error:
        raise disk_error(error, root) from error


def _parts(root: Path, catalog: Catalog, channel: str, start: float, end: float) -> list[Part]:
    found: dict[PurePosixPath, Part] = {}
    for row in catalog.parts(channel, start, end):
        path = PurePosixPath(row["path"])
        name = parse(path)
        if name is not None and not row["missing"]:
            found[path] = _part(name, path, row["end_s"], row["closed"])
    known, until = catalog.newest(channel)
    if end > min(until, wall_s()) - LONGEST_S:  # by another clock than ours the latest may lie ahead
        newer = newer_parts(root, channel, known)
        folders = dict.fromkeys((root / name.path).parent for name, _ in newer)
        lines = {line.part: line for folder in folders for line in read_index_end(folder)}
        for name, seen in newer:
            line = lines.get(name.path.name)
            last, why = (seen.st_mtime, "") if line is None else (line.end, line.closed)
            part = _part(name, name.path, last, why)
            if part.start < end and part.end >= start:
                found[name.path] = part
    return sorted(found.values(), key=lambda part: part.number)


def _part(name: PartName, path: PurePosixPath, end: float, closed: str) -> Part:
    """Return a part that began when its name says, to the millisecond: that is known while it grows, too."""
    start = name.start_ms / 1000
    return Part(path, name.number, start, max(start, end), closed)


def _gaps(catalog: Catalog, channel: str, start: float, end: float) -> list[Loss]:
    return [Loss(row["start_s"], row["end_s"], row["reason"]) for row in catalog.gaps(channel, start, end)]


def _select(root: Path, parts: list[Part], gaps: list[Loss], start: float, end: float) -> Selection:
    chosen: list[Chosen] = []
    losses = list(gaps)
    pieces = []
    for part in parts:
        if part.path.suffix != ".mp4":
            losses.append(Loss(part.start, part.end, "flv"))
            pieces.append(Piece(part.number, part.start, part.end, 0))
            continue
        try:
            seen = read_map(root, part.path)
        except FileNotFoundError:
            losses.append(Loss(part.start, part.end, "missing"))
            continue
        pieces.append(Piece(part.number, part.start, max(part.end, _until(part, seen)), 0))
        inside = _inside(part, seen, start, end)
        if inside:
            chosen.append(_follow(chosen[-1] if chosen else None, part, seen, inside))
    losses = [one for one in (*losses, *find_losses(pieces, gaps)) if one.start < end and one.end > start]
    return Selection(chosen, sorted(losses))


def _until(part: Part, seen: PartMap) -> float:
    return part.start + seen.end_s - seen.start_s


def _at(part: Part, seen: PartMap, media_s: float) -> float:
    return part.start + media_s - seen.start_s


def _inside(part: Part, seen: PartMap, start: float, end: float) -> Sequence[Fragment]:
    """Return the fragments that reach into the span, from the keyframe that the first one needs."""
    reach = [
        number
        for number, one in enumerate(seen.fragments)
        if _at(part, seen, one.end_s) > start and _at(part, seen, one.start_s) < end
    ]
    if not reach:
        return ()
    first = reach[0]
    while first > 0 and not seen.fragments[first].keyframe:
        first -= 1
    return seen.fragments[first : reach[-1] + 1]


def _follow(before: Chosen | None, part: Part, seen: PartMap, inside: Sequence[Fragment]) -> Chosen:
    whole = (
        before is not None
        and before.fragments[-1] is before.map.fragments[-1]
        and inside[0] is seen.fragments[0]
    )
    goes_on = (
        before is not None
        and whole
        and before.part.closed == GOES_ON
        and part.number == before.part.number + 1
        and seen.digest == before.map.digest
    )
    shift_ms = 0
    if before is not None:
        later_s = before.fragments[-1].end_s - inside[0].start_s
        if whole and not goes_on:  # pictures of another encoder wait for the end of the last one
            later_s = max(later_s, before.map.shown_s[1] - seen.shown_s[0])
        shift_ms = before.shift_ms + round(later_s * 1000)
    return Chosen(part, seen, inside, _at(part, seen, inside[0].start_s), goes_on, shift_ms)
