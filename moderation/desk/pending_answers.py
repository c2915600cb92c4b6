"""Answers to comments that were handed in together. Each comes after its commit, and commits may differ."""

import asyncio

from moderation.desk.intake import IntakeResult

Outcome = IntakeResult | Exception


class PendingAnswers:
    """Collects the answers to a batch of comments. Create it in the event loop.

    `outcomes`: an answer or an error for each comment, in order; None while there is none yet. The batch has
    one future, because a future for each comment took much of the time in a flood.
    """

    __slots__ = ("_left", "_over", "outcomes")

    def __init__(self, count: int) -> None:
        self.outcomes: list[Outcome | None] = [None] * count
        self._left = count
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def set_outcome(self, place: int, outcome: Outcome) -> None:
        if self.outcomes[place] is None:
            self.outcomes[place] = outcome
            self._left -= 1
            if not self._left and not self._over.done():  # the caller may have been cancelled
                self._over.set_result(None)

    async def wait(self, seconds: float) -> list[Outcome | None]:
        """Wait until all outcomes are there, for at most `seconds`; return those that are."""
        await asyncio.wait((self._over,), timeout=seconds)
        return list(self.outcomes)
