"""People and their roles: what is stored about them. Rules about passwords and rights stand elsewhere."""

import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.core.actor import fold
from streamgate.core.channel_name import require_name
from streamgate.errors import Refused
from streamgate.store.models import DISPLAY_CHARS, USERNAME_CHARS, PasswordHistory, User, UserRole
from streamgate.store.roles import PER_CHANNEL, ROLES
from streamgate.store.rows import change

PASSWORDS_KEPT = 5


class Grant(NamedTuple):
    """A role, for one channel or for all (None)."""

    role: str
    channel: str | None = None

    def __str__(self) -> str:
        """Write it as people do: ROLE, or ROLE@CHANNEL."""
        return self.role if self.channel is None else f"{self.role}@{self.channel}"

    @classmethod
    def parse(cls, text: str) -> "Grant":
        """Read what people write. Raises Refused for ROLE@, which must not come to mean all channels."""
        role, at, channel = text.strip().partition("@")
        if at:
            require_name(channel)
        return cls(role, channel if at else None)


def add(
    session: Session,
    username: str,
    *,
    by: str,
    at: float,
    display_name: str = "",
    locale: str = "",
    grants: Iterable[Grant] = (),
) -> User:
    """Store a person without a password. Raises Refused when the name is taken in any spelling, or unfit."""
    check_display_name(display_name)
    if not is_fit_for_address(username, USERNAME_CHARS):
        raise Refused(
            f"user name {username!a} is not allowed; use 1 to {USERNAME_CHARS} visible characters, no /",
            f"用户名 {username!a} 不可用；请使用 1 至 {USERNAME_CHARS} 个可见字符，不含 /",
        )
    if find(session, username) is not None:
        raise Refused(
            f"there is somebody called {username} already; choose another user name",
            f"用户名 {username} 已被使用；请另选一个",
        )
    user = User(username=username, display_name=display_name, locale=locale, created_by=by, created_at=at)
    session.add(user)
    session.flush()
    set_roles(session, user.id, grants, by=by, at=at)
    return user


def check_display_name(name: str) -> None:
    """Raise Refused for a shown name that is too long or holds control characters."""
    if len(name) > DISPLAY_CHARS or any(unicodedata.category(char) in {"Cc", "Cs"} for char in name):
        raise Refused(
            f"display name {name[:DISPLAY_CHARS]!a} is not allowed; use at most {DISPLAY_CHARS} characters,"
            " no line breaks",
            f"显示名称不可用；最多 {DISPLAY_CHARS} 个字符，不含换行等控制字符",
        )


def is_fit_for_address(name: str, chars: int) -> bool:
    """Say whether a name can stand in a URL's path: visible characters, no "/", neither "." nor ".."."""
    return (
        name.isprintable()
        and name == name.strip()
        and 0 < len(name) <= chars
        and "/" not in name
        and name not in {".", ".."}
    )


def find(session: Session, username: str) -> User | None:
    """Return the person of that name, however its letters are cased."""
    key = fold(username)
    if not key.isprintable():  # no such name can exist, and PostgreSQL would refuse the question
        return None
    return session.scalar(sa.select(User).where(User.username_key == key))


def get(session: Session, user_id: int) -> User | None:
    return session.get(User, user_id)


def lock(session: Session, user_id: int) -> User | None:
    """Return the person as stored now. Until this transaction ends nobody else changes that row."""
    return session.get(User, user_id, with_for_update={"key_share": True})


def list_all(session: Session) -> list[tuple[User, list[Grant]]]:
    """Return everybody, the disabled too, by name, each with the roles."""
    grants: dict[int, list[Grant]] = {}
    for row in session.scalars(sa.select(UserRole).order_by(UserRole.id)):
        grants.setdefault(row.user_id, []).append(Grant(row.role, row.channel))
    people = session.scalars(sa.select(User).order_by(User.username_key))
    return [(user, grants.get(user.id, [])) for user in people]


def count(session: Session) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(User)) or 0


def count_administrators(session: Session) -> int:
    """Return how many people could sign in and administer: enabled, with a password and the role."""
    query = (
        sa.select(sa.func.count(sa.distinct(User.id)))
        .join(UserRole, UserRole.user_id == User.id)
        .where(UserRole.role == "administrator", User.disabled_at.is_(None), User.password_hash.is_not(None))
    )
    return session.scalar(query) or 0


