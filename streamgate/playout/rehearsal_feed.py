"""Feed of a rehearsal: seconds of the channel's newest recording, or a generated moving picture."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.error import FFmpegError

from streamgate.archive.parts import GOES_ON, PartRecord, days, read_index_end
from streamgate.core.packet import FeedFormat, Kind, Packet
from streamgate.core.target import target_for
from streamgate.playout.conform_audio import silence_for
from streamgate.playout.conform_video import Fitter, VideoEncoder

MADE_S = 8.0
MARGIN_S = 4.0  # feed after the interrupted GOP, longer than the backup airs
LONGEST_S = 60.0
_STRETCHES = 3  # number of newest recordings to try
_FEED_ID = 0  # parameter set id of a generated feed


class _Part(NamedTuple):
    """A closed part of the archive. It has only seconds (`archive.writer.PART_S`): one is not enough."""

    path: Path
    record: PartRecord


def read_recording(folder: Path, format_: FeedFormat) -> list[Packet] | None:
    """Return packets of the newest recording of exactly this format, from a keyframe on, times from 0.

    `folder`: the channel's archive folder. None: no recording is long enough.
    """
    with suppress(OSError):
        for stretch in _stretches(folder):
            packets = _read_stretch(stretch, format_)
            if is_enough(packets):
                return packets
    return None


def _stretches(folder: Path) -> list[list[_Part]]:
    """Return stretches of parts on one timeline, each LONGEST_S at most; newest first. Raises OSError."""
    found: list[list[_Part]] = []
    for day in days(folder.parent, folder.name)[-2:]:
        for record in read_index_end(day):
            if not record.part.endswith(".mp4"):
                continue
            before = found[-1][-1].record if found else None
            if before is None or before.closed != GOES_ON or record.number != before.number + 1:
                found.append([])
            found[-1].append(_Part(day / record.part, record))
    return [_newest(stretch) for stretch in found[: -_STRETCHES - 1 : -1]]


def _newest(stretch: list[_Part]) -> list[_Part]:
    end = stretch[-1].record.end
    return [part for part in stretch if end - part.record.start <= LONGEST_S] or stretch[-1:]


def is_enough(packets: list[Packet]) -> bool:
    """Whether the packets last for a switch to backup in the second GOP and back to the feed."""
    keys = [packet.dts for packet in packets if packet.keyframe]
    if len(keys) < 4:
        return False
    longest = max(b - a for a, b in pairwise(keys))
    return packets[-1].dts - keys[2] > longest + MARGIN_S * 1000


def _read_stretch(stretch: Sequence[_Part], format_: FeedFormat) -> list[Packet]:
    """Read packets of one format from the first keyframe on until `is_enough`. Raises OSError."""
    packets: list[Packet] = []
    with suppress(FFmpegError):
        for packet in _demux(stretch, format_):
            if packets or packet.keyframe:
                packets.append(packet)
            if packet.keyframe and is_enough(packets):
                break
    first = packets[0].dts if packets else 0
    moved = [
        Packet(one.kind, one.dts - first, one.pts - first, one.keyframe, one.data)
        for one in packets
        if one.dts >= first
    ]
    return sorted(moved, key=lambda one: one.dts)


def _demux(stretch: Sequence[_Part], format_: FeedFormat) -> Iterator[Packet]:
    """Yield the packets of parts on the feed's timeline; stop at a part of another format."""
    for path, record in stretch:
        with av.open(str(path)) as container:
            wanted = {"video": format_.video, "audio": format_.audio}
            for stream in container.streams:
                track = wanted.pop(stream.type, None)
                if track is None or bytes(stream.codec_context.extradata or b"") != track.config:
                    return
            if any(wanted.values()):
                return
            for packet in container.demux():
                if packet.dts is None or packet.pts is None or packet.time_base is None:
                    continue
                dts, pts = (
                    record.origin_ms + round(at * packet.time_base * 1000) for at in (packet.dts, packet.pts)
                )
                video = packet.stream.type == "video"
                kind, key = (Kind.VIDEO, packet.is_keyframe) if video else (Kind.AUDIO, False)
                yield Packet(kind, dts, pts, key, bytes(packet))


def make_feed(like: FeedFormat) -> tuple[FeedFormat, list[Packet]]:
    """Return MADE_S seconds of moving picture with silence, encoded like a feed. Raises as `target_for`."""
    target = target_for(like, _FEED_ID)
    audio, silence = silence_for(target.audio)
    video = target.video
    encoder, fitter = VideoEncoder(video, 0, still=False), Fitter(video)
    frame_ms = 1000 * video.fps_den / video.fps_num
    coded: list[tuple[bytes, bool]] = []
    shade = np.linspace(16, 200, 320, dtype=np.uint8)[None, :].repeat(180, 0)
    for number in range(round(MADE_S * 1000 / frame_ms)):
        grey = np.roll(shade, number * 3, axis=1)
        picture = av.VideoFrame.from_ndarray(np.dstack([grey, grey, grey]), "rgb24")
        coded += encoder.encode(fitter.fit(picture, None))
    coded += encoder.finish()
    times = [round(number * frame_ms) for number in range(len(coded))]
    packets = [Packet(Kind.VIDEO, at, at, key, data) for at, (data, key) in zip(times, coded, strict=True)]
    sounds = [round(number * audio.frame_ms) for number in range(int(times[-1] / audio.frame_ms))]
    packets += [Packet(Kind.AUDIO, at, at, False, silence) for at in sounds]
    return FeedFormat(encoder.track(), audio), sorted(packets, key=lambda one: one.dts)
