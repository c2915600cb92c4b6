"""The ledger's files of all processes as one list of records, newest first. Waits for the disk.

Days are read one after the other, the files of a day side by side, from their ends: memory holds one block of
each file. Nothing is checked here (see `proof`); what cannot be read is named and passed over.
"""

import base64
import binascii
import heapq
import itertools
import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from console.audit.lines import Backwards, Line, line_number
from console.audit.query import Matcher, Query, read_brief
from streamgate.ledger.places import Place, find_places, is_day, utc_day

MAX_CURSOR = 8192  # characters
MAX_FILES = 64  # of one day; a day has one for each process, and more only after faults
MAX_FAULTS = 10  # named in one answer
MAX_SPANS = 4096
LATE_DAYS = 31  # a record is written late when its disk hung, or its process was killed and not started again
_SLICE_S, _BREATH_S = 0.002, 0.001  # so long the thread computes, so long the console's loop has Python alone
_STEP = 32  # lines between two looks at the clock


class Row(NamedTuple):
    """A record: its time, where it stands (DAY/NAME, number in it), and its line without the line feed."""

    at: float
    file: str
    n: int
    line: bytes


class Fault(NamedTuple):
    """Something that could not be read. `line` from 1; 0: the file as a whole."""

    file: str
    line: int
    why: str
    why_zh: str


class Cursor(msgspec.Struct, forbid_unknown_fields=True):
    """Where reading goes on: in the files of `day`, each from the end of a line."""

    day: str
    ends: dict[str, int]

    def text(self) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Read what `text` wrote. Raises ValueError when it is nothing of ours."""
        if len(text) > MAX_CURSOR:
            raise ValueError("the cursor is too long")
        try:
            data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            found = msgspec.json.decode(data, type=cls)
            if not is_day(found.day):
                raise ValueError(found.day)  # noqa: TRY301 - as any other
        except (binascii.Error, msgspec.DecodeError, ValueError, RecursionError) as error:
            raise ValueError("the cursor is not one of this address") from error
        return found


class Budget:
    """How much one request may read. `stop`: it is wanted no more."""

    def __init__(self, max_bytes: int, seconds: float, stop: threading.Event | None = None) -> None:
        self._bytes, self._end = max_bytes, time.monotonic() + seconds
        self._stop = stop or threading.Event()
        self._steps = itertools.count(1)
        self._slice = time.monotonic()
        self.over = False

    def spend(self, count: int) -> None:
        self._bytes -= count
        self.over = self.over or self._bytes <= 0

    def step(self) -> None:
        """Count a line; now and then look at the clock, and let others have Python."""
        if next(self._steps) % _STEP:
            return
        now = time.monotonic()
        if now - self._slice > _SLICE_S:
            time.sleep(_BREATH_S)
            self._slice = now = time.monotonic()
        if now > self._end or self._stop.is_set():
            self.over = True


class Spans:
    """First and last time in files that were read whole: a question about times leaves out some of them."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, float, float]] = {}
        self._lock = threading.Lock()

    def note(self, name: str, size: int, first: float, last: float) -> None:
        with self._lock:
            self._known.pop(name, None)
            self._known[name] = (size, first, last)
            while len(self._known) > MAX_SPANS:
                del self._known[next(iter(self._known))]

    def outside(self, name: str, size: int, query: Query) -> bool:
        """Say whether no record of the file is of the time that is asked for."""
        known = self._known.get(name)
        if known is None or known[0] != size:
            return False
        _, first, last = known
        return (query.since is not None and last < query.since) or (
            query.until is not None and first >= query.until
        )


class _Reader:
    """One file; `head` is its newest record that fits and was not given out yet."""

    def __init__(self, place: Place, lines: Backwards, *, times: bool) -> None:
        """`times`: take the times of all records, also of those that do not fit."""
        self.place, self.lines = place, lines
        self.head: Row | None = None
        self.end = lines.position  # behind `head`, or where reading stands
        self._times = times and lines.whole > 0
        self._first, self._last = float("inf"), float("-inf")

    def advance(self, matcher: Matcher, budget: Budget, faults: "Faults") -> None:
        """Look for the next record that fits; without one `head` is None."""
        self.head = None
        while not budget.over:
            self.end = self.lines.position
            line = self.lines.next()
            budget.spend(self.end - self.lines.position)
            budget.step()
            if line is None:
                return
            if not self._times and not matcher.may_fit(line.data):
                continue
            brief = read_brief(line.data)
            if brief is None:
                faults.of_line(self.place, line)
                continue
            self._first, self._last = min(self._first, brief.at), max(self._last, brief.at)
            if matcher.fits(brief, line.data):
                self.head = Row(brief.at, self.place.name, brief.n, line.data.rstrip(b"\n"))
                return
        self.end = self.lines.position

    def note(self, spans: Spans) -> None:
        """Keep first and last time, when the whole file was read."""
        if self._times and self.lines.position == 0 and self._first <= self._last:
            spans.note(self.place.name, self.lines.whole, self._first, self._last)


