"""Who acts: a signed-in person or a program with a token, as this process knows them at the moment."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

from streamgate.store.users import Grant

State = Literal["open", "idle", "password_expired", "totp_setup"]
Limit = Literal["", "password_expired", "totp_setup"]
"""What a session is limited to: nothing; choosing a new password; setting up a second factor."""


SESSION_CHARS = 16


def session_name(id_: str) -> str:
    """Return how a session is named in records: the beginning of its id, which opens nothing."""
    return id_[:SESSION_CHARS]


class Principal:
    """Base of both. `version` rises when what this principal may do changes; `ended` says why it is over."""

    name: str  # as it stands in the journal behind "console:" or "token:"

    def __init__(self, address: str = "") -> None:
        self.address = address
        self.version = 0
        self.ended = ""
        self._changed = asyncio.Event()

    @property
    def actor(self) -> str:
        """The name that stands in the gate's journal for what this principal does."""
        raise NotImplementedError

    @property
    def role(self) -> str:
        """In which role it acts, for the record."""
        raise NotImplementedError

    def touch(self, at: float) -> None:
        """Note that it did something."""

    def end(self, why: str) -> None:
        if not self.ended:
            self.ended = why
            self._announce()

    async def changed(self, seen: int) -> None:
        """Return when `version` is no longer `seen`."""
        while self.version == seen:
            await self._changed.wait()

    def _announce(self) -> None:
        self.version += 1
        event, self._changed = self._changed, asyncio.Event()
        event.set()


class Session(Principal):
    """A signed-in person. Times: wall clock, seconds.

    `id`: hash of what the cookie holds. `idle`: unused for too long while something is on air. `pages`: open
    websockets of state; `page_at`: when there was one last. `ended` (an argument) is called once, with the
    reason, when it is over.
    """

    def __init__(
        self,
        id_: str,
        *,
        user_id: int,
        user: str,
        display_name: str,
        grants: Sequence[Grant],
        limit: Limit,
        created_at: float,
        expires_at: float,
        seen_at: float,
        loaded_at: float,
        address: str,
        ended: "Callable[[Session, str], None] | None" = None,
    ) -> None:
        super().__init__(address)
        self._tell_ended = ended
        self.id, self.user_id, self.user, self.display_name = id_, user_id, user, display_name
        self.grants, self.limit = tuple(grants), limit
        self.created_at, self.expires_at = created_at, expires_at
        self.seen_at = self.kept_seen_at = seen_at
        self.idle = False
        self.pages, self.page_at = 0, loaded_at

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.user

    @property
    def actor(self) -> str:
        return f"console:{self.user}"

    @property
    def role(self) -> str:
        return ",".join(str(grant) for grant in self.grants)

    def end(self, why: str) -> None:
        if not self.ended and self._tell_ended is not None:
            self._tell_ended(self, why)
        super().end(why)

    @property
    def state(self) -> State:
        return self.limit or ("idle" if self.idle else "open")

    def touch(self, at: float) -> None:
        """Note that the person did something. Nothing done while idle brings a session back."""
        if not self.idle:
            self.seen_at = max(self.seen_at, at)

    def become_idle(self) -> None:
        if not self.idle:
            self.idle = True
            self._announce()

    def update(self, *, display_name: str, grants: Sequence[Grant], limit: Limit) -> None:
        """Take over what the database says now."""
        if (self.display_name, self.grants, self.limit) != (display_name, tuple(grants), limit):
            self.display_name, self.grants, self.limit = display_name, tuple(grants), limit
            self._announce()


class Bearer(Principal):
    """A program that holds a token. `scopes`: names of rights. `channel` None: all channels."""

    def __init__(
        self, id_: int, name: str, *, scopes: Sequence[str], channel: str | None, expires_at: float | None
    ) -> None:
        super().__init__()
        self.id, self.name = id_, name
        self.scopes, self.channel, self.expires_at = frozenset(scopes), channel, expires_at
        self.used_at: float | None = None  # not yet written

    @property
    def actor(self) -> str:
        return f"token:{self.name}"

    @property
    def role(self) -> str:
        return "token"
