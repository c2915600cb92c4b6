"""What a channel must still know after its process was killed: a record in mapped memory.

A store to mapped memory is no disk write, so a cut waits for nothing, and the kernel keeps the page when the
process dies (kill -9). Two slots are written in turn, each with a checksum; if the newest one is torn the
command it held was half applied, and the record reads as cut: filler, never live.
"""

import mmap
import os
import struct
from pathlib import Path
from zlib import crc32

import msgspec

from streamgate.core.packet import FeedFormat

SLOT = 16 * 1024
_HEAD = struct.Struct("!QII")  # serial, length, checksum of the body


class ChannelMemory(msgspec.Struct, frozen=True):
    """`feed`: parameters of the feed last seen, so that filler can be had before it comes back."""

    on_air: bool = False
    cut: bool = False
    cut_by: str = ""
    backup: str | None = None
    feed: FeedFormat | None = None
    started_at: float = 0.0  # wall clock
    delay_s: float = 0.0  # in force
    alive_at: float = 0.0  # wall clock of the last save
    encoder_stopped: bool = False  # somebody stopped the broadcast while this encoder went on publishing


class Memory:
    """The record of one channel. `save` costs microseconds and waits for nothing."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, 2 * SLOT)  # so that no store ever needs a block of the disk
            self._map = mmap.mmap(descriptor, 2 * SLOT)
        finally:
            os.close(descriptor)
        self._serial = 0
        self.loaded = self._load()

    def save(self, memory: ChannelMemory) -> None:
        body = msgspec.json.encode(memory)
        if len(body) + _HEAD.size > SLOT:
            body = msgspec.json.encode(msgspec.structs.replace(memory, feed=None))
        self._serial += 1
        base = self._serial % 2 * SLOT
        self._map[base : base + _HEAD.size] = _HEAD.pack(self._serial, len(body), 0)
        self._map[base + _HEAD.size : base + _HEAD.size + len(body)] = body
        self._map[base : base + _HEAD.size] = _HEAD.pack(self._serial, len(body), crc32(body))

    def close(self) -> None:
        self._map.close()

    def _load(self) -> ChannelMemory:
        slots = sorted(((self._read(base), base) for base in (0, SLOT)), key=lambda slot: -slot[0][0])
        (newest, memory), older = slots[0][0], slots[1][0][1]
        self._serial = newest
        if newest == 0:
            return ChannelMemory()
        if memory is not None:
            return memory
        known = older or ChannelMemory()
        return msgspec.structs.replace(known, cut=True, cut_by="a command that was half applied")

    def _read(self, base: int) -> tuple[int, ChannelMemory | None]:
        serial, length, checksum = _HEAD.unpack_from(self._map, base)
        body = self._map[base + _HEAD.size : base + _HEAD.size + min(length, SLOT - _HEAD.size)]
        if serial == 0 or crc32(body) != checksum:
            return serial, None
        try:
            return serial, msgspec.json.decode(body, type=ChannelMemory)
        except msgspec.DecodeError:
            return serial, None
