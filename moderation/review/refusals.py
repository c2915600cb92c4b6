"""Refusals of the review rules, in both languages.

Codes: `stale`, `taken`, `held`, `closed`, `too_late`, `most_stages`, `unreviewed` (the state of the card does
not allow it), `same_person`, `not_entitled` (this person may not do it), `not_found`, `reason`,
`batch` (the request is wrong).
"""

from moderation.errors import ReviewRefused
from moderation.review.card import Card, State
from moderation.review.stages import ENTITLED, MAX_STAGES, Stage

_STATES_ZH = {
    State.BLOCKED: "已拦截",
    State.WAITING: "待审",
    State.APPROVED: "已通过，即将发布",
    State.PUBLISHED: "已发布",
    State.REJECTED: "已驳回",
    State.EXPIRED: "已过期",
}


def stale(card: Card, seen: int) -> ReviewRefused:
    return ReviewRefused(
        "stale",
        f"card {card.id} has changed: you saw version {seen}, it is version {card.revision};"
        " look at it again, then decide",
        f"卡片 {card.id} 已变化：您看到的是第 {seen} 版，现为第 {card.revision} 版；请重新查看后再决定",
    )


def not_found(channel: str, card_id: int) -> ReviewRefused:
    return ReviewRefused(
        "not_found",
        f"there is no card {card_id} on channel {channel}; look at the queue again",
        f"频道 {channel} 没有卡片 {card_id}；请刷新待审列表",
    )


def taken(card_id: int, holder: int) -> ReviewRefused:
    return ReviewRefused(
        "taken",
        f"somebody else (account {holder}) is working on card {card_id}; take another one",
        f"卡片 {card_id} 正由他人（账号 {holder}）处理；请处理其他卡片",
    )


def closed(card: Card, act: str) -> ReviewRefused:
    return ReviewRefused(
        "closed",
        f"card {card.id} is {card.state}; {act} is not possible then",
        f"卡片 {card.id} {_STATES_ZH[card.state]}；当前不能执行此操作（{act}）",
    )


def held(card: Card) -> ReviewRefused:
    return ReviewRefused(
        "held",
        f"card {card.id} is on hold ({card.held}); a senior reviewer must release it first",
        f"卡片 {card.id} 已搁置（{card.held}）；须先由复审员解除",
    )


def not_held(card: Card) -> ReviewRefused:
    return ReviewRefused("closed", f"card {card.id} is not on hold", f"卡片 {card.id} 未被搁置")


def same_person(card: Card) -> ReviewRefused:
    return ReviewRefused(
        "same_person",
        f"you have decided an earlier stage of card {card.id}; somebody else must decide this one (R26)",
        f"您已审核过卡片 {card.id} 的前一环节；本环节须由他人审核（R26）",
    )


def not_entitled(stage: Stage) -> ReviewRefused:
    roles = ", ".join(ENTITLED[stage])
    return ReviewRefused(
        "not_entitled",
        f"the {stage.word} stage is decided by: {roles}; ask for one of these roles",
        f"{stage.word_zh}须由以下角色进行：{roles}；请申请相应角色",
    )


def most_stages(card: Card) -> ReviewRefused:
    return ReviewRefused(
        "most_stages",
        f"card {card.id} has {MAX_STAGES} stages already, there is no further one; hold it when in doubt",
        f"卡片 {card.id} 已有 {MAX_STAGES} 个环节，无法再上报；如有疑问请搁置",
    )


def not_yours(card: Card) -> ReviewRefused:
    return ReviewRefused(
        "not_entitled",
        f"the newest decision on card {card.id} is not yours; only who decided can undo it",
        f"卡片 {card.id} 的最新决定不是您作出的；只有本人可以撤销",
    )


def nothing_to_undo(card: Card) -> ReviewRefused:
    return ReviewRefused("closed", f"nothing is decided on card {card.id}", f"卡片 {card.id} 尚无决定可撤销")


def too_late(card: Card, window_s: float) -> ReviewRefused:
    return ReviewRefused(
        "too_late",
        f"a rejection can be undone for {window_s:g} s; a senior reviewer can restore card {card.id}",
        f"驳回只能在 {window_s:g} 秒内撤销；复审员可以恢复卡片 {card.id}",
    )


def no_reason(act: str, chars: int) -> ReviewRefused:
    return ReviewRefused(
        "reason",
        f"{act} needs a reason of 1 to {chars} characters, all of them valid",
        f"此操作（{act}）须说明理由，1 至 {chars} 个有效字符",
    )


def not_on_card(card: Card, comment: int) -> ReviewRefused:
    return ReviewRefused(
        "closed",
        f"comment {comment} is not on card {card.id}, or is retracted already",
        f"评论 {comment} 不在卡片 {card.id} 中，或已撤回",
    )


def not_due(card: Card) -> ReviewRefused:
    return ReviewRefused(
        "closed", f"card {card.id} is not due for publication yet", f"卡片 {card.id} 尚未到发布时间"
    )


def unreviewed(card: Card) -> ReviewRefused:
    """Return the refusal of the last check before publication. It occurs only with wrong data or code."""
    return ReviewRefused(
        "unreviewed",
        f"card {card.id} lacks approvals of {card.stages} entitled, different people; it is not published",
        f"卡片 {card.id} 缺少 {card.stages} 名有权且互不相同的审核人的通过；不予发布",
    )


def batch(text: str, zh: str) -> ReviewRefused:
    return ReviewRefused("batch", text, zh)
