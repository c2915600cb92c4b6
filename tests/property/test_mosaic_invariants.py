"""What airs under mosaics, picture by picture: spans are marked, moved, lifted and condemned in any order."""

from collections import defaultdict

from fakes.gate_trial import FACE, FILLER, FOREVER, SIGN, Trial, check_program
from fakes.media import clip
from hypothesis import given, settings
from hypothesis import strategies as st

from streamgate.core.box import Box
from streamgate.core.headers import airable
from streamgate.core.mosaic import Wanted
from streamgate.core.packet import Kind, Packet

GOP = 25
before = st.integers(0, 300).map(lambda tenths: tenths / 10)  # seconds before the command
lasts = st.integers(0, 60).map(lambda tenths: tenths / 10)
kinds = st.sampled_from(["mosaic", ("mosaic", FACE), ("mosaic", SIGN)])
mosaics = st.tuples(st.just("redact"), st.tuples(kinds, before, lasts))
make = st.tuples(st.just("make"), st.integers(1, 40))
pauses = st.tuples(st.just("feed"), st.sampled_from([0.04, 0.2, 1.0, 5.3, 15.0]))
steps = st.one_of(
    mosaics,
    make,
    pauses,
    pauses,
    st.tuples(st.just("condemn"), st.tuples(before, lasts)),
    st.tuples(st.just("move"), st.tuples(st.integers(0, 5), before, lasts)),
    st.tuples(st.just("lift"), st.integers(0, 5)),
    st.tuples(st.sampled_from(["cut", "uncut", "restore"]), st.none()),
)
scripts = st.tuples(st.lists(mosaics, min_size=1, max_size=3), st.lists(steps, min_size=2, max_size=10))


class MosaicTrial(Trial):
    """A trial of one steady feed that says what must air, and as what. Spans end where the gate says."""

    def __init__(self) -> None:
        self.order: list[bytes] = []  # all pictures, as they came in
        self.pts: dict[bytes, int] = {}
        self.decided = 0
        self.breaks: set[int] = set()  # before so many pictures were decided a cut ended live
        self.ready: dict[bytes, set[frozenset[Box | None]]] = defaultdict(set)  # by the keyframe
        self.groups: dict[bytes, frozenset[Box | None]] = {}  # what had to be covered as it fell due
        super().__init__(1 << 30)

    def record(self, packet: Packet, number: int) -> None:
        if packet.kind is Kind.VIDEO:
            self.order.append(packet.data)
            self.pts[packet.data] = packet.pts

    def installed(self, wanted: Wanted, taken: bool) -> None:
        if taken:
            self.ready[wanted.packets[0].packet.data].add(wanted.group.boxes)

    def decide(self) -> None:
        super().decide()
        while self.decided < len(self.order) and self.order[self.decided] in self.covered:
            if self.decided % GOP == 0:
                self.groups[self.order[self.decided]] = self.boxes_over(self.decided)
            self.decided += 1

    def boxes_over(self, place: int) -> frozenset[Box | None]:
        begin = self.arrived[self.order[place]]
        end = self.arrived[self.order[place + GOP]]
        found = {
            self.boxes[name] for name, (first, last) in self.mosaics.items() if first < end and last >= begin
        }
        return frozenset([None]) if None in found else frozenset(found)

    def carry_out(self, name, argument, gate, now) -> None:
        if name != "start":
            self.advance()  # what is due leaves before the command, as in a process that is awake
        if name == "cut":
            self.breaks.add(self.decided)
        super().carry_out(name, argument, gate, now)
        for span in gate.spans:
            if span.id in self.of(span):
                self.of(span)[span.id] = (span.start, FOREVER if span.end is None else span.end)

    def expected(self) -> list[tuple[bytes, bool]]:
        """Return (payload, whether it is one of a mosaic that stands for it), in the order they leave."""
        aired: list[tuple[bytes, bool]] = []
        live, playing, shown, newest = False, None, [], 0
        for place, data in enumerate(self.order[: self.decided]):
            in_group = place % GOP
            if in_group == 0:
                group = self.order[place : place + GOP]
                shown = sorted(group, key=self.pts.__getitem__)
                boxes = self.groups[data]
                playing = boxes if boxes and boxes in self.ready[data] else None
                newest = 0
            hidden = self.covered[data] and (
                playing is None or not (None in playing or self.covered[data] <= playing)
            )
            if hidden or data in self.gone or place in self.breaks:
                live, playing = False, None
            if in_group == 0 and not hidden and data not in self.gone:
                live = True
            if live and playing is None:
                aired.append((data, False))
            elif live:  # all that are shown next and have come in by now
                come = set(group[: in_group + 1])
                while newest < len(shown) and shown[newest] in come:
                    aired.append((shown[newest], True))
                    newest += 1
        return aired


@settings(max_examples=100, deadline=None)
@given(scripts)
def test_each_picture_airs_as_it_came_under_its_mosaic_or_not_at_all(script):
    trial = MosaicTrial()
    trial.gate.install(clip("bleep", FILLER, frames=50), "bleep", airable(trial.gate.format_of(1)))
    marked, more = script
    trial.run([("feed", 31.0), *marked, *more, ("feed", 3.0), ("make", 40), ("feed", 10.0)])
    trial.command("restore", None)
    trial.run([("feed", 32.0)])
    live = [
        one for _, one in trial.broadcasts[-1] if one.arrival_us is not None and one.packet.kind is Kind.VIDEO
    ]
    aired = [(trial.stands_for(one)[0], True) if one.redacted else (one.packet.data, False) for one in live]
    assert trial.expected() == aired
    check_program(trial.broadcasts[-1])
    assert not [notice for notice in trial.gate.notices if notice.code == "violation"]
