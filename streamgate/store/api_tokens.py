"""Tokens of programs. A token is known by the hash of what its bearer holds."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.errors import Refused
from streamgate.store.models import ApiToken
from streamgate.store.rows import change

TOUCH_S = 60.0  # "last used" is told to the minute


def create(
    session: Session,
    name: str,
    token_hash: str,
    *,
    scopes: Iterable[str],
    by: str,
    at: float,
    channel: str | None = None,
    expires_at: float | None = None,
) -> ApiToken:
    """Store a token. Raises Refused when one of that name is in force."""
    taken = sa.select(ApiToken.id).where(ApiToken.name == name, ApiToken.revoked_at.is_(None))
    if session.scalar(taken) is not None:
        raise Refused(
            f"there is a token {name} already; revoke it first, or choose another name",
            f"令牌 {name} 已存在；请先撤销，或另选名称",
        )
    made = ApiToken(
        name=name,
        token_hash=token_hash,
        scopes=sorted(set(scopes)),
        channel=channel,
        created_by=by,
        created_at=at,
        expires_at=expires_at,
    )
    session.add(made)
    session.flush()
    return made


def find(session: Session, token_hash: str, *, at: float) -> ApiToken | None:
    """Return the token in force of that hash; None when unknown, revoked or expired."""
    return session.scalar(
        sa.select(ApiToken).where(
            ApiToken.token_hash == token_hash,
            ApiToken.revoked_at.is_(None),
            sa.or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > at),
        )
    )


def list_in_force(session: Session, *, at: float) -> list[ApiToken]:
    """Return every token that is neither revoked nor expired."""
    query = sa.select(ApiToken).where(
        ApiToken.revoked_at.is_(None), sa.or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > at)
    )
    return list(session.scalars(query))


def touch(session: Session, token_id: int, *, at: float) -> bool:
    """Note that a token was used, at most once a minute."""
    query = sa.update(ApiToken).where(
        ApiToken.id == token_id,
        sa.or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at <= at - TOUCH_S),
    )
    return change(session, query.values(last_used_at=at)) == 1


def revoke(session: Session, name: str, *, at: float) -> bool:
    query = sa.update(ApiToken).where(ApiToken.name == name, ApiToken.revoked_at.is_(None))
    return change(session, query.values(revoked_at=at)) == 1


def list_all(session: Session) -> list[ApiToken]:
    """Return every token there ever was, the newest first."""
    return list(session.scalars(sa.select(ApiToken).order_by(ApiToken.id.desc())))
