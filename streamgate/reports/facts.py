"""What stands on record of a broadcast: read from ledger, edit list, archive, incident book and database."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from streamgate.archive.catalog import Catalog
from streamgate.archive.certificate import Certificate, certify
from streamgate.archive.edit_list import Begin, find_edit_list, read_edit_list
from streamgate.archive.holds import Holds
from streamgate.archive.listing import Listed, Shelf, open_catalog
from streamgate.core.actor import person
from streamgate.core.two_people import is_person
from streamgate.errors import ArchiveError, Refused, StoreError
from streamgate.incidents.book import Book
from streamgate.incidents.evidence import recordings_on_air
from streamgate.incidents.incident import Incident
from streamgate.incidents.stills import take_still
from streamgate.ledger.places import FOLDER as LEDGER
from streamgate.ledger.places import utc_day
from streamgate.ledger.read import read
from streamgate.store import broadcasts
from streamgate.store.broadcasts import UNREVIEWED, Acts, BroadcastComments, CardRecord
from streamgate.store.database import Database
from streamgate.store.location import Location
from streamgate.wording import both, system_error

BEFORE_S = 600.0  # what was done so long before the start still belongs to it
AFTER_S = 120.0
SESSION_S = 86_400.0  # no session is longer
MAX_ACTIONS = 300
MAX_UNREVIEWED = 100
STILLS = 6
_COUNTED = ("review.",)  # decisions of reviewers are counted, not listed


class Action(NamedTuple):
    """What somebody did. `answer`: "" done; else why not; `answer_zh`: "" where only English is known."""

    at: float
    who: str
    role: str
    what: str
    args: Mapping[str, Any]
    reason: str
    answer: str
    answer_zh: str = ""


class OnDuty(NamedTuple):
    """Somebody who acted, or was signed in to the console. Times: of the first and last sign of them."""

    who: str
    roles: tuple[str, ...]
    first: float
    last: float
    acts: int
    signed_in: bool


class CommentFacts(NamedTuple):
    """`unreviewed`: the first of the cards that nobody published and nobody rejected; `more`: left out."""

    counts: BroadcastComments
    acts: Acts
    unreviewed: Sequence[CardRecord]
    more: int


class BroadcastFacts(NamedTuple):
    """`listed` None: nothing of it is in the archive any more. `comments` None: it had none.

    `comments_away`: `error` and `error_zh`, why they cannot be read; empty: they can. `stills`: wall clock
    and JPEG, None: not recorded.
    """

    certificate: Certificate
    listed: Listed | None
    people: Sequence[OnDuty]
    actions: Sequence[Action]
    actions_left_out: int
    incidents: Sequence[Incident]
    comments: CommentFacts | None
    no_database: bool
    comments_away: Mapping[str, str]
    stills: Sequence[tuple[float, bytes | None]]


def read_broadcast(
    data_dir: Path, broadcast: str, database: Location | None, *, channel: str = ""
) -> BroadcastFacts:
    """Return what is on record of a broadcast. `channel`: one of another channel is refused; "": of any.

    Raises:
        Refused: there is no such broadcast; those there are stand in the text.
        ArchiveError: its record cannot be read.
    """
    archive = data_dir / "archive"
    path = find_edit_list(archive, broadcast)
    if channel not in {"", path.parent.parent.name}:
        raise Refused(f"broadcast {broadcast} is not of channel {channel}", f"场次 {broadcast} 不属于该频道")
    try:
        edits = read_edit_list(path)
    except OSError as error:
        raise ArchiveError(
            f"the edit list {path} cannot be read: {error.strerror}",
            f"无法读取播出清单 {path}：{system_error(error)}",
        ) from error
    if not any(isinstance(line, Begin) for line in edits.lines):
        raise ArchiveError(
            f"the edit list {path} does not say when the broadcast began; its start is lost",
            f"播出清单 {path} 缺少开头，无法得知直播何时开始",
        )
    found = certify(edits)
    actions, people, left_out = _read_people(data_dir / LEDGER, found)
    no_database = database is None or (database.path is not None and not database.path.exists())
    comments, away = (None, {}) if database is None or no_database else _read_comments(database, found)
    incidents = [one for one in Book(data_dir).read().values() if one.broadcast == broadcast]
    with catalog_of(data_dir) as catalog:
        shelf = Shelf(data_dir, catalog, Holds(archive).read())
        listed = shelf.list_broadcasts(found.channel, found.start, found.end + 0.001)
        here = next((one for one in listed if one.id == broadcast), None)
        times = _spread(found.start, found.end)
        due = [at + found.delay_s for at in times]
        names = recordings_on_air(archive, found.channel, broadcast, due)
        stills = [(at, still_of(archive, catalog, name, at)) for name, at in zip(names, times, strict=True)]
    return BroadcastFacts(
        found,
        here,
        people,
        actions,
        left_out,
        sorted(incidents, key=lambda one: (one.happened, one.id)),
        comments,
        no_database,
        away,
        stills,
    )


@contextlib.contextmanager
def catalog_of(data_dir: Path) -> Iterator[Catalog]:
    """Give a catalog of the archive, made anew in a place of its own: the directory may be a copy."""
    with tempfile.TemporaryDirectory(prefix="streamgate-report-") as place:
        catalog = open_catalog(Path(place) / "catalog.sqlite", data_dir / "archive")
        with contextlib.closing(catalog):
            yield catalog


def still_of(archive: Path, catalog: Catalog, channel: str, at: float) -> bytes | None:
    try:
        return take_still(archive, catalog, channel, at)
    except ArchiveError:
        return None


def _spread(start: float, end: float) -> list[float]:
    """Return some moments of a broadcast, evenly apart."""
    step = (end - start) / STILLS
    return [start + step * (number + 0.5) for number in range(STILLS)] if step > 0 else [start]


# ---------------------------------------------------------------- the ledger


def _read_people(ledger: Path, found: Certificate) -> tuple[list[Action], list[OnDuty], int]:
    first, last = found.start - BEFORE_S, found.end + AFTER_S
    actions: list[Action] = []
    duty: dict[str, OnDuty] = {}
    sessions: dict[str, tuple[str, str, float]] = {}  # by session: who, role, from when
    records = _records(ledger, first - SESSION_S, last)
    for record in records:
        at, kind = float(record.get("at", 0.0)), record.get("kind")
        if kind == "sign_in" and record.get("answer") == "ok" and at <= last:
            sessions[str(record.get("session"))] = (
                str(record.get("who", "")),
                str(record.get("role", "")),
                at,
            )
        elif kind == "session_end":
            who, role, begun = sessions.pop(str(record.get("session")), ("", "", 0.0))
            if who and at >= first:
                _note(duty, who, role, max(begun, first), min(at, last), signed_in=True)
        action = _action(record, found.channel)
        if action is not None and first <= at <= last:
            if action.who and not action.what.startswith(_COUNTED):
                actions.append(action)
            if is_person(action.who):
                _note(duty, action.who, action.role, at, at, signed_in=False)
    for who, role, begun in sessions.values():
        _note(duty, who, role, max(begun, first), last, signed_in=True)
    actions.sort(key=lambda one: one.at)
    people = sorted(duty.values(), key=lambda one: (-one.acts, one.who))
    return actions[:MAX_ACTIONS], people, max(0, len(actions) - MAX_ACTIONS)


def _records(ledger: Path, first: float, last: float) -> Iterator[dict[str, Any]]:
    until = utc_day(last + 86_400.0)
    try:
        for record in read(ledger, since_day=utc_day(max(0.0, first))):
            at = float(record.get("at", 0.0))
            if at > 0 and utc_day(at) > until:
                continue
            yield record
    except OSError as error:
        raise ArchiveError(
            f"the ledger {ledger} cannot be read: {error.strerror}",
            f"无法读取操作记录 {ledger}：{system_error(error)}",
        ) from error


def _action(record: Mapping[str, Any], channel: str) -> Action | None:
    if record.get("channel") != channel or record.get("kind") not in {"command", "decision", "refusal"}:
        return None
    done = record.get("kind") == "command" or record.get("answer") in {"ok", "stored"}
    return Action(
        at=float(record.get("at", 0.0)),
        who=str(record.get("who", "")),
        role=str(record.get("role", "")),
        what=str(record.get("what", "")),
        args=record.get("args", {}),
        reason=str(record.get("reason", "")),
        answer=str(record.get("error", "")) or ("" if done else str(record.get("answer", ""))),
        answer_zh=str(record.get("error_zh", "")),
    )


def _note(
    duty: dict[str, OnDuty], who: str, role: str, first: float, last: float, *, signed_in: bool
) -> None:
    name = person(who)
    known = duty.get(name)
    if known is None:
        duty[name] = OnDuty(who, (role,) if role else (), first, last, int(not signed_in), signed_in)
        return
    roles = known.roles if not role or role in known.roles else (*known.roles, role)
    duty[name] = OnDuty(
        known.who,
        roles,
        min(known.first, first),
        max(known.last, last),
        known.acts + (not signed_in),
        known.signed_in or signed_in,
    )


# ---------------------------------------------------------------- comments


def _read_comments(database: Location, found: Certificate) -> tuple[CommentFacts | None, Mapping[str, str]]:
    try:
        with Database(database) as opened, opened.read() as session:
            listed = broadcasts.list_of_channel(session, found.channel, broadcast=found.broadcast, limit=1)
            if not listed:
                return None, {}
            acts = broadcasts.count_acts(session, found.channel, found.broadcast)
            cards = broadcasts.read_page(
                session, found.channel, found.broadcast, after=0, limit=MAX_UNREVIEWED, states=UNREVIEWED
            )
            number = sum(listed[0].cards.get(state, 0) for state in UNREVIEWED)
            return CommentFacts(listed[0], acts, cards, max(0, number - len(cards))), {}
    except StoreError as error:
        return None, both(error)
