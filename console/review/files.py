"""Exports and review forms of a broadcast's comments: read in pages, within bounds, on record."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from console.audit.export import last_line
from console.problems import BUSY, NOT_FOUND, Problem, Refused
from console.review import export
from console.review.form import Form, to_html, to_report_html
from console.setup.child import run_child
from streamgate.clock import wall_s
from streamgate.errors import MediaError, StoreError
from streamgate.ledger.record import Decision, Record
from streamgate.store import broadcasts
from streamgate.store.broadcasts import UNREVIEWED, Acts, BroadcastComments, CardRecord, Names
from streamgate.store.database import AsyncDatabase
from streamgate.wording import in_chinese, in_english

Kind = Literal["csv", "jsonl"]
BROADCASTS = 200
EXPORTS = 2  # at once
EXPORT_ROWS = 1_000_000  # a spreadsheet holds 1 048 576
FORM_CARDS = 2_000
"""On one form: 250 sheets, 42 s of CPU time as PDF; the rest is in the export."""
REPORT_CARDS = 500
"""Unreviewed cards of one answer, and on one form."""
PDF_S = 180.0
_PAGE = 50  # cards a transaction: the event loop is held up for as long as their rows take

FILES_BUSY = BUSY._replace(
    error="Others make exports or forms at this moment; try again when one has ended.",
    error_zh="正有他人导出或制表，请在其结束后再试。",
)
TOO_MANY = (
    f"The export ends here: at most {EXPORT_ROWS} comments. Take JSON lines for all of them.",
    "导出到此为止：已达条数上限。完整内容请导出 JSON 行。",
)
BROKEN = ("Not whole: the database went away:", "不完整：数据库中断：")


def no_pdf(error: Exception) -> Problem:
    return Problem(
        503,
        "pdf_failed",
        f"The form could not be made into PDF: {in_english(error)}. Print its HTML instead.",
        f"无法生成 PDF：{in_chinese(error)}。请改为打印 HTML 版。",
    )


class Report(NamedTuple):
    """What became of a broadcast's comments, and the cards that nobody reviewed: so many of one answer."""

    counts: BroadcastComments
    acts: Acts
    unreviewed: list[CardRecord]
    has_more: bool


class Files:
    """`record` puts a record into this console's ledger and never waits. Raises Refused, StoreError."""

    def __init__(self, database: AsyncDatabase, record: Callable[[Record], None]) -> None:
        self._database, self._record = database, record
        self._exports, self._pdfs = asyncio.Semaphore(EXPORTS), asyncio.Semaphore(1)

    async def list_broadcasts(self, channel: str) -> list[BroadcastComments]:
        """Return the newest broadcasts with comments, the newest first."""
        _require_names(channel)
        return await self._database.read(broadcasts.list_of_channel, channel, limit=BROADCASTS)

    async def read_report(self, channel: str, broadcast: str, after: int, limit: int) -> Report:
        """Return what became of a broadcast's comments, with the unreviewed cards after card `after`."""
        _require_names(channel, broadcast)
        counts = await self._counts_of(channel, broadcast)
        acts = await self._database.read(broadcasts.count_acts, channel, broadcast)
        found: list[CardRecord] = []
        async for page in read_pages(self._database, channel, broadcast, after, UNREVIEWED):
            found += page
            if len(found) > limit:
                break
        return Report(counts, acts, found[:limit], len(found) > limit)

    async def make_report_page(self, channel: str, broadcast: str, printed_by: str) -> str:
        """Return the report as HTML."""
        report = await self.read_report(channel, broadcast, 0, REPORT_CARDS)
        names = await self._database.read(broadcasts.read_names)
        form = Form(channel, report.counts, [], 0, report.unreviewed, names, wall_s(), printed_by)
        return await asyncio.to_thread(to_report_html, form, report.acts)

    async def begin_export(self, channel: str, broadcast: str, kind: Kind, who: Decision) -> "Export":
        """Take a place for an export, read its first page, and put it on record."""
        _require_names(channel, broadcast)
        if self._exports.locked():
            raise Refused(FILES_BUSY)
        await self._exports.acquire()
        try:
            begun = Export(self._database, channel, broadcast, kind, self._exports.release)
            await begun.begin()
        except BaseException:
            self._exports.release()
            raise
        self._note(who, "review.export", channel, broadcast, kind)
        return begun

    async def make_form(self, channel: str, broadcast: str, who: Decision, printed_by: str) -> str:
        """Return the review form as HTML."""
        html = await asyncio.to_thread(to_html, await self._read_form(channel, broadcast, printed_by))
        self._note(who, "review.form", channel, broadcast, "html")
        return html

    async def make_pdf(self, channel: str, broadcast: str, who: Decision, printed_by: str) -> bytes:
        """Return the review form as PDF. A child process makes it, one at a time."""
        if self._pdfs.locked():
            raise Refused(FILES_BUSY)
        async with self._pdfs:
            form = await self._read_form(channel, broadcast, printed_by)
            given = (await asyncio.to_thread(to_html, form)).encode()
            try:
                made = await run_child("console.review.pdf", given=given, timeout_s=PDF_S)
            except MediaError as error:
                raise Refused(no_pdf(error)) from None
        self._note(who, "review.form", channel, broadcast, "pdf")
        return made

    async def _read_form(self, channel: str, broadcast: str, printed_by: str) -> Form:
        report = await self.read_report(channel, broadcast, 0, REPORT_CARDS)
        names = await self._database.read(broadcasts.read_names)
        rows: list[CardRecord] = []
        async for page in read_pages(self._database, channel, broadcast):
            rows += page
            if len(rows) >= FORM_CARDS:
                break
        del rows[FORM_CARDS:]
        left_out = max(0, sum(report.counts.cards.values()) - len(rows))
        return Form(channel, report.counts, rows, left_out, report.unreviewed, names, wall_s(), printed_by)

    async def _counts_of(self, channel: str, broadcast: str) -> BroadcastComments:
        """Return what became of a broadcast's comments. Raises Refused when it has none."""
        read = broadcasts.list_of_channel
        found = await self._database.read(read, channel, broadcast=broadcast, limit=1)
        if not found:
            raise Refused(NOT_FOUND)
        return found[0]

    def _note(self, who: Decision, what: str, channel: str, broadcast: str, kind: str) -> None:
        who.what, who.channel, who.args = what, channel, {"broadcast": broadcast, "format": kind}
        who.answer = "ok"
        self._record(who)


