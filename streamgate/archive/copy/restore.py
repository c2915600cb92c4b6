"""Brings back from the second copy what is missing or damaged on disk. A good file is never written over.

A damaged file is kept beside the good one as .NAME.damaged. What the sweeper removed comes back only where a
hold covers it: else the sweeper would remove it again. On a machine that only the command line has written to
(the store's key had to be entered) the ledger of before makes way, as .NAME.before-restore.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

import msgspec

from streamgate.archive.copy.pace import Pace
from streamgate.archive.copy.plan import ARCHIVE
from streamgate.archive.copy.target import MARKER, PIECE_BYTES, Form, Piece, Target
from streamgate.archive.edit_list import CLIPS, find_edit_lists, read_edit_list
from streamgate.archive.edit_list import FOLDER as AIRED
from streamgate.archive.holds import Holds
from streamgate.archive.kept_clips import kept_clips
from streamgate.archive.parts import INDEX, PartRecord, append_lines, events_path, make_directory, parse
from streamgate.archive.removed import REMOVED, read_removed
from streamgate.disk import sync_directory, write_all
from streamgate.errors import ArchiveError, CopyError, CopyLost
from streamgate.ledger.owner import give_to_owner
from streamgate.ledger.places import FOLDER as LEDGER
from streamgate.ledger.places import STAMPS, find_places
from streamgate.ledger.record import Removal

_DRAFT = ".restoring"
_LINES = ".jsonl"
_REMOVAL = b'"kind":"removal"'
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW


class Restored(msgspec.Struct):
    """What was done. `restored`: files brought back, by key; `kept`: files put aside, by key.

    `good`: files that needed nothing. `lines`: index lines added. `expired`: parts, edit lists and fillers
    that the sweeper removed, left in the copy. `differ`: records (ledger, edit lists) that are neither the
    copy nor its beginning, left as they are. `failed`: what could not be brought back, and why.
    """

    restored: list[str] = []
    bytes: int = 0
    good: int = 0
    lines: int = 0
    expired: int = 0
    kept: list[str] = []
    differ: list[str] = []
    failed: dict[str, str] = {}


class Restorer:
    """Restores one data directory from a target. Calls block. `moved(key)` is called for each file."""

    def __init__(
        self,
        data_dir: Path,
        target: Target,
        pace: Pace,
        *,
        serving: bool = False,
        moved: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`serving`: `serve` runs on this data directory: files that it writes are only added to."""
        self._data_dir, self._target, self._pace = data_dir, target, pace
        self._serving, self._moved = serving, moved
        self._root = data_dir / ARCHIVE
        self._done = Restored()
        self._sizes: dict[str, dict[str, int]] = {}

    def restore(self, channel: str | None, start: float | None, end: float | None) -> Restored:
        """Bring back a channel's recordings that overlap [start, end), wall clock; None: all there is.

        Without a channel and a span: the ledger and all other records, too.
        Raises CopyError: the target fails; OSError; ArchiveError: a file of this machine cannot be used.
        """
        if self._target.open() is None:
            raise CopyError(f"{self._target.shown} holds no second copy: there is no {MARKER}")
        everything = channel is None and start is None and end is None
        if everything:
            self._make_way()
            for folder in (f"{LEDGER}/", f"{STAMPS}/", ""):
                self._restore_records(folder)
        folders: dict[str, set[str]] = {}
        for key in self._keys(f"{ARCHIVE}/{channel}/" if channel else f"{ARCHIVE}/"):
            folder, _, name = key.rpartition("/")
            folders.setdefault(folder, set()).add(name)
        held, removed = Holds(self._root).keeper(), {line.path for line in read_removed(self._root)}
        swept = self._read_removals()
        for folder, names in sorted(folders.items()):
            path = PurePosixPath(folder)
            if path.name == AIRED:
                self._restore_lists(folder, names, swept)
            elif path.name == CLIPS:
                self._restore_clips(path, names, swept)
            elif INDEX in names and len(path.parts) == 3:
                self._restore_day(path, start, end, held, removed)
        return self._done

    def _keys(self, folder: str) -> set[str]:
        """Return what there is below a folder. A name that leads elsewhere is none of ours."""
        return {key for key in self._target.keys(folder) if _is_plain(key)}

    # ------------------------------------------------------------ recordings

    def _restore_day(
        self,
        folder: PurePosixPath,
        start: float | None,
        end: float | None,
        held: Callable[[str], bool],
        removed: set[str],
    ) -> None:
        day = self._data_dir / folder
        if start is None and end is None:
            self._restore_record(f"{folder}/{INDEX}")  # to the byte: the ledger has its hash
        there = _records(self._read(f"{folder}/{INDEX}"))
        here = _records(_lines_of(day / INDEX))
        added: list[PartRecord] = []
        for line in {**there, **here}.values():
            if (start is not None and line.end < start) or (end is not None and line.start >= end):
                continue
            key = f"{folder}/{line.part}"
            below = str(PurePosixPath(key).relative_to(ARCHIVE))
            if below in removed and not held(below) and not (self._data_dir / key).exists():
                self._done.expired += 1
                continue
            good = self._restore_whole(key, line.bytes, line.sha256, line.end)
            if line.events_sha256:
                events = events_path(Path(key)).as_posix()
                self._restore_whole(events, None, line.events_sha256, line.end)
            if good and line.part not in here:
                added.append(line)
        if added:
            append_lines(day / INDEX, [msgspec.json.encode(line) for line in added])
            give_to_owner(day / INDEX, day)
            self._done.lines += len(added)

    def _restore_whole(self, key: str, size: int | None, sha256: str, modified: float | None = None) -> bool:
        """Bring back a file unless it is good; say whether it is there and good now."""
        path = self._data_dir / key
        if _is_good(path, size, sha256, self._pace):
            self._done.good += 1
            return True
        try:
            self._fetch(path, key, size, sha256, modified)
        except CopyLost as error:
            self._done.failed[key] = str(error)
            return False
        return True

    def _fetch(self, path: Path, key: str, size: int | None, sha256: str, modified: float | None) -> None:
        """Write the copy under the file's name once all of it is there and right. Raises CopyLost."""
        _make(self._data_dir, path.parent)
        draft = path.with_name(f".{path.name}{_DRAFT}")
        descriptor = os.open(draft, _FLAGS, 0o600)
        try:
            digest, written = hashlib.sha256(), 0
            for chunk in self._pace.follow(self._whole(key, size)):
                write_all(descriptor, chunk)
                digest.update(chunk)
                written += len(chunk)
            if digest.hexdigest() != sha256:
                raise CopyLost(f"the copy of {key} is damaged: its SHA-256 is not that of the index")
            if modified is not None:
                os.utime(descriptor, (modified, modified))  # its age is that of its media
            os.fsync(descriptor)
            give_to_owner(descriptor, path.parent)
            self._put_in_place(draft, path, key)
        finally:
            os.close(descriptor)
            draft.unlink(missing_ok=True)
        self._done.restored.append(key)
        self._done.bytes += written
        self._moved(key)

    def _put_in_place(self, draft: Path, path: Path, key: str) -> None:
        """Give the draft its name; a damaged file that has it is put aside, one that came meanwhile stays."""
        if path.exists():
            self._put_aside(path, key, "damaged")
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        sync_directory(path.parent)

    def _put_aside(self, path: Path, key: str, why: str) -> None:
        names = (f".{path.name}.{why}{f'-{number}' if number > 1 else ''}" for number in range(1, 1000))
        aside = next(one for name in names if not (one := path.with_name(name)).exists())
        path.rename(aside)
        self._done.kept.append(str(PurePosixPath(key).with_name(aside.name)))

    def _whole(self, key: str, size: int | None) -> Iterator[bytes]:
        """Yield the copy of a file that never changes: one object or, when it is large, pieces."""
        if size is None:
            folder = key.rpartition("/")[0] + "/"
            if folder not in self._sizes:
                self._sizes = {folder: self._target.sizes(folder)}  # one request for all of a day
            size = self._sizes[folder].get(key)
        pieces = self._target.series(key) if size is None or size > PIECE_BYTES else []
        if pieces and pieces[0].series:  # a directory has the whole file as one piece of series 0
            for piece in pieces:
                yield from self._target.read(Form.WHOLE, piece)
        elif size is not None:
            yield from self._target.read(Form.WHOLE, Piece(key, 0, 0, size, ""))
        else:
            raise CopyLost(f"{self._target.shown}: {key} is gone")

    # ------------------------------------------------------------ records

    def _restore_records(self, folder: str) -> None:
        """Bring back what grows or is replaced: the ledger, holds, what was removed."""
        if folder:
            keys = self._keys(folder)
        else:
            keys = {
                f"{ARCHIVE}/{REMOVED}",
                f"{ARCHIVE}/holds.json",
                f"{ARCHIVE}/retention.json",
                "holds.json",
            }
        for key in sorted(keys):
            self._restore_record(key)

    def _make_way(self) -> None:
        """Put the ledger of a machine aside that only the command line has written to, to be restored.

        What it recorded follows nothing in the ledger that comes back, which then could not be proven.
        """
        try:
            places = find_places(self._data_dir / LEDGER)
        except FileNotFoundError:
            return
        if self._serving or any(place.process != "cli" for place in places):
            return
        there = self._keys(f"{LEDGER}/")
        for place in places:
            key = f"{LEDGER}/{place.name}"
            path = self._data_dir / key
            here, data = path.read_bytes(), self._read(key) if key in there else b""
            if there and not (data and (here.startswith(data) or data.startswith(here))):
                self._put_aside(path, key, "before-restore")

    def _read_removals(self) -> dict[str, Removal]:
        """Return what the ledger on disk says was removed, by path below the archive."""
        found: dict[str, Removal] = {}
        decoder = msgspec.json.Decoder(Removal)
        with suppress(FileNotFoundError):
            for place in find_places(self._data_dir / LEDGER):
                with (self._data_dir / LEDGER / place.name).open("rb") as file:
                    for line in file:
                        if _REMOVAL in line:
                            with suppress(msgspec.DecodeError, UnicodeDecodeError):
                                one = decoder.decode(line)
                                found[one.path] = one
        return found

    def _restore_lists(self, folder: str, names: set[str], swept: Mapping[str, Removal]) -> None:
        """Bring back edit lists but for those that were removed and no hold covers."""
        covers = Holds(self._root).covers()
        for name in sorted(names):
            key = f"{folder}/{name}"
            gone = swept.get(key.removeprefix(f"{ARCHIVE}/"))
            if gone is None or covers(gone.channel, gone.start, gone.end) or (self._data_dir / key).exists():
                self._restore_record(key)
            else:
                self._done.expired += 1

    def _restore_clips(self, folder: PurePosixPath, names: set[str], swept: Mapping[str, Removal]) -> None:
        """Bring back fillers but for those that were removed and no edit list on disk names."""
        lists = find_edit_lists(self._root, folder.parts[1]).values()
        named = {sha256 for path in lists for sha256 in kept_clips(read_edit_list(path)).values()}
        for name in sorted(names):
            key, sha256 = f"{folder}/{name}", name.removesuffix(".clip")
            gone = key.removeprefix(f"{ARCHIVE}/") in swept and sha256 not in named
            if gone and not (self._data_dir / key).exists():
                self._done.expired += 1
            else:
                self._restore_whole(key, None, sha256)

    def _restore_record(self, key: str) -> None:
        """Bring back a file that is gone; complete one that is its copy's beginning, if nobody writes."""
        path = self._data_dir / key
        data = self._read(key)
        try:
            here = path.read_bytes()
        except FileNotFoundError:
            if data:
                self._write_record(path, key, data)
            return
        if here.startswith(data):
            self._done.good += 1
        elif data.startswith(here) and not self._serving and key.endswith(_LINES):
            self._write_record(path, key, data)
        else:
            self._done.differ.append(key)

    def _write_record(self, path: Path, key: str, data: bytes) -> None:
        _make(self._data_dir, path.parent)
        draft = path.with_name(f".{path.name}{_DRAFT}")
        descriptor = os.open(draft, _FLAGS, 0o600)
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
            give_to_owner(descriptor, path.parent)
        finally:
            os.close(descriptor)
        draft.replace(path)
        sync_directory(path.parent)
        self._done.restored.append(key)
        self._done.bytes += len(data)
        self._moved(key)

    def _read(self, key: str) -> bytes:
        """Return the copy of a growing or replaced file, as far as its pieces are right; b"": none."""
        data = bytearray()
        for piece in self._target.series(key):
            try:
                found = b"".join(self._pace.follow(self._target.read(Form.GROWING, piece)))
            except CopyLost as error:
                self._done.failed[key] = str(error)
                break
            if piece.sha256 and hashlib.sha256(found).hexdigest() != piece.sha256:
                self._done.failed[key] = f"the copy of {key} is damaged from byte {piece.start} on"
                break
            data += found
        return bytes(data)


