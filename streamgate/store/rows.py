"""Statements that change rows, and how many they changed: by that an "only if it still is so" is decided."""

from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session


def change(session: Session, statement: sa.Update | sa.Delete) -> int:
    """Run an UPDATE or DELETE and return the number of rows it changed."""
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return cast("sa.CursorResult[Any]", result).rowcount


def remove(
    session: Session, key: InstrumentedAttribute[Any], old: sa.ColumnElement[bool], limit: int | None
) -> int:
    """Delete rows that are `old`, at most `limit` of them. `key`: their primary key. Returns how many."""
    if limit is not None:
        old = key.in_(sa.select(key).where(old).limit(limit))
    return change(session, sa.delete(key.class_).where(old))
