"""What the desk has the ledger say of a publication: every approval, and never a text."""

import msgspec
from desk_running import (
    CHIEF,
    REVIEWER,
    SENIOR,
    SENSITIVE,
    approve,
    card_of,
    take,
    until,
)

from moderation.desk.desk import Desk


async def test_a_publication_is_recorded_with_its_approvals_and_no_text(desk: Desk) -> None:
    told = []
    desk.record = told.append
    taken = await take(desk, SENSITIVE)
    card = card_of(desk, taken.id)
    people = [REVIEWER, SENIOR, CHIEF][: card.stages]
    for person in people:
        card = await approve(desk, card, person)
    await until(lambda: card.id not in desk.piles)
    (record,) = told
    assert (record.card, record.comments, record.channel) == (card.id, [taken.id], "main")
    assert (record.stages, record.verdict) == (card.stages, int(card.verdict))
    assert [(one.stage, one.person) for one in record.approvals] == [
        (stage, person.id) for stage, person in enumerate(people, 1)
    ]
    assert all(one.by and one.role for one in record.approvals)
    assert SENSITIVE.encode() not in msgspec.json.encode(record)
