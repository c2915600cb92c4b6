"""One channel of the stand-in gate: what is due and not condemned airs, else filler."""

from collections import deque
from collections.abc import Iterator

from tools.testfeed import Feed

from streamgate.clock import now_us, wall_s
from streamgate.core.packet import Packet
from streamgate.link.messages import (
    ArchiveStatus,
    Backup,
    ChannelRequest,
    ChannelStatus,
    ClipStatus,
    Cut,
    CutStatus,
    DestinationStatus,
    Dump,
    IngestStatus,
    Live,
    Requested,
    Restore,
    SpanStatus,
    Start,
    State,
    Stop,
    Warn,
)

CLIPS = ("slate", "pause.mp4")


class RefusedError(Exception):
    pass


class Loop:
    """Plays a feed for ever: `due(t_ms)` yields the packets whose DTS has come, on one rising timeline."""

    def __init__(self, feed: Feed, start_ms: int) -> None:
        self.feed, self._offset, self._index = feed, start_ms, 0

    def due(self, t_ms: int) -> Iterator[Packet]:
        packets = self.feed.packets
        while packets[self._index].dts + self._offset <= t_ms:
            p = packets[self._index]
            yield Packet(p.kind, p.dts + self._offset, p.pts + self._offset, p.keyframe, p.data)
            self._index += 1
            if self._index == len(packets):
                self._index, self._offset = 0, self._offset + self.feed.duration_ms


