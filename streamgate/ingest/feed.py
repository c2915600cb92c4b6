"""One publisher's feed: source events in, formats and packets out. It does no input or output itself.

A feed begins with a keyframe and the format probed from it; audio is sent from there on. Without a keyframe
for LONE_SOUND_US, audio is a feed of its own until one comes. While the format is being probed, packets wait
in a bounded queue. When an encoder changes its configuration in mid-stream, the new format is announced
before the next keyframe. Packets in between are dropped: no decoder could use them.

Every codec that has a name is passed on: the gate decides what airs, the archive keeps all of it.

The rate of announcements is limited, as each makes an archive part and a slate. Beyond the limit, a keyframe
whose new parameter sets describe pictures of the same size and profile carries them in band, under the
announced format. Other keyframes are dropped until an announcement is allowed again.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from streamgate.core.aac import audio_track
from streamgate.core.bucket import TokenBucket
from streamgate.core.headers import in_band, same_pictures
from streamgate.core.health import MAX_BITRATE_BPS, Concern, FeedHealth
from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack
from streamgate.core.paramsets import parse_avcc, parse_hvcc
from streamgate.core.pictures import (
    CODECS_WITH_NALS,
    Picture,
    classify,
    with_long_lengths,
    with_long_lengths_config,
)
from streamgate.core.sound import sound_track
from streamgate.core.timestamps import TimelineMender
from streamgate.errors import MediaError
from streamgate.ingest.probe import Probed, Sample, declared_format, declared_sound, sane_fps
from streamgate.ingest.repeats import RepeatFilter
from streamgate.ingest.source import Config, Script, SourceEvent, Unit, Unusable
from streamgate.rtmp.amf0 import Value

MAX_QUEUE = 1000  # packets that wait for the probe
MAX_QUEUE_BYTES = 8 * 1024 * 1024
MAX_SCRIPT_BYTES = 64 * 1024
RECOVERY_US = 10_000_000  # after so long without an IDR, other keyframes count as one
LONE_SOUND_US = 3_000_000  # after so long without a keyframe, audio is announced alone
FORMATS_AT_ONCE = 4
FORMAT_EVERY_US = 10_000_000
CHANGES_PER_MINUTE = 6  # configurations; above it the operator is warned
_MINUTE_US = 60_000_000
_MAX_CHANGES = 1000  # kept
_MEASURE_US = 8_000_000  # an undeclared frame rate is measured for so long
_FPS_DIFFERS = 0.05


class FeedSink(Protocol):
    """Receiver of a feed's formats and packets."""

    def send_format(self, feed: FeedFormat) -> None: ...

    def send(self, packets: Sequence[Packet]) -> None: ...


class _Video(msgspec.Struct, frozen=True, gc=False):
    """A video configuration as sent, and the NAL unit length size of the received packets.

    Codecs without NAL units are sent as received.
    """

    codec: str
    config: bytes
    length_size: int


def _length_size(codec: str, config: bytes) -> int:
    """Return the NAL unit length size of a configuration record; MediaError when it cannot be used."""
    if codec == "hevc":
        return parse_hvcc(config).length_size
    record = parse_avcc(config)
    if not record.sps or not record.pps:
        raise MediaError("an avcC without parameter sets")
    return record.length_size


def _has_name(codec: str) -> bool:
    """Whether a codec's name is printable ASCII; a FourCC may be any bytes."""
    return bool(codec) and codec.isascii() and codec.isprintable()


