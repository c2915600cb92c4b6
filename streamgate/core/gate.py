"""The gate: what airs and what does not. One pure state machine per channel.

Events and `now` in, packets out. A packet is *due* when its age reaches the delay. It *airs* if it is due,
not condemned, and decodable from what aired since the last splice. Otherwise filler airs. Invariants 1 to 4
of the architecture are kept here; `_air` checks the first two once more for each live packet that leaves.
"""

from collections import deque
from typing import NamedTuple

from streamgate.core.clip import Clip
from streamgate.core.delay import MIN_DELAY_US, check_delay
from streamgate.core.headers import airable
from streamgate.core.packet import Aired, FeedFormat, Kind, Packet
from streamgate.core.program import Program
from streamgate.core.ring import Held, Ring
from streamgate.core.spans import Spans
from streamgate.errors import Refused

SECOND_US = 1_000_000
GAP_US = SECOND_US  # a longer hole in the arrivals is filled; a shorter one is jitter, passed on as it came
OVERFLOW_US = 5 * SECOND_US  # its hole airs a delay later, and lasts until the keyframe after it
EARLY_AUDIO_US = SECOND_US  # audio that came this long before the keyframe it belongs to still joins it
SLATE = "slate"


class Live(NamedTuple):
    """Packets of `run` air. Pictures shown before `entry_pts` (of the source) refer to what did not air."""

    run: int
    entry_pts: int
    frame_us: int


class Notice(NamedTuple):
    """Something happened: `code` is on_air, live, filler, stopped, violation, overflow or overflow_end."""

    code: str
    detail: str = ""


class Why(NamedTuple):
    """Why filler airs.

    `code`: "start" (nothing is due yet), "cut", "dump", "backup", "no_input", "overflow" (of the ring),
    "format" (another source or format, which has yet to bring a keyframe), "no_filler" (for that format),
    "delay" (it was raised), "violation". `actor`: who commanded it, "" when nobody did.
    """

    code: str
    actor: str = ""


