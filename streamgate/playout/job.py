"""Job of the conform child: `python -m streamgate.playout.conform JOB.json`."""

from pathlib import Path

import msgspec

from streamgate.core.packet import FeedFormat

CONFORM_VERSION = 1  # increase it when conforming the same source gives a different clip
SLATE = "slate"
TONE = "tone"  # the slate with a steady tone, which replaces bleeped sound
BUILT_IN = frozenset({SLATE, TONE})
MAX_DURATION_S = 1800.0


class ConformJob(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One clip to make.

    `source`: path of a media file, "slate" or "tone". `format`: the feed's. `sps_id`: for the clip's SPS and
    PPS. `bitrate_bps`: peak of the video; 0: usual for its size. `out`: path of the file.
    """

    source: str
    name: str
    format: FeedFormat
    sps_id: int
    out: str
    bitrate_bps: int = 0
    max_duration_s: float = MAX_DURATION_S


def partial_path(job: ConformJob, pid: int) -> Path:
    """Return the temporary path of the clip while the child with this process id writes it."""
    return Path(f"{job.out}.{pid}.part")
