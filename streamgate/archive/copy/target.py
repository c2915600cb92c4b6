"""What a second copy consists of, and what a place that holds one has to do. A directory and S3 do it.

A file of the data directory goes over in pieces of at most PIECE_BYTES, in order. A piece that was not
finished, because the process was killed or the target went away, is sent again as a whole: no more is lost.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import BinaryIO, Protocol

import msgspec

from streamgate.errors import CopyError

PIECE_BYTES = 64 * 1024 * 1024
READ_BYTES = 64 * 1024
MARKER = "streamgate-copy.json"  # in the target; says whose copy it is


class Form(StrEnum):
    """How a file changes: `whole` never, `growing` at its end, `replaced` as a whole."""

    WHOLE = "whole"
    GROWING = "growing"
    REPLACED = "replaced"


class Item(msgspec.Struct, frozen=True):
    """A file to be copied. `key`: its path in the data directory, with slashes.

    `size` bytes of it are to be there; `sha256` (hex) of all of them, where that is known beforehand.
    """

    key: str
    form: Form
    size: int
    sha256: str = ""


class Piece(msgspec.Struct, frozen=True):
    """`size` bytes of a file from `start` on. `series`: of pieces that belong together; the newest counts.

    A whole file has 0, or 1 where it takes several pieces. A growing file that is not what was copied of it
    any more, and each version of a replaced one, begins a new series: wall clock, ms.
    """

    key: str
    series: int
    start: int
    size: int
    sha256: str

    @property
    def end(self) -> int:
        return self.start + self.size


class Marker(msgspec.Struct, frozen=True):
    """Whose copy a target holds: the public key of the seals of the data directory, "" if none yet."""

    seal: str
    v: int = 1


def bad_marker(name: str, error: Exception) -> CopyError:
    """Return the error for a marker that cannot be read."""
    return CopyError(f"{name} cannot be read: {error}", f"无法读取 {name}：内容已损坏（{error}）")


class Target(Protocol):
    """A place for copies. Methods block, belong to one thread, and raise CopyError when the place fails."""

    shown: str  # for people: no secret
    may_begin_anew: bool  # whether one that has lost everything may be filled again without being asked

    def open(self) -> Marker | None:
        """See whether it can be used; return its marker, None: there is none."""

    def claim(self, marker: Marker) -> None:
        """Write the marker."""

    def put(self, item: Item, piece: Piece, data: BinaryIO, *, over: bool = False) -> None:
        """Take a piece. `over`: even where something of its name and length is there."""

    def read(self, item_form: Form, piece: Piece) -> Iterator[bytes]:
        """Yield the bytes of a piece. Raises CopyLost: it is not there, or not all of it."""

    def has_checksum(self, item_form: Form, piece: Piece) -> bool:
        """Whether the place itself says that it holds just these bytes; False: it does not say."""

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the size of each whole file below a folder (a key's beginning, with slash) by its key."""

    def series(self, key: str) -> list[Piece]:
        """Return the pieces there are of a growing, replaced or large file: the newest series, in order."""

    def keys(self, folder: str) -> set[str]:
        """Return the keys of all files below a folder of which there is anything."""

    def remove(self, key: str) -> None:
        """Remove a file. Raises CopyLocked: the place refuses, an object lock holds it."""

    def close(self) -> None:
        """Close connections; never fails."""