class Gate:
    """One channel's gate.

    Every method takes `now` in microseconds of a monotonic clock; if it ever runs
    backwards the latest time seen counts.
    """

    def __init__(self, delay_s: float, *, max_ring_bytes: int = 1 << 30) -> None:
        self._delay_us = check_delay(delay_s)
        self._raise: tuple[int, int] | None = None  # (from this arrival on, delay_us)
        self.ring = Ring(max_ring_bytes)
        self.spans = Spans()
        self.on_air = False
        self.backup: str | None = None  # filler by choice
        self._backup_actor = ""
        self._parting: str | None = None  # the backup that airs on until live is back
        self.notices: list[Notice] = []
        self.delay_errors_us: deque[int] = deque(maxlen=4096)
        self._now = 0
        self._formats: dict[int, FeedFormat] = {}  # by run
        self._run = 0
        self._input_format: FeedFormat | None = None
        self._await_keyframe = True
        self._overflowing = False
        self.overflow_at: int | None = None  # when a packet last found no room in this broadcast
        self._clips: dict[FeedFormat | None, dict[str, Clip]] = {}  # per feed format; None: no feed seen yet
        self._clips_in_use: FeedFormat | None = None
        self._reorder_ms = 0.0
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
        """A source begins, or its parameters change: what `packet` brings from now on is of this format.

        Tracks that no filler can be joined to are not held and never air.
        """
        self._tick(now)
        self._input_format = airable(format_)
        self._begin_run(self._input_format)

    def _begin_run(self, format_: FeedFormat) -> None:
        """What comes now does not refer to what came before; it begins with a keyframe."""
        held = {run for _, run in self.ring.keyframes()}
        if self._live is not None:
            held.add(self._live.run)
        self._formats = {run: known for run, known in self._formats.items() if run in held}
        self._run += 1
        self._formats[self._run] = format_
        self._await_keyframe = True

    def packet(self, packet: Packet, now: int, number: int = 0) -> None:
        """A packet came in. While the channel is off air nothing is held. `number`: as in `Aired`."""
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
        # No room: this packet never airs, nor does what refers to it.
        self.overflow_at = now
        if not self._overflowing:
            self._overflowing = True
            self.notices.append(Notice("overflow", f"{self.ring.max_bytes}"))
        self._begin_run(source)

    def install(self, clip: Clip, name: str, feed: FeedFormat | None) -> None:
        """A filler clip is ready, conformed to `feed` (None: to the channel's default, before any feed)."""
        self._clips.setdefault(feed, {})[name] = clip
        keep = {feed, self._clips_in_use, self._input_format, *(self._formats.values())}
        self._clips = {key: clips for key, clips in self._clips.items() if key in keep}

    def forget(self, name: str) -> None:
        """A clip is no longer to be used; the slate takes its place if it is on air."""
        for clips in self._clips.values():
            clips.pop(name, None)

    def clip(self, name: str, feed: FeedFormat | None) -> Clip | None:
        return self._clips.get(feed, {}).get(name)

    # ------------------------------------------------------------ commands

    def start(self, now: int) -> None:
        """Begin a broadcast: filler airs as soon as there is a slate; live when the first packet is due."""
        self._tick(now)
        if self.on_air:
            raise Refused("the channel is on air already", "频道已在播出")
        self._start_over()
        self.ring.clear()
        self.spans.clear()
        self.backup = None
        self._raise = None
        self.overflow_at = None
        self._await_keyframe = True
        self.on_air = True
        if self._input_format is not None and SLATE in self._clips.get(self._input_format, {}):
            self._clips_in_use = self._input_format
        self.notices.append(Notice("on_air"))

    def stop(self, now: int) -> None:
        """End the broadcast. What is in the ring never airs."""
        self._tick(now)
        if not self.on_air:
            raise Refused("the channel is not on air", "频道未在播出")
        self.on_air = False
        self.backup = None
        self.ring.clear()
        self.spans.clear()
        if self._raise is not None:
            self._delay_us = max(self._delay_us, self._raise[1])
            self._raise = None
        self._start_over()
        self.notices.append(Notice("stopped"))

    def cut(self, now: int, actor: str = "") -> None:
        """Condemn everything in the ring and all that arrives until `restore`."""
        now = self._tick(now)
        self._must_be_on_air()
        self._parting = None
        self.spans.condemn_from(0, actor)

    def restore(self, now: int) -> None:
        """End the condemnation in force: the program returns at the first keyframe that arrives from now."""
        now = self._tick(now)
        self._must_be_on_air()
        if self.spans.open is None:
            raise Refused(
                "nothing is cut; restore ends a cut (live returns from backup)",
                "当前没有切断；「恢复」用于结束切断，从备用画面返回请用「回到直播」",
            )
        self.spans.release(now)

    def dump(self, seconds: float, now: int, actor: str = "") -> None:
        """Condemn the newest `seconds`."""
        now = self._tick(now)
        self._must_be_on_air()
        limit = self.delay_us / SECOND_US
        if not 0 < seconds <= limit:
            raise Refused(
                f"dump {seconds:g} s: allowed are more than 0 and at most the delay, {limit:g} s",
                f"丢弃 {seconds:g} 秒不允许：须大于 0 且不超过延时 {limit:g} 秒",
            )
        self.spans.condemn(max(0, now - round(seconds * SECOND_US)), now, actor)

    def air_backup(self, name: str, now: int, actor: str = "") -> None:
        """Air backup footage by choice; nothing is condemned. The slate airs until the clip is ready."""
        self._tick(now)
        self._must_be_on_air()
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

    def set_delay(self, seconds: float, now: int) -> None:
        """Change the delay. On air it can only be raised; filler covers the difference, from a keyframe."""
        self._tick(now)
        delay = check_delay(seconds)
        if not self.on_air:
            self._delay_us = delay
            return
        if delay < self.delay_us:
            raise Refused(
                f"a delay of {seconds:g} s is below the {self.delay_us / SECOND_US:g} s in force;"
                " on air it can only be raised; stop first",
                f"延时 {seconds:g} 秒低于当前 {self.delay_us / SECOND_US:g} 秒；播出中只能增加，请先停播",
            )
        if self._raise is not None:  # the earlier raise has not taken hold yet: raise that one
            self._raise = (self._raise[0], delay)
            return
        keyframe = next((arrival for arrival, _ in self.ring.keyframes()), None)
        if self._live is None or keyframe is None:
            self._delay_us = delay
        else:
            self._raise = (keyframe, delay)

    # ------------------------------------------------------------ output

    def advance(self, now: int) -> list[Aired]:
        """Return what is to be sent now, in order."""
        now = self._tick(now)
        if not self.on_air:
            return []
        while (head := self.ring.head) is not None and head.arrival + self._delay_for(head.arrival) <= now:
            self._due(self.ring.pop(), now)
        if self._live is not None and (self._blocked() or self._leave_at(self._live) <= now):
            self._leave(now, self._why_dry(now))
        if self._live is None:
            self._why = self._why_blocked() or self._why
            self._play_filler(now)
        if self._raise is not None and (head is None or head.arrival >= self._raise[0]):
            self._delay_us, self._raise = self._raise[1], None
        self.spans.forget_before(now - self.delay_us - 2 * SECOND_US)
        return self._program.take()

    def next_wake(self) -> int | None:
        """When `advance` has something to do next; None: not before the next input or command."""
        if not self.on_air:
            return None
        head = self.ring.head
        due = None if head is None else head.arrival + self._delay_for(head.arrival)
        other = self._program.next_filler_us if self._live is None else self._leave_at(self._live)
        if due is None or other is None:
            return other if due is None else due
        return min(due, other)

    @property
    def delay_us(self) -> int:
        """The delay in force for what arrives now."""
        return self._delay_us if self._raise is None else self._raise[1]

    @property
    def header(self) -> FeedFormat | None:
        """What the program has announced; None before it began to be sent."""
        return self._program.header

    @property
    def part(self) -> FeedFormat | None:
        """The format of what is on air at the moment, the feed's or the filler's."""
        return self._program.part

    @property
    def filler_name(self) -> str:
        """Name of the clip that airs as filler, or would."""
        return self._filler_name if self._live is None else self.backup or SLATE

    @property
    def can_air(self) -> bool:
        """Whether the source has a picture that can air."""
        return self._input_format is not None and self._input_format.video is not None

    @property
    def live(self) -> bool:
        return self._live is not None

    def last_arrival(self) -> int | None:
        """Arrival of the newest live picture aired, while live."""
        return self._last_arrival if self._live is not None else None

    def returns_at(self) -> int | None:
        """When the program returns to live by itself; None while live, or when nothing clean has arrived."""
        if not self.on_air or self._live is not None or self._blocked():
            return None
        for arrival, _ in self.ring.keyframes():
            if not self.spans.condemned(arrival):
                return arrival + self._delay_for(arrival)
        return None

    # ------------------------------------------------------------ what is due

    def _due(self, held: Held, now: int) -> None:
        """A packet's age has reached the delay: air it, or not."""
        live = self._live
        if self._blocked() or self.spans.condemned(held.arrival):
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
            if live is not None:
                self._leave(now, self._why_dry(now, "format"))
        elif held.packet.kind is Kind.AUDIO:
            self._early.append(held)
            while self._early[0].arrival < held.arrival - EARLY_AUDIO_US:
                self._early.popleft()

    def _enter(self, held: Held, now: int) -> None:
        """Splice to live at a keyframe, if there is filler to leave to again."""
        feed = self._formats.get(held.run)
        slate = self._clips.get(feed, {}).get(SLATE)
        if feed is None or feed.video is None or slate is None:
            if self._live is not None:
                self._leave(now, Why("no_filler"))
            return
        self._clips_in_use = feed
        self._parting = None
        self._reorder_ms = float(held.packet.pts - held.packet.dts)
        self._program.enter_live(held.packet, feed, slate)
        self._live = Live(held.run, held.packet.pts, round(feed.video.frame_ms * 1000))
        self.notices.append(Notice("live"))
        self._air(held, now)
        early, self._early = self._early, deque()
        for audio in early:
            if audio.run == held.run and not self.spans.condemned(audio.arrival):
                self._air(audio, now)

    def _air(self, held: Held, now: int) -> None:
        """Send a live packet. The last check of invariants 1 and 2: what fails it does not leave."""
        delay = self._delay_for(held.arrival)
        age = now - held.arrival
        if age < max(delay, MIN_DELAY_US) or self.spans.condemned(held.arrival):
            self.notices.append(Notice("violation", f"a packet {age} us old with a delay of {delay} us"))
            self._leave(now, Why("violation"))
            return
        if held.packet.kind is Kind.VIDEO:
            self.delay_errors_us.append(age - delay)
            self._last_live_us = now
            self._last_arrival = held.arrival
        self._program.live(held.packet, held.arrival, held.number)

    def _leave_at(self, live: Live) -> int:
        """When live has run dry: one frame after its last picture, if the next one is too far off."""
        following = self.ring.next_video()
        if following is not None:
            due = following.arrival + self._delay_for(following.arrival)
            if due - self._last_live_us <= max(GAP_US, 3 * live.frame_us):
                return due
        return self._last_live_us + live.frame_us

    def _leave(self, now: int, why: Why) -> None:
        self._live, self._why = None, why
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
        return Why("backup", self._backup_actor) if self.backup is not None else None

    def _why_condemned(self, arrival: int) -> Why:
        span = self.spans.find(arrival)
        return Why("violation") if span is None else Why(span.why, span.actor)

    def _why_dry(self, now: int, otherwise: str = "") -> Why:
        """Return why live has run dry: no command ended it."""
        if (blocked := self._why_blocked()) is not None:
            return blocked
        if self.overflow_at is not None and now - self.overflow_at < self.delay_us + OVERFLOW_US:
            return Why("overflow")
        if otherwise:
            return Why(otherwise)
        following = self.ring.next_video()  # it came in time and is not due: the delay was raised before it
        raised = following is not None and following.arrival - self._last_arrival <= GAP_US
        return Why("delay" if raised else "no_input")

    # ------------------------------------------------------------ filler

    def _play_filler(self, now: int) -> None:
        wanted = self._wanted_clip()
        if wanted is None:
            return  # nothing was ever aired yet: live is not entered before there is a slate
        self._play(*wanted, now)
        if self._program.filler_late:  # its disk is slow: the slate at once, and the clip when it is there
            slate = self._clips[self._clips_in_use][SLATE]
            self._play(SLATE, slate, now)

    def _play(self, name: str, clip: Clip, now: int) -> None:
        if self._program.clip is not clip:
            self._program.enter_filler(clip, self._clips_in_use, self._reorder_ms, now)
            self._filler_name = name
            self.notices.append(Notice("filler", name))
        self._program.play_filler(self._reorder_ms, now)

    def _wanted_clip(self) -> tuple[str, Clip] | None:
        """The filler to air: the backup asked for if it is ready, else the slate."""
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

    def _delay_for(self, arrival: int) -> int:
        if self._raise is not None and arrival >= self._raise[0]:
            return self._raise[1]
        return self._delay_us

    def _blocked(self) -> bool:
        return self.backup is not None or self.spans.open is not None

    def _must_be_on_air(self) -> None:
        if not self.on_air:
            raise Refused("the channel is not on air; start it, or publish to it", "频道未在播出")
