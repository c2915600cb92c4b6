"""The incident book: `incidents/incidents.jsonl` in the data directory, one JSON line an event.

Lines are only ever appended, by one process at a time (flock), and are on disk before anybody is answered. A
copy of the data directory is read without a database and without the program running (ADR 33).
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import msgspec

from streamgate.clock import wall_s
from streamgate.disk import sync_directory, write_all
from streamgate.errors import ArchiveError, Refused
from streamgate.incidents.incident import AnyEvent, Incident, Incidents, check, find, fold
from streamgate.ledger.owner import give_to_owner
from streamgate.wording import system_error

FOLDER = "incidents"
FILE = "incidents.jsonl"
MAX_INCIDENTS = 50_000
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def digest_of(event: AnyEvent) -> str:
    """Return the SHA-256, in hex, of an event's line: the ledger names it, and so proves what was said."""
    return sha256(msgspec.json.encode(event)).hexdigest()


class Book:
    """The incidents of one data directory. Calls block; they raise ArchiveError when the disk refuses."""

    def __init__(self, data_dir: Path, *, clock: Callable[[], float] = wall_s) -> None:
        self.folder = data_dir / FOLDER
        self.path = self.folder / FILE
        self.damaged = 0  # lines that cannot be read, or do not fit to those before
        self.clock = clock
        self._incidents: Incidents = {}
        self._read_to = 0
        self._inode = -1

    def read(self) -> Incidents:
        """Return all incidents by id."""
        try:
            self._follow()
        except FileNotFoundError:
            self._forget()
        except OSError as error:
            raise ArchiveError(
                f"{self.path} cannot be read ({error.strerror})",
                f"无法读取 {self.path}（{system_error(error)}）",
            ) from error
        return self._incidents

    def get(self, number: str) -> Incident:
        """Return one incident. Raises Refused: there is none of this id."""
        return find(self.read(), number)

    def add(self, event: AnyEvent) -> Incident:
        """Append an event, on disk when this returns; return the incident as it is now.

        Raises:
            Refused: what a person may not say, or what the incident's state does not allow.
        """
        check(event)
        with self._locked():
            incidents = self.read()
            if len(incidents) >= MAX_INCIDENTS and event.id not in incidents:
                raise Refused(
                    f"the book holds {MAX_INCIDENTS} incidents, and takes no more: put {self.path} aside",
                    f"事件簿已满 {MAX_INCIDENTS} 件，不能再增加；请移开 {self.path}",
                )
            fold(incidents, event)
            self._append(msgspec.json.encode(event) + b"\n")
            return self.get(event.id)

    def _follow(self) -> None:
        """Fold what was appended since the last time."""
        with self.path.open("rb") as file:
            seen = os.fstat(file.fileno())
            if seen.st_ino != self._inode or seen.st_size < self._read_to:
                self._forget()
                self._inode = seen.st_ino
            file.seek(self._read_to)
            for line in file:
                if not line.endswith(b"\n"):
                    break  # it is being written, or was when somebody was killed
                self._read_to += len(line)
                self._take(line)

    def _take(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            event = _decoder.decode(line)
            self._incidents |= fold(self._incidents, event)
        except (msgspec.DecodeError, UnicodeDecodeError, Refused):
            self.damaged += 1

    def _forget(self) -> None:
        self._incidents, self._read_to, self._inode, self.damaged = {}, 0, -1, 0

    def _append(self, line: bytes) -> None:
        try:
            there = self.path.exists()
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                size = os.fstat(descriptor).st_size
                torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
                write_all(descriptor, (b"\n" if torn else b"") + line)
                os.fsync(descriptor)
                give_to_owner(descriptor, self.folder)
            finally:
                os.close(descriptor)
            if not there:
                sync_directory(self.folder)
        except OSError as error:
            raise ArchiveError(
                f"{self.path} cannot be written ({error.strerror}): see to the disk and try again",
                f"无法写入 {self.path}（{system_error(error)}）：请检查磁盘后重试",
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep others out, in this process and in others."""
        try:
            if not self.folder.is_dir():
                self.folder.mkdir(mode=0o700, exist_ok=True)
                give_to_owner(self.folder, self.folder.parent)
            lock = self.folder / ".lock"
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            give_to_owner(descriptor, self.folder)
        except OSError as error:
            raise ArchiveError(
                f"{self.folder} cannot be used ({error.strerror})",
                f"无法使用 {self.folder}（{system_error(error)}）",
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
