"""Duty watch of one channel (R25): carries out the decisions of `core.duty` and notifies people."""

from collections.abc import Callable

from streamgate.core.duty import Act, DutyRules, DutyState, DutyWatch
from streamgate.core.gate import SECOND_US, Gate
from streamgate.core.redaction import SLATE
from streamgate.core.standby import STANDBY
from streamgate.core.two_people import is_person
from streamgate.link.messages import (
    ChannelDuty,
    DutyStatus,
    OnDuty,
    Warn,
)
from streamgate.playout.texts import say

ACTOR = "duty"
"""Actor in log, ledger and edit list for actions of the watch."""
SILENT_US = 6 * SECOND_US  # the console reports every 2 s
MAX_PEOPLE = 20
MAX_NAMED = 3


class Duty:
    """The duty watch of one channel. No method waits, raises, or stops the program.

    `clip` returns the backup to air; `aired` is called after each change of the gate; `tell` takes notices.
    """

    def __init__(
        self, gate: Gate, *, clip: Callable[[], str], aired: Callable[[], None], tell: Callable[[Warn], None]
    ) -> None:
        self._gate, self._clip, self._aired, self._tell = gate, clip, aired, tell
        self._watch = DutyWatch()
        self._known = ChannelDuty(known=False)
        self._reported_us: int | None = None
        self._since_us: int | None = None
        self._gone_us = 0
        self._signed = ""  # the person who gave the last command
        self._asked_by: str | None = None  # who had switched to the standby camera; None: nobody

    def resume(self, now: int) -> None:
        """Resume after a kill: the backup on air is the watch's."""
        self._watch.resume(now)

    def report(self, known: ChannelDuty, rules: DutyRules, now: int, written_at: int | None = None) -> None:
        """Take a report of the console: who is on duty, and when they last used keys or pointer.

        `written_at`: time of the report, on the same clock as `now`. A delayed report must not make an old
        sign of presence look newer than the alarm.
        """
        self._known, self._reported_us = known, now
        del known.people[MAX_PEOPLE:]
        quiet = [one.quiet_s for one in known.people if one.operates and one.quiet_s is not None]
        on_its_way = max(0, now - written_at) if written_at is not None else 0
        quiet_us = round(min(quiet) * SECOND_US) + on_its_way if quiet else None
        self._watch.report(quiet_us=quiet_us, declared=known.declared, ask_min=rules.ask_min, now=now)
        self.tick(rules, now)

    def attend(self, actor: str, rules: DutyRules, now: int) -> None:
        """Record a command, carried out or refused: from a person, it is a sign of presence."""
        if is_person(actor):
            self._signed = actor.partition(":")[2]
            self._watch.sign(now)
        self.tick(rules, now)

    def tick(self, rules: DutyRules, now: int) -> None:
        """Advance the watch: once a second, and at every sign of presence."""
        self._since_us = now if self._since_us is None else self._since_us
        if self._watch.state is DutyState.COVERED and self._gate.on_air and self._gate.backup_actor != ACTOR:
            self._watch.release()  # a person chose what airs instead
        # The standby camera is live, too: nobody previews what airs of it.
        free = self._gate.spans.open is None and self._gate.backup in {None, STANDBY}
        gone_us = self._watch.gone_us(now)
        for act in self._watch.advance(rules, on_air=self._gate.on_air, free=free, now=now):
            self._carry_out(act, rules, now)
        self._gone_us = gone_us if self._watch.gone_us(now) else self._gone_us

    def _carry_out(self, act: Act, rules: DutyRules, now: int) -> None:
        names, names_zh = self._names()
        match act:
            case Act.ASK:
                left_s = max(0.0, rules.absent_s - self._watch.gone_us(now) / SECOND_US)
                self._tell(say("duty_asked", names=names, names_zh=names_zh, seconds=round(left_s)))
            case Act.ALARM:
                self._tell(self._absent(rules.absent_s))
            case Act.COVER:
                clip = self._clip()
                self._asked_by = self._gate.backup_actor if self._gate.backup == STANDBY else None
                self._gate.air_backup(clip, now, ACTOR)
                self._aired()
                self._tell(say("duty_backup", clip=clip))
            case Act.UNCOVER:
                if self._gate.on_air and self._gate.backup_actor == ACTOR:
                    if self._asked_by is None:
                        self._gate.end_backup(now)
                    else:
                        self._gate.air_backup(STANDBY, now, self._asked_by)
                    self._aired()
                    there = self._watch.state is DutyState.THERE
                    self._tell(say("duty_live" if there else "duty_over"))
            case Act.BACK:
                who = self._present()
                seconds = round(self._gone_us / SECOND_US)
                self._tell(say("duty_back", seconds=seconds, names=who, names_zh=who))

    def status(self, rules: DutyRules, now: int) -> DutyStatus:
        state, watch = self._watch.state, self._watch
        gone_s = watch.gone_us(now) / SECOND_US if state is not DutyState.OFF else 0.0
        left_s = rules.absent_s - gone_s
        return DutyStatus(
            state=state.value,
            watch=rules.watch,
            people=self._known.people,
            next=self._known.next,
            gone_s=round(gone_s, 1),
            alarm_in_s=round(max(0.0, left_s), 1) if state in {DutyState.THERE, DutyState.ASKED} else None,
            reported=self.reported(now),
            known=self._known.known,
        )

    def warnings(self, now: int) -> list[Warn]:
        """Return the warnings while nobody is present."""
        if self._watch.state not in {DutyState.ABSENT, DutyState.COVERED}:
            return []
        warnings = [self._absent(self._watch.gone_us(now) // SECOND_US)]
        if self._watch.state is DutyState.COVERED:
            warnings.append(say("duty_backup", clip=self._gate.backup or SLATE))
        return warnings

    def reported(self, now: int) -> bool:
        """Whether the console reported within SILENT_US."""
        return self._reported_us is not None and now - self._reported_us < SILENT_US

    def unreported(self, now: int) -> bool:
        """Whether duty is watched, and the console has not reported for SILENT_US."""
        last = self._reported_us if self._reported_us is not None else self._since_us
        return self._watch.state is not DutyState.OFF and last is not None and now - last >= SILENT_US

    def _absent(self, seconds: float) -> Warn:
        names, names_zh = self._names()
        return say("duty_absent", seconds=seconds, names=names, names_zh=names_zh)

    def _names(self) -> tuple[str, str]:
        """Return the names of the people on duty, in English and Chinese."""
        if not self._known.known:
            return "the roster is not known", "值班表未知"
        named = [one.name or one.user for one in self._known.people if one.operates][:MAX_NAMED]
        if not named:
            return "nobody is on the roster now", "当前无人排班"
        return ", ".join(named), "、".join(named)

    def _present(self) -> str:
        there = [one for one in self._known.people if one.operates and one.quiet_s is not None]
        newest: OnDuty | None = min(there, key=lambda one: one.quiet_s or 0.0, default=None)
        if newest is not None and self._reported_us is not None and not self._signed:
            return newest.name or newest.user
        signed, self._signed = self._signed, ""
        return signed or "?"
