"""The review machine: a card and an event in, the changed card and its record out. Pure.

It ensures invariant 5 of the architecture: nothing is published unless every stage has a recorded approval,
each by another entitled person. `_publish` checks this once more for each card. Only `Publish` publishes a
card, and only `Approve` adds an approval.

The caller stores a `Step` as a whole, and only if the stored card still has the revision of `Step.before`. It
reports the step to others after the commit, so that a crash before the commit has no visible effect.
"""

from typing import assert_never

from msgspec.structs import replace

from moderation.filter.policy import Verdict
from moderation.review import refusals
from moderation.review.card import MAX_COMMENTS, Card, Decision, State
from moderation.review.events import (
    ActRecord,
    Approve,
    Escalate,
    Event,
    Expire,
    Hold,
    Join,
    Publish,
    Reject,
    Rejudge,
    Release,
    Restore,
    Retract,
    Reviewer,
    Step,
    Undo,
)
from moderation.review.reasons import RejectCode
from moderation.review.stages import MAX_STAGES, Rules, Stage, entitling_role, stages_needed

REASON_CHARS = 500
_UNPUBLISHED = (State.BLOCKED, State.WAITING, State.APPROVED)


def apply(card: Card, event: Event, now: float, rules: Rules) -> Step:  # noqa: PLR0911 - one table of events
    """Apply an event to a card and return the step.

    `now`: seconds since the epoch. `rules`: of the card's channel.

    Raises:
        ReviewRefused: for acts the rules do not allow; the card stays as it is.
    """
    match event:
        case Approve():
            return _approve(card, event, now, rules)
        case Reject():
            return _reject(card, event, now)
        case Escalate():
            return _escalate(card, event, now)
        case Hold():
            return _hold(card, event, now)
        case Release():
            return _release(card, event, now, rules)
        case Restore():
            return _restore(card, event, now)
        case Undo():
            return _undo(card, event, now, rules)
        case Retract():
            return _retract(card, event, now)
        case Join():
            return _join(card, event)
        case Rejudge():
            return _rejudge(card, event, now, rules)
        case Expire():
            return _expire(card, now)
        case Publish():
            return _publish(card, now)
        case _:
            assert_never(event)


def require_decidable(card: Card, by: Reviewer) -> str:
    """Return the role that entitles a person to decide the card's next stage. Raises ReviewRefused."""
    role = _require_role(by, card.stage)
    if card.is_decided_by(by.id):
        raise refusals.same_person(card)
    return role


# ---------------------------------------------------------------- decisions


def _approve(card: Card, event: Approve, now: float, rules: Rules) -> Step:
    _require_open(card, event.by, event.seen, "approving")
    if card.held:
        raise refusals.held(card)
    role = require_decidable(card, event.by)
    stage = card.stage
    approvals = (*card.approvals, Decision(stage, "approve", event.by.id, role, now))
    after = replace(card, approvals=approvals)
    if len(approvals) == card.stages:
        after = replace(after, state=State.APPROVED, publish_at=now + rules.window_s)
    return _step(card, after, "approve", now, event.by, role=role, stage=stage)


def _reject(card: Card, event: Reject, now: float) -> Step:
    _require_open(card, event.by, event.seen, "rejecting")
    role = require_decidable(card, event.by)
    if event.note or event.code is RejectCode.OTHER:
        _require_reason("rejecting as other", event.note)
    stage = card.stage
    rejection = Decision(stage, "reject", event.by.id, role, now, event.code.value, event.note)
    after = replace(card, state=State.REJECTED, rejection=rejection)
    return _step(
        card, after, "reject", now, event.by, role=role, stage=stage, code=event.code.value, note=event.note
    )


def _escalate(card: Card, event: Escalate, now: float) -> Step:
    _require_open(card, event.by, event.seen, "escalating")
    role = _require_role(event.by, card.stage)
    if event.note:
        _require_reason("escalating", event.note)
    if card.stages == MAX_STAGES:
        raise refusals.most_stages(card)
    after = replace(card, stages=card.stages + 1, escalated=True)
    return _step(card, after, "escalate", now, event.by, role=role, note=event.note)


def _undo(card: Card, event: Undo, now: float, rules: Rules) -> Step:
    role = _require_role(event.by, Stage.FIRST)
    _require_seen(card, event.seen)
    if card.state not in (State.WAITING, State.APPROVED, State.REJECTED):
        raise refusals.closed(card, "undoing")
    if not card.decisions:
        raise refusals.nothing_to_undo(card)
    newest = card.decisions[-1]
    if newest.user_id != event.by.id:
        raise refusals.not_yours(card)
    if newest is card.rejection:
        if now > newest.at + rules.window_s:
            raise refusals.too_late(card, rules.window_s)
        after = replace(card, state=State.WAITING, rejection=None)
    else:
        after = replace(card, state=State.WAITING, approvals=card.approvals[:-1], publish_at=None)
    return _step(card, after, "undo", now, event.by, role=role, stage=newest.stage)


# ---------------------------------------------------------------- hold, restore, retract


def _hold(card: Card, event: Hold, now: float) -> Step:
    role = "" if event.by is None else _require_role(event.by, Stage.FIRST)
    _require_reason("holding", event.reason)
    if card.state not in _UNPUBLISHED:
        raise refusals.closed(card, "holding")
    if card.held == event.reason:
        return Step(card, card)
    return _step(card, replace(card, held=event.reason), "hold", now, event.by, role=role, note=event.reason)


def _release(card: Card, event: Release, now: float, rules: Rules) -> Step:
    role = _require_role(event.by, Stage.SECOND)
    _require_seen(card, event.seen)
    _require_reason("releasing", event.reason)
    if card.state not in _UNPUBLISHED:
        raise refusals.closed(card, "releasing")
    if not card.held:
        raise refusals.not_held(card)
    after = replace(card, held="")
    if card.state is State.APPROVED:
        after = replace(after, publish_at=now + rules.window_s)
    return _step(card, after, "release", now, event.by, role=role, note=event.reason)


