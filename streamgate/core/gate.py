"""The gate: decides what airs. One pure state machine per channel.

Events and `now` in, packets out. A packet is *due* when its age reaches the delay. It *airs* if it is due,
not condemned, and decodable from what aired since the last splice. Otherwise filler airs. This module keeps
invariants 1 to 4 of the architecture; `_air` checks the first two once more for each live packet that leaves.
One of the two inputs, the main camera and the standby, is wanted. The other airs only until the wanted one's
next keyframe.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from streamgate.core.box import Box
from streamgate.core.clip import Clip
from streamgate.core.delay import MIN_DELAY_US, Delay, check_delay
from streamgate.core.headers import airable
from streamgate.core.marking import Marking
from streamgate.core.mosaic import Wanted, must_be_coded
from streamgate.core.mosaics import Mosaics
from streamgate.core.packet import Aired, FeedFormat, Kind, Packet
from streamgate.core.program import Program
from streamgate.core.redaction import SLATE, Replacement, replace_sound
from streamgate.core.ring import REFILLED, Held, Ring
from streamgate.core.spans import MOSAIC, Span, SpanKind, Spans
from streamgate.core.standby import STANDBY, STANDBY_REFILLED, SWITCH_WAIT_US, Standby, is_standby
from streamgate.errors import Refused

SECOND_US = 1_000_000
GAP_US = SECOND_US  # filler covers a longer gap in the arrivals; a shorter one is jitter
OVERFLOW_US = 5 * SECOND_US  # the gap airs one delay later and ends at the next keyframe
EARLY_AUDIO_US = SECOND_US  # audio up to this long before the entry keyframe airs with it


class Live(NamedTuple):
    """Live airs, from `run`. Pictures before `entry_pts` (source PTS) refer to ones that did not air."""

    run: int
    entry_pts: int
    frame_us: int


class Notice(NamedTuple):
    """An event of the gate. `code`: on_air, live, filler, stopped, violation, overflow or overflow_end."""

    code: str
    detail: str = ""


class Why(NamedTuple):
    """Why filler airs.

    `code`: "start" (nothing is due yet), "cut", "dump", "condemn", "mute", "bleep" and "mosaic" (the
    replacement of sound or picture is not ready), "backup", "no_input", "overflow" (of the ring),
    "format" (a new source or format, before its first keyframe), "no_filler" (for that format),
    "delay" (it was raised), "violation", "gate_killed" (packets that came while the gate was dead, or were
    not yet recorded when it died). `actor`: who gave the command, "" without one.
    """

    code: str
    actor: str = ""


class Gate:
    """One channel's gate.

    Every method takes `now` in microseconds of a monotonic clock; if that steps back, the latest time counts.
    """

    def __init__(self, delay_s: float, *, max_ring_bytes: int = 1 << 30) -> None:
        self._delay = Delay(delay_s)
        self.ring = Ring(max_ring_bytes)
        self.standby = Standby(max_ring_bytes)
        self.spans = Spans()
        self.marking = Marking(self.spans, self.ring_wanted)
        self.mosaics = Mosaics(self.spans, self)
        self.on_air = False
        self.backup: str | None = None  # backup footage chosen by a command
        self._backup_actor = ""
        self._switch_by = 0  # until then the main camera may air while the standby is wanted
        self._parting: str | None = None  # the backup that airs until live returns
        self.notices: list[Notice] = []
        self.delay_errors_us: deque[int] = deque(maxlen=4096)
        self._now = 0
        self.settled_us = 0  # earlier arrivals must not return after a kill: see `core.refill`
        self._formats: dict[int, FeedFormat] = {}  # by run
        self._refilled_series: dict[int, int] = {}  # by run
        self._run = 0
        self._input_format: FeedFormat | None = None
        self._await_keyframe = True
        self._overflowing = False
        self.overflow_at: int | None = None  # when the ring last rejected a packet in this broadcast
        self._clips: dict[FeedFormat | None, dict[str, Clip]] = {}  # per feed format; None: no feed seen yet
        self._clips_in_use: FeedFormat | None = None
        self._reorder_ms = 0.0
        self.remembered: tuple[FeedFormat | None, ...] = ()  # formats of a killed process: see `install`
        self._start_over()

    def _start_over(self) -> None:
        self._parting = None
        self._why = Why("start")
        self._program = Program()
        self._filler_name = SLATE
        self._live: Live | None = None
        self._early: deque[Held] = deque()
        self._last_live_us = 0
        self._last_arrival = 0

    # ------------------------------------------------------------ input

    def feed(self, format_: FeedFormat, now: int) -> None:
        """Set the format of the packets that follow: a source begins, or its parameters change.

        Tracks that no filler can be joined to are not held and never air.
        """
        self._tick(now)
        self._input_format = airable(format_)
        self._begin_run(self._input_format)

    def _begin_run(self, format_: FeedFormat) -> None:
        """Begin a new run: later packets do not refer to earlier ones and start with a keyframe."""
        held = {run for _, run in self.ring.keyframes()}
        if self._live is not None:
            held.add(self._live.run)
        self._formats = {run: known for run, known in self._formats.items() if run in held}
        self._run += 1
        self._formats[self._run] = format_
        self._await_keyframe = True

    def packet(self, packet: Packet, now: int, number: int = 0) -> None:
        """Take an input packet. Off air the gate holds nothing. `number`: as in `Aired`."""
        now = self._tick(now)
        source = self._input_format
        if not self.on_air or source is None or source.video is None:
            return
        if packet.kind is Kind.AUDIO and source.audio is None:
            return
        if packet.kind is Kind.VIDEO and self._await_keyframe:
            if not packet.keyframe:
                return
            self._await_keyframe = False
            self._reorder_ms = float(packet.pts - packet.dts)
        if self.ring.add(Held(now, self._run, packet, number)):
            if self._overflowing and packet.keyframe:
                self._overflowing = False
                self.notices.append(Notice("overflow_end"))
            return
        # No room: this packet never airs, nor do those that refer to it.
        self.overflow_at = now
        if not self._overflowing:
            self._overflowing = True
            self.notices.append(Notice("overflow", f"{self.ring.max_bytes}"))
        self._begin_run(source)

    def standby_feed(self, format_: FeedFormat, now: int) -> None:
        """Set the standby camera's format, as `feed` does."""
        self._tick(now)
        self.standby.feed(format_, None if self._live is None else self._live.run)

    def standby_packet(self, packet: Packet, now: int, number: int = 0) -> None:
        """Take a packet of the standby camera, as `packet` does."""
        now = self._tick(now)
        airing = None if self._live is None else self._live.run
        if self.on_air and not self.standby.packet(packet, now, number, airing):
            self.overflow_at = now

    def refill(self, feed: FeedFormat, older: Sequence[Held], series: int, now: int) -> int:
        """Refill the ring with packets that a killed gate held; return their number, 0 when none may air.

        `older`: as `core.refill` chose them, in order of arrival, all of run REFILLED or all of
        STANDBY_REFILLED, from one source. `feed`: its format as it airs. `series`: of their numbers. The gate
        skips packets up to the first keyframe that is not due yet. Call it once per broadcast and input.
        """
        now = self._tick(now)
        run = older[0].run if older else REFILLED
        ring, formats = self.ring, self._formats
        if is_standby(run):
            ring, formats = self.standby.ring, self.standby.formats
        if not self.on_air or self.spans.open is not None or run in formats:
            return 0
        begin = next(
            (
                index
                for index, held in enumerate(older)
                if held.packet.keyframe and self.air_time(held.arrival) > now
            ),
            len(older),
        )
        older = older[begin:]
        newest_us = now if ring.head is None else min(now, ring.head.arrival)
        if not older or older[-1].arrival > newest_us or not ring.add_before(older):
            return 0
        formats[run], self._refilled_series[run] = feed, series
        return len(older)

    def install(self, clip: Clip, name: str, feed: FeedFormat | None) -> None:
        """Install a filler clip conformed to `feed` (None: to the channel's default, before any feed).

        Clips for formats no longer in use are dropped.
        """
        self._clips.setdefault(feed, {})[name] = clip
        keep = {feed, self._clips_in_use, self._input_format, *(self._formats.values())}
        keep |= {self.standby.format, *self.standby.formats.values(), *self.remembered}
        self._clips = {key: clips for key, clips in self._clips.items() if key in keep}

    def forget(self, name: str, *feeds: FeedFormat | None) -> None:
        """Remove a clip; if it is on air, the slate replaces it. `feeds`: only as conformed to these."""
        for feed, clips in self._clips.items():
            if not feeds or feed in feeds:
                clips.pop(name, None)

    def clip(self, name: str, feed: FeedFormat | None) -> Clip | None:
        return self._clips.get(feed, {}).get(name)

    # ------------------------------------------------------------ commands

    def start(self, now: int) -> None:
        """Begin a broadcast: filler airs once a slate is installed, live once the first packet is due."""
        now = self._tick(now)
        if self.on_air:
            raise Refused("the channel is on air already", "频道已在播出")
        self._start_over()
        self._drop_held(now)
        self.backup = None
        self._delay.settle()
        self.overflow_at = None
        self._await_keyframe = True
        self.on_air = True
        if self._input_format is not None and SLATE in self._clips.get(self._input_format, {}):
            self._clips_in_use = self._input_format
        self.notices.append(Notice("on_air"))

    def stop(self, now: int) -> None:
        """End the broadcast. Packets in the ring never air."""
        now = self._tick(now)
        if not self.on_air:
            raise Refused("the channel is not on air", "频道未在播出")
        self.on_air = False
        self.backup = None
        self._drop_held(now)
        self._delay.settle()
        self._start_over()
        self.notices.append(Notice("stopped"))

    def _drop_held(self, now: int) -> None:
        self.ring.clear()
        self.standby.clear()
        self.spans.clear()
        self.mosaics.clear()
        self._formats.pop(REFILLED, None)
        self.remembered = ()
        self.settled_us = now

    def cut(self, now: int, actor: str = "", reason: str = "") -> Span:
        """Condemn everything in the ring and all that arrives until `restore`."""
        now = self._tick(now)
        self._must_be_on_air()
        self._parting = None
        self.settled_us = now
        return self.spans.condemn_from(0, actor, reason)

    def restore(self, now: int) -> None:
        """End the cut in force: the program returns at the first keyframe that arrives from now on."""
        now = self._tick(now)
        self._must_be_on_air()
        if self.spans.open is None:
            raise Refused(
                "nothing is cut; restore ends a cut (live returns from backup)",
                "当前没有切断；「恢复」用于结束切断，从备用画面返回请用「回到直播」",
            )
        self.spans.release(now)
        self.settled_us = now

    def uncut(self, now: int) -> Span:
        """Undo the cut in force, or the newest one: packets that are not due yet can air again."""
        span = self.marking.find_cut(self.past(now))
        self.lift(span, now)
        return span

    def dump(self, seconds: float, now: int, actor: str = "", reason: str = "") -> Span:
        """Condemn the newest `seconds`."""
        now = self._tick(now)
        self._must_be_on_air()
        limit = self.delay_us / SECOND_US
        if not 0 < seconds <= limit:
            raise Refused(
                f"dump {seconds:g} s: allowed are more than 0 and at most the delay, {limit:g} s",
                f"丢弃 {seconds:g} 秒不允许：须大于 0 且不超过延时 {limit:g} 秒",
            )
        return self.spans.condemn(max(0, now - round(seconds * SECOND_US)), now, actor, "dump", reason)

    def mark(
        self,
        kind: SpanKind,
        ends: tuple[int, int],
        now: int,
        actor: str = "",
        reason: str = "",
        *,
        box: Box | None = None,
    ) -> Span:
        """Condemn or redact arrivals between `ends`, both inclusive, aligned to pictures and keyframes.

        `box`: of a mosaic; None: the whole picture.
        """
        now = self._tick(now)
        self._must_be_on_air()
        if kind == MOSAIC:
            must_be_coded(self.standby.format if self._wants_standby else self._input_format)
        return self.marking.mark(kind, ends, now, actor=actor, reason=reason, box=box)

    def move(self, span: Span, ends: tuple[int, int], now: int) -> None:
        """Change the ends of a span. It does not change for packets that have fallen due."""
        past = self.past(now)
        self._must_be_on_air()
        self.marking.move(span, ends, self._now, past)

    def lift(self, span: Span, now: int) -> None:
        """Lift a span: its packets that are not due yet can air."""
        past = self.past(now)
        self._must_be_on_air()
        self.marking.lift(span, past)

    def take_back(self, spans: Iterable[Span], number: int, now: int) -> None:
        """Restore the spans of a killed process: call it after `start`.

        `number`: of the newest span's id. Times must be from the same boot.
        """
        self._tick(now)
        self.spans.take_back(spans, number)

    def past(self, now: int) -> int:
        """Return the newest arrival that has fallen due: commands cannot affect it or earlier ones."""
        return max(self._delay.past(self._tick(now)), self.ring.popped, self.standby.ring.popped)

    def air_backup(self, name: str, now: int, actor: str = "") -> None:
        """Air backup footage without condemning anything. The slate airs until the clip is ready.

        STANDBY: the standby camera airs from its next keyframe due. Until then the main camera airs, if that
        keyframe is due within SWITCH_WAIT_US; else the slate does, at once.
        """
        now = self._tick(now)
        self._must_be_on_air()
        if not self._wants_standby:
            self._switch_by = now + SWITCH_WAIT_US
        self.backup, self._backup_actor = name, actor

    def air_live(self, now: int) -> None:
        """Return from backup at the next keyframe due."""
        self._tick(now)
        self._must_be_on_air()
        if self.spans.open is not None:
            raise Refused("the channel is cut; restore ends the cut", "频道已切断；请用「恢复」结束切断")
        if self.backup is None:
            raise Refused("no backup is on air; there is nothing to return from", "当前没有播出备用画面")
        self._parting, self.backup = self.backup, None

    def end_backup(self, now: int) -> None:
        """Return from backup as `air_live` does; a cut stays in force. Without a backup nothing happens."""
        self._tick(now)
        if self.backup is not None:
            self._parting = self.backup if self.spans.open is None else None
            self.backup = None

    @property
    def backup_actor(self) -> str:
        """Who commanded the backup in force; "" when there is none."""
        return self._backup_actor if self.backup is not None else ""

    def set_delay(self, seconds: float, now: int) -> None:
        """Change the delay. On air it can only be raised: filler covers the difference, at a keyframe."""
        now = self._tick(now)
        delay = check_delay(seconds)
        if not self.on_air:
            self._delay.set(delay)
            return
        if delay < self.delay_us:
            raise Refused(
                f"a delay of {seconds:g} s is below the {self.delay_us / SECOND_US:g} s in force;"
                " on air it can only be raised; stop first",
                f"延时 {seconds:g} 秒低于当前 {self.delay_us / SECOND_US:g} 秒；播出中只能增加，请先停播",
            )
        if delay > self.delay_us:
            self.settled_us = now
        keyframe = next((arrival for arrival, _ in self._ring_on_air().keyframes()), None)
        self._delay.raise_to(delay, None if self._live is None else keyframe)

    # ------------------------------------------------------------ output

    def advance(self, now: int) -> list[Aired]:
        """Return what is to be sent now, in order."""
        now = self._tick(now)
        if not self.on_air:
            return []
        if self._must_leave_main():
            self._leave(now, Why("backup", self._backup_actor))
        while (ring := self._next_ring()) is not None and self._due_at(ring) <= now:
            self._due(ring.pop(), now)
        if self._live is not None and (self._blocked() or self._leave_at(self._live) <= now):
            self._leave(now, self._why_dry(now))
        if self._live is None:
            self._why = self._why_blocked() or self._why
            self._play_filler(now)
        head = None if ring is None else ring.head
        self._delay.take_hold(None if head is None else head.arrival)
        self.spans.forget_before(now - self.delay_us - 2 * SECOND_US)
        self.mosaics.forget_before(now - self.delay_us - 2 * SECOND_US)
        return self._program.take()

    def next_wake(self) -> int | None:
        """When to call `advance` next; None: not before the next input or command."""
        if not self.on_air:
            return None
        ring = self._next_ring()
        due = None if ring is None else self._due_at(ring)
        other = self._program.next_filler_us if self._live is None else self._leave_at(self._live)
        if due is None or other is None:
            return other if due is None else due
        return min(due, other)

    @property
    def delay_us(self) -> int:
        """The delay of packets that arrive now."""
        return self._delay.us

    @property
    def header(self) -> FeedFormat | None:
        """The codec configuration that the program has announced; None before its first packet."""
        return self._program.header

    @property
    def part(self) -> FeedFormat | None:
        """The format on air at the moment, the feed's or the filler's."""
        return self._program.part

    @property
    def filler_name(self) -> str:
        """Name of the filler on air; while live, of the one that would air."""
        return self._filler_name if self._live is None else self.backup or SLATE

    @property
    def can_air(self) -> bool:
        """Whether the source has a video track that can air."""
        return self._input_format is not None and self._input_format.video is not None

    @property
    def live(self) -> bool:
        return self._live is not None

    def last_arrival(self) -> int | None:
        """Arrival of the newest live picture aired, while live."""
        return self._last_arrival if self._live is not None else None

    def returns_at(self) -> int | None:
        """When the program returns to live by itself; None while live, or without a keyframe that may air."""
        if not self.on_air or self._live is not None or self._blocked():
            return None
        return self._clean_keyframe_at(self.ring_wanted())

    # ------------------------------------------------------------ main camera and standby

    @property
    def _wants_standby(self) -> bool:
        return self.backup == STANDBY

    @property
    def standby_airs(self) -> bool:
        return self._live is not None and is_standby(self._live.run)

    def ring_wanted(self) -> Ring:
        return self.standby.ring if self._wants_standby else self.ring

    def format_of(self, run: int) -> FeedFormat | None:
        return (self.standby.formats if is_standby(run) else self._formats).get(run)

    def ring_of(self, run: int) -> Ring:
        return self.standby.ring if is_standby(run) else self.ring

    def air_time(self, arrival: int) -> int:
        """Return when a packet that arrived at `arrival` is due."""
        return self._delay.due(arrival)

    def _ring_on_air(self) -> Ring:
        return self.standby.ring if self.standby_airs else self.ring

    def _next_ring(self) -> Ring | None:
        """Return the ring with the oldest packet; None when both are empty."""
        main, standby = self.ring.head, self.standby.ring.head
        if standby is None:
            return None if main is None else self.ring
        return self.ring if main is not None and main.arrival <= standby.arrival else self.standby.ring

    def _due_at(self, ring: Ring) -> int:
        assert ring.head is not None
        return self.air_time(ring.head.arrival)

    def _clean_keyframe_at(self, ring: Ring) -> int | None:
        """Return when the first keyframe in `ring` that may air is due; None: there is none."""
        for arrival, run in ring.keyframes():
            if not self.spans.condemned(arrival) and self.mosaics.may_begin(arrival, run):
                return self.air_time(arrival)
        return None

    def _must_leave_main(self) -> bool:
        """Whether filler must replace the main camera because the wanted standby takes too long.

        An operator wants the main camera off air. In the other direction the standby airs until the main
        camera's keyframe is due.
        """
        if self._live is None or is_standby(self._live.run) or not self._wants_standby:
            return False
        at = self._clean_keyframe_at(self.standby.ring)
        return at is None or at > self._switch_by

    def _concerns(self, held: Held) -> bool:
        """Whether a packet is of the wanted input or of the run on air."""
        live = self._live
        return is_standby(held.run) == self._wants_standby or (live is not None and held.run == live.run)

    # ------------------------------------------------------------ due packets

    def _due(self, held: Held, now: int) -> None:
        """Handle a packet whose age has reached the delay: air it or drop it."""
        live = self._live
        if not self._concerns(held):
            return
        if held.packet.keyframe:
            switches = live is not None and is_standby(live.run) != is_standby(held.run)
            if switches and not self.mosaics.may_begin(held.arrival, held.run):
                return  # the other camera airs on: it is not left for filler
            self._begin_group(held)
        if self._blocked() or self.spans.condemned(held.arrival) or self._is_unready(held):
            why = self._why_blocked() or self._why_condemned(held.arrival)
            if live is not None:
                self._leave(now, why)
            self._why = why
            self._early.clear()
        elif live is not None and held.run == live.run:
            if held.packet.kind is not Kind.VIDEO or held.packet.pts >= live.entry_pts:
                self._air(held, now)
        elif held.packet.keyframe:
            self._enter(held, now)
        elif held.packet.kind is Kind.VIDEO:
            if live is not None and is_standby(live.run) == is_standby(held.run):
                self._leave(now, self._why_dry(now, "format"))
        elif held.packet.kind is Kind.AUDIO:
            self._early.append(held)
            while self._early[0].arrival < held.arrival - EARLY_AUDIO_US:
                self._early.popleft()

    def _enter(self, held: Held, now: int) -> None:
        """Splice to live at a keyframe, if a slate in its format exists for leaving live again."""
        feed = self.format_of(held.run)
        slate = self._clips.get(feed, {}).get(SLATE)
        if feed is None or feed.video is None or slate is None:
            if self._live is not None:
                self._leave(now, Why("no_filler"))
            return
        self._clips_in_use = feed
        self._parting = None
        self._reorder_ms = float(held.packet.pts - held.packet.dts)
        series = self.standby.series if is_standby(held.run) else 0
        if held.run in {REFILLED, STANDBY_REFILLED}:
            series = self._refilled_series[held.run]
        self._program.enter_live(held.packet, feed, slate, series)
        self._live = Live(held.run, held.packet.pts, round(feed.video.frame_ms * 1000))
        self.notices.append(Notice("live", STANDBY if is_standby(held.run) else ""))
        self._air(held, now)
        early, self._early = self._early, deque()
        for audio in early:
            if audio.run == held.run and not self.spans.condemned(audio.arrival):
                self._air(audio, now)

    def _begin_group(self, keyframe: Held) -> None:
        """Begin a GOP that falls due: it airs with its mosaic, or unchanged."""
        live = self._live
        if self.mosaics.airs and live is not None:  # pictures shown before it may refer to covered ones
            self._live = live._replace(entry_pts=keyframe.packet.pts)
        self.mosaics.end_group()
        feed = self.format_of(keyframe.run)
        slate = self.clip(SLATE, feed)
        if self.spans.hides and feed is not None and slate is not None:
            self.mosaics.begin(keyframe, self._program.header_to_enter(feed, slate))

    def _air(self, held: Held, now: int) -> None:
        """Send a live packet after the last check of invariants 1 and 2; on failure, leave live instead."""
        delay = self._delay.of(held.arrival)
        age = now - held.arrival
        if age < max(delay, MIN_DELAY_US) or self.spans.condemned(held.arrival) or self.mosaics.hides(held):
            self.settled_us = now
            self.notices.append(Notice("violation", f"a packet {age} us old with a delay of {delay} us"))
            self._leave(now, Why("violation"))
            return
        if held.packet.kind is Kind.VIDEO:
            self.delay_errors_us.append(age - delay)
            self._last_live_us = now
            self._last_arrival = held.arrival
            if self.mosaics.airs:
                for picture, arrival, of in self.mosaics.step():
                    self._program.live(picture, arrival, of.number, of)
                return
        instead = None
        if self.spans.redacts and held.packet.kind is Kind.AUDIO:
            span = self.spans.redaction(held.arrival)
            instead = None if span is None else self._replacement(span, held)
            if span is not None and instead is None:
                return
        self._program.live(held.packet, held.arrival, held.number, instead)

    def mosaics_wanted(self, now: int) -> list[tuple[Wanted, FeedFormat]]:
        """Return the GOPs that need a mosaic, each with its format, in the order they are due."""
        now = self._tick(now)
        return self.mosaics.wanted(now) if self.on_air else []

    def install_mosaic(self, wanted: Wanted, feed: FeedFormat, clip: Clip, now: int) -> bool:
        """Install the mosaic of a GOP of `feed`. False: it came too late, or does not fit."""
        now = self._tick(now)
        return self.on_air and self.mosaics.install(wanted, feed, clip, now)

    def mosaics_missed(self, now: int) -> set[str]:
        """Return ids of spans where filler airs for a GOP: its mosaic was not ready 5 s before air."""
        return self.mosaics.missed(self._tick(now))

    def can_redact(self, span: Span) -> bool:
        """Whether the replacement of a span's sound or pictures is ready; if not, filler airs."""
        if span.why == MOSAIC:
            return self.mosaics.is_ready(span, self._now)
        wanted = self.standby.format if self._wants_standby else self._input_format
        feed = wanted or self._clips_in_use
        if not span.redacts or feed is None or feed.audio is None:
            return True
        return replace_sound(span.why, "", self._clips.get(feed, {}), feed.audio, 0) is not None

    def _is_unready(self, held: Held) -> bool:
        """Whether a packet is redacted and its replacement is not ready."""
        if self.mosaics.hides(held):
            return True
        span = self.spans.redaction(held.arrival) if self.spans.redacts else None
        if span is None:
            return False
        feed = self.format_of(held.run)
        return feed is not None and feed.audio is not None and self._replacement(span, held) is None

    def _replacement(self, span: Span, held: Held) -> Replacement | None:
        feed = self.format_of(held.run)
        track = None if feed is None else feed.audio
        return replace_sound(span.why, span.actor, self._clips.get(feed, {}), track, held.number)

    def _leave_at(self, live: Live) -> int:
        """Return when to leave live: one frame after its last picture, if the next is due too late."""
        following = self._ring_on_air().next_video()
        if following is not None:
            due = self.air_time(following.arrival)
            if due - self._last_live_us <= max(GAP_US, 3 * live.frame_us):
                return due
        return self._last_live_us + live.frame_us

    def _leave(self, now: int, why: Why) -> None:
        self._live, self._why = None, why
        self.mosaics.leave()
        self._early.clear()
        self._play_filler(now)

    @property
    def why(self) -> Why:
        """Why filler airs, or did last."""
        return self._why

    def _why_blocked(self) -> Why | None:
        """Return the command in force that keeps live off air; None when there is none."""
        if (cut := self.spans.open) is not None:
            return Why(cut.why, cut.actor)
        by_choice = self.backup is not None and not self._wants_standby
        return Why("backup", self._backup_actor) if by_choice else None

    def _why_condemned(self, arrival: int) -> Why:
        span = self.spans.find(arrival) or self.spans.redaction(arrival)
        span = span or next(iter(self.spans.mosaics(arrival, arrival)), None)
        return Why("violation") if span is None else Why(span.why, span.actor)

    def _why_dry(self, now: int, otherwise: str = "") -> Why:
        """Return why no live packet is due."""
        if (blocked := self._why_blocked()) is not None:
            return blocked
        if self.overflow_at is not None and now - self.overflow_at < self.delay_us + OVERFLOW_US:
            return Why("overflow")
        if otherwise:
            return Why(otherwise)
        following = self._ring_on_air().next_video()
        refilled = self._live is not None and self._live.run in {REFILLED, STANDBY_REFILLED}
        if refilled and following is not None:
            return Why("gate_killed")
        # the next picture came in time but is not due: the delay was raised before it
        raised = following is not None and following.arrival - self._last_arrival <= GAP_US
        return Why("delay" if raised else "no_input")

    # ------------------------------------------------------------ filler

    def _play_filler(self, now: int) -> None:
        wanted = self._wanted_clip()
        if wanted is None:
            return  # nothing has aired yet: live is not entered before there is a slate
        self._play(*wanted, now)
        if self._program.filler_late:  # its disk is slow: the slate now, the clip when it is in memory
            slate = self._clips[self._clips_in_use][SLATE]
            self._play(SLATE, slate, now)

    def _play(self, name: str, clip: Clip, now: int) -> None:
        if self._program.clip is not clip:
            self._program.enter_filler(clip, self._clips_in_use, self._reorder_ms, now)
            self._filler_name = name
            self.notices.append(Notice("filler", name))
        self._program.play_filler(self._reorder_ms, now)

    def _wanted_clip(self) -> tuple[str, Clip] | None:
        """Return the filler to air: the chosen backup if it is ready, else the slate."""
        if SLATE not in self._clips.get(self._clips_in_use, {}):
            usable = [feed for feed, clips in self._clips.items() if SLATE in clips]
            if not usable:
                return None
            self._clips_in_use = self._input_format if self._input_format in usable else usable[-1]
        clips = self._clips[self._clips_in_use]
        name = self.backup or (self._parting if self.returns_at() is not None else None)
        usable_by_name = name is not None and name in clips and clips[name].ready
        return (name, clips[name]) if name is not None and usable_by_name else (SLATE, clips[SLATE])

    # ------------------------------------------------------------ small things

    def _tick(self, now: int) -> int:
        self._now = max(self._now, now)
        return self._now

    def _blocked(self) -> bool:
        return (self.backup is not None and not self._wants_standby) or self.spans.open is not None

    def _must_be_on_air(self) -> None:
        if not self.on_air:
            raise Refused("the channel is not on air; start it, or publish to it", "频道未在播出")
