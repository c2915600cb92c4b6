"""The tail: when the newest recorded packets came in, noted in shared memory beside the recording.

A recording does not say when each packet arrived. The archive's thread notes it after each fragment in a
file of JSON lines, `run/tail/CHANNEL`: the first line says which process of which boot, each other one is a
`Noted`. The next process takes the file away and finds out what it may bring back (`core.refill`), and what
a torn part held.
"""

import hashlib
import os
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path, PurePosixPath

import msgspec

from streamgate.archive.containers import Arrived
from streamgate.archive.part_file import PartFile
from streamgate.archive.parts import open_file
from streamgate.clock import boot_id
from streamgate.core.mp4_init import AUDIO_TRACK_ID, VIDEO_TRACK_ID
from streamgate.core.mp4_scan import box_header, track_runs
from streamgate.core.packet import FeedFormat, Kind, Packet
from streamgate.core.refill import Chosen, Noted, Row, Tail
from streamgate.core.ring import REFILLED, Held
from streamgate.errors import ArchiveError

FOLDER = "tail"
SLACK_US = 30_000_000  # kept beyond the delay
MAX_BYTES = 8 * 1024 * 1024
MAX_ROWS = 20_000  # packets of a fragment; one with more is not noted
_SPARE = 64 * 1024
_PIECE = 1 << 20
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Noted).decode


class _Head(msgspec.Struct, frozen=True):
    boot: str
    series: int
    v: int = 1


