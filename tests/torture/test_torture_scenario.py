import itertools

from torture import scenario
from torture.scenario import CALM_S, PEERS, PROCESSES

SCRIPTS = [scenario.make(seed) for seed in range(400)]


def test_the_same_seed_gives_the_same_script() -> None:
    assert scenario.make(7) == scenario.make(7)
    assert scenario.make(7) != scenario.make(8)


def test_a_printed_script_can_be_run_again() -> None:
    for script in SCRIPTS[:50]:
        again = scenario.parse(str(script))
        assert str(again) == str(script)
        assert [act.what for act in again.acts] == [act.what for act in script.acts]


def test_every_script_ends_in_calm_long_enough_for_live_to_return() -> None:
    for script in SCRIPTS:
        assert script.acts
        assert max(act.end_s for act in script.acts) <= script.length_s - CALM_S + 7
        assert [act.at_s for act in script.acts] == sorted(act.at_s for act in script.acts)


def test_the_delay_is_never_lowered() -> None:
    assert min(script.delay_s for script in SCRIPTS) >= 30


def test_every_kind_of_act_comes_up() -> None:
    acts = {(act.kind, act.what) for script in SCRIPTS for act in script.acts}
    assert {kind for kind, _ in acts} == {*scenario.KINDS, "port"}
    assert {("kill", name) for name in PROCESSES} <= acts
    assert {("freeze", name) for name in (*PROCESSES, "all")} <= acts
    assert {("disk", what) for what in ("frozen", "slow", "full", "read-only", "failed", "state cut")} <= acts
    assert {peer for script in SCRIPTS for peer in script.peers} == set(PEERS)
    orders = {"cut", "restore", "dump", "backup", "live", "stop", "start"}
    assert {("order", verb) for verb in orders} <= acts


def test_cut_backup_and_stop_do_not_overlap() -> None:
    ends = {"cut": "restore", "backup": "live", "stop": "start"}
    for script in SCRIPTS:
        open_until = ""
        for act in script.acts:
            if act.kind == "order" and act.what in ends:
                assert not open_until
                open_until = ends[act.what]
            elif act.kind == "order" and act.what == open_until:
                open_until = ""


def test_a_script_of_kills_kills_the_gate_several_times_and_leaves_time_to_see_live_again() -> None:
    scripts = [scenario.kills(seed) for seed in range(100)]
    deaths = [[act.at_s for act in one.acts if act.what == "gate"] for one in scripts]
    assert min(map(len, deaths)) >= 4
    assert min(at for one in deaths for at in one) > scenario.FILL_S
    assert max(act.end_s for one in scripts for act in one.acts) < scenario.KILLS_S - 10
    assert {act.what for one in scripts for act in one.acts} > {"gate", "ingest", "cut", "dump", "backup"}


def test_a_script_without_a_disk_leaves_the_disk_alone() -> None:
    assert not [
        act for seed in range(50) for act in scenario.make(seed, disk=False).acts if act.kind == "disk"
    ]


def test_a_script_of_the_record_kills_each_writer_and_proves_the_directory_after_each_kill() -> None:
    scripts = [scenario.record(seed) for seed in range(100)]
    acts = [act for one in scripts for act in one.acts]
    kills = [act for act in acts if act.kind == "kill"]
    assert {name for act in kills for name in act.what.split("+")} == {
        *("gate", "console", "comments", "copy", "ingest"),
    }
    assert len([act for act in acts if act.kind == "prove"]) == len(kills) > 1000
    assert {act.what for act in acts if act.kind == "disk"} == {"full", "slow", "frozen"}
    assert len({act.what for act in acts if act.kind == "clock"}) > 3
    assert max(act.end_s for act in acts) < scenario.RECORD_S - scenario.CALM_S + 5
    for script in scripts:
        deaths = [act.at_s for act in script.acts if "gate" in act.what]
        assert all(b - a >= 8 for a, b in itertools.pairwise(deaths)), "it is back before"
