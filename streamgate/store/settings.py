"""Settings that people change on the page; those of the program stand in streamgate.toml."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.store.models import Setting


def get(session: Session, key: str, default: Any = None) -> Any:
    row = session.get(Setting, key)
    return default if row is None else row.value


def put(session: Session, key: str, value: Any, *, by: str, at: float) -> Any:
    """Store a JSON value. Returns the one before, None when there was none."""
    row = session.get(Setting, key, with_for_update=True)
    if row is None:
        session.add(Setting(key=key, value=value, changed_by=by, changed_at=at))
        session.flush()
        return None
    before, row.value, row.changed_by, row.changed_at = row.value, value, by, at
    session.flush()
    return before


def list_all(session: Session) -> dict[str, Any]:
    return {row.key: row.value for row in session.scalars(sa.select(Setting).order_by(Setting.key))}


def list_under(session: Session, prefix: str) -> list[Setting]:
    """Return the settings whose key begins with `prefix`, with who changed them and when, by key."""
    query = sa.select(Setting).where(Setting.key.startswith(prefix, autoescape=True)).order_by(Setting.key)
    return list(session.scalars(query))
