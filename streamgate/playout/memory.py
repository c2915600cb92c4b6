"""Channel state that survives a kill of its process: a record in shared memory.

A write to shared memory does not wait for a disk, and the record survives kill -9 of every process. Two slots
are written in turn, each with a checksum. If the newest slot is torn, its command was only half applied: the
record then reads as cut, so that filler airs, never live. A thread copies the record to disk, for reboots.
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
from streamgate.core.spans import Span

SLOT = 16 * 1024
SIZE = 2 * SLOT
COPY_EVERY_S = 1.0
ALIVE_EVERY_US = 10_000_000  # interval of copies when only the time has changed
_HEAD = struct.Struct("!IQI")  # checksum of all that follows, serial, length of the body
_SERIAL_MAX = 1 << 62
_log = structlog.get_logger()
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class ChannelMemory(msgspec.Struct, frozen=True):
    """The record. `feed`: format of the last feed, so that filler can be made before it reconnects."""

    on_air: bool = False
    cut: bool = False
    cut_by: str = ""
    backup: str | None = None
    backup_by: str = ""
    feed: FeedFormat | None = None
    broadcast: str = ""  # its name in the edit list
    started_at: float = 0.0  # wall clock
    started_us: int = 0  # monotonic, of the boot `boot`
    delay_s: float = 0.0  # in force
    alive_at: float = 0.0  # wall clock of the last save
    alive_us: int = 0  # monotonic, the same moment
    fed_at: float = 0.0  # wall clock of the last input; 0: the archive misses nothing
    fed_since: float = 0.0  # wall clock of that input's start
    boot: str = ""  # id of the machine's boot that the monotonic times belong to
    owner: str = ""  # time of the channel's creation: distinguishes channels of the same name
    encoder_stopped: bool = False  # the broadcast was stopped while this encoder was publishing
    condemned: list[tuple[float, float]] = []  # in seconds of the broadcast: see `core.condemned`
    settled_us: int = -1  # monotonic: earlier arrivals must not return after a kill; -1: unknown
    spans: list[Span] = []  # those that have not passed air, with the cut in force: see `core.kept_spans`
    span_number: int = 0  # of the newest span's id
    standby_feed: FeedFormat | None = None  # as `feed`, `fed_at` and `fed_since`, of the standby camera
    standby_fed_at: float = 0.0
    standby_fed_since: float = 0.0
    standby_aired: bool = False  # in this broadcast

    def standing_spans(self) -> list[Span]:
        """Return the spans, unless the machine was rebooted since: their times are then meaningless."""
        return self.spans if self.boot and self.boot == boot_id() else []

    def silent_s(self) -> float:
        """Return the seconds since the last save, by the monotonic clock unless the machine was rebooted."""
        if self.boot and self.boot == boot_id():
            return max(0.0, (now_us() - self.alive_us) / 1e6)
        return wall_s() - self.alive_at

    def on_air_since_us(self) -> int:
        """Return when the broadcast began, on the present monotonic clock."""
        if self.boot and self.boot == boot_id():
            return self.started_us
        return now_us() - max(0, round((wall_s() - self.started_at) * 1e6))


def boot_id() -> str:
    """Return the id of the machine's present boot (Linux); "" on other systems."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


