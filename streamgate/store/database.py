"""An open database: transactions that read, and transactions that write, one writer at a time a process.

Both classes run the same functions: a repository takes a `Session`. `Database` is for threads and the command
line, `AsyncDatabase` for asyncio; there a function runs in the driver's thread and must do nothing but talk
to the session.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import Session

from streamgate.store import sqlite_file
from streamgate.store.engine import BUSY_S, READS, WRITES, open_async_engine, open_engine
from streamgate.store.failures import failure, translated, translated_files
from streamgate.store.location import Location
from streamgate.store.version import require_head

ANSWER_S = 15.0  # more than all waits inside a transaction that end by themselves
P = ParamSpec("P")
T = TypeVar("T")


class _Checked:
    """What both kinds look after: the hold on the file, its identity, the schema's version."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self._looking = threading.Lock()
        self._held: int | None = None
        self._identity: tuple[int, int] | None = None
        self._at_head = False

    def _still_there(self) -> bool:
        """Return whether the pool's connections are of the file that stands there now. Raises StoreError.

        Costs one stat(2) a transaction. A file that was replaced would go on taking writes nobody reads.
        """
        if self.location.kind != "sqlite":
            return True
        with self._looking, translated_files(self.location):
            found = sqlite_file.identity(self.location)
            if self._held is None:
                self._held = sqlite_file.hold_shared(self.location)
            known, self._identity = self._identity, found
            self._at_head = self._at_head and known == found
        return known in (None, found)

    def _check_version(self, connection: sa.Connection) -> None:
        if not self._at_head:
            require_head(connection, self.location)
            self._at_head = True

    def _let_go(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None


class Database(_Checked):
    """For threads. Opens at the first transaction; raises StoreError where the database cannot be used."""

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._engine = open_engine(location)
        self._writer = threading.Lock()

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that sees one state of the database and changes nothing."""
        with self._transaction(writes=False) as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that is committed at the end, durably, or rolled back by an exception."""
        if self.location.kind == "postgresql":
            with self._transaction(writes=True) as session:
                yield session
            return
        if not self._writer.acquire(timeout=BUSY_S):
            raise failure("locked", self.location)
        try:
            with self._transaction(writes=True) as session:
                yield session
        finally:
            self._writer.release()

    @contextlib.contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Session]:
        with translated(self.location):
            if not self._still_there():
                self._engine.dispose()
            options = WRITES if writes else _reads(self.location)
            with self._engine.connect().execution_options(**options) as connection, connection.begin():
                self._check_version(connection)
                with Session(connection, expire_on_commit=False) as session:
                    yield session
                    session.flush()

    def close(self) -> None:
        self._engine.dispose()
        self._let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncDatabase(_Checked):
    """For asyncio: `await database.write(users.add, "alice")` runs `users.add(session, "alice")`."""

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._engine: AsyncEngine = open_async_engine(location)
        self._writer = asyncio.Lock()
        self._running: set[asyncio.Task[Any]] = set()
        self._given_up: set[asyncio.Task[Any]] = set()  # nobody waits for these any more

    async def read(
        self, run: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a function of a session in a transaction that changes nothing."""

        async def transact() -> T:
            async with self._transaction(writes=False) as session:
                return await session.run_sync(run, *args, **kwargs)

        return await self._answered(transact())

    async def write(
        self, run: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a function of a session and commit, durably; an exception in it rolls everything back.

        After a StoreError of kind "hung" nobody knows: the commit may still come to pass.
        """

        async def transact() -> T:
            async with self._turn(), self._transaction(writes=True) as session:
                result = await session.run_sync(run, *args, **kwargs)
                await session.flush()
                self._go_on()
            return result

        return await self._answered(transact())

    async def _answered(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for a transaction, but not longer than `ANSWER_S`.

        A thread that waits for a frozen disk cannot be ended: its transaction is left alone then. There are
        at most as many of them as the pool has connections. The task is never cancelled: what it asked the
        driver's thread for would be done all the same, by then on a connection that nobody has any more, and
        the lock of that would stay. It gives up by itself instead, between two steps.
        """
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            await asyncio.wait({task}, timeout=ANSWER_S)
        except asyncio.CancelledError:
            self._given_up.add(task)
            task.add_done_callback(self._given_up.discard)
            task.add_done_callback(_forget)
            await asyncio.wait({task}, timeout=1)
            raise
        if task.done():
            return task.result()
        task.add_done_callback(_forget)
        raise failure("hung", self.location)

    def _go_on(self) -> None:
        """Raise CancelledError, which rolls back, when nobody waits for this task any more."""
        if asyncio.current_task() in self._given_up:
            raise asyncio.CancelledError

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait for this process's other writer. PostgreSQL needs none of that."""
        if self.location.kind == "postgresql":
            yield
            return
        try:
            async with asyncio.timeout(BUSY_S):
                await self._writer.acquire()
        except TimeoutError:
            raise failure("locked", self.location) from None
        try:
            yield
        finally:
            self._writer.release()

    @contextlib.asynccontextmanager
    async def _transaction(self, *, writes: bool) -> AsyncIterator[AsyncSession]:
        with translated(self.location):
            if not await asyncio.to_thread(self._still_there):
                await self._engine.dispose()
            async with self._engine.connect() as connection:
                options = WRITES if writes else _reads(self.location)
                await connection.execution_options(**options)
                self._go_on()
                async with connection.begin():
                    await connection.run_sync(self._check_version)
                    async with _session(connection) as session:
                        yield session

    async def close(self) -> None:
        await self._engine.dispose()
        self._let_go()


def _forget(task: asyncio.Task[Any]) -> None:
    """Take the outcome of a transaction nobody waits for any more, so that asyncio does not complain."""
    if not task.cancelled():
        task.exception()


def _session(connection: AsyncConnection) -> AsyncSession:
    return AsyncSession(connection, expire_on_commit=False)


def _reads(location: Location) -> dict[str, object]:
    if location.kind == "sqlite":
        return {**READS}
    # By itself PostgreSQL would show each statement what was committed by then.
    return {**READS, "postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}
