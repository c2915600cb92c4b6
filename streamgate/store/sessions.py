"""Sessions of signed-in browsers. A session is known by the hash of what its cookie holds."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.store.models import ADDRESS_CHARS, AGENT_CHARS, User, WebSession, clip
from streamgate.store.rows import change, remove

TOUCH_S = 10.0  # a session that was seen this short ago is not written again


def create(
    session: Session,
    id_hash: str,
    user_id: int,
    *,
    at: float,
    absolute_expires_at: float,
    address: str,
    user_agent: str,
) -> WebSession:
    """Store a new session. Address and user agent are cut to what is kept of them."""
    made = WebSession(
        id_hash=id_hash,
        user_id=user_id,
        created_at=at,
        last_seen_at=at,
        absolute_expires_at=absolute_expires_at,
        address=clip(address, ADDRESS_CHARS),
        user_agent=clip(user_agent, AGENT_CHARS),
    )
    session.add(made)
    session.flush()
    return made


def find(session: Session, id_hash: str, *, at: float) -> tuple[WebSession, User] | None:
    """Return a session that is in force, with its person; None when ended, expired, or the person disabled.

    Whether it was idle for too long is for the caller to say: `last_seen_at`.
    """
    row = session.execute(
        sa.select(WebSession, User)
        .join(User, User.id == WebSession.user_id)
        .where(
            WebSession.id_hash == id_hash,
            WebSession.ended_at.is_(None),
            WebSession.absolute_expires_at > at,
            User.disabled_at.is_(None),
        )
    ).first()
    return None if row is None else (row[0], row[1])


def find_many(session: Session, id_hashes: Iterable[str], *, at: float) -> dict[str, tuple[WebSession, User]]:
    """Return those of these sessions that are in force, each with its person. See `find`."""
    rows = session.execute(
        sa.select(WebSession, User)
        .join(User, User.id == WebSession.user_id)
        .where(
            WebSession.id_hash.in_(list(id_hashes)),
            WebSession.ended_at.is_(None),
            WebSession.absolute_expires_at > at,
            User.disabled_at.is_(None),
        )
    )
    return {row[0].id_hash: (row[0], row[1]) for row in rows}


def touch(session: Session, id_hash: str, *, at: float) -> bool:
    """Note that a session in force was used; False when nothing had to be, or could be, written."""
    query = sa.update(WebSession).where(
        WebSession.id_hash == id_hash,
        WebSession.ended_at.is_(None),
        WebSession.last_seen_at <= at - TOUCH_S,
    )
    return change(session, query.values(last_seen_at=at)) == 1


def end(session: Session, id_hash: str, *, at: float, why: str) -> bool:
    """End one session; False when it had ended before."""
    query = sa.update(WebSession).where(WebSession.id_hash == id_hash, WebSession.ended_at.is_(None))
    return change(session, query.values(ended_at=at, ended_why=why)) == 1


def end_all(session: Session, user_id: int, *, at: float, why: str, keep: str | None = None) -> list[str]:
    """End every session of a person but `keep`. Returns the hashes of those it ended."""
    conditions = [WebSession.user_id == user_id, WebSession.ended_at.is_(None), WebSession.id_hash != keep]
    if keep is None:
        conditions.pop()
    ended = list(session.scalars(sa.select(WebSession.id_hash).where(*conditions)))
    change(session, sa.update(WebSession).where(*conditions).values(ended_at=at, ended_why=why))
    return ended


def list_open(session: Session, user_id: int, *, at: float) -> list[WebSession]:
    """Return a person's sessions that have neither ended nor expired, the last used first."""
    query = sa.select(WebSession).where(
        WebSession.user_id == user_id, WebSession.ended_at.is_(None), WebSession.absolute_expires_at > at
    )
    return list(session.scalars(query.order_by(WebSession.last_seen_at.desc())))


def prune(session: Session, *, before: float, limit: int | None = None) -> int:
    """Forget sessions that ended, or expired, before that time. Returns how many."""
    over = sa.func.coalesce(WebSession.ended_at, WebSession.absolute_expires_at)
    return remove(session, WebSession.id_hash, over < before, limit)
