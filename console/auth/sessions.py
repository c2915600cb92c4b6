"""Sessions of signed-in people, and tokens of programs: what this process knows of them, kept fresh.

The database holds them; here is a copy of those in use, looked up without it. Every `REFRESH_S` the copy is
compared: what was ended or changed elsewhere (the command line, another console) counts within a second.
While the database cannot be read the copy goes on: who is signed in sees and cuts. A console that starts
meanwhile takes the copy of the one before it (`remembered`).
"""

import asyncio
import contextlib
import itertools
import secrets
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, NamedTuple

import structlog
from sqlalchemy.orm import Session as Transaction

from console.auth.accounts import hash_token
from console.auth.endings import no_session
from console.auth.principals import Bearer, Limit, Session
from console.auth.remembered import Contents, KeptSession, KeptToken, Memory
from console.problems import Problem
from streamgate.clock import wall_s
from streamgate.errors import StoreError
from streamgate.store import api_tokens, factors, sessions, users
from streamgate.store.database import AsyncDatabase
from streamgate.store.models import User, WebSession
from streamgate.store.users import Grant

COOKIE = "streamgate_session"  # on plain HTTP, which loopback alone may be
SECURE_COOKIE = "__Host-streamgate"
LIFETIME_S = 12 * 3600.0
REFRESH_S = 0.4
TOUCH_S = sessions.TOUCH_S
PAGE_GRACE_S = 60.0  # an idle person's page may be away for so long: a network that hiccups, a restart
RECALL_S = 1.0  # so long a console that starts waits for its database before it believes what is remembered
END_S = 1.0
MAX_KEPT = 4096
_MAX_LENGTH = 128
_log = structlog.get_logger("console.sessions")


class Rules(NamedTuple):
    """What the settings say. `totp_roles`: who must have a second factor."""

    idle_s: float = 15 * 60.0
    password_age_s: float = 90 * 86400.0
    totp_roles: frozenset[str] = frozenset()

    def limit(self, user: User, grants: tuple[Grant, ...], *, has_totp: bool, at: float) -> Limit:
        """Return what a person's session is limited to."""
        if user.must_change or (user.password_changed_at or 0.0) + self.password_age_s <= at:
            return "password_expired"
        if not has_totp and self.demand_totp(grants):
            return "totp_setup"
        return ""

    def demand_totp(self, grants: Iterable[Grant]) -> bool:
        """Say whether one of these roles must have a second factor."""
        return any(grant.role in self.totp_roles for grant in grants)


class _Facts(NamedTuple):
    """A session as the database has it."""

    row: WebSession
    user: User
    grants: tuple[Grant, ...]
    has_totp: bool


