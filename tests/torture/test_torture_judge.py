"""Every rule of the judge is seen to fail, on records made by hand; and a faultless round passes."""

import ast
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tools.rtmpwire import Message
from torture import evidence as records
from torture import table
from torture.calm import UNSYNCED_S
from torture.evidence import Archive, Connection, Evidence, Look, Order, Proof, Record, Trouble
from torture.judge import RULES, judge

BEGAN_S = 1000.0
STEP_S = 0.1  # between pictures
END_S = BEGAN_S + 120
HELD_S = 30.02  # how long the hand-made gate holds a packet
HEALTHY = {"state": "live", "ingest": {"connected": True}, "archive": {"state": "ok"}, "warnings": []}


def picture(digest: str, at_s: float, dts: int, *, keyframe: bool = False) -> Message:
    return Message("video", dts, dts, keyframe, 100, digest, at_s, at_s)


def number_of(digest: str) -> int:
    return int(digest.split("-")[1])


def faultless() -> Evidence:
    """Return a round of 120 s in which nothing happened: filler for 30 s, then every picture 30.02 s late."""
    feed = [
        picture(f"live-{n}", BEGAN_S + n * STEP_S, n * 100, keyframe=n % 20 == 0)
        for n in range(round((END_S - BEGAN_S) / STEP_S))
    ]
    filler = [picture(f"filler-{n % 7}", BEGAN_S + 1 + n * STEP_S, n * 100) for n in range(290)]
    live = [
        replace(
            message, dts=29_000 + message.dts, first_s=message.last_s + HELD_S, last_s=message.last_s + HELD_S
        )
        for message in feed
        if message.last_s + HELD_S < END_S
    ]
    return Evidence(
        seed=0,
        delay_s=30.0,
        gop_s=2.0,
        began_s=BEGAN_S,
        ended_s=END_S,
        encoder=[Connection(BEGAN_S - 0.1, None, feed)],
        platform=[Connection(BEGAN_S + 0.5, END_S, filler + live)],
        orders=[],
        troubles=[],
        looks=[Look(END_S - 1, END_S - 0.9, HEALTHY)],
        lags=[],
        archive=Archive({message.digest for message in feed}, files=20),
        decode_errors=[],
        exit_code=0,
        exit_took_s=1.0,
    )


def broken(evidence: Evidence) -> set[str]:
    return {violation.rule for violation in judge(evidence)}


def sent(evidence: Evidence) -> list[Message]:
    return evidence.platform[0].messages


def drop(evidence: Evidence, begin: float, end: float) -> None:
    """Take what left between two seconds of the round off the platform's wire."""
    sent(evidence)[:] = [m for m in sent(evidence) if not BEGAN_S + begin <= m.first_s < BEGAN_S + end]


def cover(evidence: Evidence, begin: float, end: float) -> None:
    """Put filler in place of what left between two seconds."""
    sent(evidence)[:] = [
        replace(m, digest=f"filler-{index % 7}") if BEGAN_S + begin <= m.first_s < BEGAN_S + end else m
        for index, m in enumerate(sent(evidence))
    ]


def order(verb: str, at: float, *, took: float = 0.05, outcome: str = "done", seconds: float = 0) -> Order:
    return Order(verb, BEGAN_S + at, BEGAN_S + at + took, outcome, "as it said", seconds)


def trouble(kind: str, what: str, at: float, seconds: float = 0) -> Trouble:
    return Trouble(kind, what, BEGAN_S + at, BEGAN_S + at + seconds)


def test_a_faultless_round_has_no_violations() -> None:
    assert judge(faultless()) == []


def test_a_round_cut_and_restored_has_no_violations() -> None:
    evidence = faultless()
    evidence.orders = [order("cut", 50), order("restore", 60)]
    cover(evidence, 50.05, 92)
    assert judge(evidence) == []


# ------------------------------------------------------------ each rule fails: (name of the rule, the fault)


def early(evidence: Evidence) -> None:
    messages = sent(evidence)
    at = next(i for i, m in enumerate(messages) if m.digest == "live-400")
    messages[at] = replace(messages[at], first_s=BEGAN_S + 40 + 29.9996)


def live_after_a_cut(evidence: Evidence) -> None:
    evidence.orders = [order("cut", 50), order("restore", 60)]
    cover(evidence, 50.8, 92)


