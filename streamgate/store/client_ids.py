"""Idempotency: what a source called a comment, for 24 hours."""

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.store.comment_models import ClientId
from streamgate.store.rows import change, chunks, insert_many

KEPT_S = 24 * 3600.0


def find_many(session: Session, source_id: int, client_ids: Iterable[str], *, at: float) -> dict[str, int]:
    """Return the comments that a source handed in under these names within 24 hours: name to comment."""
    found: dict[str, int] = {}
    for some in chunks(client_ids):
        query = sa.select(ClientId.client_id, ClientId.comment_id).where(
            ClientId.source_id == source_id, ClientId.client_id.in_(some), ClientId.at > at - KEPT_S
        )
        found.update((name, comment) for name, comment in session.execute(query))
    return found


def remember(session: Session, source_id: int, comments: Mapping[str, int], *, at: float) -> None:
    """Store a source's names of new comments. The database refuses a name that is in use.

    A name that ran out may be given again, whether `prune` was there or not.
    """
    for some in chunks(comments):
        over = sa.delete(ClientId).where(
            ClientId.source_id == source_id, ClientId.client_id.in_(some), ClientId.at <= at - KEPT_S
        )
        change(session, over)
        rows = [
            {"source_id": source_id, "client_id": name, "comment_id": comments[name], "at": at}
            for name in some
        ]
        insert_many(session, ClientId, rows)


def prune(session: Session, *, at: float) -> int:
    """Forget names older than 24 hours. Returns how many."""
    return change(session, sa.delete(ClientId).where(ClientId.at <= at - KEPT_S))
