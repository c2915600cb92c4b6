"""Reads from the ledger when a channel was on air."""

from pathlib import Path

import msgspec

from streamgate.archive.broadcasts import AirTime
from streamgate.ledger.chain import MAX_LINE
from streamgate.ledger.places import find_places, utc_day

_BEGINS = frozenset({"on_air"})
_ENDS = frozenset({"stopped", "stopped_no_input", "not_resumed"})
_MARKS = tuple(f'"{code}"'.encode() for code in sorted(_BEGINS | _ENDS))


class _Notice(msgspec.Struct):
    kind: str = ""
    at: float = 0.0
    channel: str = ""
    code: str = ""


_decode = msgspec.json.Decoder(_Notice).decode


def read_air_times(ledger: Path, channel: str, start: float, end: float) -> list[AirTime]:
    """Return the times on air that overlap [start, end), by start; without a ledger there are none.

    One that began on an earlier day is not known: ask from well before. Raises OSError.
    """
    try:
        places = find_places(ledger)
    except FileNotFoundError:
        return []
    first, last = utc_day(max(start, 0.0)), utc_day(min(end, 253_402_300_799.0))
    found: list[AirTime] = []
    open_at: float | None = None
    for place in places:
        if place.process != "gate" or not first <= place.day <= last:
            continue
        for notice in _notices(ledger / place.name, channel):
            if notice.code in _BEGINS:
                if open_at is not None:  # the gate was killed, and did not go on with it
                    found.append(AirTime(open_at, notice.at))
                open_at = notice.at
            elif open_at is not None:
                found.append(AirTime(open_at, notice.at))
                open_at = None
    if open_at is not None:
        found.append(AirTime(open_at, None))
    return sorted(one for one in found if one.start < end and (one.end is None or one.end >= start))


def _notices(path: Path, channel: str) -> list[_Notice]:
    found = []
    with path.open("rb") as file:
        for line in iter(lambda: file.readline(MAX_LINE), b""):
            if not any(mark in line for mark in _MARKS):
                continue
            try:
                notice = _decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            if notice.kind == "notice" and notice.channel == channel and notice.code in _BEGINS | _ENDS:
                found.append(notice)
    return found
