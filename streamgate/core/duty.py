"""Dead-man watch of the people on duty (R25): is anybody present, and what to do if nobody is. Pure.

The gate decides, since it controls air. The console only reports when somebody last used keys or pointer.
No report never counts as presence.
"""

from enum import Enum
from typing import Literal, NamedTuple, assert_never

from streamgate.errors import Refused

SECOND_US = 1_000_000
LEAVE_US = 10 * SECOND_US
"""After this time without anybody, the gate notifies people. A page reload or console restart is shorter."""
ASK_MIN, MIN_ASK_MIN, MAX_ASK_MIN = 10.0, 1.0, 60.0
ABSENT_S, MIN_ABSENT_S, MAX_ABSENT_S = 120.0, 20.0, 3600.0
WatchMode = Literal["off", "alarm", "backup"]
WATCH_MODES: tuple[WatchMode, ...] = ("off", "alarm", "backup")


class DutyRules(NamedTuple):
    """A channel's duty settings.

    `watch`: "off"; "alarm" (once the channel has a roster); "backup" (an alarm, then backup airs until
    somebody is present). `ask_min`: minutes without use of keys or pointer after which a person at an open
    page no longer counts as present. `absent_s`: seconds without anybody until the alarm.
    """

    watch: WatchMode = "alarm"
    ask_min: float = ASK_MIN
    absent_s: float = ABSENT_S


class DutyState(Enum):
    """State of the watch. The values are those in `status`.

    off: not watched. there: somebody is present. asked: nobody is, for less than `absent_s`. absent: the
    alarm is raised. covered: the alarm is raised, and backup airs because of it.
    """

    OFF = "off"
    THERE = "there"
    ASKED = "asked"
    ABSENT = "absent"
    COVERED = "covered"


class Act(Enum):
    """An action for the shell to carry out."""

    ASK = "ask"  # notify people that nobody is present
    ALARM = "alarm"
    COVER = "cover"  # air backup
    UNCOVER = "uncover"  # return to live
    BACK = "back"  # somebody is present again: the alarm ends


def check_rules(rules: DutyRules) -> DutyRules:
    """Return the rules unchanged. Raises Refused for a value that is not allowed."""
    if rules.watch not in WATCH_MODES:
        raise Refused(
            f"duty watch {rules.watch!r} is not known; use off, alarm or backup",
            f"值守监测方式 {rules.watch!r} 不存在；可用 off、alarm、backup",
        )
    if not MIN_ASK_MIN <= rules.ask_min <= MAX_ASK_MIN:
        raise Refused(
            f"asking after {rules.ask_min:g} min is not allowed; use {MIN_ASK_MIN:g} to {MAX_ASK_MIN:g}",
            f"{rules.ask_min:g} 分钟后询问不可用；请使用 {MIN_ASK_MIN:g} 至 {MAX_ASK_MIN:g} 分钟",
        )
    if not MIN_ABSENT_S <= rules.absent_s <= MAX_ABSENT_S:
        raise Refused(
            f"an alarm after {rules.absent_s:g} s is not allowed; use {MIN_ABSENT_S:g} to {MAX_ABSENT_S:g}",
            f"{rules.absent_s:g} 秒后告警不可用；请使用 {MIN_ABSENT_S:g} 至 {MAX_ABSENT_S:g} 秒",
        )
    return rules


class DutyWatch:
    """One channel's duty watch. Times: microseconds of a monotonic clock; a step back is ignored.

    Backup airs at most once between two signs of presence, and at least `absent_s` after the last one, so
    that it cannot flap.
    """

    def __init__(self) -> None:
        self.state = DutyState.OFF
        self.declared = False
        self.there_at = 0  # when somebody was last present, by the reports
        self.alarm_at = 0
        self._now = 0
        self._released = False  # a person chose what airs: no backup before the next sign

    def report(self, *, quiet_us: int | None, declared: bool, ask_min: float, now: int) -> None:
        """Take a report from the console.

        `quiet_us`: since the newest use of keys or pointer by anybody on duty with a page open; None: nobody
        on duty has a page open. `declared`: the channel has a roster. Only a use after the alarm was raised
        ends it: a page that reconnects by itself reports an older use, which the gate may not have seen.
        """
        now = self._tick(now)
        self.declared = declared
        if quiet_us is None or quiet_us >= ask_min * 60 * SECOND_US:
            return
        alone = self.state in {DutyState.ABSENT, DutyState.COVERED}
        if not alone or now - quiet_us > self.alarm_at:
            self.there_at = now

    def sign(self, now: int) -> None:
        """Record a sign of presence: a command to the gate, or a sign given at its machine."""
        self.there_at = self._tick(now)

    def release(self) -> None:
        """Record that a person chose what airs: the watch must not return to live by itself."""
        if self.state is DutyState.COVERED:
            self.state, self._released = DutyState.ABSENT, True

    def resume(self, now: int) -> None:
        """Resume after a kill in state COVERED: backup airs on until somebody is present."""
        self.there_at = self._tick(now) - round(MAX_ABSENT_S * SECOND_US)
        self.state, self.alarm_at = DutyState.COVERED, self._now

    def gone_us(self, now: int) -> int:
        """Return how long nobody has been present."""
        return max(0, now - self.there_at)

    def advance(self, rules: DutyRules, *, on_air: bool, free: bool, now: int) -> list[Act]:
        """Return the actions to carry out, in order. `free`: a camera is wanted on air, no cut or clip is."""
        now = self._tick(now)
        watched = on_air and (rules.watch == "backup" or (rules.watch == "alarm" and self.declared))
        if not watched:
            return self._end()
        if self.state is DutyState.OFF:
            self.there_at, self.state = now, DutyState.THERE  # the time starts when the watch starts
        if self.state is DutyState.COVERED and rules.watch != "backup":  # the setting was changed
            self.state = DutyState.ABSENT
            return [Act.UNCOVER]
        gone_us = self.gone_us(now)
        if gone_us < LEAVE_US:
            return self._handle_return()
        if gone_us < rules.absent_s * SECOND_US:
            return self._ask()
        return self._handle_absence(rules, free=free)

    def _ask(self) -> list[Act]:
        if self.state is not DutyState.THERE:
            return []  # only a sign ends an alarm, not a longer `absent_s`
        self.state = DutyState.ASKED
        return [Act.ASK]

    def _handle_absence(self, rules: DutyRules, *, free: bool) -> list[Act]:
        acts = []
        if self.state in {DutyState.THERE, DutyState.ASKED}:
            self.state, self.alarm_at = DutyState.ABSENT, self._now
            acts.append(Act.ALARM)
        if self.state is DutyState.ABSENT and rules.watch == "backup" and free and not self._released:
            self.state = DutyState.COVERED
            acts.append(Act.COVER)
        return acts

    def _handle_return(self) -> list[Act]:
        before, self.state, self._released = self.state, DutyState.THERE, False
        match before:
            case DutyState.COVERED:
                return [Act.UNCOVER, Act.BACK]
            case DutyState.ABSENT:
                return [Act.BACK]
            case DutyState.OFF | DutyState.THERE | DutyState.ASKED:
                return []
            case _:
                assert_never(before)

    def _end(self) -> list[Act]:
        """End the watch: off air, or by the settings. Off air the UNCOVER has no effect."""
        before, self.state, self._released = self.state, DutyState.OFF, False
        return [Act.UNCOVER] if before is DutyState.COVERED else []

    def _tick(self, now: int) -> int:
        self._now = max(self._now, now)
        return self._now
