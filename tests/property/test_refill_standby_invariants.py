"""Invariants 1 to 3 over kills, with a standby camera whose recording is taken back, too."""

from fakes.gate_trial import CLIPS, FEEDS, SMALL, S, check_program
from fakes.killed_trial import GOP, Kill, KilledTrial, calm, kills
from fakes.media import audio, video
from hypothesis import event, given, settings
from hypothesis import strategies as st

from streamgate.core.headers import airable
from streamgate.core.packet import Kind, Packet
from streamgate.core.refill import Chosen, Noted, Now, Row, Tail, Vouched, choose
from streamgate.core.ring import Held
from streamgate.core.standby import STANDBY, STANDBY_REFILLED

SPARE = airable(FEEDS[2])  # another size than the main camera's


class KilledCameras(KilledTrial):
    """Beside the main camera a standby sends, which is recorded, too: a fragment for each of its GOPs."""

    def __init__(self) -> None:
        self.sends = True
        self.spares = 0
        self.spare_tail: list[Noted] = []
        self.spare_rows: list[Row] = []
        self.spare_numbers = dict.fromkeys(Kind, 0)
        self.spare_refills: list[object] = []
        self.spare_chosen: object = None
        super().__init__()
        self.begin_spare()

    def begin_spare(self) -> None:
        self.flush_spare()
        self.publishes += 1
        self.spares = GOP - 8  # it came in the middle of a group of pictures
        self.gate.standby.series = -self.series
        self.gate.standby_feed(SPARE, self.shown)
        for name, clip in SMALL.items():
            self.gate.install(clip, name, SPARE)

    def arrive(self) -> None:
        super().arrive()
        if not self.sends:
            return
        tag = f"spare{self.serial}:"
        for packet in (
            video(self.spares, gop=GOP, reorder=1, tag=tag + "v"),
            audio(self.spares, tag=tag + "a"),
        ):
            self.arrived[packet.data] = self.gate._tick(self.shown)
            self.undecided.append(packet.data)
            number = self.spare_numbers[packet.kind]
            self.spare_numbers[packet.kind] += 1
            if packet.keyframe:
                self.flush_spare()
            row = Row(int(packet.kind), packet.keyframe, self.shown, packet.dts, packet.pts, number)
            self.spare_rows.append(row)
            self.payloads[-self.series, row.kind, number] = packet.data
            self.gate.standby_packet(packet, self.shown, number)
        self.spares += 1

    def flush_spare(self) -> None:
        rows, self.spare_rows = self.spare_rows, []
        if rows:
            offset = self.spare_tail[-1].offset + self.spare_tail[-1].size if self.spare_tail else 0
            self.spare_tail.append(
                Noted(
                    part=f"spare {self.series}",
                    offset=offset,
                    size=len(rows),
                    sha256="",
                    source=f"spare {self.publishes}",
                    feed=SPARE,
                    wall_s=self.wall_s - (self.shown - rows[0].arrival_us) / S,
                    end_s=0.0,
                    origin_ms=0,
                    rows=rows,
                )
            )

    def run(self, script) -> None:
        for name, argument in script:
            if name == "spare":
                if argument and not self.sends:
                    self.begin_spare()
                self.sends = argument
            else:
                super().run([(name, argument)])

    def decide_refill(self, tail: Tail, vouched: Vouched) -> object:
        spare = Tail(tail.boot, -tail.series, self.spare_tail[: len(self.spare_tail) - self.unwritten])
        now = Now(self.boot, self.shown, self.wall_s)
        self.spare_chosen = choose(spare, vouched._replace(feed=SPARE), now, 1 << 30)
        self.spare_tail, self.spare_rows = [], []
        self.spare_numbers = dict.fromkeys(Kind, 0)
        self.gate.remembered = self.aired_feed, SPARE
        return super().decide_refill(tail, vouched)

    def kill(self, how: Kill) -> None:
        self.unwritten = how.unwritten
        super().kill(how)

    def come_back(self) -> None:
        super().come_back()
        for name, clip in (*SMALL.items(), *CLIPS.items()):  # in whatever order they are made
            self.gate.install(clip, name, SPARE if clip in SMALL.values() else self.aired_feed)
        self.gate.standby.series = -self.series
        if self.sends:
            self.begin_spare()

    def take_back(self, chosen: object) -> int:
        count = super().take_back(chosen)
        spare = self.spare_chosen
        if isinstance(spare, Chosen):
            held = []
            for row in spare.rows():
                data = self.payloads[spare.series, row.kind, row.number]
                packet = Packet(Kind(row.kind), row.dts, row.pts, row.keyframe, data)
                held.append(Held(row.arrival_us, STANDBY_REFILLED, packet, row.number))
            found = self.gate.refill(spare.feed, held, spare.series, self.shown) if self.gate.on_air else 0
            self.spare_refills.append(found or "late")
        else:
            self.spare_refills.append(spare)
        return count


