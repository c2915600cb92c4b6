"""Duty at the gate: the watch's decisions on a real gate, and its notices."""

import pytest

from streamgate.core.duty import DutyRules
from streamgate.core.gate import SECOND_US, Gate
from streamgate.core.standby import STANDBY
from streamgate.link import messages as m
from streamgate.playout.duty import ACTOR, Duty

RULES = DutyRules("backup", 1.0, 30.0)


class Desk:
    def __init__(self, rules: DutyRules = RULES) -> None:
        self.gate, self.rules, self.now = Gate(30.0), rules, 1000 * SECOND_US
        self.told: list[m.Warn] = []
        self.aired = 0
        self.duty = Duty(self.gate, clip=lambda: "hills.mp4", aired=self._aired, tell=self.told.append)
        self.gate.start(self.now)
        self.duty.tick(self.rules, self.now)

    def _aired(self) -> None:
        self.aired += 1

    def pass_(self, seconds: int, known: m.ChannelDuty | None = None) -> list[str]:
        before = len(self.told)
        for _ in range(seconds):
            self.now += SECOND_US
            if known is not None:
                self.duty.report(known, self.rules, self.now)
            self.duty.tick(self.rules, self.now)
        return [one.code for one in self.told[before:]]

    def attend(self, actor: str) -> list[str]:
        before = len(self.told)
        self.duty.attend(actor, self.rules, self.now)
        return [one.code for one in self.told[before:]]

    @property
    def state(self) -> str:
        return self.duty.status(self.rules, self.now).state


def quiet(seconds: float | None, *, operates: bool = True) -> m.ChannelDuty:
    one = m.OnDuty("ann", "安娜", quiet_s=seconds, operates=operates)
    return m.ChannelDuty([one], declared=True)


def test_backup_airs_while_nobody_is_there_and_ends_with_a_sign() -> None:
    desk = Desk()
    assert desk.pass_(60, quiet(3)) == []
    assert desk.pass_(30, quiet(None)) == ["duty_asked", "duty_absent", "duty_backup"]
    assert (desk.gate.backup, desk.gate.backup_actor, desk.state) == ("hills.mp4", ACTOR, "covered")
    assert [one.code for one in desk.duty.warnings(desk.now)] == ["duty_absent", "duty_backup"]
    assert desk.pass_(500, quiet(None)) == []
    assert desk.pass_(1, quiet(0)) == ["duty_live", "duty_back"]
    assert (desk.gate.backup, desk.state, desk.aired) == (None, "there", 2)
    assert desk.duty.warnings(desk.now) == []
    assert "安娜" in desk.told[-1].text_zh
    assert "530 s" in desk.told[-1].text


@pytest.mark.parametrize("actor", ["console:ben", "cli:root"])
def test_any_command_of_a_person_brings_it_back(actor: str) -> None:
    desk = Desk()
    desk.pass_(31)
    assert desk.state == "covered"
    assert desk.attend("token:deck") == []
    assert desk.attend(actor) == ["duty_live", "duty_back"]
    assert actor.partition(":")[2] in desk.told[-1].text


def test_what_a_person_or_program_airs_instead_is_not_taken_back() -> None:
    desk = Desk()
    desk.pass_(31)
    desk.gate.air_backup("sea.mp4", desk.now, "token:deck")
    assert desk.attend("token:deck") == []
    assert (desk.gate.backup, desk.state) == ("sea.mp4", "absent")
    assert desk.pass_(100) == []
    assert desk.attend("console:ann") == ["duty_back"]
    assert desk.gate.backup == "sea.mp4"


def test_the_standby_camera_is_no_backup_that_may_air_with_nobody_there() -> None:
    desk = Desk()
    desk.gate.air_backup(STANDBY, desk.now, "console:ann")
    assert desk.pass_(31) == ["duty_asked", "duty_absent", "duty_backup"]
    assert (desk.gate.backup, desk.gate.backup_actor, desk.state) == ("hills.mp4", ACTOR, "covered")
    assert desk.attend("console:ben") == ["duty_live", "duty_back"]
    assert (desk.gate.backup, desk.gate.backup_actor) == (STANDBY, "console:ann"), "as it was"
    desk.gate.air_live(desk.now)
    assert desk.pass_(31) == ["duty_asked", "duty_absent", "duty_backup"]
    assert desk.attend("console:ben") == ["duty_live", "duty_back"]
    assert desk.gate.backup is None


def test_live_pressed_while_backup_covers_is_no_error_and_stays() -> None:
    desk = Desk()
    desk.pass_(31)
    desk.gate.air_live(desk.now)
    assert desk.attend("console:ann") == ["duty_back"]
    assert (desk.gate.backup, desk.state) == (None, "there")


def test_a_cut_in_force_stays_when_somebody_is_there_again() -> None:
    desk = Desk()
    desk.pass_(31)
    desk.gate.cut(desk.now, "token:deck")
    desk.attend("token:deck")
    assert desk.state == "covered"
    desk.attend("console:ann")
    assert desk.gate.spans.open is not None
    assert desk.gate.backup is None


def test_a_reviewer_on_duty_does_not_watch_air() -> None:
    desk = Desk(RULES._replace(watch="alarm"))
    assert desk.pass_(40, quiet(0, operates=False)) == ["duty_asked", "duty_absent"]
    assert "nobody is on the roster" in desk.told[-1].text


def test_silence_of_the_console_is_nobody_there_and_is_seen() -> None:
    desk = Desk()
    desk.pass_(5, quiet(0))
    assert desk.duty.status(desk.rules, desk.now).reported
    assert desk.pass_(6) == []
    assert desk.duty.unreported(desk.now)
    assert not desk.duty.status(desk.rules, desk.now).reported
    assert desk.pass_(24) == ["duty_asked", "duty_absent", "duty_backup"]


def test_a_report_that_was_long_on_its_way_is_no_new_sign() -> None:
    """Seen on a loaded machine: a page opened again, its report took longer than the last one before."""
    desk = Desk()
    assert desk.pass_(60, quiet(0)) == []
    assert desk.pass_(30, quiet(None)) == ["duty_asked", "duty_absent", "duty_backup"]
    assert desk.pass_(10, quiet(None)) == []
    written_at = desk.now
    desk.now += 3 * SECOND_US
    for late, state in (
        (quiet(11), "covered"),
        (quiet(1), "there"),
    ):  # pressed before; while nobody was there
        desk.duty.report(late, desk.rules, desk.now, written_at)
        assert desk.state == state


def test_a_use_before_the_alarm_that_was_not_reported_then_does_not_end_it() -> None:
    """The page closed between two reports; it opens again by itself, and tells of that use."""
    desk = Desk()
    assert desk.pass_(60, quiet(0)) == []
    assert desk.pass_(30, quiet(None)) == ["duty_asked", "duty_absent", "duty_backup"]
    assert desk.pass_(1, quiet(29.5)) == []
    assert desk.state == "covered"
    assert desk.pass_(1, quiet(0.5)) == ["duty_live", "duty_back"]


def test_the_status_says_how_long_there_is_left() -> None:
    desk = Desk()
    desk.pass_(1, quiet(0))
    desk.pass_(12, quiet(None))
    status = desk.duty.status(desk.rules, desk.now)
    assert (status.state, status.gone_s, status.alarm_in_s, status.watch) == ("asked", 12.0, 18.0, "backup")
    assert status.people[0].user == "ann"
