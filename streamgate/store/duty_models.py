"""The tables of duty: who watches when, what a practice counted, and how fast a person reacts.

Times are seconds since the epoch, as in `models`; durations are seconds.
"""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from streamgate.core.reaction import MAX_REACTION_S
from streamgate.store.models import ACTOR_CHARS, Base, at_most, one_of

BROADCAST_CHARS = 128
NOTE_CHARS = 500
SHIFT_ORIGINS = ("planned", "handed_over", "taken")
SHIFT_ENDS = ("handed_over", "left", "removed")
MARK_KINDS = ("picture", "sound")


class DutyShift(Base):
    """A time in which a person is on duty on a channel: from `starts_at` until the earlier of both ends.

    `broadcast`: what it is for, in words or as the record names it; "" for whatever airs. `origin`: planned
    (the roster), handed_over (in the place of shift `after`), taken (somebody stepped in). `ended_why`:
    handed_over, left, removed (from the roster).
    """

    __tablename__ = "duty_shifts"
    __table_args__ = (
        one_of("origin", SHIFT_ORIGINS),
        one_of("ended_why", SHIFT_ENDS),
        at_most("broadcast", BROADCAST_CHARS),
        at_most("note", NOTE_CHARS),
        at_most("made_by", ACTOR_CHARS),
        at_most("ended_by", ACTOR_CHARS),
        sa.CheckConstraint("ends_at > starts_at", name="ends_at"),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended_by_whom"),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_why IS NULL)", name="ended_why_given"),
        sa.Index(None, "channel", "ends_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str]
    broadcast: Mapped[str] = mapped_column(default="")
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    starts_at: Mapped[float]
    ends_at: Mapped[float]
    origin: Mapped[str]
    after: Mapped[int | None] = mapped_column(sa.ForeignKey("duty_shifts.id"))
    note: Mapped[str] = mapped_column(default="")
    made_by: Mapped[str]
    made_at: Mapped[float]
    ended_at: Mapped[float | None]
    ended_by: Mapped[str | None]
    ended_why: Mapped[str | None]


class DutyOffer(Base):
    """A hand-over that somebody on duty has offered. In force once `to_user_id` has accepted it.

    At most one of a shift is open. `closed_why`: accepted, withdrawn, lapsed (the shift ended before).
    """

    __tablename__ = "duty_offers"
    __table_args__ = (
        one_of("closed_why", ("accepted", "withdrawn", "lapsed")),
        at_most("note", NOTE_CHARS),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_why IS NULL)", name="closed"),
        sa.Index(
            "uq_duty_offers_open",
            "shift_id",
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shift_id: Mapped[int] = mapped_column(sa.ForeignKey("duty_shifts.id"))
    to_user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    note: Mapped[str]
    offered_at: Mapped[float]
    closed_at: Mapped[float | None]
    closed_why: Mapped[str | None]


class Practice(Base):
    """A practice (演练) of one person. `ended_at` None: the console died before its end.

    `false_presses`: how often the person cut or dumped where there was no mark.
    """

    __tablename__ = "practices"
    __table_args__ = (sa.Index(None, "user_id", "started_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    channel: Mapped[str]
    started_at: Mapped[float]
    ended_at: Mapped[float | None]
    false_presses: Mapped[int] = mapped_column(default=0)


class PracticeMark(Base):
    """A mark planted in a practice. `reaction_s`: from there to the cut or dump; None: nobody saw it."""

    __tablename__ = "practice_marks"
    __table_args__ = (
        one_of("kind", MARK_KINDS),
        sa.CheckConstraint(f"reaction_s BETWEEN 0 AND {MAX_REACTION_S:g}", name="reaction_s"),
        sa.CheckConstraint("(reaction_s IS NULL) = (command IS NULL)", name="command_given"),
        one_of("command", ("cut", "dump")),
    )

    practice_id: Mapped[int] = mapped_column(
        sa.ForeignKey("practices.id"), primary_key=True, autoincrement=False
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    planted_at: Mapped[float]
    reaction_s: Mapped[float | None]
    command: Mapped[str | None]


class ReactionTime(Base):
    """How long a person takes from a mark to the key, separately for what is seen and what is heard.

    `measured_s`: median of the newest practices plus a margin; `chosen_s`: what the person set instead.
    """

    __tablename__ = "reaction_times"
    __table_args__ = (
        one_of("kind", MARK_KINDS),
        sa.CheckConstraint(f"measured_s BETWEEN 0 AND {MAX_REACTION_S:g}", name="measured_s"),
        sa.CheckConstraint(f"chosen_s BETWEEN 0 AND {MAX_REACTION_S:g}", name="chosen_s"),
        at_most("changed_by", ACTOR_CHARS),
    )

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    measured_s: Mapped[float | None]
    marks: Mapped[int] = mapped_column(default=0)
    chosen_s: Mapped[float | None]
    changed_at: Mapped[float]
    changed_by: Mapped[str]
