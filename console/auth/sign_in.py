"""Signing in: a name, a password and perhaps a second factor in, a session out; tries that fail cost time.

Every try is written to the sign-in log, and the waiting time is counted from it: it survives a restart.
"""

import contextlib
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, NoReturn, Protocol

import structlog
from sqlalchemy.orm import Session as Transaction

from console.auth.factors import Factor
from console.auth.passwords import Hashing
from console.auth.principals import Session, session_name
from console.auth.sessions import LIFETIME_S, Sessions
from console.problems import (
    ACCOUNT_DISABLED,
    BAD_CREDENTIALS,
    BAD_TOTP,
    RATE_LIMITED,
    TOTP_NEEDED,
    Problem,
    Refused,
)
from console.trace import current
from streamgate.clock import wall_s
from streamgate.core.actor import fold
from streamgate.store import sessions as session_rows
from streamgate.store import sign_ins, users
from streamgate.store.database import AsyncDatabase
from streamgate.store.models import User

FREE_TRIES = 5  # of an account, without waiting
FREE_TRIES_ADDRESS = 20  # of an address: a whole institution may come from one
LONGEST_WAIT_S = 300.0
ACCOUNT_WINDOW_S = 24 * 3600.0
ADDRESS_WINDOW_S = 3600.0
KNOWN_S = 30 * 86400.0
Result = Literal["ok", "bad_password", "unknown", "disabled", "totp_needed", "bad_totp"]
"""What came of a try, as the sign-in log keeps it."""
_log = structlog.get_logger("console.sign_in")


class Credentials(NamedTuple):
    """What somebody gives who signs in. `address`, `user_agent`: where the person comes from."""

    username: str
    password: str
    totp: str | None
    address: str
    user_agent: str

    def __repr__(self) -> str:
        return f"Credentials({self.username!r}, {self.address!r})"


class Identity(Protocol):
    """How it is found out who somebody is. Passwords today; the institution's single sign-on can come."""

    async def identify(self, given: Credentials, user: User | None) -> bool:
        """Say whether what was given proves that this is `user`; None is nobody, in as much time."""


class Passwords:
    """Identity by a password of ours."""

    def __init__(self, hashing: Hashing) -> None:
        self._hashing = hashing

    async def identify(self, given: Credentials, user: User | None) -> bool:
        return await self._hashing.verify(None if user is None else user.password_hash, given.password)


@dataclass(frozen=True)
class SignedIn:
    """A new session and its cookie's value; when and from where the person signed in last before."""

    cookie: str
    session: Session
    last_at: float | None
    last_address: str
    failed_since: int


class _Known(NamedTuple):
    user: User | None
    has_factor: bool
    wait_s: float
    last: tuple[float, str] | None
    failed_since: int


class _New(NamedTuple):
    """A session to store. `has_factor`: the second factor has to be right first.

    `password_hash`: what the person was checked against; another stands there when it changed meanwhile.
    """

    user_id: int
    password_hash: str | None
    id: str
    replaces: str | None
    has_factor: bool


