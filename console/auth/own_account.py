"""One's own account: password, second factor, sessions."""

from typing import NamedTuple

from sqlalchemy.orm import Session as Transaction

from console.auth import accounts
from console.auth.factors import NewSecret, Totp
from console.auth.passwords import Hashing
from console.auth.principals import Session
from console.auth.sessions import Sessions
from console.auth.tokens import Tries
from console.problems import BAD_TOTP, NO_SESSION, NOT_FOUND, RATE_LIMITED, WRONG_PASSWORD, Refused
from streamgate.clock import now_us, wall_s
from streamgate.store import factors, sessions, settings, sign_ins, users
from streamgate.store.database import AsyncDatabase
from streamgate.store.models import SignIn, User, WebSession

SIGN_INS = 10
_ENDED = "ended by the person"


def _keys_of(session: Session) -> str:
    return f"keys.{session.user_id}"


class Account(NamedTuple):
    """`sign_ins`: the newest tries under this name, those that failed among them, newest first."""

    user: User
    has_totp: bool
    recovery_codes_left: int
    sign_ins: list[SignIn]


class OwnAccount:
    """What a signed-in person does with the own account. Raises Refused, errors.Refused, StoreError.

    Whatever changes how the person signs in asks for the password again and ends the other sessions. A new
    password and a new second factor give this one a new cookie.
    """

    def __init__(self, database: AsyncDatabase, sessions: Sessions, hashing: Hashing, totp: Totp) -> None:
        self._database, self._sessions = database, sessions
        self._hashing, self._totp = hashing, totp
        self._tries = Tries()

    async def show(self, session: Session) -> Account:
        return await self._database.read(_show, session.user_id)

    async def read_keys(self, session: Session) -> dict[str, list[str]] | None:
        """Return the person's own keys of the page, act to keys; None: as shipped."""
        found: dict[str, list[str]] | None = await self._database.read(settings.get, _keys_of(session))
        return found

    async def store_keys(self, session: Session, keys: dict[str, list[str]]) -> None:
        await self._database.write(settings.put, _keys_of(session), keys, by=session.actor, at=wall_s())

    async def change_password(self, session: Session, current: str, new: str) -> str:
        """Return the new cookie's value."""
        await self._prove(session, current)
        user, used = await self._database.read(_passwords, session.user_id)
        new_hash = await self._hashing.choose(new, (user.username, user.display_name), used)
        return await self._renew(session, "password changed", new_hash)

    async def begin_totp(self, session: Session, password: str, *, renew: bool) -> NewSecret:
        await self._prove(session, password)
        return await self._database.write(self._begin_totp, session.user_id, renew)

    async def confirm_totp(self, session: Session, code: str) -> tuple[str, list[str]]:
        """Return the new cookie's value and the recovery codes."""
        self._may_try(session)
        codes = await self._database.write(self._confirm_totp, session.user_id, code)
        if codes is None:
            self._failed(session)
            raise Refused(BAD_TOTP)
        return await self._renew(session, "second factor set up"), codes

    async def remove_totp(self, session: Session, password: str) -> None:
        await self._prove(session, password)
        await self._database.write(factors.remove_totp, session.user_id)
        await self.end_other_sessions(session)

    async def renew_recovery_codes(self, session: Session, password: str) -> list[str]:
        await self._prove(session, password)
        codes = await self._database.write(self._totp.renew_recovery_codes, session.user_id)
        await self.end_other_sessions(session)
        return codes

    async def list_sessions(self, session: Session) -> list[WebSession]:
        """Return the person's sessions; not those that nobody came back to before they were idle."""
        now = wall_s()
        found = await self._database.read(sessions.list_open, session.user_id, at=now)
        used_since = now - self._sessions.rules.idle_s
        return [one for one in found if one.last_seen_at > used_since or self._sessions.is_kept(one.id_hash)]

    async def end_session(self, session: Session, id_: str) -> None:
        """End one of the person's own sessions, this one included."""
        if all(one.id_hash != id_ for one in await self.list_sessions(session)):
            raise Refused(NOT_FOUND)
        if not await self._database.write(sessions.end, id_, at=wall_s(), why=_ENDED):
            raise Refused(NOT_FOUND)
        self._sessions.drop(id_, _ENDED)

    async def end_other_sessions(self, session: Session) -> int:
        """End all of the person's sessions but this one. Returns how many."""
        ended = await self._database.write(
            sessions.end_all, session.user_id, at=wall_s(), why=_ENDED, keep=session.id
        )
        self._sessions.drop_user(session.user_id, _ENDED, keep=session.id)
        return len(ended)

    # ------------------------------------------------------------ helpers

    def _may_try(self, session: Session) -> None:
        if wait := self._tries.wait_s(session.user, now_us() / 1e6):
            raise Refused(RATE_LIMITED, wait_s=int(wait) + 1)

    def _failed(self, session: Session) -> None:
        self._tries.failed(session.user, now_us() / 1e6)

    async def _prove(self, session: Session, password: str) -> None:
        self._may_try(session)
        user, _ = await self._database.read(_passwords, session.user_id)
        if not await self._hashing.verify(user.password_hash, password):
            self._failed(session)
            raise Refused(WRONG_PASSWORD)

    async def _renew(self, session: Session, why: str, password_hash: str | None = None) -> str:
        cookie = self._sessions.new_cookie()
        id_ = self._sessions.id_of(cookie)
        await self._database.write(_renew, session, id_, why, password_hash)
        self._sessions.drop_user(session.user_id, why)
        await self._sessions.adopt(id_)
        return cookie

    def _begin_totp(self, transaction: Transaction, user_id: int, renew: bool) -> NewSecret:
        return self._totp.begin(transaction, _user(transaction, user_id), at=wall_s(), renew=renew)

    def _confirm_totp(self, transaction: Transaction, user_id: int, code: str) -> list[str] | None:
        return self._totp.confirm(transaction, user_id, code, at=wall_s())


def _user(transaction: Transaction, user_id: int) -> User:
    user = users.get(transaction, user_id)
    assert user is not None, "people are disabled, never deleted"
    return user


def _show(transaction: Transaction, user_id: int) -> Account:
    return Account(
        _user(transaction, user_id),
        bool(factors.with_totp(transaction, [user_id])),
        factors.recovery_codes_left(transaction, user_id),
        sign_ins.list_latest(transaction, limit=SIGN_INS, user_id=user_id),
    )


def _passwords(transaction: Transaction, user_id: int) -> tuple[User, list[str]]:
    return _user(transaction, user_id), users.recent_passwords(transaction, user_id)


def _renew(transaction: Transaction, session: Session, id_: str, why: str, password_hash: str | None) -> None:
    """End every session of the person and begin one that lasts as long as the one in use would have.

    Not where that one was ended meanwhile: the account was disabled or reset, which must not be undone.
    """
    now = wall_s()
    users.lock(transaction, session.user_id)
    old = transaction.get(WebSession, session.id)
    if old is None or old.ended_at is not None:
        raise Refused(NO_SESSION)
    if password_hash is None:
        sessions.end_all(transaction, session.user_id, at=now, why=why)
    else:
        accounts.set_password(transaction, session.user_id, password_hash, at=now, why=why)
    sessions.create(
        transaction,
        id_,
        session.user_id,
        at=now,
        absolute_expires_at=session.expires_at,
        address=session.address,
        user_agent=old.user_agent,
    )
