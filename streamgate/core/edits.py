"""Edit list entries: which packets of the feed or frames of a filler aired, when and why. Pure.

A *run* is an unbroken row of packets of one track: live packets by their sequence number (one series counts
each kind), or frames of a clip by index. A *piece* is what aired from one splice or keyframe to the next:
its runs, when they left, and how long each live packet was held.
"""

from collections.abc import Sequence

import msgspec

from streamgate.core.clip import Clip
from streamgate.core.delay import MIN_DELAY_US
from streamgate.core.gate import Why
from streamgate.core.packet import SILENCE, Aired, FeedFormat, Kind
from streamgate.core.spans import MOSAIC

SHORTEST_US = 1_000_000  # an all-keyframe feed does not get one piece per picture
LONGEST_US = 4_000_000  # a longer GOP is split, as in the archive's fragments
HOLE_MS = 1000  # a longer gap in DTS starts a new run
LIVE, FILLER = "live", "filler"
TRACKS = {Kind.VIDEO: "video", Kind.AUDIO: "audio", Kind.DATA: "data"}


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row of `count` packets of a track that aired.

    `first`: number of the first packet, or its index in `clip`; -1: the clip's silent frame, repeated.
    `dts`: of the first packet on the program's timeline, ms. `clip`: key of a filler; "": live. `reorder`:
    PTS - DTS of a clip's pictures, ms, equal to the feed's. `arrived_us`: first and last arrival of live
    sound and pictures, only in a piece with redactions.
    """

    track: str
    first: int
    count: int
    dts: int
    clip: str = ""
    reorder: int = 0
    arrived_us: tuple[int, int] | None = None


class Held(msgspec.Struct, frozen=True):
    """Histogram of hold times of live packets: from arrival in the gate to hand-over to the destinations.

    `ms`: (whole milliseconds, rounded down; packets). Histograms of pieces can be added.
    """

    packets: int
    min_us: int
    max_us: int
    sum_us: int
    below_floor: int
    ms: list[tuple[int, int]]


class Piece(msgspec.Struct, omit_defaults=True, tag_field="line", tag="air"):
    """An entry of the edit list: what aired from one splice or keyframe to the next.

    `at`: wall clock of its first packet. `from_us`, `to_us`: when its first and last packet left, monotonic.
    `source`: "live" or "filler". `filler`: its name. `why`, `actor`: of filler, as in `core.gate.Why`; of
    live, which redaction replaced some of it ("mute", "bleep"; "mosaic" takes precedence) and who marked it;
    the replacing frames are runs of a clip. `delay_us`: in force. `arrived_us`: first and last arrival of
    its live packets. `part`: set when it begins with a splice to a source or clip of this format. `header`:
    set when the program announces this configuration with it. `series`: that numbers its live packets; 0:
    the process's own, as in its `begin`.
    """

    at: float
    from_us: int
    to_us: int
    source: str
    delay_us: int
    runs: list[Run]
    part: FeedFormat | None = None
    header: FeedFormat | None = None
    filler: str = ""
    why: str = ""
    actor: str = ""
    arrived_us: tuple[int, int] | None = None
    held: Held | None = None
    series: int = 0


class _Row:
    """A run under construction."""

    __slots__ = ("arrived", "clip", "count", "dts", "first", "last_dts", "next", "reorder", "track")

    def __init__(self, one: Aired) -> None:
        self.track = one.packet.kind
        self.clip = one.clip
        self.first = self.next = one.number
        self.dts = self.last_dts = one.packet.dts
        self.reorder = one.packet.pts - one.packet.dts if one.clip is not None else 0
        self.count = 0
        self.arrived: tuple[int, int] | None = None


class _Open:
    """A piece under construction."""

    def __init__(self, first: Aired, left_us: int, why: Why, delay_us: int) -> None:
        self.live = first.arrival_us is not None
        self.clip = first.clip
        self.part = first.part
        self.series = first.series
        self.header: FeedFormat | None = None
        self.from_us = self.to_us = left_us
        self.why = why
        self.delay_us = delay_us
        self.rows: list[_Row] = []
        self.row: dict[Kind, _Row] = {}
        self.packets = self.sum_us = self.max_us = self.below = 0
        self.min_us = self.first_us = 1 << 62
        self.last_us = 0
        self.ms: dict[int, int] = {}
        self.redacted = self.redacted_by = ""

    def add(self, one: Aired, left_us: int) -> None:
        packet, number = one.packet, one.number
        if one.header is not None:
            self.header = one.header
        row = self.row.get(packet.kind)
        if (
            row is None
            or number != row.next
            or one.clip is not row.clip
            or packet.dts - row.last_dts > HOLE_MS
        ):
            row = self.row[packet.kind] = _Row(one)
            self.rows.append(row)
        row.count += 1
        row.next = number + 1 if number >= 0 else SILENCE
        row.last_dts = packet.dts
        self.to_us = left_us
        arrival_us = one.arrival_us
        if one.redacted and self.redacted != MOSAIC:
            self.redacted, self.redacted_by = one.redacted, one.redacted_by
        if arrival_us is None:
            return
        if packet.kind is not Kind.DATA:
            row.arrived = (arrival_us if row.arrived is None else row.arrived[0], arrival_us)
        held_us = left_us - arrival_us
        self.packets += 1
        self.sum_us += held_us
        self.min_us = min(self.min_us, held_us)
        self.max_us = max(self.max_us, held_us)
        if held_us < MIN_DELAY_US:
            self.below += 1
        ms = held_us // 1000
        self.ms[ms] = self.ms.get(ms, 0) + 1
        self.first_us = min(self.first_us, arrival_us)
        self.last_us = max(self.last_us, arrival_us)


class Tally:
    """Groups aired packets into pieces. `clips`: fillers seen since the caller last cleared it, by key."""

    def __init__(self) -> None:
        self.clips: dict[str, Clip] = {}
        self._open: _Open | None = None

    def add(self, aired: Sequence[Aired], left_us: int, why: Why, delay_us: int) -> list[Piece]:
        """Add packets that left together; return the pieces that end before or within them.

        `why`: why filler airs, if it does. `delay_us`: the delay in force.
        """
        done: list[Piece] = []
        piece = self._open
        if piece is not None and not piece.live and piece.why != why:
            done.append(self._close(piece))
            piece = None
        for one in aired:
            if piece is None or (one.packet.kind is Kind.VIDEO and _ends(piece, one, left_us)):
                if piece is not None:
                    done.append(self._close(piece))
                piece = _Open(one, left_us, why, delay_us)
            piece.add(one, left_us)
        self._open = piece
        return done

    def end(self) -> list[Piece]:
        """End the list: return the piece under construction, if there is one."""
        piece, self._open = self._open, None
        return [] if piece is None else [self._close(piece)]

    def _close(self, piece: _Open) -> Piece:
        live = piece.packets > 0
        return Piece(
            at=0.0,
            from_us=piece.from_us,
            to_us=piece.to_us,
            source=LIVE if piece.live else FILLER,
            delay_us=piece.delay_us,
            runs=[
                Run(
                    TRACKS[row.track],
                    row.first,
                    row.count,
                    row.dts,
                    self._key(row.clip),
                    row.reorder,
                    row.arrived if piece.redacted else None,
                )
                for row in piece.rows
            ],
            part=piece.part,
            header=piece.header,
            filler="" if piece.live or piece.clip is None else piece.clip.name,
            why=piece.redacted if piece.live else piece.why.code,
            actor=piece.redacted_by if piece.live else piece.why.actor,
            arrived_us=(piece.first_us, piece.last_us) if live else None,
            held=Held(
                piece.packets,
                piece.min_us,
                piece.max_us,
                piece.sum_us,
                piece.below,
                sorted(piece.ms.items()),
            )
            if live
            else None,
            series=piece.series,
        )

    def _key(self, clip: Clip | None) -> str:
        if clip is None:
            return ""
        key = clip_key(clip)
        self.clips[key] = clip
        return key


def _ends(piece: _Open, picture: Aired, left_us: int) -> bool:
    """Whether a piece ends before `picture`."""
    if picture.part is not None or piece.live is (picture.arrival_us is None):
        return True
    lasted_us = left_us - piece.from_us
    return lasted_us >= LONGEST_US or (picture.packet.keyframe and lasted_us >= SHORTEST_US)


def clip_key(clip: Clip) -> str:
    """Return the key of a clip in edit lists: its file name in the cache, a hash of its inputs."""
    name = clip.path.rpartition("/")[2]
    return name.removesuffix(".clip") or clip.name
