"""The duty board: tells the gate who is on duty on each channel, and when they were at keys or pointer."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import structlog
from sqlalchemy.orm import Session as Transaction

from console.auth.rights import ROLE_RIGHTS, Right
from console.live.gate_link import GateLink
from console.live.signs import Signs
from console.problems import Refused
from streamgate.clock import now_us, wall_s
from streamgate.errors import StoreError
from streamgate.link.messages import ChannelDuty, DutyReport, NextDuty, OnDuty
from streamgate.store import shifts, users
from streamgate.store.database import AsyncDatabase
from streamgate.store.shifts import Offer, Shift
from streamgate.store.users import Grant

REPORT_S = 2.0
REFRESH_S = 5.0
MIN_GAP_S = 0.1
WANTED = frozenset({"asked", "absent", "covered"})
"""States in which a sign is told at once."""
_log = structlog.get_logger("console.duty")


class Roster(NamedTuple):
    """What the database says of duty, from now to a day ahead. `operates`: user names by channel."""

    shifts: Sequence[Shift] = ()
    offers: Sequence[Offer] = ()
    declared: frozenset[str] = frozenset()
    grants: Mapping[str, Sequence[Grant]] = {}


def may_watch(grants: Iterable[Grant], channel: str) -> bool:
    """Whether somebody may cut there: only then their presence counts."""
    return _has(grants, channel, Right.CHANNEL_CUT)


def may_be_on_duty(grants: Iterable[Grant], channel: str) -> bool:
    """Whether somebody may be on the roster: who watches air, and who watches its comments."""
    grants = tuple(grants)
    return may_watch(grants, channel) or _has(grants, channel, Right.REVIEW_DECIDE)


def _has(grants: Iterable[Grant], channel: str, right: Right) -> bool:
    return any(
        one.channel in (None, channel) and right in ROLE_RIGHTS.get(one.role, frozenset()) for one in grants
    )


class DutyBoard:
    """Keeps the roster in memory: without the database the one read last counts.

    Before it was ever read, whoever may cut and has a page open counts.
    """

    def __init__(self, database: AsyncDatabase, gate: GateLink, signs: Signs) -> None:
        self._database, self._gate, self._signs = database, gate, signs
        self._roster: Roster | None = None
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Report and read the roster until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_roster())
            group.create_task(self._follow_signs())
            group.create_task(self._report())

    async def refresh(self) -> None:
        """Read the roster now: somebody changed it."""
        try:
            self._roster = await self._database.read(_read, wall_s())
        except StoreError as error:
            _log.warning("roster_not_read", reason=str(error))
        self._changed.set()

    async def _follow_roster(self) -> None:
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_S)

    async def _follow_signs(self) -> None:
        while True:
            await self._signs.came()
            if any(one.duty.state in WANTED for one in self._gate.channels):
                self._changed.set()
            await asyncio.sleep(MIN_GAP_S)

    async def _report(self) -> None:
        while True:
            self._changed.clear()
            with contextlib.suppress(Refused):  # without the gate there is nobody to tell
                await self._gate.report_duty(self.report(wall_s()))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REPORT_S):
                    await self._changed.wait()
            await asyncio.sleep(MIN_GAP_S)

    def report(self, now: float) -> DutyReport:
        """Return what the gate is to know. `now`: wall clock, seconds since the epoch."""
        names = [one.name for one in self._gate.channels]
        at_us = now_us()
        if self._roster is None:
            return DutyReport(0, at_us=at_us, channels={name: self._anybody(name) for name in names})
        channels = {name: self._known(self._roster, name, now) for name in names}
        return DutyReport(0, at_us=at_us, channels=channels)

    def _known(self, roster: Roster, channel: str, now: float) -> ChannelDuty:
        mine = [one for one in roster.shifts if one.channel == channel]
        people = [self._person(roster, one) for one in mine if one.starts_at <= now < one.ends_at]
        following = next((one for one in mine if one.starts_at > now), None)
        return ChannelDuty(
            people=people,
            next=None
            if following is None
            else NextDuty(following.user, following.display_name or following.user, following.starts_at),
            declared=channel in roster.declared,
        )

    def _person(self, roster: Roster, shift: Shift) -> OnDuty:
        offered = next((one for one in roster.offers if one.shift == shift.id), None)
        return OnDuty(
            user=shift.user,
            name=shift.display_name or shift.user,
            since=shift.starts_at,
            until=shift.ends_at,
            broadcast=shift.broadcast,
            operates=may_watch(roster.grants.get(shift.user, ()), shift.channel),
            quiet_s=self._signs.quiet_s(shift.user),
            to=offered.to if offered else "",
            note=offered.note if offered else "",
        )

    def _anybody(self, channel: str) -> ChannelDuty:
        """Nobody knows the roster: whoever may cut and has a page open counts."""
        there = {one.user: one for one in self._signs.sessions() if may_watch(one.grants, channel)}
        people = [
            OnDuty(user, one.display_name or user, quiet_s=self._signs.quiet_s(user))
            for user, one in sorted(there.items())
        ]
        return ChannelDuty(people=people, known=False)


def _read(session: Transaction, now: float) -> Roster:
    near = shifts.list_near(session, now)
    wanted = {one.user for one in near}
    grants = {user.username: tuple(held) for user, held in users.list_all(session) if user.username in wanted}
    return Roster(near, shifts.list_offers(session, now), shifts.list_channels(session), grants)
