"""The watch over the people on duty: what follows when nobody is there, and that it cannot flap."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streamgate.core.duty import LEAVE_US, SECOND_US, Act, DutyRules, DutyState, DutyWatch, check_rules
from streamgate.errors import Refused

RULES = DutyRules("backup", 1.0, 30.0)


class Desk:
    """A watch with a clock in seconds; `quiet`: as reported each second, "silent": no report at all."""

    def __init__(self, rules: DutyRules = RULES, *, declared: bool = True) -> None:
        self.watch, self.rules, self.declared = DutyWatch(), rules, declared
        self.now_s, self.on_air, self.free = 1000, True, True
        self.acts: list[tuple[int, Act]] = []

    def run(self, seconds: int, quiet: float | str | None = "silent") -> list[Act]:
        before = len(self.acts)
        for _ in range(seconds):
            self.now_s += 1
            if not isinstance(quiet, str):
                quiet_us = None if quiet is None else round(quiet * SECOND_US)
                self.watch.report(
                    quiet_us=quiet_us, declared=self.declared, ask_min=self.rules.ask_min, now=self.now_us
                )
            self.advance()
        return [act for _, act in self.acts[before:]]

    def sign(self) -> list[Act]:
        before = len(self.acts)
        self.watch.sign(self.now_us)
        self.advance()
        return [act for _, act in self.acts[before:]]

    def advance(self) -> None:
        acts = self.watch.advance(self.rules, on_air=self.on_air, free=self.free, now=self.now_us)
        self.acts += [(self.now_s, act) for act in acts]

    @property
    def now_us(self) -> int:
        return self.now_s * SECOND_US


def test_nobody_there_is_asked_for_then_an_alarm_then_backup_until_a_press() -> None:
    desk = Desk()
    assert desk.run(300, quiet=5) == []
    assert desk.run(29) == [Act.ASK]
    assert desk.run(1) == [Act.ALARM, Act.COVER]
    assert desk.run(300) == []
    assert desk.sign() == [Act.UNCOVER, Act.BACK]
    assert desk.watch.state is DutyState.THERE


def test_somebody_at_an_open_page_is_asked_after_the_minutes_of_the_setting() -> None:
    desk = Desk()
    desk.run(1, quiet=0)
    assert desk.run(100, quiet=59.9) == []
    assert desk.run(30, quiet=60) == [Act.ASK, Act.ALARM, Act.COVER]


def test_a_closed_page_counts_at_once_and_an_open_one_ends_the_alarm() -> None:
    desk = Desk()
    desk.run(1, quiet=0)
    assert desk.run(30, quiet=None) == [Act.ASK, Act.ALARM, Act.COVER]
    assert desk.run(1, quiet=0) == [Act.UNCOVER, Act.BACK]


def test_a_page_that_is_there_again_by_itself_ends_no_alarm() -> None:
    desk = Desk()
    desk.run(1, quiet=0)
    desk.run(31, quiet=None)
    assert desk.run(1, quiet=32.5) == []  # used last before it went
    assert desk.watch.state is DutyState.COVERED
    assert desk.run(1, quiet=0.5) == [Act.UNCOVER, Act.BACK]


def test_without_the_setting_there_is_an_alarm_and_no_backup() -> None:
    desk = Desk(RULES._replace(watch="alarm"))
    desk.run(1, quiet=0)
    assert desk.run(300) == [Act.ASK, Act.ALARM]
    assert desk.sign() == [Act.BACK]


def test_a_channel_without_roster_is_not_watched_unless_backup_is_to_air() -> None:
    alarm = Desk(RULES._replace(watch="alarm"), declared=False)
    assert alarm.run(300, quiet=None) == []
    assert alarm.watch.state is DutyState.OFF
    assert Desk(declared=False).run(300, quiet=None) == [Act.ASK, Act.ALARM, Act.COVER]
    assert Desk(RULES._replace(watch="off")).run(300, quiet=None) == []


def test_while_a_cut_or_a_chosen_backup_is_in_force_nothing_is_covered() -> None:
    desk = Desk()
    desk.free = False
    assert desk.run(60) == [Act.ASK, Act.ALARM]
    desk.free = True
    assert desk.run(1) == [Act.COVER]


def test_what_a_program_decides_is_left_alone_until_a_person_is_there() -> None:
    desk = Desk()
    desk.run(31)
    assert desk.watch.state is DutyState.COVERED
    desk.watch.release()
    assert desk.run(100) == []
    assert desk.sign() == [Act.BACK]
    assert desk.run(31) == [Act.ASK, Act.ALARM, Act.COVER]


def test_after_a_kill_backup_stays_until_somebody_is_there() -> None:
    desk = Desk()
    desk.watch.resume(desk.now_us)
    assert desk.run(50) == []
    assert desk.run(1, quiet=3) == [Act.UNCOVER, Act.BACK]


def test_changed_settings_count_at_once_but_end_no_alarm() -> None:
    desk = Desk()
    desk.run(1, quiet=0)
    desk.run(31)
    desk.rules = RULES._replace(absent_s=1000.0)
    assert desk.run(10) == []
    desk.rules = RULES._replace(watch="alarm")
    assert desk.run(10) == [Act.UNCOVER]
    desk.rules = RULES
    assert desk.run(1) == [Act.COVER]
    desk.rules = RULES._replace(watch="off")
    assert desk.run(1) == [Act.UNCOVER]


def test_the_end_of_the_broadcast_ends_the_watch() -> None:
    desk = Desk()
    desk.run(31)
    desk.on_air = False
    assert desk.run(2) == [Act.UNCOVER]
    desk.on_air = True
    assert desk.run(29) == [Act.ASK]  # the next broadcast has the whole time again


@pytest.mark.parametrize(
    "wrong",
    [
        {"watch": "sometimes"},
        {"ask_min": 0.5},
        {"ask_min": 61.0},
        {"absent_s": 19.0},
        {"absent_s": 3601.0},
        {"absent_s": float("nan")},
    ],
)
def test_rules_out_of_bounds_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Refused) as caught:
        check_rules(DutyRules(**wrong))
    assert "值守" in caught.value.zh or "请使用" in caught.value.zh
    assert check_rules(DutyRules()) == DutyRules("alarm", 10.0, 120.0)


class AnyOrder(RuleBasedStateMachine):
    """Signs, reports, silence, commands, settings and the broadcast's ends in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.desk.run(1)
        self.covered = False
        self.last_there_s = self.desk.now_s

    def _take(self) -> None:
        acts, self.desk.acts = self.desk.acts, []
        for _, act in acts:
            at = self.desk.now_s
            if act is Act.COVER:
                assert not self.covered
                assert self.desk.on_air
                assert self.desk.free
                assert self.desk.rules.watch == "backup"
                # not before the time has passed since the last sign: so it cannot flap
                assert at - self.last_there_s >= self.desk.rules.absent_s
                self.covered = True
            elif act is Act.UNCOVER:
                assert self.covered
                self.covered = False

    @rule(seconds=st.integers(1, 90))
    def nothing_is_heard(self, seconds: int) -> None:
        for _ in range(seconds):
            self.desk.run(1)
            self._note_start()
            self._take()

    def _note_start(self) -> None:
        self.last_there_s = max(self.last_there_s, self.desk.watch.there_at // SECOND_US)

    @rule(seconds=st.integers(1, 90), quiet=st.one_of(st.none(), st.floats(0, 200)))
    def the_console_reports(self, seconds: int, quiet: float | None) -> None:
        for _ in range(seconds):
            used_us = None if quiet is None else (self.desk.now_s + 1 - quiet) * SECOND_US
            watch = self.desk.watch
            alone = watch.state in {DutyState.ABSENT, DutyState.COVERED}
            known = watch.alarm_at if alone else watch.there_at
            fresh = used_us is not None and quiet < 60 and used_us > known
            if fresh:
                self.last_there_s = self.desk.now_s + 1
            self.desk.run(1, quiet)
            self._note_start()
            self._take()
            if fresh:
                assert not self.covered  # at once

    @rule()
    def somebody_presses(self) -> None:
        self.last_there_s = self.desk.now_s
        self.desk.sign()
        self._take()
        assert not self.covered

    @rule()
    def a_program_decides(self) -> None:
        self.desk.watch.release()
        self.covered = False

    @rule(free=st.booleans())
    def a_cut_begins_or_ends(self, free: bool) -> None:
        self.desk.free = free

    @rule(
        watch=st.sampled_from(["off", "alarm", "backup"]),
        ask=st.sampled_from([1.0, 10.0]),
        absent=st.sampled_from([20.0, 60.0]),
    )
    def the_settings_change(self, watch: str, ask: float, absent: float) -> None:
        self.desk.rules = DutyRules(watch, ask, absent)  # type: ignore[arg-type]

    @precondition(lambda self: self.desk.on_air)
    @rule()
    def the_broadcast_ends(self) -> None:
        self.desk.on_air = False
        self.desk.run(1)
        self._take()
        assert self.desk.watch.state is DutyState.OFF

    @precondition(lambda self: not self.desk.on_air)
    @rule()
    def a_broadcast_begins(self) -> None:
        self.desk.on_air = True
        self.last_there_s = self.desk.now_s + 1
        self.desk.run(1)
        self._take()

    @rule(back_s=st.integers(1, 500))
    def the_clock_steps_back(self, back_s: int) -> None:
        self.desk.now_s -= back_s
        self.desk.advance()
        self.desk.now_s += back_s
        self._take()

    @invariant()
    def backup_airs_exactly_while_covered(self) -> None:
        assert self.covered == (self.desk.watch.state is DutyState.COVERED)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_whoever_comes_back_every_while_shorter_than_the_time_never_loses_air(pauses: list[int]) -> None:
    desk = Desk(RULES._replace(absent_s=41.0))
    for pause in pauses:
        assert Act.COVER not in desk.run(pause)
        desk.sign()
    assert LEAVE_US < 41 * SECOND_US