both = st.one_of(
    calm,
    calm,
    st.tuples(st.just("backup"), st.just(STANDBY)),
    st.tuples(st.just("live"), st.none()),
    st.tuples(st.just("spare"), st.booleans()),
    st.tuples(st.just("kill"), kills),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(both, max_size=9), st.sampled_from([5.0, 33.0]), kills, st.booleans(), st.booleans())
def test_nothing_young_condemned_or_aired_before_comes_back_of_either_camera(
    script, lead_in, last, standby, again
):
    trial = KilledCameras()
    end = [("backup", STANDBY), ("feed", 3.0), ("kill", last)] if standby else [("kill", last)]
    script = [("feed", lead_in), *script, *end, ("feed", 20.0)]
    trial.run([*script, *([("kill", last)] if again else []), ("feed", 35.0)])  # the trial asserts it
    for refill in trial.spare_refills:
        event(f"standby: {refill if isinstance(refill, str) else 'some'}")
    for broadcast in trial.broadcasts:
        check_program(broadcast)
    assert not [notice for notice in trial.gate.notices if notice.code == "violation"]


@settings(max_examples=10, deadline=None)
@given(st.floats(41, 60), st.floats(0.3, 3), st.sampled_from([0.04, 1.0]), st.booleans())
def test_the_standby_is_back_at_its_next_keyframe_whether_or_not_its_encoder_is(
    lead_in, down_s, read_s, sends
):
    """The command to air it was given a while ago: nothing that waits for air came before it."""
    trial = KilledCameras()
    trial.run([("feed", lead_in), ("backup", STANDBY), ("feed", 33.0)])
    dead, unwritten = trial.shown, trial.spare_rows[0].arrival_us
    waiting = {
        data: at
        for data, at in trial.arrived.items()
        if data.startswith(b"spare") and b":v" in data and dead - 30 * S < at < unwritten
    }
    trial.sends = sends
    trial.run([("kill", Kill(down_s=down_s, read_s=read_s)), ("feed", 35.0)])
    assert isinstance(trial.spare_refills[0], int)
    back = trial.shown - round(35 * S)
    left = {one.packet.data: at for at, one in trial.broadcasts[-1] if one.arrival_us is not None}
    due = {data: at + 30 * S for data, at in waiting.items() if at + 30 * S > back + GOP * 40_000}
    assert len(due) > 22 * 25, "every picture, but for the restart and a GOP or two"
    assert all(0 <= left[data] - at <= 40_000 for data, at in due.items())
    assert {one.series for _, one in trial.broadcasts[-1] if one.packet.data in due} == {-1}
    new = [data for data in left if trial.arrived[data] > dead]
    assert any(data.startswith(b"spare") for data in new) == sends, "and what arrives anew follows it"


def test_a_cut_covers_what_was_held_of_both_when_the_gate_died():
    trial = KilledCameras()
    trial.run([("feed", 40.0), ("cut", None), ("kill", Kill()), ("feed", 5.0)])
    assert (trial.refills, trial.spare_refills) == (["cut"], ["cut"])


def test_a_hole_behind_what_came_back_is_told_from_a_lost_standby():
    trial = KilledCameras()
    trial.run(
        [("feed", 40.0), ("backup", STANDBY), ("feed", 33.0), ("kill", Kill(down_s=3.0)), ("feed", 20.0)]
    )
    assert trial.gate.standby_airs
    while trial.gate.live:
        trial.run([("feed", 0.04)])
    assert trial.gate.why.code == "gate_killed"
