"""A second process that checks big batches: there they hold up no other thread of the first one.

In the first process a batch shares the interpreter with whatever else is to be done for each comment; here it
has a core of its own, and its tables stay in that core's cache. It has the same lists and gives the same
results, each with the version and the day they count for. It is help, and nothing depends on it: as long as
it is not there, is busy, has other lists or fails, the caller checks by itself.
"""

import contextlib
import datetime as dt
import os
import socket
import subprocess
import sys
import threading
import time

import msgspec
import structlog

from moderation.filter.filter import Filter
from moderation.filter.recipe import Recipe
from moderation.filter.result import Result

ANSWER_S = 0.5
"""For a batch; most take a hundredth of it. Then the process is ended and the batch checked without it."""
BUILD_S = 120.0
AGAIN_S = 10.0
"""After a failure, until another process is started."""
CORES = 2
"""At least so many."""
MAX_FRAME = 1 << 30
_LENGTH = 4
_log = structlog.get_logger()


class Texts(msgspec.Struct, tag=True, frozen=True):
    """Texts to be checked."""

    texts: list[str]


class Found(msgspec.Struct, frozen=True):
    """Results by place; where nothing was found there is none. `version`, `day`: what they count for."""

    version: str
    day: dt.date
    results: list[tuple[int, Result]] = []


Request = Recipe | Texts
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Found)


class FilterProcess:
    """Blocks: for threads. `follow` starts the process and gives it lists, `check` asks it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._has: tuple[str, dt.date] | None = None
        self._again_at = 0.0
        self._closed = False
        self.checked = 0
        """Texts that were checked there."""

    @property
    def pid(self) -> int | None:
        """The process's number, as long as there is one."""
        return None if self._process is None else self._process.pid

    @property
    def ready(self) -> bool:
        """Whether it is worth a try to ask it."""
        return self._has is not None

    def follow(self, filter: Filter) -> None:  # noqa: A002 - the noun of this package
        """See to it that there is a process with the lists that a filter has now. Takes seconds to build.

        Where this thread has one core there is none: the two would only take turns.
        """
        if len(os.sched_getaffinity(0)) < CORES:
            return
        recipe = filter.recipe()
        if self._has == (recipe.version, recipe.day) or time.monotonic() < self._again_at:
            return
        try:
            body = _encoder.encode(recipe)
        except UnicodeEncodeError:  # half a character in a term: no file can hold it, but a caller can
            self._again_at = time.monotonic() + AGAIN_S
            return
        with self._lock:
            if self._closed:
                return
            try:
                if self._socket is None:
                    self._start()
                found = self._ask(body, BUILD_S)
            except (OSError, ValueError, msgspec.MsgspecError) as error:
                self._fail(error)
            else:
                self._has = found.version, found.day

    def check(self, filter: Filter, texts: list[str]) -> list[Result] | None:  # noqa: A002
        """Return what `filter.check_many` would; None: it cannot be said here."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            clean = filter.clean
            if self._socket is None or self._has != (clean.version, filter.day):
                return None
            found = self._ask(_encoder.encode(Texts(texts)), ANSWER_S)
            results = [clean] * len(texts)
            for place, result in found.results:
                results[place] = result
        except UnicodeEncodeError:  # half a character: nothing was sent
            return None
        except (OSError, ValueError, IndexError, msgspec.MsgspecError) as error:
            self._fail(error)
            return None
        finally:
            self._lock.release()
        if (found.version, found.day) != (clean.version, filter.day):
            return None
        self.checked += len(texts)
        return results

    def rest(self) -> None:
        """End the process until `follow` starts it anew."""
        with self._lock:
            self._end()

    def close(self) -> None:
        """End the process at once, also while it builds, and for good."""
        self._closed = True
        if (process := self._process) is not None:
            process.kill()
        with self._lock:
            self._end()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "moderation.filter.process_child", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._socket = ours
        if self._closed:
            self._process.kill()

    def _ask(self, body: bytes, seconds: float) -> Found:
        assert self._socket is not None
        self._socket.settimeout(seconds)
        write_frame(self._socket, body)
        return _decoder.decode(read_frame(self._socket))

    def _fail(self, error: Exception) -> None:
        if not self._closed:
            _log.warning("filter_process_failed", reason=type(error).__name__)  # its text may hold a comment
        self._end()
        self._again_at = time.monotonic() + AGAIN_S

    def _end(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1.0)
        self._socket = self._process = self._has = None


def write_frame(to: socket.socket, body: bytes) -> None:
    """Send a message with its length in front."""
    to.sendall(len(body).to_bytes(_LENGTH, "big") + body)


def read_frame(of: socket.socket) -> bytes:
    """Receive a message. Raises ConnectionError where the connection ends, ValueError if it is too large."""
    size = int.from_bytes(_read(of, _LENGTH), "big")
    if size > MAX_FRAME:
        raise ValueError(f"a message of {size} bytes; allowed are {MAX_FRAME}")
    return _read(of, size)


def _read(of: socket.socket, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = of.recv(min(size, 1 << 20))
        if not part:
            raise ConnectionError("the other side has gone")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
