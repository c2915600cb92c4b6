"""Copies of the database: by command, and of the SQLite file before every upgrade.

A copy of SQLite is made by its online backup interface, a copy of PostgreSQL by pg_dump. Both are of one
moment, whoever writes meanwhile. Nothing is overwritten.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from streamgate.clock import wall_s
from streamgate.errors import Refused, StoreError
from streamgate.store import pg_programs, sqlite_file, version
from streamgate.store.engine import BUSY_S
from streamgate.store.failures import failure, translated, translated_files
from streamgate.store.location import Location

KEPT = 5  # copies of each kind in the directory of backups
_BEFORE = "before-upgrade"
_REPLACED = "replaced"
_SIDES = ("-wal", "-shm")
_LOOK_S = 0.02


@dataclass(frozen=True)
class Restored:
    """What a restore did. `replaced`: where the database that stood there is now, None if there was none."""

    version: str
    replaced: Path | None


def make(location: Location, target: Path) -> int:
    """Copy the database into the new file `target`, for this user alone. Returns its size in bytes.

    Raises Refused when `target` exists or pg_dump is not there, StoreError when the database cannot be read.
    """
    if target.exists():
        raise Refused(f"{target} exists already; choose another name, or remove it first")
    part = target.with_name(f".{target.name}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise Refused(f"{target} cannot be written ({error.strerror}); choose another place") from error
    try:
        if location.kind == "sqlite":
            with translated_files(location):
                sqlite_file.identity(location)
            _copy(location.file, part, location)
        else:
            pg_programs.dump(location, part)
        _sync(part)
        part.replace(target)
    except OSError as error:
        raise Refused(f"{target} cannot be written ({error.strerror}); choose another place") from error
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size


def before_upgrade(location: Location, found: str) -> Path:
    """Copy the SQLite file into the directory of backups; the newest few of these are kept."""
    target = _in_backups(location, _BEFORE, f"-{found}.sqlite")
    make(location, target)
    _prune(location, _BEFORE)
    return target


def restore(location: Location, source: Path) -> Restored:
    """Put the copy `source` in the database's place; what stood there is kept in the directory of backups.

    Sessions and one-time links of the copy are ended: somebody who was signed out or off-boarded since does
    not come back with them. A copy of an older schema stays as it is until the next upgrade.

    Raises Refused when the copy is not usable or somebody has the database open, StoreError otherwise.
    """
    if not source.is_file():
        raise Refused(f"there is no file {source}; backups are in {location.backups}")
    if location.kind == "postgresql":
        return _restore_postgresql(location, source)
    with translated_files(location):
        held = sqlite_file.hold_alone(location)
        part = location.file.with_name(f".{location.file.name}.part")
        try:
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
            found = _take_copy(source, part, location)
            replaced = _set_aside(location)
            part.replace(location.file)
            _sync(location.file.parent)
            use_wal(location)
            sqlite_file.mark_made(location)
        finally:
            part.unlink(missing_ok=True)
            os.close(held)
    _prune(location, _REPLACED)
    return Restored(found, replaced)


def use_wal(location: Location) -> None:
    """Switch the file to write-ahead logging: readers and the writer do not wait for each other.

    SQLite does not wait for others here, whatever the time-out: this does.
    """
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            with translated(location), _connected(location.file, "rw") as connection:
                connection.execute("PRAGMA journal_mode=WAL")
        except StoreError as error:
            if error.kind != "locked" or time.monotonic() > deadline:
                raise
            time.sleep(_LOOK_S)
        else:
            return


def _restore_postgresql(location: Location, source: Path) -> Restored:
    found = pg_programs.version_in(source, version.TABLE)
    _refuse_unknown(found, source, location)
    pg_programs.refuse_in_use(location)
    replaced = _in_backups(location, _REPLACED, ".dump")
    make(location, replaced)
    pg_programs.restore(location, source, [END_SESSIONS.format(now=wall_s()), END_LINKS.format(now=wall_s())])
    _prune(location, _REPLACED)
    return Restored(found or "", replaced)


END_SESSIONS = (
    "UPDATE sessions SET ended_at = {now:.3f}, ended_why = 'database restored' WHERE ended_at IS NULL"
)
END_LINKS = "UPDATE one_time_links SET expires_at = {now:.3f} WHERE expires_at > {now:.3f}"


def _take_copy(source: Path, part: Path, location: Location) -> str:
    """Copy `source` to `part`, see that it is whole, end its sessions. Returns its schema version."""
    try:
        _copy(source, part, location)
        with _connected(part, "rw") as connection:
            row = connection.execute(f"SELECT version_num FROM {version.TABLE}").fetchone()  # noqa: S608
            found = str(row[0]) if row else None
            _refuse_unknown(found, source, location)
            now = wall_s()
            connection.execute(END_SESSIONS.format(now=now))
            connection.execute(END_LINKS.format(now=now))
    except sqlite3.Error as error:
        raise Refused(f"{source} is no usable copy of a database ({error}); choose another one") from error
    _sync(part)
    return found or ""


def _refuse_unknown(found: str | None, source: Path, location: Location) -> None:
    if found is None:
        raise Refused(f"{source} is no copy of a streamgate database; backups are in {location.backups}")
    if found not in version.known():
        raise Refused(
            f"{source} has schema {found}, which a newer streamgate made; upgrade this program,"
            f" or choose an older copy"
        )


def _copy(source: Path, target: Path, location: Location) -> None:
    """Copy one SQLite file into another one that is empty, in one piece, as one file without side files."""
    deadline = time.monotonic() + BUSY_S

    def progress(status: int, _remaining: int, _total: int) -> None:
        # sqlite3.Connection.backup tries again for ever while the source is locked
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > deadline:
            raise failure("locked", location)

    with contextlib.ExitStack() as stack:
        if source == location.file:
            stack.enter_context(translated(location))
        reader = stack.enter_context(_connected(source, "rw" if source == location.file else "ro"))
        writer = stack.enter_context(_connected(target, "rw"))
        reader.backup(writer, progress=progress)
        writer.execute("PRAGMA journal_mode=DELETE")
        problem = writer.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if problem != "ok":
            raise sqlite3.DatabaseError(str(problem))


def _set_aside(location: Location) -> Path | None:
    """Move the database that stands there, corrupt or not, into the directory of backups."""
    if not location.file.exists():
        return None
    target = _in_backups(location, _REPLACED, ".sqlite")
    for side in _SIDES:
        path = location.file.with_name(location.file.name + side)
        if path.exists():  # commits that are not in the main file yet
            path.replace(target.with_name(target.name + side))
    location.file.replace(target)
    return target


def _in_backups(location: Location, kind: str, ending: str) -> Path:
    location.backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    stamp = datetime.fromtimestamp(wall_s(), UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    return location.backups / f"{kind}-{stamp}{ending}"


def _prune(location: Location, kind: str) -> None:
    """Remove all but the newest few copies of a kind."""
    found = sorted(path for path in location.backups.glob(f"{kind}-*") if not path.name.endswith(_SIDES))
    for path in found[:-KEPT]:
        for side in ("", *_SIDES):
            path.with_name(path.name + side).unlink(missing_ok=True)


@contextlib.contextmanager
def _connected(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """A connection in autocommit; a file that is not there is not made."""
    address = f"file:{quote(str(path.absolute()))}?mode={mode}"
    connection = sqlite3.connect(address, uri=True, timeout=BUSY_S, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