class Feed:
    """Converts one publisher's events into formats and packets.

    Args:
        sink: receives the feed.
        start_probe: called with a sample at a keyframe of a new configuration; the caller must call
            `on_probed` with the result, later and once.
        now_us: when the publisher began.
        max_bitrate_bps: above it the operator is warned.
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
        self._video: _Video | None = None  # as the encoder last sent it
        self._audio: AudioTrack | None = None
        self._audio_config = ("", b"")  # codec and record of audio other than AAC
        self._format: FeedFormat | None = None  # as announced
        self._announced_video: _Video | None = None
        self._current: _Video | None = None  # of the last keyframe; None: it was dropped
        self._sets_in_band = False  # the decoder may hold other parameter sets than those announced
        self._lone_sound_us: int | None = None  # when sound began to wait for a keyframe
        self._allowed = TokenBucket.every(FORMATS_AT_ONCE, FORMAT_EVERY_US)
        self._changes: deque[int] = deque(maxlen=_MAX_CHANGES)  # when a configuration changed
        self._repeats = RepeatFilter()
        self._probing: _Video | None = None
        self._waits = True  # for a keyframe; video and audio are dropped until then
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
        """Number of packets that could not be used, without those before the first keyframe."""
        return self._dropped + self._mender.dropped + self._repeats.count

    @property
    def declared(self) -> FeedFormat | None:
        """The format in the encoder's metadata; None without metadata, and once a picture has arrived."""
        if self._format is not None and self._format.video is not None:
            return None
        return declared_format(self._metadata, self._audio)

    def concerns(self, now_us: int) -> list[Concern]:
        found = self.health.concerns(now_us)
        while self._changes and now_us - self._changes[0] > _MINUTE_US:
            self._changes.popleft()
        if len(self._changes) > CHANGES_PER_MINUTE:
            found.append(Concern("parameters_change", "warning", {"changes": len(self._changes)}))
        if self._repeats.count and now_us - self._repeats.last_us < _MINUTE_US:
            found.append(Concern("repeats", "warning", {"count": self._repeats.count}))
        if self._problem:
            found.append(Concern("probe_failed", "warning", {"reason": self._problem}))
        return found

    def take(self, events: Sequence[SourceEvent], now_us: int) -> None:
        """Process events that arrived together; send the resulting packets."""
        out: list[Packet] = []
        for event in events:
            if isinstance(event, Unit):  # most of them
                if self._repeats.is_repeat(event.kind, event.timestamp_ms, event.data, now_us):
                    continue
                if event.kind is Kind.VIDEO:
                    self._take_picture(event, out, now_us)
                else:
                    self._take_sound(event, out, now_us)
                continue
            match event:
                case Config(kind=Kind.VIDEO):
                    self._take_video_config(event, now_us)
                case Config():
                    self._take_audio_config(event, now_us)
                case Script():
                    if not self._repeats.is_repeat(Kind.DATA, event.timestamp_ms, event.body, now_us):
                        self._take_script(event, out, now_us)
                case Unusable():
                    self._take_unusable(event)
        if out:
            self._sink.send(out)

    def on_probed(self, probed: Probed) -> None:
        """Announce the probed format and send the queue."""
        queue, self._queue, self._queue_bytes = self._queue, [], 0
        self._announced_video, self._probing = self._probing, None
        self._current, self._sets_in_band = self._announced_video, False
        self._problem = probed.problem
        self._fps_known = probed.fps_known
        self.health.hevc = probed.video.codec == "hevc"
        self._announce(FeedFormat(video=probed.video, audio=self._audio))
        self._sink.send(queue)

    # ---------------------------------------------------------------- configurations

    def _take_video_config(self, event: Config, now_us: int) -> None:
        if not _has_name(event.codec):
            self._dropped += 1
            self.health.on_unsupported(Kind.VIDEO, repr(event.codec))
            return
        length_size, config = 4, event.config
        if event.codec in CODECS_WITH_NALS:
            try:
                length_size = _length_size(event.codec, event.config)
            except MediaError:
                self._dropped += 1
                self.health.on_unsupported(Kind.VIDEO, f"{event.codec} with an unreadable configuration")
                return
            config = with_long_lengths_config(event.codec, event.config)
        self._set_video(_Video(event.codec, config, length_size), now_us)

    def _set_video(self, video: _Video, now_us: int) -> None:
        self.health.on_supported(Kind.VIDEO)
        if video != self._video:
            self._video = video
            self._changes.append(now_us)

    def _take_audio_config(self, event: Config, now_us: int) -> None:
        if event.codec != "aac":
            self._audio_config = (event.codec, event.config)  # the first frame completes its track
            return
        try:
            track = audio_track(event.config)
        except MediaError:
            self._dropped += 1
            self.health.on_unsupported(Kind.AUDIO, "aac with an unreadable configuration")
            return
        self._set_audio(track, now_us)

    def _set_audio(self, track: AudioTrack, now_us: int) -> None:
        self.health.on_supported(Kind.AUDIO)
        if track != self._audio:
            self._audio = track
            self._changes.append(now_us)
            self._queue = [packet for packet in self._queue if packet.kind is not Kind.AUDIO]

    def _take_unusable(self, event: Unusable) -> None:
        """Count it as dropped; warn the operator when the track has nothing usable yet."""
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
            if event.codec in CODECS_WITH_NALS or not _has_name(event.codec):
                self._dropped += 1
                if event.codec not in CODECS_WITH_NALS:
                    self.health.on_unsupported(Kind.VIDEO, repr(event.codec))
                return
            video = _Video(event.codec, b"", 4)  # a codec without a configuration record
            self._set_video(video, now_us)
        picture = _classify(video, event)
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
        elif self._waits or video != self._current:
            self._waits = self._waits or self._current is not None
            self._dropped += self._format is not None
        else:
            out.append(packet)

    def _enter(self, packet: Packet, video: _Video, out: list[Packet], now_us: int) -> None:
        """Process a keyframe: here the format may change, and a feed with dropped packets continues."""
        announced = self._format
        self._waits = False
        if announced is None or announced.video is None or video != self._announced_video:
            if self._allowed.try_take(1, now_us):
                self._begin_probe(packet, video, out)
                return
            if announced is None or announced.video is None or not self._fits(video):
                self._current = None
                self._dropped += 1
                return
            self._sets_in_band = True
        self._current = video
        if self._sets_in_band and announced.video is not None:
            packet = in_band(packet, msgspec.structs.replace(announced.video, config=video.config))
        wanted = msgspec.structs.replace(
            announced, video=self._measure_fps(announced.video, now_us), audio=self._audio
        )
        if wanted != announced and self._allowed.try_take(1, now_us):
            self._flush(out)
            self._announce(wanted)
        out.append(packet)

    def _begin_probe(self, packet: Packet, video: _Video, out: list[Packet]) -> None:
        self._flush(out)
        self._probing = video
        self._queue, self._queue_bytes = [packet], len(packet.data)
        self._start_probe(Sample(video.codec, video.config, packet.data, self._metadata))

    def _fits(self, video: _Video) -> bool:
        """Whether pictures may be sent under the announced format, with their parameter sets in band."""
        announced = self._announced_video
        return (
            announced is not None
            and announced.codec == video.codec
            and same_pictures(video.codec, announced.config, video.config)
        )

    def _take_sound(self, event: Unit, out: list[Packet], now_us: int) -> None:
        self.health.on_packet(Kind.AUDIO, len(event.data), now_us)
        if not event.data or not self._update_sound_track(event, now_us):
            self._dropped += 1
            return
        stamp = self._mender.mend(Kind.AUDIO, event.timestamp_ms, 0, now_us)
        assert stamp is not None
        packet = Packet(Kind.AUDIO, stamp.dts, stamp.pts, False, event.data)
        if self._probing is not None:
            self._enqueue(packet, usable=True)
        elif self._format is None:
            self._take_lone_sound(packet, now_us)
        elif (
            self._format.video is None
            and self._format.audio != self._audio
            and self._allowed.try_take(1, now_us)
        ):
            self._flush(out)
            self._announce(FeedFormat(audio=self._audio))
            out.append(packet)
        elif self._format.audio != self._audio or (self._waits and self._format.video is not None):
            self._dropped += 1
        else:
            out.append(packet)

    def _update_sound_track(self, event: Unit, now_us: int) -> bool:
        """Update the audio track, except of AAC, from a frame; return whether the track is known."""
        if event.codec == "aac":
            return self._audio is not None and self._audio.codec == "aac"
        if not _has_name(event.codec):
            self.health.on_unsupported(Kind.AUDIO, repr(event.codec))
            return False
        codec, config = self._audio_config
        declared = declared_sound(self._metadata)
        said = (event.sample_rate or declared[0], event.channels or declared[1])
        track = sound_track(event.codec, config if codec == event.codec else b"", event.data, said)
        known = self._audio
        if known is not None and known.codec == track.codec:  # frame lengths may vary
            track = msgspec.structs.replace(track, frame_samples=known.frame_samples)
        self._set_audio(track, now_us)
        return True

    def _take_lone_sound(self, packet: Packet, now_us: int) -> None:
        """Queue audio that waits for the first keyframe; announce and send it alone when none comes."""
        if self._lone_sound_us is None:
            self._lone_sound_us = now_us
        if len(self._queue) < MAX_QUEUE and self._queue_bytes + len(packet.data) <= MAX_QUEUE_BYTES:
            self._queue.append(packet)
            self._queue_bytes += len(packet.data)
        if now_us - self._lone_sound_us >= LONE_SOUND_US and self._allowed.try_take(1, now_us):
            queue, self._queue, self._queue_bytes = self._queue, [], 0
            self._announce(FeedFormat(audio=self._audio))
            self._sink.send(queue)

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

    def _measure_fps(self, announced: VideoTrack | None, now_us: int) -> VideoTrack | None:
        """Return the announced track, with the measured frame rate when none was declared."""
        if self._fps_known or announced is None or now_us - self._started_us < _MEASURE_US:
            return announced
        guess = announced.fps_num / announced.fps_den
        measured = sane_fps(round(self.health.fps(now_us)))
        self._fps_known = True
        if measured is None or abs(measured / guess - 1) <= _FPS_DIFFERS:
            return announced
        return msgspec.structs.replace(announced, fps_num=measured.numerator, fps_den=measured.denominator)


def _classify(video: _Video, event: Unit) -> Picture:
    """Classify a unit's picture; without NAL units only the encoder's keyframe flag is available."""
    if video.codec in CODECS_WITH_NALS:
        return classify(video.codec, event.data, video.length_size)
    if not event.data:
        return Picture.BROKEN
    return Picture.RANDOM_ACCESS if event.keyframe else Picture.OTHER
