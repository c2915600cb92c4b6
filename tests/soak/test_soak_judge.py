"""Each rule of the soak, kept and broken."""

from soak.judge import judge_memory, judge_pictures, judge_skews


def memory(grow_mb_h=0.0, hours=0.75, start=80.0, settle=30.0):
    """Return a process's samples: it settles, then grows evenly."""
    end = hours * 3600
    return [
        (at, start + min(settle, at / 60 * settle) + grow_mb_h * at / 3600) for at in range(0, round(end), 5)
    ]


def bad(rows):
    return [one.what for one in rows if not one.good]


def test_flat_memory_is_good_and_growth_is_found():
    assert bad(judge_memory({"gate 1": memory(), "console 2": memory(grow_mb_h=2)})) == []
    leaking = judge_memory({"gate 1": memory(grow_mb_h=60), "console 2": memory()})
    assert bad(leaking) == ["memory of gate 1"]
    assert bad(judge_memory({"gate 1": memory(hours=0.05)})) == [], "a trial of 3 minutes"


def test_a_process_that_was_started_anew_or_never_seen_is_found():
    assert bad(judge_memory({"gate 1": memory(), "gate 7": memory()})) == ["no process was started anew"]
    assert bad(judge_memory({})) == ["no process was started anew"]
    assert bad(judge_memory({"gate 1": [(0.0, 80.0)]})) == ["memory of gate 1"]


def test_sound_that_drifts_or_jumps_is_found():
    steady = {begin: [8.0, 9.0, 8.5] * 6 for begin in range(0, 2700, 20)}
    assert bad(judge_skews("main", steady)) == []
    drifting = {begin: [8.0 + begin / 300] * 18 for begin in range(0, 2700, 20)}
    assert bad(judge_skews("main", drifting)) == ["drift of sound, main"]
    assert bad(judge_skews("main", {**steady, 300: [*steady[300], 60.0]})) == ["each tone, main"]
    assert bad(judge_skews("main", {0: [8.0] * 18})) == ["drift of sound, main"], "one window shows no drift"
    assert bad(judge_skews("main", {**steady, 300: [20.0] * 4})) == [], "too few for a median"


def test_a_source_that_never_aired_is_found():
    assert judge_pictures({"main": 900, "standby": 200, "filler": 150}, ("main", "standby", "filler")).good
    assert not judge_pictures({"main": 900, "filler": 150}, ("main", "standby", "filler")).good
