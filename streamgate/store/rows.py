"""How many rows a statement changed: what an atomic "only if it still is so" is decided by."""

from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session


def change(session: Session, statement: sa.Update | sa.Delete) -> int:
    """Run an UPDATE or DELETE and return the number of rows it changed."""
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return cast("sa.CursorResult[Any]", result).rowcount
