"""Accounts: what happens to people, for console and command line alike.

Plain functions of a database session, run in a transaction that writes. What is not allowed raises
streamgate.errors.Refused in both languages. Hashes of passwords are made elsewhere: they take their time.
"""

import contextlib
import hashlib
import secrets
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from streamgate.errors import Refused
from streamgate.store import factors, links, sessions, users
from streamgate.store.models import OneTimeLink, User
from streamgate.store.users import Grant

ADMINISTRATOR = "administrator"
LINK_S = 72 * 3600.0
NO_PASSWORD = ""  # a hash that no password has: of somebody who had one and must choose anew


class NewLink(NamedTuple):
    """A one-time link: the token stands in no other place but here."""

    token: str
    expires_at: float


class Target(NamedTuple):
    """Whom a one-time link is for. `used`: hashes of passwords that may not be chosen again."""

    kind: str
    user: User
    used: list[str]


def hash_token(token: str) -> str:
    """Return how a random token of 256 bits is stored: it needs no salt and no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def require_user(session: Session, username: str) -> User:
    """Return the person of that name. Raises Refused when there is none."""
    user = users.find(session, username)
    if user is None:
        raise Refused(
            f"there is nobody called {username}; names are shown by: streamgate user list",
            f"没有用户 {username}；可用 streamgate user list 查看",
        )
    return user


def invite(
    session: Session, username: str, grants: Sequence[Grant], *, by: str, at: float, display_name: str = ""
) -> NewLink:
    """Make a person without a password, and the link with which the person chooses one."""
    _require_roles(grants)
    user = users.add(session, username, by=by, at=at, display_name=display_name, grants=grants)
    return _link(session, "invite", user, by=by, at=at)


def add(
    session: Session,
    username: str,
    grants: Sequence[Grant],
    password_hash: str,
    *,
    by: str,
    at: float,
    display_name: str = "",
    must_change: bool = False,
) -> User:
    """Make a person with a password."""
    _require_roles(grants)
    user = users.add(session, username, by=by, at=at, display_name=display_name, grants=grants)
    users.set_password(session, user.id, password_hash, at=at, must_change=must_change)
    return user


def reset(session: Session, username: str, *, by: str, at: float, second_factor: bool = False) -> NewLink:
    """End a person's password and sessions and return a link to choose a new one.

    Somebody who has not chosen any stays invited. `second_factor`: forget the code generator, too.
    """
    user = require_user(session, username)
    if user.disabled_at is not None:
        raise Refused(
            f"{user.username} is disabled; enable the account first",
            f"{user.username} 已停用；请先启用该账号",
        )
    _withdraw_links(session, user, at=at)
    kind: links.Kind = "invite" if user.password_hash is None else "reset"
    if kind == "reset":
        user.password_hash = NO_PASSWORD
    sessions.end_all(session, user.id, at=at, why="password reset")
    if second_factor:
        factors.remove_totp(session, user.id)
    return _link(session, kind, user, by=by, at=at)


def disable(session: Session, username: str, *, at: float) -> bool:
    """Disable a person and end all sessions and links. False when it was done before."""
    user = require_user(session, username)
    changed = users.disable(session, user.id, at=at)
    sessions.end_all(session, user.id, at=at, why="disabled")
    _withdraw_links(session, user, at=at)
    return changed


def enable(session: Session, username: str) -> bool:
    """Let a disabled person sign in again. False when it was not disabled."""
    return users.enable(session, require_user(session, username).id)


def set_roles(session: Session, username: str, grants: Sequence[Grant], *, by: str, at: float) -> User:
    """Give a person exactly these roles."""
    _require_roles(grants)
    user = require_user(session, username)
    users.set_roles(session, user.id, grants, by=by, at=at)
    return user


@contextlib.contextmanager
def keep_an_administrator(session: Session) -> Iterator[None]:
    """Raise Refused, which undoes the transaction, when the body left nobody who could administer."""
    users.lock_administrators(session)
    before = users.count_administrators(session)
    yield
    session.flush()
    if before and users.count_administrators(session) == 0:
        raise Refused(
            "nobody would be left to administer; make another administrator first",
            "这样将没有可用的管理员；请先设置另一位管理员",
        )


def find_target(session: Session, token: str, *, at: float) -> Target | None:
    """Return whom a link is for, without using it; None when it is not good (any more)."""
    link = links.find(session, hash_token(token), at=at)
    return None if link is None else _target(session, link)


def use_link(session: Session, token: str, password_hash: str, *, at: float) -> User | None:
    """Use a link up and set the password; None when it is not good (any more)."""
    link = links.use(session, hash_token(token), at=at)
    target = None if link is None else _target(session, link)
    if target is None:
        return None
    set_password(session, target.user.id, password_hash, at=at, why="password reset")
    return target.user


def set_up(session: Session, username: str, password_hash: str, *, at: float, display_name: str) -> User:
    """Make the first administrator. Raises Refused when there is one."""
    if users.count_administrators(session):
        raise Refused(
            "there is an administrator already; sign in, or ask that person for an invitation",
            "已有管理员；请登录，或向管理员索取邀请链接",
        )
    grants = [Grant(ADMINISTRATOR)]
    return add(session, username, grants, password_hash, by="set-up", at=at, display_name=display_name)


def set_password(
    session: Session, user_id: int, password_hash: str, *, at: float, why: str, keep: str | None = None
) -> None:
    """Store a new password and end every session of the person but `keep`."""
    users.set_password(session, user_id, password_hash, at=at)
    sessions.end_all(session, user_id, at=at, why=why, keep=keep)


def _target(session: Session, link: OneTimeLink) -> Target | None:
    user = None if link.user_id is None else users.get(session, link.user_id)
    if user is None or user.disabled_at is not None:
        return None
    return Target(link.kind, user, users.recent_passwords(session, user.id))


def _link(session: Session, kind: links.Kind, user: User, *, by: str, at: float) -> NewLink:
    token = secrets.token_urlsafe(32)
    links.create(session, hash_token(token), kind, by=by, at=at, expires_at=at + LINK_S, user_id=user.id)
    return NewLink(token, at + LINK_S)


def _withdraw_links(session: Session, user: User, *, at: float) -> None:
    for kind in ("reset", "invite"):
        links.withdraw(session, kind, at=at, user_id=user.id)


def _require_roles(grants: Sequence[Grant]) -> None:
    if not grants:
        raise Refused("name at least one role", "请至少指定一个角色")
