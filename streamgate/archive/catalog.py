"""The archive's catalog: a database for questions. The files are the truth; it is rebuilt from them at will.

Runs in the console process. One writer: whoever holds a `Catalog` open for writing.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

import sqlalchemy as sa

from streamgate.archive import runs
from streamgate.archive.broadcasts import Piece
from streamgate.archive.parts import (
    IndexMark,
    PartRecord,
    days,
    find_day,
    has_more,
    iterate_index,
    record_from_file,
)
from streamgate.archive.removed import Removed, read_removed
from streamgate.clock import wall_s
from streamgate.core.forecast import WINDOW_S
from streamgate.errors import ArchiveError, CatalogDamaged
from streamgate.ledger.owner import give_to_owner
from streamgate.wording import disk_error

VERSION = 6  # of the tables below; a catalog of another one is made anew, as it is at every start
OPEN_PART_S = 60.0  # a part without an index line that changed this recently is still being written
LONGEST_S = 3600.0  # no part is longer (see MAX_PART_US of the recorder)
RATE_S = 120.0  # the present rate is judged by so much
_CHUNK = 500
_BUSY_MS = 10_000
_DAMAGE = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_MISMATCH}

metadata = sa.MetaData()
parts_table = sa.Table(
    "archive_parts",
    metadata,
    sa.Column("path", sa.String(255), primary_key=True),
    sa.Column("channel", sa.String(64), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("start_s", sa.Float, nullable=False),
    sa.Column("end_s", sa.Float, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("video", sa.Integer, nullable=False),
    sa.Column("audio", sa.Integer, nullable=False),
    sa.Column("data", sa.Integer, nullable=False),
    sa.Column("keyframe", sa.Boolean, nullable=False),
    sa.Column("tracks", sa.String(255), nullable=False),
    sa.Column("source", sa.String(255), nullable=False),
    sa.Column("closed", sa.String(16), nullable=False),
    sa.Column("gap_packets", sa.Integer, nullable=False),
    sa.Column("gap_bytes", sa.BigInteger, nullable=False),
    sa.Column("repaired", sa.Boolean, nullable=False),
    sa.Column("missing", sa.Boolean, nullable=False),
    sa.Column("removed_at", sa.Float, nullable=True),
    sa.Index("archive_parts_by_time", "channel", "start_s"),
    sa.Index("archive_parts_by_number", "channel", "number"),
)
gaps_table = sa.Table(
    "archive_gaps",
    metadata,
    sa.Column("channel", sa.String(64), primary_key=True),
    sa.Column("end_s", sa.Float, primary_key=True),
    sa.Column("reason", sa.String(16), primary_key=True),
    sa.Column("start_s", sa.Float, nullable=False),
    sa.Column("packets", sa.Integer, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
)

marks_table = sa.Table(  # how far the index of each day was read
    "archive_marks",
    metadata,
    sa.Column("day", sa.String(255), primary_key=True),  # CHANNEL/DATE
    sa.Column("inode", sa.BigInteger, nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
)
runs.define(metadata)

Row = dict[str, Any]
T = TypeVar("T")


class ChannelUse(NamedTuple):
    """Bytes on the disk, those of the last WINDOW_S, start of the oldest, bytes a second in RATE_S."""

    channel: str
    bytes: int
    week: int
    since: float
    rate: float


class Catalog:
    """A catalog in SQLite (WAL) at `path`. Calls block: from asyncio use a thread.

    Every method raises ArchiveError when the database or the archive cannot be read or written, and
    CatalogDamaged when the database is of no use any more (see `put_aside`).
    """

    def __init__(self, path: Path) -> None:
        with _translated():
            self._open(path)

    def _open(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        give_to_owner(path, path.parent)
        self._engine = sa.create_engine(f"sqlite:///{path}")
        sa.event.listen(self._engine, "connect", _set_pragmas)
        try:
            with self._engine.begin() as connection:
                if connection.scalar(sa.text("PRAGMA user_version")) != VERSION:
                    metadata.drop_all(connection)
                    metadata.create_all(connection)
                    connection.execute(sa.text(f"PRAGMA user_version = {VERSION}"))
        except BaseException:
            self._engine.dispose()
            raise

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def rebuild(self, root: Path) -> int:
        """Forget everything and read the archive anew: its indexes, its files, its log of removals.

        Returns the number of parts known. Readers see the old catalog until the new one is whole.
        """
        with _translated(), self._engine.begin() as connection:
            for table in (parts_table, gaps_table, marks_table):
                connection.execute(sa.delete(table))
            removed = (_removed_row(line) for line in read_removed(root))
            for rows in _chunks(removed):
                _put(connection, rows)
            for channel in _channels(root):
                for day in days(root, channel):
                    mark = IndexMark()
                    _read_day(connection, channel, day, mark)
                    _put_mark(connection, f"{channel}/{day.name}", mark)
            runs.renew(connection)
            return connection.scalar(sa.select(sa.func.count()).select_from(parts_table)) or 0

    def sync(self, root: Path) -> int:
        """Take in parts finished since the last time, by whichever process. Returns how many were new.

        Looks at the index of every day, since a clock that was set back writes into an old one; reads only
        what they have got since. A part that was still being written when the catalog was made anew gets the
        row of its line.
        """
        new = 0
        with _translated(), self._engine.begin() as connection:
            rows = connection.execute(sa.select(marks_table))
            marks = {day: IndexMark(inode, offset) for day, inode, offset in rows}
            for channel in _channels(root):
                for day in days(root, channel):
                    name = f"{channel}/{day.name}"
                    mark = marks.get(name, IndexMark())
                    if not has_more(day, mark):
                        continue
                    for lines in _chunks(iterate_index(day, mark)):
                        _put_gaps(connection, lines)
                        found = _unknown(connection, list(_finished_rows(channel, day, lines)))
                        _put(connection, found)
                        new += len(found)
                        _renew_runs(connection, found)
                    _put_mark(connection, name, mark)
        return new

    def mark_removed(self, paths: Sequence[str], at: float) -> None:
        with _translated(), self._engine.begin() as connection:
            for chunk in _chunks(paths):
                gone = parts_table.c.path.in_(chunk)
                connection.execute(sa.update(parts_table).where(gone).values(removed_at=at))
                known = connection.execute(
                    sa.select(parts_table.c.channel, parts_table.c.start_s).where(gone)
                )
                _renew_runs(connection, [dict(row._mapping) for row in known])  # noqa: SLF001  (as below)

    def gaps(self, channel: str, start_s: float, end_s: float) -> list[Row]:
        """Return what was received and not recorded within [start_s, end_s), wall clock, in order."""
        table = gaps_table.c
        query = (
            sa.select(gaps_table)
            .where(table.channel == channel, table.start_s < end_s, table.end_s >= start_s)
            .order_by(table.start_s)
        )
        return self._rows(query)

    def parts(self, channel: str, start_s: float, end_s: float, *, removed: bool = False) -> list[Row]:
        """Return the parts that overlap [start_s, end_s), wall clock, in order; `removed` ones on demand."""
        table = parts_table.c
        query = (
            sa.select(parts_table)
            .where(table.channel == channel, table.start_s < end_s, table.end_s >= start_s)
            .where(table.start_s >= start_s - LONGEST_S)  # so that the index finds them in no time
            .order_by(table.start_s, table.number)
        )
        if not removed:
            query = query.where(table.removed_at.is_(None))
        return self._rows(query)

    def pieces(self, channel: str, start_s: float, end_s: float) -> list[Piece]:
        """Return the parts of a channel that begin within [start_s, end_s), removed ones too, by number."""
        table = parts_table.c
        removed = table.removed_at.is_not(None)
        query = (
            sa.select(table.number, table.start_s, table.end_s, table.bytes, removed, table.missing)
            .where(table.channel == channel, table.start_s >= start_s, table.start_s < end_s)
            .order_by(table.number)
        )
        with _translated(), self._engine.connect() as connection:
            return [Piece(*row) for row in connection.execute(query)]

    def runs(self, channel: str, start_s: float, end_s: float, exact_at: Iterable[float] = ()) -> list[Piece]:
        """As `pieces`, parts that follow one another summed up, but not around the times `exact_at`."""
        with _translated(), self._engine.connect() as connection:
            return runs.read(connection, channel, start_s, end_s, exact_at)

    def use(self, now: float) -> list[ChannelUse]:
        """Return what each channel's recordings take, those that are on the disk."""
        table = parts_table.c
        week = sa.case((table.start_s >= now - WINDOW_S, table.bytes), else_=0)
        newest = sa.case((table.end_s >= now - RATE_S, table.bytes), else_=0)
        query = (
            sa.select(
                table.channel,
                sa.func.sum(table.bytes),
                sa.func.sum(week),
                sa.func.min(table.start_s),
                sa.func.sum(newest) / RATE_S,
            )
            .where(table.removed_at.is_(None), table.missing.is_(sa.false()))
            .group_by(table.channel)
            .order_by(table.channel)
        )
        with _translated(), self._engine.connect() as connection:
            return [ChannelUse(*row) for row in connection.execute(query)]

    def newest(self, channel: str) -> tuple[int, float]:
        """Return the highest number of a channel's parts, and the latest end; 0 without any."""
        table = parts_table.c
        number = sa.select(sa.func.max(table.number)).where(table.channel == channel)
        end_s = sa.select(sa.func.max(table.end_s)).where(
            table.channel == channel, table.start_s >= self._recent(channel)
        )
        with _translated(), self._engine.connect() as connection:
            return connection.scalar(number) or 0, connection.scalar(end_s) or 0.0

    def _recent(self, channel: str) -> float:
        """Return from which start on parts are looked at for the latest end: a day before the last one."""
        query = sa.select(sa.func.max(parts_table.c.start_s)).where(parts_table.c.channel == channel)
        with _translated(), self._engine.connect() as connection:
            return (connection.scalar(query) or 0.0) - 86_400.0

    def has(self, path: str) -> bool:
        """Whether a part with this path is known, and so is finished."""
        with _translated(), self._engine.connect() as connection:
            query = sa.select(parts_table.c.path).where(parts_table.c.path == path)
            return connection.scalar(query) is not None

    def has_parts(self) -> bool:
        """Whether the catalog knows any part at all."""
        with _translated(), self._engine.connect() as connection:
            return connection.scalar(sa.select(parts_table.c.path).limit(1)) is not None

    def _rows(self, query: sa.Select[Any]) -> list[Row]:
        with _translated(), self._engine.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001  (public by its docs)


