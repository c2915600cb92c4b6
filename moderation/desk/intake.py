"""Data types between the public side and the desk: incoming comments, their results, feed items.

Times are seconds since the epoch. `at_media_s` is the moment of the program that a comment is about, in
seconds since its start.
"""

import msgspec

from moderation.desk.messages import InteractionView

ACCEPTED = ""
"""`IntakeResult.code` of a comment that is stored durably."""
BAD_COMMENT = "bad_comment"
TOO_LONG = "too_long"
BANNED = "banned"
QUEUE_FULL = "queue_full"
DATABASE_AWAY = "database_away"
INTERACTION_CLOSED = "interaction_closed"
STARTING = "starting"
"""The filter is not compiled yet, and no comment is accepted unfiltered. Try again in a second."""


class SourceRef(msgspec.Struct, frozen=True, gc=False):
    """A source of comments. `id`: its number in the database."""

    id: int
    name: str
    channel: str


class IncomingComment(msgspec.Struct, frozen=True, gc=False):
    """A comment as a source hands it in (docs/developers/sources.md).

    Only the types of its fields are checked.

    `client_id`: the source's name for it. Within 24 hours the same name means the same comment. `bullet`: it
    is to cross the picture (弹幕); the channel must allow that.
    """

    client_id: str
    author_id: str
    author: str
    text: str
    sent_at: float | None = None
    at_media_s: float | None = None
    bullet: bool = False


class CheckedComment(msgspec.Struct, frozen=True, gc=False):
    """A comment that passed the desk's checks, as it will be stored. Only the desk creates it.

    `view`: the interaction settings it was checked against. `at`: when it came in.
    """

    source: SourceRef
    incoming: IncomingComment
    view: InteractionView
    at: float


class IntakeResult(msgspec.Struct, frozen=True, gc=False):
    """The result of handing in one comment. `code` "": it is stored, now or earlier, under `id`.

    Any other `code` is one of the constants above: the comment is not stored, `error` and `error_zh` say why.
    `state`: a value of `moderation.review.card.State`, or "retracted". `wait_s`: seconds after which the
    sender may try again; 0: unknown.
    """

    client_id: str
    id: int | None
    state: str
    code: str = ACCEPTED
    error: str = ""
    error_zh: str = ""
    wait_s: float = 0.0


class FeedItem(msgspec.Struct, frozen=True):
    """One committed event of the published feed. `id` rises by one with each event of any channel.

    `kind`: "publish" or "retract"; a "retract" has neither author nor text. `bullet`: the comment is to cross
    the picture (弹幕).
    """

    id: int
    kind: str
    comment_id: int
    author: str
    text: str
    at_media_s: float | None
    at: float
    bullet: bool = False
