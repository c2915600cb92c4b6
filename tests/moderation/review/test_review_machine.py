"""The rules of review, one by one."""

import dataclasses

import pytest
from msgspec.structs import replace

from moderation.errors import ReviewRefused
from moderation.filter.policy import Verdict
from moderation.review.card import MAX_COMMENTS, Card, State, open_card
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
from moderation.review.machine import apply
from moderation.review.reasons import RejectCode
from moderation.review.stages import ENTITLED, Rules, Stage, stages_needed
from streamgate.store.roles import PER_CHANNEL

ANN = Reviewer(1, frozenset({"reviewer"}))
BEN = Reviewer(2, frozenset({"reviewer"}))
SUE = Reviewer(3, frozenset({"senior-reviewer"}))
TOM = Reviewer(4, frozenset({"senior-reviewer"}))
CHI = Reviewer(5, frozenset({"chief-reviewer"}))
DAN = Reviewer(6, frozenset({"director", "administrator"}))
RULES = Rules()


def card(verdict: Verdict = Verdict.CLEAN, *, stages: int = 1, rules: Rules = RULES, held: str = "") -> Card:
    return open_card(
        7,
        70,
        channel="main",
        broadcast="b",
        key="k",
        verdict=verdict,
        stages=stages,
        now=100.0,
        rules=rules,
        held=held,
    )


def after(card: Card, *events: Event, now: float = 100.0, rules: Rules = RULES) -> Card:
    for event in events:
        card = apply(card, event, now, rules).card
    return card


def approved(card: Card, *people: Reviewer, now: float = 100.0) -> Card:
    for by in people:
        card = apply(card, Approve(by, card.revision), now, RULES).card
    return card


def refusal(card: Card, event: Event, *, now: float = 100.0, rules: Rules = RULES) -> str:
    with pytest.raises(ReviewRefused) as caught:
        apply(card, event, now, rules)
    assert caught.value.zh
    assert caught.value.zh != str(caught.value)
    return caught.value.code


# ---------------------------------------------------------------- stages


@pytest.mark.parametrize(
    ("verdict", "asked", "of_channel", "needed"),
    [
        (Verdict.CLEAN, 1, 1, 1),
        (Verdict.SUSPECTED, 1, 1, 1),
        (Verdict.SENSITIVE, 1, 1, 2),
        (Verdict.IMPORTANT, 1, 1, 3),
        (Verdict.BLOCK, 1, 1, 3),
        (Verdict.CLEAN, 3, 1, 3),  # could not be checked in full
        (Verdict.CLEAN, 1, 2, 2),  # the channel asks for more
        (Verdict.IMPORTANT, 0, 1, 3),  # nobody may ask for fewer
    ],
)
def test_the_verdict_decides_how_many_stages(
    verdict: Verdict, asked: int, of_channel: int, needed: int
) -> None:
    assert stages_needed(verdict, asked, Rules(stages=of_channel)) == needed


@pytest.mark.parametrize(("window_s", "stages"), [(-1, 1), (601, 1), (10, 0), (10, 4), (float("nan"), 1)])
def test_rules_that_are_refused(window_s: float, stages: int) -> None:
    with pytest.raises(ValueError, match="allowed are"):
        Rules(window_s, stages)


def test_the_roles_are_those_of_accounts() -> None:
    assert set(ENTITLED[Stage.FIRST]) <= PER_CHANNEL
    assert [stage.word_zh for stage in Stage] == ["初审", "复审", "终审"]


def test_three_people_for_three_stages() -> None:
    begun = card(Verdict.IMPORTANT)
    done = approved(begun, ANN, SUE, CHI, now=200.0)

    assert (begun.state, begun.stage, done.state, done.publish_at) == (
        State.WAITING,
        Stage.FIRST,
        State.APPROVED,
        210.0,
    )
    assert [(one.stage, one.user_id, one.role) for one in done.approvals] == [
        (1, 1, "reviewer"),
        (2, 3, "senior-reviewer"),
        (3, 5, "chief-reviewer"),
    ]


def test_a_higher_role_decides_a_lower_stage_and_not_the_other_way() -> None:
    assert approved(card(), CHI).state is State.APPROVED
    second = approved(card(Verdict.IMPORTANT), ANN)
    assert refusal(second, Approve(BEN, second.revision)) == "not_entitled"
    third = approved(second, SUE)
    assert refusal(third, Approve(TOM, third.revision)) == "not_entitled"
    assert refusal(card(), Approve(DAN, 1)) == "not_entitled"


def test_the_same_person_never_decides_two_stages() -> None:
    second = approved(card(Verdict.IMPORTANT), SUE)
    assert refusal(second, Approve(SUE, second.revision)) == "same_person"
    assert refusal(second, Reject(SUE, second.revision, RejectCode.SPAM)) == "same_person"
    promoted = Reviewer(SUE.id, frozenset({"chief-reviewer"}))
    assert refusal(second, Approve(promoted, second.revision)) == "same_person"


