"""Keeps the archive in order beside the console: expired recordings go, the catalog follows the files."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import structlog

from streamgate.archive.catalog import Catalog
from streamgate.archive.notices import notice
from streamgate.archive.sweeper import EVERY_S, Sweeper
from streamgate.link.messages import Warn

SYNC_S = 60.0
_log = structlog.get_logger()


async def keep(
    root: Path, catalog_path: Path, *, retention_days: int, tell: Callable[[Warn], Awaitable[None]]
) -> None:
    """Rebuild the catalog from the files, then sync it every minute and sweep every hour, until cancelled.

    `tell` brings an alarm before the operators. Raises ConfigError for a retention below 60 days (rule R8).
    """
    alarms: list[Warn] = []

    def alarm(code: str, params: Mapping[str, object]) -> None:
        alarms.append(notice(code, params))

    catalog = await asyncio.to_thread(Catalog, catalog_path)
    try:
        sweeper = Sweeper(root, retention_days=retention_days, alarm=alarm, on_removed=catalog.mark_removed)
        parts = await asyncio.to_thread(catalog.rebuild, root)
        _log.info("catalog_rebuilt", parts=parts)
        while True:
            await sweeper.sweep()
            for warn in alarms:
                await tell(warn)
            alarms.clear()
            for _ in range(round(EVERY_S / SYNC_S)):
                await asyncio.sleep(SYNC_S)
                await asyncio.to_thread(catalog.sync, root)
    finally:
        catalog.close()
