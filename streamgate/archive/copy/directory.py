"""A directory as the place of second copies: the same files under the same names.

So `streamgate verify` works on it as it is. A directory that is not there is never made: it may be a mount.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from streamgate.archive.copy.target import MARKER, READ_BYTES, Form, Item, Marker, Piece, bad_marker
from streamgate.disk import replace_file, sync_directory, write_all
from streamgate.errors import CopyError, CopyLost
from streamgate.wording import system_error

_DRAFT = ".part"  # .NAME.part: a file that is not whole yet
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class DirectoryTarget:
    """Copies below `root`. See `Target`."""

    may_begin_anew = False  # empty it may be a mount point without its disk

    def __init__(self, root: Path) -> None:
        self._root = root
        self.shown = str(root)

    def open(self) -> Marker | None:
        try:
            if not self._root.is_dir():
                raise CopyError(
                    f"{self._root} is not there; mount it, or make the directory",
                    f"目录 {self._root} 不存在；请挂载或创建",
                )
            return msgspec.json.decode((self._root / MARKER).read_bytes(), type=Marker)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _failed(error, self._root / MARKER) from error
        except msgspec.DecodeError as error:
            raise bad_marker(str(self._root / MARKER), error) from error

    def claim(self, marker: Marker) -> None:
        try:
            replace_file(self._root / MARKER, msgspec.json.encode(marker) + b"\n")
        except OSError as error:
            raise _failed(error, self._root) from error

    def put(self, item: Item, piece: Piece, data: BinaryIO, *, over: bool = False) -> None:  # noqa: ARG002
        path = self._path(item.key)
        try:
            self._make(path.parent)
            if item.form is Form.GROWING:
                self._append(path, piece, data)
            else:
                self._replace(path, item, piece, data)
        except OSError as error:
            raise _failed(error, path) from error

    def _append(self, path: Path, piece: Piece, data: BinaryIO) -> None:
        """Put a piece behind what is there; before a new series the old file gets a hidden name.

        A name with a dot is one that nobody who verifies the copy reads.
        """
        if piece.start == 0 and path.exists():
            path.rename(path.with_name(f".{path.name}.before-{piece.series}"))
        new = not path.exists()
        lost = CopyLost(f"{path} is shorter than what was copied into it", f"{path} 比已复制的内容短")
        _put(path, piece, data, lost)
        if new:
            sync_directory(path.parent)

    def _replace(self, path: Path, item: Item, piece: Piece, data: BinaryIO) -> None:
        draft = path.with_name(f".{path.name}{_DRAFT}")
        lost = CopyLost(f"the first pieces of {path} are not there any more", f"{path} 的前段已不存在")
        _put(draft, piece, data, lost)
        if piece.end == item.size:
            draft.replace(path)
            sync_directory(path.parent)

    def read(self, item_form: Form, piece: Piece) -> Iterator[bytes]:
        path = self._path(piece.key)
        draft = path.with_name(f".{path.name}{_DRAFT}")
        with suppress(OSError):
            if item_form is Form.WHOLE and draft.exists():
                path = draft  # of a large file whose last piece has not come yet
        try:
            with path.open("rb") as file:
                file.seek(piece.start)
                left = piece.size
                while left and (chunk := file.read(min(READ_BYTES, left))):
                    left -= len(chunk)
                    yield chunk
        except FileNotFoundError as error:
            raise CopyLost(f"{path} is gone", f"{path} 已不存在") from error
        except OSError as error:
            raise _failed(error, path) from error
        if left:
            raise CopyLost(f"{path} ends {left} bytes early", f"{path} 缺少末尾 {left} 字节")

    def has_checksum(self, item_form: Form, piece: Piece) -> bool:  # noqa: ARG002  (a file system has none)
        return False

    def sizes(self, folder: str) -> dict[str, int]:
        try:
            return {key: path.stat().st_size for key, path in self._files(folder)}
        except OSError as error:
            raise _failed(error, self._path(folder)) from error

    def series(self, key: str) -> list[Piece]:
        try:
            size = self._path(key).stat().st_size
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _failed(error, self._path(key)) from error
        return [Piece(key, 0, 0, size, "")]

    def keys(self, folder: str) -> set[str]:
        return set(self.sizes(folder))

    def remove(self, key: str) -> None:
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as error:
            raise _failed(error, self._path(key)) from error

    def close(self) -> None:
        """There is nothing to close."""

    def _files(self, folder: str) -> Iterator[tuple[str, Path]]:
        top = self._path(folder)
        for at, folders, names in os.walk(top):
            folders.sort()
            for name in names:
                if not name.startswith(".") and name != MARKER and ".before-" not in name:
                    path = Path(at, name)
                    yield path.relative_to(self._root).as_posix(), path

    def _make(self, folder: Path) -> None:
        """Make the folders of a file below the root, which has to be there."""
        missing = []
        while not folder.is_dir():
            if folder == self._root:
                raise CopyError(
                    f"{self._root} is not there any more; is it still mounted?",
                    f"目录 {self._root} 已不存在；请检查是否仍已挂载",
                )
            missing.append(folder)
            folder = folder.parent
        for one in reversed(missing):
            one.mkdir(mode=0o700, exist_ok=True)
            sync_directory(one.parent)

    def _path(self, key: str) -> Path:
        return self._root / key


def _put(path: Path, piece: Piece, data: BinaryIO, lost: CopyLost) -> None:
    """Write a piece at its place, durably, drop what follows. Raises `lost`: what precedes it is gone."""
    descriptor = os.open(path, _FLAGS, 0o600)
    try:
        if os.fstat(descriptor).st_size < piece.start:
            raise lost
        os.ftruncate(descriptor, piece.start)
        os.lseek(descriptor, piece.start, os.SEEK_SET)
        _write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(descriptor: int, data: BinaryIO) -> None:
    while chunk := data.read(READ_BYTES):
        write_all(descriptor, chunk)


def _failed(error: OSError, path: Path) -> CopyError:
    return CopyError(f"{error.strerror or error}: {path}", f"{system_error(error)}：{path}")