def test_a_stale_decision_is_refused_and_changes_nothing() -> None:
    seen = card(Verdict.SENSITIVE)
    now_is = approved(seen, ANN)
    for event in (
        Approve(SUE, seen.revision),
        Reject(SUE, seen.revision, RejectCode.SPAM),
        Escalate(SUE, seen.revision),
        Undo(ANN, seen.revision),
    ):
        assert refusal(now_is, event) == "stale"
    assert refusal(now_is, Approve(DAN, seen.revision)) == "not_entitled"


# ---------------------------------------------------------------- rejecting, escalating, undoing


def test_a_rejection_ends_the_review() -> None:
    rejected = after(card(), Reject(ANN, 1, RejectCode.ABUSE))

    assert (rejected.state, rejected.rejection.code) == (State.REJECTED, "abuse")
    assert refusal(rejected, Approve(BEN, rejected.revision)) == "closed"
    assert refusal(rejected, Publish(), now=1e9) == "closed"


def test_other_needs_a_note_and_a_note_is_bounded() -> None:
    assert refusal(card(), Reject(ANN, 1, RejectCode.OTHER)) == "reason"
    assert refusal(card(), Reject(ANN, 1, RejectCode.SPAM, "x" * 501)) == "reason"
    assert after(card(), Reject(ANN, 1, RejectCode.OTHER, "misleads")).rejection.note == "misleads"


def test_every_code_has_words() -> None:
    words = [(code.word, code.word_zh) for code in RejectCode]
    assert len(set(words)) == len(RejectCode)


def test_escalating_asks_for_one_more_and_approves_nothing() -> None:
    raised = after(card(), Escalate(ANN, 1))

    assert (raised.stages, raised.stage, raised.approvals) == (2, Stage.FIRST, ())
    assert approved(raised, ANN).state is State.WAITING
    assert approved(raised, ANN, SUE).state is State.APPROVED
    assert refusal(card(Verdict.IMPORTANT), Escalate(ANN, 1)) == "most_stages"
    assert refusal(approved(card(Verdict.SENSITIVE), ANN), Escalate(BEN, 2)) == "not_entitled"


def test_the_last_approval_is_undone_until_publication() -> None:
    done = approved(card(), ANN, now=100.0)
    assert refusal(done, Publish(), now=109.9) == "closed"
    assert refusal(done, Undo(BEN, done.revision)) == "not_entitled"
    back = after(done, Undo(ANN, done.revision), now=109.9)

    assert (back.state, back.approvals, back.publish_at) == (State.WAITING, (), None)
    assert approved(back, ANN).state is State.APPROVED  # whoever took it back may decide anew
    out = after(done, Publish(), now=110.0)
    assert refusal(out, Undo(ANN, out.revision)) == "closed"


def test_an_earlier_approval_is_undone_while_it_is_the_newest() -> None:
    second = approved(card(Verdict.IMPORTANT), ANN)
    assert after(second, Undo(ANN, second.revision), now=9999.0).approvals == ()
    third = approved(second, SUE)
    assert refusal(third, Undo(ANN, third.revision)) == "not_entitled"
    assert refusal(card(), Undo(ANN, 1)) == "closed"


def test_a_rejection_is_undone_within_the_window() -> None:
    rejected = after(card(), Reject(ANN, 1, RejectCode.SPAM), now=100.0)

    assert after(rejected, Undo(ANN, rejected.revision), now=110.0).state is State.WAITING
    assert refusal(rejected, Undo(ANN, rejected.revision), now=110.1) == "too_late"


def test_with_no_window_an_approval_is_due_at_once() -> None:
    rules = Rules(window_s=0)
    done = after(card(), Approve(ANN, 1), rules=rules)
    assert after(done, Publish(), rules=rules).state is State.PUBLISHED


# ---------------------------------------------------------------- holding, restoring


def test_a_held_card_is_not_approved_or_published_until_a_senior_releases_it() -> None:
    held = after(card(), Hold(None, "a condemned moment"))
    assert refusal(held, Approve(ANN, held.revision)) == "held"
    assert after(held, Reject(ANN, held.revision, RejectCode.SPAM)).state is State.REJECTED
    assert refusal(held, Release(BEN, held.revision, "fine")) == "not_entitled"
    assert refusal(held, Release(SUE, held.revision, " ")) == "reason"
    free = after(held, Release(SUE, held.revision, "fine"))

    assert approved(free, ANN).state is State.APPROVED
    assert refusal(free, Release(SUE, free.revision, "fine")) == "closed"


