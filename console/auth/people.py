"""Other people's accounts, one-time links and tokens of programs, as the console changes them."""

import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

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
from streamgate.core.channel_name import require_name
from streamgate.store import api_tokens, factors, links, sign_ins, users
from streamgate.store.database import AsyncDatabase
from streamgate.store.models import ApiToken, SignIn, User
from streamgate.store.users import Grant

TOKEN_PREFIX = "sg_"  # noqa: S105  a leaked one is recognised by scanners
TOKEN_NAME_CHARS = 64


class Person(NamedTuple):
    """Somebody with an account. `link_until`: until when a one-time link can be used; None: none can."""

    user: User
    grants: list[Grant]
    has_totp: bool
    link_until: float | None


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
        return await self._database.read(_people, wall_s())

    async def list_sign_ins(
        self, limit: int, *, username: str | None, failed: bool, before: int | None
    ) -> list[SignIn]:
        return await self._database.read(
            sign_ins.list_latest, limit=limit, username=username, failed=failed, before=before
        )

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
        self._sessions.drop_token(name, "revoked")


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
    if not users.is_fit_for_address(name, TOKEN_NAME_CHARS):
        raise errors.Refused(
            f"token name {name!a} is not allowed; use 1 to {TOKEN_NAME_CHARS} visible characters, no /",
            f"令牌名称 {name!a} 不可用；请使用 1 至 {TOKEN_NAME_CHARS} 个可见字符，不含 /",
        )
    if expires_at is not None and expires_at <= at:
        raise errors.Refused(
            f"token {name} would have expired already; give a time to come, or none",
            f"令牌 {name} 的到期时间已过；请选择将来的时间，或不设期限",
        )
    if channel is not None:
        require_name(channel)  # "" would be no channel's name, and yet not all of them
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    hashed = accounts.hash_token(token)
    api_tokens.create(
        transaction, name, hashed, scopes=scopes, by=by, at=at, channel=channel, expires_at=expires_at
    )
    return token


def _people(transaction: Transaction, now: float) -> list[Person]:
    found = users.list_all(transaction)
    with_totp = factors.with_totp(transaction, [user.id for user, _ in found])
    open_links = links.open_until(transaction, at=now)
    return [Person(user, grants, user.id in with_totp, open_links.get(user.id)) for user, grants in found]


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
    before = _shown(Person(user, users.roles(transaction, user.id), has_totp=False, link_until=None))
    with accounts.keep_an_administrator(transaction):
        if change.display_name is not None:
            users.check_display_name(change.display_name)
            user.display_name = change.display_name
        if change.roles is not None:
            grants = [Grant.parse(role) for role in change.roles]
            accounts.set_roles(transaction, username, grants, by=session.actor, at=now)
        if change.disabled:
            accounts.disable(transaction, username, at=now)
        elif change.disabled is not None:
            accounts.enable(transaction, username)
    if change.disabled and user.id == session.user_id:
        raise _own_account("disable")
    transaction.refresh(user)
    has_totp = bool(factors.with_totp(transaction, [user.id]))
    open_links = links.open_until(transaction, at=now)
    return before, Person(user, users.roles(transaction, user.id), has_totp, open_links.get(user.id))


def _reset(
    transaction: Transaction, session: Session, username: str, second_factor: bool, now: float
) -> tuple[User, NewLink]:
    user = accounts.require_user(transaction, username)
    if user.id == session.user_id:
        raise _own_account("reset")
    link = accounts.reset(transaction, username, by=session.actor, at=now, second_factor=second_factor)
    return user, link


def _own_account(act: Literal["disable", "reset"]) -> errors.Refused:
    """Return why somebody may not do this with the own account.

    A reset would let whoever sits at a page that was left open choose a password without knowing the old one.
    """
    if act == "disable":
        return errors.Refused(
            "this is your own account; ask another administrator to disable it",
            "这是您自己的账号；请由另一位管理员停用",
        )
    return errors.Refused(
        "this is your own account; change its password and second factor on the screen of your own account, "
        "or ask another administrator",
        "这是您自己的账号；请在「本人账号」页面更改密码和动态验证码，或请另一位管理员重置",
    )
