"""Reads from the database what the desk keeps in memory: after a start, and after the database was away."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from moderation.desk import broadcasts, card_records, interactions
from moderation.desk.broadcasts import Broadcast, Condemned
from moderation.desk.members import load_members
from moderation.desk.messages import InteractionView
from moderation.desk.piles import Piles
from streamgate.clock import wall_s
from streamgate.store import bans, settings, trusted
from streamgate.store.bans import BanInForce
from streamgate.store.comment_models import Source
from streamgate.store.database import Database
from streamgate.store.models import User
from streamgate.store.trusted import Trust


class Switches(NamedTuple):
    """Settings that the command line or the console may change at any time.

    `sources`: names by number, removed sources included. `trusted`: by source and author.
    """

    interactions: dict[str, InteractionView]
    sources: dict[int, str]
    bans: list[BanInForce]
    trusted: dict[tuple[int, str], Trust]


class StoredState(NamedTuple):
    """Everything that the desk keeps in memory. `people`: names by account number."""

    piles: Piles
    switches: Switches
    broadcasts: dict[str, Broadcast]
    condemned: dict[str, Condemned]
    people: dict[int, str]


def load(database: Database) -> StoredState:
    """Read everything in one transaction. Raises StoreError. Measured: 1 to 2 s for 20,000 cards."""
    with database.read() as session:
        piles = Piles()
        opened = card_records.load_open(session)
        members = load_members(session, opened)
        for card in opened.values():
            piles.put(card, members.get(card.id, []))
        stored = settings.list_under(session, broadcasts.PREFIX)
        on_air = {one.key.removeprefix(broadcasts.PREFIX): broadcasts.decode(one.value) for one in stored}
        condemned = settings.list_under(session, broadcasts.CONDEMNED_PREFIX)
        return StoredState(
            piles,
            load_switches(session),
            {channel: one for channel, one in on_air.items() if one is not None},
            {
                one.key.removeprefix(broadcasts.CONDEMNED_PREFIX): Condemned.decode(one.value)
                for one in condemned
            },
            load_people(session),
        )


def load_switches(session: Session) -> Switches:
    found = settings.list_under(session, interactions.PREFIX)
    return Switches(
        {
            one.key.removeprefix(interactions.PREFIX): interactions.decode(
                one.value, one.changed_by, one.changed_at
            )
            for one in found
        },
        {number: name for number, name in session.execute(sa.select(Source.id, Source.name))},  # noqa: C416
        bans.list_in_force(session, at=wall_s()),
        {(one.source_id, one.author_id): one for one in trusted.list_in_force(session)},
    )


def load_people(session: Session) -> dict[int, str]:
    """Return the names of all people by number."""
    return {number: name for number, name in session.execute(sa.select(User.id, User.username))}  # noqa: C416