class Sessions:
    """All that are in use here. `on_air`: whether any channel is on air, as far as is known."""

    def __init__(
        self,
        database: AsyncDatabase,
        rules: Rules,
        on_air: Callable[[], bool],
        memory: Memory,
        *,
        ended: Callable[[Session, str], None] | None = None,
    ) -> None:
        """`ended` is told of each session that is over, and why."""
        self.rules = rules
        self._ended = ended
        self._memory, before = memory, memory.read()
        # What the console before this one had in use, until the database says what is in force.
        self._remembered = {one.id: one for one in before.sessions}
        self._remembered_tokens = {one.key: one for one in before.tokens}
        self._failing: set[str] = set()  # "read", "write"
        self._database, self._on_air = database, on_air
        self._kept: dict[str, Session] = {}
        self._bearers: dict[str, Bearer] = {}
        self._unknown: OrderedDict[str, str] = OrderedDict()  # nobody's, and why they ended, "" never were
        self._to_end = dict(before.ended)  # when and why; ended here, not yet in the database
        self._loading = asyncio.Lock()
        self._looked = asyncio.Event()
        self._due = asyncio.Event()  # something should be written before the next round
        self._to_forget = asyncio.Event()  # the same of what is remembered

    # ------------------------------------------------------------ looking up

    async def read(self, cookie: str | None) -> Session | None:
        """Return the session of a cookie's value; None when there is none (any more).

        Without the database only sessions are known that are in use, here or in the console before this one.
        """
        if not cookie or len(cookie) > _MAX_LENGTH or not cookie.isascii():
            return None
        id_ = hash_token(cookie)
        if (found := self._kept.get(id_)) is None:
            found = await self._recall(id_) or await self._load(id_)
        if found is None:
            return None
        self._judge(found, wall_s())
        return None if found.ended else found

    def why_not(self, cookie: str | None) -> Problem:
        """Return what to tell whoever came with this cookie, for which `read` found no session."""
        id_ = hash_token(cookie or "")
        why = self._to_end[id_][1] if id_ in self._to_end else self._unknown.get(id_, "")
        return no_session(why, idle_s=self.rules.idle_s, lifetime_s=LIFETIME_S)

    def is_kept(self, id_: str) -> bool:
        """Say whether a session is in use here, which keeps it from being idle."""
        return id_ in self._kept

    async def bearer(self, token: str) -> Bearer | None:
        """Return who holds a token; None when it is not in force."""
        if not 0 < len(token) <= _MAX_LENGTH:
            return None
        key = hash_token(token)
        await self._recall_token(key)
        for _ in range(2):  # it may have been made this moment: a look that begins after now knows
            if key in self._bearers or "read" in self._failing:
                break
            await self._looked.wait()
        found, now = self._bearers.get(key), wall_s()
        if found is None or found.ended or (found.expires_at is not None and found.expires_at <= now):
            return None
        found.used_at = now
        return found

    async def _recall(self, id_: str) -> Session | None:
        """Return a session that the console before this one had in use, if the database says nothing."""
        if id_ in self._remembered:
            await self._first_look()
            if (remembered := self._remembered.pop(id_, None)) is not None:
                self._kept[id_] = remembered.recall(wall_s(), self._ended)
        return self._kept.get(id_)

    async def _recall_token(self, key: str) -> None:
        """The same of a token."""
        if key in self._remembered_tokens:
            await self._first_look()
            if (remembered := self._remembered_tokens.pop(key, None)) is not None:
                self._bearers[key] = remembered.recall()

    async def _first_look(self) -> None:
        """Give the database a moment to say what is in force."""
        if "read" not in self._failing:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RECALL_S):
                    await self._looked.wait()

    async def _load(self, id_: str) -> Session | None:
        async with self._loading:
            if id_ in self._kept:
                return self._kept[id_]
            if id_ in self._unknown or id_ in self._to_end:
                return None
            now = wall_s()
            try:
                found, why = await self._database.read(_find_one, id_, now)
            except StoreError as error:
                self._failed("read", error)
                return None
            if found is None:
                self._forget_unknown(id_, why)
                return None
            return self._keep(found, now)

    def _forget_unknown(self, key: str, why: str) -> None:
        """Remember that this is nobody's, so that whoever sends it again does not reach the database."""
        self._unknown[key] = why
        while len(self._unknown) > MAX_KEPT:
            self._unknown.popitem(last=False)

    def _keep(self, facts: _Facts, now: float) -> Session:
        row, user = facts.row, facts.user
        self._remembered.pop(row.id_hash, None)
        if len(self._kept) >= MAX_KEPT:
            oldest = min(self._kept.values(), key=lambda one: (one.pages > 0, one.seen_at))
            del self._kept[oldest.id]
        made = Session(
            row.id_hash,
            user_id=user.id,
            user=user.username,
            display_name=user.display_name,
            grants=facts.grants,
            limit=self.rules.limit(user, facts.grants, has_totp=facts.has_totp, at=now),
            created_at=row.created_at,
            expires_at=row.absolute_expires_at,
            seen_at=row.last_seen_at,
            loaded_at=now,
            address=row.address,
            ended=self._ended,
        )
        self._kept[made.id] = made
        return made

    # ------------------------------------------------------------ beginning and ending

    def new_cookie(self) -> str:
        """Return the value of a new session's cookie: 256 random bits."""
        return secrets.token_urlsafe(32)

    def id_of(self, cookie: str) -> str:
        """Return under which id the session of a cookie's value is stored."""
        return hash_token(cookie)

    async def adopt(self, id_: str) -> Session:
        """Return the session that was just stored under this id. Raises StoreError."""
        now = wall_s()
        return self._keep((await self._database.read(_find, [id_], now))[id_], now)

    def end(self, id_: str, why: str) -> None:
        """End a session at once, here; in the database as soon as it can be written."""
        self._end(id_, why, wall_s())

    def drop(self, id_: str, why: str) -> None:
        """End here what was ended in the database already, without waiting for the next look."""
        self._remembered.pop(id_, None)
        self._to_forget.set()
        session = self._kept.pop(id_, None)
        if session is not None:
            session.end(why)

    def drop_user(self, user_id: int, why: str, *, keep: str = "") -> None:
        """The same for every session of a person but `keep`."""
        ids = [one.id for one in self._kept.values() if one.user_id == user_id]
        ids += [one.id for one in self._remembered.values() if one.user_id == user_id]
        for id_ in ids:
            if id_ != keep:
                self.drop(id_, why)

    def drop_token(self, name: str, why: str) -> None:
        """End here a token that was revoked in the database already; the next look forgets it."""
        for bearer in self._bearers.values():
            if bearer.name == name:
                bearer.end(why)

    def _end(self, id_: str, why: str, now: float) -> None:
        if len(self._to_end) < MAX_KEPT:
            self._to_end.setdefault(id_, (now, why))
            self._due.set()
        self.drop(id_, why)

    def _judge(self, session: Session, now: float) -> None:
        """End what is over; somebody idle keeps a page that is open while something is on air."""
        if session.expires_at <= now:
            self._end(session.id, "expired", now)
        elif session.idle or session.seen_at + self.rules.idle_s <= now:
            watches = session.pages > 0 or session.page_at + PAGE_GRACE_S > now
            if watches and not session.limit and self._on_air():
                session.become_idle()
            else:
                self._end(session.id, "idle", now)

    # ------------------------------------------------------------ keeping fresh

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_fresh())
            group.create_task(self._keep_written())  # apart: a writer may have to wait for another one
            group.create_task(self._keep_remembered())

    async def _keep_fresh(self) -> None:
        while True:
            await _finish(self._refresh())
            await asyncio.sleep(REFRESH_S)

    async def _keep_written(self) -> None:
        while True:
            self._due.clear()
            await _finish(self._write())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_S):
                    await self._due.wait()

    async def _keep_remembered(self) -> None:
        while True:
            self._to_forget.clear()
            contents = Contents(
                [*map(KeptSession.of, self._kept.values()), *self._remembered.values()],
                [*itertools.starmap(KeptToken.of, self._bearers.items()), *self._remembered_tokens.values()],
                dict(self._to_end),
            )
            try:
                await asyncio.to_thread(self._memory.write, contents)
            except OSError as error:
                if "remember" not in self._failing:
                    _log.error("sessions_not_remembered", reason=error.strerror)
                self._failing.add("remember")
            else:
                self._failing.discard("remember")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_S):
                    await self._to_forget.wait()

    async def _refresh(self) -> None:
        """Take over what changed in the database."""
        now = wall_s()
        known = dict(self._kept)
        remembered = list(self._remembered)
        try:
            found, tokens = await self._database.read(_look, [*known, *remembered], now)
        except StoreError as error:
            self._failed("read", error)
        else:
            self._works("read")
            for id_ in remembered:
                if self._remembered.pop(id_, None) is not None and id_ in found:
                    self._keep(found[id_], now)
            self._remembered_tokens.clear()
            for id_, session in known.items():
                self._compare(session, found.get(id_), now)
            self._take_tokens(tokens)
        for session in list(self._kept.values()):
            self._judge(session, now)
        event, self._looked = self._looked, asyncio.Event()
        event.set()

    def _compare(self, session: Session, facts: _Facts | None, now: float) -> None:
        if facts is None:
            session.end("ended")
            self._kept.pop(session.id, None)
            return
        limit = self.rules.limit(facts.user, facts.grants, has_totp=facts.has_totp, at=now)
        session.update(display_name=facts.user.display_name, grants=facts.grants, limit=limit)
        session.kept_seen_at = facts.row.last_seen_at

    def _take_tokens(self, tokens: dict[str, Bearer]) -> None:
        for key in set(self._bearers) - set(tokens):
            self._bearers.pop(key).end("revoked")
            self._to_forget.set()
        for key, bearer in tokens.items():
            self._bearers.setdefault(key, bearer)

    async def _write(self) -> None:
        """Bring to the database what happened here; what cannot be written now is tried again."""
        ends = dict(self._to_end)
        seen = {
            session.id: session.seen_at
            for session in self._kept.values()
            if session.seen_at >= session.kept_seen_at + TOUCH_S
        }
        used = {one.id: one.used_at for one in self._bearers.values() if one.used_at is not None}
        if not (ends or seen or used):
            return
        try:
            await self._database.write(_store, ends, seen, used)
        except StoreError as error:
            self._failed("write", error)
            return
        self._works("write")
        for id_, (_, why) in ends.items():
            self._to_end.pop(id_, None)
            self._forget_unknown(id_, why)
        for id_, at in seen.items():
            if id_ in self._kept:
                self._kept[id_].kept_seen_at = at
        for bearer in self._bearers.values():
            if bearer.used_at == used.get(bearer.id):
                bearer.used_at = None

    def _failed(self, what: str, error: StoreError) -> None:
        if what not in self._failing:
            _log.error("database_away", what=what, kind=error.kind, reason=str(error))
        self._failing.add(what)

    def _works(self, what: str) -> None:
        if what in self._failing:
            _log.info("database_back", what=what)
        self._failing.discard(what)


