"""How recordings are kept: the archive's disk and its second copy, as the Archive screen shows them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from console.archive.playback import Playback
from console.problems import Refused, archive_away
from streamgate.archive.copy.state import CopyState, read_state
from streamgate.archive.disk_use import DiskState, look_at_disk
from streamgate.clock import now_us, wall_s
from streamgate.core.retention import MIN_RETENTION_DAYS
from streamgate.errors import ArchiveError
from streamgate.runtime.apart import DaemonThreads
from streamgate.runtime.channels import ChannelStore

FRESH_US = 30_000_000  # summing up 60 days takes a moment: it is not done anew for each who looks


class Kept(NamedTuple):
    """`disk`: None while nothing was recorded yet. `at`: wall clock, when it was looked at."""

    disk: DiskState | None
    copy: CopyState
    at: float


class Storage:
    """The storage of one data directory. `settings`: those in force, as they are shown."""

    def __init__(
        self, data_dir: Path, run_dir: Path, playback: Playback, settings: Sequence[Mapping[str, str]]
    ) -> None:
        given = {one["name"]: one["value"] for one in settings}
        days = given.get("retention_days", "")
        self._default_days = int(days) if days.isdecimal() else MIN_RETENTION_DAYS
        self._has_copy = bool(given.get("copy_to"))
        self._data_dir, self._run_dir, self._playback = data_dir, run_dir, playback
        self._threads = DaemonThreads("archive storage", 1)  # not waited for: a disk may hold it up
        self._disk: DiskState | None = None
        self._looked_us: int | None = None

    async def look(self) -> Kept:
        """Return how it stands. Raises Refused."""
        try:
            return await self._threads.call(self._look)
        except (ArchiveError, OSError) as error:
            raise Refused(archive_away(error)) from error

    def _look(self) -> Kept:
        now, root = now_us(), self._data_dir / "archive"
        if root.is_dir() and (self._looked_us is None or now - self._looked_us >= FRESH_US):
            given = ChannelStore(self._data_dir).retention(self._default_days)
            self._disk = look_at_disk(root, self._playback.catalog(), given, self._default_days, wall_s())
            self._looked_us = now
        copy = read_state(self._run_dir, wall_s())
        if copy is None:
            copy = CopyState(state="not_running" if self._has_copy else "off")
        return Kept(self._disk, copy, wall_s())
