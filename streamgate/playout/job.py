"""What the gate asks of the conform child: `python -m streamgate.playout.conform JOB.json`."""

from pathlib import Path

import msgspec

from streamgate.core.packet import FeedFormat

CONFORM_VERSION = 1  # raise it when conforming the same source would give another clip
SLATE = "slate"
MAX_DURATION_S = 1800.0


class ConformJob(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One clip to make.

    `source`: path of a media file, or "slate". `format`: the feed's. `sps_id`: for the clip's SPS and PPS.
    `bitrate_bps`: the peak the video may reach; 0 is one usual for its size. `out`: path of the clip file.
    """

    source: str
    name: str
    format: FeedFormat
    sps_id: int
    out: str
    bitrate_bps: int = 0
    max_duration_s: float = MAX_DURATION_S


def partial_path(job: ConformJob, pid: int) -> Path:
    """Where the child with this process id writes the clip until it is whole."""
    return Path(f"{job.out}.{pid}.part")
