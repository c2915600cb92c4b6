"""What the viewers' side asks of the desk, as a type: `moderation.desk.desk.Desk` is one."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from moderation.desk.intake import FeedItem, Incoming, SourceRef, Taken
from moderation.desk.messages import InteractionView


class Subscription(Protocol):
    """Feed items of a channel as they are committed."""

    async def get(self) -> FeedItem | None:
        """Return the next item; None: some were lost, the store has them."""

    def resume(self) -> None:
        """Queue items again, before the store is read."""

    def close(self) -> None: ...


class DeskSide(Protocol):
    async def take_in(self, source: SourceRef, incoming: Sequence[Incoming]) -> list[Taken]: ...

    def subscribe(self, channel: str) -> Subscription: ...

    def interaction(self, channel: str) -> InteractionView: ...

    def moment_of(self, channel: str, seen_at: float) -> float | None: ...

    async def states_of(self, comment_ids: Iterable[int]) -> dict[int, str]: ...
