"""What an incident is about: its broadcast, the delay then, and the recordings that are put on hold."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from streamgate.archive.catalog import Catalog
from streamgate.archive.certificate import certify
from streamgate.archive.edit_list import (
    LAST_PIECE_S,
    Begin,
    EditList,
    End,
    find_edit_lists,
    read_bounds,
    read_edit_list,
    read_last_bound,
)
from streamgate.archive.holds import Holds
from streamgate.archive.parts import days, iterate_index
from streamgate.archive.selection import Chosen, select
from streamgate.core.delay import MIN_DELAY_S
from streamgate.core.edits import LIVE, Piece
from streamgate.core.standby import recording_of
from streamgate.incidents.book import Book
from streamgate.incidents.incident import BY, Incident, Kept, Opened
from streamgate.incidents.triggers import incident_id
from streamgate.incidents.words import hold_reason
from streamgate.ledger.places import utc_day
from streamgate.wording import disk_error

_START = "%Y%m%dT%H%M%SZ"
_DAY_S = 86_400.0
_LATE_S = 5.0  # so long after its end a broadcast is still the one that a stop ended


class _Channel(msgspec.Struct):
    delay_s: float = MIN_DELAY_S


def read_delay(data_dir: Path, channel: str) -> float:
    """Return the delay that a channel is set to; the floor when its file says nothing."""
    try:
        return msgspec.json.decode(
            (data_dir / "channels" / f"{channel}.json").read_bytes(), type=_Channel
        ).delay_s
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return MIN_DELAY_S


def find_broadcast(archive: Path, channel: str, at: float) -> str:
    """Return what was on air on a channel at that time, by its edit list; "": nothing."""
    begun = [name for name in find_edit_lists(archive, channel) if _began(channel, name) <= at]
    if not begun:
        return ""
    newest = max(begun, key=lambda name: (_began(channel, name), len(name), name))  # NAME, then NAME-2
    try:
        last = read_last_bound(find_edit_lists(archive, channel)[newest])
    except OSError:
        last = None
    over = isinstance(last, End) and last.at + _LATE_S < at
    return "" if over else newest


def find_last_air(archive: Path, channel: str, broadcast: str, latest: float) -> float:
    """Return until when a broadcast that a kill ended can have aired; `latest` where nothing tells it."""
    path = find_edit_lists(archive, channel).get(broadcast)
    if path is None:
        return latest
    try:
        return min(latest, read_bounds(path, path.stat().st_size)[1] + LAST_PIECE_S)
    except OSError:
        return latest


def read_floor_breach(archive: Path, channel: str, at: float, origin: str, now: float) -> Opened | None:
    """Return the draft that a broadcast's certificate opens: live packets left below the floor."""
    broadcast = find_broadcast(archive, channel, at)
    if not broadcast:
        return None
    edits = _read(archive, channel, broadcast)
    if not any(isinstance(line, Begin) for line in edits.lines):
        return None
    found = certify(edits)
    if not found.below_floor:
        return None
    return Opened(
        id=incident_id(at, f"{origin} floor"),
        at=now,
        by=BY,
        kind="violation",
        channel=channel,
        happened=at,
        broadcast=broadcast,
        words=f"{found.below_floor} live packets left below the floor of {found.floor_s:g} s",
        words_zh=f"{found.below_floor} 个直播数据包的实际延时低于 {found.floor_s:g} 秒下限",
        origin=origin,
    )


def recordings_on_air(archive: Path, channel: str, broadcast: str, times: Sequence[float]) -> list[str]:
    """Return for each time the recording of the camera then on air: the channel's, or its standby's.

    `times`: wall clock at air. While filler airs it is the camera that aired before. Raises ArchiveError.
    """
    names = _recordings(archive, channel)
    if len(names) == 1 or broadcast not in find_edit_lists(archive, channel):
        return [channel] * len(times)
    lines = _read(archive, channel, broadcast).lines
    mains = {0, *(line.series for line in lines if isinstance(line, Begin))}
    live = [line for line in lines if isinstance(line, Piece) and line.source == LIVE]
    if not mains.issuperset(line.series for line in live):
        first, last = utc_day(live[0].at - _DAY_S), utc_day(live[-1].at)
        try:  # of the main camera, too, when an earlier process recorded it
            for day in days(archive, channel):
                if first <= day.name <= last:
                    mains |= {record.series for record in iterate_index(day)}
        except OSError as error:
            raise disk_error(error, archive / channel) from error
    before = [bisect_right(live, at, key=lambda line: line.at) - 1 for at in times]
    return [names[place >= 0 and live[place].series not in mains] for place in before]


def find_moment(archive: Path, catalog: Catalog, channel: str, at: float) -> Chosen | None:
    """Return the fragments in which a moment was recorded; None: it was not. Raises ArchiveError."""
    chosen = select(archive, catalog, channel, at, at + 0.001).chosen
    return chosen[0] if chosen else None


def keep(book: Book, archive: Path, one: Incident) -> Incident:
    """Put the recordings of an incident on hold, and what of it is not yet. Raises ArchiveError, Refused."""
    known = [event for event in one.log if isinstance(event, Kept)]
    start = max((event.end for event in known), default=one.held.start)
    if start >= one.held.end:
        return one
    holds = Holds(archive)
    placed = [
        holds.place(
            name,
            start,
            one.held.end,
            reason=hold_reason(one.id, one.kind),
            by=f"incident:{one.id}",
            broadcast=one.broadcast,
        )
        for name in reversed(_recordings(archive, one.channel))  # the channel's last: with it all are
    ]
    for hold in reversed(placed):
        kept = Kept(id=one.id, at=book.clock(), by=BY, hold=hold.id, start=start, end=one.held.end)
        one = book.add(kept)
    return one


def _recordings(archive: Path, channel: str) -> list[str]:
    """Return under which names a channel is recorded: its own, and its standby camera's."""
    standby = recording_of(channel)
    if not (archive / standby).is_dir() or (archive.parent / "channels" / f"{standby}.json").exists():
        return [channel]  # it has none, or the name is another channel's
    return [channel, standby]


def _began(channel: str, broadcast: str) -> float:
    stamp = broadcast.removeprefix(f"{channel}-")[:16]
    try:
        return datetime.strptime(stamp, _START).replace(tzinfo=UTC).timestamp()
    except ValueError:  # somebody else's file
        return float("inf")


def _read(archive: Path, channel: str, broadcast: str) -> EditList:
    path = find_edit_lists(archive, channel)[broadcast]
    try:
        return read_edit_list(path)
    except OSError:
        return EditList(path, [])
