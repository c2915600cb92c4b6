"""What a channel must still know after its process was killed: a record in shared memory.

A write to shared memory waits for nothing: no disk is behind it, and it outlives kill -9 of every process.
Two slots are written in turn, each with a checksum; if the newest one is torn the command it held was half
applied, and the record reads as cut: filler, never live. A thread copies the record to the disk, for reboots.
"""

import os
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import msgspec
import structlog

from streamgate.clock import now_us, wall_s
from streamgate.core.packet import FeedFormat

SLOT = 16 * 1024
SIZE = 2 * SLOT
COPY_EVERY_S = 1.0
ALIVE_EVERY_US = 10_000_000  # how often the copy is renewed when nothing but the time has changed
_HEAD = struct.Struct("!IQI")  # checksum of all that follows, serial, length of the body
_SERIAL_MAX = 1 << 62
_log = structlog.get_logger()
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class ChannelMemory(msgspec.Struct, frozen=True):
    """`feed`: parameters of the feed last seen, so that filler can be had before it comes back."""

    on_air: bool = False
    cut: bool = False
    cut_by: str = ""
    backup: str | None = None
    feed: FeedFormat | None = None
    broadcast: str = ""  # what the edit list calls it
    started_at: float = 0.0  # wall clock
    started_us: int = 0  # monotonic, of the boot `boot`
    delay_s: float = 0.0  # in force
    alive_at: float = 0.0  # wall clock of the last save
    alive_us: int = 0  # monotonic, the same moment
    fed_at: float = 0.0  # wall clock when an encoder last fed it; 0: nothing is missing in the archive
    fed_since: float = 0.0  # wall clock since when
    boot: str = ""  # which boot of this machine the monotonic times belong to
    owner: str = ""  # which channel of this name: when it was made
    encoder_stopped: bool = False  # somebody stopped the broadcast while this encoder went on publishing

    def silent_s(self) -> float:
        """Return the seconds since the last save: by the monotonic clock if it still is the same one."""
        if self.boot and self.boot == boot_id():
            return max(0.0, (now_us() - self.alive_us) / 1e6)
        return wall_s() - self.alive_at

    def on_air_since_us(self) -> int:
        """Return when the broadcast began, on the present monotonic clock."""
        if self.boot and self.boot == boot_id():
            return self.started_us
        return now_us() - max(0, round((wall_s() - self.started_at) * 1e6))


