"""A span of a channel's archive as a timeline: what is recorded, what of it aired, and what aired instead.

Times are wall clock, seconds since the epoch. What came in stands at its arrival, what aired at its airing,
one delay later.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from streamgate.archive.broadcasts import NO_INPUT_S, PAUSE_S, Loss, begin_of, find_losses
from streamgate.archive.catalog import LONGEST_S, Catalog
from streamgate.archive.edit_list import LAST_PIECE_S, find_edit_lists, read_bounds
from streamgate.archive.listing import AROUND_S, list_pieces
from streamgate.core.edits import LIVE
from streamgate.wording import disk_error

JOIN_S = 1.5  # between two pieces of the program lies one frame; with more than this nothing aired
ARRIVED_JOIN_S = 0.5  # between the packets of two pieces on air lies one frame
SHORTEST_S = 0.2  # what did not air for a shorter time is told by no list
_KEPT = 64  # edit lists in memory, as spans


class AiredSpan(msgspec.Struct):
    """What aired. `source`: "live", or "filler" with its name, why, and by whom, as in an edit list.

    `delay_s`: the measured delay of live, at the beginning of the span.
    """

    start: float
    end: float
    source: str
    filler: str = ""
    why: str = ""
    actor: str = ""
    delay_s: float | None = None


class HeldBack(msgspec.Struct):
    """What came in during a broadcast and did not air. `why`: what aired when it would have been due."""

    start: float
    end: float
    why: str = ""
    actor: str = ""


class Recorded(msgspec.Struct):
    start: float
    end: float
    bytes: int


class Timeline(msgspec.Struct):
    recorded: list[Recorded]
    losses: list[Loss]
    aired: list[AiredSpan]
    held_back: list[HeldBack]


class _OnAir(NamedTuple):
    """One edit list as spans. `arrived`: of what aired. `begin`, `end`: of the broadcast.

    `due`: what came in before it has aired by now, or never will.
    """

    aired: tuple[AiredSpan, ...]
    arrived: tuple[tuple[float, float], ...]
    begin: float
    end: float
    due: float


def read_timeline(root: Path, catalog: Catalog, channel: str, start: float, end: float) -> Timeline:
    """Return the timeline of [start, end). Raises ArchiveError."""
    try:
        pieces = list_pieces(root, catalog, channel, max(0.0, start - LONGEST_S), end + LONGEST_S)
        shows = _find_shows(root, channel, start, end)
    except OSError as error:
        raise disk_error(error) from error
    kept = [
        one for one in pieces if not (one.removed or one.missing) and one.start < end and one.end >= start
    ]
    recorded = _join(
        Recorded(one.start, one.end, one.bytes) for one in sorted(kept, key=lambda one: one.start)
    )
    gaps = [Loss(row["start_s"], row["end_s"], row["reason"]) for row in catalog.gaps(channel, start, end)]
    ranges = [(one.start, one.end) for one in recorded]
    aired = [one for show in shows for one in show.aired if one.start < end and one.end > start]
    held_back = [one for show in shows for one in _held_back(show, ranges)]
    losses = [
        one
        for one in (*gaps, *find_losses(pieces, gaps))
        if one.start < end and one.end > start and (one.why != "no_input" or _is_loss(one, shows))
    ]
    return Timeline(
        recorded,
        sorted(losses),
        sorted(aired, key=lambda one: one.start),
        sorted((one for one in held_back if one.start < end and one.end > start), key=lambda one: one.start),
    )


def _is_loss(pause: Loss, shows: Sequence["_OnAir"]) -> bool:
    """Whether a pause is one in a broadcast or a recording, and not the time between two."""
    return pause.end - pause.start <= PAUSE_S or any(
        show.begin < pause.end and show.end > pause.start for show in shows
    )


def _join(parts: Iterable[Recorded]) -> list[Recorded]:
    found: list[Recorded] = []
    for one in parts:
        if found and one.start - found[-1].end <= NO_INPUT_S:
            found[-1].end = max(found[-1].end, one.end)
            found[-1].bytes += one.bytes
        else:
            found.append(one)
    return found


# ---------------------------------------------------------------- what aired


class _Began(msgspec.Struct, tag_field="line", tag="begin"):
    at: float


class _Aired(msgspec.Struct, tag_field="line", tag="air"):
    """A piece of an edit list (`core.edits.Piece`) without its packets and delays: these are most of it."""

    at: float
    from_us: int
    to_us: int
    source: str
    delay_us: int
    filler: str = ""
    why: str = ""
    actor: str = ""
    arrived_us: tuple[int, int] | None = None

    @property
    def end(self) -> float:
        return self.at + (self.to_us - self.from_us) / 1e6


class _Lost(msgspec.Struct, tag_field="line", tag="lost"):
    until: float


class _Ended(msgspec.Struct, tag_field="line", tag="end"):
    at: float


class _Clip(msgspec.Struct, tag_field="line", tag="clip"):
    pass


_decode = msgspec.json.Decoder(_Began | _Aired | _Lost | _Ended | _Clip).decode


def _find_shows(root: Path, channel: str, start: float, end: float) -> list[_OnAir]:
    """Return the edit lists that reach into [start, end). Raises OSError."""
    found = []
    for name, path in find_edit_lists(root, channel).items():
        begun = begin_of(name)
        if begun is not None and start - AROUND_S < begun < end:
            seen = path.stat()
            if read_bounds(path, seen.st_size)[1] + LAST_PIECE_S < start:
                continue
            show = _read(path, seen.st_size, seen.st_mtime_ns)
            if show is not None and show.begin < end and show.end > start:
                found.append(show)
    return found


@lru_cache(maxsize=_KEPT)
def _read(path: Path, _size: int, _changed_ns: int) -> _OnAir | None:
    """Return an edit list as spans; None without a beginning. What cannot be read of it is left out."""
    aired: list[AiredSpan] = []
    arrived: list[tuple[float, float]] = []
    begin: float | None = None
    end = due = 0.0
    with path.open("rb") as file:
        for text in file:
            try:
                line = _decode(text)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            match line:
                case _Began():
                    begin = line.at if begin is None else begin
                    end = max(end, line.at)
                case _Aired():
                    _add(aired, line)
                    if line.source == LIVE and line.arrived_us is not None:
                        _arrive(arrived, line, line.arrived_us)
                    end = max(end, line.end)
                    due = max(due, line.end - line.delay_us / 1e6)
                case _Ended():
                    due = line.at
                    if aired and abs(line.at - aired[-1].end) < JOIN_S:
                        aired[-1].end = line.at
                    end = max(end, line.at)
                case _Lost():
                    end = max(end, line.until)
                case _Clip():
                    pass
    return None if begin is None else _OnAir(tuple(aired), tuple(arrived), begin, end, due)


def _add(aired: list[AiredSpan], piece: _Aired) -> None:
    last = aired[-1] if aired else None
    now = (piece.source, piece.filler, piece.why, piece.actor)
    if last is not None and abs(piece.at - last.end) < JOIN_S:
        last.end = piece.at  # what aired last stays until the next picture
        if (last.source, last.filler, last.why, last.actor) == now:
            last.end = piece.end
            return
    delay_s = None
    if piece.arrived_us is not None:
        delay_s = round((piece.from_us - piece.arrived_us[0]) / 1e6, 3)
    aired.append(AiredSpan(piece.at, piece.end, *now, delay_s))


def _arrive(arrived: list[tuple[float, float]], piece: _Aired, arrived_us: tuple[int, int]) -> None:
    first, last = arrived_us
    start = piece.at - (piece.from_us - first) / 1e6
    end = start + (last - first) / 1e6
    if arrived and start - arrived[-1][1] < ARRIVED_JOIN_S:
        arrived[-1] = (arrived[-1][0], max(arrived[-1][1], end))
    else:
        arrived.append((start, end))


def _held_back(show: _OnAir, recorded: Sequence[tuple[float, float]]) -> list[HeldBack]:
    """Return what was recorded from the first packet on air to the end of the broadcast, and did not air.

    What came in less than a delay ago is not due yet.
    """
    if not show.arrived:
        return []
    first = min(show.arrived[0][0], show.begin)
    left = _minus([(max(start, first), min(end, show.due)) for start, end in recorded], show.arrived)
    return [
        HeldBack(start, end, *_reason(show, start, end)) for start, end in left if end - start >= SHORTEST_S
    ]


def _reason(show: _OnAir, start: float, end: float) -> tuple[str, str]:
    """Return why, and by whom, what came in then did not air: the filler that covered most of it."""
    delay_s = next((one.delay_s for one in show.aired if one.delay_s is not None), 0.0)
    best, longest = ("", ""), 0.0
    for one in show.aired:
        if one.source == LIVE:
            continue
        covered = min(one.end, end + delay_s) - max(one.start, start + delay_s)
        if covered > longest:
            best, longest = (one.why, one.actor), covered
    return best if longest else ("ended", "")


def _minus(
    ranges: Iterable[tuple[float, float]], taken: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Return what is in `ranges` and not in `taken`, both in order."""
    left = []
    for start, end in ranges:
        at = start
        for first, last in taken:
            if last <= at or first >= end:
                continue
            if first > at:
                left.append((at, first))
            at = max(at, last)
        if at < end:
            left.append((at, end))
    return left
