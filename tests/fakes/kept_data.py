"""A data directory as streamgate leaves it, made in a moment by its own writers over a clock set by hand.

Two broadcasts with a cut, a backup, a dump and a lost encoder; an older recording that the sweeper removed; a
hold; published comments; the catalog.
"""

import asyncio
import hashlib
import os
from pathlib import Path

from fakes.media import AVCC
from msgspec.structs import replace
from tiny_media import make_feed, shift

from streamgate.archive.broadcasts import broadcast_id
from streamgate.archive.catalog import Catalog
from streamgate.archive.edit_list import Begin, End
from streamgate.archive.edit_writer import EditWriter
from streamgate.archive.holds import Holds
from streamgate.archive.sweeper import Sweeper
from streamgate.archive.writer import ArchiveWriter
from streamgate.clock import boot_id
from streamgate.core.clip import audio_frames_for, encode
from streamgate.core.edits import Tally
from streamgate.core.gate import SLATE, Gate
from streamgate.core.packet import AudioTrack, FeedFormat, VideoTrack
from streamgate.ledger.record import Command, Decision, Publication, StageApproval
from streamgate.ledger.signing import Signer
from streamgate.ledger.writer import Writer
from streamgate.playout.clip_file import open_clip

S = 1_000_000
WALL = 1_790_000_000.0
DAY_S = 86_400.0
LAP_MS = 20_000
COMMANDS = {40_500: "cut", 43_000: "restore", 80_000: "backup", 84_000: "live", 88_000: "dump"}
LENGTH_MS = 125_000
BROADCASTS = [broadcast_id("main", WALL), broadcast_id("main", WALL + 1000)]


class Clock:
    def __init__(self, at=WALL):
        self.at = at

    def __call__(self):
        return self.at


def fail(code, params):
    """An alarm: hours pass in a moment here, so the disk seems slow and soon full."""
    if code not in {"archive_behind", "archive_caught_up", "archive_low_space"}:
        raise AssertionError(f"{code}: {params}")


