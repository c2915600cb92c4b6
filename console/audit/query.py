"""What of the ledger somebody asks for, and which records those are. Pure."""

import json
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import msgspec

Group = Literal["all", "decisions", "events", "ledger"]
Outcome = Literal["", "done", "refused", "waiting"]
EVENTS = frozenset({"notice", "removal", "copy_removal", "certificate", "publication"})
_OF_FILES = frozenset({"part", "index", "edit_list"})  # every few seconds while something is recorded
LEDGER = frozenset({"header", "open", "close", "seal", "gap", "mended", "damaged"}) | _OF_FILES
_CHAIN = frozenset({"n", "prev", "hash", "boot", "mono_us"})  # a text search passes them over
_HASH_CHARS = 64
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # what a forged line can raise


class Brief(msgspec.Struct):
    """What a record must be looked at for; the rest of it is not even decoded."""

    kind: str
    at: float = 0.0
    n: int = 0
    who: str = ""
    channel: str = ""
    what: str = ""
    name: str = ""
    code: str = ""
    answer: str = ""
    error: str = ""


class Query(NamedTuple):
    """Everything is left out by "" or None; what is given must fit all at once.

    `person`: "alice" by whatever way she came, or "cli:alice" by that alone; letters of either case.
    `group`: decisions (all but the other two), events (the operators' log), ledger (what it says of itself).
    `action`: the command, the setting, the code of a notice, or the kind; "person." is all that begins so.
    `outcome`: refused has an error, waiting
    waits for a second person. `since`, `until`: seconds since the epoch, the first included. `text`: words
    that all stand somewhere in the record's values; or a hash of 64 digits.
    `channels`: those that the person who asks may see; None: all, and records of no channel.
    """

    person: str = ""
    channel: str = ""
    group: Group = "all"
    kind: str = ""
    action: str = ""
    outcome: Outcome = ""
    since: float | None = None
    until: float | None = None
    text: str = ""
    channels: frozenset[str] | None = None

    def plain(self) -> dict[str, Any]:
        """Return what was asked for, for the ledger."""
        given = self._asdict()
        channels = given.pop("channels")
        if channels is not None:
            given["only_channels"] = sorted(channels)
        if given["group"] == "all":
            del given["group"]
        return {name: value for name, value in given.items() if value not in ("", None)}


class Matcher:
    """Says which lines a query asks for, the cheapest questions first."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self._person = query.person.casefold()
        self._words = query.text.casefold().split()
        self._hash = self._words[0] if len(self._words) == 1 and is_hash(self._words[0]) else ""
        self._needles = [_escaped(word) for word in (query.channel, query.action, query.kind) if word]
        self._lower = [_escaped(word) for word in (*self._words, self._person) if word.isascii()]

    def may_fit(self, line: bytes) -> bool:
        """Say False for a line that surely is not asked for, without reading it."""
        if any(needle not in line for needle in self._needles):
            return False
        if not self._lower:
            return True
        lower = line.lower()
        return all(needle in lower for needle in self._lower)

    def fits(self, brief: Brief, line: bytes) -> bool:
        """Say whether a line is asked for. `brief`: of the same line."""
        query = self.query
        if query.since is not None and brief.at < query.since:
            return False
        if query.until is not None and brief.at >= query.until:
            return False
        if query.channels is not None and brief.channel not in query.channels:
            return False
        return (
            query.channel in ("", brief.channel)
            and query.kind in ("", brief.kind)
            and query.group in ("all", group_of(brief.kind))
            and self._is_action(brief)
            and query.outcome in ("", outcome_of(brief))
            and self._is_person(brief.who)
            and self.holds_text(line)
        )

    def _is_action(self, brief: Brief) -> bool:
        action = self.query.action
        if action.endswith("."):
            return brief.what.startswith(action)
        return action in ("", brief.what, brief.name, brief.code, brief.kind)

    def _is_person(self, who: str) -> bool:
        if not self._person:
            return True
        # Several people stand in one record when their changes came in the same moment.
        actors = who.casefold().split(", ")
        return any(self._person in (actor, actor.partition(":")[2]) for actor in actors)

    def holds_text(self, line: bytes) -> bool:
        """Say whether the words asked for stand in a line."""
        if self._hash:
            return self._hash.encode() in line
        if not self._words:
            return True
        said = _said(line)
        return all(word in said for word in self._words)


def is_hash(word: str) -> bool:
    return len(word) == _HASH_CHARS and set(word) <= set("0123456789abcdef")


def group_of(kind: str) -> Group:
    if kind in EVENTS:
        return "events"
    return "ledger" if kind in LEDGER else "decisions"


def outcome_of(brief: Brief) -> Outcome:
    if (brief.error and brief.answer != "stored") or brief.kind == "refusal":
        return "refused"
    return "waiting" if brief.answer == "second_person" else "done"


_briefs = msgspec.json.Decoder(Brief)


def read_brief(line: bytes) -> Brief | None:
    """Return what stands in a line; None: it is no record. Kinds to come may use members in other ways."""
    try:
        return _briefs.decode(line)
    except msgspec.ValidationError:
        pass
    except UNREADABLE:
        return None
    try:
        record = msgspec.json.decode(line)
    except UNREADABLE:
        return None
    if not isinstance(record, dict) or not isinstance(record.get("kind"), str):
        return None
    known = {field.name: field.type for field in msgspec.structs.fields(Brief)}
    fitting = {name: record[name] for name, kind in known.items() if _is(record.get(name), kind)}
    return Brief(**fitting)


def _said(line: bytes) -> str:
    """Return all that a record says, to be searched."""
    try:
        record = msgspec.json.decode(line)
        return "\n".join(
            _values({name: one for name, one in record.items() if name not in _CHAIN})
        ).casefold()
    except UNREADABLE:
        return line.decode("utf-8", "replace").casefold()


def _is(value: Any, kind: Any) -> bool:
    return isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)


def _escaped(word: str) -> bytes:
    """Return a word as it stands in a line."""
    return json.dumps(word, ensure_ascii=False)[1:-1].encode("utf-8", "replace")


def _values(value: Any) -> Iterator[str]:
    """Yield all values in a record as texts, without the names of members."""
    if isinstance(value, dict):
        for one in value.values():
            yield from _values(one)
    elif isinstance(value, list):
        for one in value:
            yield from _values(one)
    elif value is not None:
        yield value if isinstance(value, str) else msgspec.json.encode(value).decode()
