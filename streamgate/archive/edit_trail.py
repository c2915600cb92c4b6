"""Reads an edit list behind its writer: its hash and its delay certificate, as far as it goes.

It reads what was written, in small steps, so that a list of hours holds up nothing else in the process.
"""

import hashlib
import os
from pathlib import Path

from streamgate.archive.certificate import Certificate, Certifier
from streamgate.archive.edit_list import read_line
from streamgate.ledger.record import AiredList, Certified, Extent, Record

STEP_BYTES = 32 * 1024
CHECK_US = 30_000_000  # so often the ledger is told how far a list goes, while it grows


class EditTrail:
    """One edit list as far as it was read. Its methods raise OSError, as a file does."""

    def __init__(self, root: Path, path: Path) -> None:
        self.path = path
        self.told_us: int | None = None  # when the ledger was told last; the caller's to set
        self._name = path.relative_to(root).as_posix()
        self._inode = self._told = self._certified = 0
        self._start_over()

    def _start_over(self) -> None:
        self._digest = hashlib.sha256()
        self._certifier = Certifier()
        self._rest = b""  # a line that is not whole yet
        self._bytes = 0

    @property
    def ended(self) -> bool:
        return self._certifier.ended

    @property
    def grown(self) -> bool:
        """Whether there is more in it than the ledger was told."""
        return self._bytes != self._told

    @property
    def uncertified(self) -> bool:
        """Whether there is more in it than the newest certificate in the ledger covers."""
        return self._bytes != self._certified

    def step(self) -> bool:
        """Read on a little; return whether that was all. Another file in its place is read from its start."""
        with self.path.open("rb", buffering=0) as file:
            found = os.fstat(file.fileno())
            if found.st_ino != self._inode or found.st_size < self._bytes:
                self._inode = found.st_ino
                self._start_over()
            data = os.pread(file.fileno(), STEP_BYTES, self._bytes)
        self._digest.update(data)
        self._bytes += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in filter(bytes.strip, lines):
            read = read_line(line)
            if read is None:
                self._certifier.damaged += 1
            else:
                self._certifier.take(read)
        return len(data) < STEP_BYTES

    def state(self, *, certify: bool) -> list[Record]:
        """Return what the ledger is to say, once it is on disk; nothing of a list without a `begin`."""
        with self.path.open("rb", buffering=0) as file:
            os.fsync(file.fileno())
        self._told = self._bytes
        if certify:
            self._certified = self._bytes
        if not self._certifier.begun:
            return []
        found = self._certifier.certificate()
        extent = Extent(self._name, self._bytes, self._digest.hexdigest())
        listed = AiredList(
            channel=found.channel,
            broadcast=found.broadcast,
            start=found.start,
            end=found.end,
            ended=found.ended,
            edits=extent,
        )
        return [listed, as_record(found, extent)] if certify else [listed]


def as_record(found: Certificate, extent: Extent) -> Certified:
    """Return a certificate as the ledger has it. `extent`: of the list that it was made from."""
    return Certified(
        channel=found.channel,
        broadcast=found.broadcast,
        start=found.start,
        end=found.end,
        ended=found.ended,
        floor_s=found.floor_s,
        delay_s=found.delay_s,
        min_s=found.min_s,
        p50_s=found.p50_s,
        p99_s=found.p99_s,
        max_s=found.max_s,
        packets=found.packets,
        below_floor=found.below_floor,
        gaps=len(found.gaps),
        edits=extent,
    )
