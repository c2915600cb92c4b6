"""The record of approvals in the database (rule R13): it follows the channel files, which decide (ADR 21)."""

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from streamgate.clock import wall_s
from streamgate.errors import ConfigError, StoreError
from streamgate.runtime.channels import ChannelStore, Loaded
from streamgate.runtime.destinations import Destination
from streamgate.store import approvals
from streamgate.store.database import AsyncDatabase
from streamgate.store.location import Location
from streamgate.store.models import DestinationApproval

EVERY_S = 5.0
BY_FILE = "command-line"
"""Who withdrew an entry that disappeared without the console: the file no longer holds it."""
_log = structlog.get_logger("console.approval_record")


class ApprovalRecord:
    """Keeps the table as the channel files are. A database that is away delays it; nobody waits for it."""

    def __init__(self, data_dir: Path, location: Location) -> None:
        self._store = ChannelStore(data_dir)
        self._location = location
        self._actor = ""
        self._wake = asyncio.Event()

    def note(self, actor: str) -> None:
        """Somebody changed the channel files through the console: what is missing now, they removed."""
        self._actor = actor
        self._wake.set()

    async def run(self) -> None:
        """Follow the files until cancelled."""
        database = AsyncDatabase(self._location)
        recorded: Loaded | None = None
        try:
            while True:
                self._wake.clear()
                by, self._actor = self._actor or BY_FILE, ""
                try:
                    loaded = await asyncio.to_thread(self._store.load_all)
                    if loaded != recorded and loaded.there:
                        await database.write(follow, loaded, at=wall_s(), by=by)
                        recorded = loaded
                except (StoreError, ConfigError) as error:
                    _log.warning("approvals_not_recorded", reason=str(error))
                try:
                    async with asyncio.timeout(EVERY_S):
                        await self._wake.wait()
                except TimeoutError:
                    pass
        finally:
            await database.close()


def follow(session: Session, loaded: Loaded, *, at: float, by: str) -> None:
    """Enter, approve and withdraw rows so that the table says what the files say.

    `by`: who is held to have removed what the files no longer hold. Rows of files that cannot be read stay.
    """
    unknown = {bad.name for bad in loaded.errors}
    wanted = _entries(loaded)
    in_force = {(row.channel, row.destination, row.url_hash): row for row in approvals.list_in_force(session)}
    for key, row in in_force.items():
        if row.channel not in unknown and not _is_of(row, wanted.get(key)):
            approvals.withdraw_one(session, row.id, by=by, at=at)
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


def _entries(loaded: Loaded) -> Mapping[tuple[str, str, str], Destination]:
    return {
        (channel.name, one.name, hashlib.sha256(one.url.encode()).hexdigest()): one
        for channel in loaded.channels
        for one in channel.destinations
        if one.entered_by
    }
