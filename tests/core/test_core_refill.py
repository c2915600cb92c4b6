"""Which recorded packets may come back after a kill: every doubt, one by one."""

import msgspec
import pytest
from fakes.media import AUDIO, AVCC, video_track

from streamgate.core.gate import Gate
from streamgate.core.packet import FeedFormat, Kind, Packet
from streamgate.core.refill import Chosen, Noted, Now, Row, Tail, Vouched, choose
from streamgate.core.ring import OVERHEAD, REFILLED, Held

S = 1_000_000
FEED = FeedFormat(video_track(AVCC[0]), AUDIO)
NOW = Now("boot", 100 * S, 5000.0)
VOUCHED = Vouched(
    believed=True,
    boot="boot",
    cut=False,
    settled_us=10 * S,
    delay_us=30 * S,
    alive_us=98 * S,
    alive_at=4998.0,
    feed=FEED,
)


def fragment(second: int, **changes) -> Noted:
    """Two pictures and a sound that came in `second`; parts are 4 s long, a fragment has 10 bytes."""
    at = second * S
    rows = [
        Row(Kind.VIDEO, True, at, second * 1000, second * 1000, 2 * second),
        Row(Kind.AUDIO, False, at + 1000, second * 1000, second * 1000, second),
        Row(Kind.VIDEO, False, at + 500_000, second * 1000 + 500, second * 1000 + 500, 2 * second + 1),
    ]
    noted = Noted(
        f"main/{second // 4}.mp4", second % 4 * 10, 10, "", "one", FEED, 4900.0 + second, 0.0, 0, rows
    )
    return msgspec.structs.replace(noted, **changes)


WHOLE = [fragment(second) for second in range(60, 97)]


def decide(noted=WHOLE, vouched=VOUCHED, now=NOW, boot="boot", max_bytes=1 << 20):
    return choose(Tail(boot, 7, noted), vouched, now, max_bytes)


def replaced(index: int, **changes) -> list[Noted]:
    return [*WHOLE[:index], msgspec.structs.replace(WHOLE[index], **changes), *WHOLE[index + 1 :]]


def with_row(index: int, row: int, **changes) -> list[Noted]:
    rows = list(WHOLE[index].rows)
    rows[row] = rows[row]._replace(**changes)
    return replaced(index, rows=rows)


def begins(noted) -> int:
    chosen = decide(noted)
    assert isinstance(chosen, Chosen)
    return next(chosen.rows()).arrival_us


def test_all_that_is_younger_than_the_delay_comes_back_from_its_first_keyframe_on():
    chosen = decide()
    assert isinstance(chosen, Chosen)
    rows = list(chosen.rows())
    assert (rows[0].arrival_us, rows[-1].arrival_us) == (71 * S, 96 * S + 500_000)
    assert len(rows) == 3 * 26
    assert (chosen.series, chosen.feed, chosen.first) == (7, FEED, 0)


def test_a_longer_delay_of_the_killed_process_brings_back_more():
    chosen = decide(vouched=VOUCHED._replace(delay_us=36 * S))
    assert next(chosen.rows()).arrival_us == 65 * S


def test_what_came_until_the_last_command_stays_away():
    chosen = decide(vouched=VOUCHED._replace(settled_us=80 * S))
    assert next(chosen.rows()).arrival_us == 81 * S
    assert decide(vouched=VOUCHED._replace(settled_us=97 * S)) == "command"


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("memory", {"believed": False}),
        ("memory", {"settled_us": -1}),
        ("memory", {"alive_us": 91 * S, "alive_at": 4991.0}),
        ("cut", {"cut": True}),
        ("boot", {"boot": "another"}),
        ("clock", {"alive_at": 4996.9}),
        ("clock", {"alive_us": 101 * S, "alive_at": 5001.0}),
        ("format", {"feed": None}),
        ("format", {"feed": FeedFormat(video_track(AVCC[1]), AUDIO)}),
        ("late", {"delay_us": 2 * S}),
    ],
)
def test_what_the_memory_does_not_vouch_for_stays_away(why, changes):
    assert decide(vouched=VOUCHED._replace(**changes)) == why


@pytest.mark.parametrize(
    ("why", "now"),
    [
        ("boot", NOW._replace(boot="")),
        ("boot", NOW._replace(boot="another")),
        ("clock", NOW._replace(wall_s=5001.5)),
        ("clock", NOW._replace(wall_s=4998.5)),
        ("clock", Now("boot", 90 * S, 4990.0)),
        ("late", Now("boot", 140 * S, 5040.0)),
    ],
)
def test_a_present_that_does_not_fit_gives_up(why, now):
    assert decide(now=now) == why


