"""Disk forecast for the archive: hours left at the present rate, days of retention that fit. Pure."""

from collections.abc import Sequence

import msgspec

from streamgate.core.retention import DAY_S

WINDOW_S = 7 * DAY_S  # the bytes recorded per day are the mean over this time
HOUR_S = 3600.0


class Use(msgspec.Struct, frozen=True):
    """Disk use of a channel's recordings. `rate`: bytes a second just now. `bytes`: on the disk.

    `week`: bytes recorded in the last WINDOW_S, `since`: when its oldest recording began, wall clock.
    """

    channel: str
    retention_days: int
    bytes: int
    week: int
    since: float
    rate: float = 0.0

    def a_day(self, now: float) -> float:
        """Return bytes a day; with less than a day of recordings, all their bytes."""
        return self.week / (min(WINDOW_S, max(DAY_S, now - self.since)) / DAY_S)


class Forecast(msgspec.Struct, frozen=True):
    """A disk forecast.

    `hours_left`: until the disk is full at the present rate; None: nothing is recorded just now.

    `days_fit`: days of recordings that fit; None: nothing was recorded lately. `retention_days`: the longest
    of any channel. `fits`: the retention of all channels fits. `missing_bytes`: space lacking for that.
    """

    free_bytes: int
    bytes_a_day: int
    rate: float
    hours_left: float | None
    days_fit: float | None
    retention_days: int
    fits: bool
    missing_bytes: int


def forecast(uses: Sequence[Use], *, free_bytes: int, now: float) -> Forecast:
    """Return how long the disk lasts. `free_bytes`: for recordings, without the reserve."""
    rate = sum(use.rate for use in uses)
    a_day = sum(use.a_day(now) for use in uses)
    needed = sum(use.a_day(now) * use.retention_days for use in uses)
    room = max(0, free_bytes) + sum(use.bytes for use in uses)  # old recordings are removed when they expire
    return Forecast(
        free_bytes=max(0, free_bytes),
        bytes_a_day=round(a_day),
        rate=rate,
        hours_left=round(max(0, free_bytes) / rate / HOUR_S, 1) if rate else None,
        days_fit=round(room / a_day, 1) if a_day else None,
        retention_days=max((use.retention_days for use in uses), default=0),
        fits=needed <= room,
        missing_bytes=max(0, round(needed - room)),
    )
