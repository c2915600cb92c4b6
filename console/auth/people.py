"""Other people's accounts, one-time links and tokens of programs, as the console changes them."""

import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy.orm import Session as Transaction

from console.auth import accounts, tokens
from console.auth.accounts import NewLink
from console.auth.passwords import Hashing
from console.auth.principals import Session
from console.auth.rights import SCOPES
from console.auth.sessions import Sessions
from console.problems import BAD_TOKEN, NOT_FOUND, RATE_LIMITED, Refused
from console.trace import current
from streamgate import errors
from streamgate.clock import now_us, wall_s
from streamgate.store import api_tokens, factors, sign_ins, users
from streamgate.store.database import AsyncDatabase
from streamgate.store.models import ApiToken, SignIn, User
from streamgate.store.users import Grant

TOKEN_PREFIX = "sg_"  # noqa: S105  a leaked one is recognised by scanners


class Person(NamedTuple):
    user: User
    grants: list[Grant]
    has_totp: bool


class Change(NamedTuple):
    """What is to change about a person; None stays."""

    display_name: str | None = None
    roles: Sequence[str] | None = None
    disabled: bool | None = None


class LinkFor(NamedTuple):
    """What a one-time link is for. `user` "": the first administrator, who chooses the name."""

    kind: str
    user: str


class People:
    """Raises Refused, errors.Refused, StoreError."""

    def __init__(self, database: AsyncDatabase, sessions: Sessions, hashing: Hashing, data_dir: Path) -> None:
        self._database, self._sessions, self._hashing = database, sessions, hashing
        self._data_dir = data_dir
        self._tries = tokens.Tries()

    # ------------------------------------------------------------ accounts

    async def list_all(self) -> list[Person]:
        return await self._database.read(_people)

    async def list_sign_ins(self, limit: int) -> list[SignIn]:
        return await self._database.read(sign_ins.list_latest, limit=limit)

    async def invite(
        self, session: Session, username: str, display_name: str, roles: Iterable[str]
    ) -> NewLink:
        return await self._database.write(
            accounts.invite,
            username,
            [Grant.parse(role) for role in roles],
            by=session.actor,
            at=wall_s(),
            display_name=display_name,
        )

    async def change(self, session: Session, username: str, change: Change) -> Person:
        """Change a person; what may not be undoes the whole change."""
        before, person = await self._database.write(_change, session, username, change, wall_s())
        for name, new in _shown(person).items():
            current().note_change(name, before[name], new)
        if change.disabled:
            self._sessions.drop_user(person.user.id, "disabled")
        return person

    async def reset(self, session: Session, username: str, *, second_factor: bool) -> NewLink:
        user, link = await self._database.write(_reset, session, username, second_factor, wall_s())
        self._sessions.drop_user(user.id, "password reset")
        return link

    # ------------------------------------------------------------ one-time links

    async def find_link(self, token: str, address: str) -> LinkFor:
        self._may_try(address)
        if tokens.peek(self._data_dir, token) == tokens.SETUP:
            if not await self._database.read(users.count_administrators):
                return LinkFor("setup", "")
        elif target := await self._database.read(accounts.find_target, token, at=wall_s()):
            return LinkFor(target.kind, target.user.username)
        raise self._bad(address)

    async def use_link(
        self, token: str, address: str, *, password: str, username: str, display_name: str
    ) -> str:
        """Use a link up: set the password, and make the first administrator. Returns the user name."""
        link = await self.find_link(token, address)
        trace = current()
        trace.args["kind"], trace.who = link.kind, f"console:{link.user or username}"
        if link.kind == "setup":
            return await self._set_up(token, address, password, username, display_name)
        target = await self._database.read(accounts.find_target, token, at=wall_s())
        if target is None:
            raise self._bad(address)
        names = (target.user.username, target.user.display_name)
        password_hash = await self._hashing.choose(password, names, target.used)
        user = await self._database.write(accounts.use_link, token, password_hash, at=wall_s())
        if user is None:
            raise self._bad(address)
        self._sessions.drop_user(user.id, "password reset")
        return user.username

    async def _set_up(self, token: str, address: str, password: str, username: str, display_name: str) -> str:
        password_hash = await self._hashing.choose(password, (username, display_name), ())

        def make(transaction: Transaction) -> str:
            user = accounts.set_up(
                transaction, username, password_hash, at=wall_s(), display_name=display_name
            )
            if tokens.consume(self._data_dir, token) != tokens.SETUP:
                raise self._bad(address)
            return user.username

        return await self._database.write(make)

    def _may_try(self, address: str) -> None:
        if wait := self._tries.wait_s(address, now_us() / 1e6):
            raise Refused(RATE_LIMITED, wait_s=int(wait) + 1)

    def _bad(self, address: str) -> Refused:
        self._tries.failed(address, now_us() / 1e6)
        return Refused(BAD_TOKEN)

    # ------------------------------------------------------------ tokens of programs

    async def list_tokens(self) -> list[ApiToken]:
        return await self._database.read(api_tokens.list_all)

    async def add_token(
        self, by: str, name: str, scopes: Sequence[str], channel: str | None, expires_at: float | None
    ) -> str:
        return await self._database.write(add_token, name, scopes, channel, expires_at, by=by, at=wall_s())

    async def revoke_token(self, name: str) -> None:
        if not await self._database.write(api_tokens.revoke, name, at=wall_s()):
            raise Refused(NOT_FOUND)


