"""Transactions: all or nothing, one writer at a time, and nothing lost between processes."""

import asyncio
import multiprocessing
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy.orm import Session

from streamgate.errors import Refused, StoreError
from streamgate.store import settings, users
from streamgate.store.check import check
from streamgate.store.database import AsyncDatabase, Database
from streamgate.store.location import Location
from streamgate.store.models import PasswordHistory, Setting, User
from streamgate.store.upgrade import upgrade


def test_an_exception_takes_everything_back(database: Database) -> None:
    def fail() -> None:
        with database.write() as session:
            users.add(session, "alice", by="x", at=1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    with database.read() as session:
        assert users.count(session) == 0


def test_what_only_reads_cannot_write(database: Database) -> None:
    with pytest.raises(StoreError), database.read() as session:
        users.add(session, "alice", by="x", at=1)

    with database.read() as session:
        assert users.count(session) == 0
    with database.write() as session:  # the same connection of the pool may write again
        users.add(session, "alice", by="x", at=1)


def test_a_reader_sees_one_state_and_does_not_wait_for_the_writer(location: Location) -> None:
    upgrade(location)
    with Database(location) as one, Database(location) as other:
        with one.write() as writing:
            users.add(writing, "alice", by="x", at=1)
            with other.read() as session:
                assert users.count(session) == 0
        with other.read() as session:
            assert users.count(session) == 1


def test_a_reader_sees_the_same_state_to_its_end(location: Location) -> None:
    upgrade(location)
    with Database(location) as one, Database(location) as other:
        with one.read() as session:
            assert users.count(session) == 0
            with other.write() as writing:
                users.add(writing, "alice", by="x", at=1)
            assert users.count(session) == 0
        with one.read() as session:
            assert users.count(session) == 1


async def test_asyncio_readers_see_the_same_state_to_their_end(location: Location) -> None:
    upgrade(location)

    def look(session: Session) -> list[int]:
        before = users.count(session)
        with Database(location) as other, other.write() as writing:
            users.add(writing, "alice", by="x", at=1)
        return [before, users.count(session)]

    database = AsyncDatabase(location)
    try:
        assert await database.read(look) == [0, 0]
        assert await database.read(users.count) == 1
    finally:
        await database.close()


def test_what_was_read_stays_usable_after_the_transaction(database: Database) -> None:
    with database.write() as session:
        alice = users.add(session, "alice", by="x", at=1)

    assert (alice.username, alice.created_at, alice.disabled_at) == ("alice", 1, None)


def test_times_come_back_to_the_microsecond(database: Database) -> None:
    at = 1_795_352_210.123456
    with database.write() as session:
        users.add(session, "alice", by="x", at=at)
    with database.read() as session:
        assert users.find(session, "alice").created_at == at


def add_one(session) -> None:
    """Read, think, write: two at the same time would lose one, were they let in together."""
    value = session.scalar(sa.select(Setting.value).where(Setting.key == "n").with_for_update())
    settings.put(session, "n", value + 1, by="x", at=1)


def count_up(location: Location, times: int) -> None:
    with Database(location) as database:
        for _ in range(times):
            with database.write() as session:
                add_one(session)


def test_writers_in_three_processes_lose_nothing_and_do_not_block_each_other(location: Location) -> None:
    upgrade(location)
    with Database(location) as database, database.write() as session:
        settings.put(session, "n", 0, by="x", at=1)

    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        for one in [pool.apply_async(count_up, (location, 100)) for _ in range(3)]:
            one.get(60)

    with Database(location) as database, database.read() as session:
        assert settings.get(session, "n") == 300


def test_writers_in_four_threads_lose_nothing(location: Location) -> None:
    upgrade(location)
    with Database(location) as database:
        with database.write() as session:
            settings.put(session, "n", 0, by="x", at=1)

        def run() -> None:
            for _ in range(25):
                with database.write() as session:
                    add_one(session)

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with database.read() as session:
            assert settings.get(session, "n") == 100


def killed_writer(location: Location, started: str) -> None:
    with Database(location) as database:
        for number in range(100_000):
            with database.write() as session:
                user = users.add(session, f"user{number}", by="x", at=1)
                users.set_password(session, user.id, "hash", at=1)
            if number == 5:
                Path(started).touch()


def test_kill_9_leaves_whole_transactions_and_no_lock(location: Location, tmp_path: Path) -> None:
    upgrade(location)
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=killed_writer, args=(location, str(tmp_path / "started")))
    process.start()
    while not (tmp_path / "started").exists():
        assert process.is_alive()
        time.sleep(0.02)
    process.kill()
    process.join()

    with Database(location) as database, database.write() as session:
        assert users.count(session) >= 5
        assert users.count(session) == session.scalar(sa.select(sa.func.count()).select_from(PasswordHistory))
    assert check(location).problems == []