def put_aside(path: Path) -> None:
    """Rename a damaged catalog so that a new one can be made; an older one put aside goes. Raises OSError."""
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.replace(path.with_name(path.name + ".damaged"))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sa.exc.DBAPIError as error:
        code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        if code & 0xFF in _DAMAGE:
            raise CatalogDamaged(
                f"the catalog is damaged: {error.orig}", f"目录已损坏（{error.orig}）"
            ) from error
        raise ArchiveError(f"the catalog: {error.orig}", f"目录不可用（{error.orig}）") from error
    except OSError as error:
        raise disk_error(error) from error


def _set_pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={_BUSY_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _channels(root: Path) -> list[str]:
    if not root.is_dir():
        return []
    return sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.is_symlink())


def _finished_rows(channel: str, day: Path, lines: Sequence[PartRecord]) -> Iterator[Row]:
    for record in lines:
        if record.part:
            yield _record_row(record, f"{channel}/{day.name}/{record.part}")


def _read_day(connection: sa.Connection, channel: str, day: Path, mark: IndexMark) -> None:
    """Take in a day's index and its parts that have no line there, save one that is being written."""
    files = {path.name: (name, path) for name, path in find_day(channel, day)}
    for lines in _chunks(iterate_index(day, mark)):
        _put_gaps(connection, lines)
        rows = list(_finished_rows(channel, day, lines))
        for row in rows:
            row["missing"] = files.pop(PurePosixPath(row["path"]).name, None) is None
        _put(connection, rows, keep_removed=True)
    old = (found for found in files.values() if wall_s() - found[1].stat().st_mtime > OPEN_PART_S)
    for chunk in _chunks(old):
        records = ((record_from_file(name, path), str(name.path)) for name, path in chunk)
        rows = [_record_row(record, path) for record, path in records if record.bytes]
        _put(connection, rows, keep_removed=True)