def _restore(card: Card, event: Restore, now: float) -> Step:
    role = _require_role(event.by, Stage.SECOND)
    _require_seen(card, event.seen)
    _require_reason("restoring", event.reason)
    if card.state not in (State.BLOCKED, State.REJECTED):
        raise refusals.closed(card, "restoring")
    after = replace(card, state=State.WAITING, approvals=(), rejection=None)
    if card.state is State.BLOCKED:
        after = replace(after, stages=MAX_STAGES, rescued=True)
    return _step(card, after, "restore", now, event.by, role=role, note=event.reason)


def _retract(card: Card, event: Retract, now: float) -> Step:
    role = "" if event.by is None else _require_role(event.by, Stage.FIRST)
    _require_reason("retracting", event.reason)
    if card.state is not State.PUBLISHED:
        raise refusals.closed(card, "retracting")
    wanted = card.comments if event.comment is None else (event.comment,)
    taken = tuple(one for one in wanted if one in card.comments and one not in card.retracted)
    if not taken:
        raise refusals.not_on_card(card, wanted[0])
    after = replace(card, retracted=card.retracted | set(taken))
    step = _step(card, after, "retract", now, event.by, role=role, note=event.reason, comment=event.comment)
    return replace(step, retracted=taken)


# ---------------------------------------------------------------- reports of the program


def _join(card: Card, event: Join) -> Step:
    joined = (*card.comments, event.comment, *event.more)
    if not card.accepts_more or len(joined) > MAX_COMMENTS or len(set(joined)) < len(joined):
        raise refusals.closed(card, "joining")
    return Step(card, replace(card, comments=joined, revision=card.revision + 1))


def _rejudge(card: Card, event: Rejudge, now: float, rules: Rules) -> Step:
    """Apply a new verdict. It may return a card to review, but never approve it.

    Once people acted on a card the number of its stages only rises.
    """
    if card.state not in _UNPUBLISHED:
        return Step(card, card)
    stages = stages_needed(event.verdict, event.stages, rules)
    if card.approvals or card.escalated or card.rescued:
        stages = max(stages, card.stages)
    if (event.verdict, stages) == (card.verdict, card.stages):
        return Step(card, card)
    after = replace(card, verdict=event.verdict, stages=stages)
    if event.verdict is Verdict.BLOCK and card.verdict is not Verdict.BLOCK:
        after = replace(after, state=State.BLOCKED, approvals=(), publish_at=None)
    elif card.state is State.BLOCKED and event.verdict is not Verdict.BLOCK:
        after = replace(after, state=State.WAITING)
    elif card.state is State.APPROVED and len(card.approvals) < stages:
        after = replace(after, state=State.WAITING, publish_at=None)
    return _step(card, after, "rejudge", now, code=event.verdict.word)


def _expire(card: Card, now: float) -> Step:
    """Expire a card whose review has not ended. A card that every stage approved is still published."""
    reviewed = card.state is State.APPROVED and not card.held
    if card.state not in _UNPUBLISHED or reviewed:
        return Step(card, card)
    return _step(card, replace(card, state=State.EXPIRED, publish_at=None), "expire", now)


def _publish(card: Card, now: float) -> Step:
    if card.state is not State.APPROVED:
        raise refusals.closed(card, "publishing")
    if card.held:
        raise refusals.held(card)
    if not is_reviewed(card):
        raise refusals.unreviewed(card)
    if card.publish_at is None or now < card.publish_at:
        raise refusals.not_due(card)
    step = _step(card, replace(card, state=State.PUBLISHED, publish_at=None), "publish", now)
    return replace(step, published=card.comments)


def is_reviewed(card: Card) -> bool:
    """Return whether every stage of a card was approved, each by another entitled person."""
    stages = [one.stage for one in card.approvals]
    return (
        card.rejection is None
        and card.stages >= stages_needed(card.verdict, 1, Rules())
        and stages == list(Stage)[: card.stages]
        and len({one.user_id for one in card.approvals}) == card.stages
        and all(entitling_role(one.stage, {one.role}) for one in card.approvals)
    )


# ---------------------------------------------------------------- common


def _step(
    before: Card,
    after: Card,
    kind: str,
    now: float,
    by: Reviewer | None = None,
    *,
    role: str = "",
    stage: Stage | None = None,
    code: str = "",
    note: str = "",
    comment: int | None = None,
) -> Step:
    revision = before.revision + 1
    user_id = None if by is None else by.id
    return Step(
        before,
        replace(after, revision=revision),
        ActRecord(kind, revision, now, user_id, role, stage, code, note, comment),
    )


def _require_open(card: Card, by: Reviewer, seen: int, act: str) -> None:
    _require_role(by, Stage.FIRST)  # first: who may not review must not learn that the card changed
    _require_seen(card, seen)
    if card.state is not State.WAITING:
        raise refusals.closed(card, act)


def _require_seen(card: Card, seen: int) -> None:
    if seen != card.revision:
        raise refusals.stale(card, seen)


def _require_role(by: Reviewer, stage: Stage) -> str:
    role = entitling_role(stage, by.roles)
    if role is None:
        raise refusals.not_entitled(stage)
    return role


def _require_reason(act: str, reason: str) -> None:
    fits = 0 < len(reason.strip()) <= len(reason) <= REASON_CHARS
    if not fits or any(
        char == "\0" or "\ud800" <= char <= "\udfff" for char in reason
    ):  # no database stores them
        raise refusals.no_reason(act, REASON_CHARS)