def _is_plain(key: str) -> bool:
    path = PurePosixPath(key)
    return not path.is_absolute() and ".." not in path.parts and str(path) == key


def _is_good(path: Path, size: int | None, sha256: str, pace: Pace) -> bool:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            if size is not None and os.fstat(file.fileno()).st_size != size:
                return False
            while chunk := file.read(1 << 20):
                pace.go_on()
                digest.update(chunk)
    except FileNotFoundError:
        return False
    return digest.hexdigest() == sha256


def _records(lines: bytes) -> dict[str, PartRecord]:
    """Return the parts that index lines name. Lines that are torn or name something else are passed over."""
    decoder = msgspec.json.Decoder(PartRecord)
    found: dict[str, PartRecord] = {}
    for line in lines.splitlines():
        with suppress(msgspec.DecodeError):
            record = decoder.decode(line)
            name = record.part
            if name and parse(PurePosixPath(record.channel, "2000-01-01", name)) is not None:
                found[name] = record
    return found


def _lines_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _make(top: Path, folder: Path) -> None:
    """Make a folder of the data directory, private, with the owner of what it is in."""
    if folder.is_dir():
        return
    if folder == top:
        raise ArchiveError(f"{top} is not there")
    _make(top, folder.parent)
    make_directory(folder)
    give_to_owner(folder, folder.parent)
