"""The operations of the desk that the public side uses, as a protocol.

`moderation.desk.desk.Desk` has them.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from moderation.desk.intake import CheckedComment, FeedItem, IncomingComment, IntakeResult, SourceRef
from moderation.desk.messages import InteractionView

T = TypeVar("T")


class Subscription(Protocol):
    """Feed items of a channel, as they are committed."""

    async def get(self) -> FeedItem | None:
        """Return the next item; None: items are missing, read them from the store."""

    def resume(self) -> None:
        """Queue items again. Call it before reading the store."""

    def close(self) -> None: ...


class DeskInterface(Protocol):
    """See `Desk` for each operation."""

    async def call(self, run: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a function of the store, `run(session, ...)`, with the next commit. Raises StoreError."""

    async def store_comments(
        self, source: SourceRef, incoming: Sequence[IncomingComment]
    ) -> list[IntakeResult]: ...

    def check_comment(
        self, source: SourceRef, incoming: IncomingComment, more: int
    ) -> CheckedComment | None: ...

    async def store_checked(self, fit: Sequence[CheckedComment]) -> list[IntakeResult]: ...

    def subscribe(self, channel: str) -> Subscription: ...

    def interaction(self, channel: str) -> InteractionView: ...

    def moment_of(self, channel: str, seen_at: float) -> float | None: ...

    async def states_of(self, comment_ids: Iterable[int]) -> dict[int, str]: ...
