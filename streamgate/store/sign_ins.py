"""The log of attempts to sign in, and the counts that the growing delay is made of."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from streamgate.core.actor import fold
from streamgate.store.models import ADDRESS_CHARS, USERNAME_CHARS, SignIn, clip
from streamgate.store.rows import remove

OK: Final = "ok"
CODE_ASKED: Final = "totp_needed"
CODE_S = 300.0
"""A code that is given within this time answers the question for it: asking was no failure."""


def record(
    session: Session, *, at: float, username: str, address: str, result: str, user_id: int | None = None
) -> None:
    """Store one attempt. `result`: `OK`, or a short code that says why not. The name is kept as typed."""
    typed = clip(username, USERNAME_CHARS)
    session.add(
        SignIn(
            at=at,
            username=typed,
            username_key=_key(typed),
            user_id=user_id,
            address=clip(address, ADDRESS_CHARS),
            result=result,
        )
    )
    session.flush()


def failures(
    session: Session,
    *,
    since: float,
    username: str | None = None,
    address: str | None = None,
    result: str | None = None,
) -> tuple[int, float | None]:
    """Return how many attempts failed since `since` or the last success, and when the last one did.

    Asked for a user name (whether it belongs to anybody or not), for an address, or for both together;
    `result`: those with this result only.
    """
    same: list[sa.ColumnElement[bool]] = [SignIn.at >= since]
    if username is not None:
        same.append(SignIn.username_key == _key(clip(username, USERNAME_CHARS)))
    if address is not None:
        same.append(SignIn.address == clip(address, ADDRESS_CHARS))
    last_ok = sa.select(sa.func.coalesce(sa.func.max(SignIn.id), 0)).where(*same, SignIn.result == OK)
    failed = SignIn.result != OK if result is None else SignIn.result == result
    query = sa.select(sa.func.count(), sa.func.max(SignIn.at)).where(
        *same, failed, SignIn.id > last_ok.scalar_subquery()
    )
    number, last = session.execute(query).one()
    return number, last


def is_known(session: Session, *, since: float, username: str, address: str) -> bool:
    """Say whether somebody signed in under this name from this address since then."""
    query = sa.select(sa.func.count()).where(
        SignIn.at >= since,
        SignIn.username_key == _key(clip(username, USERNAME_CHARS)),
        SignIn.address == clip(address, ADDRESS_CHARS),
        SignIn.result == OK,
    )
    return bool(session.scalar(query))


def last_success(session: Session, user_id: int) -> SignIn | None:
    """Return the newest sign-in of a person."""
    query = sa.select(SignIn).where(SignIn.user_id == user_id, SignIn.result == OK)
    return session.scalar(query.order_by(SignIn.id.desc()).limit(1))


def list_latest(
    session: Session,
    *,
    limit: int,
    user_id: int | None = None,
    username: str | None = None,
    failed: bool = False,
    before: int | None = None,
) -> list[SignIn]:
    """Return the newest attempts, newest first.

    Of one person, or under one user name whether it belongs to anybody or not; only those that failed; only
    those with a smaller id than `before`.
    """
    query = sa.select(SignIn).order_by(SignIn.id.desc()).limit(limit)
    if user_id is not None:
        query = query.where(SignIn.user_id == user_id)
    if username is not None:
        query = query.where(SignIn.username_key == _key(clip(username, USERNAME_CHARS)))
    if failed:
        query = query.where(SignIn.result != OK, ~_is_answered())
    if before is not None:
        query = query.where(SignIn.id < before)
    return list(session.scalars(query))


def prune(session: Session, *, before: float, limit: int | None = None) -> int:
    """Forget attempts before that time. Returns how many."""
    return remove(session, SignIn.id, SignIn.at < before, limit)


def prune_strangers(session: Session, *, before: float, most: int, limit: int | None = None) -> int:
    """Forget attempts with names that are nobody's: those before that time, and all but the newest `most`.

    Anybody can make as many of these as they like.
    """
    nobodys = SignIn.user_id.is_(None)
    newest = sa.select(SignIn.id).where(nobodys).order_by(SignIn.id.desc()).offset(most).limit(1)
    beyond = SignIn.id <= sa.func.coalesce(newest.scalar_subquery(), 0)
    return remove(session, SignIn.id, sa.and_(nobodys, sa.or_(SignIn.at < before, beyond)), limit)


def _is_answered() -> sa.ColumnElement[bool]:
    """Say of an attempt that it was asked for the code of the second factor, and gave it."""
    later = aliased(SignIn)
    gave_it = sa.exists().where(
        later.username_key == SignIn.username_key,
        later.address == SignIn.address,
        later.result == OK,
        later.id > SignIn.id,
        later.at <= SignIn.at + CODE_S,
    )
    return sa.and_(SignIn.result == CODE_ASKED, gave_it)


def _key(typed: str) -> str:
    """Folding may lengthen a name ("ß"): what is counted by is bounded, too."""
    return fold(typed)[: USERNAME_CHARS * 4]
