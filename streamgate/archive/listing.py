"""What is in the archive of a channel: its broadcasts with their gaps and holds, and what expires soon."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from streamgate.archive.air_times import read_air_times
from streamgate.archive.broadcasts import Broadcast, Loss, Piece, group, name_as_aired
from streamgate.archive.catalog import Catalog, put_aside
from streamgate.archive.edit_list import find_edit_lists
from streamgate.archive.holds import Hold
from streamgate.archive.parts import newer_parts
from streamgate.archive.retention_file import read_retention, settle_retention
from streamgate.archive.times import MAX_S
from streamgate.core.retention import DAY_S
from streamgate.core.standby import channel_of
from streamgate.errors import ArchiveError, CatalogDamaged
from streamgate.ledger.places import FOLDER
from streamgate.wording import disk_error, in_chinese

AROUND_S = 2 * DAY_S  # a broadcast is known whole when it reaches no further beyond the span asked for


class ListedGap(msgspec.Struct, frozen=True):
    """Something that is not recorded. Times: seconds since the epoch.

    `why`: "behind", "failed", "format", "gate_killed" (see docs/developers/archive.md); "missing": parts that
    were recorded are gone; "no_input": nothing came in.
    """

    start: float = msgspec.field(name="from")
    end: float = msgspec.field(name="to")
    why: str = ""


class ListedHold(msgspec.Struct, frozen=True):
    id: str
    start: float = msgspec.field(name="from")
    end: float = msgspec.field(name="to")
    reason: str = ""
    by: str = ""
    at: float = 0.0
    waiting: str = ""  # who asked for its end and waits for a second person


class Listed(msgspec.Struct, frozen=True):
    """A broadcast. `parts`, `bytes`: that are kept. Times: seconds since the epoch."""

    id: str
    channel: str
    start: float
    end: float
    parts: int
    bytes: int
    gaps: list[ListedGap]
    holds: list[ListedHold]


class Expiring(NamedTuple):
    """Recordings that may soon be removed, from `first_at` on. `held`: of `parts`, those under a hold."""

    channel: str
    broadcast: str
    start: float
    end: float
    parts: int
    bytes: int
    held: int
    first_at: float


class Shelf:
    """Reads one data directory's archive through its catalog. Calls block and raise ArchiveError."""

    def __init__(self, data_dir: Path, catalog: Catalog, holds: Sequence[Hold]) -> None:
        self._root, self._ledger = data_dir / "archive", data_dir / FOLDER
        self._channels = data_dir / "channels"
        self._catalog, self._holds = catalog, holds

    def list_broadcasts(
        self, channel: str, start: float | None = None, end: float | None = None
    ) -> list[Listed]:
        """Return the broadcasts that overlap [start, end), the oldest first. None: no bound."""
        first, last = start if start is not None else 0.0, end if end is not None else MAX_S
        return [
            self._listed(channel, one)
            for one in self._broadcasts(channel, first, last)
            if one.start < last and one.end >= first
        ]

    def find(self, channel: str, broadcast: str) -> Broadcast | None:
        return next((one for one in self._broadcasts(channel, 0.0, MAX_S) if one.id == broadcast), None)

    def expiring(self, retention: Mapping[str, int], *, now: float, within_days: int) -> list[Expiring]:
        """Return what is due for removal until `within_days` from now, by channel and broadcast.

        `retention`: days by channel. As the sweeper judges, but by the times in the catalog alone.
        """
        found = []
        for channel, days in sorted(retention.items()):
            before = now + (within_days - days) * DAY_S
            held = [hold for hold in self._holds if hold.channel == channel]
            bounds = [at for hold in held for at in (hold.start, hold.end)]
            for one in self._broadcasts(channel, 0.0, before):
                parts = [
                    piece
                    for piece in self._catalog.runs(channel, one.start, min(before, one.end + 0.001), bounds)
                    if not piece.removed
                ]
                if parts:
                    found.append(_expiring(channel, one, parts, held, days))
        return found

    def _broadcasts(self, channel: str, start: float, end: float) -> list[Broadcast]:
        first, last = max(0.0, start - AROUND_S), min(MAX_S, end + AROUND_S)
        try:
            air = read_air_times(self._ledger, channel, first, last)
            owner = channel_of(channel)
            standby = owner != "" and not (self._channels / f"{channel}.json").exists()
            if standby:  # it goes on and off air with its channel
                air = read_air_times(self._ledger, owner, first, last)
            bounds = [at for one in air for at in one if at is not None]
            pieces = list_pieces(self._root, self._catalog, channel, first, last, exact_at=bounds)
            named = find_edit_lists(self._root, channel)
        except OSError as error:
            raise disk_error(error) from error
        gaps = [
            Loss(row["start_s"], row["end_s"], row["reason"])
            for row in self._catalog.gaps(channel, first, last)
        ]
        found = group(channel, pieces, air, gaps)
        if standby:  # a broadcast without it is none of its own
            found = [one for one in found if one.parts or one.losses]
        return name_as_aired(found, named)

    def _listed(self, channel: str, one: Broadcast) -> Listed:
        return Listed(
            one.id,
            channel,
            round(one.start, 3),
            round(one.end, 3),
            one.parts,
            one.bytes,
            [ListedGap(round(loss.start, 3), round(loss.end, 3), loss.why) for loss in one.losses],
            [shown(hold) for hold in self._holds if hold.covers(channel, one.start, one.end)],
        )


