"""What is known of a backup file, without libav: the answers of the children `clip_look` and `rehearsal`."""

from typing import Literal

import msgspec

from streamgate.core.packet import FeedFormat


class ClipLook(msgspec.Struct, frozen=True):
    """`still`: a JPEG within 480x270; empty without a picture. `duration_s` None: a picture, or not known."""

    kind: Literal["video", "picture", "sound"]
    width: int = 0
    height: int = 0
    duration_s: float | None = None
    video_codec: str = ""
    audio_codec: str = ""
    still: bytes = b""


class RehearsalJob(msgspec.Struct, frozen=True):
    """`source`: path of a media file, or "slate". `recordings`: the channel's folder of the archive."""

    name: str
    source: str
    format: FeedFormat
    recordings: str = ""


class Rehearsed(msgspec.Struct, frozen=True):
    """What was proven. `feed`: the channel's own recording, or a picture made like it.

    `pictures`, `sounds`: how many were decoded, all without an error. `backup_ms`: how long the backup aired.
    `one_header`: the join needs no new codec header.
    """

    feed: Literal["recorded", "made"]
    pictures: int
    sounds: int
    backup_ms: int
    one_header: bool