class Faults:
    """Collects what cannot be read, a few of them with their lines."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.found: list[Fault] = []

    def add(self, fault: Fault) -> None:
        if len(self.found) < MAX_FAULTS:
            self.found.append(fault)

    def of_line(self, place: Place, line: Line) -> None:
        if len(self.found) < MAX_FAULTS:
            number = line_number(self._root / place.name, line.start)
            long = not line.data
            why = "the line is too long for a record" if long else "the line is no record"
            self.add(Fault(place.name, number, why, "该行过长，不是记录" if long else "该行不是记录"))

    def of_file(self, name: str, error: OSError) -> None:
        reason = error.strerror or str(error)
        self.add(Fault(name, 0, f"it cannot be read: {reason}", f"无法读取：{reason}"))


class Walk:
    """One way through the ledger. `paused`: the budget is used up before the end."""

    def __init__(self, root: Path, query: Query, spans: Spans, cursor: Cursor | None = None) -> None:
        self._root, self._spans, self._query = root, spans, query
        self._matcher = Matcher(query)
        self._cursor = cursor
        self._day = ""
        self._readers: list[_Reader] = []
        self._faults = Faults(root)
        self._given: _Reader | None = None  # whose `head` was given out last
        self._days_left = 0
        self.paused = False

    @property
    def faults(self) -> list[Fault]:
        return self._faults.found

    @property
    def day(self) -> str:
        """The day that is being read."""
        return self._day

    def cursor(self) -> Cursor | None:
        """Return where to go on behind the record that `rows` gave last; None: all was read."""
        ends = {
            one.place.name: one.lines.position if one is self._given else one.end for one in self._readers
        }
        return Cursor(self._day, ends) if self._days_left or any(ends.values()) else None

    def close(self) -> None:
        for one in self._readers:
            one.lines.close()

    def rows(self, budget: Budget) -> Iterator[Row]:
        """Yield the records that fit. Raises ValueError: the cursor names what is not there."""
        for day, places in self._days():
            self.close()
            self._day, self._readers = day, []
            self._open(places)
            heap: list[tuple[float, str, _Reader]] = []
            for reader in self._readers:
                self._advance(reader, heap, budget)
            while heap and not budget.over:
                reader = heap[0][2]
                assert reader.head is not None
                self._given = reader
                yield reader.head
                self._given = None
                heapq.heappop(heap)
                self._advance(reader, heap, budget)
            if budget.over:
                self.paused = True
                return
            for reader in self._readers:
                reader.note(self._spans)

    def _days(self) -> Iterator[tuple[str, list[Place]]]:
        query, places = self._query, []
        try:
            places = find_places(self._root)
        except FileNotFoundError:
            pass  # nothing was decided yet
        except OSError as error:
            self._faults.of_file(str(self._root), error)
        newest, oldest = "9999-12-31", ""
        if query.until is not None:
            newest = _shifted(query.until, LATE_DAYS)
        if query.since is not None:
            oldest = _shifted(query.since, -1)
        if self._cursor is not None:
            newest = min(newest, self._cursor.day)
        wanted = [place for place in places if oldest <= place.day <= newest]
        days = {day: list(group) for day, group in itertools.groupby(wanted, key=lambda place: place.day)}
        self._days_left = len(days)
        for day in sorted(days, reverse=True):
            self._days_left -= 1
            yield day, days[day]

    def _open(self, places: list[Place]) -> None:
        ends = None
        if self._cursor is not None and self._cursor.day == self._day:
            ends = self._cursor.ends
            places = [place for place in places if place.name in ends]
        query = self._query
        times = query.since is not None or query.until is not None
        if len(places) > MAX_FILES:
            left = len(places) - MAX_FILES
            self._faults.add(
                Fault(
                    self._day,
                    0,
                    f"{left} more files of this day are not shown",
                    f"当日另有 {left} 个文件未显示",
                )
            )
        for place in places[:MAX_FILES]:
            try:
                lines = Backwards(self._root / place.name, None if ends is None else ends[place.name])
            except OSError as error:
                self._faults.of_file(place.name, error)
                continue
            if ends is None and self._spans.outside(place.name, lines.whole, query):
                lines.close()
                continue
            self._readers.append(_Reader(place, lines, times=times and ends is None))

    def _advance(self, reader: _Reader, heap: list[tuple[float, str, _Reader]], budget: Budget) -> None:
        try:
            reader.advance(self._matcher, budget, self._faults)
        except OSError as error:
            self._faults.of_file(reader.place.name, error)
            reader.end = 0  # or it would be tried again and again
            return
        if reader.head is not None:
            heapq.heappush(heap, (-reader.head.at, reader.place.name, reader))


def _shifted(at: float, days: int) -> str:
    return (date.fromisoformat(utc_day(at)) + timedelta(days=days)).isoformat()
