"""Messages between the comments process and the console or the command line: JSON over a websocket.

The unix socket is `RUN/comments.sock`. Whoever can open it is trusted: the console checks people and rights
before it sends a request. A connection may have many requests open; a reply carries the number of its
request. After `Watch` a connection gets a `Changed` at most every 100 ms while something changes. Its leases
end with it. Times are seconds since the epoch; names that end in `_s` are durations in seconds.
"""

from typing import Any, Literal

import msgspec

VERSION = 1
MAX_QUEUE = 200
"""Most cards of one reply."""
MAX_AT_ONCE = 500
"""Most cards of one batch decision."""

Pile = Literal["waiting", "blocked", "held", "approved", "published", "rejected", "expired"]
Verb = Literal["approve", "reject", "escalate", "undo", "hold", "release", "restore"]


class Person(msgspec.Struct, frozen=True):
    """Who sends a request: account, its roles on the request's channel, and its name in records (`actor`).

    `user_id` 0: the command line or a program. It may read but not decide.
    """

    user_id: int
    name: str
    roles: tuple[str, ...] = ()
    actor: str = ""
    origin: str = ""


# ---------------------------------------------------------------- what is shown


class HitView(msgspec.Struct, frozen=True):
    """A hit of the filter. `start`, `end`: code points of the text, or of the author's name (`in_author`)."""

    term: str
    list: str
    version: str
    category: str
    severity: str
    channel: str
    channel_word: str
    channel_word_zh: str
    start: int
    end: int
    in_author: bool = False


class DecisionView(msgspec.Struct, frozen=True):
    stage: int
    decision: Literal["approve", "reject"]
    by: str
    at: float
    code: str = ""
    note: str = ""


class CardView(msgspec.Struct, frozen=True, kw_only=True):
    """A card for reviewers. In `text` and `author` personal data is masked; `masked`: there is some.

    `text`, `hits`, `author`: of the first comment. `authors`: all names that would be published with it.
    `version`: the revision that a decision must name. `count`: comments on the card; `bullets`: how many of
    them are to cross the picture. `claimed_by`: who works on it now. `why`, `why_zh`: the filter's reason.
    `at_media_s`: the moment of the program that the first comment is about. `publish_in_s`: seconds until
    publication, while `state` is approved. `mine`: the newest decision is the asker's and can be undone.
    """

    id: int
    version: int
    channel: str
    broadcast: str
    state: str
    stage: int
    stages: int
    text: str
    masked: bool
    verdict: str
    hits: list[HitView]
    why: str
    why_zh: str
    count: int
    author: str
    author_id: str
    authors: list[str] = []
    source: str
    received_at: float
    waiting_s: float
    at_media_s: float | None = None
    bullets: int = 0
    claimed_by: str | None = None
    held: str = ""
    escalated: bool = False
    rescued: bool = False
    trusted: bool = False
    publish_in_s: float | None = None
    decisions: list[DecisionView] = []
    comments: list[int] = []
    retracted: list[int] = []
    may_decide: bool = False
    mine: bool = False


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of a channel.

    `stages`: waiting cards by the stage that decides next. `..._per_minute`: comments that came in,
    decisions, and decisions of the asker, in the last minute.
    """

    stages: dict[str, int]
    blocked: int
    held: int
    approved: int
    oldest_waiting_s: float | None
    came_per_minute: int
    decided_per_minute: int
    mine_per_minute: int
    rescanning: bool = False
    """The word lists changed, and the waiting cards are being judged again."""
    lists: str = ""


class InteractionView(msgspec.Struct, frozen=True, kw_only=True):
    """What viewers of a channel may do (R5). All closed by default and after a broadcast.

    `slow_s`: the least time between two comments of one viewer. `authors_told`: authors see rejections.
    `queue_limit`: how many cards may wait; further comments are refused (`queue_full`).
    """

    comments: bool = False
    bullets: bool = False
    sharing: bool = False
    max_chars: int = 200
    slow_s: float = 3.0
    window_s: float = 10.0
    stages: int = 1
    authors_told: bool = False
    queue_limit: int = 20_000
    changed_by: str = ""
    changed_at: float | None = None


class SourceView(msgspec.Struct, frozen=True):
    name: str
    channel: str
    created_by: str
    created_at: float
    last_used_at: float | None = None


class BanView(msgspec.Struct, frozen=True, kw_only=True):
    """A ban in force. `ends_at` None: until it is lifted. `author`: the name when the ban began."""

    id: int
    channel: str
    source: str
    author_id: str
    author: str
    cause: str
    by: str
    at: float
    ends_at: float | None


# ---------------------------------------------------------------- requests


class Request(msgspec.Struct, tag_field="cmd", forbid_unknown_fields=True, kw_only=True):
    id: int
    channel: str
    by: Person
    v: int = VERSION


class Watch(Request, tag="watch"):
    """Push `Changed` of this channel from now on. The reply holds counts and interaction."""


class Unwatch(Request, tag="unwatch"): ...


class Queue(Request, tag="queue"):
    """List cards of a pile. `stage` 0: all. `after`: the last id of the previous reply; 0: from the start."""

    pile: Pile = "waiting"
    stage: int = 0
    order: Literal["oldest", "gravest"] = "oldest"
    limit: int = 50
    after: int = 0


class Get(Request, tag="get"):
    cards: list[int]


class Deal(Request, tag="deal"):
    """Claim and return the next free card that this person may decide. `stage` 0: any."""

    stage: int = 0
    order: Literal["oldest", "gravest"] = "oldest"


class Claim(Request, tag="claim"):
    """Claim a card, or keep it for 30 s more."""

    card: int


class ReleaseCard(Request, tag="let_go"):
    card: int


class Decide(Request, tag="decide"):
    """Decide on a card. `version`: the one that the person saw. `code`: of a rejection. `note`: free text."""

    card: int
    version: int
    verb: Verb
    code: str = ""
    note: str = ""


class DecideMany(Request, tag="decide_many"):
    """Decide on many cards.

    `cards`: (id, version) each. A card that is refused does not affect the others.
    """

    cards: list[tuple[int, int]]
    verb: Literal["approve", "reject"]
    code: str = ""
    note: str = ""


class Retract(Request, tag="retract"):
    """Retract a published comment; `comment` 0: all comments of the card."""

    card: int
    reason: str
    comment: int = 0


class Reveal(Request, tag="reveal"):
    """Return texts and authors of a card's comments without masking. The console records the request."""

    card: int


