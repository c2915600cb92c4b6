"""Lock files: one process of a kind per data directory; kills those that an earlier serve left behind."""

import fcntl
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from streamgate.errors import Refused

END_S = 3.0


class Lock:
    """A lock file, locked until this process ends. It contains the process id."""

    def __init__(self, path: Path) -> None:
        """Take the lock. Raise Refused, with the holder's process id, when a running process has it."""
        self.path = path
        self._descriptor = _take(path)

    def keep(self) -> None:
        """Create the file again if somebody removed it: without it a second process could start."""
        held = os.fstat(self._descriptor)
        try:
            found = self.path.stat()
        except FileNotFoundError:
            found = None
        if found is not None and (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino):
            return
        with suppress(Refused):  # another process took the new lock: it could not see ours
            fresh = _take(self.path)
            os.close(self._descriptor)
            self._descriptor = fresh

    def release(self) -> None:
        os.close(self._descriptor)


def end_orphan(path: Path) -> None:
    """Kill a process that an earlier supervisor left behind, if one still holds the lock at `path`.

    Raises Refused when it does not end.
    """
    deadline = time.monotonic() + END_S
    while time.monotonic() < deadline:
        try:
            Lock(path).release()
        except Refused:
            with suppress(ValueError, ProcessLookupError):
                os.kill(int(path.read_text()), signal.SIGKILL)
            time.sleep(0.02)
        else:
            return
    raise Refused(f"{path.stem} of an earlier serve does not end; end process {path.read_text()} by hand")


def is_defunct(pid: int) -> bool:
    """Whether the process is dead but the kernel has not removed it: one of its threads hangs in disk I/O.

    Its other threads, also that of the event loop, run no more: it sends nothing, but its files stay open.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return False
    return bool(fields) and fields[0] in (b"Z", b"X")


def _take(path: Path) -> int:
    if not path.parent.is_dir():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        if pid.isdecimal() and is_defunct(int(pid)):
            path.unlink(missing_ok=True)  # the dead process keeps its lock, on a file without a name
            return _take(path)
        raise Refused(
            f"{path.stem} is running already (process {pid}) in {path.parent};"
            " end that one first, or use another --data-dir"
        ) from None
    with suppress(OSError):  # a full disk must not prevent a restart of the gate
        os.pwrite(descriptor, f"{os.getpid():<15}\n".encode(), 0)
    return descriptor