class TailWriter:
    """Notes what one process writes. Its methods never fail: what cannot be noted is not brought back.

    `note` and `remove` belong to the archive's thread, `forget` and `set_delay` to any.
    """

    def __init__(self, path: Path, series: int, delay_s: float) -> None:
        self._path = path
        self._head = _encode(_Head(boot_id(), series)) + b"\n"
        self._keep_us = 0
        self.set_delay(delay_s)
        self._kept: deque[tuple[int, bytes]] = deque()  # (newest arrival, line)
        self._kept_bytes = 0
        self._file: int | None = None
        self._file_bytes = 0
        self._ended = threading.Event()

    def set_delay(self, seconds: float) -> None:
        self._keep_us = round(seconds * 1e6) + SLACK_US

    def note(
        self, part: PartFile, offset: int, feed: FeedFormat, source: str, items: Sequence[Arrived]
    ) -> None:
        """Note the fragment that was just written to `part` from `offset` on."""
        if self._ended.is_set() or not items:
            return
        if len(items) > MAX_ROWS or part.path.suffix != ".mp4":
            return  # what was noted before ends with a hole
        line = (
            _encode(
                Noted(
                    part=str(part.name.path),
                    offset=offset,
                    size=part.bytes - offset,
                    sha256=part.sha256,
                    source=source,
                    feed=feed,
                    wall_s=items[0].wall_s,
                    end_s=items[-1].wall_s,
                    origin_ms=part.origin_ms,
                    rows=[_row(item) for item in items],
                )
            )
            + b"\n"
        )
        newest_us = items[-1].arrival_us
        self._kept.append((newest_us, line))
        self._kept_bytes += len(line)
        while self._kept[0][0] < newest_us - self._keep_us or self._kept_bytes > MAX_BYTES:
            self._kept_bytes -= len(self._kept.popleft()[1])
            if not self._kept:
                return
        try:
            if self._file is None or self._file_bytes > 2 * self._kept_bytes + _SPARE:
                self._begin()
            else:
                self._append(line)
        except OSError:
            self.forget()
        if self._ended.is_set():  # told so meanwhile
            self._unlink()

    def forget(self) -> None:
        """Nothing that was noted may be brought back, nor what this process notes from now on."""
        self._ended.set()
        self._unlink()

    def _unlink(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _begin(self) -> None:
        """Write what is kept to a new file, which takes the old one's place once it is whole."""
        draft = self._path.with_name(f".{self._path.name}.new")
        if not self._path.parent.is_dir():
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._file is not None:
            os.close(self._file)
            self._file = None
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._file, self._file_bytes = os.open(draft, flags, 0o600), 0
        self._append(self._head + b"".join(line for _, line in self._kept))
        draft.replace(self._path)

    def _append(self, data: bytes) -> None:
        assert self._file is not None
        if os.write(self._file, data) != len(data):
            raise OSError(f"{self._path}: the shared memory is full")
        self._file_bytes += len(data)


def _row(item: Arrived) -> Row:
    packet = item.packet
    return Row(int(packet.kind), packet.keyframe, item.arrival_us, packet.dts, packet.pts, item.number)


def take_tail(path: Path) -> bytes:
    """Take away what the last process noted; empty when there is nothing, or when it would stay there."""
    try:
        with path.open("rb") as file:
            data = file.read(2 * MAX_BYTES + (1 << 20))
    except OSError:
        return b""
    try:
        path.unlink()
    except OSError:
        return b""
    return data


def parse_tail(data: bytes) -> Tail | None:
    """Return what was noted, up to a line that is torn; None when nothing can be read."""
    head, *lines = data.split(b"\n")
    try:
        process = msgspec.json.decode(head, type=_Head)
    except msgspec.MsgspecError:
        return None
    noted = []
    for line in lines[:-1]:  # the last one has no end
        try:
            noted.append(_decode(line))
        except msgspec.MsgspecError:
            return None
    return Tail(process.boot, process.series, noted)


def read_back(root: Path, chosen: Chosen, run: int = REFILLED) -> list[Held]:
    """Read the chosen packets from their parts, as the ring holds them: as the run `run`.

    Raises:
        OSError: a part cannot be read.
        ArchiveError: a part is not what was written.
    """
    found: list[Held] = []
    for part, group in groupby(chosen.noted, lambda noted: noted.part):
        descriptor = open_file(root, PurePosixPath(part))
        try:
            digest, at = hashlib.sha256(), 0
            for noted in group:
                while at < noted.offset:
                    piece = os.pread(descriptor, min(_PIECE, noted.offset - at), at)
                    if not piece:
                        raise ArchiveError(f"{part} is shorter than it was")
                    digest.update(piece)
                    at += len(piece)
                data = os.pread(descriptor, noted.size, noted.offset)
                digest.update(data)
                at += len(data)
                if digest.hexdigest() != noted.sha256:
                    raise ArchiveError(f"{part} does not hold what was written at {noted.offset}")
                first = chosen.first if noted is chosen.noted[0] else 0
                found += _packets(noted, data, first, run, sound=chosen.feed.audio is not None)
        finally:
            os.close(descriptor)
    return found


def _packets(noted: Noted, data: bytes, first: int, run: int, *, sound: bool) -> list[Held]:
    """Return the packets of a fragment from its row `first` on; script data is left out."""
    samples = _samples(data)
    for kind, track in ((Kind.VIDEO, VIDEO_TRACK_ID), (Kind.AUDIO, AUDIO_TRACK_ID)):
        if sum(row.kind == kind for row in noted.rows) != len(samples.get(track, [])):
            raise ArchiveError(f"{noted.part} holds other packets at {noted.offset} than were noted")
    video, audio = iter(samples.get(VIDEO_TRACK_ID, [])), iter(samples.get(AUDIO_TRACK_ID, []))
    found = []
    for index, row in enumerate(noted.rows):
        if row.kind == Kind.DATA:
            continue
        payload = next(video if row.kind == Kind.VIDEO else audio)
        if index >= first and (sound or row.kind == Kind.VIDEO):
            packet = Packet(Kind(row.kind), row.dts, row.pts, row.keyframe, payload)
            found.append(Held(row.arrival_us, run, packet, row.number))
    return found


def _samples(data: bytes) -> dict[int, list[bytes]]:
    """Return the payloads of the fragments in `data` by track, in order."""
    found: dict[int, list[bytes]] = {}
    at = 0
    while (box := box_header(data[at : at + 8])) is not None and at + box[1] <= len(data):
        kind, length = box
        if kind == b"moof":
            for run in track_runs(data[at : at + length]):
                found.setdefault(run.track, []).extend(
                    data[one.offset : one.offset + one.size] for one in run.samples(at)
                )
        at += length
    return found
