"""Follows the ledger's records of the gate, and opens a draft for each that calls for one.

It runs beside the console, never in the path of air. What it has read stands in `incidents/followed.json`:
what happened while it was away is opened when it is back, and nothing twice, because an incident's id is
made of the record that opened it.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import structlog

from streamgate.clock import wall_s
from streamgate.errors import ArchiveError, Refused
from streamgate.incidents import evidence
from streamgate.incidents.book import Book
from streamgate.incidents.incident import BY, Ended, Incident, Opened, State
from streamgate.incidents.tail import LedgerTail
from streamgate.incidents.triggers import NOT_RESUMED, may_matter, read_cut_end, read_end, read_trigger
from streamgate.ledger.record import Notice, Record
from streamgate.runtime.apart import DaemonThreads

FILE = "followed.json"
LOOK_S = 1.0
KEEP_TRIES_S = 24 * 3600.0  # so long a hold that could not be placed is tried again
_log = structlog.get_logger("incidents")


class Follower:
    """Reads the ledger of one data directory. Calls block; they raise ArchiveError and OSError."""

    def __init__(
        self, data_dir: Path, book: Book, record: Callable[[Record], object] = lambda _: None
    ) -> None:
        self._data_dir, self._book, self._record = data_dir, book, record
        self._tail = LedgerTail(data_dir, book.folder / FILE, may_matter, book.clock)
        self._not_held: set[str] = set()  # said once of each

    def look(self) -> int:
        """Open what the ledger's new records call for; return how many drafts that are."""
        opened = 0

        def take(record: Mapping[str, Any], origin: str) -> None:
            nonlocal opened
            opened += self._act(record, origin)

        self._tail.follow(take)
        self._tail.remember()
        self._keep_all()
        return opened

    def _act(self, record: Mapping[str, Any], origin: str) -> int:
        now = self._book.clock()
        if (ended := read_cut_end(record) or read_end(record)) is not None:
            self._end_cuts(*ended, killed=record.get("code") == NOT_RESUMED)
        archive = self._data_dir / "archive"
        opened = read_trigger(record, origin, now)
        if opened is not None:
            opened = msgspec.structs.replace(
                opened,
                broadcast=evidence.find_broadcast(archive, opened.channel, opened.happened),
                delay_s=evidence.read_delay(self._data_dir, opened.channel),
            )
        elif (end := read_end(record)) is not None and end[0]:
            opened = evidence.read_floor_breach(archive, *end, origin, now)
        return self._open(opened) if opened is not None else 0

    def _open(self, opened: Opened) -> int:
        if opened.id in self._book.read():
            return 0
        try:
            one = self._book.add(opened)
        except Refused as error:  # another console was quicker, or the book is full
            _log.warning("incident_not_opened", id=opened.id, reason=str(error))
            return 0
        self._record(
            Notice(
                channel=one.channel,
                who=BY,
                code="incident_opened",
                text=f"incident {one.id} is open ({one.kind})",
                text_zh=f"事件 {one.id} 已建立草稿",
            )
        )
        return 1

    def _end_cuts(self, channel: str, at: float, *, killed: bool) -> None:
        """End the cuts in force: what was condemned until then belongs to them.

        `killed`: their broadcast ended when the gate was killed, and the gate came back no sooner than `at`.
        """
        for one in list(self._book.read().values()):
            over = any(isinstance(event, Ended) for event in one.log)
            if one.kind == "cut" and one.channel == channel and one.happened <= at and not over:
                until = at
                if killed:
                    until = evidence.find_last_air(self._data_dir / "archive", channel, one.broadcast, at)
                self._book.add(Ended(id=one.id, at=self._book.clock(), by=BY, until=until))

    def _keep_all(self) -> None:
        """Put on hold what is not yet: all that a full disk or a held lock made impossible before."""
        since = self._book.clock() - KEEP_TRIES_S
        for one in list(self._book.read().values()):
            if _wants_hold(one, since):
                try:
                    evidence.keep(self._book, self._data_dir / "archive", one)
                except Refused as error:
                    if one.id not in self._not_held:
                        self._not_held.add(one.id)
                        _log.warning("incident_not_held", id=one.id, reason=str(error))


def _wants_hold(one: Incident, since: float) -> bool:
    # A cut may go on for long; its hold is placed when it opens, and another one at its end.
    recent = max(one.opened_at, one.until) >= since
    return recent and one.state is not State.DISMISSED


async def follow(data_dir: Path, record: Callable[[Record], object]) -> None:
    """Open drafts until cancelled. What the disk refuses is tried again."""
    threads = DaemonThreads("incidents", 1)  # not waited for: a disk may hold it up
    follower = Follower(data_dir, Book(data_dir, clock=wall_s), record)
    failed = ""
    while True:
        try:
            await threads.call(follower.look)
            failed = ""
        except (ArchiveError, OSError) as error:
            if str(error) != failed:
                failed = str(error)
                _log.warning("incidents_not_followed", reason=failed)
        await asyncio.sleep(LOOK_S)
