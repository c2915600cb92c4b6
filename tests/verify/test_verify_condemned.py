"""Spans by the ledger: what must not have aired, followed through moves, lifts, and cuts taken back."""

from streamgate.core.edits import LIVE, Held, Piece, Run
from streamgate.ledger.record import Command
from streamgate.verify.condemned import find_condemned
from streamgate.verify.facts import Said

S = 1_000_000
DELAY = 30 * S
BOOT = "one"
WALL = 1_000_000.0


def said(at_s: float, what: str, **args: object) -> Said[Command]:
    """A command that was carried out at `at_s`, ends of spans in seconds."""
    exact = {name: round(value * S) if name.endswith("_us") else value for name, value in args.items()}
    answer = str(exact.pop("answer", "live"))
    return Said(
        Command(
            at=WALL + at_s, mono_us=round(at_s * S), boot=BOOT, who="console:li", channel="main", what=what,
            args=exact, answer=answer, latency_ms=0.5,
        ),
        "gate.jsonl",
        1,
    )  # fmt: skip


def piece(first_s: float, last_s: float, *sound: tuple[float, float], why: str = "") -> Piece:
    """Live that arrived from `first_s` to `last_s` and aired a delay later. `sound`: of its live runs."""
    first, last = round(first_s * S), round(last_s * S)
    runs = [Run("video", 0, 25, 0)]
    for begin, end in sound or ((first_s, last_s),):
        runs.append(Run("audio", 0, 40, 0, arrived_us=(round(begin * S), round(end * S)) if why else None))
    return Piece(
        at=WALL + first_s + 30, from_us=first + DELAY, to_us=last + DELAY, source=LIVE, delay_us=DELAY,
        runs=runs, arrived_us=(first, last), why=why,
        held=Held(65, DELAY, DELAY, 65 * DELAY, 0, [(30_000, 65)]),
    )  # fmt: skip


def forbidden(
    acts: list[Said[Command]], *pieces: Piece, boots: dict[str, tuple[int, int]] | None = None
) -> list[bool]:
    condemned = find_condemned(acts, (WALL, WALL + 1000), boots or {})
    return [any(one.forbids(aired, BOOT) for one in condemned) for aired in pieces]


def mark(at_s: float, first_s: float, last_s: float, what: str = "condemn", **more: object) -> Said[Command]:
    return said(at_s, what, **{"span": "s1", "kind": what, "first_us": first_s, "last_us": last_s, **more})


PIECES = (piece(18, 19.96), piece(20, 21.96), piece(24, 25.96), piece(28, 29.96), piece(30, 31.96))


def test_nothing_of_a_span_may_have_aired():
    assert forbidden([mark(40, 20, 29)], *PIECES) == [False, True, True, True, False]


def test_what_a_lift_let_go_may_air_and_what_was_due_by_then_may_not():
    acts = [mark(40, 20, 29), said(53, "lift", span="s1", first_us=20, last_us=29, past_us=23.0)]
    assert forbidden(acts, *PIECES) == [False, True, False, False, False]


def test_a_lift_that_waits_for_a_second_person_lifts_nothing():
    acts = [mark(40, 20, 29), said(45, "lift", span="s1", answer="second_person")]
    assert forbidden(acts, *PIECES) == [False, True, True, True, False]


def test_a_span_stands_where_it_was_moved_to():
    acts = [mark(40, 20, 25), mark(45, 27, 29, "move", kind="condemn", past_us=15.0)]
    assert forbidden(acts, *PIECES) == [False, False, False, True, False]


def test_what_a_moved_span_had_covered_until_then_stays_forbidden():
    acts = [mark(40, 20, 29), mark(53, 27, 29, "move", kind="condemn", past_us=23.0)]
    assert forbidden(acts, *PIECES) == [False, True, False, True, False]


def test_a_cut_that_was_taken_back_forbids_what_was_due_meanwhile():
    acts = [said(50, "cut", span="s1", kind="cut", first_us=0, past_us=20.0)]
    assert forbidden(acts, *PIECES) == [False, True, True, True, True]
    acts.append(said(53, "uncut", span="s1", first_us=0, past_us=23.0))
    assert forbidden(acts, *PIECES) == [False, True, False, False, False]


def test_a_cut_is_taken_back_after_its_end():
    acts = [said(50, "cut", span="s1", kind="cut", first_us=0, past_us=20.0), said(51, "restore")]
    late = piece(52, 53)
    assert forbidden(acts, *PIECES, late) == [False, True, True, True, True, False]
    acts.append(said(53, "uncut", span="s1", first_us=0, last_us=51, past_us=23.0))
    assert forbidden(acts, *PIECES, late) == [False, True, False, False, False, False]


def test_redacted_sound_may_not_have_aired_and_its_picture_may():
    acts = [mark(40, 20, 29, "redact", kind="mute")]
    assert forbidden(acts, piece(24, 25.96)) == [True], "nothing was replaced"
    assert forbidden(acts, piece(18, 19.96), piece(30, 32)) == [False, False]
    beside = piece(19, 20.9, (19, 19.95), why="mute")
    within = piece(19, 20.9, (19, 20.2), why="mute")
    assert forbidden(acts, beside, within) == [False, True]


def test_pictures_under_a_mosaic_may_not_have_aired_as_they_came_and_their_sound_may():
    acts = [mark(40, 20, 29, "redact", kind="mosaic")]
    assert forbidden(acts, piece(24, 25.96)) == [True], "nothing was exchanged"
    assert forbidden(acts, piece(18, 19.96), piece(30, 32)) == [False, False]
    exchanged = piece(24, 25.96, why="mosaic")
    exchanged.runs[0] = Run("video", 0, 25, 0, clip="mosaic-1", arrived_us=(24 * S, 26 * S))
    assert forbidden(acts, exchanged) == [False]
    raw = Run("video", 25, 3, 1000, arrived_us=(26 * S, 26 * S))
    exchanged.runs.append(raw)
    assert forbidden(acts, exchanged) == [True]


def test_a_name_that_is_given_twice_hides_nothing():
    assert forbidden([mark(40, 20, 23), mark(41, 27, 29)], *PIECES) == [False, True, False, True, False]


def test_a_dump_of_an_older_gate_is_known_by_its_seconds():
    assert forbidden([said(40, "dump", seconds=10.0)], *PIECES) == [False, False, False, False, True]


def test_a_command_counts_by_the_monotonic_clock_of_its_boot():
    """The wall clock was set back an hour, and the cut stands before the broadcast by it."""
    cut = said(50, "cut")
    cut.record.at -= 3600
    assert forbidden([cut], *PIECES) == [False] * 5, "nothing is known of its boot"
    assert forbidden([cut], *PIECES, boots={BOOT: (0, 1000 * S)}) == [False, True, True, True, True]