async def _finish(step: Coroutine[Any, Any, None]) -> None:
    """Run a step; when cancelled let it end first: a transaction torn apart leaks its connection."""
    task = asyncio.ensure_future(step)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=END_S)
        task.cancel()
        raise


def _find(transaction: Transaction, ids: list[str], now: float) -> dict[str, _Facts]:
    rows = sessions.find_many(transaction, ids, at=now)
    people = {user.id for _, user in rows.values()}
    grants = users.grants_of(transaction, people)
    with_totp = factors.with_totp(transaction, people)
    return {
        id_: _Facts(row, user, grants.get(user.id, ()), user.id in with_totp)
        for id_, (row, user) in rows.items()
    }


def _find_one(transaction: Transaction, id_: str, now: float) -> tuple[_Facts | None, str]:
    """Return a session; if it is not in force, why it ended ("" when there never was one)."""
    found = _find(transaction, [id_], now).get(id_)
    row = None if found is not None else transaction.get(WebSession, id_)
    if row is None:
        return found, ""
    return None, row.ended_why or ("expired" if row.absolute_expires_at <= now else "disabled")


def _look(
    transaction: Transaction, ids: list[str], now: float
) -> tuple[dict[str, _Facts], dict[str, Bearer]]:
    return _find(transaction, ids, now), _tokens(transaction, now)


def _tokens(transaction: Transaction, now: float) -> dict[str, Bearer]:
    return {
        row.token_hash: Bearer(
            row.id, row.name, scopes=row.scopes, channel=row.channel, expires_at=row.expires_at
        )
        for row in api_tokens.list_in_force(transaction, at=now)
    }


def _store(
    transaction: Transaction,
    ends: dict[str, tuple[float, str]],
    seen: dict[str, float],
    used: Mapping[int, float],
) -> None:
    for id_, (at, why) in ends.items():
        sessions.end(transaction, id_, at=at, why=why)
    for id_, at in seen.items():
        sessions.touch(transaction, id_, at=at)
    for token, at in used.items():
        api_tokens.touch(transaction, token, at=at)