def boot_id() -> str:
    """Return the name of this boot of the machine; empty where there is none."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


class Memory:
    """The record of one channel at `path`, in shared memory. `save` costs microseconds and waits for nothing.

    `owner`: which channel of this name it is; a record of another one is not believed. `copy`: what the disk
    remembers, used when the shared memory knows nothing (a reboot) or is damaged. `copier` keeps that copy.
    """

    def __init__(
        self, path: Path, *, owner: str = "", copy: bytes = b"", copier: "Copier | None" = None
    ) -> None:
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path
        self._owner = owner
        self._copier = copier
        self._boot = boot_id()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with suppress(OSError):
            os.posix_fallocate(self._file, 0, SIZE)  # so that no later write needs room
        self._serial, known = _load(os.pread(self._file, SIZE, 0))
        if known is None or (not self._serial and copy):
            _, kept = _load(copy)
            # Nothing is believed of a damaged record but that something stood in it: cut, to be on the safe
            # side.
            known = kept if known is not None and kept is not None else _as_cut(kept)
        self.loaded = known if known.owner in ("", owner) else ChannelMemory()
        self._last = self.loaded
        self._copied_us = 0

    def save(self, memory: ChannelMemory) -> None:
        """Note `memory`, with who it belongs to and when this is."""
        now = now_us()
        memory = msgspec.structs.replace(
            memory, owner=self._owner, boot=self._boot, alive_at=wall_s(), alive_us=now
        )
        record = _packed(self._serial + 1, memory)
        self._serial += 1
        try:
            os.pwrite(self._file, record, self._serial % 2 * SLOT)
        except (
            OSError
        ) as error:  # somebody cut the file short and filled the memory: what is in force stays so
            _log.error("channel_memory_failed", channel=self._path.name, reason=error.strerror)
        if self._copier is None:
            return
        changed = msgspec.structs.replace(
            memory, alive_at=self._last.alive_at, alive_us=self._last.alive_us, fed_at=self._last.fed_at
        )
        if changed != self._last or now - self._copied_us > ALIVE_EVERY_US:
            self._last, self._copied_us = memory, now
            self._copier.put(self._path.name, record)

    def close(self) -> None:
        os.close(self._file)


class Copier:
    """A thread that keeps the newest record of each channel in `folder` on the disk. Nobody waits for it.

    `failed` is called, from the thread, with the reason when the disk takes none, and with "" when it does
    again.
    """

    def __init__(self, folder: Path, failed: Callable[[str], None]) -> None:
        self._folder = folder
        self._failed = failed
        self._newest: dict[str, bytes | None] = {}  # by channel: at most one each
        self._error = ""
        self._began_us: int | None = None  # when it began to write what it is writing
        self._wake = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="state", daemon=True)
        self._thread.start()

    def put(self, name: str, record: bytes) -> None:
        self._newest[name] = record
        self._wake.set()

    def remove(self, name: str) -> None:
        """Forget a channel that was removed."""
        self._newest[name] = None
        self._wake.set()

    def hangs_s(self) -> float:
        """Return for how long the disk has not taken what is being written; 0 when nothing is."""
        began_us = self._began_us
        return 0.0 if began_us is None else (now_us() - began_us) / 1e6

    def close(self, timeout_s: float) -> bool:
        """Write what is newest and end. False when the disk did not take it in time."""
        self._end.set()
        self._wake.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive() and not self._error

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            last = self._end.is_set()
            newest, self._newest = self._newest, {}
            for name, record in newest.items():
                self._began_us = now_us()
                try:
                    self._write(self._folder / name, record)
                except OSError as error:
                    self._newest.setdefault(name, record)
                    self._say(f"{error.strerror}: {error.filename or self._folder / name}")
                else:
                    self._say("")
            self._began_us = None
            if last:
                return
            self._end.wait(COPY_EVERY_S)
            if self._newest:
                self._wake.set()

    def _write(self, path: Path, record: bytes | None) -> None:
        if record is None:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.new")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, record)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            draft.replace(path)
        except OSError:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise

    def _say(self, error: str) -> None:
        if bool(error) != bool(self._error):
            self._failed(error)
        self._error = error


def read_copies(folder: Path) -> dict[str, bytes]:
    """Return the records on the disk by channel. Blocks; what cannot be read is left out."""
    copies: dict[str, bytes] = {}
    with suppress(OSError):
        for path in folder.glob("[!.]*"):
            with suppress(OSError), path.open("rb") as file:
                copies[path.name] = file.read(SIZE)
    return copies


def read_records(folder: Path) -> dict[str, ChannelMemory]:
    """Return what the records in `folder` say, by channel, without changing them."""
    return {name: _load(data)[1] or _as_cut(None) for name, data in read_copies(folder).items()}


def _packed(serial: int, memory: ChannelMemory) -> bytes:
    body = msgspec.json.encode(memory)
    if len(body) + _HEAD.size > SLOT:
        body = msgspec.json.encode(msgspec.structs.replace(memory, feed=None))
    rest = _HEAD.pack(0, serial, len(body))[4:] + body
    return crc32(rest).to_bytes(4, "big") + rest


def _load(data: bytes) -> tuple[int, ChannelMemory | None]:
    """Return the newest whole record and its serial number; (0, empty) when there never was one.

    When the other slot holds something torn the record is cut. None: nothing in it can be believed.
    """
    slots = [data[:SLOT], data[SLOT:SIZE]]
    whole = sorted((found for slot in slots if (found := _unpack(slot)) is not None), key=lambda one: one[0])
    torn = sum(any(slot) for slot in slots) > len(whole)
    if not whole:
        return 0, (None if torn else ChannelMemory())
    serial, memory = whole[-1]
    return serial, (_as_cut(memory) if torn else memory)


def _unpack(slot: bytes) -> tuple[int, ChannelMemory] | None:
    """Return what a slot holds; None for anything but what `_packed` made."""
    if len(slot) < _HEAD.size:
        return None
    checksum, serial, length = _HEAD.unpack_from(slot)
    if not 0 < serial < _SERIAL_MAX or length > len(slot) - _HEAD.size:
        return None
    if crc32(slot[4 : _HEAD.size + length]) != checksum:
        return None
    try:
        return serial, msgspec.json.decode(slot[_HEAD.size : _HEAD.size + length], type=ChannelMemory)
    except msgspec.DecodeError:
        return None


def _as_cut(memory: ChannelMemory | None) -> ChannelMemory:
    known = memory or ChannelMemory()
    return msgspec.structs.replace(known, cut=True, cut_by=known.cut_by or "a command that was half applied")
