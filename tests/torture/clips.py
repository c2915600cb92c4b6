"""The feeds of the torture run: small, so that many rounds run side by side; no two packets are alike."""

from dataclasses import dataclass
from pathlib import Path

from tools import timecode

SECONDS = 240
GOP_S = 2.0


@dataclass(frozen=True)
class Clips:
    """`feed`: 320x180, 15 fps. `twice`: the same with every tag doubled. `other`: other size, rate and sound.

    `backup`: 5 s of backup footage.
    """

    feed: Path
    twice: Path
    other: Path
    backup: Path


def make(directory: Path) -> Clips:
    """Make the clips, or return those made before."""
    clips = Clips(*(directory / name for name in ("feed.flv", "twice.flv", "other.flv", "backup.mp4")))
    if (directory / "made").exists():
        return clips
    directory.mkdir(parents=True, exist_ok=True)
    timecode.make(clips.feed, feed=1, seconds=SECONDS, size=(320, 180), fps=15, hiss=True)
    timecode.make(
        clips.other, feed=2, seconds=SECONDS, size=(480, 270), fps=10, hiss=True, sound_format=(44100, 1)
    )
    timecode.make(clips.backup, feed=3, seconds=5, size=(640, 360), audio=False)
    clips.twice.write_bytes(double_tags(clips.feed.read_bytes()))
    (directory / "made").touch()
    return clips


def double_tags(flv: bytes) -> bytes:
    """Return an FLV file with each sound and picture tag sent twice (tags: FLV 10.1, annex E.4.1)."""
    at = 9 + 4
    out = bytearray(flv[:at])
    while at + 11 <= len(flv):
        size = 11 + int.from_bytes(flv[at + 1 : at + 4], "big") + 4
        tag = flv[at : at + size]
        out += tag * 2 if tag[0] in (8, 9) and tag[12] == 1 else tag
        at += size
    return bytes(out)
