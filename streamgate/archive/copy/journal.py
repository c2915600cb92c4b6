"""`copies.sqlite`: which pieces are in the target. A cache: without it the target is asked what it holds."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from streamgate.archive.copy.target import Form, Piece
from streamgate.errors import ArchiveError, CatalogDamaged
from streamgate.ledger.owner import give_to_owner
from streamgate.wording import disk_error

FILE = "copies.sqlite"
VERSION = 1
BUSY_S = 10.0
_SCHEMA = """
CREATE TABLE pieces (
    key TEXT, series INTEGER, start INTEGER, size INTEGER, sha256 TEXT, form TEXT,
    copied_at REAL, checked_at REAL, PRIMARY KEY (key, series, start)
) WITHOUT ROWID;
CREATE INDEX pieces_by_check ON pieces (checked_at);
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""


class Entry(NamedTuple):
    """A piece in the target. `checked_at`: when its bytes were last read back and were right; 0: never."""

    piece: Piece
    form: Form
    copied_at: float
    checked_at: float


class Counts(NamedTuple):
    """What is in the target. `oldest_check`: when the piece that waits for longest was checked."""

    pieces: int = 0
    bytes: int = 0
    checked: int = 0
    checked_bytes: int = 0
    oldest_check: float | None = None


class Journal:
    """The journal of one data directory. One process writes.

    Calls block and raise ArchiveError; CatalogDamaged: the file is of no use any more (see `put_aside`).
    """

    def __init__(self, data_dir: Path) -> None:
        """A file that is damaged, or of another version, is put aside and begun anew."""
        self._path = data_dir / FILE
        try:
            self._connection = self._make()
        except CatalogDamaged:
            put_aside(self._path)
            self._connection = self._make()

    def _make(self) -> sqlite3.Connection:
        with _translated():
            self._path.touch(mode=0o600)
            give_to_owner(self._path, self._path.parent)
            connection = sqlite3.connect(
                self._path, timeout=BUSY_S, check_same_thread=False, isolation_level=None
            )
            try:
                for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
                    connection.execute(f"PRAGMA {pragma}")
                _settle_schema(connection)
            except BaseException:
                connection.close()
                raise
        return connection

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _translated(), self._connection:
            self._connection.execute("BEGIN")
            yield

    def close(self) -> None:
        self._connection.close()

    def about(self, name: str) -> str:
        """Return what was noted under a name; "" when nothing was."""
        with _translated():
            row = self._connection.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def note(self, name: str, value: str) -> None:
        with _translated():
            self._connection.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))

    def forget(self) -> None:
        """Forget all pieces: the target is another one."""
        with _translated():
            self._connection.execute("DELETE FROM pieces")

    def add(self, form: Form, piece: Piece, *, at: float, checked_at: float) -> None:
        """Add a piece; those of the file's older series are forgotten."""
        with self._transaction():
            self._connection.execute(
                "DELETE FROM pieces WHERE key = ? AND series <> ?", (piece.key, piece.series)
            )
            self._connection.execute(
                "INSERT OR REPLACE INTO pieces VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*_row(piece), form.value, at, checked_at),
            )

    def has(self, key: str) -> bool:
        with _translated():
            return (
                self._connection.execute("SELECT 1 FROM pieces WHERE key = ?", (key,)).fetchone() is not None
            )

    def add_all(self, form: Form, pieces: Iterable[Piece], *, at: float) -> None:
        """Add pieces that were found in the target, all or none; nobody has read them yet."""
        with self._transaction():
            self._connection.executemany(
                "INSERT OR IGNORE INTO pieces VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
                [(*_row(piece), form.value, at) for piece in pieces],
            )

    def checked(self, piece: Piece, at: float) -> None:
        with _translated():
            self._connection.execute(
                "UPDATE pieces SET checked_at = ? WHERE key = ? AND series = ? AND start = ?",
                (at, piece.key, piece.series, piece.start),
            )

    def drop(self, key: str) -> None:
        """Forget a file."""
        with _translated():
            self._connection.execute("DELETE FROM pieces WHERE key = ?", (key,))

    def whole(self, folder: str) -> dict[str, int]:
        """Return how much of each whole file below a folder (with slash) is copied."""
        with _translated():
            rows = self._connection.execute(
                "SELECT key, SUM(size) FROM pieces WHERE key >= ? AND key < ? AND form = 'whole'"
                " GROUP BY key",
                (folder, folder[:-1] + "0"),  # "0" follows "/"
            )
            return dict(rows.fetchall())

    def series(self, key: str) -> list[Piece]:
        """Return the pieces of a file's newest series, in order."""
        with _translated():
            rows = self._connection.execute(
                "SELECT key, series, start, size, sha256 FROM pieces WHERE key = ? AND series ="
                " (SELECT MAX(series) FROM pieces WHERE key = ?) ORDER BY start",
                (key, key),
            )
            return [Piece(*row) for row in rows]

    def due(self, before: float, limit: int) -> list[Entry]:
        """Return pieces that were last checked before a time, the longest unchecked first."""
        with _translated():
            rows = self._connection.execute(
                "SELECT key, series, start, size, sha256, form, copied_at, checked_at FROM pieces"
                " WHERE checked_at < ? ORDER BY checked_at LIMIT ?",
                (before, limit),
            )
            return [Entry(Piece(*row[:5]), Form(row[5]), row[6], row[7]) for row in rows]

    def counts(self) -> Counts:
        with _translated():
            row = self._connection.execute(
                "SELECT COUNT(*), COALESCE(SUM(size), 0), COALESCE(SUM(checked_at > 0), 0),"
                " COALESCE(SUM(CASE WHEN checked_at > 0 THEN size END), 0), MIN(checked_at) FROM pieces"
            ).fetchone()
        return Counts(*row)


def _settle_schema(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, VERSION):
        raise CatalogDamaged(f"{FILE} is of another version, {version}", f"{FILE} 的版本 {version} 不符")
    if not version:
        connection.executescript(f"{_SCHEMA} PRAGMA user_version = {VERSION};")


def _row(piece: Piece) -> tuple[str, int, int, int, str]:
    return piece.key, piece.series, piece.start, piece.size, piece.sha256


def put_aside(path: Path) -> None:
    """Rename a damaged journal so that a new one can be begun. Raises ArchiveError."""
    with _translated():
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        path.replace(path.with_name(path.name + ".damaged"))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise ArchiveError(f"{FILE}: {error}", f"{FILE} 不可用（{error}）") from error
    except sqlite3.DatabaseError as error:
        raise CatalogDamaged(f"{FILE}: {error}", f"{FILE} 已损坏（{error}）") from error
    except OSError as error:
        raise disk_error(error) from error
