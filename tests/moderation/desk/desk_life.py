"""A small desk for tests: an empty database with people, and comments that are taken in."""

import sqlalchemy as sa
from review_book import PEOPLE
from sqlalchemy.orm import Session

from streamgate.store import comments, sources
from streamgate.store.comments import Judgement, NewComment
from streamgate.store.database import Database
from streamgate.store.models import User

JUDGEMENT = Judgement(0, "v1", [], "", "", None, None)


def fill(database: Database) -> None:
    """Empty the database, then put the people of the model and a source into it."""
    with database.write() as session:
        for table in reversed(User.metadata.sorted_tables):
            session.execute(sa.delete(table))
        for number in sorted({by.id for by in PEOPLE}):
            session.add(User(id=number, username=f"user{number}", created_at=1, created_by="x"))
        session.flush()
        sources.add(session, "s", "h", channel="main", by="x", at=1)


def add_comment(session: Session, number: int, card_id: int) -> None:
    source = sources.find(session, "s").id
    new = NewComment(number, card_id, source, f"c{number}", "u", "a", "t", 1.0, None, None, JUDGEMENT)
    comments.add_many(session, [new])
