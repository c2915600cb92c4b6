"""Refill of the ring after a kill: selects the recorded packets that may still air. Pure.

The killed process logged arrivals beside the recording (`Noted`); the channel's memory holds its state
(`Vouched`). Only packets are taken back that arrived after the last command, cannot have aired, and follow a
keyframe without a gap. In any doubt none is: then live returns one delay later.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

from streamgate.core.headers import airable
from streamgate.core.packet import FeedFormat, Kind

CLOCKS_APART_S = 1.0  # a larger change of wall minus monotonic clock is a step, a smaller one an adjustment
STALE_US = 5_000_000  # the memory is saved every second; do not trust one this much older than a packet
TIMELINE_STEP_MS = 10_000

GivenUp = Literal[
    "memory",  # the channel's memory is not the killed process's own, or is too old
    "boot",  # the machine was rebooted since, or the boot id is unknown
    "clock",  # a clock was stepped
    "cut",  # it was cut
    "nothing",  # no recorded arrivals were left
    "damaged",  # the recorded arrivals are inconsistent
    "format",  # the last format cannot air, or no filler is made for it
    "command",  # all recorded packets arrived before the last command
    "late",  # all recorded packets may have aired
    "no_keyframe",
    "too_big",  # it does not fit into the ring
    "unreadable",  # reading the file failed
    "changed",  # the file's hash differs
    "slow",  # the file was not read in time
]


class Row(NamedTuple):
    """A recorded packet. `arrival_us`: CLOCK_MONOTONIC. Times: ms. `number`: among those of its kind."""

    kind: int
    keyframe: bool
    arrival_us: int
    dts: int
    pts: int
    number: int


class Noted(msgspec.Struct, frozen=True):
    """Log entry of a fragment that was written to a part.

    `part`: path below the archive's root. `offset`, `size`: its bytes in the file. `sha256`: of the file up
    to its end. `source`: id of the publish; `feed`: the tracks recorded. `wall_s`, `end_s`: wall clock at
    the arrival of its first and last packet. `origin_ms`: the feed's time that is 0 in the part. `rows`: its
    packets in order of arrival.
    """

    part: str
    offset: int
    size: int
    sha256: str
    source: str
    feed: FeedFormat
    wall_s: float
    end_s: float
    origin_ms: int
    rows: list[Row]


class Tail(NamedTuple):
    """The log of one process, in order. `boot`: id of the machine's boot. `series`: of the numbers."""

    boot: str
    series: int
    noted: Sequence[Noted]


class Vouched(NamedTuple):
    """State of the killed process, from the channel's memory.

    `believed`: the memory is complete and that process's own. `settled_us`: packets that arrived until then
    do not come back (negative: unknown). `delay_us`: of packets that arrived since. `alive_us`, `alive_at`:
    the last save, on the monotonic and the wall clock.
    """

    believed: bool
    boot: str
    cut: bool
    settled_us: int
    delay_us: int
    alive_us: int
    alive_at: float
    feed: FeedFormat | None


class Now(NamedTuple):
    """The present boot and clocks, read when the killed process was certainly dead."""

    boot: str
    us: int
    wall_s: float


class Chosen(NamedTuple):
    """The fragments to read. `first`: row of the first one to begin with, a keyframe. `feed`: as it airs."""

    noted: Sequence[Noted]
    first: int
    series: int
    feed: FeedFormat

    def rows(self) -> Iterator[Row]:
        for index, noted in enumerate(self.noted):
            yield from noted.rows[self.first if index == 0 else 0 :]


def choose(  # noqa: PLR0911 (a list of doubts)
    tail: Tail | None, vouched: Vouched, now: Now, max_bytes: int
) -> Chosen | GivenUp:
    """Return the part of `tail` to take back, at most `max_bytes` of file, or why none is."""
    if not vouched.believed or vouched.settled_us < 0:
        return "memory"
    if vouched.cut:
        return "cut"
    if tail is None or not tail.noted:
        return "nothing"
    if not now.boot or not (now.boot == vouched.boot == tail.boot):
        return "boot"
    if not _is_consistent(tail.noted):
        return "damaged"
    noted = tail.noted[_find_unbroken(tail.noted) :]
    if not noted:
        return "damaged"
    newest_us = noted[-1].rows[-1].arrival_us
    if newest_us - vouched.alive_us > STALE_US:
        return "memory"
    if newest_us > now.us or vouched.alive_us > now.us or _clocks_moved(noted, vouched, now):
        return "clock"
    feed = airable(noted[-1].feed)
    if feed.video is None or feed != vouched.feed:
        return "format"
    if newest_us <= vouched.settled_us:
        return "command"
    after_us = max(vouched.settled_us, now.us - vouched.delay_us)
    if newest_us <= after_us:
        return "late"
    return _from_keyframe(noted, after_us, Chosen(noted, 0, tail.series, feed), max_bytes)


def _from_keyframe(
    noted: Sequence[Noted], after_us: int, all_of_it: Chosen, max_bytes: int
) -> Chosen | GivenUp:
    for index, one in enumerate(noted):
        for first, row in enumerate(one.rows):
            if row.keyframe and row.kind == Kind.VIDEO and row.arrival_us > after_us:
                chosen = all_of_it._replace(noted=noted[index:], first=first)
                return chosen if _count_bytes(chosen.noted) <= max_bytes else "too_big"
    return "no_keyframe"


def _count_bytes(noted: Sequence[Noted]) -> int:
    """Return the bytes to read: each part from its start, since the hash covers all of it."""
    return sum({one.part: one.offset + one.size for one in noted}.values())


def _is_consistent(noted: Sequence[Noted]) -> bool:
    """Whether every fragment has packets, all of known kinds, and arrivals never decrease."""
    last_us = 0
    for one in noted:
        if not one.rows or one.offset < 0 or one.size < 0:
            return False
        for row in one.rows:
            if row.arrival_us < last_us or not Kind.VIDEO <= row.kind <= Kind.DATA:
                return False
            last_us = row.arrival_us
    return True


def _find_unbroken(noted: Sequence[Noted]) -> int:
    """Return the first fragment after the last break in numbers or DTS; `len(noted)` if the last has one."""
    begins = 0
    newest: dict[int, Row] = {}
    for index, one in enumerate(noted):
        if index and not _follows(noted[index - 1], one):
            begins, newest = index, {}
        for row in one.rows:
            last = newest.get(row.kind)
            if last is not None and row.kind != Kind.DATA and not _continues(last, row):
                begins, newest = index + 1, {}  # a break within a fragment: drop all of that fragment
                break
            newest[row.kind] = row
    return begins


def _follows(before: Noted, after: Noted) -> bool:
    if (before.source, before.feed) != (after.source, after.feed):
        return False
    return after.offset == (before.offset + before.size if after.part == before.part else 0)


def _continues(last: Row, row: Row) -> bool:
    return row.number == last.number + 1 and 0 < row.dts - last.dts <= TIMELINE_STEP_MS


def _clocks_moved(noted: Sequence[Noted], vouched: Vouched, now: Now) -> bool:
    """Whether the difference of wall and monotonic clock has changed since the first of these packets."""
    seen = [one.wall_s - one.rows[0].arrival_us / 1e6 for one in noted]
    seen += [vouched.alive_at - vouched.alive_us / 1e6, now.wall_s - now.us / 1e6]
    return max(seen) - min(seen) > CLOCKS_APART_S
