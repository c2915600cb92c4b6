"""What of a data directory is to be copied, read from the disk anew each time: no queue that could be lost.

Closed parts with their events, as the indexes name them; the indexes; edit lists and fillers; the ledger with
all its files; what was removed, what is held, for how long recordings are kept; the public key of the seals.
No part that is still being written, no database, no secret.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from streamgate.archive.copy.target import Form, Item
from streamgate.archive.edit_list import CLIPS
from streamgate.archive.edit_list import FOLDER as AIRED
from streamgate.archive.holds import FILE as HOLDS
from streamgate.archive.parts import INDEX, days, events_path, iterate_index
from streamgate.archive.removed import REMOVED
from streamgate.archive.retention_file import RETENTION
from streamgate.ledger.places import FOLDER as LEDGER
from streamgate.ledger.places import STAMPS
from streamgate.ledger.signing import PUBLIC_FILE

ARCHIVE = "archive"
_CLIP = ".clip"
_LINES = ".jsonl"


class Day(NamedTuple):
    """A channel's recordings of one day. `mark`: changes when another part is closed."""

    folder: str  # "archive/main/2026-11-29/"
    path: Path
    mark: tuple[int, int]


class DayItems(NamedTuple):
    """What is to be copied of a day. `torn`: files that are not as long as their index line says."""

    items: list[Item]
    torn: list[str]


def find_channels(data_dir: Path) -> list[str]:
    try:
        with os.scandir(data_dir / ARCHIVE) as entries:
            return sorted(one.name for one in entries if one.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def find_days(data_dir: Path) -> list[Day]:
    """Return the days with recordings, the oldest first. Raises OSError."""
    found = []
    for channel in find_channels(data_dir):
        for path in days(data_dir / ARCHIVE, channel):
            try:
                seen = (path / INDEX).stat()
            except FileNotFoundError:
                continue
            found.append(Day(f"{ARCHIVE}/{channel}/{path.name}/", path, (seen.st_ino, seen.st_size)))
    return sorted(found, key=lambda day: day.path.name)


def find_parts_of(day: Day) -> DayItems:
    """Return the closed parts of a day that are there, and their events. Raises OSError."""
    sizes = _sizes(day.path)
    items, torn = [], []
    for line in iterate_index(day.path):
        if not line.part or line.part not in sizes:
            continue
        if sizes[line.part] != line.bytes:
            torn.append(day.folder + line.part)
            continue
        items.append(Item(day.folder + line.part, Form.WHOLE, line.bytes, line.sha256))
        events = events_path(Path(line.part)).name
        if line.events_sha256 and events in sizes:
            items.append(Item(day.folder + events, Form.WHOLE, sizes[events], line.events_sha256))
    return DayItems(list({item.key: item for item in items}.values()), torn)


def find_clips(data_dir: Path) -> list[Item]:
    """Return the fillers that aired. Raises OSError."""
    found = []
    for channel in find_channels(data_dir):
        folder = f"{ARCHIVE}/{channel}/{AIRED}/{CLIPS}/"
        for name, size in _sizes(data_dir / folder).items():
            if name.endswith(_CLIP):
                found.append(Item(folder + name, Form.WHOLE, size, name.removesuffix(_CLIP)))
    return found


STILL_TRIES = 10  # nobody writes a line between two looks, almost always


def find_records(data_dir: Path) -> Iterator[Item]:
    """Yield the files that grow or are replaced, the ledger's last but with the sizes that they had first.

    So the ledger of a copy never names what the copy lacks of them, wherever copying was interrupted. Raises
    OSError.
    """
    ledger = _find_ledger(data_dir)
    for channel in find_channels(data_dir):
        yield from _items(data_dir, data_dir / ARCHIVE / channel / AIRED)
        for day in days(data_dir / ARCHIVE, channel):
            if (day / INDEX).is_file():
                yield _item(data_dir, day / INDEX)
    for path in (
        data_dir / ARCHIVE / REMOVED,
        data_dir / ARCHIVE / HOLDS,
        data_dir / ARCHIVE / RETENTION,
        data_dir / HOLDS,
        data_dir / PUBLIC_FILE,
    ):
        if path.is_file() and not path.is_symlink():
            yield _item(data_dir, path)
    yield from ledger
    yield from _items(data_dir, data_dir / STAMPS)


def _find_ledger(data_dir: Path) -> list[Item]:
    """Return the ledger's files as they were at one moment: each names the newest records of the others."""
    found: list[Item] = []
    for _ in range(STILL_TRIES):
        before = found
        found = [item for folder in _folders(data_dir / LEDGER) for item in _items(data_dir, folder)]
        if found == before:
            break
    return found


def _folders(top: Path) -> list[Path]:
    try:
        with os.scandir(top) as entries:
            inner = sorted(Path(one.path) for one in entries if one.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []
    return [top, *inner]


def _items(data_dir: Path, folder: Path) -> Iterator[Item]:
    for name in sorted(_sizes(folder)):
        yield _item(data_dir, folder / name)


def _item(data_dir: Path, path: Path) -> Item:
    form = Form.GROWING if path.name.endswith(_LINES) else Form.REPLACED
    return Item(path.relative_to(data_dir).as_posix(), form, path.stat().st_size)


def _sizes(folder: Path) -> dict[str, int]:
    """Return the plain files of a folder, but for drafts."""
    try:
        with os.scandir(folder) as entries:
            return {
                one.name: one.stat(follow_symlinks=False).st_size
                for one in entries
                if one.is_file(follow_symlinks=False) and not one.name.startswith(".")
            }
    except FileNotFoundError:
        return {}