def list_pieces(
    root: Path, catalog: Catalog, channel: str, start: float, end: float, *, exact_at: Iterable[float] = ()
) -> list[Piece]:
    """Return the parts that begin within [start, end), by number, those that no index names yet, too.

    Summed up, but not around the times `exact_at`. Raises OSError, ArchiveError.
    """
    pieces = catalog.runs(channel, start, end, exact_at)
    known, _ = catalog.newest(channel)
    for name, seen in newer_parts(root, channel, known):
        begun = name.start_ms / 1000
        if start <= begun < end:
            pieces.append(Piece(name.number, begun, max(begun, seen.st_mtime), seen.st_size))
    return pieces


def shown(hold: Hold) -> ListedHold:
    waiting = hold.lifting.by if hold.lifting is not None else ""
    return ListedHold(hold.id, hold.start, hold.end, hold.reason, hold.by, round(hold.at, 3), waiting)


def open_catalog(path: Path, root: Path) -> Catalog:
    """Open the catalog and bring it up to the files; one that is not there yet is made from them."""
    try:
        catalog = Catalog(path)
        try:
            if catalog.has_parts():
                catalog.sync(root)
            else:
                catalog.rebuild(root)
        except BaseException:
            catalog.close()
            raise
    except CatalogDamaged as error:
        raise ArchiveError(
            f"{error}; make it anew with: streamgate archive reindex",
            f"{in_chinese(error)}；请重建：streamgate archive reindex",
        ) from error
    return catalog


def rebuild_catalog(path: Path, root: Path) -> int:
    """Make the catalog anew, a damaged one put aside; return the parts in it. Raises ArchiveError."""
    try:
        with Catalog(path) as catalog:
            return catalog.rebuild(root)
    except CatalogDamaged as error:
        try:
            put_aside(path)
        except OSError as refused:
            raise ArchiveError(
                f"{error}; it cannot be put aside: {refused}",
                f"{in_chinese(error)}；且无法移开：{in_chinese(refused)}",
            ) from refused
        with Catalog(path) as catalog:
            return catalog.rebuild(root)


def _expiring(
    channel: str, one: Broadcast, parts: Sequence[Piece], holds: Sequence[Hold], days: int
) -> Expiring:
    held = sum(
        part.parts for part in parts if any(hold.covers(channel, part.start, part.end) for hold in holds)
    )
    size = sum(part.bytes for part in parts)
    first_at = min(part.start for part in parts) + days * DAY_S
    return Expiring(
        channel,
        one.id,
        parts[0].start,
        max(part.end for part in parts),
        sum(part.parts for part in parts),
        size,
        held,
        first_at,
    )


def retention_of(root: Path, given: Mapping[str, int | None], default: int) -> dict[str, int]:
    """Return the retention of every channel with recordings, as the sweeper applies it.

    `given`: of the channels there are, None where it is not known. Raises ArchiveError.
    """
    try:
        found = {path.name: default for path in root.iterdir() if path.is_dir() and not path.is_symlink()}
        known = read_retention(root)
    except OSError as error:
        raise disk_error(error) from error
    return {channel: settle_retention(known, given).get(channel, days) for channel, days in found.items()}
