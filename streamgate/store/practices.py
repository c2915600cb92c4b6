"""Practices (演练): what each counted, and what people's reaction times follow from."""

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.core.reaction import MOST_MARKS
from streamgate.store.duty_models import Practice, PracticeMark
from streamgate.store.models import User
from streamgate.store.reactions import MarkKind


class Mark(NamedTuple):
    """A planted mark. `reaction_s` and `command`: the press that answered it, None for none in time."""

    number: int
    kind: MarkKind
    planted_at: float
    reaction_s: float | None
    command: str | None


class PracticeResult(NamedTuple):
    """A practice of `user`, with its marks in order. `ended_at` None: it was broken off by a restart."""

    id: int
    user: str
    display_name: str
    channel: str
    started_at: float
    ended_at: float | None
    false_presses: int
    marks: list[Mark]


def begin(session: Session, user_id: int, channel: str, *, at: float) -> int:
    """Store that a practice begins. Returns its number."""
    made = Practice(user_id=user_id, channel=channel, started_at=at, ended_at=None, false_presses=0)
    session.add(made)
    session.flush()
    return made.id


def finish(
    session: Session, practice_id: int, marks: Sequence[Mark], *, false_presses: int, at: float
) -> None:
    """Store what a practice counted, and that it is over."""
    found = session.get_one(Practice, practice_id)
    found.ended_at, found.false_presses = at, false_presses
    session.add_all(PracticeMark(practice_id=practice_id, **mark._asdict()) for mark in marks)
    session.flush()


def newest_reactions(session: Session, user_id: int, kind: MarkKind, limit: int = MOST_MARKS) -> list[float]:
    """Return a person's newest reactions to marks of a kind, in seconds, the newest first."""
    query = (
        sa.select(PracticeMark.reaction_s)
        .join(Practice, Practice.id == PracticeMark.practice_id)
        .where(Practice.user_id == user_id, PracticeMark.kind == kind, PracticeMark.reaction_s.is_not(None))
        .order_by(PracticeMark.planted_at.desc())
        .limit(limit)
    )
    return [one for one in session.scalars(query) if one is not None]


def list_results(session: Session, *, user_id: int | None = None, limit: int = 100) -> list[PracticeResult]:
    """Return practices, the newest first: of one person, or (None) of everybody."""
    query = sa.select(Practice, User).join(User, User.id == Practice.user_id)
    if user_id is not None:
        query = query.where(Practice.user_id == user_id)
    rows = session.execute(query.order_by(Practice.started_at.desc(), Practice.id.desc()).limit(limit)).all()
    marks: dict[int, list[Mark]] = {one.id: [] for one, _ in rows}
    listed = sa.select(PracticeMark).where(PracticeMark.practice_id.in_(list(marks)))
    for mark in session.scalars(listed.order_by(PracticeMark.practice_id, PracticeMark.number)):
        kind: MarkKind = "sound" if mark.kind == "sound" else "picture"
        marks[mark.practice_id].append(
            Mark(mark.number, kind, mark.planted_at, mark.reaction_s, mark.command)
        )
    return [
        PracticeResult(
            one.id,
            user.username,
            user.display_name,
            one.channel,
            one.started_at,
            one.ended_at,
            one.false_presses,
            marks[one.id],
        )
        for one, user in rows
    ]
