"""Backup clips that come through the page: received to the disk, looked at in a child, put in place whole."""

import asyncio
import contextlib
import errno
import os
import re
import secrets
import shutil
import time
import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from console.problems import BUSY, MAX_UPLOAD, TOO_LARGE_FILE, Problem, Refused
from console.setup.child import run_child
from streamgate.errors import MediaError
from streamgate.playout.clip_info import ClipLook
from streamgate.wording import in_chinese, in_english

SPARE_BYTES = 1024**3
"""Left free on the disk by any upload: recordings matter more (rule R8)."""
MAX_UPLOADS = 4
SILENCE_S = 60.0
LOOK_S = 60.0
SUFFIXES = frozenset(
    [
        ".mp4",
        ".m4v",
        ".mov",
        ".mkv",
        ".webm",
        ".flv",
        ".ts",
        ".mts",
        ".mpg",
        ".mpeg",
        ".avi",
        ".wmv",
        ".jpg",
        ".jpeg",
        ".png",
        ".webp",
        ".bmp",
        ".gif",
        ".mp3",
        ".m4a",
        ".aac",
        ".wav",
        ".flac",
        ".ogg",
    ]
)
_NAME = re.compile(r"[^\x00-\x1f\x7f/\\.][^\x00-\x1f\x7f/\\]{0,119}")
_CHUNK = 1024 * 1024
_KEPT_S = 3600.0  # what was removed can be put back for less long
BAD_NAME = Problem(
    400,
    "bad_request",
    "This file name cannot be used: at most 120 characters, no slash, not beginning with a dot, and ending"
    " like a video, picture or sound file (.mp4, .mov, .mkv, .jpg, .png, .mp3 ...).",
    "文件名不可用：最多 120 个字符，不含斜杠，不以点开头，"
    "扩展名须为视频、图片或声音文件（.mp4、.mov、.mkv、.jpg、.png、.mp3 等）。",
)
TAKEN = Problem(
    409,
    "refused",
    "The channel has a backup of this name already: remove it first, or rename the file.",
    "频道已有同名备用文件：请先移除，或重命名文件。",
)
NO_ROOM = Problem(
    507,
    "no_room",
    "The disk of the data directory has no room for this file: recordings need what is left.",
    "数据目录所在磁盘空间不足：剩余空间须留给录像。",
)
CUT_OFF = Problem(400, "bad_request", "The upload broke off.", "上传中断。")


def unusable(error: Exception) -> Problem:
    return Problem(
        400,
        "not_media",
        f"This file cannot be used: {in_english(error)}",
        f"该文件无法使用：{in_chinese(error)}",
    )


class Backups:
    """Receives files into DATA_DIR/backups/CHANNEL. Files there belong to the page: it may remove them."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / "backups"
        self._free = asyncio.Semaphore(MAX_UPLOADS)

    def is_ours(self, channel: str, path: Path) -> bool:
        return path.parent == self._root / channel

    def check_name(self, filename: str) -> None:
        """Raise Refused for a name that no backup may have."""
        fits = _NAME.fullmatch(filename) and len(filename.encode("utf-8", "replace")) <= 200
        if not fits or unicodedata.normalize("NFC", filename) != filename or not filename.isprintable():
            raise Refused(BAD_NAME)
        if Path(filename).suffix.lower() not in SUFFIXES:
            raise Refused(BAD_NAME)

    @contextlib.asynccontextmanager
    async def received(
        self, channel: str, filename: str, length: int | None, chunks: AsyncIterator[bytes]
    ) -> AsyncIterator[tuple[Path, ClipLook]]:
        """Receive a file, see that it is media, put it in place; it goes again if the body raises.

        `length`: what the browser declares; None: not known.

        Raises:
            Refused: the name, the size, the disk or the content does not do.
        """
        self.check_name(filename)
        if self._free.locked():
            raise Refused(BUSY)
        async with self._free:
            folder, target = self._root / channel, self._root / channel / filename
            await asyncio.to_thread(self._prepare, folder, target, length)
            draft = folder / f".upload-{secrets.token_hex(8)}"
            try:
                await self._write(draft, chunks)
                look = await self.look(draft, filename)
                await asyncio.to_thread(_put, draft, target)
            finally:
                with contextlib.suppress(OSError):
                    await asyncio.to_thread(draft.unlink, missing_ok=True)
        try:
            yield target, look
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    async def look(self, path: Path, name: str) -> ClipLook:
        """Return what a file holds, with a still picture. Raises Refused when it is no backup footage."""
        try:
            printed = await run_child("streamgate.playout.clip_look", str(path), name, timeout_s=LOOK_S)
        except MediaError as error:
            raise Refused(unusable(error)) from error
        return msgspec.json.decode(printed, type=ClipLook)

    def take_away(self, path: Path) -> Path:
        """Put a file aside so that it can be put back; what was put aside long ago goes. OSError."""
        aside = path.with_name(f".removed-{secrets.token_hex(8)}")
        for old in path.parent.glob(".removed-*"):
            with contextlib.suppress(OSError):
                if time.time() - old.stat().st_ctime > _KEPT_S:
                    old.unlink()
        path.rename(aside)
        return aside

    def _prepare(self, folder: Path, target: Path, length: int | None) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if target.exists():
                raise Refused(TAKEN)
            for old in folder.glob(".upload-*"):  # of a console that was killed
                if time.time() - old.stat().st_mtime > _KEPT_S:
                    old.unlink(missing_ok=True)
            if length is not None and length > MAX_UPLOAD:
                raise Refused(TOO_LARGE_FILE)
            if shutil.disk_usage(folder).free - (length or 0) < SPARE_BYTES:
                raise Refused(NO_ROOM)
        except OSError as error:
            raise Refused(NO_ROOM) from error

    async def _write(self, draft: Path, chunks: AsyncIterator[bytes]) -> None:
        """Write what comes, in pieces of a mebibyte and in a thread."""
        size, waiting = 0, bytearray()
        try:
            with await asyncio.to_thread(_open, draft) as file:
                while (chunk := await _next(chunks)) is not None:
                    size += len(chunk)
                    if size > MAX_UPLOAD:
                        raise Refused(TOO_LARGE_FILE)
                    waiting += chunk
                    if len(waiting) >= _CHUNK:
                        await asyncio.to_thread(_append, file, bytes(waiting))
                        waiting.clear()
                await asyncio.to_thread(_append, file, bytes(waiting))
                await asyncio.to_thread(os.fsync, file.fileno())
        except OSError as error:
            raise Refused(NO_ROOM) from error


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    """Return the next piece, None at the end. A browser that says nothing for long is gone."""
    try:
        async with asyncio.timeout(SILENCE_S):
            return await anext(chunks, None)
    except TimeoutError:
        raise Refused(CUT_OFF) from None


def _open(draft: Path) -> BinaryIO:
    return os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb", 0)


def _append(file: BinaryIO, data: bytes) -> None:
    """Write all of it. OSError, also when little but the spare room is left."""
    disk = os.fstatvfs(file.fileno())
    if disk.f_bavail * disk.f_frsize < SPARE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _put(draft: Path, target: Path) -> None:
    if target.exists():
        raise Refused(TAKEN)
    draft.replace(target)