def live_of_a_cut_after_a_restart(evidence: Evidence) -> None:
    evidence.orders = [order("cut", 50)]
    evidence.troubles = [trouble("kill", "gate", 55)]
    cover(evidence, 50.05, 110)


def restored_too_early(evidence: Evidence) -> None:
    evidence.orders = [order("cut", 50), order("restore", 60)]
    cover(evidence, 50.05, 84)


def condemned_by_a_dump(evidence: Evidence) -> None:
    evidence.orders = [order("dump", 50, seconds=5)]
    cover(evidence, 76.2, 80)


def stopped_and_aired(evidence: Evidence) -> None:
    evidence.orders = [order("stop", 50), order("start", 52)]
    drop(evidence, 50, 53)


def twice(evidence: Evidence) -> None:
    messages = sent(evidence)
    at = next(i for i, m in enumerate(messages) if m.digest == "live-400")
    messages.insert(at + 1, replace(messages[at], dts=messages[at].dts + 50))


def out_of_order(evidence: Evidence) -> None:
    messages = sent(evidence)
    at = next(i for i, m in enumerate(messages) if m.digest == "live-400")
    first, second = messages[at], messages[at + 1]
    messages[at] = replace(first, digest=second.digest)
    messages[at + 1] = replace(second, digest=first.digest, first_s=second.first_s + 0.1)


def hole(evidence: Evidence) -> None:
    drop(evidence, 10, 11.3)


def hole_of_a_frozen_disk(evidence: Evidence) -> None:
    evidence.troubles = [trouble("disk", "frozen", 10, 5)]
    drop(evidence, 11, 11.7)


def gate_back_late(evidence: Evidence) -> None:
    evidence.troubles = [trouble("kill", "gate", 10)]
    drop(evidence, 10, 14.5)


def console_dies_and_air_stops(evidence: Evidence) -> None:
    evidence.troubles = [trouble("kill", "console", 10)]
    drop(evidence, 10, 12)


def ends_early(evidence: Evidence) -> None:
    drop(evidence, 110, 120)


def never_begins(evidence: Evidence) -> None:
    drop(evidence, 0, 14)


def reconnects(evidence: Evidence) -> None:
    messages = sent(evidence)
    evidence.platform = [
        Connection(BEGAN_S + 0.5, BEGAN_S + 60, messages[:600]),
        Connection(BEGAN_S + 60, END_S, messages[600:]),
    ]


def reconnects_after_a_freeze_of_all(evidence: Evidence) -> None:
    evidence.troubles = [trouble("freeze", "all", 52, 8)]
    reconnects(evidence)


def dts_stands(evidence: Evidence) -> None:
    messages = sent(evidence)
    messages[500] = replace(messages[500], dts=messages[499].dts)


def undecodable(evidence: Evidence) -> None:
    evidence.decode_errors = ["main-1.flv: error while decoding"]


def stuck(evidence: Evidence) -> None:
    evidence.troubles = [trouble("kill", "gate", 40)]
    cover(evidence, 40, 120)


def filler_because_of_a_stranger(evidence: Evidence) -> None:
    evidence.troubles = [trouble("flood", "acknowledgements", 40, 12)]
    cover(evidence, 70, 82)


def late(evidence: Evidence) -> None:
    messages = sent(evidence)
    at = next(i for i, m in enumerate(messages) if m.digest == "live-400")
    for index in range(at, at + 40):
        messages[index] = replace(messages[index], first_s=messages[at + 40].first_s)


def silent(evidence: Evidence) -> None:
    evidence.orders = [order("backup", 50, outcome="silent"), order("live", 51, outcome="refused")]
    cover(evidence, 50, 55)


def slow_cut(evidence: Evidence) -> None:
    evidence.orders = [order("cut", 50, took=2.0), order("restore", 60)]
    evidence.troubles = [trouble("disk", "frozen", 49, 9)]
    cover(evidence, 50.05, 92)


def forgotten_cut(evidence: Evidence) -> None:
    evidence.orders = [order("cut", 50), order("restore", 60, outcome="refused")]
    evidence.troubles = [trouble("kill", "gate", 55)]
    cover(evidence, 50.05, 120)


def unrecorded(evidence: Evidence) -> None:
    evidence.archive.digests -= {f"live-{n}" for n in range(300, 350)}


