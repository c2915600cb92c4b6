"""The record of approvals in the database (rule R13): it follows the channel files, which decide (ADR 21)."""

import asyncio
import contextlib
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from streamgate.clock import wall_s
from streamgate.errors import ConfigError, StoreError
from streamgate.runtime.channels import ChannelStore, Loaded
from streamgate.runtime.destinations import Destination
from streamgate.store import approvals
from streamgate.store.database import AsyncDatabase
from streamgate.store.models import DestinationApproval

EVERY_S = 5.0
MAX_REMOVED = 1000
END_S = 1.0
BY_FILE = "command-line"
"""Who withdrew an entry that disappeared without the console: the file no longer holds it."""
_log = structlog.get_logger("console.approval_record")


Key = tuple[str, str, str]  # channel, destination, hash of its address


class ApprovalRecord:
    """Keeps the table as the channel files are. A database that is away delays it; nobody waits for it."""

    def __init__(self, data_dir: Path, database: AsyncDatabase) -> None:
        self._store = ChannelStore(data_dir)
        self._database = database
        self._removed: dict[Key, str] = {}
        self._wake = asyncio.Event()

    def note(self, actor: str, removed: Iterable[Key]) -> None:
        """Somebody changed the channel files through the console, and removed these entries."""
        self._removed |= dict.fromkeys(removed, actor)
        while len(self._removed) > MAX_REMOVED:
            del self._removed[next(iter(self._removed))]
        self._wake.set()

    async def run(self) -> None:
        """Follow the files until cancelled."""
        recorded: Loaded | None = None
        while True:
            self._wake.clear()
            removed = dict(self._removed)
            try:
                loaded = await asyncio.to_thread(self._store.load_all)
                if loaded != recorded and loaded.there:
                    await self._write(loaded, removed)
                    recorded = loaded
                    for key in removed:
                        self._removed.pop(key, None)
            except (StoreError, ConfigError) as error:
                _log.warning("approvals_not_recorded", reason=str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._wake.wait()

    async def _write(self, loaded: Loaded, removed: Mapping[Key, str]) -> None:
        """Write it. At the end of the console it is waited for a moment: a connection is not broken off."""
        writing = asyncio.ensure_future(self._database.write(follow, loaded, at=wall_s(), removed=removed))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait({writing}, timeout=END_S)
            writing.cancel()
            raise


def follow(session: Session, loaded: Loaded, *, at: float, removed: Mapping[Key, str]) -> None:
    """Enter, approve and withdraw rows so that the table says what the files say.

    `removed`: who removed which entry through the console. Rows of files that cannot be read stay.
    """
    unknown = {bad.name for bad in loaded.errors}
    wanted = entries(loaded)
    in_force = {(row.channel, row.destination, row.url_hash): row for row in approvals.list_in_force(session)}
    for key, row in in_force.items():
        if row.channel not in unknown and not _is_of(row, wanted.get(key)):
            approvals.withdraw_one(session, row.id, by=removed.get(key, BY_FILE), at=at)
    for (channel, name, url_hash), entry in wanted.items():
        row = approvals.enter(session, channel, name, url_hash, by=entry.entered_by, at=entry.entered_at)
        if entry.approved and row.approved_at is None:
            via: approvals.Via = "command-line" if entry.approved_by.startswith("cli:") else "console"
            approvals.approve(session, row.id, by=entry.approved_by, at=entry.approved_at, via=via)


def _is_of(row: DestinationApproval, entry: Destination | None) -> bool:
    """Whether the row is of this very entry, and says no more than the file."""
    if entry is None or (entry.entered_by, entry.entered_at) != (row.entered_by, row.entered_at):
        return False
    return row.approved_at is None or entry.approved


def entries(loaded: Loaded) -> dict[Key, Destination]:
    """Return the destinations of which it is known who entered them."""
    return {
        (channel.name, one.name, hashlib.sha256(one.url.encode()).hexdigest()): one
        for channel in loaded.channels
        for one in channel.destinations
        if one.entered_by
    }
