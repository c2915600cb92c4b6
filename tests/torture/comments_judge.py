"""Judge of a run with comments: what everybody was told against what database, feed and ledger say.

The rules are written here a second time, from RULES.md and the issue, with SQL of their own: nothing of the
product is imported. `Told` is what the peers noted, `Stored` what stands in the database afterwards.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

TERMS = {"稻草人丁": 1, "稻草人丙": 2, "稻草人乙": 3, "稻草人甲": 3}
"""Words of the run's own list, and how many stages of review each asks for; any other text asks for one."""
RANKS = {"reviewer": 1, "senior-reviewer": 2, "chief-reviewer": 3}
"""The last stage that each role may decide."""
STAGE_VERBS = ("approve", "reject")


class Sent(NamedTuple):
    """A comment as its source handed it in."""

    author_id: str
    author: str
    text: str

    @property
    def stages(self) -> int:
        return max((stages for term, stages in TERMS.items() if term in self.text), default=1)


class Asked(NamedTuple):
    """What a reviewer asked for. `version`: of the card as it was seen; 0: the act names none.

    `result`: "done", "refused" (409, 403), or "lost": nobody knows what became of it. `now`: the card's
    version after it. `comment`: of a retraction of one alone.
    """

    who: str
    verb: str
    card: int
    version: int
    result: Literal["done", "refused", "lost"]
    now: int = 0
    comment: int | None = None


class Event(NamedTuple):
    seq: int
    kind: str
    comment: int
    author: str
    text: str


class Connection(NamedTuple):
    """A reader's connection: it asked for what follows `after`, and was told everything up to `joined_at`."""

    after: int
    joined_at: float


@dataclass
class Heard:
    """One reader, over all its connections. `start`: the number it began after."""

    name: str
    start: int | None = None
    events: list[Event] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)


@dataclass
class Told:
    """`people`: user name and role. `accepted`: source, client_id and the number that was answered."""

    people: Mapping[str, str]
    sent: dict[tuple[str, str], Sent] = field(default_factory=dict)
    accepted: list[tuple[str, str, int]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    readers: list[Heard] = field(default_factory=list)

    def done(self) -> Iterator[Asked]:
        return (one for one in self.asked if one.result == "done")


class Row(NamedTuple):
    """A comment of the database."""

    id: int
    source: str
    client_id: str
    author_id: str
    author: str
    text: str
    card: int


class CardRow(NamedTuple):
    id: int
    state: str
    stages: int
    held: str


class DecisionRow(NamedTuple):
    card: int
    stage: int
    decision: str
    who: str


class ActRow(NamedTuple):
    """`who` "": the program."""

    card: int
    revision: int
    kind: str
    who: str
    code: str


class FeedRow(NamedTuple):
    id: int
    kind: str
    comment: int
    card: int
    at: float


@dataclass
class Stored:
    """`ledger`: records of the console with what reviewers decided, as they stand in its files."""

    comments: list[Row] = field(default_factory=list)
    cards: list[CardRow] = field(default_factory=list)
    decisions: list[DecisionRow] = field(default_factory=list)
    acts: list[ActRow] = field(default_factory=list)
    feed: list[FeedRow] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)


