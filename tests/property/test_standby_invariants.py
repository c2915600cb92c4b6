"""Invariants 1 to 4 with a standby camera: both inputs come and go, change and are switched in any order."""

from itertools import pairwise

from fakes.gate_trial import CLIPS, FEEDS, SMALL, Trial, check_program, steps
from fakes.media import audio, video
from hypothesis import given, settings
from hypothesis import strategies as st

from streamgate.core.headers import airable
from streamgate.core.packet import Kind
from streamgate.core.standby import STANDBY, SWITCH_WAIT_US

S = 1_000_000
both = st.one_of(
    steps,
    st.tuples(st.just("backup"), st.just(STANDBY)),
    st.tuples(st.just("backup"), st.just(STANDBY)),
    st.tuples(st.just("live"), st.none()),
    st.tuples(st.just("spare"), st.sampled_from([0, 1, 2, 4, None])),  # its format; None: it is lost
    st.tuples(st.just("main"), st.booleans()),  # whether the main camera sends
)


class TwoCameras(Trial):
    """The standby sends whenever the main camera might; its keyframes come at other times."""

    def __init__(self, max_ring_bytes: int) -> None:
        self.spare: int | None = None
        self.main = True
        self.spares = 0
        self.wanted_at: int | None = None  # since when the standby is wanted, by the gate's clock
        super().__init__(max_ring_bytes)
        self.change_spare(0)

    def change_spare(self, index: int | None) -> None:
        self.spare = index
        if index is None:
            return
        self.gate.standby_feed(FEEDS[index], self.shown)
        for name, made in (SMALL if index == 2 else CLIPS).items() if index < 4 else ():
            self.gate.install(made, name, airable(FEEDS[index]))
        self.spares = 17

    def arrive(self) -> None:
        if self.main:
            super().arrive()
        if self.spare is None:
            return
        self.serial += 1
        for packet in (
            video(self.spares, gop=25, reorder=1, tag=f"spare{self.serial}:v"),
            audio(self.spares, tag=f"spare{self.serial}:a"),
        ):
            self.arrived[packet.data] = self.gate._tick(self.shown)
            self.undecided.append(packet.data)
            if self.spare == 4 or (self.spare == 1 and packet.kind is Kind.AUDIO):
                self.condemned.add(packet.data)
            self.gate.standby_packet(packet, self.shown, self.serial)
        self.spares += 1

    def advance(self) -> None:
        begun = len(self.broadcasts[-1])
        super().advance()
        wants = self.gate.backup == STANDBY
        now = self.gate._tick(self.shown)
        self.wanted_at = (self.wanted_at or now) if wants else None
        for _, aired in self.broadcasts[-1][begun:]:
            spare = aired.packet.data.startswith(b"spare")
            if aired.arrival_us is not None and not spare and self.wanted_at is not None:
                assert now - self.wanted_at <= SWITCH_WAIT_US + S  # who wants it off air has it off air

    def run(self, script) -> None:
        for name, argument in script:
            if name == "spare":
                self.change_spare(argument)
            elif name == "main":
                self.main = argument
            else:
                super().run([(name, argument)])


@settings(max_examples=150, deadline=None)
@given(st.lists(both, max_size=14), st.sampled_from([1 << 30, 400_000]), st.sampled_from([0.0, 31.0, 45.0]))
def test_invariants_hold_with_two_cameras(script, max_ring_bytes, lead_in):
    trial = TwoCameras(max_ring_bytes)
    trial.run([("feed", lead_in), *script, ("feed", 35.0)])
    for broadcast in trial.broadcasts:
        check_program(broadcast)
        check_cameras(broadcast)
    assert not [notice for notice in trial.gate.notices if notice.code == "violation"]


def check_cameras(broadcast: list) -> None:
    """A camera is entered at one of its keyframes, also from the other camera, and each airs in order."""
    pictures = [aired for _, aired in broadcast if aired.packet.kind is Kind.VIDEO]
    whose = [None if one.arrival_us is None else one.packet.data.startswith(b"spare") for one in pictures]
    for (was, _), (is_, new) in pairwise(zip(whose, pictures, strict=True)):
        assert was == is_ or new.packet.keyframe
    for camera in (False, True):
        arrivals = [one.arrival_us for one, by in zip(pictures, whose, strict=True) if by is camera]
        assert arrivals == sorted(arrivals)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["there", "back"]), st.floats(0.1, 8)), min_size=1, max_size=10))
def test_nothing_but_the_cameras_airs_while_both_are_there(switches):
    trial = TwoCameras(1 << 30)
    trial.run([("feed", 33.0)])
    begun = len(trial.broadcasts[-1])
    for where, seconds in switches:
        trial.run([("backup", STANDBY) if where == "there" else ("live", None), ("feed", seconds)])
    pictures = [aired for _, aired in trial.broadcasts[-1][begun:] if aired.packet.kind is Kind.VIDEO]
    assert all(aired.arrival_us is not None for aired in pictures)
