"""Idempotency: what a source called a comment, for 24 hours."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.store.bulk import BulkInsert, read_rows
from streamgate.store.comment_models import ClientId
from streamgate.store.rows import change

KEPT_S = 24 * 3600.0
_TABLE = cast("sa.Table", ClientId.__table__)
_INSERT = BulkInsert(_TABLE, ["source_id", "client_id", "comment_id", "at"])
_FIND = {
    "sqlite": """
        WITH asked AS MATERIALIZED (
            SELECT json_extract(value, '$[0]') AS source_id, json_extract(value, '$[1]') AS client_id
            FROM json_each(?))
        SELECT found.source_id, found.client_id, found.comment_id, found.at
        FROM asked CROSS JOIN client_ids AS found
        ON found.source_id = asked.source_id AND found.client_id = asked.client_id""",
    "postgresql": """
        SELECT found.source_id, found.client_id, found.comment_id, found.at
        FROM unnest(%s::int[], %s::text[]) AS asked (source_id, client_id)
        CROSS JOIN LATERAL (
            SELECT * FROM client_ids AS one
            WHERE one.source_id = asked.source_id AND one.client_id = asked.client_id OFFSET 0) AS found""",
}
"""Both look into the table's index once for each name, whatever their planners think of reading all of it."""
_FORGET = sa.delete(_TABLE).where(
    _TABLE.c.source_id == sa.bindparam("of_source"),
    _TABLE.c.client_id == sa.bindparam("named"),
    _TABLE.c.at <= sa.bindparam("since"),
)
Name = tuple[int, str]
"""A source by number, and what it called a comment."""


class Names(NamedTuple):
    """`known`: names that are in use, and the comments that have them. `over`: those that ran out."""

    known: dict[Name, int]
    over: list[Name]


def look_up(session: Session, names: Iterable[Name], *, at: float) -> Names:
    """Return what is known of names that sources give, of any number of them."""
    found = Names({}, [])
    if not (listed := list(names)):
        return found
    dialect = session.connection().dialect.name
    if dialect == "sqlite":
        values: tuple[object, ...] = (json.dumps(listed),)
    else:
        values = ([source for source, _ in listed], [name for _, name in listed])
    for source, name, comment, since in read_rows(session, _FIND[dialect], values):
        if since > at - KEPT_S:
            found.known[source, name] = comment
        else:
            found.over.append((source, name))
    return found


def find_many(session: Session, source_id: int, client_ids: Iterable[str], *, at: float) -> dict[str, int]:
    """Return the comments that a source handed in under these names within 24 hours: name to comment."""
    found = look_up(session, [(source_id, name) for name in client_ids], at=at)
    return {name: comment for (_, name), comment in found.known.items()}


def remember(session: Session, source_id: int, comments: Mapping[str, int], *, at: float) -> None:
    """Store a source's names of new comments. The database refuses a name that is in use.

    A name that ran out may be given again, whether `prune` was there or not.
    """
    named = {(source_id, name): comment for name, comment in comments.items()}
    remember_all(session, named, look_up(session, named, at=at).over, at=at)


def remember_all(session: Session, named: Mapping[Name, int], over: Sequence[Name], *, at: float) -> None:
    """Store the names of new comments. `over`: those of them that ran out, by `look_up`."""
    if over:
        values = [{"of_source": source, "named": name, "since": at - KEPT_S} for source, name in over]
        session.connection().execute(_FORGET, values)
    _INSERT.add(session, [(source, name, comment, at) for (source, name), comment in named.items()])


def prune(session: Session, *, at: float) -> int:
    """Forget names older than 24 hours. Returns how many."""
    return change(session, sa.delete(ClientId).where(ClientId.at <= at - KEPT_S))
