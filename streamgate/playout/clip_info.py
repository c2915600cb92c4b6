"""Messages of the child processes `clip_look` and `rehearsal` about a backup file; no libav."""

from typing import Literal

import msgspec

from streamgate.core.packet import FeedFormat


class ClipLook(msgspec.Struct, frozen=True):
    """Content of a file. `still`: a JPEG within 480x270, b"" without video. `duration_s` None: unknown."""

    kind: Literal["video", "picture", "sound"]
    width: int = 0
    height: int = 0
    duration_s: float | None = None
    video_codec: str = ""
    audio_codec: str = ""
    still: bytes = b""


class RehearsalJob(msgspec.Struct, frozen=True):
    """A rehearsal to run. `source`: a media file, or "slate". `recordings`: the channel's archive folder."""

    name: str
    source: str
    format: FeedFormat
    recordings: str = ""


class Rehearsed(msgspec.Struct, frozen=True):
    """Result of a rehearsal. `feed`: the channel's own recording, or a generated feed like it.

    `pictures`, `sounds`: numbers of frames decoded, all without an error. `backup_ms`: how long the backup
    aired. `one_header`: the splice needs no new codec header.
    """

    feed: Literal["recorded", "made"]
    pictures: int
    sounds: int
    backup_ms: int
    one_header: bool
