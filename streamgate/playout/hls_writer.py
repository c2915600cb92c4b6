"""Writer thread for a destination's HLS files; the gate never waits for it.

A frozen disk blocks this thread only. Segments that do not fit into MAX_WAITING_BYTES meanwhile are missing
in HLS: players get a discontinuity there. No other output is affected.
"""

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import structlog

from streamgate.clock import now_us, wall_s
from streamgate.core.segmenter import Segment
from streamgate.errors import MediaError
from streamgate.playout.hls_folder import HlsFolder
from streamgate.wording import NOTHING, Words, system_error

MAX_WAITING_BYTES = 32 * 1024 * 1024
MAX_WAITING = 64  # segments
RETRY_US = 5_000_000
_log = structlog.get_logger()


class _Begin(NamedTuple):
    resumed: bool


class _End(NamedTuple):
    on_end: Callable[[], None]


class _Put:
    """A segment to be written. None: it was withdrawn."""

    __slots__ = ("segment",)

    def __init__(self, segment: Segment) -> None:
        self.segment: Segment | None = segment


class HlsWriter:
    """Queue and thread. `begin`, `put`, `end`, `withdraw_live` and `close`: call in the gate's loop; no wait.

    No lock: the ends of a deque are atomic, and each attribute has one thread that writes it. `bytes`,
    `segments`: written so far. `error`: why writing the newest file failed. `unplayable`: why the newest
    segment was not written. Both are empty when there is no fault.
    """

    def __init__(self, folder: Path) -> None:
        self.bytes = 0
        self.segments = 0
        self.bitrate_bps = 0
        self.error = NOTHING
        self.unplayable = NOTHING
        self._folder = HlsFolder(folder, lambda: self._closed)
        self._jobs: deque[_Begin | _Put | _End] = deque()  # the first one is being done
        self._wake = threading.Event()
        self._closed = False
        self._busy_us: int | None = None  # when the thread began its present job
        self._begin_due: _Begin | None = None  # to be done, or failed and to be tried again
        self._thread = threading.Thread(target=self._run, name=f"hls-{folder.name}", daemon=True)

    # ------------------------------------------------------------ the gate's side

    def start(self) -> None:
        self._thread.start()

    def begin(self, *, resumed: bool) -> None:
        """Begin a broadcast; `resumed`: an earlier process was writing it."""
        self._give(_Begin(resumed))

    def put(self, segment: Segment) -> bool:
        """Queue a segment; False when the queue is full and the segment is lost."""
        waiting = sum(one.bytes for one in self.waiting())
        if len(self._jobs) >= MAX_WAITING or waiting + segment.bytes > MAX_WAITING_BYTES:
            return False
        self._give(_Put(segment))
        return True

    def withdraw_live(self) -> int:
        """Withdraw queued segments with packets of the feed; return the number of packets."""
        dropped = 0
        for job in tuple(self._jobs):
            if isinstance(job, _Put) and (segment := job.segment) is not None and segment.live:
                job.segment = None
                dropped += len(segment.packets)
        return dropped

    def end(self, on_end: Callable[[], None]) -> None:
        """End the broadcast. The thread calls `on_end` when the end is on disk or has failed."""
        self._give(_End(on_end))

    def close(self) -> None:
        """Stop the thread, at the latest when the disk responds. Nothing is written from now on."""
        self._closed = True
        self._wake.set()

    def waiting(self) -> list[Segment]:
        """Return the segments that are not on the disk yet, oldest first."""
        jobs = tuple(self._jobs)
        return [job.segment for job in jobs if isinstance(job, _Put) and job.segment is not None]

    def stuck_s(self) -> float:
        """Return how long the present disk operation has taken so far; 0 without one."""
        busy_us = self._busy_us
        return 0.0 if busy_us is None else (now_us() - busy_us) / 1e6

    def _give(self, job: _Begin | _Put | _End) -> None:
        self._jobs.append(job)
        self._wake.set()

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        self._attempt(self._adopt)
        while not self._closed:
            if self._jobs:
                self._attempt(self._work)
                self._jobs.popleft()
                continue
            due_us = self._attempt(self._tidy)
            self._wake.wait(None if due_us is None else max(0.0, (due_us - now_us()) / 1e6))
            self._wake.clear()

    def _attempt(self, step: Callable[[], int | None]) -> int | None:
        """Do a step. After an error the thread goes on, and `error` or `unplayable` has the reason."""
        self._busy_us = now_us()
        try:
            return step()
        except MediaError as error:
            self.unplayable = Words(str(error), error.zh or f"节目无法写成视频片段（{error}）")
        except OSError as error:
            where = error.filename or self._folder.path
            self._say(Words(f"{error.strerror or error}: {where}", f"{system_error(error)}：{where}"))
        except Exception as error:  # noqa: BLE001  (this thread's supervisor: writing must go on)
            _log.exception("hls_failed", folder=str(self._folder.path))
            said = f"{type(error).__name__}: {error}"
            self._say(Words(said, f"程序错误（{said}）"))
        finally:
            self._busy_us = None
        return now_us() + RETRY_US

    def _adopt(self) -> None:
        self._folder.adopt(now_us())

    def _tidy(self) -> int | None:
        return self._folder.tidy(now_us())

    def _work(self) -> None:
        job = self._jobs[0]
        if isinstance(job, _Begin):
            self._begin_due, self.unplayable = job, NOTHING
            self._begin()
        elif isinstance(job, _Put):
            self._begin()
            self._put(job)
        else:
            self._begin_due = None
            try:
                self._folder.end(now_us())
            finally:
                job.on_end()

    def _begin(self) -> None:
        """Begin the playlist, unless that was done."""
        if self._begin_due is not None:
            self._folder.begin(now_us(), wall_s(), resumed=self._begin_due.resumed)
            self._begin_due = None
            self._say(NOTHING)

    def _put(self, job: _Put) -> None:
        segment = job.segment
        if segment is None:
            return
        written = self._folder.put(segment, now_us(), lambda: job.segment is None)
        self.unplayable = NOTHING
        if written:
            self.bytes += written
            self.segments += 1
            self.bitrate_bps = written * 8000 // max(1, segment.end - segment.begin)
        self._say(NOTHING)

    def _say(self, error: Words) -> None:
        if error.english and error != self.error:
            _log.warning("hls_not_written", folder=str(self._folder.path), reason=error.english)
        self.error = error