def _unknown(connection: sa.Connection, rows: Sequence[Row]) -> list[Row]:
    """Return the rows that are new, or were read from the part's file when it had no line."""
    table = parts_table.c
    query = sa.select(table.path).where(
        table.path.in_([row["path"] for row in rows]),
        table.repaired.is_(sa.false()) | table.removed_at.is_not(None),
    )
    known = set(connection.scalars(query))
    return [row for row in rows if row["path"] not in known]


def _put_mark(connection: sa.Connection, day: str, mark: IndexMark) -> None:
    row = {"day": day, "inode": mark.inode, "offset": mark.offset}
    connection.execute(sa.insert(marks_table).prefix_with("OR REPLACE"), row)


def _put_gaps(connection: sa.Connection, lines: Sequence[PartRecord]) -> None:
    """Insert or replace the gaps of index lines. One of an older version has no time: that of its line."""
    rows = {}
    for line in lines:
        if line.gap is not None:
            end_s = line.gap.end or line.start
            reason = line.gap.reason[:16]
            rows[end_s, reason] = {
                "channel": line.channel,
                "end_s": end_s,
                "reason": reason,
                "start_s": line.gap.start or end_s,
                "packets": line.gap.packets,
                "bytes": line.gap.bytes,
            }
    if rows:
        connection.execute(sa.insert(gaps_table).prefix_with("OR REPLACE"), list(rows.values()))