def test_a_step_of_the_wall_clock_between_the_packets_gives_up():
    assert decide(replaced(-3, wall_s=WHOLE[-3].wall_s + 1.5)) == "clock"


def test_notes_of_another_boot_or_none_at_all_give_up():
    assert decide(boot="another") == "boot"
    assert decide([]) == "nothing"
    assert choose(None, VOUCHED, NOW, 1 << 20) == "nothing"


@pytest.mark.parametrize(
    "noted",
    [
        with_row(-2, 1, arrival_us=3 * S),
        with_row(-2, 1, kind=9),
        replaced(-2, rows=[]),
        replaced(-2, offset=-1),
        with_row(-1, 2, number=999),  # a hole within the newest fragment
    ],
)
def test_notes_that_contradict_themselves_give_up(noted):
    assert decide(noted) == "damaged"


@pytest.mark.parametrize(
    "noted",
    [
        [*WHOLE[:20], *WHOLE[21:]],
        replaced(20, source="another"),
        replaced(20, feed=FeedFormat(FEED.video, None)),
        replaced(20, part="main/other.mp4", offset=0),
        with_row(20, 2, number=999),
        with_row(20, 2, dts=80_000),  # the timeline turns back
        with_row(20, 2, dts=200_000),
    ],
)
def test_only_what_is_unbroken_up_to_the_end_comes_back(noted):
    assert begins(noted) in (81 * S, 82 * S)


def test_without_a_keyframe_or_without_room_nothing_comes_back():
    rows = [[row._replace(keyframe=False) for row in one.rows] for one in WHOLE]
    blind = [msgspec.structs.replace(one, rows=found) for one, found in zip(WHOLE, rows, strict=True)]
    assert decide(blind) == "no_keyframe"
    assert decide(max_bytes=100) == "too_big"
    assert isinstance(decide(max_bytes=300), Chosen)


# ---------------------------------------------------------------- what the gate takes of it


def older(first_s: int, last_s: int) -> list[Held]:
    """A keyframe with a picture behind it for each second."""
    return [
        Held(second * S + half * S // 2, REFILLED, Packet(Kind.VIDEO, 0, 0, not half, b"12345678"), second)
        for second in range(first_s, last_s)
        for half in (0, 1)
    ]


def gate_on_air(max_ring_bytes: int = 1 << 20) -> Gate:
    gate = Gate(30, max_ring_bytes=max_ring_bytes)
    gate.start(100 * S)
    return gate


def test_the_gate_holds_what_is_not_due_yet_from_a_keyframe_on():
    gate = gate_on_air()
    assert gate.refill(FEED, older(60, 97), 7, 100 * S + 1) == 2 * 26
    assert gate.ring.head is not None
    assert gate.ring.head.arrival == 71 * S, "the keyframe of 70 s was due a microsecond ago"
    assert gate.returns_at() == 101 * S
    assert gate.ring.bytes == 2 * 26 * (8 + OVERHEAD)
    assert gate.refill(FEED, older(60, 97), 7, 100 * S + 1) == 0, "once"


def test_the_gate_takes_nothing_while_it_is_cut_off_air_or_full():
    cut = gate_on_air()
    cut.cut(100 * S)
    stopped = gate_on_air()
    stopped.stop(100 * S)
    for gate in (cut, stopped, gate_on_air(max_ring_bytes=1000)):
        assert gate.refill(FEED, older(60, 97), 7, 100 * S) == 0
        assert not len(gate.ring)


def test_the_gate_takes_nothing_that_came_after_what_it_holds_or_has_yet_to_come():
    gate = gate_on_air()
    gate.feed(FEED, 100 * S)
    gate.packet(Packet(Kind.VIDEO, 0, 0, True, b"new"), 100 * S)
    assert gate.refill(FEED, older(60, 102), 7, 105 * S) == 0
    assert gate_on_air().refill(FEED, older(60, 102), 7, 100 * S) == 0
    assert gate.refill(FEED, older(60, 100), 7, 105 * S) > 0
    assert [held.arrival for held in gate.ring._held] == sorted(held.arrival for held in gate.ring._held)


def test_commands_settle_what_came_before_them_but_for_spans_backup_and_live():
    gate = gate_on_air()
    assert gate.settled_us == 100 * S
    gate.air_backup("hills", 101 * S)
    gate.air_live(102 * S)
    gate.lift(gate.dump(5, 103 * S), 104 * S)
    assert gate.settled_us == 100 * S
    for at, command in enumerate(
        (
            gate.cut,
            gate.restore,
            lambda now: gate.set_delay(40, now),
            gate.stop,
            gate.start,
        ),
        110,
    ):
        command(at * S)
        assert gate.settled_us == at * S
