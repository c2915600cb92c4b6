"""A small real file system that a test may fill, freeze, turn read-only or break.

Needs root, loop devices and ext4; where a machine lacks them the test is skipped with the reason.
"""

import contextlib
import fcntl
import os
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

_SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN: from now on every call is answered with EIO
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


class Disk:
    """An ext4 file system of `mb` MiB in a file below `directory`, mounted at `path`.

    Usable as often as wanted; the end of the `with` block thaws and unmounts it whatever happened inside.
    A process that works on a frozen file system cannot be killed before `thaw`: end it after that.
    """

    def __init__(self, directory: Path, mb: int = 64) -> None:
        self.path = directory / "disk"
        self._image = directory / "disk.img"
        self._ballast = self.path / ".ballast"
        self._mb = mb
        self._mounts = 0
        self._frozen = False
        self._broken = False  # until it is mounted anew: what is written to it now is lost

    def __enter__(self) -> Self:
        if os.geteuid() != 0:
            pytest.skip("a file system of its own needs root")
        self.path.mkdir()
        with self._image.open("wb") as file:
            file.truncate(self._mb << 20)
        try:
            # Blocks as on disks of any size. With 1 KiB, as mkfs chooses for a small one, a page of SQLite's
            # shared memory is a hole in part, and whoever writes there on a full disk dies by SIGBUS.
            _run("mkfs.ext4", "-q", "-F", "-m", "0", "-b", "4096", str(self._image))
            # Below it something that takes no file either: nobody writes past it while it is mounted anew.
            _run("mount", "-t", "tmpfs", "-o", "ro,size=4k", "tmpfs", str(self.path))
            self._mounts += 1
            self._mount()
        except (OSError, subprocess.CalledProcessError) as error:
            self._unmount()
            said = getattr(error, "stderr", "") or error
            pytest.skip(f"a file system of its own cannot be mounted on this machine: {said}")
        (self.path / "lost+found").rmdir()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.thaw()
        self._unmount()
        self._image.unlink()

    def freeze(self) -> None:
        """As a snapshot does: whoever writes waits in the kernel, readers go on."""
        _run("fsfreeze", "-f", str(self.path))
        self._frozen = True

    def thaw(self) -> None:
        if self._frozen:
            _run("fsfreeze", "-u", str(self.path))
            self._frozen = False

    def read_only(self) -> None:
        """As ext4 with `errors=remount-ro` does after a fault; files that are open can be written no more."""
        try:
            _run("mount", "-o", "remount,ro", str(self.path))
        except subprocess.CalledProcessError:  # files are open for writing: let ext4 find a fault
            self._broken = True
            sources = _run("findmnt", "-n", "-o", "SOURCE", str(self.path)).splitlines()
            device = Path(next(source for source in sources if source.startswith("/dev/"))).name
            with contextlib.suppress(OSError):
                Path("/sys/fs/ext4", device, "trigger_fs_error").write_text("test")

    def writable(self) -> None:
        """End `read_only` and `fail`; no process may have a file open there, should it have to mount anew."""
        if not self._broken:
            _run("mount", "-o", "remount,rw", str(self.path))
            return
        for left in reversed(range(50)):  # somebody may be trying whether it can be written
            try:
                _run("umount", str(self.path))
                break
            except subprocess.CalledProcessError:
                if not left:
                    raise
                time.sleep(0.02)
        self._mounts -= 1
        self._mount()
        self._broken = False

    def fail(self) -> None:
        """As a disk that is gone: every read and write that the page cache does not answer ends with EIO."""
        self._broken = True
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, (2).to_bytes(4, "little"))  # no log flush
        finally:
            os.close(descriptor)

    def fill(self) -> None:
        """Take all free space, to the last block."""
        descriptor = os.open(self._ballast, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            step = 1 << 24
            size = os.fstat(descriptor).st_size
            while step >= 4096:
                try:
                    os.posix_fallocate(descriptor, size, step)
                    size += step
                except OSError:
                    step //= 2
        finally:
            os.close(descriptor)

    def free(self) -> None:
        """Give back what `fill` took."""
        self._ballast.unlink(missing_ok=True)

    def _unmount(self) -> None:
        while self._mounts:
            self._mounts -= 1
            try:
                _run("umount", str(self.path))
            except subprocess.CalledProcessError:
                _run("umount", "-l", str(self.path))  # somebody has it open still: it goes when they do

    def _mount(self) -> None:
        _run("mount", "-o", "loop,errors=remount-ro", str(self._image), str(self.path))
        self._mounts += 1


def _run(*command: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=30, env={**os.environ, "PATH": _PATH}
    )
    return done.stdout.strip()