class Author(Request, tag="author"):
    """Return the record of a card's author: counts by state, bans, newest comments. See `authors`."""

    card: int


class Ban(Request, tag="ban"):
    """Ban the author of a card for `minutes`; 0: until the ban is lifted."""

    card: int
    cause: str
    minutes: float = 0


class TrustAuthor(Request, tag="trust_author"):
    """Trust the author of a card, or end that. New cards of a trusted author come earlier in the queue.

    It has no other effect (ADR 22). The reply holds the author's record, as for `Author`.
    """

    card: int
    trusted: bool


class LiftBan(Request, tag="lift_ban"):
    ban: int


class ListBans(Request, tag="list_bans"): ...


class AddTerm(Request, tag="add_term"):
    """Add a term to the institution's own list. `check_only`: return the findings and add nothing."""

    term: str
    severity: str
    category: str
    expires: str = ""  # a date, 2026-12-31
    note: str = ""
    check_only: bool = False


class GetInteraction(Request, tag="get_interaction"): ...


class SetInteraction(Request, tag="set_interaction"):
    """Change interaction settings. Fields that are None keep their value."""

    comments: bool | None = None
    bullets: bool | None = None
    sharing: bool | None = None
    max_chars: int | None = None
    slow_s: float | None = None
    window_s: float | None = None
    stages: int | None = None
    authors_told: bool | None = None
    queue_limit: int | None = None


class Reload(Request, tag="reload"):
    """Read sources and settings again, because the command line changed them."""


AnyRequest = (
    Watch
    | Unwatch
    | Queue
    | Get
    | Deal
    | Claim
    | ReleaseCard
    | Decide
    | DecideMany
    | Retract
    | Reveal
    | Author
    | Ban
    | TrustAuthor
    | LiftBan
    | ListBans
    | AddTerm
    | GetInteraction
    | SetInteraction
    | Reload
)


# ---------------------------------------------------------------- answers


class Failure(msgspec.Struct, frozen=True):
    """Why a request was refused.

    `code`: see `moderation.review.refusals`; also not_found, bad_request, busy, database_away.
    """

    code: str
    error: str
    error_zh: str


class Outcome(msgspec.Struct, frozen=True):
    """The result for one card of a batch."""

    id: int
    version: int
    state: str
    failure: Failure | None = None


class Reply(msgspec.Struct, tag_field="type", tag="reply", omit_defaults=True, kw_only=True):
    """The reply to the request of the same number.

    `failure`: it was refused. Other fields depend on the request.

    `card` is also set with some failures, such as `stale` and `taken`: its current state. `found`: findings
    of a term, an author's record, or unmasked texts; see `requests` and `authors`.
    """

    id: int
    v: int = VERSION
    failure: Failure | None = None
    card: CardView | None = None
    cards: list[CardView] | None = None
    counts: Counts | None = None
    outcomes: list[Outcome] | None = None
    interaction: InteractionView | None = None
    bans: list[BanView] | None = None
    found: Any = None
    has_more: bool = False


class Changed(msgspec.Struct, tag_field="type", tag="changed", kw_only=True):
    """Changes of a channel. `cards`: the changed cards in their current state, at most 200.

    `many`: more cards changed; list the queue again. `mine` and `may_decide` are false in these cards.
    """

    channel: str
    cards: list[CardView] = []
    many: bool = False
    counts: Counts | None = None
    interaction: InteractionView | None = None
    v: int = VERSION


AnyAnswer = Reply | Changed