class Memory:
    """The record of one channel at `path`, in shared memory. `save` takes microseconds and never waits.

    `owner`: the channel's creation time; a record of another owner is ignored. `copy`: the record on disk,
    used when the shared memory is empty (a reboot) or damaged. `copier`: writes that copy.
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
            os.posix_fallocate(self._file, 0, SIZE)  # so that later writes allocate nothing
        self._serial, known = _load(os.pread(self._file, SIZE, 0))
        found = known
        if known is None or (not self._serial and copy):
            _, kept = _load(copy)
            # A damaged record only shows that there was one: read it as cut, to be safe.
            known = kept if known is not None and kept is not None else _as_cut(kept)
        self.loaded = known if known.owner in ("", owner) else ChannelMemory()
        # Whether `loaded` is the last process's own complete record, not a copy, which may miss a command.
        self.is_own = self._serial > 0 and self.loaded is found
        self._last = self.loaded
        self._copied_us = 0

    def save(self, memory: ChannelMemory) -> bool:
        """Store `memory` with owner and time. False: it could not be stored."""
        now = now_us()
        memory = msgspec.structs.replace(
            memory, owner=self._owner, boot=self._boot, alive_at=wall_s(), alive_us=now
        )
        record = _pack(self._serial + 1, memory)
        self._serial += 1
        stored = True
        try:
            os.pwrite(self._file, record, self._serial % 2 * SLOT)
        except OSError as error:  # file truncated and memory full: air goes on with the state in this process
            _log.error("channel_memory_failed", channel=self._path.name, reason=error.strerror)
            stored = False
        if self._copier is None:
            return stored
        changed = msgspec.structs.replace(
            memory,
            alive_at=self._last.alive_at,
            alive_us=self._last.alive_us,
            fed_at=self._last.fed_at,
            standby_fed_at=self._last.standby_fed_at,
            condemned=self._last.condemned,  # grows every second during a cut
        )
        if changed != self._last or now - self._copied_us > ALIVE_EVERY_US:
            self._last, self._copied_us = memory, now
            self._copier.put(self._path.name, record)
        return stored

    def close(self) -> None:
        os.close(self._file)


class Copier:
    """A thread that copies the newest record of each channel to `folder` on disk. Nothing waits for it.

    The thread calls `failed` with the reason when writing fails, and with "" when it works again.
    """

    def __init__(self, folder: Path, failed: Callable[[str], None]) -> None:
        self._folder = folder
        self._failed = failed
        self._newest: dict[str, bytes | None] = {}  # by channel, at most one each; None: remove
        self._error = ""
        self._began_us: int | None = None  # when the present write began
        self._wake = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="state", daemon=True)
        self._thread.start()

    def put(self, name: str, record: bytes) -> None:
        self._newest[name] = record
        self._wake.set()

    def remove(self, name: str) -> None:
        """Remove the copy of a removed channel."""
        self._newest[name] = None
        self._wake.set()

    def hangs_s(self) -> float:
        """Return how long the present write has taken so far; 0 without one."""
        began_us = self._began_us
        return 0.0 if began_us is None else (now_us() - began_us) / 1e6

    def close(self, timeout_s: float) -> bool:
        """Write the newest records and stop. False when that failed or took too long."""
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
    """Return the records on disk by channel. Blocks; unreadable ones are left out."""
    copies: dict[str, bytes] = {}
    with suppress(OSError):
        for path in folder.glob("[!.]*"):
            with suppress(OSError), path.open("rb") as file:
                copies[path.name] = file.read(SIZE)
    return copies


def read_records(folder: Path) -> dict[str, ChannelMemory]:
    """Read the records in `folder`, by channel, without changing them."""
    return {name: _load(data)[1] or _as_cut(None) for name, data in read_copies(folder).items()}


def _pack(serial: int, memory: ChannelMemory) -> bytes:
    body = msgspec.json.encode(memory)
    for field in ("standby_feed", "feed"):  # without it there is no refill, and filler is made later
        if len(body) + _HEAD.size > SLOT:
            memory = msgspec.structs.replace(memory, **{field: None})
            body = msgspec.json.encode(memory)
    rest = _HEAD.pack(0, serial, len(body))[4:] + body
    return crc32(rest).to_bytes(4, "big") + rest


def _load(data: bytes) -> tuple[int, ChannelMemory | None]:
    """Return the serial number and the newest valid record; (0, empty) when there never was one.

    If the other slot is torn, the record reads as cut. None: both slots are torn.
    """
    slots = [data[:SLOT], data[SLOT:SIZE]]
    whole = sorted((found for slot in slots if (found := _unpack(slot)) is not None), key=lambda one: one[0])
    torn = sum(any(slot) for slot in slots) > len(whole)
    if not whole:
        return 0, (None if torn else ChannelMemory())
    serial, memory = whole[-1]
    return serial, (_as_cut(memory) if torn else memory)


def _unpack(slot: bytes) -> tuple[int, ChannelMemory] | None:
    """Return (serial, record) of a slot; None unless `_pack` made it."""
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
