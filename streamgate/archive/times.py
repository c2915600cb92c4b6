"""Points in time as people write them: ISO 8601, or seconds since the epoch. Pure."""

import math
import re
from datetime import UTC, datetime

from streamgate.errors import Refused

MAX_S = 253_402_300_799.0  # the end of the year 9999
_LOST_PLUS = re.compile(r"(.*T.*) (\d\d(?::?\d\d)?)")


def parse_time(text: str) -> float:
    """Return seconds since the epoch. ISO 8601 without an offset is in this machine's time zone.

    In an address a `+` that was not escaped arrives as a space: `2026-11-28T10:00:00 08:00` is understood.

    Raises:
        Refused: it is neither.
    """
    at = _seconds(text.strip())
    if at is None or not 0 <= at <= MAX_S:
        raise Refused(
            f"{text!r} is no time; write ISO 8601 (2026-11-28T10:00:00+08:00, 2026-11-28T02:00:00Z), without"
            " an offset in this machine's time zone, or seconds since the epoch",
            f"{text!r} 不是时间；请写 ISO 8601（2026-11-28T10:00:00+08:00），或自 1970 年起的秒数",
        )
    return at


def parse_bounds(start: str | None, end: str | None) -> tuple[float | None, float | None]:
    """Return the bounds of a span; None: no bound. Raises Refused: no times, or the wrong way round."""
    first = parse_time(start) if start is not None else None
    last = parse_time(end) if end is not None else None
    if first is not None and last is not None and first >= last:
        raise Refused("--from must lie before --to", "开始时间须早于结束时间")
    return first, last


def _seconds(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        pass
    else:
        return number if math.isfinite(number) else None
    if (lost := _LOST_PLUS.fullmatch(text)) is not None:
        text = f"{lost[1]}+{lost[2]}"
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def iso(at: float) -> str:
    """Return a time in UTC to the millisecond: 2026-11-28T02:00:00.000Z."""
    ms = round(at * 1000)
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def local(at: float) -> str:
    """Return a time in this machine's time zone, for people: 2026-11-28 10:00:00+08:00."""
    return datetime.fromtimestamp(int(at), UTC).astimezone().isoformat(sep=" ")
