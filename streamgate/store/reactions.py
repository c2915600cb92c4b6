"""Reaction times of people: measured in practices, or chosen by the person. A `dump` reaches back by them."""

from typing import Literal, NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.core.reaction import MAX_REACTION_S
from streamgate.errors import Refused
from streamgate.store.duty_models import MARK_KINDS, ReactionTime

MarkKind = Literal["picture", "sound"]
KINDS = cast("tuple[MarkKind, ...]", MARK_KINDS)


class Reaction(NamedTuple):
    """A person's reaction time to one kind of mark, in seconds.

    `measured_s`: from practices, with its margin; `marks`: from so many of them. `chosen_s`: set by hand.
    """

    measured_s: float | None = None
    marks: int = 0
    chosen_s: float | None = None

    @property
    def in_force_s(self) -> float | None:
        """What counts: the chosen one, else the measured one; None: the person has neither."""
        return self.measured_s if self.chosen_s is None else self.chosen_s


def reactions_of(session: Session, user_id: int) -> dict[MarkKind, Reaction]:
    """Return a person's reaction times; both kinds are there, empty ones when nothing is known."""
    found = {kind: Reaction() for kind in KINDS}
    for row in session.scalars(sa.select(ReactionTime).where(ReactionTime.user_id == user_id)):
        found[cast("MarkKind", row.kind)] = Reaction(row.measured_s, row.marks, row.chosen_s)
    return found


def choose(
    session: Session, user_id: int, kind: MarkKind, chosen_s: float | None, *, by: str, at: float
) -> float | None:
    """Set a reaction time by hand; None goes back to the measured one. Returns what was chosen before.

    Raises:
        Refused: not between 0 and `MAX_REACTION_S`.
    """
    if chosen_s is not None and not 0 <= chosen_s <= MAX_REACTION_S:
        raise Refused(
            f"a reaction time of {chosen_s:g} s is not allowed; use 0 to {MAX_REACTION_S:g} s",
            f"反应时间 {chosen_s:g} 秒不可用；请使用 0 至 {MAX_REACTION_S:g} 秒",
        )
    row = _row(session, user_id, kind)
    before, row.chosen_s, row.changed_by, row.changed_at = row.chosen_s, chosen_s, by, at
    session.flush()
    return before


def note_measured(
    session: Session, user_id: int, kind: MarkKind, measured_s: float, marks: int, *, by: str, at: float
) -> None:
    """Store what practices showed. `measured_s` is clipped to `MAX_REACTION_S`."""
    row = _row(session, user_id, kind)
    row.measured_s, row.marks = min(max(0.0, measured_s), MAX_REACTION_S), marks
    row.changed_by, row.changed_at = by, at
    session.flush()


def _row(session: Session, user_id: int, kind: MarkKind) -> ReactionTime:
    row = session.get(ReactionTime, (user_id, kind), with_for_update=True)
    if row is None:
        row = ReactionTime(
            user_id=user_id, kind=kind, measured_s=None, marks=0, chosen_s=None, changed_at=0.0, changed_by=""
        )
        session.add(row)
    return row