def add_token(
    transaction: Transaction,
    name: str,
    scopes: Sequence[str],
    channel: str | None,
    expires_at: float | None,
    *,
    by: str,
    at: float,
) -> str:
    """Store a new token and return it; only its hash is kept. Raises errors.Refused."""
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        allowed = ", ".join(sorted(SCOPES))
        raise errors.Refused(
            f"scope {', '.join(unknown) or 'none'} is not allowed; allowed are: {allowed}",
            f"范围 {', '.join(unknown) or '（空）'} 不可用；可用：{allowed}",
        )
    if not name.isprintable() or name != name.strip() or not 0 < len(name) <= 64:
        raise errors.Refused(
            f"token name {name!a} is not allowed; use 1 to 64 visible characters",
            f"令牌名称 {name!a} 不可用；请使用 1 至 64 个可见字符",
        )
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    hashed = accounts.hash_token(token)
    api_tokens.create(
        transaction, name, hashed, scopes=scopes, by=by, at=at, channel=channel, expires_at=expires_at
    )
    return token


def _people(transaction: Transaction) -> list[Person]:
    found = users.list_all(transaction)
    with_totp = factors.with_totp(transaction, [user.id for user, _ in found])
    return [Person(user, grants, user.id in with_totp) for user, grants in found]


def _shown(person: Person) -> dict[str, Any]:
    """Return what can be changed about a person, for the record."""
    return {
        "display_name": person.user.display_name,
        "roles": [str(grant) for grant in person.grants],
        "disabled": person.user.disabled_at is not None,
    }


def _change(
    transaction: Transaction, session: Session, username: str, change: Change, now: float
) -> tuple[dict[str, Any], Person]:
    """Return what it was before, and the person as changed."""
    user = accounts.require_user(transaction, username)
    before = _shown(Person(user, users.roles(transaction, user.id), has_totp=False))
    with accounts.keep_an_administrator(transaction):
        if change.display_name is not None:
            user.display_name = change.display_name
        if change.roles is not None:
            grants = [Grant.parse(role) for role in change.roles]
            accounts.set_roles(transaction, username, grants, by=session.actor, at=now)
        if change.disabled:
            accounts.disable(transaction, username, at=now)
        elif change.disabled is not None:
            accounts.enable(transaction, username)
    transaction.refresh(user)
    has_totp = bool(factors.with_totp(transaction, [user.id]))
    return before, Person(user, users.roles(transaction, user.id), has_totp)


def _reset(
    transaction: Transaction, session: Session, username: str, second_factor: bool, now: float
) -> tuple[User, NewLink]:
    link = accounts.reset(transaction, username, by=session.actor, at=now, second_factor=second_factor)
    return accounts.require_user(transaction, username), link
