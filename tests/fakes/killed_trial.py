"""A trial whose gate is killed and comes back, for property tests that follow a script."""

from typing import NamedTuple

import msgspec
from fakes.gate_trial import CLIPS, FEEDS, FOREVER, SMALL, S, Trial, steps
from hypothesis import strategies as st

from streamgate.core.gate import Gate
from streamgate.core.headers import airable
from streamgate.core.kept_spans import keep_spans
from streamgate.core.packet import Kind, Packet
from streamgate.core.refill import Chosen, Noted, Now, Row, Tail, Vouched, choose
from streamgate.core.ring import REFILLED, Held
from streamgate.core.spans import Span

GOP = 25
WALL_S = 1_790_000_000.0
PART_US = 6 * S
FAULTS = ("wall clock", "boot", "hole", "swapped", "half a command", "a copy", "early arrivals")


class Kill(NamedTuple):
    """`unwritten`: fragments the archive's thread had not come to. `down_s`: until the next process begins.

    `read_s`: how long the thread reads; `meanwhile`: what is commanded then.
    """

    unwritten: int = 0
    down_s: float = 1.0
    fault: str = ""
    read_s: float = 0.2
    meanwhile: tuple[str, object] | None = None


class KilledTrial(Trial):
    """A trial whose gate is killed; with the archive's notes, and a memory saved after each command."""

    def __init__(self) -> None:
        self.boot = "first boot"
        self.series = 1
        self.wall_offset = 0.0
        self.tail: list[Noted] = []
        self.payloads: dict[tuple[int, int, int], bytes] = {}
        self.pending: list[Row] = []
        self.part, self.part_began_us, self.part_bytes = 0, 0, 0
        self.publishes = 0
        self.aired_feed = None
        self.refills: list[object] = []
        super().__init__(1 << 30)
        self.save()

    # ------------------------------------------------------------ the shells around the gate, in a nutshell

    @property
    def wall_s(self) -> float:
        return WALL_S + self.now / S + self.wall_offset

    def source(self, index: int) -> None:
        super().source(index)
        self.flush()
        self.part += 1
        self.part_bytes = 0
        self.index = index
        self.publishes += 1
        feed = airable(FEEDS[index])
        self.aired_feed = feed if feed.video is not None else self.aired_feed

    def record(self, packet: Packet, number: int) -> None:
        if packet.keyframe or (self.pending and self.shown - self.pending[0].arrival_us > 4 * S):
            self.flush()
            if packet.keyframe and self.shown - self.part_began_us >= PART_US:
                self.part, self.part_bytes, self.part_began_us = self.part + 1, 0, self.shown
        row = Row(int(packet.kind), packet.keyframe, self.shown, packet.dts, packet.pts, number)
        self.pending.append(row)
        self.payloads[self.series, row.kind, number] = packet.data

    def flush(self) -> None:
        rows, self.pending = self.pending, []
        if rows:
            noted = Noted(
                part=f"{self.series}/{self.part}",
                offset=self.part_bytes,
                size=len(rows),
                sha256="",
                source=f"publish {self.publishes}",
                feed=FEEDS[self.index],
                wall_s=WALL_S + (rows[0].arrival_us - self.offset) / S + self.wall_offset,
                end_s=0.0,
                origin_ms=0,
                rows=rows,
            )
            self.tail.append(noted)
            self.part_bytes += len(rows)

    def save(self) -> None:
        gate = self.gate
        self.vouched = Vouched(
            believed=True,
            boot=self.boot,
            cut=gate.spans.open is not None,
            settled_us=gate.settled_us,
            delay_us=gate.delay_us,
            alive_us=self.shown,
            alive_at=self.wall_s,
            feed=self.aired_feed,
        )
        self.on_air, self.backup = gate.on_air, gate.backup
        kept = keep_spans(gate.spans, gate.past(self.shown))
        self.kept = msgspec.json.decode(msgspec.json.encode(kept.spans), type=list[Span])
        self.kept_number = gate.spans.number
        self.vouched = self.vouched._replace(settled_us=max(gate.settled_us, kept.settled_us))

    def command(self, name: str, argument: object) -> None:
        super().command(name, argument)
        self.save()

    def run(self, script) -> None:
        for name, argument in script:
            if name == "kill":
                self.kill(argument)
            else:
                super().run([(name, argument)])

    # ------------------------------------------------------------ kill -9, and the next process

    def kill(self, how: Kill) -> None:
        noted = self.tail[: len(self.tail) - how.unwritten]
        self.save()  # once a second, and at each command
        vouched = self.vouched._replace(alive_us=self.shown - S, alive_at=self.wall_s - 1)
        self.now += round(how.down_s * S)
        noted, vouched = self.spoil(how.fault, noted, vouched)
        tail = Tail(self.boot if how.fault != "boot" else "first boot", self.series, noted)
        self.tail, self.pending = [], []
        self.series += 1
        self.numbers = dict.fromkeys(Kind, 0)
        self.gate = gate = Gate(30)
        self.broadcasts.append([])
        self.part_began_us = 0
        if not self.on_air:
            self.come_back()
            return
        gate.set_delay(vouched.delay_us / S, self.shown)
        gate.start(self.shown)
        if tail.boot == self.boot:
            gate.take_back(self.kept, self.kept_number, self.shown)
        if vouched.cut:
            self.cut_id = gate.cut(self.shown, "a").id
            self.spans[self.cut_id] = (0, FOREVER)
        gate.backup = self.backup
        if self.aired_feed is not None:
            fitting = SMALL if self.aired_feed == FEEDS[2] else CLIPS
            for name, clip in fitting.items():
                gate.install(clip, name, self.aired_feed)
        chosen = self.decide_refill(tail, vouched)
        self.save()
        self.come_back()
        self.run([("feed", how.read_s)])
        if how.meanwhile is not None:
            self.run([how.meanwhile, ("feed", 0.2)])
        count = self.take_back(chosen)
        self.refills.append(count or (chosen if isinstance(chosen, str) else "late"))

    def decide_refill(self, tail: Tail, vouched: Vouched) -> object:
        return choose(tail, vouched, Now(self.boot, self.shown, self.wall_s), 1 << 30)

    def come_back(self) -> None:
        """The encoder went on; ingest has announced it anew and goes on from its next keyframe."""
        n = self.n
        self.source(self.index)
        self.n = n + -n % GOP

    def take_back(self, chosen: object) -> int:
        if not isinstance(chosen, Chosen) or not self.gate.on_air:
            return 0
        held = []
        for row in chosen.rows():
            data = self.payloads[chosen.series, row.kind, row.number]
            if row.kind == Kind.VIDEO or chosen.feed.audio is not None:
                packet = Packet(Kind(row.kind), row.dts, row.pts, row.keyframe, data)
                held.append(Held(row.arrival_us, REFILLED, packet, row.number))
        return self.gate.refill(chosen.feed, held, chosen.series, self.shown)

    def spoil(self, fault: str, noted: list[Noted], vouched: Vouched) -> tuple[list[Noted], Vouched]:
        middle = len(noted) // 2
        match fault:
            case "wall clock":
                self.wall_offset -= 7.0
            case "boot":
                self.boot += ", and another"
                shift = self.shown - 3 * S  # the clock begins anew
                self.offset -= shift
                self.arrived = {data: at - shift for data, at in self.arrived.items()}
                vouched = vouched._replace(settled_us=0)
            case "hole":
                noted = noted[:middle] + noted[middle + 1 :]
            case "swapped":
                noted = noted[:middle] + noted[middle:][::-1]
            case "half a command":
                vouched = vouched._replace(cut=True)
            case "a copy":  # of the disk, from before the newest commands
                vouched = vouched._replace(believed=False, settled_us=0)
            case "early arrivals":  # what a damaged note may say
                for one in noted[-1:]:
                    rows = [row._replace(arrival_us=row.arrival_us - 9 * S) for row in one.rows]
                    noted = [*noted[:-1], msgspec.structs.replace(one, rows=rows)]
        return noted, vouched


calm = steps.filter(lambda step: step[0] != "back")  # CLOCK_MONOTONIC does not
kills = st.builds(
    Kill,
    unwritten=st.integers(0, 2),
    down_s=st.sampled_from([0.3, 1.0, 4.0, 20.0, 40.0]),
    fault=st.sampled_from(("", "", "", *FAULTS)),
    read_s=st.sampled_from([0.04, 0.2, 3.0, 10.0]),
    meanwhile=st.none() | st.sampled_from([("cut", None), ("dump", 20.0), ("delay", 50.0), ("stop", None)]),
)
