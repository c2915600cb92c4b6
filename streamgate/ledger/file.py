"""The file that a process appends to: found, mended and continued, or made. Waits for the disk."""

import errno
import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from streamgate.disk import lock_within, sync_directory, write_all
from streamgate.errors import ChainError
from streamgate.ledger.chain import FORM, MAX_LINE, START, Head, is_torn, link
from streamgate.ledger.owner import give_to_owner
from streamgate.ledger.places import Place, find_places, goes_on, newest
from streamgate.ledger.record import Damaged, FileHead, Header, Mended, Record

LOCK_S = 1.0  # for another process of the same name that is about to end
_MAX_KEPT = 1000
_MAX_LEFT = 4
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)  # file systems such as exFAT
Stamp = Callable[[Record], Record]


class LedgerFile:
    """An open, locked file of the ledger. `news`: what was found when it was opened, still to be recorded."""

    def __init__(self, root: Path, place: Place, descriptor: int, head: Head, *, news: list[Record]) -> None:
        self.place, self.head, self.news = place, head, news
        self.root = root
        self.sound = True  # False: what stands behind `durable` could not be cut off
        self._descriptor = descriptor
        found = os.fstat(descriptor)
        self.durable = Durable(place.name, found.st_ino, found.st_size)

    @classmethod
    def take_up(
        cls,
        root: Path,
        process: str,
        today: str,
        stamp: Stamp,
        *,
        seen: Callable[[bytes], None],
        durable: "Durable | None" = None,
    ) -> Self:
        """Go on with the newest file of `process`, or follow it with a new one.

        `seen` is given each line that is found. `durable`: how far this process knows a file to be on disk,
        from before the disk failed; what stands behind that is dropped, for the caller writes it again.
        Raises OSError.
        """
        _make_folder(root)
        tail = newest(root, process)
        if tail is None:
            return cls._make(root, process, today, stamp, None, news=[])
        descriptor = os.open(root / tail.name, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        try:
            held = lock_within(descriptor, LOCK_S)
            if held and durable is not None:
                durable.restore(descriptor, tail)
            found = _scan(descriptor, tail, seen)
            news: list[Record] = _mend_left(root, tail)
            damaged = bool(found.bad) and not is_torn(found.rest)
            if damaged:
                news.append(Damaged(file=tail.name, line=found.head.records + 1, why=found.bad))
            elif held and found.bad:
                news.append(_put_aside(root, tail, descriptor, found))
            if held and not damaged and goes_on(tail.day, today):
                return cls(root, tail, os.dup(descriptor), found.head, news=news)
            previous = FileHead(tail.name, *found.head) if found.head.records else None
            return cls._make(root, process, today, stamp, previous, news=news)
        finally:
            os.close(descriptor)

    def follow(self, today: str, stamp: Stamp) -> Self:
        """Make the file of another day, behind this one; this one is closed by the caller."""
        previous = FileHead(self.place.name, *self.head)
        return self._make(self.root, self.place.process, today, stamp, previous, news=[])

    @classmethod
    def _make(
        cls,
        root: Path,
        process: str,
        day: str,
        stamp: Stamp,
        previous: FileHead | None,
        *,
        news: list[Record],
    ) -> Self:
        """Make a file with its header: under another name first, so that none is ever seen without it."""
        folder = root / day
        _make_folder(folder)
        numbers = [one.number for one in find_places(root) if (one.day, one.process) == (day, process)]
        number = max(numbers, default=0) + 1
        draft = folder / f".{process}.{os.getpid()}.new"
        draft.unlink(missing_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(draft, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            give_to_owner(descriptor, root)
            while True:
                place = Place(day, process, number)
                header = Header(
                    form=FORM, process=process, day=day, file=place.name, pid=os.getpid(), previous=previous
                )
                before = Head(0, START if previous is None else previous.hash)
                line, head = link(msgspec.to_builtins(stamp(header)), before)
                os.ftruncate(descriptor, 0)
                write_all(descriptor, line)
                os.fsync(descriptor)
                try:
                    _name(draft, root / place.name)
                except FileExistsError:
                    number += 1
                else:
                    break
            draft.unlink(missing_ok=True)
            for directory in (folder, root):
                sync_directory(directory)
            return cls(root, place, os.dup(descriptor), head, news=news)
        except BaseException:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)

    def append(self, lines: bytes, head: Head) -> None:
        """Have `lines`, which end with `head`, on disk. Raises OSError; then none of them counts."""
        try:
            write_all(self._descriptor, lines)
            os.fsync(self._descriptor)
            self._look()
        except OSError:
            try:
                os.ftruncate(self._descriptor, self.durable.size)
            except OSError:
                self.sound = False
            raise
        self.head = head
        self.durable = self.durable._replace(size=self.durable.size + len(lines))

    def _look(self) -> None:
        """Raise OSError when the file is no longer where it was: it was removed, or its disk was."""
        found = (self.root / self.place.name).stat()
        if found.st_ino != self.durable.inode:
            raise FileNotFoundError(2, "the file was replaced by another", self.place.name)

    def close(self) -> None:
        os.close(self._descriptor)


class Durable(NamedTuple):
    """How much of a file is known to be on disk."""

    name: str
    inode: int
    size: int

    def restore(self, descriptor: int, place: Place) -> None:
        """Drop what stands behind it: a kernel that could not write a page may still show it."""
        found = os.fstat(descriptor)
        if place.name == self.name and found.st_ino == self.inode and found.st_size > self.size:
            os.ftruncate(descriptor, self.size)


class _Found(NamedTuple):
    """What a file holds. `rest`: what stands behind the last good line, `bad`: why that is none."""

    head: Head
    size: int
    rest: bytes
    bad: str


def _scan(descriptor: int, place: Place, seen: Callable[[bytes], None]) -> _Found:
    checker = place.checker()
    size = 0
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        for line in iter(lambda: file.readline(MAX_LINE), b""):
            try:
                checker.feed(line)
            except ChainError as error:
                return _Found(checker.head, size, line + file.read(MAX_LINE), str(error))
            seen(line)
            size += len(line)
    return _Found(checker.head, size, b"", "")


def _mend_left(root: Path, tail: Place) -> list[Record]:
    """Mend files that a dead process still held when its successor began another one; return what is new.

    Its last system call may have torn the end of such a file since. Raises OSError.
    """
    news: list[Record] = []
    left = [one for one in find_places(root) if one.process == tail.process and one != tail]
    for place in left[-_MAX_LEFT:]:
        descriptor = os.open(root / place.name, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        try:
            size = os.fstat(descriptor).st_size
            whole = not size or os.pread(descriptor, 1, size - 1) == b"\n"
            if whole or not lock_within(descriptor, 0):
                continue
            found = _scan(descriptor, place, lambda _: None)
            if found.bad and is_torn(found.rest):
                news.append(_put_aside(root, place, descriptor, found))
        finally:
            os.close(descriptor)
    return news


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        give_to_owner(folder, folder.parent)


def _put_aside(root: Path, place: Place, descriptor: int, found: _Found) -> Mended:
    """Keep the torn end of a file in a file of its own, and cut it off."""
    for number in range(1, _MAX_KEPT):
        kept = f"{place.name}.torn-{number}"
        try:
            aside = os.open(root / kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            continue
        try:
            give_to_owner(aside, root)
            write_all(aside, found.rest)
            os.fsync(aside)
        finally:
            os.close(aside)
        os.ftruncate(descriptor, found.size)
        os.fsync(descriptor)
        return Mended(
            file=place.name, kept=kept, bytes=len(found.rest), sha256=sha256(found.rest).hexdigest()
        )
    raise FileExistsError(17, f"{_MAX_KEPT} torn ends are kept already", place.name)


def _name(draft: Path, path: Path) -> None:
    """Give a finished file its name. FileExistsError when another one has it."""
    try:
        path.hardlink_to(draft)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if path.exists():
            raise FileExistsError(errno.EEXIST, "another file has the name", str(path)) from error
        draft.rename(path)
