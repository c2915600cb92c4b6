"""Groups the parts of a channel into broadcasts, and finds what is missing between them. Pure.

A broadcast is what was recorded while the channel was on air, as the ledger tells it. What came in while
it was off air is a recording of its own, up to the next pause of more than PAUSE_S.
"""

import itertools
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

_START = "%Y%m%dT%H%M%SZ"
PAUSE_S = 300.0
NO_INPUT_S = 2.0  # a shorter pause between two parts is none


class AirTime(NamedTuple):
    """From when to when a channel was on air, wall clock. `end` None: it still is, or nobody recorded it."""

    start: float
    end: float | None


class Piece(NamedTuple):
    """A part in the catalog, or `parts` of them whose numbers follow one another without a pause.

    `number`: of the first. `removed`: past its retention; `missing`: its file is gone otherwise.
    """

    number: int
    start: float
    end: float
    bytes: int
    removed: bool = False
    missing: bool = False
    parts: int = 1


class Loss(NamedTuple):
    """Something that is not recorded. `why`: a reason of `parts.Gap`, "missing" or "no_input"."""

    start: float
    end: float
    why: str


class Broadcast(NamedTuple):
    """`start`, `end`: of what is recorded of it; of the time on air when nothing is."""

    id: str
    start: float
    end: float
    parts: int
    bytes: int
    losses: list[Loss]


def broadcast_id(channel: str, started_at: float) -> str:
    """Return CHANNEL-START in UTC: what the gate calls a broadcast when it begins, and so everybody."""
    return f"{channel}-{datetime.fromtimestamp(started_at, UTC):{_START}}"


def begin_of(broadcast: str) -> float | None:
    """Return when a broadcast began, to the second, as its id says; None: it is no id."""
    try:
        return datetime.strptime(broadcast.rpartition("-")[2], _START).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def name_as_aired(broadcasts: Iterable[Broadcast], edit_lists: Collection[str]) -> list[Broadcast]:
    """Give broadcasts the names of their edit lists: the ledger tells their start some milliseconds later.

    `edit_lists`: names, of all channels or of one.
    """
    broadcasts = list(broadcasts)
    taken = {one.id for one in broadcasts}
    named = []
    for one in broadcasts:
        begun = begin_of(one.id)
        assert begun is not None
        before = broadcast_id(one.id.rpartition("-")[0], begun - 1)
        meant = one.id in edit_lists or before not in edit_lists or before in taken
        named.append(one if meant else one._replace(id=before))
    return named


def group(
    channel: str, pieces: Iterable[Piece], air: Sequence[AirTime], gaps: Sequence[Loss]
) -> list[Broadcast]:
    """Return the broadcasts, the oldest first.

    `pieces`: by number. `air`: by start. `gaps`: those that the indexes name.
    """
    starts = [one.start for one in air]
    found: dict[tuple[int, int], list[Piece]] = {}
    recording, newest, place = 0, None, -1
    for piece in pieces:
        before, place = place, _on_air(air, starts, piece)
        if newest is not None and (before != place or abs(piece.start - newest.end) > PAUSE_S):
            recording += 1
        found.setdefault((place, recording if place < 0 else 0), []).append(piece)
        newest = piece
    broadcasts = [
        _summed(channel, air[place].start if place >= 0 else None, members, gaps)
        for (place, _), members in found.items()
        if not all(piece.removed for piece in members)
    ]
    silent = set(range(len(air))) - {place for place, _ in found}
    for place in silent:
        one = air[place]
        end = one.end if one.end is not None else one.start
        losses = [gap for gap in gaps if gap.start <= end and gap.end >= one.start]
        broadcasts.append(Broadcast(broadcast_id(channel, one.start), one.start, end, 0, 0, losses))
    return sorted(broadcasts, key=lambda one: (one.start, one.id))


def _on_air(air: Sequence[AirTime], starts: Sequence[float], piece: Piece) -> int:
    """Return which time on air a part belongs to: the newest that it reaches into; -1: none."""
    place = bisect_right(starts, max(piece.start, piece.end)) - 1
    if place < 0:
        return -1
    end = air[place].end
    return place if end is None or piece.start <= end else -1


def _summed(channel: str, on_air: float | None, members: list[Piece], gaps: Sequence[Loss]) -> Broadcast:
    kept = [piece for piece in members if not (piece.removed or piece.missing)]
    shown = kept or members
    start = min(piece.start for piece in shown)
    end = max(piece.end for piece in shown)
    inside = [gap for gap in gaps if gap.start <= end and gap.end >= start]
    losses = sorted([*inside, *find_losses(members, inside)])
    named = broadcast_id(channel, start if on_air is None else on_air)
    parts, size = sum(piece.parts for piece in kept), sum(piece.bytes for piece in kept)
    return Broadcast(named, start, end, parts, size, losses)


def find_losses(members: Sequence[Piece], gaps: Sequence[Loss]) -> list[Loss]:
    """Return parts that are not there, and pauses that no index explains: nothing came in."""
    found = [
        Loss(piece.start, piece.end, "missing") for piece in members if piece.missing and not piece.removed
    ]
    for before, after in itertools.pairwise(members):
        if after.number > before.number + before.parts:
            found.append(Loss(before.end, max(before.end, after.start), "missing"))
        elif after.start - before.end > NO_INPUT_S:
            explained = any(gap.start <= after.start and gap.end >= before.end for gap in gaps)
            if not explained:
                found.append(Loss(before.end, after.start, "no_input"))
    return found
