"""What goes between the viewers' side and the desk in one process: comments in, answers and feed items out.

Data only. Times are seconds since the epoch; `at_media_s` is the moment of the program that a comment speaks
of, in seconds since its start.
"""

import msgspec

ACCEPTED = ""
"""`Taken.code` of a comment that is stored, durably."""
BAD_COMMENT = "bad_comment"
TOO_LONG = "too_long"
BANNED = "banned"
QUEUE_FULL = "queue_full"
DATABASE_AWAY = "database_away"
INTERACTION_CLOSED = "interaction_closed"
STARTING = "starting"
"""The filter is not built yet: nothing is taken in unfiltered. Come again in a second."""


class SourceRef(msgspec.Struct, frozen=True):
    """The source that hands comments in. `id`: its number in the database."""

    id: int
    name: str
    channel: str


class Incoming(msgspec.Struct, frozen=True):
    """A comment as a source hands it in (docs/developers/sources.md).

    Nothing of it has been checked, but that texts are str and numbers are numbers.

    `client_id`: what its source calls it; the same one within 24 hours is the same comment. `bullet`: it is
    meant to cross the picture (弹幕), which the channel must have opened.
    """

    client_id: str
    author_id: str
    author: str
    text: str
    sent_at: float | None = None
    at_media_s: float | None = None
    bullet: bool = False


class Taken(msgspec.Struct, frozen=True):
    """What became of one incoming comment. `code` "": it is stored, or was before, under `id`.

    Otherwise nothing of it is stored, `code` is one of the names above, and `error` and `error_zh` say why.
    `state`: see `moderation.review.card.State`; "retracted", too. `wait_s`: after which another try makes
    sense, as far as that is known; 0: it is not.
    """

    client_id: str
    id: int | None
    state: str
    code: str = ACCEPTED
    error: str = ""
    error_zh: str = ""
    wait_s: float = 0.0


class FeedItem(msgspec.Struct, frozen=True):
    """One event of the published feed, after its commit. `id` rises by one over all channels.

    `kind`: "publish" or "retract"; the latter has neither author nor text. `bullet`: it is meant to cross the
    picture (弹幕).
    """

    id: int
    kind: str
    comment_id: int
    author: str
    text: str
    at_media_s: float | None
    at: float
    bullet: bool = False
