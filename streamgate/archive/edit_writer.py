"""Writes the edit lists of one channel, in a thread of its own; the gate never waits for it.

What a failure costs:

- kill -9 of the process: the piece that goes on, at most one GOP (or 4 s of an endless one).
- power failure: what was written in the last SYNC_S.
- disk full: nothing as long as the reserve lasts (see `streamgate.reserve`); then as a stalled one.
- disk stalled or unwritable: MAX_LINES lines wait in memory; beyond that lines are dropped, and a
  `lost` line says so as soon as there is room. Of fillers and mosaics MAX_CLIPS wait; of what aired beyond
  that the list says that its file is gone. Air is the same.
"""

import hashlib
import os
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from streamgate.archive.edit_list import (
    CLIPS,
    FOLDER,
    Begin,
    ClipKept,
    Line,
    Lost,
    find_edit_lists,
    list_path,
)
from streamgate.archive.edit_trail import CHECK_US, EditTrail
from streamgate.archive.intake import Alarm
from streamgate.archive.parts import check_channel, make_directory
from streamgate.clock import now_us, wall_s
from streamgate.core.clip import Clip
from streamgate.core.edits import Piece
from streamgate.disk import OwnedDirectory, sync_directory, write_all
from streamgate.ledger.record import Record
from streamgate.reserve import FULL, Reserve
from streamgate.wording import both, disk_error

