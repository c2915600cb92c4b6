"""The delay certificate of a broadcast: for how long its live packets were held, by its edit list. Pure.

Exactness: minimum and maximum are exact to the microsecond of the gate's clock. p50 and p99 are nearest ranks
of a histogram in whole milliseconds, rounded down: the true value is less than 1 ms above the one given.
Measured is from arrival in the gate process to hand-over to the destinations in it; what a destination's
network takes comes on top.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec

from streamgate.archive.edit_list import Begin, ClipKept, EditList, End, Lost
from streamgate.core.edits import Held, Piece

EXACT_S = 0.001


class AirGap(msgspec.Struct, rename={"start": "from", "end": "to"}):
    """A time without live, or of which nothing is known. Wall clock, seconds since the epoch.

    `why`: of filler as in `core.gate.Why`; "gate_killed": between two processes nothing aired; "list_lost":
    the disk did not take the edit list; "list_damaged". `filler`: what aired. `lines`: how many are missing.
    """

    start: float
    end: float
    why: str
    actor: str = ""
    filler: str = ""
    lines: int = 0


class Certificate(msgspec.Struct):
    """Delays in seconds; None where no live packet aired. `ended`: false: it goes on, or a kill ended it.

    `delay_s`: the one configured at the end. `packets`: live packets measured, of all tracks.
    """

    broadcast: str
    channel: str
    start: float
    end: float
    ended: bool
    floor_s: float
    delay_s: float
    min_s: float | None
    p50_s: float | None
    p99_s: float | None
    max_s: float | None
    packets: int
    below_floor: int
    gaps: list[AirGap]
    exact_s: float = EXACT_S


def certify(edits: EditList) -> Certificate:
    """Return the certificate of an edit list that has a `begin`, as far as it goes."""
    begins = [line for line in edits.lines if isinstance(line, Begin)]
    first = begins[0]
    pieces = [line for line in edits.lines if isinstance(line, Piece)]
    held = [piece.held for piece in pieces if piece.held is not None]
    low, middle, high, top = _spread(held)
    ended = isinstance(_last_of_air(edits), End)
    return Certificate(
        broadcast=first.broadcast,
        channel=first.channel,
        start=first.started_at,
        end=max([_end(line) for line in edits.lines], default=first.at),
        ended=ended,
        floor_s=max(begin.floor_us for begin in begins) / 1e6,
        delay_s=(pieces[-1] if pieces else begins[-1]).delay_us / 1e6,
        min_s=low,
        p50_s=middle,
        p99_s=high,
        max_s=top,
        packets=sum(one.packets for one in held),
        below_floor=sum(one.below_floor for one in held),
        gaps=_gaps(edits),
    )


def _last_of_air(edits: EditList) -> object:
    return next((line for line in reversed(edits.lines) if not isinstance(line, ClipKept)), None)


def _spread(held: Sequence[Held]) -> tuple[float | None, float | None, float | None, float | None]:
    """Return minimum, p50, p99 and maximum in seconds."""
    if not held:
        return None, None, None, None
    counts: Counter[int] = Counter()
    for one in held:
        for ms, number in one.ms:
            counts[ms] += number
    low = min(one.min_us for one in held) / 1e6
    return low, _rank(counts, 0.5), _rank(counts, 0.99), max(one.max_us for one in held) / 1e6


def _rank(counts: Counter[int], part: float) -> float:
    """Return the nearest rank: the smallest value that at least this part of all is not above, in seconds."""
    wanted = part * counts.total()
    seen = 0
    for ms in sorted(counts):
        seen += counts[ms]
        if seen >= wanted:
            break
    return ms / 1000


def _end(line: object) -> float:
    match line:
        case Piece():
            return line.at + (line.to_us - line.from_us) / 1e6
        case Begin() | End():
            return line.at
        case Lost():
            return line.until
        case _:
            return 0.0


def _gaps(edits: EditList) -> list[AirGap]:
    gaps: list[AirGap] = []
    filler: AirGap | None = None  # the one that goes on
    known = 0.0  # until when it is known what aired
    running = False
    for line in edits.lines:
        match line:
            case Begin():
                if running:
                    gaps.append(AirGap(known, line.at, "gate_killed"))
                filler, running = None, True
            case Piece(source="live"):
                if filler is not None:
                    filler.end, filler = line.at, None
            case Piece():
                now = (line.why, line.actor, line.filler)
                if filler is not None:
                    filler.end = line.at
                if filler is None or (filler.why, filler.actor, filler.filler) != now:
                    filler = AirGap(line.at, line.at, *now)
                    gaps.append(filler)
                filler.end = _end(line)
            case Lost():
                gaps.append(AirGap(line.since, line.until, "list_lost", lines=line.lines))
                filler = None
            case End():
                if filler is not None:
                    filler.end = line.at
                filler, running = None, False
            case ClipKept():
                continue
        known = max(known, _end(line))
    if edits.damaged:
        gaps.append(AirGap(0.0, 0.0, "list_damaged", lines=edits.damaged))
    for gap in gaps:
        gap.start, gap.end = round(gap.start, 3), round(max(gap.start, gap.end), 3)
    return gaps
