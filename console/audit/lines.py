"""Lines of one file of the ledger, from its end to its beginning. Waits for the disk."""

import os
from pathlib import Path
from typing import NamedTuple

from streamgate.ledger.chain import MAX_LINE

BLOCK = 128 * 1024


class Line(NamedTuple):
    """`start`: offset of its first byte. `data`: with its line feed; empty: it is too long to be a line."""

    start: int
    data: bytes


class Backwards:
    """Reads a file's lines backwards from `end`: an offset right behind a line feed, or 0.

    Without `end` from the last line feed: what stands behind it is being written. Raises OSError; ValueError
    when no line ends at `end`.
    """

    def __init__(self, path: Path, end: int | None = None) -> None:
        self._file = path.open("rb", buffering=0)
        try:
            self.size = os.fstat(self._file.fileno()).st_size
            if end is None:
                end = self._last_end()
            elif end != 0 and (not 0 < end <= self.size or self._pread(1, end - 1) != b"\n"):
                raise ValueError(f"no line of {path.name} ends at {end}")  # noqa: TRY301
        except BaseException:
            self._file.close()
            raise
        self.whole = end  # where the reading began
        self.position = end  # lines that start before it are still to come
        self._block, self._offset = b"", end  # bytes of the file, and where they begin

    def close(self) -> None:
        self._file.close()

    def next(self) -> Line | None:
        """Return the line before; None at the beginning of the file. Raises OSError."""
        while self.position > 0:
            left = self.position - self._offset  # bytes of the block that are still to come
            cut = self._block.rfind(b"\n", 0, left - 1) if left > 1 else -1
            if cut >= 0 or (self._offset == 0 and left <= MAX_LINE):
                line = self._block[cut + 1 : left]
                self.position = self._offset + cut + 1
                return Line(self.position, line)
            if left > MAX_LINE:
                return self._pass_over()
            self._fill(left)
        return None

    def _fill(self, left: int) -> None:
        """Put what stands before the block in front of it; `left`: how much of the block is still wanted."""
        start = max(0, self._offset - BLOCK)
        data = self._pread(self._offset - start, start)
        if len(data) < self._offset - start:
            raise OSError(5, "the file became shorter while it was read", self._file.name)
        self._block, self._offset = data + self._block[:left], start

    def _pass_over(self) -> Line:
        """Go to the beginning of what is too long to be a line."""
        cut = -1
        while cut < 0 and self._offset > 0:
            self._fill(0)
            cut = self._block.rfind(b"\n")
        self.position = self._offset + cut + 1
        return Line(self.position, b"")

    def _last_end(self) -> int:
        start = max(0, self.size - MAX_LINE)
        cut = self._pread(self.size - start, start).rfind(b"\n")
        return self.size if cut < 0 and start > 0 else start + cut + 1

    def _pread(self, count: int, offset: int) -> bytes:
        return os.pread(self._file.fileno(), count, offset)


def line_number(path: Path, offset: int) -> int:
    """Return the number of the line that starts at `offset`, from 1."""
    number = 1
    with path.open("rb") as file:
        while offset > 0 and (data := file.read(min(offset, BLOCK))):
            number += data.count(b"\n")
            offset -= len(data)
    return number
