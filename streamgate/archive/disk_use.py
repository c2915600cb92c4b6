"""The disk of the archive: what its recordings take, how long it lasts, and whether the reserve is whole."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from streamgate.archive.catalog import Catalog
from streamgate.archive.listing import retention_of
from streamgate.archive.notices import notice
from streamgate.core.forecast import Forecast, Use, forecast
from streamgate.link.messages import Warn
from streamgate.reserve import Reserve
from streamgate.wording import disk_error


class DiskState(msgspec.Struct, frozen=True):
    """`reserve_bytes` are kept back of `reserve_wanted`; both 0: no reserve was made."""

    forecast: Forecast
    channels: list[Use]
    reserve_bytes: int
    reserve_wanted: int


def look_at_disk(
    root: Path, catalog: Catalog, given: Mapping[str, int | None], default_days: int, now: float
) -> DiskState:
    """Return how the archive's disk stands. `given`: see `retention_of`. Raises ArchiveError."""
    days = retention_of(root, given, default_days)
    uses = [Use(one.channel, days.get(one.channel, default_days), *one[1:]) for one in catalog.use(now)]
    reserve = Reserve.of(root)
    held, wanted = reserve.state() if reserve.path.exists() else (0, 0)
    try:
        system = os.statvfs(root)
    except OSError as error:
        raise disk_error(error, root) from error
    free = system.f_bavail * system.f_frsize - (wanted - held)
    return DiskState(forecast(uses, free_bytes=free, now=now), uses, held, wanted)


def disk_warnings(state: DiskState) -> dict[str, Warn | None]:
    """Return what operators are to see in every status, by its key; None: no such trouble."""
    found, unfit = state.forecast, None
    if not found.fits:
        given = {
            "days": found.days_fit,
            "retention": found.retention_days,
            "gb": round(found.bytes_a_day / 1e9, 1),
            "missing": round(found.missing_bytes / 1e9, 1),
        }
        unfit = notice("archive_unfit", given)
    used = state.reserve_bytes < state.reserve_wanted
    given = {"left": round(state.reserve_bytes / 1e6), "all": round(state.reserve_wanted / 1e6)}
    return {"archive_unfit": unfit, "archive_reserve": notice("archive_reserve", given) if used else None}
