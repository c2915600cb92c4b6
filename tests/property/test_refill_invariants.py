"""Invariants 1 to 3 over processes that are killed and come back: what is brought back from the recording."""

import pytest
from fakes.gate_trial import S, check_program
from fakes.killed_trial import GOP, Kill, KilledTrial, calm, kills
from hypothesis import event, given, settings
from hypothesis import strategies as st

acts = st.one_of(calm, calm, st.tuples(st.just("kill"), kills))


@settings(max_examples=20, deadline=None)
@given(st.lists(acts, max_size=10), st.sampled_from([5.0, 31.0, 45.0]), kills, st.booleans())
def test_nothing_young_condemned_or_aired_before_comes_back(script, lead_in, last, again):
    trial = KilledTrial()
    script = [("feed", lead_in), *script, ("kill", last), ("feed", 20.0)]
    trial.run([*script, *([("kill", last)] if again else []), ("feed", 35.0)])  # the trial asserts it
    for refill in trial.refills:
        event(f"refill: {refill if isinstance(refill, str) else 'some'}")
    for broadcast in trial.broadcasts:
        check_program(broadcast)
    assert not [notice for notice in trial.gate.notices if notice.code == "violation"]


@settings(max_examples=10, deadline=None)
@given(
    st.floats(31, 70), st.floats(0.3, 3), st.sampled_from([0.04, 1.0]), st.sampled_from([30.0, 30.0, 47.0])
)
def test_live_returns_at_the_next_keyframe_when_only_the_gate_died(lead_in, down_s, read_s, delay_s):
    trial = KilledTrial()
    trial.command("delay", delay_s)
    trial.run([("feed", lead_in + delay_s)])
    dead = trial.shown
    unwritten = trial.pending[0].arrival_us
    waiting = {data: at for data, at in trial.arrived.items() if dead - delay_s * S < at < unwritten}
    trial.run([("kill", Kill(down_s=down_s, read_s=read_s)), ("feed", delay_s + 5)])
    assert isinstance(trial.refills[0], int)
    back = trial.shown - round((delay_s + 5) * S)
    left = {one.packet.data: at for at, one in trial.broadcasts[-1] if one.arrival_us is not None}
    due = {data: at + delay_s * S for data, at in waiting.items() if b":v" in data}
    due = {data: at for data, at in due.items() if at > back + GOP * 40_000}
    assert len(due) > (delay_s - 8) * 25, "every picture, but for the restart and a GOP or two"
    assert all(0 <= left[data] - at <= 40_000 for data, at in due.items())
    assert {one.series for _, one in trial.broadcasts[-1] if one.packet.data in due} == {1}
    assert any(trial.arrived[data] > dead for data in left), "and what arrives anew follows it"


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("wall clock", "clock"),
        ("boot", "boot"),
        ("swapped", "damaged"),
        ("half a command", "cut"),
        ("a copy", "memory"),
        ("early arrivals", "damaged"),
    ],
)
def test_every_fault_costs_a_full_delay(fault, why):
    trial = KilledTrial()
    trial.run([("feed", 35.0), ("kill", Kill(fault=fault)), ("feed", 20.0)])
    assert trial.refills == [why]


def test_a_hole_in_the_notes_costs_what_is_older():
    trial = KilledTrial()
    trial.run([("feed", 35.0), ("kill", Kill(fault="hole")), ("feed", 20.0)])
    assert 10 * 50 < trial.refills[0] < 20 * 50


def test_the_hole_that_a_kill_leaves_is_told_from_lost_input():
    trial = KilledTrial()
    trial.run([("feed", 35.0), ("kill", Kill(down_s=3.0)), ("feed", 20.0)])
    assert trial.gate.live
    while trial.gate.live:
        trial.run([("feed", 0.04)])
    assert trial.gate.why.code == "gate_killed"
    trial.run([("feed", 8.0)])
    assert trial.gate.live
    trial.run([("quiet", 32.0)])
    assert trial.gate.why.code == "no_input"


def test_what_was_offered_once_is_not_offered_to_a_third_process():
    trial = KilledTrial()
    trial.run([("feed", 40.0), ("kill", Kill()), ("feed", 8.0), ("kill", Kill()), ("feed", 40.0)])
    first = trial.refills[0]
    assert isinstance(first, int)
    second = [one for _, one in trial.broadcasts[-1] if one.arrival_us is not None and one.series]
    assert {one.series for one in second} == {2}, "only what the second process itself took in comes back"
