"""Answers requests about authors: their record, their comments, trust and bans.

Contents of `Reply.found`:

- `Author`, `TrustAuthor`: {"source", "author_id", "author", "states": {state: number}, "retracted",
  "first_at", "bans": [BanView], "comments": [{"id", "text", "state", "at"}], "trusted", "trusted_by",
  "trusted_at"}, the newest comments, personal data starred out.
- `Reveal`: {"comments": [{"id", "author", "text"}]}, as they were written.
"""

import math
from typing import Any

from sqlalchemy.orm import Session

from moderation.desk import bans as bans_in_memory
from moderation.desk.desk import Desk
from moderation.desk.lookup import CardWithComments, Lookup
from moderation.desk.members import Member
from moderation.desk.messages import Author, Ban, LiftBan, ListBans, Person, Reply, Reveal, TrustAuthor
from moderation.errors import ReviewRefused
from moderation.review.events import Reviewer
from moderation.review.refusals import not_entitled
from moderation.review.stages import Stage, entitling_role
from streamgate.clock import wall_s
from streamgate.store import bans, comments, trusted
from streamgate.store.bans import BanInForce
from streamgate.store.comment_models import NOTE_CHARS
from streamgate.store.comments import AuthorRecord
from streamgate.store.models import ACTOR_CHARS, clip

AUTHORS_NEWEST = 20
MAX_MINUTES = 10 * 366 * 24 * 60.0
AuthorRequest = Reveal | Author | Ban | TrustAuthor | LiftBan | ListBans


class Authors:
    def __init__(self, desk: Desk, lookup: Lookup) -> None:
        self._desk = desk
        self._lookup = lookup

    async def answer(self, request: AuthorRequest) -> Reply:
        desk, channel, now = self._desk, request.channel, wall_s()
        match request:
            case ListBans():
                return Reply(
                    id=request.id, bans=[bans_in_memory.view(one) for one in desk.bans.of(channel, now)]
                )
            case LiftBan(ban=number):
                if not await desk.call(bans.lift, channel, number, by=actor_of(request.by), at=now):
                    raise ReviewRefused(
                        "not_found", f"there is no ban {number} in force", f"没有生效中的禁言 {number}"
                    )
                desk.own_changes += 1
                desk.bans.remove(number)
                return Reply(id=request.id)
            case _:
                pass
        one = await self._lookup.get(channel, request.card)
        match request:
            case Reveal():
                texts = [{"id": m.id, "author": m.author, "text": m.text} for m in one.members]
                return Reply(id=request.id, found={"comments": texts})
            case Author():
                return Reply(id=request.id, found=await self._author(channel, one))
            case TrustAuthor():
                await self._trust(request, one)
                return Reply(id=request.id, found=await self._author(channel, one))
            case Ban():
                made = await self._ban(request, one)
                return Reply(id=request.id, bans=[bans_in_memory.view(made)])

    async def _author(self, channel: str, one: CardWithComments) -> dict[str, Any]:
        first = one.members[0]
        record, newest = await self._desk.reader.read(_read_author, first.source_id, first.author_id)
        theirs = [
            bans_in_memory.view(ban)
            for ban in self._desk.bans.of(channel, wall_s())
            if (ban.source_id, ban.author_id) == (first.source_id, first.author_id)
        ]
        trust = self._desk.trusted.get((first.source_id, first.author_id))
        return {
            "source": self._desk.sources.get(first.source_id, "?"),
            "author_id": first.author_id,
            "author": _masked_name(first),
            "states": record.states,
            "retracted": record.retracted,
            "first_at": record.first_at,
            "bans": theirs,
            "comments": newest,
            "trusted": trust is not None,
            "trusted_by": "" if trust is None else trust.made_by,
            "trusted_at": None if trust is None else trust.at,
        }

    async def _trust(self, request: TrustAuthor, one: CardWithComments) -> None:
        if entitling_role(Stage.FIRST, reviewer_of(request.by).roles) is None:
            raise not_entitled(Stage.FIRST)
        desk, first, by, now = self._desk, one.members[0], actor_of(request.by), wall_s()
        key = first.source_id, first.author_id
        if request.trusted:
            trust = await desk.call(trusted.add, *key, by=by, at=now)
            desk.own_changes += 1
            desk.trusted[key] = trust
        else:
            await desk.call(trusted.remove, *key, by=by, at=now)
            desk.own_changes += 1
            desk.trusted.pop(key, None)

    async def _ban(self, request: Ban, one: CardWithComments) -> BanInForce:
        reviewer_of(request.by)
        cause, minutes, now = request.cause.strip(), request.minutes, wall_s()
        if not 0 < len(cause) <= NOTE_CHARS or clip(cause, NOTE_CHARS) != cause:
            raise ReviewRefused(
                "reason",
                f"a ban needs a cause of 1 to {NOTE_CHARS} characters",
                f"禁言须说明原因，1 至 {NOTE_CHARS} 个字符",
            )
        if not (math.isfinite(minutes) and 0 <= minutes <= MAX_MINUTES):
            raise ReviewRefused(
                "bad_request",
                f"minutes is {minutes}; allowed are 0 (until it is lifted) to {MAX_MINUTES:.0f}",
                f"分钟数为 {minutes}；允许 0（直至解除）至 {MAX_MINUTES:.0f}",
            )
        first, by = one.members[0], actor_of(request.by)
        name = _masked_name(first)  # everybody who reviews sees it, for as long as the ban is stored
        ends_at = now + minutes * 60 if minutes else None
        number = await self._desk.call(
            bans.add,
            request.channel,
            first.source_id,
            first.author_id,
            author=name,
            card_id=one.card.id,
            cause=cause,
            by=by,
            at=now,
            ends_at=ends_at,
        )
        source = self._desk.sources.get(first.source_id, "?")
        made = BanInForce(
            number,
            request.channel,
            first.source_id,
            source,
            first.author_id,
            name,
            cause,
            by,
            now,
            ends_at,
        )
        self._desk.own_changes += 1
        self._desk.bans.add(made)
        return made


def _masked_name(one: Member) -> str:
    """Return the author's name, personal data starred out."""
    masked = one.judgement.masked_author
    return one.author if masked is None else masked


def _read_author(
    session: Session, source_id: int, author_id: str
) -> tuple[AuthorRecord, list[dict[str, Any]]]:
    record = comments.author_record(session, source_id, author_id)
    newest = comments.newest_of_author(session, source_id, author_id, limit=AUTHORS_NEWEST)
    states = comments.states(session, [one.id for one in newest])
    return record, [
        {
            "id": one.id,
            "text": one.text if one.masked is None else one.masked,
            "state": states[one.id],
            "at": one.received_at,
        }
        for one in newest
    ]


def reviewer_of(by: Person) -> Reviewer:
    """Return the person who decides. Raises ReviewRefused when the request comes from a program."""
    if by.user_id <= 0:
        raise ReviewRefused(
            "not_entitled",
            "only people decide, each with an account; programs and the command line may look (R26)",
            "只有持账号的人员可以审核；程序和命令行只能查看（R26）",
        )
    return Reviewer(by.user_id, frozenset(by.roles))


def actor_of(by: Person) -> str:
    """Return the name under which a person stands in records."""
    return clip(by.actor or by.name, ACTOR_CHARS)
