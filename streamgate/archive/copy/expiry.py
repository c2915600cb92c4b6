"""Which copies may go: of recordings that the sweeper removed and no hold covers."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import msgspec

from streamgate.archive.copy.plan import ARCHIVE
from streamgate.archive.holds import Holds
from streamgate.archive.parts import events_path
from streamgate.archive.removed import Removed, read_removed
from streamgate.archive.sweeper import MARK
from streamgate.clock import boot_id, now_us
from streamgate.core.retention import DAY_S, ClockMark, check_retention_days, judge_clock


class ExpiredCopy(NamedTuple):
    key: str
    removed: Removed


def expired_copies(data_dir: Path, keep_days: int, now: float) -> Iterator[ExpiredCopy]:
    """Yield what may go of the target, the oldest first; nothing while the clock is not to be believed.

    Raises ConfigError: fewer than 60 days. ArchiveError: holds cannot be read, so that all is held. OSError.
    """
    keep_s = check_retention_days(keep_days) * DAY_S
    root = data_dir / ARCHIVE
    if not _clock_is_believed(root, now):
        return
    held = Holds(root).keeper()
    for line in sorted(read_removed(root), key=lambda one: one.end):
        if now - max(line.start, line.end) < keep_s or held(line.path) or (root / line.path).exists():
            continue
        yield ExpiredCopy(f"{ARCHIVE}/{line.path}", line)
        yield ExpiredCopy(f"{ARCHIVE}/{events_path(Path(PurePosixPath(line.path))).as_posix()}", line)


def _clock_is_believed(root: Path, now: float) -> bool:
    try:
        last = msgspec.json.decode((root / MARK).read_bytes(), type=ClockMark)
    except (OSError, msgspec.DecodeError):
        return False
    return judge_clock(last, ClockMark(now, now_us() / 1e6, boot_id()), None).trusted
