"""Which broadcasts there are, and what of the archive belongs to the one that is asked for."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from streamgate.archive.edit_list import Begin, find_edit_lists, read_line
from streamgate.core.standby import recording_of
from streamgate.errors import LedgerError
from streamgate.verify.facts import Facts

ARCHIVE = "archive"
BEFORE_S = 10.0  # the ring begins to fill when a broadcast begins; clocks of processes differ by less
_DAY = timedelta(days=1)


class Span(NamedTuple):
    """A broadcast on a channel. Wall clock, s."""

    start: float
    end: float
    broadcast: str


class Scope:
    """`broadcast`: the only one that is looked at; "": everything is."""

    def __init__(self, spans: Mapping[str, list[Span]], broadcast: str = "") -> None:
        """`spans`: by channel. Raises LedgerError: there is no such broadcast."""
        self._spans = {channel: sorted(some) for channel, some in spans.items()}
        self._broadcast = broadcast
        own = [
            (channel, span) for channel, some in spans.items() for span in some if span.broadcast == broadcast
        ]
        if broadcast and not own:
            newest = sorted((span for some in spans.values() for span in some), reverse=True)[:10]
            there = ", ".join(span.broadcast for span in newest) or "none"
            raise LedgerError(f"there is no broadcast {broadcast} here; the newest are: {there}")
        self._only = own[0] if broadcast else None

    def has(self, channel: str, start: float, end: float) -> bool:
        """Whether a span of a channel is to be looked at."""
        if self._only is None:
            return True
        own, span = self._only
        return channel in (own, recording_of(own)) and start <= span.end and end >= span.start - BEFORE_S

    def has_day(self, day: str) -> bool:
        """Whether a day of a channel ("main/2026-11-28") is."""
        if self._only is None:
            return True
        channel, _, date = day.partition("/")
        midnight = datetime.fromisoformat(date).replace(tzinfo=UTC)
        return self.has(channel, (midnight - _DAY).timestamp(), (midnight + 2 * _DAY).timestamp())

    def has_broadcast(self, broadcast: str) -> bool:
        return self._broadcast in ("", broadcast)

    def broadcast_of(self, channel: str, start: float, end: float) -> str:
        """Return the broadcast during which something came in; "": none that is known."""
        found = ""
        for span in self._spans.get(channel, ()):
            if span.start - BEFORE_S > end:
                break
            if start <= span.end:
                found = span.broadcast
        return found


def find_spans(archive: Path, facts: Facts) -> dict[str, list[Span]]:
    """Return the broadcasts that the ledger or an edit list knows, by channel. Raises OSError."""
    found: dict[str, dict[str, Span]] = defaultdict(dict)
    for path in find_edit_lists(archive).values():
        for begin in _begins(path):
            found[begin.channel][begin.broadcast] = Span(
                begin.started_at, path.stat().st_mtime, begin.broadcast
            )
    for some in facts.lists.values():
        one = some[-1].record
        before = found[one.channel].get(one.broadcast)
        end = one.end if one.ended or before is None else max(one.end, before.end)
        found[one.channel][one.broadcast] = Span(one.start, end, one.broadcast)
    return {channel: list(spans.values()) for channel, spans in found.items()}


def _begins(path: Path) -> Iterator[Begin]:
    with path.open("rb") as file:
        line = read_line(file.readline())
    if isinstance(line, Begin):
        yield line
