"""The tables of comments and their review. `models.py` says how times and texts are kept.

The database itself forbids what must not be published (invariant 5, R26), whatever code does: a card has as
many stages as its verdict asks for at least; a person decides one stage of a card, a stage is decided once,
by a role that may; a publication points to an approval of every stage, which can then no longer be taken
away; a comment is published once. Numbers of cards, comments and feed items are given by the one writer, in
rising order; a second writer meets a conflict, not a gap.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from streamgate.store.models import ACTOR_CHARS, Base, at_most, one_of

CARD_STATES = ("blocked", "waiting", "approved", "published", "rejected", "expired")
DECISIONS = ("approve", "reject")
ACTS_OF_PEOPLE = ("approve", "reject", "escalate", "release", "restore", "undo")
ACTS = (*ACTS_OF_PEOPLE, "hold", "retract", "rejudge", "expire", "publish")
FEED_KINDS = ("publish", "retract")
STAGES = 3
TEXT_CHARS = 2000
AUTHOR_CHARS = 64
ID_CHARS = 128
NOTE_CHARS = 500
ENTITLED = (
    "role = 'chief-reviewer' OR (role = 'senior-reviewer' AND stage <= 2)"
    " OR (role = 'reviewer' AND stage = 1)"
)
METADATA = Base.metadata
"""All tables, those of `models` and these."""
BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # only INTEGER is SQLite's own row number


def _number() -> Mapped[int]:
    return mapped_column(BIG, primary_key=True, autoincrement=False)


class Source(Base):
    """Who hands in comments for a channel: a program with a key, or the watch page."""

    __tablename__ = "sources"
    __table_args__ = (
        sa.CheckConstraint("length(name) BETWEEN 1 AND 64", name="name_length"),
        at_most("created_by", ACTOR_CHARS),
        sa.CheckConstraint("(removed_at IS NULL) = (removed_by IS NULL)", name="removed_by_whom"),
        sa.Index(
            "uq_sources_name",
            "name",
            unique=True,
            sqlite_where=sa.text("removed_at IS NULL"),
            postgresql_where=sa.text("removed_at IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    channel: Mapped[str]
    key_hash: Mapped[str] = mapped_column(unique=True)
    created_by: Mapped[str]
    created_at: Mapped[float]
    rotated_at: Mapped[float | None]
    last_used_at: Mapped[float | None]
    removed_at: Mapped[float | None]
    removed_by: Mapped[str | None]


class ReviewCard(Base):
    """A card: comments that are reviewed together. `stage`: the one that decides next.

    `key`: what equal comments share. `held`: why it is on hold, "" if it is not.
    """

    __tablename__ = "cards"
    __table_args__ = (
        one_of("state", CARD_STATES),
        sa.CheckConstraint(f"stages BETWEEN 1 AND {STAGES}", name="stages"),
        sa.CheckConstraint("stage BETWEEN 1 AND stages", name="stage"),
        sa.CheckConstraint(
            "verdict BETWEEN 0 AND 4 AND (verdict < 2 OR stages >= 2) AND (verdict < 3 OR stages = 3)",
            name="stages_of_verdict",
        ),
        sa.CheckConstraint("(publish_at IS NULL) = (state <> 'approved')", name="publish_at"),
        sa.CheckConstraint("state <> 'published' OR held = ''", name="held_is_unpublished"),
        at_most("held", NOTE_CHARS),
        at_most("key", ID_CHARS),
        at_most("broadcast", ID_CHARS),
        sa.UniqueConstraint("id", "stages"),  # for publications to point to
        sa.Index(None, "state", "channel", "stage"),
        sa.Index(None, "channel", "broadcast"),
    )

    id: Mapped[int] = _number()
    channel: Mapped[str]
    broadcast: Mapped[str]
    key: Mapped[str]
    state: Mapped[str]
    stages: Mapped[int]
    stage: Mapped[int]
    verdict: Mapped[int]
    revision: Mapped[int]
    opened_at: Mapped[float]
    publish_at: Mapped[float | None]
    held: Mapped[str] = mapped_column(default="")
    escalated: Mapped[bool] = mapped_column(default=False)
    rescued: Mapped[bool] = mapped_column(default=False)
    trusted: Mapped[bool] = mapped_column(default=False)


class Comment(Base):
    """One comment as it came in, with what the filter said of it. It stays on the card it was put on.

    `bullet`: it is meant to cross the picture (弹幕).
    `masked`, `masked_author`: with personal data starred out, None where there is none. `lists`: the version
    they were checked against. `hits`: of text and author, as the filter writes them. `cause_zh`, `cause_en`:
    its sentence for reviewers.
    """

    __tablename__ = "comments"
    __table_args__ = (
        at_most("text", TEXT_CHARS),
        at_most("author", AUTHOR_CHARS),
        at_most("author_id", ID_CHARS),
        at_most("client_id", ID_CHARS),
        sa.CheckConstraint("verdict BETWEEN 0 AND 4", name="verdict"),
        sa.UniqueConstraint("id", "card_id"),  # for the feed to point to
        sa.Index(None, "card_id"),
        sa.Index(None, "source_id", "author_id"),
    )

    id: Mapped[int] = _number()
    card_id: Mapped[int] = mapped_column(BIG, sa.ForeignKey("cards.id"))
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("sources.id"))
    client_id: Mapped[str]
    author_id: Mapped[str]
    author: Mapped[str]
    text: Mapped[str]
    received_at: Mapped[float]
    sent_at: Mapped[float | None]
    at_media_s: Mapped[float | None]
    verdict: Mapped[int]
    lists: Mapped[str]
    hits: Mapped[Any] = mapped_column(sa.JSON)
    cause_zh: Mapped[str]
    cause_en: Mapped[str]
    masked: Mapped[str | None]
    masked_author: Mapped[str | None]
    bullet: Mapped[bool] = mapped_column(server_default=sa.false())


class ClientId(Base):
    """A comment's name at its source: what is handed in twice is stored once. Forgotten after 24 hours.

    Without foreign keys: PostgreSQL takes a third of the time of a commit for these two alone (ADR 30).
    """

    __tablename__ = "client_ids"
    __table_args__ = (at_most("client_id", ID_CHARS), sa.Index(None, "at"))

    source_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    client_id: Mapped[str] = mapped_column(primary_key=True)
    comment_id: Mapped[int] = mapped_column(BIG)
    at: Mapped[float]


class StageDecision(Base):
    """The decision that stands in one stage of a card. One that is undone goes; `ReviewAct` remembers it."""

    __tablename__ = "decisions"
    __table_args__ = (
        sa.UniqueConstraint("card_id", "user_id"),  # R26: no two stages by one person
        sa.UniqueConstraint("card_id", "stage", "decision"),  # for publications to point to
        one_of("decision", DECISIONS),
        sa.CheckConstraint(f"stage BETWEEN 1 AND {STAGES}", name="stage"),
        sa.CheckConstraint(ENTITLED, name="entitled"),
        sa.CheckConstraint("(decision = 'reject') = (code <> '')", name="rejected_why"),
        at_most("note", NOTE_CHARS),
    )

    card_id: Mapped[int] = mapped_column(
        BIG, sa.ForeignKey("cards.id"), primary_key=True, autoincrement=False
    )
    stage: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    decision: Mapped[str]
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"))
    role: Mapped[str]
    at: Mapped[float]
    code: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")


class ReviewAct(Base):
    """One act on a card, for the record. `revision`: the card's after it. `user_id` None: the program."""

    __tablename__ = "review_acts"
    __table_args__ = (
        one_of("kind", ACTS),
        sa.CheckConstraint(
            f"user_id IS NOT NULL OR kind NOT IN ({', '.join(repr(kind) for kind in ACTS_OF_PEOPLE)})",
            name="person",
        ),
        sa.UniqueConstraint("card_id", "revision"),  # two acts never follow the same state of a card
        sa.Index(
            "ix_review_acts_comment_id",
            "comment_id",
            sqlite_where=sa.text("comment_id IS NOT NULL"),
            postgresql_where=sa.text("comment_id IS NOT NULL"),
        ),
        at_most("note", NOTE_CHARS),
    )

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    card_id: Mapped[int] = mapped_column(BIG, sa.ForeignKey("cards.id"))
    revision: Mapped[int]
    kind: Mapped[str]
    at: Mapped[float]
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    role: Mapped[str] = mapped_column(default="")
    stage: Mapped[int | None]
    code: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    comment_id: Mapped[int | None] = mapped_column(BIG, sa.ForeignKey("comments.id"))


