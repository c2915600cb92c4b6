"""What the Archive screen asks of recordings: days, broadcasts, timelines, what expires; read in threads."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from console.archive.playback import Playback
from console.problems import NOTHING_RECORDED, Refused, archive_away, bad_request
from streamgate.archive.air_times import read_cuts
from streamgate.archive.certificate import Certificate, certify
from streamgate.archive.edit_list import Begin, find_edit_lists, read_edit_list
from streamgate.archive.holds import Hold, Holds
from streamgate.archive.listing import Expiring, Listed, Shelf, list_pieces, retention_of
from streamgate.archive.parts import check_channel, days, find_day
from streamgate.archive.timeline import Timeline, read_timeline
from streamgate.clock import wall_s
from streamgate.core.retention import DAY_S, MIN_RETENTION_DAYS
from streamgate.errors import ArchiveError, ConfigError
from streamgate.ledger.places import FOLDER
from streamgate.runtime.apart import DaemonThreads
from streamgate.runtime.channels import ChannelStore

MAX_DAYS_S = 400 * DAY_S
MAX_TIMELINE_S = 2 * DAY_S
THREADS = 2
WITHIN_DAYS = 14
_CERTIFIED = 64  # certificates in memory
_T = TypeVar("_T")
TOO_LONG = bad_request(
    f"A list spans {MAX_DAYS_S / DAY_S:g} days at most, a timeline {MAX_TIMELINE_S / DAY_S:g};"
    " and `to` must lie after `from`.",
    f"列表最长 {MAX_DAYS_S / DAY_S:g} 天，时间线最长 {MAX_TIMELINE_S / DAY_S:g} 天，且 to 须晚于 from。",
)
BAD_ZONE = bad_request(
    "The time zone is not known here; give its IANA name: Asia/Shanghai.",
    "未知时区，请使用 IANA 名称，如 Asia/Shanghai。",
)


class Day(NamedTuple):
    """A day with recordings. `day`: YYYY-MM-DD in the time zone asked for. `seconds`: recorded."""

    day: str
    seconds: float
    parts: int
    bytes: int
    losses: int
    cuts: int
    held: bool


class Shown(NamedTuple):
    """A broadcast. `expires_at`: from when on parts of it may be removed, unless they are held."""

    listed: Listed
    cuts: int
    expires_at: float


class Shelved(NamedTuple):
    timeline: Timeline
    cuts: list[float]
    holds: list[Hold]
    retention_days: int


class Records:
    """The recordings of one data directory, for the Archive screen. Methods raise Refused."""

    def __init__(
        self, data_dir: Path, playback: Playback, *, retention_days: int = MIN_RETENTION_DAYS
    ) -> None:
        """`retention_days`: of channels that say nothing of their own."""
        self._data_dir, self._root = data_dir, data_dir / "archive"
        self._ledger = data_dir / FOLDER
        self._playback, self._default = playback, retention_days
        self._threads = DaemonThreads("archive records", THREADS)  # not waited for: a disk may hold them up
        self.holds = Holds(self._root)

    async def days(self, channel: str, start: float, end: float, zone: str) -> list[Day]:
        """Return the days of [start, end) on which something was recorded, the oldest first."""
        _check(start, end, MAX_DAYS_S)
        return await self.ask(self._days, channel, start, end, _zone(zone))

    async def newest_day(self, channel: str, zone: str) -> str | None:
        """Return the newest day with recordings, however long ago; None: nothing is recorded."""
        return await self.ask(self._newest_day, channel, _zone(zone))

    async def broadcasts(self, channel: str, start: float, end: float) -> list[Shown]:
        """Return the broadcasts that reach into [start, end), the oldest first."""
        _check(start, end, MAX_DAYS_S)
        return await self.ask(self._broadcasts, channel, start, end)

    async def timeline(self, channel: str, start: float, end: float) -> Shelved:
        _check(start, end, MAX_TIMELINE_S)
        return await self.ask(self._timeline, channel, start, end)

    async def expiring(self, channel: str) -> list[Expiring]:
        """Return what of a channel may be removed within WITHIN_DAYS."""
        return await self.ask(self._expiring, channel)

    async def require(self, channel: str) -> None:
        """Return when something was recorded on a channel. Raises Refused."""
        if not await self.ask(self._there, channel):
            raise Refused(NOTHING_RECORDED)

    async def find(self, channel: str, broadcast: str) -> tuple[float, float] | None:
        """Return from when to when a broadcast is recorded; None: there is none."""
        return await self.ask(self._find, channel, broadcast)

    async def certificate(self, channel: str, broadcast: str) -> Certificate | None:
        """Return the delay certificate of a broadcast; None: it has no edit list."""
        return await self.ask(self._certificate, channel, broadcast)

    async def ask(self, act: Callable[..., _T], *args: object, **kwargs: object) -> _T:
        """Call `act`, which blocks, in a thread. Raises what it raises; ArchiveError as Refused."""
        try:
            return await self._threads.call(act, *args, **kwargs)
        except (ArchiveError, OSError) as error:
            raise Refused(archive_away(error)) from error

    # ------------------------------------------------------------ in threads

    def _there(self, channel: str) -> bool:
        try:
            return (self._root / check_channel(channel)).is_dir()
        except ConfigError:
            return False

    def _days(self, channel: str, start: float, end: float, zone: ZoneInfo) -> list[Day]:
        if not self._there(channel):
            return []
        catalog = self._playback.catalog()
        pieces = list_pieces(self._root, catalog, channel, start, end)
        gaps = [row["start_s"] for row in catalog.gaps(channel, start, end)]
        gaps += [piece.start for piece in pieces if piece.missing and not piece.removed]
        cuts = read_cuts(self._ledger, channel, start, end)
        holds = [hold for hold in self.holds.read() if hold.channel == channel]
        ends = _Days(zone)
        found: dict[str, Day] = {}
        for piece in pieces:
            if piece.removed or piece.missing:
                continue
            day = ends.of(piece.start)
            one = found.get(day) or Day(day, 0.0, 0, 0, 0, 0, False)
            found[day] = one._replace(
                seconds=one.seconds + piece.end - piece.start,
                parts=one.parts + piece.parts,
                bytes=one.bytes + piece.bytes,
                held=one.held or any(hold.covers(channel, piece.start, piece.end) for hold in holds),
            )
        for name, times in (("losses", gaps), ("cuts", cuts)):
            for at in times:
                day = ends.of(at)
                if day in found:
                    found[day] = found[day]._replace(**{name: getattr(found[day], name) + 1})
        return [found[day]._replace(seconds=round(found[day].seconds, 3)) for day in sorted(found)]

    def _newest_day(self, channel: str, zone: ZoneInfo) -> str | None:
        if not self._there(channel):
            return None
        for folder in reversed(days(self._root, channel)):
            if starts := [name.start_ms for name, _ in find_day(channel, folder)]:
                return _Days(zone).of(max(starts) / 1000)
        return None

    def _broadcasts(self, channel: str, start: float, end: float) -> list[Shown]:
        if not self._there(channel):
            return []
        cuts = read_cuts(self._ledger, channel, start - DAY_S, end + DAY_S)
        days = self._retention(channel)
        return [
            Shown(one, sum(one.start <= at <= one.end for at in cuts), one.start + days * DAY_S)
            for one in self._shelf().list_broadcasts(channel, start, end)
        ]

    def _timeline(self, channel: str, start: float, end: float) -> Shelved:
        days = self._retention(channel)
        if not self._there(channel):
            return Shelved(Timeline([], [], [], []), [], [], days)
        return Shelved(
            read_timeline(self._root, self._playback.catalog(), channel, start, end),
            read_cuts(self._ledger, channel, start, end),
            [hold for hold in self.holds.read() if hold.covers(channel, start, end)],
            days,
        )

    def _expiring(self, channel: str) -> list[Expiring]:
        if not self._there(channel):
            return []
        days = {channel: self._retention(channel)}
        return self._shelf().expiring(days, now=wall_s(), within_days=WITHIN_DAYS)

    def _find(self, channel: str, broadcast: str) -> tuple[float, float] | None:
        found = self._shelf().find(channel, broadcast) if self._there(channel) else None
        return None if found is None else (found.start, max(found.end, found.start + 0.001))

    def _certificate(self, channel: str, broadcast: str) -> Certificate | None:
        path = find_edit_lists(self._root, channel).get(broadcast) if self._there(channel) else None
        if path is None:
            return None
        seen = path.stat()
        return _certify(path, seen.st_size, seen.st_mtime_ns)

    def _shelf(self) -> Shelf:
        return Shelf(self._data_dir, self._playback.catalog(), self.holds.read())

    def _retention(self, channel: str) -> int:
        if not self._root.is_dir():
            return self._default
        given = ChannelStore(self._data_dir).retention(self._default)
        return retention_of(self._root, given, self._default).get(channel, self._default)


@lru_cache(maxsize=_CERTIFIED)
def _certify(path: Path, _size: int, _changed_ns: int) -> Certificate | None:
    edits = read_edit_list(path)
    return certify(edits) if any(isinstance(line, Begin) for line in edits.lines) else None


class _Days:
    """Which day a time is on in a time zone; remembers the bounds of the last one."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._name, self._start, self._end = "", 0.0, 0.0

    def of(self, at: float) -> str:
        if not self._start <= at < self._end:
            begin = datetime.fromtimestamp(at, self._zone).replace(hour=0, minute=0, second=0, microsecond=0)
            self._name, self._start = f"{begin:%Y-%m-%d}", begin.timestamp()
            self._end = (begin + timedelta(days=1)).timestamp()
        return self._name


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise Refused(BAD_ZONE) from error


def _check(start: float, end: float, longest_s: float) -> None:
    if not 0 < end - start <= longest_s:
        raise Refused(TOO_LONG)
