"""Stills of what came in: one picture of the archive, decoded and made small.

As a child process it prints one JPEG, or nothing where nothing was recorded:
python -m streamgate.incidents.stills DATA_DIR CHANNEL T
"""

import contextlib
import os
import resource
import sys
from pathlib import Path

import msgspec

from streamgate.archive.catalog import Catalog
from streamgate.archive.still import Spot, make_still
from streamgate.errors import ArchiveError
from streamgate.incidents.evidence import find_moment
from streamgate.wording import both, in_chinese

WIDTH = 480
QUALITY = 80
NICE = 10
MEMORY = 3 * 1024**3


def take_still(root: Path, catalog: Catalog, channel: str, at: float) -> bytes | None:
    """Return the picture that came in at that time, or the last one before it, as JPEG; None: there is none.

    Raises ArchiveError: the archive, or what stands in it, cannot be read.
    """
    one = find_moment(root, catalog, channel, at)
    if one is None:
        return None
    first, last = one.fragments[0], one.fragments[-1]
    size = last.offset + last.size - first.offset
    try:
        return make_still(
            Spot(root, one.part.path, one.map.init, first.offset, size),
            within=(WIDTH, WIDTH),
            quality=QUALITY,
            until_s=first.start_s + at - one.start,
        )
    except OSError as error:
        raise ArchiveError(
            f"the recording of that time cannot be read: {error}",
            f"无法读取该时刻的录像：{in_chinese(error)}",
        ) from error


def main(arguments: list[str]) -> int:
    """Return the exit code; the last line on standard error is JSON with the reason."""
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    data_dir, channel, at = Path(arguments[0]), arguments[1], float(arguments[2])
    try:
        with contextlib.closing(Catalog(data_dir / "catalog.sqlite")) as catalog:
            found = take_still(data_dir / "archive", catalog, channel, at)
    except ArchiveError as error:
        sys.stderr.write(f"\n{msgspec.json.encode(both(error)).decode()}\n")
        return 1
    sys.stdout.buffer.write(found or b"")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
