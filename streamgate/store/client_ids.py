"""Idempotency: what a source called a comment, for 24 hours."""

from collections.abc import Iterable, Mapping
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.store.comment_models import ClientId
from streamgate.store.rows import change, chunks, insert_many

KEPT_S = 24 * 3600.0
_TABLE = cast("sa.Table", ClientId.__table__)
_NAMED = (_TABLE.c.source_id == sa.bindparam("source")) & _TABLE.c.client_id.in_(
    sa.bindparam("names", expanding=True)
)
_SINCE: sa.BindParameter[float] = sa.bindparam("since")
_FIND = sa.select(_TABLE.c.client_id, _TABLE.c.comment_id).where(_NAMED, _TABLE.c.at > _SINCE)
_FORGET = sa.delete(_TABLE).where(_NAMED, _TABLE.c.at <= _SINCE)


def find_many(session: Session, source_id: int, client_ids: Iterable[str], *, at: float) -> dict[str, int]:
    """Return the comments that a source handed in under these names within 24 hours: name to comment."""
    found: dict[str, int] = {}
    for some in chunks(client_ids):
        values = {"source": source_id, "names": some, "since": at - KEPT_S}
        found.update((name, comment) for name, comment in session.connection().execute(_FIND, values))
    return found


def remember(session: Session, source_id: int, comments: Mapping[str, int], *, at: float) -> None:
    """Store a source's names of new comments. The database refuses a name that is in use.

    A name that ran out may be given again, whether `prune` was there or not.
    """
    for some in chunks(comments):
        session.connection().execute(_FORGET, {"source": source_id, "names": some, "since": at - KEPT_S})
        rows = [
            {"source_id": source_id, "client_id": name, "comment_id": comments[name], "at": at}
            for name in some
        ]
        insert_many(session, ClientId, rows)


def prune(session: Session, *, at: float) -> int:
    """Forget names older than 24 hours. Returns how many."""
    return change(session, sa.delete(ClientId).where(ClientId.at <= at - KEPT_S))