# ---------------------------------------------------------------- asyncio


async def test_asyncio_writes_and_reads(location: Location) -> None:
    upgrade(location)
    database = AsyncDatabase(location)
    try:
        made = await database.write(users.add, "alice", by="x", at=1)
        found = await database.read(users.find, "ALICE")
        assert (found.id, found.username) == (made.id, "alice")
        with pytest.raises(Refused, match="called Alice already"):
            await database.write(users.add, "Alice", by="x", at=1)
        with pytest.raises(StoreError):
            await database.read(users.add, "bob", by="x", at=1)
        assert await database.read(users.count) == 1
    finally:
        await database.close()


async def test_asyncio_writers_beside_a_thread_lose_nothing(location: Location) -> None:
    upgrade(location)
    database = AsyncDatabase(location)
    await database.write(settings.put, "n", 0, by="x", at=1)
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(count_up, location, 30))
        for _ in range(20):
            group.create_task(database.write(add_one))

    assert await database.read(settings.get, "n") == 50
    await database.close()


async def test_a_cancelled_writer_leaves_nothing_behind_and_no_lock(location: Location) -> None:
    upgrade(location)
    database = AsyncDatabase(location)
    for delay in (0, 0.0005, 0.001, 0.002, 0.004, 0.008) * 10:
        task = asyncio.create_task(database.write(users.add, f"user{delay}", by="x", at=1))
        await asyncio.sleep(delay)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.wait_for(database.write(users.add, "last", by="x", at=1), 2)
    await database.close()


async def test_the_loop_runs_on_while_a_writer_waits(sqlite: Location) -> None:
    upgrade(sqlite)
    database = AsyncDatabase(sqlite)
    await database.read(users.count)
    with Database(sqlite) as other, other.write():
        waiting = asyncio.create_task(database.write(users.add, "alice", by="x", at=1))
        longest = 0.0
        for _ in range(40):
            begun = time.monotonic()
            await asyncio.sleep(0.005)
            longest = max(longest, time.monotonic() - begun)
        assert not waiting.done()
    await waiting
    await database.close()
    assert longest < 0.15


# ---------------------------------------------------------------- states


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_people_and_roles_as_a_model_has_them(engine: str, request: pytest.FixtureRequest) -> None:
    """Random adding, disabling and granting: the database says what a dictionary says."""
    location: Location = request.getfixturevalue(engine)
    upgrade(location)
    names = st.sampled_from(["alice", "Alice", "ALICE", "李雷", "Straße", "STRASSE", "bob"])
    grants = st.sets(
        st.builds(users.Grant, st.sampled_from(["operator", "reviewer"]), st.sampled_from([None, "main"]))
    )

    class People(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.database = Database(location)
            self.people: dict[str, dict[str, object]] = {}
            with self.database.write() as session:
                for table in reversed(User.metadata.sorted_tables):
                    session.execute(sa.delete(table))

        @rule(name=names, given=grants)
        def add(self, name: str, given: set[users.Grant]) -> None:
            key = name.casefold()
            try:
                with self.database.write() as session:
                    user = users.add(session, name, by="x", at=1, grants=given)
            except Refused:
                assert key in self.people
            else:
                assert key not in self.people
                self.people[key] = {"id": user.id, "disabled": False, "grants": given}

        @rule(name=names, on=st.booleans())
        def disable(self, name: str, on: bool) -> None:
            person = self.people.get(name.casefold())
            if person is not None:
                with self.database.write() as session:
                    act = (
                        users.disable(session, person["id"], at=2)
                        if on
                        else users.enable(session, person["id"])
                    )
                assert act is (person["disabled"] is not on)
                person["disabled"] = on

        @rule(name=names, given=grants)
        def grant(self, name: str, given: set[users.Grant]) -> None:
            person = self.people.get(name.casefold())
            if person is not None:
                with self.database.write() as session:
                    users.set_roles(session, person["id"], given, by="x", at=3)
                person["grants"] = given

        @invariant()
        def same(self) -> None:
            with self.database.read() as session:
                stored = {
                    user.username.casefold(): {
                        "id": user.id,
                        "disabled": user.disabled_at is not None,
                        "grants": set(held),
                    }
                    for user, held in users.list_all(session)
                }
            assert stored == self.people

        def teardown(self) -> None:
            self.database.close()

    run_state_machine_as_test(
        People, settings=hypothesis_settings(max_examples=15, stateful_step_count=20, deadline=None)
    )
