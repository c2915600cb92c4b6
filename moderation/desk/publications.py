"""Builds the ledger record of a published card: who approved it, in which stage and role."""

from collections.abc import Mapping

from moderation.review.events import Step
from streamgate.ledger.record import Publication, StageApproval


def publication(step: Step, actors: Mapping[int, str]) -> Publication:
    """Return the record of a step that published its card. `actors`: names of people by number."""
    card = step.card
    return Publication(
        channel=card.channel,
        broadcast=card.broadcast,
        card=card.id,
        comments=list(step.published),
        verdict=int(card.verdict),
        stages=card.stages,
        approvals=[
            StageApproval(
                int(one.stage), one.user_id, actors.get(one.user_id, ""), one.role, round(one.at, 6)
            )
            for one in card.approvals
        ],
    )