class Publication(Base):
    """That a card was published. It points to the approval of each of its stages, and holds them in place.

    `first`, `second`, `third`: 1, 2, 3 as far as the card has these stages, else None. `decision`: "approve".
    """

    __tablename__ = "publications"
    __table_args__ = (
        sa.CheckConstraint("decision = 'approve'", name="decision"),
        sa.CheckConstraint("first = 1", name="first"),
        sa.CheckConstraint(
            "(stages >= 2) = (second IS NOT NULL) AND (second IS NULL OR second = 2)", name="second"
        ),
        sa.CheckConstraint(
            "(stages >= 3) = (third IS NOT NULL) AND (third IS NULL OR third = 3)", name="third"
        ),
        sa.ForeignKeyConstraint(
            ["card_id", "stages"], ["cards.id", "cards.stages"], name="fk_publications_stages"
        ),
        *(
            sa.ForeignKeyConstraint(
                ["card_id", stage, "decision"],
                ["decisions.card_id", "decisions.stage", "decisions.decision"],
                name=f"fk_publications_{stage}",
            )
            for stage in ("first", "second", "third")
        ),
    )

    card_id: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=False)
    stages: Mapped[int]
    decision: Mapped[str]
    first: Mapped[int]
    second: Mapped[int | None]
    third: Mapped[int | None]
    at: Mapped[float]


