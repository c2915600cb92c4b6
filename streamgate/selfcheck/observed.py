"""What a running system, or a copy of its data directory, shows of the rules: counted, not judged."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.archive.certificate import certify
from streamgate.archive.edit_list import Begin, find_edit_lists, read_edit_list
from streamgate.archive.holds import Holds
from streamgate.archive.listing import Shelf, retention_of
from streamgate.core.actor import person
from streamgate.errors import ArchiveError, ConfigError, LedgerError, StoreError
from streamgate.incidents.book import Book
from streamgate.incidents.chain import ChainFile
from streamgate.incidents.escalation import is_overdue
from streamgate.incidents.incident import State
from streamgate.ledger.places import FOLDER as LEDGER
from streamgate.ledger.places import utc_day
from streamgate.ledger.read import read
from streamgate.ledger.verify import verify
from streamgate.reports.facts import catalog_of
from streamgate.runtime.channels import ChannelStore
from streamgate.store import settings
from streamgate.store.comment_models import FeedItem, Publication, ReviewCard, StageDecision
from streamgate.store.database import Database
from streamgate.store.duty_models import DutyShift, Practice
from streamgate.store.location import Location
from streamgate.store.models import ApiToken, SignIn, User, UserRole, WebSession
from streamgate.verify.comments import STAGES

DAYS = 30
DAY_S = 86_400.0
OLD_DRAFT_S = 24 * 3600.0
SWITCHES = ("comments", "bullets", "sharing")
UNUSED_DAYS = 90


class Air(msgspec.Struct):
    """Of the broadcasts of the last 30 days."""

    broadcasts: int = 0
    packets: int = 0
    below_floor: int = 0
    least_s: float | None = None
    unreadable: int = 0


class Acts(msgspec.Struct):
    """What stands in the ledger of the last 30 days. `cut_ms`: the slowest cut, as the gate measured it."""

    commands: int = 0
    cuts: int = 0
    cut_ms: float = 0.0
    stops: int = 0
    decisions: int = 0
    sign_ins: int = 0
    refusals: int = 0
    nameless: int = 0
    reports: int = 0
    checks: int = 0  # self-checks that were made as a document
    sensitive: int = 0  # cards published whose verdict asks for more than one stage
    too_few_stages: int = 0  # of them without as many, each by another person
    opened: list[tuple[str, float]] = []  # channel and when: interaction that a named person opened
    records: int = 0
    error: str = ""


class Opened(msgspec.Struct, frozen=True):
    """Interaction of a channel that is open now. `at`: since when; `on_air`: a broadcast goes on there."""

    channel: str
    by: str
    at: float
    on_air: bool


class Store(msgspec.Struct):
    """What the database holds. `error`: why it cannot be read; then the rest says nothing."""

    error: str = ""
    people: int = 0
    disabled: int = 0
    roles: Mapping[str, int] = {}
    oldest_password_days: float | None = None
    must_change: int = 0
    sign_ins: int = 0
    published: int = 0
    unapproved: int = 0  # published without the approval of every stage
    cards_by_stages: Mapping[str, int] = {}
    decided_by_stage: Mapping[str, int] = {}
    same_person: int = 0  # cards of which one person decided two stages
    interaction_open: tuple[Opened, ...] = ()
    sessions: int = 0  # that are good still
    longest_session_h: float = 0.0
    sessions_of_disabled: int = 0  # that nobody ended
    tokens_of_disabled: tuple[str, ...] = ()  # programs' tokens that people made who are disabled now
    unused: tuple[str, ...] = ()  # accounts nobody signed in to for so long, not disabled
    shifts: int = 0
    handed_over: int = 0
    practised: int = 0


class Observed(msgspec.Struct):
    """Everything that the check looks at. `serving`: a gate answers for this directory."""

    at: float
    serving: bool
    channels: int = 0
    least_delay_s: float | None = None
    with_backup: int = 0
    with_standby: int = 0  # a stream key for a second camera
    destinations: int = 0
    waiting: int = 0
    by_one_person: int = 0
    two_people_restore: int = 0
    plain_urls: int = 0
    open_files: tuple[str, ...] = ()  # of the directory, that others on this machine may read
    idle_logout_min: float = 0.0
    password_max_age_days: float = 0.0
    approval: str = ""
    retention: Mapping[str, int] = {}
    recorded: int = 0
    gaps: int = 0
    holds: int = 0
    archive_error: str = ""
    air: Air = msgspec.field(default_factory=Air)
    acts: Acts = msgspec.field(default_factory=Acts)
    store: Store = msgspec.field(default_factory=Store)
    ledger_whole: bool = False
    ledger_records: int = 0
    ledger_signed: bool = False
    ledger_error: str = ""
    incidents: int = 0
    drafts: int = 0
    old_drafts: int = 0
    completed: int = 0
    chain_steps: int = 0
    reported: int = 0
    unanswered: int = 0
    overdue: int = 0
    undelivered: int = 0
    wordlists: int = 0
    watched: int = 0  # channels whose duty is watched
    unwatched: int = 0
    covered: int = 0  # those on which backup airs when nobody is there


def observe(
    data_dir: Path,
    database: Location | None,
    *,
    now: float,
    serving: bool,
    retention_days: int,
    options: Mapping[str, float | str],
) -> Observed:
    """Return what the data directory shows. What cannot be read is said there, and raises nothing.

    `options`: idle_logout_min, password_max_age_days, approval; as they are set.
    """
    seen = Observed(at=now, serving=serving)
    seen.idle_logout_min = float(options.get("idle_logout_min", 0.0))
    seen.password_max_age_days = float(options.get("password_max_age_days", 0.0))
    seen.approval = str(options.get("approval", ""))
    _channels(seen, data_dir)
    _archive(seen, data_dir, retention_days)
    seen.air = _air(data_dir / "archive", now)
    seen.acts = _acts(data_dir / LEDGER, now)
    seen.store = _store(database, now)
    _ledger(seen, data_dir)
    _incidents(seen, data_dir)
    seen.wordlists = sum(1 for path in data_dir.glob("wordlists/**/*") if path.is_file())
    return seen


def _channels(seen: Observed, data_dir: Path) -> None:
    try:
        loaded = ChannelStore(data_dir).load_all().channels
    except ConfigError:
        loaded = []
    seen.channels = len(loaded)
    seen.least_delay_s = min((one.delay_s for one in loaded), default=None)
    seen.with_backup = sum(bool(one.backups) for one in loaded)
    seen.with_standby = sum(bool(one.standby_key_hash) for one in loaded)
    seen.watched = sum(one.duty_watch != "off" and not one.practice for one in loaded)
    seen.unwatched = sum(one.duty_watch == "off" and not one.practice for one in loaded)
    seen.covered = sum(one.duty_watch == "backup" for one in loaded)
    every = [destination for one in loaded for destination in one.destinations]
    seen.destinations = len(every)
    seen.waiting = sum(not one.approved for one in every)
    seen.by_one_person = sum(
        one.approved and person(one.entered_by) == person(one.approved_by) for one in every
    )
    seen.two_people_restore = sum(one.restore_needs_two for one in loaded)
    for path in data_dir.glob("channels/*.json"):
        seen.plain_urls += b"rtmp://" in path.read_bytes() or b"rtmps://" in path.read_bytes()
    secret = [data_dir, *data_dir.glob("channels/*.json"), data_dir / "secrets.key"]
    seen.open_files = tuple(
        path.name for path in secret if path.exists() and path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH)
    )


def _archive(seen: Observed, data_dir: Path, retention_days: int) -> None:
    archive = data_dir / "archive"
    if not archive.is_dir():
        return
    try:
        given = ChannelStore(data_dir).retention(retention_days)
        seen.retention = retention_of(archive, given, retention_days)
        holds = Holds(archive).read()
        seen.holds = len(holds)
        with catalog_of(data_dir) as catalog:
            shelf = Shelf(data_dir, catalog, holds)
            for channel in seen.retention:
                for one in shelf.list_broadcasts(channel, seen.at - DAYS * DAY_S, seen.at):
                    seen.recorded += one.parts > 0
                    seen.gaps += sum(gap.why != "no_input" for gap in one.gaps)
    except (ArchiveError, ConfigError) as error:
        seen.archive_error = str(error)


def _air(archive: Path, now: float) -> Air:
    found = Air()
    for path in find_edit_lists(archive).values():
        if path.stat().st_mtime < now - DAYS * DAY_S:
            continue
        try:
            edits = read_edit_list(path)
        except OSError:
            found.unreadable += 1
            continue
        if not any(isinstance(line, Begin) for line in edits.lines):
            found.unreadable += 1
            continue
        one = certify(edits)
        found.broadcasts += 1
        found.packets += one.packets
        found.below_floor += one.below_floor
        if one.min_s is not None:
            found.least_s = one.min_s if found.least_s is None else min(found.least_s, one.min_s)
    return found


def _acts(ledger: Path, now: float) -> Acts:
    found = Acts()
    try:
        for record in read(ledger, since_day=utc_day(max(0.0, now - DAYS * DAY_S))):
            found.records += 1
            kind, what = record.get("kind"), record.get("what")
            _take_comments(found, record)
            found.sign_ins += kind == "sign_in"
            found.refusals += kind == "refusal"
            if kind not in {"command", "decision"}:
                continue
            found.commands += kind == "command"
            found.decisions += kind == "decision"
            found.nameless += not record.get("who")
            found.reports += what == "report.make"
            found.checks += what == "selfcheck.make" and record.get("answer") == "ok"
            found.stops += what == "stop" and not record.get("error")
            if what == "cut" and not record.get("error"):
                found.cuts += 1
                found.cut_ms = max(found.cut_ms, float(record.get("latency_ms") or 0.0))
    except OSError as error:
        found.error = str(error)
    return found


def _take_comments(found: Acts, record: Mapping[str, Any]) -> None:
    """Count what a record says of comments: published ones, and switches that were opened."""
    if record.get("kind") == "publication":
        needed = STAGES.get(record.get("verdict", 0), max(STAGES.values()))
        people = {approval.get("person") for approval in record.get("approvals", ())}
        found.sensitive += needed > 1
        found.too_few_stages += needed > 1 and len(people) < needed
    elif record.get("what") == "interaction.set" and record.get("answer") in {"ok", "stored"}:
        opens = any(record.get("args", {}).get(name) for name in SWITCHES)
        if opens and record.get("who"):
            found.opened.append((str(record.get("channel")), float(record.get("at", 0.0))))


def _store(database: Location | None, now: float) -> Store:
    if database is None or (database.path is not None and not database.path.exists()):
        return Store(error="there is no database")
    try:
        with Database(database) as opened, opened.read() as session:
            return _counted(session, now)
    except StoreError as error:
        return Store(error=str(error))


def _counted(session: Session, now: float) -> Store:
    def count(query: "sa.Select[Any]") -> int:
        found: int | None = session.scalar(query)
        return found or 0

    def grouped(column: "sa.orm.InstrumentedAttribute[object]") -> dict[str, int]:
        query = sa.select(column, sa.func.count()).group_by(column)
        return {str(name): number for name, number in session.execute(query)}

    active = User.disabled_at.is_(None)
    oldest = session.scalar(sa.select(sa.func.min(User.password_changed_at)).where(active))
    twice = (
        sa.select(StageDecision.card_id)
        .group_by(StageDecision.card_id, StageDecision.user_id)
        .having(sa.func.count() > 1)
        .subquery()
    )
    unapproved = (
        sa.select(sa.func.count())
        .select_from(FeedItem)
        .outerjoin(Publication, Publication.card_id == FeedItem.card_id)
        .where(FeedItem.kind == "publish", Publication.card_id.is_(None))
    )
    disabled = sa.select(User.username).where(~active)
    left = {f"console:{name}" for name in session.scalars(disabled)}
    good = (WebSession.ended_at.is_(None), WebSession.absolute_expires_at > now)
    tokens = sa.select(ApiToken.name, ApiToken.created_by).where(
        ApiToken.revoked_at.is_(None), sa.or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now)
    )
    seen_at = sa.func.coalesce(User.last_sign_in_at, User.created_at)
    unused = sa.select(User.username).where(active, seen_at < now - UNUSED_DAYS * DAY_S)
    longest = sa.select(sa.func.max(WebSession.absolute_expires_at - WebSession.created_at)).where(*good)
    of_disabled = sa.select(sa.func.count()).select_from(WebSession).join(User).where(*good, ~active)
    return Store(
        people=count(sa.select(sa.func.count()).select_from(User).where(active)),
        disabled=count(sa.select(sa.func.count()).select_from(User).where(~active)),
        roles=grouped(UserRole.role),
        oldest_password_days=None if oldest is None else (now - oldest) / DAY_S,
        must_change=count(sa.select(sa.func.count()).select_from(User).where(active, User.must_change)),
        sign_ins=count(sa.select(sa.func.count()).select_from(SignIn)),
        published=count(sa.select(sa.func.count()).select_from(FeedItem).where(FeedItem.kind == "publish")),
        unapproved=count(unapproved),
        cards_by_stages=grouped(ReviewCard.stages),
        decided_by_stage=grouped(StageDecision.stage),
        same_person=count(sa.select(sa.func.count()).select_from(twice)),
        interaction_open=tuple(_opened(session)),
        sessions=count(sa.select(sa.func.count()).select_from(WebSession).where(*good)),
        longest_session_h=(session.scalar(longest) or 0.0) / 3600,
        sessions_of_disabled=count(of_disabled),
        tokens_of_disabled=tuple(name for name, by in session.execute(tokens) if by in left),
        unused=tuple(session.scalars(unused)),
        shifts=count(sa.select(sa.func.count()).select_from(DutyShift)),
        handed_over=count(
            sa.select(sa.func.count()).select_from(DutyShift).where(DutyShift.origin == "handed_over")
        ),
        practised=count(sa.select(sa.func.count(sa.distinct(Practice.user_id)))),
    )


def _opened(session: Session) -> Iterator[Opened]:
    """Yield the channels whose interaction is open: the newest broadcast of each stands beside."""
    broadcasts = {one.key.partition("/")[2]: one.value for one in settings.list_under(session, "broadcast/")}
    for one in settings.list_under(session, "interaction/"):
        channel = one.key.partition("/")[2]
        if isinstance(one.value, Mapping) and any(one.value.get(name) for name in SWITCHES):
            newest = broadcasts.get(channel)
            on_air = isinstance(newest, Mapping) and bool(newest.get("id"))
            yield Opened(channel, one.changed_by, one.changed_at, on_air)


def _ledger(seen: Observed, data_dir: Path) -> None:
    try:
        verdict = verify(data_dir)
    except LedgerError as error:
        seen.ledger_error = str(error)
        return
    first = verdict.first_bad
    seen.ledger_whole, seen.ledger_records = verdict.ok, verdict.records
    seen.ledger_signed = bool(verdict.signed)
    seen.ledger_error = "" if first is None else f"{first.file}, line {first.line}: {first.why}"


def _incidents(seen: Observed, data_dir: Path) -> None:
    try:
        found = Book(data_dir).read().values()
        chain = ChainFile(data_dir).read()
    except (ArchiveError, ConfigError):
        return
    seen.incidents = len(found)
    drafts = [one for one in found if one.state is State.DRAFT]
    seen.drafts = len(drafts)
    seen.old_drafts = sum(one.opened_at < seen.at - OLD_DRAFT_S for one in drafts)
    seen.completed = sum(one.state is State.COMPLETED for one in found)
    seen.chain_steps = 0 if chain is None else len(chain.steps)
    for one in found:
        report = one.escalation
        if report is not None:
            seen.reported += 1
            seen.unanswered += report.state == "reported"
            seen.overdue += is_overdue(report, seen.at)
            seen.undelivered += sum(each.state == "undelivered" for each in report.notified)
