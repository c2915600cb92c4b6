"""What happened on a channel, from the ledger, for those who see its recordings: actions and notices.

Records are shortened to what the operators' log says of them: no addresses, no sessions.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from console.audit.audit import LEDGER_SILENT, Audit, Found
from console.audit.query import UNREADABLE, Brief, Matcher, Query, read_brief
from console.problems import Refused
from streamgate.core.retention import DAY_S
from streamgate.ledger.places import FOLDER, find_places, utc_day
from streamgate.runtime.apart import DaemonThreads

MAX_EVENTS = 2_000
MAX_FILE = 256 << 20
_KINDS = frozenset({"notice", "decision"})
_OTHERS = ("review.", "session.", "own.", "person.", "token.", "audit.")  # decisions on something else
_SHOWN = ("kind", "at", "who", "channel", "what", "args", "reason", "answer", "error", "code", "level")
_TEXTS = ("text", "text_zh")


class Event(NamedTuple):
    """`at`: seconds since the epoch. `record`: the shortened record, as JSON."""

    at: float
    record: str


class Events(NamedTuple):
    """In order of time. `more`: there are more than one answer holds. `next`: where a search goes on."""

    events: list[Event]
    more: bool = False
    next: str | None = None


class Happenings:
    """Reads the ledger of one data directory. Methods raise Refused."""

    def __init__(self, data_dir: Path, audit: Audit) -> None:
        self._ledger, self._audit = data_dir / FOLDER, audit
        self._threads = DaemonThreads("happenings", 2)  # not waited for: a disk may hold them up

    async def within(self, channel: str, start: float, end: float) -> Events:
        """Return what happened in [start, end): of records that were written in time (`search` finds all)."""
        try:
            return await self._threads.call(_read, self._ledger, channel, start, end)
        except OSError as error:
            raise Refused(LEDGER_SILENT) from error

    async def search(self, query: Query, cursor: str, limit: int) -> Events:
        """Return what fits of a channel's records, the newest first; one request reads for about a second."""
        found: Found = await self._audit.search(query, cursor, limit)
        shown = Matcher(Query(text=query.text))  # nobody finds out by words what is not shown
        events = [
            event
            for row in found.rows
            if (brief := read_brief(row.line)) is not None and _is_shown(brief)
            if (event := _event(row.line)) is not None and shown.holds_text(event.record.encode())
        ]
        return Events(events, found.next is not None, found.next)


def _read(ledger: Path, channel: str, start: float, end: float) -> Events:
    try:
        places = find_places(ledger)
    except FileNotFoundError:
        return Events([])
    first, last = utc_day(max(0.0, start)), utc_day(end + DAY_S)
    found: list[tuple[float, bytes]] = []
    for place in places:
        if first <= place.day <= last:
            found += _lines(ledger / place.name, channel, start, end)
    found.sort(key=lambda one: one[0])
    events = [event for _, line in found[:MAX_EVENTS] if (event := _event(line)) is not None]
    return Events(events, len(found) > MAX_EVENTS)


def _lines(path: Path, channel: str, start: float, end: float) -> Iterator[tuple[float, bytes]]:
    """Yield the lines of a file that concern a channel, with their times."""
    with path.open("rb") as file:
        data = file.read(MAX_FILE)
    mark = b'"channel":' + msgspec.json.encode(channel)
    place = data.find(mark)
    while place >= 0:
        begin, stop = data.rfind(b"\n", 0, place) + 1, data.find(b"\n", place)
        line = data[begin : stop if stop >= 0 else len(data)]
        brief = read_brief(line)
        if brief is not None and brief.channel == channel and start <= brief.at < end and _is_shown(brief):
            yield brief.at, line
        if stop < 0:
            return
        place = data.find(mark, stop)


def _is_shown(brief: Brief) -> bool:
    return brief.kind in _KINDS and not brief.what.startswith(_OTHERS)


def _event(line: bytes) -> Event | None:
    try:
        record: dict[str, Any] = msgspec.json.decode(line)
    except UNREADABLE:
        return None
    kept = {name: record[name] for name in _names(record) if name in record}
    return Event(float(record["at"]), msgspec.json.encode(kept).decode())


def _names(record: dict[str, Any]) -> Sequence[str]:
    return (*_SHOWN, *_TEXTS) if record.get("kind") == "notice" else (*_SHOWN, "error_zh")