MAX_LINES = 4096  # of a GOP each: over two hours
MAX_CLIPS = 128  # a mosaic is as large as the pictures that it stands for, about 1 MB a second
SYNC_S = 5.0
RETRY_S = 1.0
RECENT_S = 600.0  # a list that ended so long before a kill is in the ledger: it was told of within seconds
MAX_RECENT = 8
CLOSE_S = 2.0
HASH_BYTES = 1 << 20
HASH_PAUSE_S = 0.01  # a long clip is read beside the recording, not before it
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class EditWriter:
    """Appends lines below `root`/CHANNEL/aired. `put`, `keep` and `close` belong to the gate's loop.

    `alarm(code, params)` is called from the thread: see `streamgate.archive.notices`; so is `record`, with
    what the ledger is to say of the lists. It must not wait.
    """

    def __init__(
        self,
        root: Path,
        channel: str,
        *,
        alarm: Alarm,
        max_lines: int = MAX_LINES,
        record: Callable[[Record], None] = lambda _: None,
    ) -> None:
        """Raises ConfigError: the channel's name cannot be a directory's."""
        self._root = root
        self._channel = check_channel(channel)
        self._folder = root / channel / FOLDER
        self._alarm = alarm
        self._max_lines = max_lines
        self._record = record
        self._trails: deque[EditTrail] = deque()  # lists that the ledger is to be told of, the newest last
        self._behind = False  # the first of them is not read to its end
        self._queue: deque[Line] = deque()
        self._lost: Lost | None = None
        self._clips: deque[tuple[str, Clip]] = deque()
        self._owner = OwnedDirectory(self._folder, self._is_over)
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._file: int | None = None
        self._path: Path | None = None
        self._good = 0  # bytes of whole lines in the file
        self._synced_us = 0
        self._dirty = False
        self._failed_us: int | None = None
        self._hashed: dict[tuple[int, ...], str] = {}
        self._told: set[str] = set()  # clips of the edit list at hand
        self._work_on: Iterator[None] | None = None
        self._writing = self._retried = False
        self._deadline_us = 0
        self._thread: threading.Thread | None = None

    # ------------------------------------------------------------ the gate's side

    def start(self) -> None:
        """Begin to look at what an earlier process left; `put` begins it, too."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"edits-{self._channel}", daemon=True)
            self._thread.start()

    def put(self, line: Line) -> None:
        """Take a line; never waits. What finds no room is counted and told in the list itself."""
        self.start()
        important = not isinstance(line, Piece)  # a list without its begin or end says nothing
        room = self._max_lines if not important else self._max_lines + 64
        if self._lost is not None and (len(self._queue) * 2 < self._max_lines or important):
            self._queue.append(self._lost)
            self._lost = None
        if self._lost is None and len(self._queue) < room:
            self._queue.append(line)
        else:
            self.lose(line.at if isinstance(line, Piece) else wall_s(), "the disk was too slow")
        self._wake.set()

    def lose(self, at: float, why: str) -> None:
        """Count a line that is not written."""
        lost = self._lost or Lost(0, at, at, why)
        self._lost = Lost(lost.lines + 1, lost.since, max(at, lost.until), lost.why)

    def keep(self, key: str, clip: Clip) -> None:
        """Have a filler's file kept beside the list, when there is time."""
        if not clip.path or any(waiting == key for waiting, _ in list(self._clips)):
            return
        if len(self._clips) < MAX_CLIPS:
            self._clips.append((key, clip))
            self._wake.set()
        else:
            self.put(ClipKept(key, clip.name, "", 0))

    def close(self) -> bool:
        """Write what waits and end the thread, within 2 s. False when the disk did not let it finish."""
        if self._thread is None:
            return True
        if self._lost is not None:
            self._queue.append(self._lost)
            self._lost = None
        self._deadline_us = now_us() + round(CLOSE_S * 0.8e6)
        self._closing.set()
        self._wake.set()
        self._thread.join(CLOSE_S)
        return not self._thread.is_alive() and not self._queue

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        try:
            self._write_all()
        finally:
            self._owner.release()

    def _is_over(self) -> bool:
        return self._closing.is_set() and now_us() > self._deadline_us

    def _write_all(self) -> None:
        with suppress(OSError):
            self._owner.own()
            self._look_back()
        while True:
            try:
                self._writing = True
                self._write()
                self._writing = self._retried = False
                self._keep_on()
                self._sync()
                self._tell_ledger()
            except OSError as error:
                if self._writing and error.errno in FULL:
                    more = Reserve.of(self._root).release()
                    if more or not self._retried:  # the ledger may have made room meanwhile: once more
                        self._retried = not more
                        continue  # lines have their room when recordings have none
                self._give_up(error)
            except Exception as error:  # noqa: BLE001  (this thread's supervisor: what follows must be written)
                self._drop(error)
            else:
                self._recovered()
                busy = bool(self._clips) or self._behind
                if self._queue or (busy and self._closing.is_set() and now_us() < self._deadline_us):
                    continue
                if self._closing.is_set():
                    break
                self._wake.wait(HASH_PAUSE_S if busy else SYNC_S)
                self._wake.clear()
                continue
            if self._closing.wait(RETRY_S):
                break
        self._close_file()

    def _write(self) -> None:
        """Append what waits. Raises OSError with nothing lost."""
        while self._queue:
            batch: list[Line] = []
            for line in list(self._queue):
                if isinstance(line, Begin) and batch:
                    break
                batch.append(line)
                if isinstance(line, Begin):
                    self._path = list_path(self._root, self._channel, line.broadcast)
            first = batch[0]
            if isinstance(first, Begin):
                self._close_file()
                self._told = set()
            self._append(b"".join(msgspec.json.encode(line) + b"\n" for line in batch))
            for _ in batch:
                self._queue.popleft()

    def _append(self, data: bytes) -> None:
        file = self._opened()
        if not os.fstat(file).st_nlink:  # somebody removed it: what follows makes a new one
            self._close_file()
            file = self._opened()
        try:
            write_all(file, data)
        except OSError:
            with suppress(OSError):
                os.ftruncate(file, self._good)
            raise
        self._good += len(data)
        self._dirty = True

    def _opened(self) -> int:
        """Return the descriptor of the list at hand, behind a whole line."""
        if self._file is not None:
            return self._file
        assert self._path is not None
        make_directory(self._folder)
        self._owner.own()
        new = not self._path.exists()
        file = os.open(self._path, _FLAGS, 0o600)
        try:
            with self._path.open("rb") as before:
                self._good = before.seek(0, os.SEEK_END)
                torn = self._good > 0 and os.pread(before.fileno(), 1, self._good - 1) != b"\n"
            if torn:  # by a kill: it is ended, and reads as damaged
                write_all(file, b"\n")
                self._good += 1
            if new:
                sync_directory(self._folder)
            if not self._trails or self._trails[-1].path != self._path:
                self._trails.append(EditTrail(self._root, self._path))
        except OSError:
            os.close(file)
            raise
        self._file = file
        return file

    def _sync(self) -> None:
        if self._file is not None and self._dirty and now_us() - self._synced_us > SYNC_S * 1e6:
            self._synced_us = now_us()
            os.fsync(self._file)
            self._dirty = False

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                os.fsync(file)
            os.close(file)
        self._dirty = False

    def _drop(self, error: Exception) -> None:
        """Something cannot be written, ever: leave it out, and say so in the list."""
        why = f"{type(error).__name__}: {error}"
        self._work_on = None
        if not self._writing and self._clips:
            self._clips.popleft()
        elif self._queue:
            place = next((n for n, line in enumerate(list(self._queue)) if not _is_writable(line)), 0)
            line = self._queue[place]
            at = line.at if isinstance(line, Piece) else wall_s()
            self._queue[place] = Lost(1, at, at, why[:200])
        self._tell_failed({"error": why, "error_zh": f"程序错误（{why}）"})

    def _give_up(self, error: OSError) -> None:
        self._work_on = None
        with suppress(OSError):
            self._close_file()
        self._owner.release()
        self._tell_failed(both(disk_error(error, self._path)))

    def _tell_failed(self, params: Mapping[str, object]) -> None:
        if self._failed_us is None:
            self._failed_us = now_us()
            self._tell("edits_failed", params)

    def _recovered(self) -> None:
        if self._failed_us is not None:
            seconds = round((now_us() - self._failed_us) / 1e6, 1)
            self._failed_us = None
            self._tell("edits_kept", {"seconds": seconds})

    def _tell(self, code: str, params: Mapping[str, object]) -> None:
        with suppress(RuntimeError):  # the gate's loop has ended: nobody is left to be told
            self._alarm(code, params)

    # ------------------------------------------------------------ the ledger

    def _look_back(self) -> None:
        """Tell the ledger of the newest lists there are: a killed process may not have come to them."""
        known = [(path.stat().st_mtime, path) for path in find_edit_lists(self._root, self._channel).values()]
        newest = max((modified for modified, _ in known), default=0.0)
        recent = sorted(one for one in known if one[0] >= newest - RECENT_S)[-MAX_RECENT:]
        self._trails.extend(EditTrail(self._root, path) for _, path in recent)
        self._behind = bool(recent)

    def _tell_ledger(self) -> None:
        """Read on in the list at hand by one step; once in a while tell the ledger how far it goes."""
        if not self._trails:
            return
        trail = self._trails[0]
        try:
            self._behind = not trail.step()
        except FileNotFoundError:  # somebody removed it: what is written next makes another one
            self._trails.popleft()
            self._behind = bool(self._trails)
            return
        if self._behind:
            return
        past = len(self._trails) > 1 or trail.path != self._path
        over = past or (trail.ended and not self._clips)
        due = trail.told_us is None or now_us() - trail.told_us > CHECK_US
        if (trail.grown and (due or self._closing.is_set())) or (over and trail.uncertified):
            trail.told_us = now_us()
            for record in trail.state(certify=over):
                self._record(record)
        if len(self._trails) > 1:
            self._trails.popleft()
            self._behind = True

    # ------------------------------------------------------------ fillers

    def _keep_on(self) -> None:
        """Go on with keeping a filler by one step: lines that come meanwhile are not held up."""
        if self._work_on is None:
            if not self._clips:
                return
            key, clip = self._clips[0]
            self._work_on = self._keep(key, clip)
        try:
            next(self._work_on)
        except StopIteration:
            self._work_on = None
            self._clips.popleft()

    def _keep(self, key: str, clip: Clip) -> Iterator[None]:
        """Keep a filler's file by its digest and tell it in the list."""
        if key in self._told:
            return
        source = Path(clip.path)
        try:
            stat = source.stat()
        except FileNotFoundError:  # its frames were in memory: what aired is known by name only
            self._say_kept(ClipKept(key, clip.name, "", 0))
            return
        # A mosaic's file is soon gone, and another one may get its number.
        mark = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if mark not in self._hashed:
            digest = hashlib.sha256()
            with source.open("rb") as file:
                while piece := file.read(HASH_BYTES):
                    digest.update(piece)
                    yield
            while len(self._hashed) >= MAX_CLIPS:
                del self._hashed[next(iter(self._hashed))]
            self._hashed[mark] = digest.hexdigest()
        sha256 = self._hashed[mark]
        kept = self._folder / CLIPS / f"{sha256}.clip"
        if not kept.exists():
            make_directory(kept.parent)
            self._owner.own()
            _link_or_copy(source, kept)
            yield
        self._say_kept(ClipKept(key, clip.name, sha256, stat.st_size))

    def _say_kept(self, line: ClipKept) -> None:
        self._append(msgspec.json.encode(line) + b"\n")
        self._told.add(line.key)


def _is_writable(line: Line) -> bool:
    try:
        msgspec.json.encode(line)
    except Exception:  # noqa: BLE001  (whatever it is, it is why the line is left out)
        return False
    return True


def _link_or_copy(source: Path, kept: Path) -> None:
    """Give a file a second name, or copy it to another disk. Raises OSError."""
    try:
        os.link(source, kept)
    except OSError:
        draft = kept.with_suffix(".new")
        try:
            shutil.copyfile(source, draft)
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            draft.replace(kept)
        except OSError:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise
    sync_directory(kept.parent)
