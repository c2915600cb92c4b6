"""Length and SHA-256 of files that only grow, read on from where they were left."""

import hashlib
import os
from pathlib import Path
from typing import Any

from streamgate.ledger.record import Extent

_READ = 1 << 18
_MOST = 2  # files kept in mind: the day's and that before it


class _Seen:
    """How far a file was read."""

    def __init__(self, inode: int) -> None:
        self.inode = inode
        self.bytes = 0
        self.digest: Any = hashlib.sha256()


class Grown:
    """Reads the newest files of a kind as they grow. Belongs to one thread."""

    def __init__(self) -> None:
        self._seen: dict[Path, _Seen] = {}

    def extent(self, root: Path, path: Path) -> Extent:
        """Return how far the file goes now; what was read before is not read again. Raises OSError.

        A file that is another one now, or shorter, is read from its start.
        """
        with path.open("rb", buffering=0) as file:
            found = os.fstat(file.fileno())
            seen = self._seen.pop(path, None)
            if seen is None or seen.inode != found.st_ino or found.st_size < seen.bytes:
                seen = _Seen(found.st_ino)
            file.seek(seen.bytes)
            while piece := file.read(_READ):
                seen.digest.update(piece)
                seen.bytes += len(piece)
        self._seen[path] = seen
        while len(self._seen) > _MOST:
            del self._seen[next(iter(self._seen))]
        return Extent(path.relative_to(root).as_posix(), seen.bytes, seen.digest.hexdigest())
