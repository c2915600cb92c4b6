"""Rehearsals: whether each backup can take the feed's place and give it back, proven in a child."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from console.problems import BUSY, Refused
from console.setup.child import run_child
from streamgate.clock import wall_s
from streamgate.core.packet import FeedFormat
from streamgate.errors import MediaError
from streamgate.playout.clip_info import RehearsalJob, Rehearsed
from streamgate.playout.fillers import DEFAULT_FORMAT
from streamgate.playout.job import SLATE
from streamgate.playout.memory import read_records
from streamgate.runtime.datadir import DataDir
from streamgate.wording import in_chinese

CLIP_S = 180.0  # for one clip; measured: 6 s for 1280x720 on two busy cores
MAX_KEPT = 64  # channels

State = Literal["waiting", "running", "ok", "failed", "cancelled"]


@dataclass
class Turn:
    """One backup's turn. `error`: why it does not splice; `took_s`: wall clock."""

    name: str
    state: State = "waiting"
    error: str = ""
    error_zh: str = ""
    proof: Rehearsed | None = None


@dataclass
class Rehearsal:
    """`format`: what the backups are held against. `known`: the channel's feed was seen before."""

    started_at: float
    started_by: str
    format: FeedFormat
    known: bool
    turns: list[Turn]
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def running(self) -> bool:
        return any(turn.state in {"waiting", "running"} for turn in self.turns)


class Rehearsals:
    """The last rehearsal of each channel. One runs at a time: air has the machine first."""

    def __init__(self, data_dir: Path) -> None:
        self._places = DataDir(data_dir)
        self._last: dict[str, Rehearsal] = {}
        self._group: set[asyncio.Task[None]] = set()

    def last(self, channel: str) -> Rehearsal | None:
        return self._last.get(channel)

    async def start(self, channel: str, files: Mapping[str, Path], by: str) -> Rehearsal:
        """Rehearse the slate and each backup, one after the other; returns at once.

        Raises:
            Refused: one is running already.
        """
        if any(one.running for one in self._last.values()):
            raise Refused(
                BUSY._replace(error="A rehearsal is running already.", error_zh="已有排练正在进行。")
            )
        begun = Rehearsal(wall_s(), by, DEFAULT_FORMAT, False, [Turn(SLATE), *map(Turn, files)])
        self._last.pop(channel, None)
        self._last[channel] = begun
        while len(self._last) > MAX_KEPT:
            del self._last[next(iter(self._last))]
        seen = await asyncio.to_thread(self._feed_of, channel)
        if seen is not None:
            begun.format, begun.known = seen, True
        begun.task = asyncio.ensure_future(self._run(channel, begun, files))
        self._group.add(begun.task)
        begun.task.add_done_callback(self._group.discard)
        return begun

    async def cancel(self, channel: str) -> None:
        """End a channel's rehearsal, if one runs."""
        running = self._last.get(channel)
        if running is not None and running.task is not None:
            running.task.cancel()
            await asyncio.gather(running.task, return_exceptions=True)

    async def close(self) -> None:
        """End what runs, within a second."""
        for task in self._group:
            task.cancel()
        await asyncio.gather(*self._group, return_exceptions=True)

    async def _run(self, channel: str, rehearsal: Rehearsal, files: Mapping[str, Path]) -> None:
        recordings = str(self._places.archive / channel)
        try:
            for turn in rehearsal.turns:
                turn.state = "running"
                source = str(files[turn.name]) if turn.name in files else SLATE
                job = RehearsalJob(turn.name, source, rehearsal.format, recordings)
                try:
                    printed = await run_child(
                        "streamgate.playout.rehearsal", given=msgspec.json.encode(job), timeout_s=CLIP_S
                    )
                    turn.proof = msgspec.json.decode(printed, type=Rehearsed)
                    turn.state = "ok"
                except MediaError as error:
                    turn.state, turn.error, turn.error_zh = "failed", str(error), in_chinese(error)
        finally:
            for turn in rehearsal.turns:
                if turn.state in {"waiting", "running"}:
                    turn.state = "cancelled"

    def _feed_of(self, channel: str) -> FeedFormat | None:
        """Return the format of the channel's feed, or of its last one; None: there never was one."""
        for folder in (self._places.run / "state", self._places.root / "state"):
            record = read_records(folder).get(channel)
            if record is not None and record.feed is not None and record.feed.video is not None:
                return record.feed
        return None