class DevChannel:
    """One channel: what is due and not condemned airs, else filler."""

    def __init__(self, name: str, feed: Feed, filler: Feed, delay_s: float) -> None:
        self.name, self.feed, self.filler, self.delay_s = name, feed, filler, delay_s
        self.requested: Requested = "live"
        self.clip = CLIPS[0]
        self.connected = True
        self.cut = ("", 0)  # who cut, and when (us)
        self.spans: list[list[int | None]] = []  # [start_us, end_us or None]
        self._ring: deque[tuple[int, Packet]] = deque(maxlen=20_000)
        self._origin = self._started = now_us()
        self._live = Loop(feed, 0)
        self._filler: Loop | None = None
        self._on_live = False
        self._shift = 0
        self._last_dts = self._last_pts = -1

    def ms(self) -> int:
        return (now_us() - self._origin) // 1000

    def tick(self) -> tuple[list[Packet], list[Packet]]:
        """Return what the encoder sent and what airs since the last call."""
        now, t = now_us(), self.ms()
        received = list(self._live.due(t))
        if not self.connected:
            received = []
        self._ring.extend((now, p) for p in received)
        aired: list[Packet] = []
        while self._ring and self._ring[0][0] <= now - int(self.delay_s * 1e6):
            arrival, packet = self._ring.popleft()
            if self.requested != "live" or self._condemned(arrival):
                self._on_live = False
            elif packet.keyframe and not self._on_live:
                self._on_live, self._filler, self._shift = True, None, self._entry(packet, t)
            if self._on_live:
                aired.append(self._moved(packet))
        if not self.connected and not self._ring:
            self._on_live = False
        if self.requested == "stopped":
            return received, []
        if not self._on_live:
            if self._filler is None:
                self._filler = Loop(self.filler, t)
                self._shift = self._entry(self.filler.packets[0], t) - t
            aired += [self._moved(p) for p in self._filler.due(t)]
        return received, aired

    def _entry(self, first: Packet, t: int) -> int:
        """Return the shift that puts `first` at `t`, or as soon after as pictures and decoding time allow."""
        pictures, decoding = self._last_pts + 40 - first.pts, self._last_dts + 1 - first.dts
        return max(t - first.dts, pictures, decoding)

    def _moved(self, p: Packet) -> Packet:
        moved = Packet(p.kind, p.dts + self._shift, p.pts + self._shift, p.keyframe, p.data)
        self._last_dts, self._last_pts = max(self._last_dts, moved.dts), max(self._last_pts, moved.pts)
        return moved

    def _condemned(self, arrival: int) -> bool:
        return any(start <= arrival and (end is None or arrival < end) for start, end in self.spans)

    def command(self, request: ChannelRequest) -> None:
        now = now_us()
        is_open = bool(self.spans) and self.spans[-1][1] is None
        stopped = self.requested == "stopped"
        match request:
            case Start():
                if not stopped:
                    raise RefusedError(f"channel {self.name} is on air already")
                self.requested, self._started = "live", now
                self.spans = [[0, now]]
            case _ if stopped:
                raise RefusedError(f"channel {self.name} is not on air; start it first")
            case Cut():
                if not is_open:
                    self.spans, self.cut = [[0, None]], (request.actor, now)
                self._on_live = False
                self.requested = "cut"
            case Restore():
                if not is_open:
                    raise RefusedError(f"channel {self.name} is not cut")
                self.spans[-1][1] = now
                self.requested = "live"
            case Dump(seconds=seconds):
                self.spans.append([now - int((seconds or 10) * 1e6), now])
            case Backup(clip=clip):
                if clip and clip not in CLIPS:
                    raise RefusedError(f"channel {self.name} has no clip {clip!r}; it has {', '.join(CLIPS)}")
                self.clip, self.requested, self._on_live = clip or CLIPS[0], "backup", False
            case Live():
                self.requested = "live"
            case Stop():
                self.requested, self._on_live = "stopped", False

    def state(self) -> State:
        due = now_us() - int(self.delay_s * 1e6)
        if self.requested == "stopped":
            return "stopped"
        if self.requested == "backup":
            return "backup"
        if self._on_live:
            return "live"
        if self.requested == "cut":
            return "cut"
        if due < self._started:
            return "filling"
        return "cut" if self._condemned(due) else "no_input"

    def status(self) -> ChannelStatus:
        now, delay = now_us(), int(self.delay_s * 1e6)
        state = self.state()
        ends = [end for _, end in self.spans if end is not None and end + delay > now]
        self.spans = [s for s in self.spans if s[1] is None or s[1] + delay > now]
        returns = None
        if state in ("cut", "filling") and self.requested == "live":
            returns = max([self._started, *ends]) + delay - now
        video, audio = self.feed.format.video, self.feed.format.audio
        assert video is not None
        return ChannelStatus(
            name=self.name,
            state=state,
            requested=self.requested,
            delay_s=self.delay_s,
            lead_s=self.delay_s if state == "live" else None,
            returns_in_s=None if returns is None else max(0.0, returns / 1e6),
            filler=self.clip,
            on_air_s=None if state == "stopped" else (now - self._started) / 1e6,
            ingest=IngestStatus(
                connected=self.connected,
                encoder="devgate test feed",
                peer="127.0.0.1:50000",
                video_codec=video.codec,
                width=video.width,
                height=video.height,
                fps=video.fps_num / video.fps_den,
                audio_codec=audio.codec if audio else "",
                sample_rate=audio.sample_rate if audio else 0,
                channels=audio.channels if audio else 0,
                bitrate_bps=sum(len(p.data) for p in self.feed.packets) * 8000 // self.feed.duration_ms,
                keyframe_interval_s=2.0,
                since_s=(now - self._origin) / 1e6,
                warnings=[Warn("dev", "this is a test feed", "这是测试信号", "info")],
            ),
            destinations=[
                DestinationStatus(
                    name="platform",
                    url="rtmp://127.0.0.1/app/…",
                    state="idle" if state == "stopped" else "live",
                    bitrate_bps=0 if state == "stopped" else 450_000,
                )
            ],
            archive=ArchiveStatus(state="ok", path="archive/main", parts=3, free_bytes=80_000_000_000),
            clips=[ClipStatus(name=clip, ready=True, duration_s=8.0) for clip in CLIPS],
            spans=[
                SpanStatus(
                    starts_in_s=max(0.0, (start + delay - now) / 1e6),
                    ends_in_s=None if end is None else (end + delay - now) / 1e6,
                    actor="console:operator",
                    id=f"s{number}",
                    from_at=wall_s() - (now - (start or now - delay)) / 1e6,
                    to_at=None if end is None else wall_s() - (now - end) / 1e6,
                )
                for number, (start, end) in enumerate(self.spans, 1)
            ],
            cut=CutStatus(self.cut[0], (now - self.cut[1]) / 1e6) if self.requested == "cut" else None,
            ring_bytes=sum(len(p.data) for _, p in self._ring),
            delay_error_ms={"p50": 1.2, "p99": 4.0, "max": 7.5},
        )
