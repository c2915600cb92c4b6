"""Keeps the archive in order beside the console: expired recordings go, the catalog follows the files."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import structlog

from streamgate.archive.catalog import Catalog, put_aside
from streamgate.archive.disk_use import disk_warnings, look_at_disk
from streamgate.archive.holds import Holds
from streamgate.archive.notices import notice
from streamgate.archive.sweeper import EVERY_S, Alarm, Recording, Sweeper
from streamgate.clock import now_us, wall_s
from streamgate.core.backoff import Backoff
from streamgate.errors import ArchiveError, CatalogDamaged
from streamgate.link.messages import Warn
from streamgate.runtime.apart import DaemonThreads
from streamgate.wording import both, in_chinese

SYNC_S = 60.0
FORESEE_EVERY_S = 300.0
RETRY_S, MAX_RETRY_S = 2.0, 300.0
_log = structlog.get_logger()


async def keep(
    root: Path,
    catalog_path: Path,
    *,
    retention_days: int,
    tell: Callable[[Warn], Awaitable[None]],
    record: Recording = lambda _: None,
    channel_days: Callable[[], Mapping[str, int | None]] = dict,
    stand: Callable[[str, Warn | None], Awaitable[None]] | None = None,
    retry_s: float = RETRY_S,
) -> None:
    """Rebuild the catalog from the files, then sync it every minute and sweep every hour, until cancelled.

    `tell` brings an alarm before the operators, `record` a removal into the ledger; `channel_days`: see
    `Sweeper`. `stand(key, warning)` lets what is foreseen of the disk stand before the operators, None takes
    it back. What a disk refuses is told once and tried again after ever longer pauses. Raises ConfigError
    for a retention below 60 days (rule R8).
    """
    alarms: list[Warn] = []

    def alarm(code: str, params: Mapping[str, object]) -> None:
        alarms.append(notice(code, params))

    threads = DaemonThreads("archive books", 1)  # not waited for: a disk may hold it up
    books = _Books(root, catalog_path, alarm, retry_s)
    sweeper = Sweeper(
        root,
        retention_days=retention_days,
        alarm=alarm,
        on_removed=books.mark_removed,
        held=Holds(root).keeper,
        covers=Holds(root).covers,
        locked=Holds(root).locked,
        channel_days=channel_days,
        record=record,
    )
    swept_us = foreseen_us = None
    standing: set[str] = set()
    try:
        while True:
            pause_s = await threads.call(books.follow)
            if swept_us is None or now_us() - swept_us >= EVERY_S * 1e6:
                swept_us = now_us()
                await sweeper.sweep()
            while alarms:
                await tell(alarms.pop(0))
            if stand is not None and (foreseen_us is None or now_us() - foreseen_us >= FORESEE_EVERY_S * 1e6):
                foreseen_us = now_us()
                foreseen = await threads.call(books.foresee, channel_days(), retention_days)
                for key, what in foreseen.items():  # again and again: the gate may be a new one
                    if what is not None or key in standing:
                        await stand(key, what)
                        standing = standing | {key} if what is not None else standing - {key}
            await asyncio.sleep(pause_s)
    finally:
        books.close()


class _Books:
    """The catalog, opened and rebuilt as often as the disk makes it necessary. Its calls block."""

    def __init__(self, root: Path, path: Path, alarm: Alarm, retry_s: float) -> None:
        self._root = root
        self._path = path
        self._alarm = alarm
        self._backoff = Backoff(retry_s, MAX_RETRY_S, stable_s=0)
        self._catalog: Catalog | None = None
        self._failed_us: int | None = None

    def follow(self) -> float:
        """Bring the catalog up to the files; return seconds until the next time. Raises no ArchiveError."""
        try:
            self._follow()
        except ArchiveError as error:
            self.close()
            if self._failed_us is None:
                self._failed_us = now_us()
                self._alarm("archive_catalog", both(error))
                _log.warning("catalog_failed", error=str(error))
            return self._backoff.failed(now_us(), jitter=0.5)
        self._backoff.succeeded(now_us())
        if self._failed_us is not None:
            seconds = round((now_us() - self._failed_us) / 1e6, 1)
            self._failed_us = None
            self._alarm("archive_catalog_kept", {"seconds": seconds})
        return SYNC_S

    def _follow(self) -> None:
        try:
            if self._catalog is not None:
                self._catalog.sync(self._root)
            else:
                self._rebuild()
        except CatalogDamaged as error:
            self.close()
            try:
                put_aside(self._path)
            except OSError as refused:
                raise ArchiveError(
                    f"{error}; it cannot be put aside: {refused}",
                    f"{in_chinese(error)}；且无法移开：{in_chinese(refused)}",
                ) from refused
            parts = self._rebuild()
            self._alarm("archive_catalog_rebuilt", {**both(error), "parts": parts})

    def _rebuild(self) -> int:
        catalog = Catalog(self._path)
        try:
            parts = catalog.rebuild(self._root)
        except BaseException:
            catalog.close()
            raise
        self._catalog = catalog
        _log.info("catalog_rebuilt", parts=parts)
        return parts

    def foresee(self, days: Mapping[str, int | None], default_days: int) -> Mapping[str, Warn | None]:
        """Return what is foreseen of the disk, see `disk_warnings`; nothing without a catalog."""
        if self._catalog is None:
            return {}
        try:
            return disk_warnings(look_at_disk(self._root, self._catalog, days, default_days, wall_s()))
        except ArchiveError as error:
            _log.warning("forecast_failed", error=str(error))
            return {}

    def mark_removed(self, paths: Sequence[str], at: float) -> None:
        """Take note of a removal; a catalog that cannot is read anew from the log of removals."""
        if self._catalog is None:
            return
        try:
            self._catalog.mark_removed(paths, at)
        except ArchiveError:
            self.close()

    def close(self) -> None:
        if self._catalog is not None:
            self._catalog.close()
            self._catalog = None
