"""Small feeds for tests and for the development gate, made in memory by PyAV: H.264 with B-frames and AAC."""

import io
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack

SAMPLE_RATE = 48_000


class Feed(NamedTuple):
    """`packets` in the order of their DTS (ms, from 0); they repeat seamlessly every `duration_ms`."""

    format: FeedFormat
    packets: list[Packet]
    duration_ms: int


def make_feed(
    *,
    seconds: int = 8,
    width: int = 640,
    height: int = 360,
    fps: int = 25,
    gop_s: float = 2.0,
    bitrate: int = 900_000,
    caption: str = "TEST",
    colour: tuple[int, int, int] = (30, 90, 60),
    moving: bool = True,
    sound: bool = True,
) -> Feed:
    """Encode `seconds` of a picture (a running clock over a moving bar, or a still one) with a tone."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="flv") as out:
        video = out.add_stream("libx264", rate=fps)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.bit_rate = bitrate
        gop = round(fps * gop_s)
        video.options = {
            "preset": "veryfast",
            "x264-params": f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=2:open-gop=0:threads=1",
        }
        audio = out.add_stream("aac", rate=SAMPLE_RATE, layout="stereo") if sound else None
        for number in range(seconds * fps):
            image = _picture(number, fps, (width, height), caption=caption, colour=colour, moving=moving)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio is not None:
            for start in range(0, seconds * SAMPLE_RATE, 1024):
                frame = av.AudioFrame.from_ndarray(
                    _tone(start, moving=moving), format="fltp", layout="stereo"
                )
                frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
                out.mux(audio.encode(frame))
            out.mux(audio.encode(None))
    buffer.seek(0)
    return _read(buffer, seconds * 1000, fps)


def _read(buffer: io.BytesIO, duration_ms: int, fps: int) -> Feed:
    packets: list[Packet] = []
    with av.open(buffer) as container:
        video = container.streams.video[0]
        video_track = VideoTrack(
            codec="h264",
            config=bytes(video.codec_context.extradata or b""),
            width=video.width,
            height=video.height,
            fps_num=fps,
            fps_den=1,
            profile="High",
        )
        audio_track = None
        if container.streams.audio:
            context = container.streams.audio[0].codec_context
            audio_track = AudioTrack("aac", bytes(context.extradata or b""), SAMPLE_RATE, 2)
        for packet in container.demux():
            if packet.dts is None or packet.pts is None or not packet.size:
                continue
            kind = Kind.VIDEO if packet.stream.type == "video" else Kind.AUDIO
            key = kind is Kind.VIDEO and packet.is_keyframe
            packets.append(Packet(kind, packet.dts, packet.pts, key, bytes(packet)))
    packets.sort(key=lambda packet: (packet.dts, packet.kind))
    first = packets[0].dts
    packets = [Packet(p.kind, p.dts - first, p.pts - first, p.keyframe, p.data) for p in packets]
    packets = [p for p in packets if p.dts < duration_ms]
    return Feed(FeedFormat(video_track, audio_track), packets, duration_ms)


def _picture(
    number: int, fps: int, size: tuple[int, int], *, caption: str, colour: tuple[int, int, int], moving: bool
) -> np.ndarray:
    width, height = size
    shade = np.linspace(0.4, 1.0, width)[None, :, None]
    image = Image.fromarray((np.ones((height, 1, 1)) * shade * np.array(colour)).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    text = caption
    if moving:
        x = int(width * (number % (2 * fps)) / (2 * fps))
        draw.rectangle((x, 0, x + width // 20, height), fill=(230, 230, 230))
        text = f"{caption} {number // fps:02d}:{number % fps:02d}"
    font = ImageFont.load_default(size=max(12, height // 6))
    draw.text((width // 10, height // 3), text, fill=(255, 255, 255), font=font)
    return np.ascontiguousarray(image)


def _tone(start: int, *, moving: bool) -> np.ndarray:
    """Return 1024 stereo samples: 440 Hz with a louder 880 Hz blip at each second, or near silence."""
    n = np.arange(start, start + 1024)
    if not moving:
        return np.zeros((2, 1024), dtype=np.float32)
    wave = 0.08 * np.sin(2 * np.pi * 440 * n / SAMPLE_RATE)
    wave += 0.3 * np.sin(2 * np.pi * 880 * n / SAMPLE_RATE) * (n % SAMPLE_RATE < SAMPLE_RATE // 10)
    return np.stack([wave, wave * 0.5]).astype(np.float32)