def test_a_hold_stops_a_due_publication() -> None:
    held = after(approved(card(), ANN), Hold(BEN, "wait"), now=105.0)
    assert refusal(held, Publish(), now=999.0) == "held"
    free = after(held, Release(SUE, held.revision, "fine"), now=999.0)

    assert free.publish_at == 1009.0
    assert after(free, Publish(), now=1009.0).state is State.PUBLISHED


def test_holding_twice_for_the_same_reason_is_once() -> None:
    held = after(card(), Hold(None, "x"))
    assert not apply(held, Hold(BEN, "x"), 1, RULES).changed
    assert refusal(held, Hold(DAN, "y")) == "not_entitled"


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\0b", "a\ud800b"])
def test_reasons_that_no_record_can_hold(reason: str) -> None:
    assert refusal(card(), Hold(ANN, reason)) == "reason"


def test_a_blocked_card_waits_until_a_senior_restores_it_into_stage_1_of_3() -> None:
    blocked = card(Verdict.BLOCK)
    assert blocked.state is State.BLOCKED
    assert refusal(blocked, Approve(CHI, 1)) == "closed"
    assert refusal(blocked, Restore(ANN, 1, "harmless")) == "not_entitled"
    rescued = after(blocked, Restore(SUE, 1, "harmless"))

    assert (rescued.state, rescued.stage, rescued.stages) == (State.WAITING, 1, 3)
    assert not apply(rescued, Rejudge(Verdict.BLOCK, 3), 1, RULES).changed
    assert approved(rescued, ANN, SUE, CHI).state is State.APPROVED


def test_lists_that_change_their_mind_leave_a_restored_card_its_three_stages() -> None:
    restored = after(card(Verdict.BLOCK), Restore(SUE, 1, "harmless"))
    for verdict in (Verdict.CLEAN, Verdict.BLOCK, Verdict.CLEAN):
        restored = after(restored, Rejudge(verdict, 1))
        assert (restored.verdict, restored.stages) == (verdict, 3)


def test_a_rejected_card_is_restored_into_its_first_stage() -> None:
    second = approved(card(Verdict.SENSITIVE), ANN)
    rejected = after(second, Reject(SUE, second.revision, RejectCode.SPAM))
    assert refusal(rejected, Restore(SUE, rejected.revision, "")) == "reason"
    back = after(rejected, Restore(TOM, rejected.revision, "a mistake"), now=9999.0)

    assert (back.state, back.stage, back.decisions) == (State.WAITING, Stage.FIRST, ())
    assert refusal(back, Restore(TOM, back.revision, "again")) == "closed"


# ---------------------------------------------------------------- publication, retraction


def test_a_card_is_published_once_and_retracted_once() -> None:
    both = after(card(), Join(71))
    step = apply(approved(both, ANN), Publish(), 110.0, RULES)
    assert (step.published, step.card.state, step.act.kind) == ((70, 71), State.PUBLISHED, "publish")
    assert refusal(step.card, Publish(), now=999.0) == "closed"
    one = apply(step.card, Retract(ANN, "complaint", 71), 120.0, RULES)
    rest = apply(one.card, Retract(None, "condemned"), 121.0, RULES)

    assert (one.retracted, rest.retracted) == ((71,), (70,))
    assert refusal(rest.card, Retract(ANN, "again")) == "closed"
    assert refusal(step.card, Retract(ANN, "not mine", 99)) == "closed"
    assert refusal(step.card, Retract(ANN, "")) == "reason"
    assert refusal(step.card, Retract(DAN, "x")) == "not_entitled"
    assert refusal(card(), Retract(ANN, "x")) == "closed"


@pytest.mark.parametrize(
    "damage",
    [
        lambda done: replace(done, approvals=done.approvals[:2]),
        lambda done: replace(done, approvals=done.approvals[:1] * 3),
        lambda done: replace(
            done, approvals=tuple(dataclasses.replace(one, user_id=1) for one in done.approvals)
        ),
        lambda done: replace(
            done, approvals=tuple(dataclasses.replace(one, role="reviewer") for one in done.approvals)
        ),
        lambda done: replace(done, stages=1, approvals=done.approvals[:1]),
        lambda done: replace(done, rejection=done.approvals[0]),
    ],
)
def test_the_last_check_publishes_no_card_that_was_tampered_with(damage) -> None:
    done = approved(card(Verdict.IMPORTANT), ANN, SUE, CHI)
    assert refusal(damage(done), Publish(), now=999.0) == "unreviewed"
    assert after(done, Publish(), now=999.0).state is State.PUBLISHED


# ---------------------------------------------------------------- joining, judging anew, expiring


