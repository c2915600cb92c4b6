"""Archive retention: which parts may be removed, and whether the wall clock can be trusted. Pure.

Rule R8: a broadcast is recorded in full and kept at least 60 days. In doubt nothing is removed.
"""

from collections.abc import Iterable, Mapping

import msgspec

from streamgate.errors import ConfigError

MIN_RETENTION_DAYS = 60
MAX_RETENTION_DAYS = 36_500
DAY_S = 86_400.0
STEP_S = DAY_S  # a wall clock further ahead of the monotonic clock is doubted
PROBATION_S = DAY_S  # running time in which both clocks must agree after a long time switched off


def check_retention_days(days: int) -> int:
    """Return `days` if it is allowed.

    Raises:
        ConfigError: fewer than 60 (rule R8), or more than a century.
    """
    if days < MIN_RETENTION_DAYS:
        raise ConfigError(
            f"retention of {days} days is refused: rule R8 (Art. 19) keeps every recording at least "
            f"{MIN_RETENTION_DAYS} days; set retention_days to {MIN_RETENTION_DAYS} or more"
        )
    if days > MAX_RETENTION_DAYS:
        raise ConfigError(f"retention of {days} days is refused; allowed are up to {MAX_RETENTION_DAYS}")
    return days


class Candidate(msgspec.Struct, frozen=True):
    """A part of the archive, for the sweeper. Times: wall clock, seconds since the epoch."""

    key: str
    channel: str
    number: int  # rises by one per part of a channel, independent of the clock
    named_at: float  # from its name
    modified_at: float  # of its file: when its last fragment was written
    held: bool = False  # exempt from expiry


def removable(
    candidates: Iterable[Candidate],
    *,
    now_s: float,
    retention_days: int,
    by_channel: Mapping[str, int] | None = None,
) -> list[Candidate]:
    """Return the parts that may be removed, lowest number first.

    `candidates`: all parts of a channel, not a selection. `by_channel`: days of channels with their own.

    The age of a part is that of the youngest of: the time in its name, its file's modification time, and
    every part of its channel with a lower number (recorded before it, even if the clock was wrong then).

    Raises:
        ConfigError: the retention is not allowed.
    """
    keep_s = _keep_s(retention_days)
    own = {channel: _keep_s(days) for channel, days in (by_channel or {}).items()}
    youngest: dict[str, float] = {}
    gone = []
    for part in sorted(candidates, key=lambda part: (part.channel, part.number)):
        at = max(part.named_at, part.modified_at, youngest.get(part.channel, part.named_at))
        youngest[part.channel] = at
        if not part.held and now_s - at > own.get(part.channel, keep_s):
            gone.append(part)
    return gone


def _keep_s(days: int) -> float:
    return max(MIN_RETENTION_DAYS, check_retention_days(days)) * DAY_S


class ClockMark(msgspec.Struct, frozen=True):
    """Reading of both clocks at the sweeper's last run; kept on disk.

    `wall_s`: the wall clock as far as it is trusted. `mono_s`: CLOCK_MONOTONIC, comparable within `boot`.
    `doubt`: "" when trusted, "step" or "off" (apparently switched off for over a day).
    `agreed_s`: running time since doubt "off" arose in which both clocks agreed.
    """

    wall_s: float
    mono_s: float
    boot: str
    doubt: str = ""
    agreed_s: float = 0.0


class ClockVerdict(msgspec.Struct, frozen=True):
    """`trusted`: parts may be removed. `reason`, `reason_zh`: why not. `mark`: to keep for the next run."""

    trusted: bool
    reason: str
    reason_zh: str
    mark: ClockMark


def judge_clock(last: ClockMark | None, now: ClockMark, newest_s: float | None) -> ClockVerdict:
    """Decide whether the wall clock can be trusted.

    `last`: the mark of the last run, None on the first. `now`: both clocks as read (doubt unset). `newest_s`:
    the newest time of any part. Doubt "step" lasts until the clock is right again or a person who checked it
    deletes the mark; doubt "off" lasts until both clocks have agreed for a day of running time.
    """
    mark = now
    reason = reason_zh = ""
    if last is not None:
        same_boot = last.boot == now.boot and now.mono_s >= last.mono_s
        elapsed = now.mono_s - last.mono_s if same_boot else max(0.0, now.mono_s)
        expected = last.wall_s + elapsed
        if now.wall_s > expected + STEP_S:
            ahead = (now.wall_s - expected) / DAY_S
            if same_boot or last.doubt == "step":
                mark = msgspec.structs.replace(now, wall_s=expected, doubt="step")
                reason = f"the clock stepped {ahead:.1f} days forward"
                reason_zh = f"时钟向前跳了 {ahead:.1f} 天"
            else:
                mark = msgspec.structs.replace(now, doubt="off", agreed_s=last.agreed_s)
                reason = f"{ahead:.1f} days passed with the machine off, or its clock is wrong"
                reason_zh = f"关机期间过了 {ahead:.1f} 天，或时钟有误"
        elif last.doubt == "off":
            agreed = last.agreed_s + (elapsed if same_boot else 0.0)
            if agreed < PROBATION_S:
                mark = msgspec.structs.replace(now, doubt="off", agreed_s=agreed)
                hours = (PROBATION_S - agreed) / 3600
                reason = f"the clock is on probation for {hours:.1f} more hours"
                reason_zh = f"时钟尚须观察 {hours:.1f} 小时"
    if not reason and newest_s is not None and now.wall_s < newest_s:
        behind = (newest_s - now.wall_s) / 3600
        reason = f"the clock is {behind:.1f} hours behind the newest recording"
        reason_zh = f"时钟比最新录像晚 {behind:.1f} 小时"
    return ClockVerdict(not reason, reason, reason_zh, mark)
