"""How long each person takes to react: given back when they dump, so that nothing of what they saw airs."""

import asyncio

import structlog

from console.auth.principals import Principal, Session
from streamgate.errors import StoreError
from streamgate.store import reactions
from streamgate.store.database import AsyncDatabase
from streamgate.store.reactions import MarkKind, Reaction

Times = dict[MarkKind, Reaction]
WAIT_S = 0.1
"""So long a dump waits for the database; then what was known last counts."""
MAX_KNOWN = 4096
_log = structlog.get_logger("console.reactions")


class Reactions:
    """The reaction times of people, as the database has them."""

    def __init__(self, database: AsyncDatabase) -> None:
        self._database = database
        self._known: dict[int, Times] = {}

    async def read(self, session: Session) -> Times:
        """Return a person's own. Raises StoreError."""
        while len(self._known) >= MAX_KNOWN:
            del self._known[next(iter(self._known))]
        found = await self._database.read(reactions.reactions_of, session.user_id)
        self._known[session.user_id] = found
        return found

    async def seconds_of(self, who: Principal, sense: MarkKind | None) -> float:
        """Return what is to be given back to somebody, within WAIT_S. `sense` None: the longer of both."""
        if not isinstance(who, Session):
            return 0.0
        try:
            async with asyncio.timeout(WAIT_S):
                found = await self.read(who)
        except (TimeoutError, StoreError) as error:
            _log.warning("reaction_not_read", user=who.user, reason=str(error) or "the database is slow")
            found = self._known.get(who.user_id, {})
        kinds = reactions.KINDS if sense is None else (sense,)
        return max((found.get(kind, Reaction()).in_force_s or 0.0) for kind in kinds)