@dataclass
class Export:
    """One export, made while it is sent. `done` gives its place back."""

    database: AsyncDatabase
    channel: str
    broadcast: str
    kind: Kind
    done: Callable[[], None]
    _pages: AsyncIterator[list[CardRecord]] | None = None
    _first: list[CardRecord] | None = None
    _names: Names | None = None

    async def begin(self) -> None:
        """Read the first page, so that what cannot be read is a refusal and no torn file."""
        self._names = await self.database.read(broadcasts.read_names)
        self._pages = read_pages(self.database, self.channel, self.broadcast)
        self._first = await anext(self._pages, None)
        if self._first is None:
            raise Refused(NOT_FOUND)

    async def chunks(self, wanted: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Yield the file piece by piece, for as long as it is `wanted`."""
        assert self._pages is not None
        assert self._names is not None
        if self.kind == "csv":
            yield export.csv_head()
        number, page = 0, self._first
        while page and wanted():
            if self.kind == "jsonl":
                yield export.to_json_lines(page, self._names)
            else:
                number += sum(len(one.comments) for one in page)
                yield export.to_csv(page, self._names)
                if number >= EXPORT_ROWS:
                    yield last_line(*TOO_MANY)
                    return
            try:
                page = await anext(self._pages, None)
            except StoreError as error:
                yield self._broken(error)
                return

    def close(self) -> None:
        self.done()

    def _broken(self, error: StoreError) -> bytes:
        said = f"{BROKEN[0]} {error}", f"{BROKEN[1]}{error.zh}"
        return last_line(*said) if self.kind == "csv" else export.fault_line(*said)


def _require_names(*names: str) -> None:
    """Refuse what can be no name: PostgreSQL takes no NUL."""
    if not "".join(names).isprintable():
        raise Refused(NOT_FOUND)


async def read_pages(
    database: AsyncDatabase,
    channel: str,
    broadcast: str,
    after: int = 0,
    states: Sequence[str] | None = None,
) -> AsyncIterator[list[CardRecord]]:
    """Yield the cards of a broadcast after card `after`, some at a time. Raises StoreError.

    `states`: only cards in one of these; None: all.
    """
    read = broadcasts.read_page
    while page := await database.read(read, channel, broadcast, after=after, limit=_PAGE, states=states):
        yield page
        after = page[-1].card.id
        if len(page) < _PAGE:
            return