def unrecorded_without_a_gap(evidence: Evidence) -> None:
    unrecorded(evidence)
    evidence.troubles = [trouble("disk", "full", 29, 9)]


def broken_part(evidence: Evidence) -> None:
    evidence.archive.errors = ["120000.000Z-000001.mp4: moov atom not found"]


def no_status(evidence: Evidence) -> None:
    evidence.looks = [Look(END_S - 5, END_S, {}, "the gate did not answer within 5 s")]


def no_warning(evidence: Evidence) -> None:
    evidence.troubles = [trouble("disk", "full", 50, 20)]
    evidence.looks = [Look(BEGAN_S + 65, BEGAN_S + 65.1, HEALTHY), *evidence.looks]


def exits_badly(evidence: Evidence) -> None:
    evidence.exit_took_s = 5.4


def exits_by_itself(evidence: Evidence) -> None:
    evidence.exit_code = -1


def not_recorded(evidence: Evidence) -> None:
    evidence.record = Record(missing=3)


def alarm_over_a_live_directory(evidence: Evidence) -> None:
    evidence.proofs = [Proof(BEGAN_S + 50, BEGAN_S + 51, 1, "index.jsonl was changed")]


def live_waits_a_delay_after_a_kill(evidence: Evidence) -> None:
    evidence.troubles.append(Trouble("kill", "gate", BEGAN_S + 70, BEGAN_S + 70))
    drop(evidence, 70, 103)


FAULTS: list[tuple[str, Callable[[Evidence], None]]] = [
    ("floor", early),
    ("condemned", live_after_a_cut),
    ("condemned", live_of_a_cut_after_a_restart),
    ("condemned", restored_too_early),
    ("condemned", condemned_by_a_dump),
    ("condemned", stopped_and_aired),
    ("once", twice),
    ("once", out_of_order),
    ("record", not_recorded),
    ("proofs", alarm_over_a_live_directory),
    ("returns", live_waits_a_delay_after_a_kill),
    ("program", hole),
    ("program", hole_of_a_frozen_disk),
    ("program", gate_back_late),
    ("program", console_dies_and_air_stops),
    ("program", ends_early),
    ("program", never_begins),
    ("connection", reconnects),
    ("connection", reconnects_after_a_freeze_of_all),
    ("timestamps", dts_stands),
    ("decodes", undecodable),
    ("calm", stuck),
    ("calm", filler_because_of_a_stranger),
    ("calm", late),
    ("answers", silent),
    ("answers", slow_cut),
    ("answers", forgotten_cut),
    ("archive", unrecorded),
    ("archive", unrecorded_without_a_gap),
    ("archive", broken_part),
    ("tells", no_status),
    ("tells", no_warning),
    ("ends", exits_badly),
    ("ends", exits_by_itself),
]


@pytest.mark.parametrize(("rule", "fault"), FAULTS, ids=[fault.__name__ for _, fault in FAULTS])
def test_a_fault_is_found(rule: str, fault: Callable[[Evidence], None]) -> None:
    evidence = faultless()
    fault(evidence)
    assert rule in broken(evidence)


def test_every_rule_is_seen_to_fail() -> None:
    assert {rule for rule, _ in FAULTS} == {rule.__name__ for rule in RULES}


# ------------------------------------------------------------ what is allowed


def test_a_killed_gate_may_leave_a_hole_of_3_seconds_and_make_a_new_connection() -> None:
    evidence = faultless()
    evidence.troubles = [trouble("kill", "gate", 40)]
    cover(evidence, 40, 46)
    drop(evidence, 40, 42.9)
    messages = sent(evidence)
    split = next(i for i, m in enumerate(messages) if m.first_s > BEGAN_S + 42)
    evidence.platform = [
        Connection(BEGAN_S + 0.5, BEGAN_S + 40, messages[:split]),
        Connection(BEGAN_S + 42, END_S, messages[split:]),
    ]
    assert judge(evidence) == []


