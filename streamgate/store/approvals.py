"""Approvals of push destinations (R13): one person enters an address, another one approves it."""

from typing import Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.errors import Refused
from streamgate.store.models import DestinationApproval
from streamgate.store.rows import change

Via = Literal["console", "command-line"]


def enter(
    session: Session, channel: str, destination: str, url_hash: str, *, by: str, at: float
) -> DestinationApproval:
    """Store that somebody entered this address; one that is in force already stays as it is."""
    present = find(session, channel, destination, url_hash)
    if present is not None:
        return present
    made = DestinationApproval(
        channel=channel, destination=destination, url_hash=url_hash, entered_by=by, entered_at=at
    )
    session.add(made)
    session.flush()
    return made


def find(session: Session, channel: str, destination: str, url_hash: str) -> DestinationApproval | None:
    """Return what is in force about this address, approved or waiting."""
    return session.scalar(
        sa.select(DestinationApproval).where(
            DestinationApproval.channel == channel,
            DestinationApproval.destination == destination,
            DestinationApproval.url_hash == url_hash,
            DestinationApproval.withdrawn_at.is_(None),
        )
    )


def approve(session: Session, approval_id: int, *, by: str, at: float, via: Via) -> bool:
    """Approve a waiting address; False when it does not wait (any more). Raises Refused for who entered it.

    The database forbids the same (constraint two_people), whatever code does.
    """
    row = session.get(DestinationApproval, approval_id)
    if row is not None and row.entered_by == by and via != "command-line":
        raise Refused(
            f"{by} entered this destination; somebody else must approve it (R13)",
            f"该推流目的地由 {by} 录入，须由另一人审批（R13）",
        )
    query = sa.update(DestinationApproval).where(
        DestinationApproval.id == approval_id,
        DestinationApproval.approved_at.is_(None),
        DestinationApproval.withdrawn_at.is_(None),
    )
    return change(session, query.values(approved_by=by, approved_at=at, via=via)) == 1


def withdraw(session: Session, channel: str, destination: str, *, by: str, at: float) -> int:
    """Take back everything in force about a destination, for example when it is removed. Returns how many."""
    query = sa.update(DestinationApproval).where(
        DestinationApproval.channel == channel,
        DestinationApproval.destination == destination,
        DestinationApproval.withdrawn_at.is_(None),
    )
    return change(session, query.values(withdrawn_by=by, withdrawn_at=at))


def withdraw_one(session: Session, approval_id: int, *, by: str, at: float) -> bool:
    """Take back one address; False when it was before."""
    query = sa.update(DestinationApproval).where(
        DestinationApproval.id == approval_id, DestinationApproval.withdrawn_at.is_(None)
    )
    return change(session, query.values(withdrawn_by=by, withdrawn_at=at)) == 1


def list_in_force(session: Session, *, waiting: bool | None = None) -> list[DestinationApproval]:
    """Return what is in force, oldest first; `waiting` True or False: only that kind."""
    query = sa.select(DestinationApproval).where(DestinationApproval.withdrawn_at.is_(None))
    if waiting is not None:
        missing = DestinationApproval.approved_at.is_(None)
        query = query.where(missing if waiting else ~missing)
    return list(session.scalars(query.order_by(DestinationApproval.id)))
