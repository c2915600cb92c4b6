"""Reads the database in threads, so that the event loop does not wait."""

import asyncio
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.orm import Session

from moderation.desk.workers import Workers
from streamgate.store.database import Database
from streamgate.store.failures import failure

THREADS = 3
ANSWER_S = 10.0
P = ParamSpec("P")
T = TypeVar("T")


class Reader:
    """`await reader.read(f, 1)` runs `f(session, 1)` in a read transaction.

    Raises StoreError; its kind is "hung" after 10 s without an answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._threads = Workers(THREADS, "comments-reader")

    async def read(
        self, run: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def transact() -> T:
            with self._database.read() as session:
                return run(session, *args, **kwargs)

        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._threads.run(transact)
        except TimeoutError:
            raise failure("hung", self._database.location) from None

    async def close(self, seconds: float) -> None:
        await self._threads.close(seconds)
