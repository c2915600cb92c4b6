"""Nobody on duty is there (R25): backup airs until somebody presses a key, or signs at the machine."""

from duty_scenario import ABSENT_S, PERSON, alarms
from stage import Stage
from tools.recording import decode_errors

from streamgate.ledger.read import read

KEYFRAME_S = 2.0  # of the feed


def test_while_somebody_presses_keys_live_airs(unattended: Stage) -> None:
    seen = unattended.seen["there"]
    assert (seen["state"], seen["duty"]["state"]) == ("live", "there")
    assert [one["user"] for one in seen["duty"]["people"]] == [PERSON]


def test_backup_airs_after_the_time_and_no_sooner(unattended: Stage) -> None:
    seen = unattended.seen
    for name, left in (("alone", "left_s"), ("alone again", "left_again_s")):
        took_s = seen[f"{name} at"] - seen[left]
        # the console reports every 2 s: the last one before the page went counts
        assert ABSENT_S - 2.5 <= took_s < ABSENT_S + 8, name
        status = seen[name]
        assert (status["state"], status["requested"]) == ("backup", "backup")
        codes = [warning["code"] for warning in status["warnings"]]
        assert codes[:2] == ["duty_absent", "duty_backup"]
    live = unattended.left_between(seen["pressed_s"] - 3, seen["pressed_s"])
    assert set(live) == {None}


def test_the_alarm_leaves_the_machine_at_once_and_once(unattended: Stage) -> None:
    seen, sent = unattended.seen, alarms(unattended)
    assert unattended.done["chain"].code == 0
    assert len(sent) == 2
    for (title, text, at), covered in zip(sent, ("alone at", "alone again at"), strict=True):
        assert title.endswith("无人值守 nobody on duty is there")
        assert "值班人员已 20 秒无响应" in text
        assert "nobody on duty has been there for 20 s" in text
        assert at - seen[covered] < 5, "loading apprise is in it, and a busy machine"


def test_a_page_that_opens_by_itself_is_nobody(unattended: Stage) -> None:
    assert unattended.seen["page without a hand"]["duty"]["state"] == "covered"


def test_a_key_brings_live_back_at_the_next_keyframe(unattended: Stage) -> None:
    seen = unattended.seen
    assert seen["back_s"] - seen["pressed_s"] < KEYFRAME_S + 1.5
    assert (seen["back"]["duty"]["state"], seen["back"]["requested"]) == ("there", "live")
    assert seen["signed"]["duty"]["state"] == "there"
    assert unattended.done["sign"].json["channel"] == unattended.name


def test_the_program_never_stopped(unattended: Stage) -> None:
    assert len(unattended.exit.connections) == 1
    (recording,) = unattended.recordings()
    assert decode_errors(recording.path) == ""
    assert min(recording.dts_steps("video")) > 0
    assert max(recording.picture_gaps_ms()) <= 120
    assert min(passage.held_s for passage in unattended.pictures()) >= 30.0


def test_all_of_it_stands_in_the_ledger(unattended: Stage) -> None:
    records = [
        one for one in read(unattended.gate.directory / "ledger") if one.get("channel") == unattended.name
    ]
    told = [one["code"] for one in records if one["kind"] == "notice" and one.get("who") == "duty"]
    told = [one for one in told if one != "duty_notified"]  # by the console, in its own time
    once = ["duty_asked", "duty_absent", "duty_backup", "duty_live", "duty_back"]
    assert told == once * 2
    decided = [one["what"] for one in records if one["kind"] == "decision"]
    assert {"channel.change", "duty.take"} <= set(decided)
    assert "sign" in [one["what"] for one in records if one["kind"] == "command"]