def test_an_equal_comment_joins_only_what_nobody_acted_on() -> None:
    like = {"channel": "main", "broadcast": "b", "key": "k", "verdict": Verdict.CLEAN}
    begun = card()
    assert begun.can_join(**like)
    joined = after(begun, Join(71))
    assert (joined.comments, joined.revision) == ((70, 71), 2)
    assert refusal(joined, Approve(ANN, 1)) == "stale"  # the approver did not see the second one
    assert refusal(joined, Join(71)) == "closed"
    many = after(begun, Join(71, (72, 73)))
    assert (many.comments, many.revision) == ((70, 71, 72, 73), 2)
    assert refusal(begun, Join(71, (72, 71))) == "closed"
    assert len(after(begun, Join(71, tuple(range(72, 70 + MAX_COMMENTS)))).comments) == MAX_COMMENTS
    assert refusal(begun, Join(71, tuple(range(72, 71 + MAX_COMMENTS)))) == "closed"
    for other in (
        {**like, "key": "l"},
        {**like, "verdict": Verdict.SUSPECTED},
        {**like, "broadcast": "c"},
        {**like, "channel": "side"},
    ):
        assert not begun.can_join(**other)
    for acted_on in (
        approved(begun, ANN),
        after(begun, Escalate(ANN, 1)),
        after(begun, Hold(ANN, "x")),
        after(begun, Reject(ANN, 1, RejectCode.SPAM)),
        replace(begun, comments=tuple(range(MAX_COMMENTS))),
    ):
        assert not acted_on.can_join(**like)
        assert refusal(acted_on, Join(99)) == "closed"
    assert card(Verdict.BLOCK).can_join(**{**like, "verdict": Verdict.BLOCK})


def test_a_graver_verdict_adds_stages_even_within_the_window_for_undo() -> None:
    graver = after(approved(card(), ANN), Rejudge(Verdict.SENSITIVE, 2))

    assert (graver.state, graver.stage, graver.stages, graver.publish_at) == (State.WAITING, 2, 2, None)
    assert refusal(graver, Approve(ANN, graver.revision)) == "not_entitled"
    assert approved(graver, SUE).state is State.APPROVED


def test_after_a_decision_the_number_of_stages_only_rises() -> None:
    assert after(card(Verdict.IMPORTANT), Rejudge(Verdict.CLEAN, 1)).stages == 1
    second = approved(card(Verdict.IMPORTANT), ANN)
    milder = after(second, Rejudge(Verdict.CLEAN, 1))
    assert (milder.verdict, milder.stages, milder.state) == (Verdict.CLEAN, 3, State.WAITING)
    assert after(card(), Escalate(ANN, 1), Rejudge(Verdict.SUSPECTED, 1)).stages == 2


def test_a_new_block_verdict_moves_a_card_to_the_blocked_pile_and_back() -> None:
    blocked = after(approved(card(), ANN), Rejudge(Verdict.BLOCK, 3))
    assert (blocked.state, blocked.approvals, blocked.publish_at) == (State.BLOCKED, (), None)
    assert refusal(blocked, Undo(ANN, blocked.revision)) == "closed"
    free = after(blocked, Rejudge(Verdict.SUSPECTED, 1))
    assert (free.state, free.stage, free.stages) == (State.WAITING, 1, 1)


def test_changed_lists_do_not_affect_decided_cards() -> None:
    for over in (
        after(approved(card(), ANN), Publish(), now=999.0),
        after(card(), Reject(ANN, 1, RejectCode.SPAM)),
        after(card(), Expire()),
    ):
        assert not apply(over, Rejudge(Verdict.BLOCK, 3), 1, RULES).changed


def test_unreviewed_cards_expire_and_stay_unpublished() -> None:
    for unreviewed in (
        card(),
        card(Verdict.BLOCK),
        approved(card(Verdict.SENSITIVE), ANN),
        after(approved(card(), ANN), Hold(ANN, "x")),
    ):
        over = after(unreviewed, Expire())
        assert over.state is State.EXPIRED
        assert refusal(over, Publish(), now=1e9) == "closed"
        assert refusal(over, Approve(CHI, over.revision)) == "closed"
        assert refusal(over, Restore(CHI, over.revision, "x")) == "closed"
    reviewed = approved(card(), ANN)
    assert not apply(reviewed, Expire(), 1, RULES).changed


# ---------------------------------------------------------------- the record


def test_every_change_has_its_record() -> None:
    step = apply(card(Verdict.SENSITIVE), Approve(SUE, 1), 105.0, RULES)
    assert step == Step(
        step.before,
        step.card,
        ActRecord("approve", 2, 105.0, 3, "senior-reviewer", Stage.FIRST),
    )
    undone = apply(step.card, Undo(SUE, 2), 106.0, RULES)
    assert undone.act == ActRecord("undo", 3, 106.0, 3, "senior-reviewer", Stage.FIRST)
    held = apply(card(), Hold(None, "a condemned moment"), 107.0, RULES)
    assert held.act == ActRecord("hold", 2, 107.0, note="a condemned moment")