def read_stored(url: str) -> Stored:
    """Read a database by its SQLAlchemy URL."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:

        def rows(query: str) -> Iterable[Any]:
            return connection.execute(sa.text(query)).all()

        stored = Stored(
            [
                Row(*row)
                for row in rows(
                    "SELECT c.id, s.name, c.client_id, c.author_id, c.author, c.text, c.card_id"
                    " FROM comments c JOIN sources s ON s.id = c.source_id ORDER BY c.id"
                )
            ],
            [CardRow(*row) for row in rows("SELECT id, state, stages, held FROM cards ORDER BY id")],
            [
                DecisionRow(*row)
                for row in rows(
                    "SELECT d.card_id, d.stage, d.decision, u.username FROM decisions d"
                    " JOIN users u ON u.id = d.user_id ORDER BY d.card_id, d.stage"
                )
            ],
            [
                ActRow(*row)
                for row in rows(
                    "SELECT a.card_id, a.revision, a.kind, COALESCE(u.username, ''), a.code"
                    " FROM review_acts a LEFT JOIN users u ON u.id = a.user_id"
                    " ORDER BY a.card_id, a.revision"
                )
            ],
            [
                FeedRow(*row)
                for row in rows("SELECT id, kind, comment_id, card_id, at FROM published ORDER BY id")
            ],
        )
    engine.dispose()
    return stored


# ---------------------------------------------------------------- comments


def comments_lost(told: Told, stored: Stored) -> Iterator[str]:
    """Every comment that was acknowledged is stored, under the number that was told, as it was sent."""
    rows = {row.id: row for row in stored.comments}
    for source, client_id, number in told.accepted:
        row = rows.get(number)
        if row is None:
            yield f"{source}/{client_id}: comment {number} is not stored"
        elif (row.source, row.client_id, row[3:6]) != (
            source,
            client_id,
            tuple(told.sent[source, client_id]),
        ):
            yield f"{source}/{client_id}: comment {number} is stored as {row}"


def comments_twice(told: Told, stored: Stored) -> Iterator[str]:
    """A comment that is handed in again is the same comment; nothing is stored that nobody sent."""
    numbers: dict[tuple[str, str], set[int]] = defaultdict(set)
    for source, client_id, number in told.accepted:
        numbers[source, client_id].add(number)
    for row in stored.comments:
        if (row.source, row.client_id) not in told.sent:
            yield f"nobody sent comment {row.id}: {row}"
        numbers[row.source, row.client_id].add(row.id)
    for name, found in numbers.items():
        if len(found) > 1:
            yield f"{name} is comments {sorted(found)}"


# ---------------------------------------------------------------- decisions


def decisions_lost(told: Told, stored: Stored) -> Iterator[str]:
    """Every decision that was acknowledged is an act on record under its name."""
    acts = {(act.card, act.revision): (act.kind, act.who) for act in stored.acts}
    for one in told.done():
        found = acts.get((one.card, one.now))
        if found != (one.verb, one.who):
            yield f"{one} stands as {found}"


def decisions_overwrote(told: Told, stored: Stored) -> Iterator[str]:
    """A decision took effect on the version that its person saw, or not at all; the last ones stand."""
    for one in told.done():
        if one.version and one.now != one.version + 1:
            yield f"{one} was carried out on version {one.now - 1}"
    maybe = {_key(one) for one in told.asked if one.result != "refused"}
    acts = {(act.who, act.kind, act.card, act.revision - 1) for act in stored.acts}
    for one in told.asked:
        if one.result == "refused" and one.version and _key(one) in acts and _key(one) not in maybe:
            yield f"{one} was carried out all the same"
    for (card, revision), number in Counter((act.card, act.revision) for act in stored.acts).items():
        if number > 1:
            yield f"card {card}: {number} acts made version {revision}"
    standing = defaultdict(dict)
    for row in stored.decisions:
        standing[row.card][row.stage] = (row.decision, row.who)
    for card, acts_of_card in _by_card(stored).items():
        expected = _replay(acts_of_card)
        if standing[card] != expected:
            yield f"card {card}: {standing[card]} stands, its acts say {expected}"


def decisions_of_nobody(told: Told, stored: Stored) -> Iterator[str]:
    """Nothing stands under a person's name that the person did not ask for."""
    asked = {_key(one) for one in told.asked}
    for act in stored.acts:
        version = 0 if act.kind == "retract" else act.revision - 1
        if act.who and (act.who, act.kind, act.card, version) not in asked:
            yield f"{act.who} never asked for {act}"


def decisions_not_in_ledger(told: Told, stored: Stored) -> Iterator[str]:
    """Every decision that was acknowledged stands in the ledger, once, under its name."""
    found: Counter[tuple[str, str, int, int]] = Counter()
    for record in stored.ledger:
        if record.get("kind") != "decision" or record.get("answer") != "ok":
            continue
        args, who = record["args"], record["who"]
        match record["what"]:
            case "review.decide":
                found[who, args["decision"], args["id"], args["version"]] += 1
            case "review.decide_many":
                for card in args["cards"]:
                    found[who, args["decision"], card, -1] += 1
            case "review.retract":
                found[who, "retract", args["id"], 0] += 1
    for one in told.done():
        who = f"console:{one.who}"
        number = found[who, one.verb, one.card, one.version] or found[who, one.verb, one.card, -1]
        if number == 0 or (number > 1 and one.version and not found[who, one.verb, one.card, -1]):
            yield f"{one} stands in the ledger {number} times"


def _key(one: Asked) -> tuple[str, str, int, int]:
    return one.who, one.verb, one.card, one.version


def _by_card(stored: Stored) -> dict[int, list[ActRow]]:
    acts: dict[int, list[ActRow]] = {card.id: [] for card in stored.cards}
    for act in stored.acts:
        acts[act.card].append(act)
    return acts


def _replay(acts: Iterable[ActRow]) -> dict[int, tuple[str, str]]:
    """Return the decisions that stand after these acts, by stage."""
    standing: dict[int, tuple[str, str]] = {}
    for act in acts:
        if act.kind in STAGE_VERBS:
            standing[len(standing) + 1] = (act.kind, act.who)
        elif act.kind == "undo" and standing:
            del standing[len(standing)]
        elif act.kind == "restore" or (act.kind == "rejudge" and act.code == "block"):
            standing.clear()
    return standing


# ---------------------------------------------------------------- what is published


