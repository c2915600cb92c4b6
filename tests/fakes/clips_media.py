"""Tiny media made on the spot, and feeds as an encoder sends them: for tests of conforming and splicing."""

from fractions import Fraction

import av
import numpy as np

from streamgate.core import paramsets
from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack

GLOBAL_HEADER = 1 << 22


def picture(width, height, level, number=0):
    """An RGB picture: grey of `level` with a block that moves."""
    pixels = np.full((height, width, 3), level, np.uint8)
    x = number * 4 % max(1, width - 8)
    pixels[: height // 4, x : x + 8] = (200, 60, 30)
    return pixels


def write_movie(
    path, *, width=96, height=64, fps=25, seconds=1.0, rate=44100, channels=1, tone=440.0, level=90,
    codec="libx264", pix_fmt="yuv420p", rotation=None, sound_seconds=None, video=True,
):  # fmt: skip
    """Write a movie; `rate` 0: no sound."""
    with av.open(str(path), "w") as out:
        picture_stream = sound_stream = None
        if video:
            picture_stream = out.add_stream(codec, rate=fps)
            picture_stream.width, picture_stream.height = width, height
            picture_stream.pix_fmt = pix_fmt
            picture_stream.codec_context.time_base = Fraction(1, 1000)
            if rotation is not None:
                picture_stream.set_display_rotation(rotation)
        if rate:
            sound_stream = out.add_stream(
                "aac" if str(path).endswith(("mp4", "mov", "mkv")) else "flac", rate=rate
            )
            sound_stream.layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
        if picture_stream is not None:
            for number in range(round(seconds * fps)):
                frame = av.VideoFrame.from_ndarray(picture(width, height, level, number), "rgb24")
                frame.pts, frame.time_base = round(number * 1000 / fps), Fraction(1, 1000)
                out.mux(picture_stream.encode(frame.reformat(format=pix_fmt)))
            out.mux(picture_stream.encode())
        if sound_stream is not None:
            count = round((sound_seconds or seconds) * rate)
            wave = 0.5 * np.sin(2 * np.pi * tone * np.arange(count) / rate)
            samples = np.tile((wave * 32767).astype(np.int16)[None, :, None], (1, 1, channels)).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(samples, "s16", {1: "mono", 2: "stereo", 6: "5.1"}[channels])
            frame.sample_rate, frame.pts = rate, 0
            out.mux(sound_stream.encode(frame))
            out.mux(sound_stream.encode())
    return path


def feed(
    *, width=96, height=64, fps=30, frames=45, gop=15, bframes=2, profile="high", params="", rate=48000,
    channels=2, codec="libx264", pix_fmt="yuv420p",
):  # fmt: skip
    """What an encoder sends: (FeedFormat, packets in decode order)."""
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, pix_fmt
    encoder.framerate, encoder.time_base = Fraction(fps), Fraction(1, fps)
    encoder.flags |= GLOBAL_HEADER
    settings = f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={bframes}"
    name = "x265-params" if codec == "libx265" else "x264-params"
    quiet = ":log-level=none:pools=none" if codec == "libx265" else ""
    encoder.options = {"preset": "veryfast", name: settings + quiet + (f":{params}" if params else "")}
    if codec == "libx264":
        encoder.options = encoder.options | {"profile": profile}
    encoder.open()
    coded = []
    for number in range(frames):
        frame = av.VideoFrame.from_ndarray(picture(width, height, 40 + number, number), "rgb24")
        frame = frame.reformat(format=pix_fmt)
        frame.pts, frame.time_base = number, Fraction(1, fps)
        coded += encoder.encode(frame)
    coded += encoder.encode(None)
    sets = paramsets.split_annexb(bytes(encoder.extradata))
    hevc = codec == "libx265"
    config = paramsets.hvcc_from_nals(sets, 8) if hevc else paramsets.avcc_from_nals(sets)
    packets = []
    for packet in coded:
        nals = paramsets.split_annexb(bytes(packet))
        data = b"".join(len(nal).to_bytes(4) + nal for nal in nals)
        dts, pts = round(packet.dts * 1000 / fps), round(packet.pts * 1000 / fps)
        packets.append(Packet(Kind.VIDEO, dts, pts, packet.is_keyframe, data))
    audio = None
    if rate:
        audio, sound = tone(rate, channels, round(frames / fps * rate / 1024))
        packets += sound
        packets.sort(key=lambda packet: packet.dts)
    name = "hevc" if hevc else "h264"
    video = VideoTrack(name, config, width, height, fps, 1, pix_fmt=pix_fmt, profile=profile.capitalize())
    return FeedFormat(video, audio), packets


def tone(rate, channels, count):
    """AAC of a tone: (track, packets). The config is the short form many encoders send."""
    layout = {1: "mono", 2: "stereo"}[channels]
    encoder = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = rate, layout, "fltp"
    encoder.flags |= GLOBAL_HEADER
    encoder.open()
    packets = []
    for index in range(count):
        at = np.arange(index * 1024, (index + 1) * 1024) / rate
        block = np.tile(0.4 * np.sin(2 * np.pi * 330 * at).astype(np.float32), (channels, 1))
        frame = av.AudioFrame.from_ndarray(block, "fltp", layout)
        frame.sample_rate, frame.pts = rate, index * 1024
        packets += encoder.encode(frame)
    track = AudioTrack("aac", bytes(encoder.extradata)[:2], rate, channels)
    times = [round(index * 1024 * 1000 / rate) for index in range(len(packets))]
    return track, [Packet(Kind.AUDIO, at, at, False, bytes(p)) for at, p in zip(times, packets, strict=True)]
