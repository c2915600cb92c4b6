"""Real, tiny media made with libav: what an encoder would send, as packets."""

import contextlib
import io
import math
import os
from fractions import Fraction

import av
import numpy as np

from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack


def make_feed(
    *,
    seconds=2.0,
    fps=25,
    gop=25,
    size=(160, 96),
    rate=48000,
    channels=2,
    bframes=2,
    video="libx264",
    audio="aac",
    open_gop=False,
):
    """Return (FeedFormat, packets in the order an encoder sends them: by DTS)."""
    buffer = io.BytesIO()
    with same_priority(), av.open(buffer, "w", format="flv") as out:
        streams = []
        if video:
            picture = out.add_stream(video, rate=fps)
            picture.width, picture.height = size
            picture.pix_fmt = "yuv420p"
            picture.codec_context.gop_size = gop
            if video == "libx264":
                picture.options = {
                    "preset": "ultrafast",
                    "bf": str(bframes),
                    "x264-params": f"keyint={gop}:min-keyint={gop}:scenecut=0:open-gop={int(open_gop)}",
                }
            elif video == "libsvtav1":
                picture.options = {"preset": "12", "svtav1-params": f"keyint={gop}:scd=0"}
            elif video == "libvpx-vp9":
                picture.options = {"deadline": "realtime", "cpu-used": "8", "g": str(gop)}
            elif video == "libx265":
                picture.options = {"preset": "ultrafast", "x265-params": f"keyint={gop}:log-level=none"}
            streams.append(picture)
        if audio:
            sound = out.add_stream(audio, rate=rate, layout="mono" if channels == 1 else "stereo")
            streams.append(sound)
        if video:
            base = np.add.outer(np.arange(size[1]), np.arange(size[0])).astype(np.uint8)
            for n in range(int(seconds * fps)):
                image = np.repeat(np.roll(base, n * 3, 1)[:, :, None], 3, 2)
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = n, Fraction(1, fps)
                out.mux(picture.encode(frame))
            out.mux(picture.encode(None))
        if audio:
            for n in range(int(seconds * rate / 1024)):
                t = np.arange(n * 1024, (n + 1) * 1024) / rate
                wave = (0.3 * np.sin(2 * math.pi * 440 * t)).astype(np.float32)
                frame = av.AudioFrame.from_ndarray(
                    np.stack([wave] * channels), format="fltp", layout="mono" if channels == 1 else "stereo"
                )
                frame.sample_rate, frame.pts, frame.time_base = rate, n * 1024, Fraction(1, rate)
                out.mux(sound.encode(frame))
            out.mux(sound.encode(None))
    return demux(buffer.getvalue(), fps=fps)


@contextlib.contextmanager
def same_priority():
    """Undo what SVT-AV1 does as root: it makes the process, and all that it starts, real-time (FIFO 99)."""
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, priority)


NAMES = {
    "libdav1d": "av1",
    "mp3float": "mp3",
    "flv": "h263",
}  # libav's names of decoders that are not the codec's


def demux(flv, fps):
    with av.open(io.BytesIO(flv), format="flv") as source:
        vtrack = atrack = None
        for stream in source.streams:
            config = bytes(stream.codec_context.extradata or b"")
            if stream.type == "video":
                name = NAMES.get(stream.codec_context.name, stream.codec_context.name)
                vtrack = VideoTrack(name, config, stream.width, stream.height, fps, 1)
            else:
                atrack = AudioTrack(
                    NAMES.get(stream.codec_context.name, stream.codec_context.name),
                    config,
                    stream.codec_context.sample_rate,
                    stream.codec_context.channels,
                )
        packets = []
        for packet in source.demux():
            if packet.size == 0:
                continue
            kind = Kind.VIDEO if packet.stream.type == "video" else Kind.AUDIO
            keyframe = kind is Kind.VIDEO and packet.is_keyframe
            packets.append(Packet(kind, packet.dts, packet.pts, keyframe, bytes(packet)))
    packets.sort(key=lambda packet: packet.dts)
    return FeedFormat(vtrack, atrack), packets


def shift(packets, ms):
    return [Packet(p.kind, p.dts + ms, p.pts + ms, p.keyframe, p.data) for p in packets]


def gops(packets):
    """Cut at keyframes."""
    out = []
    for packet in packets:
        if packet.keyframe or not out:
            out.append([])
        out[-1].append(packet)
    return out