def published_unreviewed(told: Told, stored: Stored) -> Iterator[str]:
    """What is published was approved in each stage it needs, by different people who may (R4, R18, R26)."""
    members: dict[int, list[Row]] = defaultdict(list)
    for row in stored.comments:
        members[row.card].append(row)
    approved: dict[int, dict[int, str]] = defaultdict(dict)
    rejected = set()
    for row in stored.decisions:
        if row.decision == "approve":
            approved[row.card][row.stage] = row.who
        else:
            rejected.add(row.card)
    cards = {card.id: card for card in stored.cards}
    for number in {item.card for item in stored.feed if item.kind == "publish"}:
        card, by = cards[number], approved[number]
        sent = [told.sent[row.source, row.client_id] for row in members[number]]
        needed = max(card.stages, *(one.stages for one in sent))
        if number in rejected or card.state != "published" or card.held:
            yield f"card {number} is published, and {card}"
        if sorted(by) != list(range(1, needed + 1)):
            yield f"card {number} needs {needed} stages and has {by}"
        if len(set(by.values())) < len(by):
            yield f"card {number}: one person decided two stages: {by}"
        for stage, who in by.items():
            if RANKS.get(told.people.get(who, ""), 0) < stage:
                yield f"card {number}: {who} may not decide stage {stage}"
    card_of = {row.id: row.card for row in stored.comments}
    for item in stored.feed:
        if card_of.get(item.comment) != item.card:
            yield f"{item} is not of its card"


def published_twice(told: Told, stored: Stored) -> Iterator[str]:
    """A comment is published once and taken back once, in that order; the feed's numbers have no gap."""
    kinds: dict[int, list[str]] = defaultdict(list)
    for item in stored.feed:
        kinds[item.comment].append(item.kind)
    for comment, found in kinds.items():
        if found not in (["publish"], ["publish", "retract"]):
            yield f"comment {comment}: {found}"
    if [item.id for item in stored.feed] != list(range(1, len(stored.feed) + 1)):
        yield "the numbers of the feed have gaps"
    for reader in told.readers:
        for name in ("seq", "comment"):
            of = Counter((getattr(one, name), one.kind) for one in reader.events)
            yield from (
                f"{reader.name} was told {key} {times} times" for key, times in of.items() if times > 1
            )


def approved_unpublished(told: Told, stored: Stored) -> Iterator[str]:
    """What all stages approved is published, with every comment of the card; what was taken back is back."""
    out = {item.comment for item in stored.feed if item.kind == "publish"}
    back = {item.comment for item in stored.feed if item.kind == "retract"}
    cards = {card.id: card for card in stored.cards}
    for card in stored.cards:
        if card.state == "approved" and not card.held:
            yield f"card {card.id} is approved and was not published"
    members: dict[int, set[int]] = defaultdict(set)
    for row in stored.comments:
        members[row.card].add(row.id)
        if cards[row.card].state == "published" and row.id not in out:
            yield f"card {row.card} is published without comment {row.id}"
    for one in told.done():
        wanted = {one.comment} if one.comment else members[one.card]
        if one.verb == "retract" and not wanted <= back:
            yield f"{one}: still published are {sorted(wanted - back)}"


def readers_not_exact(told: Told, stored: Stored) -> Iterator[str]:
    """Each reader got the feed from where it began on, in order, nothing lost and nothing else.

    The only items that a reader may lack: published and taken back while it was away; its retraction is told.
    """
    sent = {row.id: told.sent.get((row.source, row.client_id)) for row in stored.comments}
    feed = {item.id: item for item in stored.feed}
    back = {item.comment: item for item in stored.feed if item.kind == "retract"}
    for reader in told.readers:
        numbers = [one.seq for one in reader.events]
        if numbers != sorted(numbers):
            yield f"{reader.name}: out of order"
        for one in reader.events:
            item, source = feed.get(one.seq), sent.get(one.comment)
            if item is None or (item.kind, item.comment) != (one.kind, one.comment):
                yield f"{reader.name} was told {one}, the feed has {item}"
            elif one.kind == "publish" and (
                source is None or (source.author, source.text) != (one.author, one.text)
            ):
                yield f"{reader.name} was told {one}, sent was {source}"
        if reader.start is None:
            yield f"{reader.name} never began"
            continue
        for number in sorted({one for one in feed if one > reader.start} - set(numbers)):
            gone = back.get(feed[number].comment)
            away = gone is not None and any(
                one.after < number and gone.at <= one.joined_at for one in reader.connections
            )
            if gone is None or feed[number].kind != "publish" or gone.id not in numbers or not away:
                yield f"{reader.name} was not told {feed[number]}"


Rule = Callable[[Told, Stored], Iterator[str]]
RULES: tuple[Rule, ...] = (
    comments_lost,
    comments_twice,
    decisions_lost,
    decisions_overwrote,
    decisions_of_nobody,
    decisions_not_in_ledger,
    published_unreviewed,
    published_twice,
    approved_unpublished,
    readers_not_exact,
)


def judge(told: Told, stored: Stored) -> dict[str, list[str]]:
    """Return what was found against each rule; only rules that were broken."""
    found = {rule.__name__: list(rule(told, stored)) for rule in RULES}
    return {name: faults for name, faults in found.items() if faults}
