"""The incident book for pages: read and written in threads, stills decoded by a child process."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from console.incidents.reports import Reports
from console.problems import BUSY, NOT_FOUND, Problem, Refused, archive_away
from console.setup.child import run_child
from console.trace import current
from streamgate.archive.catalog import Catalog
from streamgate.clock import wall_s
from streamgate.errors import ArchiveError, ConfigError, MediaError, StoreError
from streamgate.incidents.book import Book, digest_of
from streamgate.incidents.chain import ChainFile
from streamgate.incidents.escalate import report_of
from streamgate.incidents.escalation import Acknowledged, Closed, Followed
from streamgate.incidents.evidence import find_moment, recordings_on_air
from streamgate.incidents.incident import (
    STILLS,
    Aired,
    AnyEvent,
    Category,
    Completed,
    Dismissed,
    Incident,
    Joined,
    Level,
    stills_due,
)
from streamgate.incidents.notes import take_note
from streamgate.runtime.apart import DaemonThreads
from streamgate.store import published
from streamgate.store.database import AsyncDatabase
from streamgate.store.published import Item
from streamgate.wording import in_chinese, in_english

T = TypeVar("T")
STILL_S = 20.0
MAX_COMMENTS = 200
BUSY_STILLS = BUSY._replace(
    error="Stills of another incident are being made; try again in a moment.",
    error_zh="正在生成其他事件的截图，请稍后再试。",
)

NO_CHAIN = Problem(
    409,
    "no_chain",
    "No chain is set to report along. An administrator sets one: streamgate escalation set FILE.",
    "尚未设置上报流程，请管理员设置：streamgate escalation set FILE。",
)


def no_still(error: Exception) -> Problem:
    return Problem(
        503,
        "no_still",
        f"The still cannot be made: {in_english(error)}.",
        f"无法生成截图：{in_chinese(error)}。",
    )


class Incidents(NamedTuple):
    """What the routes of incidents and reports work with."""

    desk: "IncidentDesk"
    reports: Reports


class IncidentDesk:
    """The incidents of one data directory, for pages. Methods raise console Refused and errors.Refused."""

    def __init__(self, data_dir: Path, database: AsyncDatabase) -> None:
        self._data_dir, self._database = data_dir, database
        self._book, self._chain = Book(data_dir), ChainFile(data_dir)
        self._threads = DaemonThreads("incidents desk", 1)  # the book is read by one at a time
        self._decoding = asyncio.Semaphore(2)
        self._waiting = 0

    async def list_incidents(self) -> Sequence[Incident]:
        """Return all incidents, the newest first."""
        return await self._call(lambda: sorted(self._book.read().values(), key=_when, reverse=True))

    async def get(self, channel: str, number: str) -> Incident:
        one = await self._call(lambda: self._book.read().get(number))
        if one is None or one.channel != channel:
            raise Refused(NOT_FOUND)
        return one

    async def read_comments(self, one: Incident) -> list[Item] | None:
        """Return what viewers were shown and what was taken back around it; None: the database is away."""
        try:
            return await self._database.read(
                published.list_between, one.channel, one.pgm.start, one.pgm.end, limit=MAX_COMMENTS
            )
        except StoreError:
            return None

    async def read_recorded(self, one: Incident) -> list[bool]:
        """Return of which of the stills there is a recording."""
        try:
            return await self._threads.call(self._look, one)
        except ArchiveError:
            return [False] * len(STILLS)

    def _look(self, one: Incident) -> list[bool]:
        archive = self._data_dir / "archive"
        if not (archive / one.channel).is_dir():
            return [False] * len(STILLS)
        with contextlib.closing(Catalog(self._data_dir / "catalog.sqlite")) as catalog:
            moments = zip(self._cameras(one), STILLS, strict=True)
            return [
                find_moment(archive, catalog, name, one.happened + at) is not None for name, at in moments
            ]

    def _cameras(self, one: Incident) -> list[str]:
        """Return of each still the recording of the camera that aired then. Raises ArchiveError."""
        return recordings_on_air(self._data_dir / "archive", one.channel, one.broadcast, stills_due(one))

    async def note(self, channel: str, text: str, by: str) -> Incident:
        """Open a draft with somebody's words."""
        one = await self._call(lambda: take_note(self._book, self._data_dir, channel, text, by))
        current().args |= {"incident": one.id, "sha256": digest_of(one.log[0])}
        return one

    async def complete(
        self,
        channel: str,
        number: str,
        by: str,
        *,
        category: Category,
        level: Level,
        aired: Aired,
        words: str,
        measures: str,
    ) -> Incident:
        """Write an incident up, or write it up anew."""
        return await self._settle(
            channel,
            Completed(
                id=number,
                at=wall_s(),
                by=by,
                category=category,
                level=level,
                aired=aired,
                words=words.strip(),
                measures=measures.strip(),
            ),
        )

    async def join(self, channel: str, number: str, by: str, *, into: str, reason: str) -> Incident:
        return await self._settle(
            channel, Joined(id=number, at=wall_s(), by=by, into=into, reason=reason.strip())
        )

    async def report_up(self, channel: str, number: str, by: str, words: str) -> Incident:
        """Report an incident upward along the institution's chain."""
        one = await self.get(channel, number)
        chain = await self._call(self._chain.read)
        if chain is None:
            raise Refused(NO_CHAIN)
        return await self._settle(channel, report_of(one, chain, by=by, at=wall_s(), words=words.strip()))

    async def acknowledge(self, channel: str, number: str, by: str, words: str) -> Incident:
        return await self._settle(channel, Acknowledged(id=number, at=wall_s(), by=by, words=words.strip()))

    async def follow_up(self, channel: str, number: str, by: str, words: str) -> Incident:
        return await self._settle(channel, Followed(id=number, at=wall_s(), by=by, words=words.strip()))

    async def close(self, channel: str, number: str, by: str, words: str) -> Incident:
        return await self._settle(channel, Closed(id=number, at=wall_s(), by=by, words=words.strip()))

    async def has_chain(self) -> bool:
        return await self._call(self._chain.path.exists)

    async def dismiss(self, channel: str, number: str, by: str, reason: str) -> Incident:
        return await self._settle(channel, Dismissed(id=number, at=wall_s(), by=by, reason=reason.strip()))

    async def still(self, one: Incident, number: int) -> bytes:
        """Return still `number` of an incident as JPEG, from what came in; empty: nothing was recorded.

        Of main and standby camera it is the one that was on air when that picture was due.
        """
        if not 0 <= number < len(STILLS):
            raise Refused(NOT_FOUND)
        if self._waiting >= 2 * len(STILLS):
            raise Refused(BUSY_STILLS)
        self._waiting += 1
        try:
            async with self._decoding:
                at = one.happened + STILLS[number]
                name = (await self._call(lambda: self._cameras(one)))[number]
                arguments = (str(self._data_dir), name, f"{at:.3f}")
                return await run_child("streamgate.incidents.stills", *arguments, timeout_s=STILL_S)
        except MediaError as error:
            raise Refused(no_still(error)) from None
        finally:
            self._waiting -= 1

    async def _settle(self, channel: str, event: AnyEvent) -> Incident:
        await self.get(channel, event.id)
        one = await self._call(lambda: self._book.add(event))
        current().args["sha256"] = digest_of(event)
        return one

    async def _call(self, function: Callable[[], T]) -> T:
        try:
            return await self._threads.call(function)
        except (ArchiveError, ConfigError) as error:
            raise Refused(archive_away(error)) from error


def _when(one: Incident) -> tuple[float, str]:
    return one.happened, one.id