@pytest.mark.parametrize(("frozen_s", "late"), [(5, False), (1, True)])
def test_a_gate_killed_on_a_frozen_disk_is_back_3_seconds_after_the_thaw(frozen_s: float, late: bool) -> None:
    evidence = faultless()
    evidence.troubles = [trouble("disk", "frozen", 39, frozen_s), trouble("kill", "gate", 40.5)]
    cover(evidence, 40.5, 50)
    drop(evidence, 40.5, 46.5)
    messages = sent(evidence)
    split = next(i for i, m in enumerate(messages) if m.first_s > BEGAN_S + 46)
    evidence.platform = [
        Connection(BEGAN_S + 0.5, BEGAN_S + 44, messages[:split]),
        Connection(BEGAN_S + 46, END_S, messages[split:]),
    ]
    assert bool(judge(evidence)) is late


def test_a_gate_killed_without_a_supervisor_comes_back_after_serve() -> None:
    evidence = faultless()
    evidence.troubles = [trouble("kill", "gate+supervisor", 40), trouble("serve", "again", 44, 2)]
    cover(evidence, 40, 85)
    drop(evidence, 40, 48.5)
    assert "program" not in broken(evidence)
    drop(evidence, 48.5, 51)
    assert "program" in broken(evidence)


def test_a_freeze_of_all_excuses_a_hole_of_its_own_length() -> None:
    evidence = faultless()
    evidence.troubles = [trouble("freeze", "all", 5, 8)]
    drop(evidence, 5, 15.5)
    assert "program" not in broken(evidence)
    drop(evidence, 15.5, 18)
    assert "program" in broken(evidence)


def test_a_freeze_puts_off_a_reconnect() -> None:
    evidence = faultless()
    evidence.troubles = [trouble("platform", "hang up", 45), trouble("freeze", "all", 46, 13)]
    reconnects(evidence)
    assert "connection" not in broken(evidence)


def test_what_the_observer_missed_is_no_hole() -> None:
    evidence = faultless()
    drop(evidence, 10, 11.3)
    evidence.lags = [(BEGAN_S + 10, BEGAN_S + 10.9)]
    assert judge(evidence) == []


def test_the_hole_of_an_encoder_that_changed_airs_a_delay_later_and_is_not_the_disks() -> None:
    evidence = faultless()
    evidence.troubles = [trouble("disk", "read-only", 10, 100), trouble("encoder", "twice", 40, 1)]
    drop(evidence, 71, 71.7)
    assert "program" not in broken(evidence)
    drop(evidence, 100, 100.7)
    assert "program" in broken(evidence)


def test_what_the_platform_has_ahead_of_time_is_no_hole() -> None:
    evidence = faultless()
    messages = sent(evidence)
    at = next(i for i, m in enumerate(messages) if m.digest == "live-400")
    for index in range(at, at + 40):  # 4 s of program at once, then nothing for 4 s
        messages[index] = replace(messages[index], first_s=messages[at].first_s)
    assert "program" not in broken(evidence)
    drop(evidence, 74, 76)
    assert "program" in broken(evidence)


def test_an_encoder_that_starts_anew_may_begin_with_the_picture_it_ended_with() -> None:
    evidence = faultless()
    messages = sent(evidence)
    at = next(i for i, m in enumerate(messages) if m.digest == "live-400")
    messages.insert(at + 1, replace(messages[at], dts=messages[at].dts + 1))
    assert "once" in broken(evidence)
    (encoder,) = evidence.encoder
    split = next(i for i, m in enumerate(encoder.messages) if m.digest == "live-400")
    again = Connection(encoder.messages[split].last_s, encoder.closed_s, encoder.messages[split:])
    evidence.encoder = [replace(encoder, messages=encoder.messages[: split + 1]), again]
    assert "once" not in broken(evidence)


def test_a_command_that_got_no_processor_was_not_answered_late() -> None:
    evidence = faultless()
    slow = order("backup", 110, took=2.0)
    evidence.orders = [slow]
    cover(evidence, 112, 120)
    assert "answers" in broken(evidence)
    evidence.orders = [replace(slow, starved_s=1.2)]
    assert "answers" not in broken(evidence)


def test_a_restore_without_an_answer_may_leave_the_cut_in_force() -> None:
    evidence = faultless()
    evidence.orders = [
        order("cut", 40),
        order("restore", 45, outcome="silent"),
        order("backup", 50),
        order("live", 55, outcome="refused"),
        order("restore", 60),
    ]
    evidence.troubles = [trouble("freeze", "gate", 44, 3)]
    cover(evidence, 40.05, END_S - BEGAN_S)
    assert not {"answers", "calm"} & broken(evidence)
    del evidence.orders[1]
    evidence.orders[-1] = order("restore", 54)
    assert "answers" in broken(evidence)


