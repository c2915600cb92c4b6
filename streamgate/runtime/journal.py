"""The journal: every decision and event on one line of JSON, appended by a thread of its own.

Whoever writes to it never waits for the disk. The queue is bounded; what does not fit is counted, and the
count is written as soon as there is room.
"""

import queue
import threading
from pathlib import Path

import msgspec
import structlog

MAX_WAITING = 10_000
_log = structlog.get_logger()


class Journal:
    """Appends to `path`. A disk that fails is reported once and tried again with the next line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._queue: queue.Queue[bytes | None] = queue.Queue(MAX_WAITING)
        self._missed = 0
        self._failed = False
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def write(self, line: msgspec.Struct) -> None:
        try:
            self._queue.put_nowait(msgspec.json.encode(line) + b"\n")
        except queue.Full:
            self._missed += 1

    def close(self, timeout_s: float = 1.0) -> None:
        """Write what waits and stop, within `timeout_s`."""
        try:
            self._queue.put(None, timeout=timeout_s)
        except queue.Full:
            return
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while (line := self._queue.get()) is not None:
            lines = [line]
            last = False
            while not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    last = True
                    break
                lines.append(following)
            if self._missed:
                lines.append(msgspec.json.encode({"code": "journal_missed", "lines": self._missed}) + b"\n")
                self._missed = 0
            self._append(b"".join(lines))
            if last:
                return

    def _append(self, lines: bytes) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(lines)
        except OSError as error:
            if not self._failed:
                _log.error("journal_failed", path=self._path.name, reason=error.strerror)
            self._failed = True
        else:
            self._failed = False
