"""One publisher's feed: source events in, formats and packets out. Decides; does no input or output itself.

A feed begins with a keyframe and the format found from it; sound is taken from there on. While the format is
being probed packets wait in a bounded queue. When an encoder changes its configuration in mid-stream the
new format is announced before the next keyframe; what comes in between is dropped: no decoder could use it.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Protocol

import msgspec

from streamgate.core.aac import audio_track
from streamgate.core.health import MAX_BITRATE_BPS, Concern, FeedHealth
from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet
from streamgate.core.paramsets import parse_avcc, parse_hvcc
from streamgate.core.pictures import (
    CODECS_WITH_NALS,
    Picture,
    classify,
    with_long_lengths,
    with_long_lengths_config,
)
from streamgate.core.timestamps import TimelineMender
from streamgate.errors import MediaError
from streamgate.ingest.probe import Probed, Sample, sane_fps
from streamgate.ingest.source import Config, Script, SourceEvent, Unit, Unusable
from streamgate.rtmp.amf0 import Value

MAX_QUEUE = 1000  # packets that wait for the probe
MAX_QUEUE_BYTES = 8 * 1024 * 1024
MAX_SCRIPT_BYTES = 64 * 1024
RECOVERY_US = 10_000_000  # without an IDR for so long, other keyframes are taken for one
_MEASURE_US = 8_000_000  # a frame rate nobody declared is measured for so long
_FPS_DIFFERS = 0.05


class FeedSink(Protocol):
    """Where a feed goes."""

    def send_format(self, feed: FeedFormat) -> None: ...

    def send(self, packets: Sequence[Packet]) -> None: ...


class _Video(msgspec.Struct, frozen=True, gc=False):
    """A video configuration as it goes out, and the NAL unit length of the packets that come in."""

    codec: str
    config: bytes
    length_size: int


def _length_size(codec: str, config: bytes) -> int:
    """Return the NAL unit length of a record that can be used; MediaError for others."""
    if codec == "hevc":
        return parse_hvcc(config).length_size
    record = parse_avcc(config)
    if not record.sps or not record.pps:
        raise MediaError("an avcC without parameter sets")
    return record.length_size


class Feed:
    """Turns one publisher's events into a feed.

    Args:
        sink: takes the feed.
        start_probe: called with a sample when a keyframe of a new configuration is there; `on_probed` must
            be called with the result, later and once.
        now_us: when the publisher began.
        max_bitrate_bps: above it the operator is told.
    """

    def __init__(
        self,
        sink: FeedSink,
        start_probe: Callable[[Sample], None],
        now_us: int,
        max_bitrate_bps: int = MAX_BITRATE_BPS,
    ) -> None:
        self.health = FeedHealth(now_us, max_bitrate_bps)
        self._sink = sink
        self._start_probe = start_probe
        self._mender = TimelineMender()
        self._dropped = 0
        self._metadata: Mapping[str, Value] = {}
        self._video: _Video | None = None  # as the encoder last said
        self._audio: AudioTrack | None = None
        self._format: FeedFormat | None = None  # as announced
        self._announced_video: _Video | None = None
        self._probing: _Video | None = None
        self._waits = True  # for a keyframe, before video and sound go on
        self._queue: list[Packet] = []
        self._queue_bytes = 0
        self._idr_us = now_us
        self._started_us = now_us
        self._fps_known = True
        self._problem = ""

    @property
    def mended(self) -> int:
        return self._mender.mended

    @property
    def dropped(self) -> int:
        """Packets that could not be used; those before the first keyframe are not counted."""
        return self._dropped + self._mender.dropped

    def concerns(self, now_us: int) -> list[Concern]:
        found = self.health.concerns(now_us)
        if self._problem:
            found.append(Concern("probe_failed", "warning", {"reason": self._problem}))
        return found

    def take(self, events: Sequence[SourceEvent], now_us: int) -> None:
        """Take what came in one go, send what goes out of it."""
        out: list[Packet] = []
        for event in events:
            match event:
                case Unit(kind=Kind.VIDEO):
                    self._take_picture(event, out, now_us)
                case Unit():
                    self._take_sound(event, out, now_us)
                case Config(kind=Kind.VIDEO):
                    self._take_video_config(event)
                case Config():
                    self._take_audio_config(event)
                case Script():
                    self._take_script(event, out, now_us)
                case Unusable():
                    self._take_unusable(event)
        if out:
            self._sink.send(out)

    def on_probed(self, probed: Probed) -> None:
        """Announce what the probe found and let the queue go."""
        queue, self._queue, self._queue_bytes = self._queue, [], 0
        self._announced_video, self._probing = self._probing, None
        self._problem = probed.problem
        self._fps_known = probed.fps_known
        self.health.hevc = probed.video.codec == "hevc"
        self._announce(FeedFormat(video=probed.video, audio=self._audio))
        self._sink.send(queue)

    # ---------------------------------------------------------------- configurations

    def _take_video_config(self, event: Config) -> None:
        if event.codec not in CODECS_WITH_NALS:
            self.health.on_unsupported(Kind.VIDEO, event.codec)
            self._video = None
            return
        try:
            length_size = _length_size(event.codec, event.config)
        except MediaError:
            self._dropped += 1
            self.health.on_unsupported(Kind.VIDEO, f"{event.codec} with an unreadable configuration")
            return
        self.health.on_supported(Kind.VIDEO)
        config = with_long_lengths_config(event.codec, event.config)
        self._video = _Video(event.codec, config, length_size)

    def _take_audio_config(self, event: Config) -> None:
        if event.codec != "aac":
            self.health.on_unsupported(Kind.AUDIO, event.codec)
            self._audio = None
            return
        try:
            track = audio_track(event.config)
        except MediaError:
            self._dropped += 1
            self.health.on_unsupported(Kind.AUDIO, "aac with an unreadable configuration")
            return
        self.health.on_supported(Kind.AUDIO)
        if track != self._audio:
            self._audio = track
            self._queue = [packet for packet in self._queue if packet.kind is not Kind.AUDIO]

    def _take_unusable(self, event: Unusable) -> None:
        """Count it; tell the operator when the track has nothing better to show."""
        self._dropped += 1
        if (event.kind is Kind.VIDEO and self._video is None) or (
            event.kind is Kind.AUDIO and self._audio is None
        ):
            self.health.on_unsupported(event.kind, event.reason)

    # ---------------------------------------------------------------- units

    def _take_picture(self, event: Unit, out: list[Packet], now_us: int) -> None:
        self.health.on_packet(Kind.VIDEO, len(event.data), now_us)
        video = self._video
        if video is None or event.codec != video.codec:
            self._dropped += 1
            if event.codec not in CODECS_WITH_NALS:
                self.health.on_unsupported(Kind.VIDEO, event.codec)
            return
        picture = classify(video.codec, event.data, video.length_size)
        if picture is Picture.BROKEN:
            self._dropped += 1
            return
        if picture is Picture.NONE:
            return
        clean = picture is Picture.RANDOM_ACCESS
        keyframe = clean or (event.keyframe and now_us - self._idr_us >= RECOVERY_US)
        if clean:
            self._idr_us = now_us
        stamp = self._mender.mend(Kind.VIDEO, event.timestamp_ms, event.composition_ms, now_us)
        assert stamp is not None
        self.health.on_picture(
            stamp.dts, stamp.pts, keyframe=event.keyframe or clean, clean=clean, now_us=now_us
        )
        data = event.data if video.length_size == 4 else with_long_lengths(event.data, video.length_size)
        packet = Packet(Kind.VIDEO, stamp.dts, stamp.pts, keyframe, data)
        if self._probing is not None:
            self._enqueue(packet, usable=video == self._probing)
        elif keyframe:
            self._enter(packet, video, out, now_us)
        elif self._waits or video != self._announced_video:
            self._waits = True
            self._dropped += self._format is not None
        else:
            out.append(packet)

    def _enter(self, packet: Packet, video: _Video, out: list[Packet], now_us: int) -> None:
        """Take a keyframe: where the format may change and a broken run of packets starts anew."""
        announced = self._format
        self._waits = False
        if announced is None or announced.video is None or video != self._announced_video:
            self._flush(out)
            self._probing = video
            self._queue, self._queue_bytes = [packet], len(packet.data)
            self._start_probe(Sample(video.codec, video.config, packet.data, self._metadata))
            return
        fps = self._measured_fps(now_us)
        if fps is not None:
            track = msgspec.structs.replace(announced.video, fps_num=fps.numerator, fps_den=fps.denominator)
            self._fps_known = True
            announced = msgspec.structs.replace(announced, video=track)
        announced = msgspec.structs.replace(announced, audio=self._audio)
        if announced != self._format:
            self._flush(out)
            self._announce(announced)
        out.append(packet)

    def _take_sound(self, event: Unit, out: list[Packet], now_us: int) -> None:
        self.health.on_packet(Kind.AUDIO, len(event.data), now_us)
        if self._audio is None or event.codec != "aac" or not event.data:
            self._dropped += 1
            if event.codec != "aac":
                self.health.on_unsupported(Kind.AUDIO, event.codec)
            return
        stamp = self._mender.mend(Kind.AUDIO, event.timestamp_ms, 0, now_us)
        assert stamp is not None
        packet = Packet(Kind.AUDIO, stamp.dts, stamp.pts, False, event.data)
        if self._probing is not None:
            self._enqueue(packet, usable=True)
        elif self._waits or self._format is None or self._format.audio != self._audio:
            self._dropped += self._format is not None
        else:
            out.append(packet)

    def _take_script(self, event: Script, out: list[Packet], now_us: int) -> None:
        self.health.on_packet(Kind.DATA, len(event.body), now_us)
        if event.name == "onMetaData":
            self._metadata = next((value for value in event.values if isinstance(value, Mapping)), {})
        if len(event.body) > MAX_SCRIPT_BYTES:
            self._dropped += 1
            return
        stamp = self._mender.mend(Kind.DATA, event.timestamp_ms, 0, now_us)
        if stamp is None:
            return
        packet = Packet(Kind.DATA, stamp.dts, stamp.pts, False, event.body)
        if self._probing is not None:
            self._enqueue(packet, usable=True)
        elif self._format is not None:
            out.append(packet)

    # ---------------------------------------------------------------- helpers

    def _enqueue(self, packet: Packet, *, usable: bool) -> None:
        self._queue_bytes += len(packet.data)
        if not usable or len(self._queue) >= MAX_QUEUE or self._queue_bytes > MAX_QUEUE_BYTES:
            self._waits = True
        if self._waits:
            self._dropped += 1
        else:
            self._queue.append(packet)

    def _announce(self, feed: FeedFormat) -> None:
        self._format = feed
        video = feed.video
        self.health.declared_fps = video.fps_num / video.fps_den if video and self._fps_known else 0.0
        self._sink.send_format(feed)

    def _flush(self, out: list[Packet]) -> None:
        if out:
            self._sink.send(out[:])
            out.clear()

    def _measured_fps(self, now_us: int) -> Fraction | None:
        """Return the measured frame rate when nobody declared one and the guess was wrong."""
        announced = self._format.video if self._format is not None else None
        if self._fps_known or announced is None or now_us - self._started_us < _MEASURE_US:
            return None
        guess = announced.fps_num / announced.fps_den
        measured = sane_fps(round(self.health.fps(now_us)))
        self._fps_known = True
        return measured if measured and abs(measured / guess - 1) > _FPS_DIFFERS else None