def lock_administrators(session: Session) -> None:
    """Keep what other transactions do to these people waiting, so that two do not end each other."""
    having = sa.select(UserRole.user_id).where(UserRole.role == "administrator")
    query = sa.select(User.id).where(User.id.in_(having)).order_by(User.id)
    session.execute(query.with_for_update(key_share=True)).all()


def grants_of(session: Session, user_ids: Iterable[int]) -> dict[int, tuple[Grant, ...]]:
    """Return the roles of these people."""
    found: dict[int, tuple[Grant, ...]] = {}
    query = sa.select(UserRole).where(UserRole.user_id.in_(list(user_ids))).order_by(UserRole.id)
    for row in session.scalars(query):
        found[row.user_id] = (*found.get(row.user_id, ()), Grant(row.role, row.channel))
    return found


def disable(session: Session, user_id: int, *, at: float) -> bool:
    """Disable a person; False when it was done before. The sessions are ended apart: `sessions.end_all`."""
    query = sa.update(User).where(User.id == user_id, User.disabled_at.is_(None))
    return change(session, query.values(disabled_at=at)) == 1


def enable(session: Session, user_id: int) -> bool:
    query = sa.update(User).where(User.id == user_id, User.disabled_at.is_not(None))
    return change(session, query.values(disabled_at=None)) == 1


def note_sign_in(session: Session, user_id: int, *, at: float) -> None:
    change(session, sa.update(User).where(User.id == user_id).values(last_sign_in_at=at))


def set_password(
    session: Session, user_id: int, password_hash: str, *, at: float, must_change: bool = False
) -> None:
    """Store a new password's hash, and keep it among the newest few that may not be chosen again."""
    values = {"password_hash": password_hash, "password_changed_at": at, "must_change": must_change}
    change(session, sa.update(User).where(User.id == user_id).values(values))
    session.add(PasswordHistory(user_id=user_id, password_hash=password_hash, set_at=at))
    session.flush()
    newest = (
        sa.select(PasswordHistory.id)
        .where(PasswordHistory.user_id == user_id)
        .order_by(PasswordHistory.id.desc())
        .limit(PASSWORDS_KEPT)
    )
    old = sa.delete(PasswordHistory).where(
        PasswordHistory.user_id == user_id, PasswordHistory.id.not_in(newest)
    )
    change(session, old)


def recent_passwords(session: Session, user_id: int) -> list[str]:
    """Return the hashes of the newest passwords, newest first, the present one among them."""
    query = sa.select(PasswordHistory.password_hash).where(PasswordHistory.user_id == user_id)
    return list(session.scalars(query.order_by(PasswordHistory.id.desc())))


def roles(session: Session, user_id: int) -> list[Grant]:
    query = sa.select(UserRole).where(UserRole.user_id == user_id).order_by(UserRole.id)
    return [Grant(row.role, row.channel) for row in session.scalars(query)]


def set_roles(session: Session, user_id: int, grants: Iterable[Grant], *, by: str, at: float) -> None:
    """Give a person exactly these roles. What stays keeps who granted it and when."""
    wanted = list(dict.fromkeys(grants))
    for grant in wanted:
        if grant.role not in ROLES:
            raise Refused(
                f"there is no role {grant.role!r}; roles are: {', '.join(ROLES)}",
                f"没有角色 {grant.role!r}；可用角色：{', '.join(ROLES)}",
            )
        if grant.channel is not None and grant.role not in PER_CHANNEL:
            raise Refused(
                f"the role {grant.role} is for all channels; give it without @{grant.channel}",
                f"角色 {grant.role} 面向所有频道；请去掉 @{grant.channel}",
            )
    present = set(roles(session, user_id))
    for grant in present - set(wanted):
        change(
            session,
            sa.delete(UserRole).where(
                UserRole.user_id == user_id,
                UserRole.role == grant.role,
                UserRole.channel.is_not_distinct_from(grant.channel),
            ),
        )
    for grant in wanted:
        if grant not in present:
            session.add(
                UserRole(
                    user_id=user_id, role=grant.role, channel=grant.channel, granted_by=by, granted_at=at
                )
            )
    session.flush()
