"""Log writer thread: a disk, a pipe or a journal that accepts no lines blocks no other thread."""

import atexit
import os
import queue
import threading
import time

MAX_WAITING = 10_000  # lines
FLUSH_S = 0.5  # how long a process waits for them at its end
_BATCH = 256
_MAX_WRITE = 64 * 1024


class LogWriter:
    """A text stream over a file descriptor, for structlog, logging and print. `write` never waits.

    When `MAX_WAITING` lines wait, further ones are dropped and counted; the count is written when there is
    room.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._queue: queue.Queue[bytes] = queue.Queue(MAX_WAITING)
        self._missed = 0
        self._idle = threading.Event()
        self._idle.set()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()
        atexit.register(self.drain)

    def write(self, text: str) -> int:
        self.relay(text.encode("utf-8", "backslashreplace"))
        return len(text)

    def relay(self, data: bytes) -> None:
        """Queue output of another process as it is."""
        self._idle.clear()
        try:
            self._queue.put_nowait(data)
        except queue.Full:
            self._missed += 1

    def flush(self) -> None:
        """Do nothing: the thread writes by itself."""

    def drain(self, timeout_s: float = FLUSH_S) -> None:
        """Wait until everything is written, `timeout_s` at most."""
        self._idle.wait(timeout_s)

    def _run(self) -> None:
        while True:
            lines = [self._queue.get()]
            while not self._queue.empty() and len(lines) < _BATCH:
                lines.append(self._queue.get())
            if self._missed:
                missed, self._missed = self._missed, 0
                lines.append(b'{"event": "log_missed", "lines": %d}\n' % missed)
            self._put(b"".join(lines))
            if self._queue.empty():
                self._idle.set()

    def _put(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._descriptor, data[:_MAX_WRITE]) :]
            except BlockingIOError:  # somebody made the pipe non-blocking
                time.sleep(0.01)
            except OSError:
                return  # the reader has closed it, and there is nowhere to log that
