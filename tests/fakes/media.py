"""Media for pure tests: real parameter sets, payloads that only name themselves."""

from streamgate.core.clip import Clip, audio_frames_for, encode
from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack

FRAME = 40  # ms: 25 frames a second keep whole milliseconds
AUDIO = AudioTrack("aac", bytes.fromhex("1190"), 48000, 2)


# avcC of libx264 at 1280x720, 25 frames a second, Baseline 3.1, with sps-id 0 and 1.
AVCC = {
    0: bytes.fromhex("0142c01fffe100166742c01fda014016e840000003004000000c83c60ca801000468ce0fc8"),
    1: bytes.fromhex("0142c01fffe100176742c01f56805005ba1000000300100000030320f1832a0100056848e0fc80"),
}


def video_track(config: bytes, fps: int = 1000 // FRAME) -> VideoTrack:
    return VideoTrack("h264", config, 1280, 720, fps, 1, profile="High", level=31)


def clip(name: str, track: VideoTrack, frames: int = 50, audio: AudioTrack = AUDIO) -> Clip:
    """A clip whose frame i carries `name` and i."""
    count = audio_frames_for(frames, track, audio)
    parts = encode(
        name,
        FeedFormat(track, audio),
        [(f"{name}/v{i}".encode(), i % 25 == 0) for i in range(frames)],
        [f"{name}/a{i}".encode() for i in range(count)],
        silence=f"{name}/silence".encode(),
        has_sound=True,
    )
    return Clip.from_buffer(b"".join(parts))


def video(n: int, *, gop: int, reorder: int = 0, tag: str = "v") -> Packet:
    """Picture n in decode order. With `reorder` 1 the stream is IBPBP..., as encoders order it."""
    if reorder:
        in_gop = n % gop
        shown = n if in_gop == 0 else (n + 1 if in_gop % 2 else n - 1)
        if in_gop % 2 and in_gop == gop - 1:
            shown = n
        pts = (shown + 1) * FRAME
    else:
        pts = n * FRAME
    return Packet(Kind.VIDEO, n * FRAME, pts, n % gop == 0, f"{tag}{n}".encode())


def audio(n: int, tag: str = "a") -> Packet:
    at = round(n * AUDIO.frame_ms)
    return Packet(Kind.AUDIO, at, at, False, f"{tag}{n}".encode())
