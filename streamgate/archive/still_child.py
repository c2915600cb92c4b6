"""The child that decodes stills for the console: one keyframe at a time, at low priority.

Reads StillJobs as lines of JSON from stdin; answers each with four bytes, the length of a JPEG (0: there is
none), and the JPEG. Ends when stdin does, or when nothing was asked for a while.
"""

import os
import select
import sys
from pathlib import Path, PurePosixPath

import av
import msgspec

from streamgate.archive.still import Spot, make_still
from streamgate.errors import ArchiveError

NICE = 15
IDLE_S = 60.0
WIDTH, HEIGHT = 160, 90
QUALITY = 70


class StillJob(msgspec.Struct):
    """A fragment of a part, which begins with a keyframe. `init`: bytes of ftyp and moov."""

    root: str
    path: str
    init: int
    offset: int
    size: int


def main() -> int:
    os.nice(NICE)
    av.logging.set_libav_level(av.logging.PANIC)
    source, out = sys.stdin.buffer, sys.stdout.buffer
    while select.select([source], [], [], IDLE_S)[0]:
        line = source.readline()
        if not line:
            break
        still = answer(msgspec.json.decode(line, type=StillJob))
        out.write(len(still).to_bytes(4, "big") + still)
        out.flush()
    return 0


def answer(job: StillJob) -> bytes:
    """Return the keyframe at the beginning of a fragment as JPEG, at most 160x90; b"" when there is none."""
    spot = Spot(Path(job.root), PurePosixPath(job.path), job.init, job.offset, job.size)
    try:
        return make_still(spot, within=(WIDTH, HEIGHT), quality=QUALITY) or b""
    except (ArchiveError, OSError):
        return b""


if __name__ == "__main__":
    sys.exit(main())
