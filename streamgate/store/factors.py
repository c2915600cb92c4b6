"""A person's second factor: the secret of the code generator, and recovery codes."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.store.models import RecoveryCode, Totp
from streamgate.store.rows import change


def set_totp(session: Session, user_id: int, secret: bytes, *, at: float) -> None:
    """Store a new, not yet confirmed, encrypted secret in the place of an old one."""
    values = {"secret": secret, "created_at": at, "confirmed_at": None, "last_step": None}
    if not change(session, sa.update(Totp).where(Totp.user_id == user_id).values(values)):
        session.add(Totp(user_id=user_id, secret=secret, created_at=at))
        session.flush()


def totp(session: Session, user_id: int) -> Totp | None:
    return session.get(Totp, user_id)


def with_totp(session: Session, user_ids: Iterable[int]) -> set[int]:
    """Return those of these people whose second factor is in use."""
    query = sa.select(Totp.user_id).where(Totp.user_id.in_(list(user_ids)), Totp.confirmed_at.is_not(None))
    return set(session.scalars(query))


def secrets(session: Session) -> list[Totp]:
    """Return everything of people that is encrypted, to encrypt it anew."""
    return list(session.scalars(sa.select(Totp)))


def confirm_totp(session: Session, user_id: int, *, at: float) -> bool:
    query = sa.update(Totp).where(Totp.user_id == user_id, Totp.confirmed_at.is_(None))
    return change(session, query.values(confirmed_at=at)) == 1


def use_step(session: Session, user_id: int, step: int) -> bool:
    """Use up the code of a time step; False when it, or a later one, was used before (RFC 6238 5.2)."""
    query = sa.update(Totp).where(
        Totp.user_id == user_id, sa.or_(Totp.last_step.is_(None), Totp.last_step < step)
    )
    return change(session, query.values(last_step=step)) == 1


def remove_totp(session: Session, user_id: int) -> bool:
    """Forget the second factor, recovery codes included."""
    set_recovery_codes(session, user_id, ())
    return change(session, sa.delete(Totp).where(Totp.user_id == user_id)) == 1


def set_recovery_codes(session: Session, user_id: int, hashes: Iterable[str]) -> None:
    """Replace all recovery codes of a person."""
    change(session, sa.delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.add_all(RecoveryCode(user_id=user_id, code_hash=one) for one in hashes)
    session.flush()


def use_recovery_code(session: Session, user_id: int, code_hash: str, *, at: float) -> bool:
    """Use a recovery code up; False when it is unknown or was used before."""
    query = sa.update(RecoveryCode).where(
        RecoveryCode.user_id == user_id,
        RecoveryCode.code_hash == code_hash,
        RecoveryCode.used_at.is_(None),
    )
    return change(session, query.values(used_at=at)) == 1


def recovery_codes_left(session: Session, user_id: int) -> int:
    query = sa.select(sa.func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return session.scalar(query) or 0
