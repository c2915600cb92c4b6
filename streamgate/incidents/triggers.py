"""Which records of the ledger open a draft, and which end a cut. Pure.

Every cut, dump, stop, condemned and redacted span that the gate carried out; every cut that a new broadcast
begins with; every packet that its last check stopped; every time that is not recorded. A detector that
condemns does so by these same commands.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from streamgate.incidents.incident import BY, MAX_TEXT, Kind, Opened

COMMANDS: Mapping[str, Kind] = {
    "cut": "cut",
    "dump": "dump",
    "stop": "stop",
    "condemn": "condemn",
    "redact": "redact",
}
NOTICES: Mapping[str, Kind] = {
    "still_cut": "cut",  # a new broadcast: the stop of the old one ended the draft of its cut
    "violation": "violation",
    "archive_failed": "gap",
    "archive_losing": "gap",
    "archive_gap": "gap",
    "archive_format": "gap",
    "edits_fault": "gap",
}
CUT_ENDS = frozenset({"restore", "uncut", "lift", "stop"})  # commands
NOT_RESUMED = "not_resumed"
ENDS = frozenset({"stopped", "stopped_no_input", NOT_RESUMED})  # notices: a broadcast is over
_MARKS = tuple(f'"{word}"'.encode() for word in sorted({*COMMANDS, *NOTICES, *CUT_ENDS, *ENDS}))


def may_matter(line: bytes) -> bool:
    """Whether a line of the ledger may be one of those that count here: asked before it is decoded."""
    return any(mark in line for mark in _MARKS)


def incident_id(happened: float, origin: str) -> str:
    """Return the id of what a record opens: the same however often it is read."""
    digest = sha256(origin.encode()).hexdigest()[:6]
    return f"{datetime.fromtimestamp(happened, UTC):%Y%m%dT%H%M%SZ}-{digest}"


def read_trigger(record: Mapping[str, Any], origin: str, now: float) -> Opened | None:
    """Return the draft that a record of the ledger opens; broadcast and delay are still to be filled in."""
    happened, channel = float(record.get("at", 0.0)), str(record.get("channel", ""))
    kind: Kind | None = None
    words = words_zh = actor = ""
    seconds = 0.0
    if record.get("kind") == "command" and not record.get("error"):
        kind = COMMANDS.get(str(record.get("what", "")))
        words, actor = str(record.get("reason", "")), str(record.get("who", ""))
        seconds = _reach_s(record) if kind in {"dump", "condemn", "redact"} else 0.0
    elif record.get("kind") == "notice":
        kind = NOTICES.get(str(record.get("code", "")))
        words, words_zh = str(record.get("text", "")), str(record.get("text_zh", ""))
    if kind is None or not channel:
        return None
    return Opened(
        id=incident_id(happened, origin),
        at=now,
        by=BY,
        kind=kind,
        channel=channel,
        happened=happened,
        actor=actor,
        seconds=seconds,
        words=words[:MAX_TEXT],
        words_zh=words_zh[:MAX_TEXT],
        origin=origin,
    )


def _reach_s(record: Mapping[str, Any]) -> float:
    """Return how far back a dump or a span began, seconds before the command."""
    args = record.get("args", {})
    first_us, seconds = args.get("first_us"), args.get("seconds", 10.0)
    if isinstance(first_us, int):
        return round(max(0.0, (int(record.get("mono_us", 0)) - first_us) / 1e6), 3)
    return float(seconds) if isinstance(seconds, int | float) else 10.0


def read_cut_end(record: Mapping[str, Any]) -> tuple[str, float] | None:
    """Return the channel, and when, of a command after which the channel is not cut any more."""
    what, answer = record.get("what"), record.get("answer")
    done = record.get("kind") == "command" and what in CUT_ENDS and not record.get("error")
    if not done or answer == "second_person" or (what == "lift" and answer == "cut"):  # of another span
        return None
    return str(record.get("channel", "")), float(record.get("at", 0.0))


def read_end(record: Mapping[str, Any]) -> tuple[str, float] | None:
    """Return the channel, and when, of a broadcast that is over."""
    if record.get("kind") != "notice" or record.get("code") not in ENDS:
        return None
    return str(record.get("channel", "")), float(record.get("at", 0.0))
