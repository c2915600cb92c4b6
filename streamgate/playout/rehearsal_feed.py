"""The feed of a rehearsal: seconds of the channel's newest recording, or a moving picture made like it."""

from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from streamgate.core.packet import FeedFormat, Kind, Packet
from streamgate.core.target import target_for
from streamgate.playout.conform_audio import silence_for
from streamgate.playout.conform_video import Fitter, VideoEncoder

MADE_S = 8.0
MARGIN_S = 4.0  # more than the backup airs, between the GOP it interrupts and the end
LONGEST_S = 60.0
_PARTS = 3  # newest recordings to be looked at
_FEED_ID = 0  # parameter set id of a feed made here


def read_recording(folder: Path, format_: FeedFormat) -> list[Packet] | None:
    """Return packets of the newest recording of exactly this format, from a keyframe on, times from 0.

    None: there is none that is long enough.
    """
    with suppress(OSError):
        parts = [path for path in folder.glob("*/*") if path.suffix in {".mp4", ".flv"}]
        for path in sorted(parts, key=lambda path: path.stat().st_mtime, reverse=True)[:_PARTS]:
            packets = _read_part(path, format_)
            if packets and is_enough(packets):
                return packets
    return None


def is_enough(packets: list[Packet]) -> bool:
    """Whether a backup can take over in the second GOP and the feed come back after it."""
    keys = [packet.dts for packet in packets if packet.keyframe]
    if len(keys) < 4:
        return False
    longest = max(b - a for a, b in pairwise(keys))
    return packets[-1].dts - keys[2] > longest + MARGIN_S * 1000


def _read_part(path: Path, format_: FeedFormat) -> list[Packet]:
    """Read from the first keyframe on until it is enough. Raises OSError."""
    packets: list[Packet] = []
    with suppress(FFmpegError), av.open(str(path)) as container:
        wanted = {"video": format_.video, "audio": format_.audio}
        for stream in container.streams:
            track = wanted.pop(stream.type, None)
            if track is None or bytes(stream.codec_context.extradata or b"") != track.config:
                return []
        if any(wanted.values()):
            return []
        origin = None
        for packet in container.demux():
            if packet.dts is None or packet.pts is None or packet.time_base is None:
                continue
            dts, pts = (round(at * packet.time_base * 1000) for at in (packet.dts, packet.pts))
            video = packet.stream.type == "video"
            if origin is None:
                if not (video and packet.is_keyframe):
                    continue
                origin = dts
            kind, key = (Kind.VIDEO, packet.is_keyframe) if video else (Kind.AUDIO, False)
            if dts >= origin:
                packets.append(Packet(kind, dts - origin, pts - origin, key, bytes(packet)))
            if video and key and (is_enough(packets) or dts - origin > LONGEST_S * 1000):
                break
    return sorted(packets, key=lambda one: one.dts)


def make_feed(like: FeedFormat) -> tuple[FeedFormat, list[Packet]]:
    """Return MADE_S of a moving picture with silence, encoded like a feed. MediaError as `target_for`."""
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
