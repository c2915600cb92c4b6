"""Test feeds whose time can be read back from picture and sound.

Picture: 40 black or white blocks (8 columns, 5 rows) over the upper five ninths: a 32-bit mark and its CRC-8.
The mark is `feed << 24 | frame`. Blocks are read at their centres relative to the picture's size, so marks
survive scaling.
Under them a strip of noise drawn from the mark makes every encoded picture's bytes unique, so that a
payload's hash names its frame.

Sound: at every full second a 60 ms tone of `500 + 125 * (second % 16)` Hz; silence between.
"""

import hashlib
import subprocess
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

FPS = 30
RATE = 48000
COLUMNS, ROWS = 8, 5
TONE_S = 0.06
_CRC_POLYNOMIAL = 0x07


@dataclass(frozen=True)
class Mark:
    """What a frame says about itself."""

    feed: int
    frame: int


def _crc8(number: int) -> int:
    crc = 0xA5  # an all-black picture must not read as a mark
    for byte in number.to_bytes(4, "big"):
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ _CRC_POLYNOMIAL) & 0xFF if crc & 0x80 else crc << 1
    return crc


def draw(mark: Mark, width: int, height: int, *, noise: bool = False) -> NDArray[np.uint8]:
    """Return the luma plane, (height, width) of uint8. `noise` in the lower part: bits for a high rate."""
    number = mark.feed << 24 | mark.frame
    word = number << 8 | _crc8(number)
    bits = np.array([(word >> (COLUMNS * ROWS - 1 - i)) & 1 for i in range(COLUMNS * ROWS)], np.uint8)
    blocks = np.where(bits, 235, 16).astype(np.uint8).reshape(ROWS, COLUMNS)
    block_h, block_w = height // 9, width // COLUMNS
    luma = np.full((height, width), 96, np.uint8)
    luma[: block_h * ROWS, : block_w * COLUMNS] = np.kron(blocks, np.ones((block_h, block_w), np.uint8))
    rng = np.random.default_rng(number)
    rows = min(8, 2 * block_h // 8)
    strip = rng.integers(0, 2, (rows, width // 8), np.uint8) * 120 + 60
    luma[block_h * 6 : block_h * 6 + 8 * rows, : width // 8 * 8] = np.kron(strip, np.ones((8, 8), np.uint8))
    # a bar that moves, for people who watch
    x = mark.frame * 4 % (width - 40)
    luma[block_h * 8 : block_h * 8 + 16, x : x + 40] = 200
    if noise:
        top = block_h * 8 + 16
        luma[top:, :] = rng.integers(40, 216, (height - top, width), np.uint8)
    return luma


def read(luma: NDArray[np.uint8]) -> Mark | None:
    """Return the mark in a luma plane, None when there is none (filler)."""
    patches = [luma[y - 2 : y + 3, x - 2 : x + 3] for x, y in centres(luma.shape[1], luma.shape[0])]
    return from_levels([(int(patch.min()), int(patch.max())) for patch in patches])


def centres(width: int, height: int) -> list[tuple[int, int]]:
    """Return (x, y) of the middle of every block, most significant bit first."""
    return [
        (int((column + 0.5) * width / COLUMNS), int((row + 0.5) * height / 9))
        for row in range(ROWS)
        for column in range(COLUMNS)
    ]


def from_levels(levels: list[tuple[int, int]]) -> Mark | None:
    """Return the mark that (darkest, brightest) levels around the blocks' middles spell, None when none."""
    word = 0
    for low, high in levels:
        if high < 70:
            word <<= 1
        elif low > 180:
            word = word << 1 | 1
        else:
            return None
    number = word >> 8
    return Mark(number >> 24, number & 0xFFFFFF) if _crc8(number) == word & 0xFF else None


def tone_hz(second: int) -> int:
    return 500 + 125 * (second % 16)


def sound(seconds: int, *, hiss: bool = False) -> NDArray[np.int16]:
    """Return mono samples at RATE. `hiss`: quiet noise under it: no two packets alike."""
    samples = np.zeros(seconds * RATE, np.int16)
    if hiss:
        samples += np.random.default_rng(seconds).integers(-300, 300, samples.size, np.int16)
    t = np.arange(int(TONE_S * RATE)) / RATE
    for second in range(seconds):
        tone = np.sin(2 * np.pi * tone_hz(second) * t) * 16000
        samples[second * RATE : second * RATE + tone.size] += tone.astype(np.int16)
    return samples


def make(
    path: Path,
    *,
    feed: int,
    seconds: int,
    size: tuple[int, int] = (640, 360),
    fps: int = FPS,
    audio: bool = True,
    sound_format: tuple[int, int] = (RATE, 2),
    bitrate_kbps: int | None = None,
    hiss: bool = False,
) -> Path:
    """Encode a clip with the real ffmpeg: x264 with B-frames, a keyframe every 2 s, AAC; container by suffix.

    `sound_format`: sampling rate and channels.
    `bitrate_kbps`: constant rate made of noise; None: what the picture needs, about 150 kb/s at 640x360.
    `hiss`: see `sound`.
    """
    width, height = size
    rate = (
        ["-crf", "26"]
        if bitrate_kbps is None
        else ["-b:v", f"{bitrate_kbps}k", "-maxrate", f"{bitrate_kbps}k", "-bufsize", f"{bitrate_kbps}k"]
    )
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y"]
    command += [
        "-f",
        "rawvideo",
        "-pix_fmt",
        "gray",
        "-s",
        f"{width}x{height}",
        "-r",
        str(fps),
        "-i",
        "pipe:0",
    ]
    if audio:
        track = path.with_suffix(".wav")
        with wave.open(str(track), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(sound(seconds, hiss=hiss).tobytes())
        command += ["-i", str(track), "-c:a", "aac", "-b:a", "96k"]
        command += ["-ar", str(sound_format[0]), "-ac", str(sound_format[1])]
    command += ["-c:v", "libx264", "-preset", "veryfast" if bitrate_kbps is None else "ultrafast", "-bf", "2"]
    command += [
        "-pix_fmt",
        "yuv420p",
        "-g",
        str(2 * fps),
        "-keyint_min",
        str(2 * fps),
        "-sc_threshold",
        "0",
        *rate,
    ]
    command += ["-threads", "2", str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert process.stdin is not None
    for frame in range(seconds * fps):
        process.stdin.write(draw(Mark(feed, frame), width, height, noise=bitrate_kbps is not None).tobytes())
    process.stdin.close()
    if process.wait() != 0:
        raise RuntimeError(f"ffmpeg could not make {path.name}")
    return path


def payload_hash(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()[:24]


def slices_hash(payload: bytes) -> str:
    """Hash the H.264 slices of a picture (NAL unit types 1 to 5, H.264 table 7-1; lengths of 4 bytes).

    Parameter sets and the like, which may be sent beside a picture or before it, do not count.
    """
    slices = []
    at = 0
    while at + 4 < len(payload):
        size = int.from_bytes(payload[at : at + 4], "big")
        if 1 <= payload[at + 4] & 31 <= 5:
            slices.append(payload[at + 4 : at + 4 + size])
        at += 4 + size
    return payload_hash(b"".join(slices) if slices and at == len(payload) else payload)


def frames_by_payload(
    path: Path, fps: int = FPS, hash_picture: Callable[[bytes], str] = payload_hash
) -> dict[str, int]:
    """Return the frame number of every video payload (length-prefixed NAL units) in a clip made by `make`."""
    frames: dict[str, int] = {}
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        start = None
        for packet in container.demux(stream):
            if packet.pts is None or packet.time_base is None:
                continue
            seconds = float(packet.pts * packet.time_base)
            start = seconds if start is None else start  # the first packet is frame 0, an IDR
            frames[hash_picture(bytes(packet))] = round((seconds - start) * fps)
    if sorted(frames.values()) != list(range(len(frames))):
        raise RuntimeError(
            f"{path.name}: two frames have the same bytes; a payload's hash must name one frame"
        )
    return frames
