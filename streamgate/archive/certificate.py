"""The delay certificate of a broadcast: for how long its live packets were held, by its edit list. Pure.

Exactness: minimum and maximum are exact to the microsecond of the gate's clock. p50 and p99 are nearest ranks
of a histogram in whole milliseconds, rounded down: the true value is less than 1 ms above the one given.
Measured is from arrival in the gate process to hand-over to the destinations in it; what a destination's
network takes comes on top.
"""

from collections import Counter

import msgspec

from streamgate.archive.edit_list import Begin, ClipKept, EditList, End, Line, Lost
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


class Certifier:
    """Makes the certificate of a broadcast from its edit list, line by line."""

    def __init__(self) -> None:
        self.damaged = 0  # lines that cannot be read
        self._first: Begin | None = None
        self._last: Line | None = None  # of what aired
        self._floor_us = self._delay_us = 0
        self._end = 0.0
        self._counts: Counter[int] = Counter()
        self._packets = self._below = self._max_us = 0
        self._min_us = 1 << 62
        self._gaps = _Gaps()

    @property
    def begun(self) -> bool:
        """Whether there was a `begin`, and so there is a certificate."""
        return self._first is not None

    @property
    def ended(self) -> bool:
        return isinstance(self._last, End)

    def take(self, line: Line) -> None:
        self._gaps.take(line)
        self._end = max(self._end, _end(line))
        if isinstance(line, ClipKept):
            return
        self._last = line
        if isinstance(line, Begin):
            self._first = self._first or line
            self._floor_us = max(self._floor_us, line.floor_us)
            self._delay_us = self._delay_us or line.delay_us
        elif isinstance(line, Piece):
            self._delay_us = line.delay_us
            if line.held is not None:
                self._take_held(line.held)

    def _take_held(self, held: Held) -> None:
        for ms, number in held.ms:
            self._counts[ms] += number
        self._packets += held.packets
        self._below += held.below_floor
        self._min_us = min(self._min_us, held.min_us)
        self._max_us = max(self._max_us, held.max_us)

    def certificate(self) -> Certificate:
        """Return the certificate as far as the list goes. There must have been a `begin`."""
        assert self._first is not None
        measured = self._packets > 0
        return Certificate(
            broadcast=self._first.broadcast,
            channel=self._first.channel,
            start=self._first.started_at,
            end=self._end,
            ended=self.ended,
            floor_s=self._floor_us / 1e6,
            delay_s=self._delay_us / 1e6,
            min_s=self._min_us / 1e6 if measured else None,
            p50_s=_rank(self._counts, 0.5) if measured else None,
            p99_s=_rank(self._counts, 0.99) if measured else None,
            max_s=self._max_us / 1e6 if measured else None,
            packets=self._packets,
            below_floor=self._below,
            gaps=self._gaps.told(self.damaged),
        )


def certify(edits: EditList) -> Certificate:
    """Return the certificate of an edit list that has a `begin`, as far as it goes."""
    certifier = Certifier()
    for line in edits.lines:
        certifier.take(line)
    certifier.damaged = edits.damaged
    return certifier.certificate()


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


class _Gaps:
    """Gathers when no live packet aired."""

    def __init__(self) -> None:
        self._gaps: list[AirGap] = []
        self._filler: AirGap | None = None  # the one that goes on
        self._known = 0.0  # until when it is known what aired
        self._running = False

    def take(self, line: Line) -> None:
        match line:
            case ClipKept():
                return
            case Begin():
                if self._running:
                    self._gaps.append(AirGap(self._known, line.at, "gate_killed"))
                self._filler, self._running = None, True
            case Piece(source="live"):
                if self._filler is not None:
                    self._filler.end, self._filler = line.at, None
            case Piece():
                self._take_filler(line)
            case Lost():
                self._gaps.append(AirGap(line.since, line.until, "list_lost", lines=line.lines))
                self._filler = None
            case End():
                if self._filler is not None:
                    self._filler.end = line.at
                self._filler, self._running = None, False
        self._known = max(self._known, _end(line))

    def _take_filler(self, line: Piece) -> None:
        now = (line.why, line.actor, line.filler)
        filler = self._filler
        if filler is not None:
            filler.end = line.at
        if filler is None or (filler.why, filler.actor, filler.filler) != now:
            filler = self._filler = AirGap(line.at, line.at, *now)
            self._gaps.append(filler)
        filler.end = _end(line)

    def told(self, damaged: int) -> list[AirGap]:
        """Return the gaps, and one for lines that cannot be read."""
        unread = [AirGap(0.0, 0.0, "list_damaged", lines=damaged)] if damaged else []
        return [
            msgspec.structs.replace(
                gap, start=round(gap.start, 3), end=round(max(round(gap.start, 3), gap.end), 3)
            )
            for gap in (*self._gaps, *unread)
        ]
