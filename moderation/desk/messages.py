"""What the console and the command line ask the comments process, and what it answers: JSON over a websocket.

The unix socket is `RUN/comments.sock`; whoever can open it is trusted, the console checks people and rights
before it asks. One connection asks many things: answers carry the number of their request. A connection that
sent `Watch` is pushed a `Changed` at most every 100 ms while something changes; its leases end with it.
Times are seconds since the epoch, unless they are called `_s` of something that passes.
"""

from typing import Any, Literal

import msgspec

VERSION = 1
MAX_QUEUE = 200
"""Cards of one answer."""
MAX_AT_ONCE = 500
"""Cards of one batch."""

Pile = Literal["waiting", "blocked", "held", "approved", "published", "rejected", "expired"]
Verb = Literal["approve", "reject", "escalate", "undo", "hold", "release", "restore"]


class Person(msgspec.Struct, frozen=True):
    """Who asks: an account, its roles on the channel of the request, and the actor of the records.

    `user_id` 0: the command line or a program; it may look, but decides nothing.
    """

    user_id: int
    name: str
    roles: tuple[str, ...] = ()
    actor: str = ""
    origin: str = ""


# ---------------------------------------------------------------- what is shown


class HitView(msgspec.Struct, frozen=True):
    """A find. `start`, `end`: code points of `text` (or of the author, `in_author`)."""

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
    """A card for reviewers. `text`, `author`: with personal data starred out where there is any (`masked`).

    `text`, `hits`, `author`: of its first comment. `authors`: all names that would be published with it.
    `version`: what a decision names. `count`: equal comments on it; `bullets`: those of them that are to
    cross the picture. `claimed_by`: who works on it now. `why`, `why_zh`: the filter's sentence.
    `at_media_s`: the moment of the program that its first comment speaks of. `publish_in_s`: until
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
    """`stages`: waiting, by the stage that decides next. `per_minute`: decisions of the last minute."""

    stages: dict[str, int]
    blocked: int
    held: int
    approved: int
    oldest_waiting_s: float | None
    came_per_minute: int
    decided_per_minute: int
    mine_per_minute: int
    rescanning: bool = False
    """The lists changed and the waiting cards are being judged anew."""
    lists: str = ""


class InteractionView(msgspec.Struct, frozen=True, kw_only=True):
    """What viewers of a channel may do (R5). All closed by default and after a broadcast.

    `slow_s`: the least time between two comments of one viewer. `authors_told`: authors learn of rejections.
    `queue_limit`: cards that may wait; what comes beyond is refused (`queue_full`).
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
    """`ends_at` None: until it is lifted. `author`: as it was shown when it began."""

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
    """Push `Changed` of this channel from now on. Answered with counts and interaction."""


class Unwatch(Request, tag="unwatch"): ...


class Queue(Request, tag="queue"):
    """Cards of a pile. `stage` 0: all. `after`: the last id of the answer before; 0: from the start."""

    pile: Pile = "waiting"
    stage: int = 0
    order: Literal["oldest", "gravest"] = "oldest"
    limit: int = 50
    after: int = 0


class Get(Request, tag="get"):
    cards: list[int]


class Deal(Request, tag="deal"):
    """Claim and answer the next free card that this person may decide. `stage` 0: any."""

    stage: int = 0
    order: Literal["oldest", "gravest"] = "oldest"


class Claim(Request, tag="claim"):
    """Claim a card, or keep it for 30 s more."""

    card: int


class LetGo(Request, tag="let_go"):
    card: int


class Decide(Request, tag="decide"):
    """`version`: of the card as it was seen. `code`: of a rejection. `note`: in the person's words."""

    card: int
    version: int
    verb: Verb
    code: str = ""
    note: str = ""


class DecideMany(Request, tag="decide_many"):
    """`cards`: pairs of id and version; all or, where one does not fit, that one not."""

    cards: list[tuple[int, int]]
    verb: Literal["approve", "reject"]
    code: str = ""
    note: str = ""


class Retract(Request, tag="retract"):
    """Take a published comment back; `comment` 0: all of the card."""

    card: int
    reason: str
    comment: int = 0


class Reveal(Request, tag="reveal"):
    """Answer text and author of a card's comments as they were written. The console records that."""

    card: int


class Author(Request, tag="author"):
    """Answer the record of a card's author: counts by state, bans, the newest comments; see `requests.py`."""

    card: int


class Ban(Request, tag="ban"):
    """Refuse the author of a card from now on, for `minutes`; 0: until it is lifted."""

    card: int
    cause: str
    minutes: float = 0


class TrustAuthor(Request, tag="trust_author"):
    """Trust the author of a card from now on, or no longer: new cards of theirs come a little earlier.

    Nothing else follows from it (ADR 22). Answered with the author's record, as `Author` is.
    """

    card: int
    trusted: bool


class LiftBan(Request, tag="lift_ban"):
    ban: int


class ListBans(Request, tag="list_bans"): ...


class AddTerm(Request, tag="add_term"):
    """Add a term to the channel's own list. `check_only`: answer its findings, add nothing."""

    term: str
    severity: str
    category: str
    expires: str = ""  # a date, 2026-12-31
    note: str = ""
    check_only: bool = False


class GetInteraction(Request, tag="get_interaction"): ...


class SetInteraction(Request, tag="set_interaction"):
    """Members that are None stay as they are."""

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
    """Sources, interaction or lists were changed by the command line: read them anew."""


AnyRequest = (
    Watch
    | Unwatch
    | Queue
    | Get
    | Deal
    | Claim
    | LetGo
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
    """`code`: see `moderation.review.refusals`; also not_found, bad_request, busy, database_away."""

    code: str
    error: str
    error_zh: str


class Outcome(msgspec.Struct, frozen=True):
    """Of one card of a batch."""

    id: int
    version: int
    state: str
    failure: Failure | None = None


class Reply(msgspec.Struct, tag_field="type", tag="reply", omit_defaults=True, kw_only=True):
    """Answer to the request of the same number. `failure`: it was refused. The others: as the request asks.

    `card` comes with a failure `stale` or `taken`, too: as it is now. `found`: findings of a term, a person's
    record, or the revealed texts, as `requests.py` says.
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
    """What changed on a channel: cards as they are now (at most 200, else `many`: ask the queue again).

    `cards` are seen without anybody's eyes: `mine` and `may_decide` are false.
    """

    channel: str
    cards: list[CardView] = []
    many: bool = False
    counts: Counts | None = None
    interaction: InteractionView | None = None
    v: int = VERSION


AnyAnswer = Reply | Changed
