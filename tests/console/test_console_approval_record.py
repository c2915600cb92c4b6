"""The record of approvals follows the channel files, on a real database."""

import asyncio
import hashlib
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from console.auth.principals import Principal
from console.live.gate_link import GateLink
from console.setup import approval_record
from console.setup.approval_record import ApprovalRecord
from console.setup.channel_files import ChannelFiles
from streamgate.runtime.channels import ChannelStore
from streamgate.runtime.destinations import Entry
from streamgate.store import approvals
from streamgate.store.database import AsyncDatabase, Database
from streamgate.store.location import Location, locate
from streamgate.store.models import DestinationApproval
from streamgate.store.upgrade import upgrade

URL = "rtmp://127.0.0.1/app/k"


class Somebody(Principal):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    @property
    def actor(self) -> str:
        return f"console:{self.name}"

    @property
    def role(self) -> str:
        return "administrator"


ALICE = Entry("console:alice", 10.0, alone=False)


@pytest.fixture
def location(tmp_path: Path) -> Location:
    location = locate("sqlite", tmp_path)
    upgrade(location)
    return location


@pytest.fixture
def store(tmp_path: Path) -> ChannelStore:
    store = ChannelStore(tmp_path)
    store.add("main", push=[f"old={URL}0"])
    return store


def follow(location: Location, store: ChannelStore) -> None:
    """Follow the files; what was removed of destination yt, carol removed."""
    removed = {("main", "yt", hashlib.sha256(URL.encode()).hexdigest()): "console:carol"}
    with Database(location) as database, database.write() as session:
        approval_record.follow(session, store.load_all(), at=100.0, removed=removed)


def rows(location: Location) -> list[tuple[str, str, str | None, str | None, str | None]]:
    def read(session: Session) -> list[tuple[str, str, str | None, str | None, str | None]]:
        found = session.query(DestinationApproval).order_by(DestinationApproval.id)
        return [
            (one.destination, one.entered_by, one.approved_by, one.via, one.withdrawn_by) for one in found
        ]

    with Database(location) as database, database.read() as session:
        return read(session)


def test_entered_approved_and_removed(location: Location, store: ChannelStore) -> None:
    store.enter("main", "yt", URL, ALICE)
    follow(location, store)
    assert rows(location) == [("yt", "console:alice", None, None, None)]
    store.approve("main", "yt", by="console:bob", at=20.0, alone=False)
    follow(location, store)
    follow(location, store)  # a second look adds nothing
    assert rows(location) == [("yt", "console:alice", "console:bob", "console", None)]
    store.set("main", remove_push=["yt"])
    follow(location, store)
    assert rows(location) == [("yt", "console:alice", "console:bob", "console", "console:carol")]


def test_the_command_line_enters_and_approves_in_one_step(location: Location, store: ChannelStore) -> None:
    store.enter("main", "yt", URL, Entry("cli:root", 10.0, alone=True))
    follow(location, store)
    assert rows(location) == [("yt", "cli:root", "cli:root", "command-line", None)]


def test_the_same_address_entered_anew_is_another_row_and_waits(
    location: Location, store: ChannelStore
) -> None:
    store.enter("main", "yt", URL, ALICE)
    store.approve("main", "yt", by="console:bob", at=20.0, alone=False)
    follow(location, store)
    store.set("main", remove_push=["yt"])
    store.enter("main", "yt", URL, Entry("console:alice", 30.0, alone=False))
    follow(location, store)
    assert rows(location) == [
        ("yt", "console:alice", "console:bob", "console", "console:carol"),
        ("yt", "console:alice", None, None, None),
    ]


def test_rows_of_a_file_that_cannot_be_read_stay(
    location: Location, store: ChannelStore, tmp_path: Path
) -> None:
    store.enter("main", "yt", URL, ALICE)
    follow(location, store)
    (tmp_path / "channels" / "main.json").write_text("{")
    follow(location, store)
    assert rows(location) == [("yt", "console:alice", None, None, None)]
    store.remove("main")
    follow(location, store)
    assert rows(location)[0][-1] == "console:carol"


async def test_it_waits_for_a_database_and_says_who_removed(
    tmp_path: Path, store: ChannelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approval_record, "EVERY_S", 0.05)
    location = locate("sqlite", tmp_path)
    database = AsyncDatabase(location)
    record = ApprovalRecord(tmp_path, database)
    store.enter("main", "yt", URL, ALICE)
    running = asyncio.ensure_future(record.run())

    async def until(count: int, removed: str | None) -> None:
        async with asyncio.timeout(5):
            while [row[-1] for row in await asyncio.to_thread(rows, location)] != [removed] * count:
                await asyncio.sleep(0.02)

    await asyncio.sleep(0.3)  # there is no database yet
    assert not running.done()
    await asyncio.to_thread(upgrade, location)
    await until(1, None)
    before = approval_record.entries(store.load_all())
    store.set("main", remove_push=["yt"])
    record.note("console:dora", before)
    await until(1, "console:dora")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await database.close()


def test_the_record_forbids_one_person_twice(location: Location) -> None:
    with Database(location) as database, database.write() as session:
        made = approvals.enter(session, "main", "yt", "0" * 64, by="console:alice", at=1.0)
        with pytest.raises(Exception, match="somebody else must approve"):
            approvals.approve(session, made.id, by="console:alice", at=2.0, via="console")


def test_what_disappeared_without_the_console_names_the_command_line(
    location: Location, store: ChannelStore
) -> None:
    store.enter("main", "other", f"{URL}2", ALICE)
    follow(location, store)
    store.set("main", remove_push=["other"])
    follow(location, store)
    assert rows(location) == [("other", "console:alice", None, None, approval_record.BY_FILE)]


async def test_the_console_says_who_removed_what(tmp_path: Path, store: ChannelStore) -> None:
    store.enter("main", "yt", URL, ALICE)
    told: list[tuple[str, list[str]]] = []
    gate = GateLink(tmp_path / "no.sock")
    files = ChannelFiles(
        tmp_path, gate, changed=lambda actor, removed: told.append((actor, [key[1] for key in removed]))
    )
    await files.change(Somebody("bob"), lambda store: store.set("main", delay_s=40))
    await files.change(Somebody("carol"), lambda store: store.set("main", remove_push=["yt"]))
    assert told == [("console:bob", []), ("console:carol", ["yt"])]
