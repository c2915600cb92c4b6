"""What a reviewing page sends over its websocket, and what it is answered there and by HTTP. Pure.

Cards, counts and the rest come from the comments process as `moderation/desk/messages.py` has them, and go on
as they are; so does `Changed`, which the websocket brings.
"""

import msgspec

from moderation.desk.messages import BanView, CardView, Counts, Outcome

# ---------------------------------------------------------------- websocket


class Touch(msgspec.Struct, forbid_unknown_fields=True):
    """A reviewer has a card under the hand, or no longer. One of the two; `claim` again every 10 s or so."""

    claim: int | None = None
    let_go: int | None = None


class NotClaimed(msgspec.Struct, tag_field="type", tag="not_claimed"):
    """A `Touch` that was refused. `card` 0: it could not be read. `error`, `error_zh`: for people."""

    card: int
    code: str
    error: str
    error_zh: str


# ---------------------------------------------------------------- HTTP


class QueuePage(msgspec.Struct):
    """`has_more`: ask again with the last card's id as `after`."""

    cards: list[CardView]
    counts: Counts
    has_more: bool


class OneCard(msgspec.Struct):
    card: CardView


class DealtCard(msgspec.Struct):
    """`card` null: there is none that this person may decide and nobody else has."""

    card: CardView | None


class Decided(msgspec.Struct):
    """The card as it is now."""

    id: int
    version: int
    state: str
    card: CardView


class Outcomes(msgspec.Struct):
    outcomes: list[Outcome]


class RevealedComment(msgspec.Struct):
    id: int
    author: str
    text: str


class Revealed(msgspec.Struct):
    """Comments as they were written."""

    comments: list[RevealedComment]


class AuthorComment(msgspec.Struct):
    id: int
    text: str
    state: str
    at: float


class AuthorPage(msgspec.Struct):
    """What is on record of an author at one source. `comments`: the newest; personal data is starred out.

    `states`: how many comments are in which; `first_at`: when the first one came. `trusted`: new cards of
    theirs come a little earlier.
    """

    source: str
    author_id: str
    author: str
    states: dict[str, int]
    retracted: int
    first_at: float | None
    bans: list[BanView]
    comments: list[AuthorComment]
    trusted: bool = False
    trusted_by: str = ""
    trusted_at: float | None = None


class BanList(msgspec.Struct):
    bans: list[BanView]


class TermFinding(msgspec.Struct):
    """One thing to know about a term. `level`: fix (it is not added) or note. `reason`: in English.

    `values`: what stands in it, by name: a page has words of its own for each `rule`.
    """

    file: str
    line: int
    level: str
    rule: str
    reason: str
    values: dict[str, str] = {}


class TermPage(msgspec.Struct):
    """`version`: of the list that has the term now, "" while it was only checked."""

    findings: list[TermFinding]
    added: bool
    version: str