class SignIn:
    """Turns credentials into sessions."""

    def __init__(
        self, database: AsyncDatabase, sessions: Sessions, identity: Identity, factor: Factor
    ) -> None:
        self._database, self._sessions = database, sessions
        self._identity, self._factor = identity, factor
        self._accounts: Counter[str] = Counter()  # tries under way
        self._addresses: Counter[str] = Counter()

    async def open(self, given: Credentials, *, replaces: str | None = None) -> SignedIn:
        """Check what was given and begin a session. `replaces`: the id of the session the browser had.

        Raises:
            Refused: wrong, too many tries (with the seconds to wait), or a second factor is needed.
            StoreError: the database cannot be used.
        """
        trace = current()
        trace.signs_in, trace.factors = True, ["password", "totp"] if given.totp else ["password"]
        with self._under_way(given):
            known = await self._database.read(self._look, given, wall_s())
            if known.user is not None:  # what is nobody's name may be a password
                trace.who = f"console:{known.user.username}"
            if known.wait_s > 0:
                raise Refused(RATE_LIMITED, wait_s=math.ceil(known.wait_s))
            user = known.user
            proven = await self._identity.identify(given, user)
            if user is None or not proven:
                await self._refuse(given, user, BAD_CREDENTIALS, "bad_password" if user else "unknown")
            if user.disabled_at is not None:
                await self._refuse(given, user, ACCOUNT_DISABLED, "disabled")
            if known.has_factor and not given.totp:
                await self._refuse(given, user, TOTP_NEEDED, sign_ins.CODE_ASKED)
            cookie = await self._begin(given, user, known, replaces)
            if cookie is None:
                await self._refuse(given, user, BAD_TOTP, "bad_totp")
            session = await self._sessions.adopt(self._sessions.id_of(cookie))
            trace.role = session.role
        _log.info("session_opened", user=user.username, address=given.address)
        last_at, last_address = known.last or (None, "")
        return SignedIn(cookie, session, last_at, last_address, known.failed_since)

    async def open_for(self, username: str, address: str, user_agent: str) -> str | None:
        """Begin a session without asking for proof; return the cookie's value. For the demo's own links."""
        given = Credentials(username, "", None, address, user_agent)
        known = await self._database.read(self._look, given, wall_s())
        if known.user is None or known.user.disabled_at is not None:
            return None
        trace = current()
        trace.signs_in, trace.factors, trace.who = True, ["link"], f"console:{known.user.username}"
        return await self._begin(given, known.user, known._replace(has_factor=False), None)

    async def _begin(self, given: Credentials, user: User, known: _Known, replaces: str | None) -> str | None:
        """Store a new session; return its cookie's value, None when the second factor is wrong."""
        cookie = self._sessions.new_cookie()
        new = _New(user.id, user.password_hash, self._sessions.id_of(cookie), replaces, known.has_factor)
        stored = await self._database.write(self._store, given, new)
        if not stored:
            return None
        current().session = session_name(new.id)
        if replaces is not None:
            self._sessions.drop(replaces, "signed in again")
        return cookie

    @contextlib.contextmanager
    def _under_way(self, given: Credentials) -> Iterator[None]:
        """Count tries that are not yet answered: many at once are no way around the waiting time."""
        account = fold(given.username)[:256]
        if self._accounts[account] or self._addresses[given.address] >= FREE_TRIES_ADDRESS:
            raise Refused(RATE_LIMITED, wait_s=1)
        self._accounts[account] += 1
        self._addresses[given.address] += 1
        try:
            yield
        finally:
            for counter, key in ((self._accounts, account), (self._addresses, given.address)):
                counter[key] -= 1
                if not counter[key]:
                    del counter[key]

    async def _refuse(
        self, given: Credentials, user: User | None, problem: Problem, result: Result
    ) -> NoReturn:
        await self._database.write(_record, given, result, None if user is None else user.id, wall_s())
        current().result = result
        _log.warning("sign_in_refused", address=given.address, result=result)
        raise Refused(problem)

    # ------------------------------------------------------------ in the database's thread

    def _look(self, transaction: Transaction, given: Credentials, now: float) -> _Known:
        user = users.find(transaction, given.username)
        last = None if user is None else sign_ins.last_success(transaction, user.id)
        failed, failed_at = sign_ins.failures(
            transaction, since=now - ACCOUNT_WINDOW_S, username=given.username
        )
        from_here, from_here_at = failed, failed_at
        if sign_ins.is_known(
            transaction, since=now - KNOWN_S, username=given.username, address=given.address
        ):  # who tries from elsewhere must not keep the person out
            from_here, from_here_at = sign_ins.failures(
                transaction, since=now - ACCOUNT_WINDOW_S, username=given.username, address=given.address
            )
        asked, _ = sign_ins.failures(
            transaction,
            since=now - sign_ins.CODE_S,
            username=given.username,
            address=given.address,
            result=sign_ins.CODE_ASKED,
        )
        address, address_at = sign_ins.failures(
            transaction, since=now - ADDRESS_WINDOW_S, address=given.address
        )
        address += self._addresses[given.address] - 1
        return _Known(
            user,
            user is not None and self._factor.is_set_up(transaction, user.id),
            max(
                _wait_s(from_here - FREE_TRIES, from_here_at, now),
                _wait_s(address - FREE_TRIES_ADDRESS, address_at, now),
            ),
            None if last is None else (last.at, last.address),
            failed - asked,
        )

    def _store(self, transaction: Transaction, given: Credentials, new: _New) -> bool:
        now = wall_s()
        user = users.lock(transaction, new.user_id)
        if user is None or user.disabled_at is not None or user.password_hash != new.password_hash:
            raise Refused(BAD_CREDENTIALS)  # disabled, reset or changed while the password was checked
        if new.has_factor and not self._factor.check(transaction, new.user_id, given.totp or "", at=now):
            return False
        if new.replaces is not None:
            session_rows.end(transaction, new.replaces, at=now, why="signed in again")
        session_rows.create(
            transaction,
            new.id,
            new.user_id,
            at=now,
            absolute_expires_at=now + LIFETIME_S,
            address=given.address,
            user_agent=given.user_agent,
        )
        _record(transaction, given, sign_ins.OK, new.user_id, now)
        users.note_sign_in(transaction, new.user_id, at=now)
        return True


def _wait_s(beyond: int, last: float | None, now: float) -> float:
    """Return how long to wait after `beyond` failures more than are free: 1, 2, 4 ... s from the last."""
    if beyond < 0 or last is None:
        return 0.0
    return max(0.0, last + min(2.0 ** min(beyond, 20), LONGEST_WAIT_S) - now)


def _record(
    transaction: Transaction, given: Credentials, result: Result, user_id: int | None, now: float
) -> None:
    sign_ins.record(
        transaction,
        at=now,
        username=given.username,
        address=given.address,
        result=result,
        user_id=user_id,
    )