def _record_row(record: PartRecord, path: str) -> Row:
    return {
        "path": path,
        "channel": record.channel,
        "number": record.number,
        "start_s": record.start,
        "end_s": record.end,
        "bytes": record.bytes,
        "sha256": record.sha256,
        "video": record.video,
        "audio": record.audio,
        "data": record.data,
        "keyframe": record.keyframe,
        "tracks": ",".join(record.tracks),
        "source": record.source[:255],
        "closed": record.closed[:16],
        "gap_packets": record.gap.packets if record.gap else 0,
        "gap_bytes": record.gap.bytes if record.gap else 0,
        "repaired": record.repaired,
        "missing": False,
        "removed_at": None,
    }


def _removed_row(line: Removed) -> Row:
    record = PartRecord(
        part=line.path.rpartition("/")[2],
        channel=line.channel,
        number=line.number,
        start=line.start,
        end=line.end,
        bytes=line.bytes,
        sha256=line.sha256,
    )
    return {**_record_row(record, line.path), "removed_at": line.at}


def _put(connection: sa.Connection, rows: Sequence[Row], *, keep_removed: bool = False) -> None:
    """Insert or replace. `keep_removed`: what the log of removals said stays, if the file is gone."""
    if not rows:
        return
    unique = {row["path"]: row for row in rows}
    table = parts_table.c
    if keep_removed:
        known = connection.execute(
            sa.select(table.path, table.removed_at).where(table.path.in_(list(unique)))
        )
        for path, removed_at in known:
            if unique[path]["missing"]:
                unique[path] = {**unique[path], "removed_at": removed_at, "missing": False}
    connection.execute(sa.delete(parts_table).where(table.path.in_(list(unique))))
    connection.execute(sa.insert(parts_table), list(unique.values()))


def _renew_runs(connection: sa.Connection, rows: Sequence[Row]) -> None:
    """Sum up anew what lies around parts that were added or changed."""
    for channel in {row["channel"] for row in rows}:
        starts = [row["start_s"] for row in rows if row["channel"] == channel]
        runs.renew(connection, channel, min(starts), max(starts))


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk
