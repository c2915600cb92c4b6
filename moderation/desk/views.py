"""Builds the form of a card that reviewers see. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moderation.desk.members import Member
from moderation.desk.messages import CardView, DecisionView, HitView
from moderation.filter.result import channel_words
from moderation.lexicon import Channel
from moderation.review.card import Card, State
from moderation.review.events import Reviewer
from moderation.review.queue_order import may_decide

_NO_NAME = "?"


@dataclass(frozen=True, slots=True)
class ViewContext:
    """What a view needs besides the card.

    `window_s`: seconds in which a rejection can be undone. `sources`, `people`: names by number.
    `claimed_by`: the account that works on the card. `asker`: who looks at it.
    """

    now: float
    window_s: float
    sources: Mapping[int, str]
    people: Mapping[int, str]
    claimed_by: int | None = None
    asker: Reviewer | None = None


def view(card: Card, members: Sequence[Member], context: ViewContext) -> CardView:
    """Return a card for reviewers, with personal data masked. `members`: at least one comment."""
    first = members[0]
    gravest = max(members, key=lambda one: one.judgement.verdict)
    people = context.people
    masked = any(
        one.judgement.masked is not None or one.judgement.masked_author is not None for one in members
    )
    return CardView(
        id=card.id,
        version=card.revision,
        channel=card.channel,
        broadcast=card.broadcast,
        state=card.state.value,
        stage=int(card.stage),
        stages=card.stages,
        text=_text(first),
        masked=masked,
        verdict=card.verdict.word,
        hits=[_hit(one) for one in first.judgement.hits],
        why=gravest.judgement.cause_en,
        why_zh=gravest.judgement.cause_zh,
        count=len(card.comments),
        author=_author(first),
        author_id=first.author_id,
        authors=list(dict.fromkeys(map(_author, members))),
        source=context.sources.get(first.source_id, _NO_NAME),
        received_at=first.received_at,
        waiting_s=max(0.0, round(context.now - card.opened_at, 1)),
        at_media_s=first.at_media_s,
        bullets=sum(one.bullet for one in members),
        claimed_by=None if context.claimed_by is None else people.get(context.claimed_by, _NO_NAME),
        held=card.held,
        escalated=card.escalated,
        rescued=card.rescued,
        trusted=card.trusted,
        publish_in_s=None if card.publish_at is None else max(0.0, round(card.publish_at - context.now, 2)),
        decisions=[
            DecisionView(
                int(one.stage), one.decision, people.get(one.user_id, _NO_NAME), one.at, one.code, one.note
            )
            for one in card.decisions
        ],
        comments=list(card.comments),
        retracted=sorted(card.retracted),
        may_decide=context.asker is not None and may_decide(card, context.asker),
        mine=context.asker is not None and _can_undo(card, context.asker, context),
    )


def _text(one: Member) -> str:
    return one.text if one.judgement.masked is None else one.judgement.masked


def _author(one: Member) -> str:
    return one.author if one.judgement.masked_author is None else one.judgement.masked_author


def _can_undo(card: Card, by: Reviewer, context: ViewContext) -> bool:
    if not card.decisions or card.decisions[-1].user_id != by.id:
        return False
    if card.rejection is not None:
        return card.state is State.REJECTED and context.now <= card.rejection.at + context.window_s
    return card.state in (State.WAITING, State.APPROVED)


def _hit(stored: Mapping[str, Any]) -> HitView:
    zh, en = channel_words(Channel(stored["channel"]))
    return HitView(channel_word=en, channel_word_zh=zh, **stored)
