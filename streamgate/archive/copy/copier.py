"""Brings a target up to what is on disk, reads copies back from time to time, removes old ones on demand."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from streamgate.archive.copy.expiry import expired_copies
from streamgate.archive.copy.journal import Journal
from streamgate.archive.copy.pace import Pace, PacedPiece
from streamgate.archive.copy.plan import Day, find_clips, find_days, find_parts_of, find_records
from streamgate.archive.copy.target import PIECE_BYTES, READ_BYTES, Form, Item, Marker, Piece, Target
from streamgate.archive.parts import open_file
from streamgate.clock import wall_s
from streamgate.core.retention import DAY_S
from streamgate.errors import CopyError, CopyLocked, CopyLost
from streamgate.ledger.record import CopyRemoval
from streamgate.ledger.signing import PUBLIC_FILE
from streamgate.wording import in_chinese

RECORDS_EVERY_S = 60.0  # lines of growing files go over together
EXPIRE_EVERY_S = 3600.0
RECHECK_S = 5.0  # of a round
RECHECK_PIECES = 200
MAX_NAMED = 20
TARGET = "target"  # in the journal: which target it is about


class Rules(NamedTuple):
    """What the settings say. `keep_days`: after so long copies of removed recordings go; None: never.

    `recheck_days`: every copy is read back as often as that; 0: once. `trust_checksums`: a checksum that the
    store itself gives stands for reading back.
    """

    keep_days: int | None = None
    recheck_days: int = 30
    trust_checksums: bool = False


class Behind(NamedTuple):
    """What is not copied yet. `oldest`: when the oldest of it began, wall clock; None: nothing is missing."""

    files: int = 0
    bytes: int = 0
    oldest: float | None = None


class Copier:
    """Copies one data directory to one target. Its calls block and belong to one thread.

    `moved` is called after each piece, `record` takes what the ledger is to say. To be read from outside:
    `behind`, `damaged` (files that are not what their index says: not copied), `lost` (copies that were found
    gone or wrong, since the start), `locked` (why the target refused to remove copies, last time).
    """

    def __init__(
        self,
        data_dir: Path,
        journal: Journal,
        target: Target,
        pace: Pace,
        rules: Rules | None = None,
        *,
        clock: Callable[[], float] = wall_s,
        moved: Callable[[], None] = lambda: None,
        record: Callable[[CopyRemoval], None] = lambda _: None,
        records_every_s: float = RECORDS_EVERY_S,
    ) -> None:
        self._data_dir, self._journal, self._target, self._pace = data_dir, journal, target, pace
        self._rules = rules or Rules()
        self._clock, self._moved, self._record = clock, moved, record
        self._records_every_s = records_every_s
        self._done: dict[str, tuple[int, int]] = {}  # days all of which is copied, as they were then
        self._behind: dict[str, Behind] = {}
        self._bad: dict[str, tuple[int, int]] = {}  # damaged files, as they were then
        self._torn: dict[str, list[str]] = {}
        self._replaced: dict[str, tuple[int, int, int]] = {}  # files that were copied as they look now
        self._wrong: set[str] = set()  # what is in the target under these names is not to be believed
        self._records_at = float("-inf")  # when files that grow went over last
        self._records_looked = 0.0
        self._expired_at: float | None = None
        self.lost = 0
        self.lost_for_good: list[str] = []
        self.locked = self.locked_zh = ""

    @property
    def behind(self) -> Behind:
        parts = list(self._behind.values())
        oldest = [one.oldest for one in parts if one.oldest is not None]
        return Behind(
            sum(one.files for one in parts), sum(one.bytes for one in parts), min(oldest, default=None)
        )

    @property
    def damaged(self) -> list[str]:
        return sorted({*self._bad, *(name for names in self._torn.values() for name in names)})

    def look(self) -> None:
        """Count what is missing in the target, without asking it. Raises OSError and ArchiveError."""
        for day in find_days(self._data_dir):
            if self._done.get(day.folder) != day.mark:
                self._count(day, self._missing(day, self._journal.whole(day.folder)))

    def round(self) -> None:
        """Copy all that is missing, remove what is over, check some of what is there.

        Raises:
            CopyError: the target fails. OSError, ArchiveError: this machine's disk fails. StoppingError: end.
        """
        self._open()
        self.look()
        self._copy_records()
        for item in find_clips(self._data_dir):
            if sum(piece.size for piece in self._journal.series(item.key)) != item.size:
                self._copy_whole(item)
        for day in find_days(self._data_dir):
            if self._done.get(day.folder) != day.mark:
                self._copy_day(day)
        self._copy_records()
        self._expire()
        self._recheck()

    # ------------------------------------------------------------ the target

    def _open(self) -> None:
        """See that the target is the one that is meant. Raises CopyError."""
        found = self._target.open()
        seal = _read_seal(self._data_dir)
        if found is not None and found.seal and seal and found.seal != seal:
            raise CopyError(
                f"{self._target.shown} holds the copy of another data directory (its seals are signed with"
                f" {found.seal[:16]}…); name another place",
                f"{self._target.shown} 中是另一数据目录的副本（签名密钥 {found.seal[:16]}…）；请改用其他位置",
            )
        ours = self._journal.about(TARGET) == self._target.shown
        if ours and found is None:
            if not self._target.may_begin_anew:
                raise CopyError(
                    f"{self._target.shown} does not hold the copy that was made there; is its disk mounted?"
                    " To begin anew there, end serve and remove copies.sqlite from the data directory",
                    f"{self._target.shown} 中没有先前的副本；请检查磁盘是否已挂载。"
                    "如要从头复制，请停止 serve 并删除数据目录中的 copies.sqlite",
                )
            self.lost += self._journal.counts().pieces
        if not ours or found is None:
            self._forget()
        if found is None or (seal and not found.seal):
            self._target.claim(Marker(seal))

    def _forget(self) -> None:
        self._journal.forget()
        self._journal.note(TARGET, self._target.shown)
        self._done, self._records_at, self._replaced = {}, float("-inf"), {}

    # ------------------------------------------------------------ recordings

    def _copy_day(self, day: Day) -> None:
        known = self._journal.whole(day.folder)
        missing = self._missing(day, known)
        if missing and not known and (there := self._target.sizes(day.folder)):  # of an earlier journal
            found = [
                Piece(item.key, 0, 0, item.size, item.sha256)
                for item in missing
                if there.get(item.key) == item.size and item.key not in self._wrong
            ]
            self._journal.add_all(Form.WHOLE, found, at=self._clock())
            missing = self._missing(day, self._journal.whole(day.folder))
        self._count(day, missing)
        while missing:
            self._copy_whole(missing.pop(0))
            self._count(day, missing)
            if time.monotonic() - self._records_looked > self._records_every_s:
                self._copy_records()
        self._done[day.folder] = day.mark

    def _missing(self, day: Day, known: dict[str, int]) -> list[Item]:
        found = find_parts_of(day)
        self._torn[day.folder] = found.torn
        return [
            item for item in found.items if known.get(item.key) != item.size and not self._is_bad(item.key)
        ]

    def _count(self, day: Day, missing: list[Item]) -> None:
        if missing:
            oldest = day.path / missing[0].key.rpartition("/")[2]
            with suppress(FileNotFoundError):
                at = oldest.stat().st_mtime
                self._behind[day.folder] = Behind(len(missing), sum(item.size for item in missing), at)
        else:
            self._behind.pop(day.folder, None)
            self._torn = {folder: torn for folder, torn in self._torn.items() if torn}

    def _copy_whole(self, item: Item) -> None:
        """Copy a file that never changes, if it is what its index line says."""
        with self._opened(item.key) as file:
            if file is None:
                return
            if self._hash(file, 0, item.size) != item.sha256:
                found = os.fstat(file.fileno())
                self._bad[item.key] = (found.st_size, found.st_mtime_ns)
                return
            self._bad.pop(item.key, None)
            if item.size <= PIECE_BYTES:
                self._put(item, Piece(item.key, 0, 0, item.size, item.sha256), file)
                return
            there = {piece.start for piece in self._journal.series(item.key)}
            for start in range(0, item.size, PIECE_BYTES):
                if start not in there:
                    size = min(PIECE_BYTES, item.size - start)
                    self._put(item, Piece(item.key, 1, start, size, self._hash(file, start, size)), file)

    def _is_bad(self, key: str) -> bool:
        if key not in self._bad:
            return False
        try:
            found = (self._data_dir / key).stat()
        except FileNotFoundError:
            return True
        return self._bad[key] == (found.st_size, found.st_mtime_ns)

    # ------------------------------------------------------------ files that grow or are replaced

    def _copy_records(self) -> None:
        """Copy what grew, all of it at once: in the copy no line of the ledger is ahead of what it names."""
        self._records_looked = now = time.monotonic()
        due = now - self._records_at >= self._records_every_s
        for item in find_records(self._data_dir):
            if item.form is not Form.GROWING:
                self._copy_replaced(item)
            elif due:
                self._copy_growing(item)
        if due:
            self._records_at = now

    def _copy_growing(self, item: Item) -> None:
        pieces = self._journal.series(item.key)
        end = pieces[-1].end if pieces else 0
        if item.size == end:
            return
        with self._opened(item.key) as file:
            if file is None:
                return
            pieces = pieces or self._find_there(item, file)
            end = pieces[-1].end if pieces else 0
            if pieces and (
                item.size < end or self._hash(file, pieces[-1].start, pieces[-1].size) != pieces[-1].sha256
            ):
                pieces, end = [], 0  # it is not what was copied: it begins a series of its own
            series = pieces[0].series if pieces else self._new_series()
            while (size := self._whole_lines(file, end, item.size)) > 0:
                self._put(item, Piece(item.key, series, end, size, self._hash(file, end, size)), file)
                end += size

    def _find_there(self, item: Item, file: BinaryIO) -> list[Piece]:
        """Return what an earlier journal had copied of a growing file, as far as it is its beginning.

        A piece's name is believed, unless a piece of the file was found wrong: then all are read.
        """
        found: list[Piece] = []
        for piece in self._target.series(item.key):
            here = self._hash(file, piece.start, piece.size)
            named = "" if item.key in self._wrong else piece.sha256
            there = named or self._hash_there(Form.GROWING, piece)
            if item.size < piece.end or here != there:
                return []
            found.append(Piece(piece.key, piece.series or self._new_series(), piece.start, piece.size, here))
        self._journal.add_all(Form.GROWING, found, at=self._clock())
        return found

    def _whole_lines(self, file: BinaryIO, start: int, end: int) -> int:
        """Return how many bytes of whole lines there are from `start` on, one piece at most."""
        size = min(end - start, PIECE_BYTES)
        at = size
        while at > 0:  # from behind: the last line may be on its way
            begin = max(0, at - READ_BYTES)
            file.seek(start + begin)
            found = file.read(at - begin).rfind(b"\n")
            if found >= 0:
                return begin + found + 1
            at = begin
        return size if size == PIECE_BYTES else 0

    def _copy_replaced(self, item: Item) -> None:
        with self._opened(item.key) as file:
            if file is None:
                return
            seen = os.fstat(file.fileno())
            look = (seen.st_ino, seen.st_size, seen.st_mtime_ns)
            if self._replaced.get(item.key) == look:
                return
            sha256 = self._hash(file, 0, seen.st_size)
            known = self._journal.series(item.key)
            if not known or known[-1].sha256 != sha256:
                version = Item(item.key, Form.REPLACED, seen.st_size, sha256)
                self._put(version, Piece(item.key, self._new_series(), 0, seen.st_size, sha256), file)
            self._replaced[item.key] = look

    def _new_series(self) -> int:
        return round(self._clock() * 1000)

    # ------------------------------------------------------------ pieces

    def _put(self, item: Item, piece: Piece, file: BinaryIO) -> None:
        """Copy a piece and read it back; what comes back wrong is written over once."""
        for over in (piece.key in self._wrong, True):
            data = PacedPiece(file, piece.start, piece.size, self._pace)
            try:
                self._target.put(item, piece, data, over=over)  # type: ignore[arg-type]  # it reads, seeks, tells
            except CopyLost:  # what comes before it is gone: the next round makes it anew
                self._lose(piece.key)
                raise
            try:
                self._check(item.form, piece)
            except CopyLost as error:
                self.lost += 1
                if over:
                    raise CopyError(
                        f"what was just copied cannot be read back: {error}",
                        f"刚复制的内容无法回读：{in_chinese(error)}",
                    ) from error
            else:
                break
        self._wrong.discard(piece.key)
        now = self._clock()
        self._journal.add(item.form, piece, at=now, checked_at=now)
        self._moved()

    def _check(self, form: Form, piece: Piece) -> None:
        """Raises CopyLost: the target does not hold these bytes."""
        if self._rules.trust_checksums and self._target.has_checksum(form, piece):
            return
        if self._hash_there(form, piece) != piece.sha256:
            raise CopyLost(
                f"{self._target.shown}: {piece.key} is not what was copied there",
                f"{self._target.shown}：{piece.key} 与复制时的内容不符",
            )

    def _hash_there(self, form: Form, piece: Piece) -> str:
        digest = hashlib.sha256()
        for chunk in self._pace.follow(self._target.read(form, piece)):
            digest.update(chunk)
        return digest.hexdigest()

    def _hash(self, file: BinaryIO, start: int, size: int) -> str:
        digest = hashlib.sha256()
        file.seek(start)
        while size > 0 and (chunk := file.read(min(size, 1 << 20))):
            self._pace.go_on()
            digest.update(chunk)
            size -= len(chunk)
        return digest.hexdigest()

    @contextmanager
    def _opened(self, key: str) -> Iterator[BinaryIO | None]:
        """Open a plain file of the data directory; None: it is gone. It leaves the page cache again."""
        try:
            descriptor = open_file(self._data_dir, PurePosixPath(key))
        except FileNotFoundError:
            yield None
            return
        with os.fdopen(descriptor, "rb") as file:
            yield file
            with suppress(OSError):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    # ------------------------------------------------------------ later

    def _recheck(self) -> None:
        """Read some copies back, those first that were not for longest; what is wrong is copied anew."""
        now, begun = self._clock(), time.monotonic()
        before = now - self._rules.recheck_days * DAY_S if self._rules.recheck_days else 1.0
        for entry in self._journal.due(before, RECHECK_PIECES):
            piece = entry.piece
            try:
                self._check(entry.form, piece)
            except CopyLost:
                self._lose(piece.key)
            else:
                self._journal.checked(piece, now)
            if time.monotonic() - begun > RECHECK_S:
                break

    def _lose(self, key: str) -> None:
        """A copy is gone or wrong: forget it, so that it is made again from what is on disk."""
        self._journal.drop(key)
        self._wrong.add(key)
        self._done.pop(key.rpartition("/")[0] + "/", None)
        self._records_at = float("-inf")
        self._replaced.pop(key, None)
        self.lost += 1
        if not (self._data_dir / key).exists():
            self.lost_for_good = [*self.lost_for_good, key][-MAX_NAMED:]

    def _expire(self) -> None:
        """Remove copies of recordings that the sweeper removed long ago, when the settings say so."""
        if self._rules.keep_days is None:
            return
        now = time.monotonic()
        if self._expired_at is not None and now - self._expired_at < EXPIRE_EVERY_S:
            return
        self._expired_at, self.locked, self.locked_zh = now, "", ""
        for line in expired_copies(self._data_dir, self._rules.keep_days, self._clock()):
            if not self._journal.has(line.key):
                continue
            self._pace.go_on()
            try:
                self._target.remove(line.key)
            except CopyLocked as error:
                self.locked, self.locked_zh = str(error), in_chinese(error)
                continue
            self._journal.drop(line.key)
            self._record(
                CopyRemoval(
                    channel=line.removed.channel,
                    path=line.key,
                    bytes=line.removed.bytes,
                    sha256=line.removed.sha256,
                    target=self._target.shown,
                    reason=f"its recording ended over {self._rules.keep_days} days ago and was removed",
                )
            )


def _read_seal(data_dir: Path) -> str:
    try:
        return (data_dir / PUBLIC_FILE).read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