class FeedItem(Base):
    """One event of the published feed: a comment is published, once, or retracted, once."""

    __tablename__ = "published"
    __table_args__ = (
        one_of("kind", FEED_KINDS),
        sa.UniqueConstraint("comment_id", "kind"),
        sa.ForeignKeyConstraint(["card_id"], ["publications.card_id"]),
        sa.ForeignKeyConstraint(["comment_id", "card_id"], ["comments.id", "comments.card_id"]),
        sa.Index(None, "channel", "id"),
        sa.Index(None, "card_id"),
    )

    id: Mapped[int] = _number()
    channel: Mapped[str]
    card_id: Mapped[int] = mapped_column(BIG)
    comment_id: Mapped[int] = mapped_column(BIG)
    kind: Mapped[str]
    at: Mapped[float]


class Ban(Base):
    """An author of a source who may not write on a channel. `ends_at` None: until somebody lifts it.

    `author`: the name shown when it began. `card_id`: the card that it was given for.
    """

    __tablename__ = "bans"
    __table_args__ = (
        sa.CheckConstraint(f"length(cause) BETWEEN 1 AND {NOTE_CHARS}", name="cause_length"),
        at_most("author", AUTHOR_CHARS),
        at_most("author_id", ID_CHARS),
        at_most("made_by", ACTOR_CHARS),
        sa.CheckConstraint("ends_at IS NULL OR ends_at > at", name="ends_at"),
        sa.CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="lifted_by_whom"),
        sa.Index(None, "source_id", "author_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str]
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("sources.id"))
    author_id: Mapped[str]
    author: Mapped[str]
    card_id: Mapped[int | None] = mapped_column(BIG, sa.ForeignKey("cards.id"))
    cause: Mapped[str]
    made_by: Mapped[str]
    at: Mapped[float]
    ends_at: Mapped[float | None]
    lifted_at: Mapped[float | None]
    lifted_by: Mapped[str | None]


class TrustedAuthor(Base):
    """An author of a source whose comments come a little earlier in the queue. `ended_at` None: still."""

    __tablename__ = "trusted_authors"
    __table_args__ = (
        at_most("author_id", ID_CHARS),
        at_most("made_by", ACTOR_CHARS),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended_by_whom"),
        sa.Index(
            "uq_trusted_authors_author",
            "source_id",
            "author_id",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("sources.id"))
    author_id: Mapped[str]
    made_by: Mapped[str]
    at: Mapped[float]
    ended_at: Mapped[float | None]
    ended_by: Mapped[str | None]