def test_one_picture_may_follow_a_cut_at_once() -> None:
    evidence = faultless()
    evidence.orders = [order("cut", 50), order("restore", 60)]
    cover(evidence, 50.15, 92)
    assert judge(evidence) == []


def test_frames_lost_on_a_full_disk_are_excused_by_a_recorded_gap() -> None:
    evidence = faultless()
    unrecorded_without_a_gap(evidence)
    evidence.archive.gap_packets = 60
    assert judge(evidence) == []


def test_a_disk_that_broke_need_not_hold_what_came_shortly_before() -> None:
    evidence = faultless()
    evidence.troubles = [trouble("disk", "failed", 100, 20)]
    evidence.looks = [Look(END_S - 1, END_S - 0.9, HEALTHY | {"archive": {"state": "failed"}})]
    evidence.archive.digests = {
        digest for digest in evidence.archive.digests if number_of(digest) * STEP_S < 101 - UNSYNCED_S
    }
    assert judge(evidence) == []


# ------------------------------------------------------------ the table


def test_the_table_measures_holes_connections_and_filler() -> None:
    evidence = faultless()
    evidence.troubles = [trouble("kill", "gate", 40)]
    cover(evidence, 40, 73)
    drop(evidence, 40, 42)
    (row,) = table.rows([evidence])
    assert (row.what, row.connections) == ("kill gate", 0)
    assert row.holes_s == [pytest.approx(2.1, abs=0.11)]
    assert row.filler_s == [pytest.approx(33.1, abs=0.2)]


def test_the_table_leaves_out_what_did_not_come_alone() -> None:
    evidence = faultless()
    evidence.troubles = [trouble("kill", "gate", 40), trouble("kill", "console", 44)]
    assert table.rows([evidence]) == []


# ------------------------------------------------------------ about the judge


def test_evidence_survives_its_file(tmp_path: Path) -> None:
    evidence = faultless()
    evidence.orders = [order("cut", 50), order("restore", 60)]
    evidence.troubles = [trouble("kill", "gate", 55)]
    evidence.lags = [(1.0, 2.0)]
    evidence.save(tmp_path / "one.gz")
    assert records.load(tmp_path / "one.gz") == evidence


def test_the_judge_knows_nothing_of_the_gates_code() -> None:
    here = Path(__file__).parent
    for name in ("judge", "calm", "facts", "evidence", "archived", "records", "returns", "table"):
        tree = ast.parse((here / f"{name}.py").read_text())
        imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        imported += [
            one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names
        ]
        assert not [module for module in imported if module.split(".")[0] in ("streamgate", "console")]


@pytest.mark.parametrize(
    "record",
    [
        Record(missing=3),
        Record(lost=1),
        Record(errors=["main-1: its start is lost"]),
    ],
)
def test_a_record_that_is_not_whole_is_found_unless_a_disk_was_bad(record: Record) -> None:
    evidence = faultless()
    evidence.record = Record()
    assert broken(evidence) == set()
    evidence.record = record
    assert broken(evidence) == {"record"}
    evidence.troubles.append(Trouble("disk", "full", BEGAN_S + 40, BEGAN_S + 45))
    assert "record" not in broken(evidence)


@pytest.mark.parametrize(
    "record",
    [
        Record(verify_code=1, verify_said="NOT whole"),
        Record(copy_code=1, copy_said="NOT whole"),
        Record(below_floor=1),
    ],
)
def test_a_record_that_is_not_proven_is_found_whatever_the_disk_did(record: Record) -> None:
    evidence = faultless()
    evidence.record = record
    evidence.troubles.append(Trouble("disk", "full", BEGAN_S + 40, BEGAN_S + 45))
    assert "record" in broken(evidence)


def test_a_death_on_air_that_no_certificate_names_is_found() -> None:
    evidence = faultless()
    evidence.troubles.append(Trouble("kill", "gate", BEGAN_S + 50, BEGAN_S + 50))
    evidence.record = Record()
    assert "record" in broken(evidence)
    evidence.record.kills = 1
    assert "record" not in broken(evidence)
