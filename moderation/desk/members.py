"""Members: the comments on a card, with the filter's judgement on each."""

from collections.abc import Iterable

import msgspec
from sqlalchemy.orm import Session

from moderation.filter.policy import STAGES, Verdict
from streamgate.store import comments
from streamgate.store.comment_models import Comment
from streamgate.store.comments import Judgement


class Member(msgspec.Struct, frozen=True, gc=False):
    """A comment on a card. See `streamgate.store.comment_models.Comment`.

    `stages`: how many approvals the filter asks for. It is not stored: after a start it is what the verdict
    asks for at least.
    """

    id: int
    source_id: int
    author_id: str
    author: str
    text: str
    received_at: float
    at_media_s: float | None
    judgement: Judgement
    stages: int
    bullet: bool = False


def load_members(session: Session, card_ids: Iterable[int]) -> dict[int, list[Member]]:
    """Return the comments of these cards by card number, the oldest first."""
    found = comments.of_cards(session, card_ids)
    return {card_id: [_member(one) for one in some] for card_id, some in found.items()}


def _member(row: Comment) -> Member:
    judgement = Judgement(
        row.verdict, row.lists, row.hits, row.cause_zh, row.cause_en, row.masked, row.masked_author
    )
    return Member(
        row.id,
        row.source_id,
        row.author_id,
        row.author,
        row.text,
        row.received_at,
        row.at_media_s,
        judgement,
        STAGES[Verdict(row.verdict)],
        row.bullet,
    )
