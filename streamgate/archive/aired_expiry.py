"""Edit lists and kept fillers that are past their retention: what may go, and the removal of it."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from hashlib import file_digest
from pathlib import Path
from typing import NamedTuple

from streamgate.archive.certificate import Certifier
from streamgate.archive.edit_list import (
    CLIPS,
    FOLDER,
    ClipKept,
    EditList,
    find_edit_lists,
    read_edit_list,
    read_line,
)
from streamgate.core.retention import DAY_S, MIN_RETENTION_DAYS
from streamgate.disk import sync_directory
from streamgate.ledger.record import Removal

Covers = Callable[[str, float, float], bool]
Settle = Callable[[Removal], None]
CLIP = ".clip"
_CLIP_LINE = b'"line":"clip"'


class Rules(NamedTuple):
    """What may go at `now_s`. `days`: retention by channel, `otherwise`: of a channel that is not there.

    `covers`: says whether a span of a channel is held. `settle`: has a removal in the ledger when it returns,
    or raises; the file goes after it. `locked`: while it is entered no hold is placed.
    """

    now_s: float
    days: Mapping[str, int]
    otherwise: int
    covers: Covers
    settle: Settle
    locked: Callable[[], AbstractContextManager[None]] = nullcontext


def expire(root: Path, rules: Rules) -> int:
    """Remove what is past its retention: edit lists, and fillers that no list names any more.

    Returns how many files went. Raises OSError, and what `settle` raises.
    """
    gone = 0
    for folder in sorted(root.glob(f"*/{FOLDER}")):
        channel = folder.parent.name
        days = rules.days.get(channel, rules.otherwise)
        before = rules.now_s - max(MIN_RETENTION_DAYS, days) * DAY_S
        old = [*_old_lists(root, channel, before, rules.covers), *_old_clips(root, channel, before)]
        named = _Named(root, channel)
        for path, start, end in old:
            if path.suffix == CLIP and path.stem in named:
                continue
            with rules.locked():
                if path.suffix != CLIP and rules.covers(channel, start, max(end, path.stat().st_mtime)):
                    continue
                rules.settle(_removal(root, path, start, end, f"older than {days} days"))
                path.unlink()
                sync_directory(path.parent)
            gone += 1
    return gone


def _old_lists(
    root: Path, channel: str, before: float, covers: Covers
) -> Iterator[tuple[Path, float, float]]:
    for path in find_edit_lists(root, channel).values():
        modified = path.stat().st_mtime
        if modified < before:
            start, end = _span(read_edit_list(path), modified)
            if end < before and not covers(channel, start, max(end, modified)):
                yield path, start, end


def _old_clips(root: Path, channel: str, before: float) -> Iterator[tuple[Path, float, float]]:
    """Yield fillers that were made and kept long ago: one that was kept lately may be about to be named."""
    with suppress(FileNotFoundError):
        for path in sorted((root / channel / FOLDER / CLIPS).iterdir()):
            found = path.stat()
            if path.suffix == CLIP and max(found.st_mtime, found.st_ctime) < before:
                yield path, found.st_mtime, found.st_mtime


class _Named:
    """The fillers that the lists there are name. A list is read again when it has changed.

    Each mosaic is a filler of its own: there may be thousands.
    """

    def __init__(self, root: Path, channel: str) -> None:
        self._root, self._channel = root, channel
        self._read: dict[Path, tuple[tuple[int, int], frozenset[str]]] = {}

    def __contains__(self, sha256: str) -> bool:
        paths = find_edit_lists(self._root, self._channel).values()
        return any(sha256 in self._names_of(path) for path in paths)

    def _names_of(self, path: Path) -> frozenset[str]:
        found = path.stat()
        mark = (found.st_size, found.st_mtime_ns)
        if (known := self._read.get(path)) is not None and known[0] == mark:
            return known[1]
        with path.open("rb") as file:
            kept = (read_line(line) for line in file if _CLIP_LINE in line)
            names = frozenset(line.sha256 for line in kept if isinstance(line, ClipKept))
        self._read[path] = mark, names
        return names


def _span(edits: EditList, modified: float) -> tuple[float, float]:
    """Return from when to when a list goes, wall clock."""
    certifier = Certifier()
    for line in edits.lines:
        certifier.take(line)
    if not certifier.begun:
        return modified, modified
    found = certifier.certificate()
    return found.start, max(found.start, found.end)


def _removal(root: Path, path: Path, start: float, end: float, reason: str) -> Removal:
    with path.open("rb") as file:
        sha256 = file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
    name = path.relative_to(root)
    return Removal(
        channel=name.parts[0],
        path=name.as_posix(),
        start=start,
        end=end,
        bytes=size,
        sha256=sha256,
        reason=reason,
    )
