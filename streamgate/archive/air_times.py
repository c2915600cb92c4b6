"""Reads from the ledger when a channel was on air, and when somebody cut."""

from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import msgspec

from streamgate.archive.broadcasts import AirTime
from streamgate.ledger.places import find_places, utc_day

_BEGINS = frozenset({"on_air"})
_ENDS = frozenset({"stopped", "stopped_no_input", "not_resumed"})
_CUTS = frozenset({"cut", "dump", "condemned"})
_CODES = _BEGINS | _ENDS | _CUTS
_MARK = b'"kind":"notice"'  # most lines of a file are about parts
_KEPT = 512  # files of a day whose notices stay in memory: some hundred bytes each


class _Notice(msgspec.Struct, frozen=True):
    kind: str = ""
    at: float = 0.0
    channel: str = ""
    code: str = ""


_decode = msgspec.json.Decoder(_Notice).decode


def read_air_times(ledger: Path, channel: str, start: float, end: float) -> list[AirTime]:
    """Return the times on air that overlap [start, end), by start; without a ledger there are none.

    One that began on an earlier day is not known: ask from well before. Raises OSError.
    """
    found: list[AirTime] = []
    open_at: float | None = None
    for notice in _notices(ledger, channel, start, end):
        if notice.code in _BEGINS:
            if open_at is not None:  # the gate was killed, and did not go on with it
                found.append(AirTime(open_at, notice.at))
            open_at = notice.at
        elif notice.code in _ENDS and open_at is not None:
            found.append(AirTime(open_at, notice.at))
            open_at = None
    if open_at is not None:
        found.append(AirTime(open_at, None))
    return sorted(one for one in found if one.start < end and (one.end is None or one.end >= start))


def read_cuts(ledger: Path, channel: str, start: float, end: float) -> list[float]:
    """Return when somebody cut or dumped within [start, end), in order. Raises OSError."""
    return sorted(
        notice.at
        for notice in _notices(ledger, channel, start, end)
        if notice.code in _CUTS and start <= notice.at < end
    )


def _notices(ledger: Path, channel: str, start: float, end: float) -> list[_Notice]:
    try:
        places = find_places(ledger)
    except FileNotFoundError:
        return []
    first, last = utc_day(max(start, 0.0)), utc_day(min(end, 253_402_300_799.0))
    found: list[_Notice] = []
    for place in places:
        if place.process == "gate" and first <= place.day <= last:
            path = ledger / place.name
            seen = path.stat()
            found += _read(path, seen.st_size, seen.st_mtime_ns)
    return [notice for notice in found if notice.channel == channel]


@lru_cache(maxsize=_KEPT)
def _read(path: Path, _size: int, _changed_ns: int) -> tuple[_Notice, ...]:
    """Return the notices of all channels in a file; one that has not changed is read once."""
    data = path.read_bytes()
    found = []
    place = data.find(_MARK)
    while place >= 0:
        begin, end = data.rfind(b"\n", 0, place) + 1, data.find(b"\n", place)
        end = end if end >= 0 else len(data)
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            notice = _decode(data[begin:end])
            if notice.kind == "notice" and notice.code in _CODES:
                found.append(notice)
        place = data.find(_MARK, end)
    return tuple(found)