class KeptData:
    """`close`: make the catalog, and end the processes in order."""

    def __init__(self, root: Path, feed=None, *, processes=("gate", "console", "comments")) -> None:
        self.root, self.archive = root, root / "archive"
        self.clock = Clock(WALL - 70 * DAY_S)
        self.feed = feed or make_feed(seconds=LAP_MS // 1000)
        root.mkdir(parents=True, exist_ok=True)
        self.ledgers = {name: self._ledger(name) for name in processes}
        self.wrote: list[ArchiveWriter | EditWriter] = []

    def _ledger(self, name):
        return Writer(self.root / "ledger", name, clock=self.clock, signer=Signer(self.root))

    def fill(self, broadcasts=2):
        self._record_old()
        self.clock.at = WALL
        for number in range(broadcasts):
            self.air(number)
        self._place_hold()
        self._publish_comments()
        self._keep()
        return self

    def close(self):
        if self.archive.is_dir():
            with Catalog(self.root / "catalog.sqlite") as catalog:
                catalog.rebuild(self.archive)
        for ledger in self.ledgers.values():
            assert ledger.close(10)
        return self

    # ------------------------------------------------------------ what is in it

    def _record_old(self):
        """Record and air what has been past its retention for ten days."""
        self._record(make_packets(self.feed, 1), at=self.clock.at, mono_s=0, channel="old")
        edits = EditWriter(self.archive, "old", alarm=fail, record=self.ledgers["gate"].write)
        edits.put(begin("old", self.clock.at, series=1, mono_us=0))
        edits.put(End(self.clock.at + 20))
        assert edits.close()
        self._set_age("old", self.clock.at + 20)

    def _set_age(self, channel, at):
        for path in (self.archive / channel).rglob("*"):
            if path.is_file():
                os.utime(path, (at, at))

    def _record(self, packets, *, at, mono_s, channel):
        archive = ArchiveWriter(self.archive, channel, alarm=fail, record=self.ledgers["gate"].write)
        archive.start()
        archive.format(self.feed[0], "obs")
        for packet in packets:
            archive.packet(packet, int(mono_s * S) + packet.dts * 1000, at + packet.dts / 1000)
        assert archive.close()

    def air(self, number=0, *, end=True, obeys=True, numbered=lambda number, _ms: number, arrived_us=0):
        """Air a broadcast. A gate that is broken does not obey commands, airs other numbers or too early."""
        form, _ = self.feed
        start, mono = WALL + number * 1000, (1000 + number * 1000) * S
        record = self.ledgers["gate"].write
        archive = ArchiveWriter(self.archive, "main", alarm=fail, queue_bytes=1 << 30, record=record)
        edits = EditWriter(self.archive, "main", alarm=fail, record=record)
        archive.start()
        archive.format(form, "obs")
        edits.put(begin("main", start, series=archive.series, mono_us=mono))
        gate, tally = Gate(30), Tally()
        gate.start(mono)
        gate.feed(form, mono)
        for name in (SLATE, "hills.mp4"):
            gate.install(clip_file(self.root / "cache", name, form.audio), name, form)
        arrivals, place = make_packets(self.feed, 5), 0
        for ms in range(0, LENGTH_MS, 20):
            now = mono + ms * 1000
            self.clock.at = start + ms / 1000
            lost = 92_300 <= ms < 95_000
            while place < len(arrivals) and arrivals[place].dts <= ms:
                if not lost:
                    packet = arrivals[place]
                    there = archive.packet(packet, now, self.clock.at)
                    gate.packet(packet, now, numbered(there, ms))
                place += 1
            if ms == 92_300:
                archive.gone()
            if ms == 95_000:
                archive.format(form, "obs again")
                gate.feed(form, now)
            if ms in COMMANDS:
                self._command(gate if obeys else Gate(30), COMMANDS[ms], now)
            out = [
                one if one.arrival_us is None else replace(one, arrival_us=one.arrival_us + arrived_us)
                for one in gate.advance(now)
            ]
            self._note(edits, tally.add(out, now, gate.why, gate.delay_us), mono, start)
            for key, made in tally.clips.items():
                edits.keep(key, made)
            tally.clips.clear()
        self._note(edits, tally.end(), mono, start)
        if end:
            edits.put(End(self.clock.at))
        assert archive.close()
        assert edits.close()

    @staticmethod
    def _note(edits, pieces, mono, start):
        for piece in pieces:
            piece.at = start + (piece.from_us - mono) / 1e6
            edits.put(piece)

    def _command(self, gate, what, now):
        if not gate.on_air:  # a stand-in that does what the real one should have done
            gate.start(now - 60 * S)
            gate.backup = "hills.mp4" if what == "live" else None
            if what == "restore":
                gate.cut(now)
        args = {"dump": {"seconds": 3}, "backup": {"clip": "hills.mp4"}}.get(what, {})
        who = "console:li"
        {
            "cut": lambda: gate.cut(now, who),
            "restore": lambda: gate.restore(now),
            "backup": lambda: gate.air_backup("hills.mp4", now, who),
            "live": lambda: gate.air_live(now),
            "dump": lambda: gate.dump(3, now, who),
        }[what]()
        made = Command(who=who, role="operator", channel="main", what=what, args=args, mono_us=now + 300)
        made.answer, made.latency_ms = "live", 0.2
        self.ledgers["gate"].write(made)

    def _place_hold(self):
        held = Holds(self.archive, clock=self.clock).place(
            "main", WALL, WALL + 60, reason="asked for", by="console:li"
        )
        args = {"hold": held.id, "start": held.start, "end": held.end}
        decision = Decision(who="console:li", channel="main", what="archive.hold", args=args, answer="ok")
        self.ledgers["console"].write(decision)

    def _publish_comments(self):
        for card, stages in ((1, 1), (2, 2), (3, 3)):
            self.publish(card, stages)

    def publish(self, card, stages, *, verdict=None, people=("an", "bo", "cy"), recorded=True):
        roles = ("reviewer", "senior-reviewer", "chief-reviewer")
        approvals = []
        for stage in range(1, stages + 1):
            who = f"console:{people[stage - 1]}"
            at = round(self.clock.at + stage, 3)
            approvals.append(StageApproval(stage, ord(people[stage - 1][0]), who, roles[stage - 1], at))
            if recorded:
                args = {"channel": "main", "id": card, "version": stage, "decision": "approve"}
                self.ledgers["console"].write(
                    Decision(at=at, who=who, channel="main", what="review.decide", args=args, answer="ok")
                )
        self.ledgers["comments"].write(
            Publication(
                at=self.clock.at + 10,
                channel="main",
                broadcast=BROADCASTS[0],
                card=card,
                comments=[card * 10],
                verdict=stages if verdict is None else verdict,
                stages=stages,
                approvals=approvals,
            )
        )

    def _keep(self):
        """Sweep what is old and make the catalog, as the console does."""
        self._set_age("main", self.clock.at)
        with Catalog(self.root / "catalog.sqlite") as catalog:
            catalog.rebuild(self.archive)
            sweeper = Sweeper(
                self.archive,
                retention_days=60,
                alarm=fail,
                on_removed=catalog.mark_removed,
                held=Holds(self.archive).keeper,
                covers=Holds(self.archive).covers,
                locked=Holds(self.archive).locked,
                record=self.ledgers["console"].written,
                wall=self.clock,
            )
            asyncio.run(sweeper.sweep())


def begin(channel, at, *, series, mono_us):
    name = broadcast_id(channel, at)
    return Begin(
        broadcast=name,
        channel=channel,
        started_at=at,
        at=at,
        mono_us=mono_us,
        boot=boot_id(),
        series=series,
        floor_us=30 * S,
        delay_us=30 * S,
    )


def make_packets(feed, laps):
    return [packet for lap in range(laps) for packet in shift(feed[1], lap * LAP_MS)]


def clip_file(folder, name, audio: AudioTrack):
    """Write a filler as the cache has it, and open it."""
    track = VideoTrack("h264", AVCC[1], 160, 96, 25, 1)
    parts = encode(
        name,
        FeedFormat(track, audio),
        [(b"\0\0\0\5\x65" + f"{name[:1]}{i:03d}".encode(), i % 25 == 0) for i in range(30)],
        [f"{name} sound {i}".encode() for i in range(audio_frames_for(30, track, audio))],
        silence=f"{name} silence".encode(),
        has_sound=name != SLATE,
    )
    path = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:40]}-r8.clip"
    folder.mkdir(exist_ok=True)
    path.write_bytes(b"".join(parts))
    made = open_clip(path, name, None)
    made.path = str(path)
    return made
