"""Copy in memory of the records that are not on disk yet: a process that is killed loses none of them.

It stands in the runtime directory (a tmpfs), so that writing to it waits for no disk.
"""

import os
from contextlib import suppress
from pathlib import Path

from streamgate.ledger.owner import give_to_owner

_LENGTH = 4
MAX_BYTES = 64 * 1024 * 1024


class Spill:
    """An append-only file of records, each with its length before it. Its errors cost the copy, no more."""

    def __init__(self, path: Path) -> None:
        self._size = 0
        self._file: int | None = None
        with suppress(OSError):
            if not path.parent.is_dir():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                give_to_owner(path.parent, path.parent.parent)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            give_to_owner(self._file, path.parent)
            self._size = os.fstat(self._file).st_size

    def read(self) -> list[bytes]:
        """Return the records that an earlier process left behind; a piece of one at the end is dropped."""
        found: list[bytes] = []
        if self._file is None:
            return found
        data = b""
        with suppress(OSError):
            data = os.pread(self._file, MAX_BYTES, 0)
        while len(data) >= _LENGTH:
            end = _LENGTH + int.from_bytes(data[:_LENGTH], "big")
            if end > len(data):
                break
            found.append(data[_LENGTH:end])
            data = data[end:]
        if data:
            with suppress(OSError):
                os.ftruncate(self._file, self._size - len(data))
                self._size -= len(data)
        return found

    def append(self, record: bytes) -> None:
        if self._file is None or self._size > MAX_BYTES - len(record) - _LENGTH:
            return
        data = len(record).to_bytes(_LENGTH, "big") + record
        try:
            written = os.write(self._file, data)
        except OSError:
            return
        if written == len(data):
            self._size += written
        else:  # the memory is full
            with suppress(OSError):
                os.ftruncate(self._file, self._size)

    def clear(self) -> None:
        """Forget everything: it is on disk."""
        if self._file is not None and self._size:
            with suppress(OSError):
                os.ftruncate(self._file, 0)
                self._size = 0

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
