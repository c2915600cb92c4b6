"""Names and places of archive parts, their index, and the mending of one that a crash left torn.

    archive/<channel>/<YYYY-MM-DD>/<HHMMSS.mmm>Z-<number>.mp4          the part; date and time are UTC
    archive/<channel>/<YYYY-MM-DD>/<HHMMSS.mmm>Z-<number>.flv          the same, of what MP4 cannot hold
    archive/<channel>/<YYYY-MM-DD>/<HHMMSS.mmm>Z-<number>.events.jsonl script events received during it
    archive/<channel>/<YYYY-MM-DD>/index.jsonl                         one line per finished part

A part is written under its final name; every fragment in it is complete once written, so it plays while it
grows and after a crash. Numbers rise by one per part of a channel and never start anew: a missing number is
a missing part, and a higher number is a younger part even when the clock was wrong.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Self

import msgspec

from streamgate.archive.scan import scan
from streamgate.clock import wall_s
from streamgate.core.edits import TRACKS
from streamgate.core.packet import Kind
from streamgate.core.refill import Tail
from streamgate.disk import sync_directory, write_all
from streamgate.errors import ConfigError

GOES_ON = "length"  # why a part ended after which the next one goes on with the same timeline
INDEX = "index.jsonl"
_INDEX_END = 64 * 1024
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NAME = re.compile(
    r"([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9])\.([0-9]{3})Z-([0-9]{6}|[1-9][0-9]{6,})\.(mp4|flv)"
)


class Gap(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was received and not recorded, before the first packet of a part.

    `reason`: "behind": the queue was full; "failed": the disk refused; "format": no container has a place
    for it; "gate_killed": the gate ended with it in memory, how many packets nobody knows. `start`, `end`:
    wall clock at the first and the last packet, seconds since the epoch; 0 in lines of older versions.
    """

    packets: int
    bytes: int
    reason: str
    start: float = 0.0
    end: float = 0.0

    @property
    def seconds(self) -> float:
        return self.end - self.start

    def joined(self, later: Self) -> Self:
        """Return both as one; the reason is the first one's."""
        starts = [gap.start for gap in (self, later) if gap.start]
        return msgspec.structs.replace(
            self,
            packets=self.packets + later.packets,
            bytes=self.bytes + later.bytes,
            start=min(starts, default=0.0),
            end=max(self.end, later.end),
        )


class PartRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of index.jsonl: the evidence of one finished part.

    `start`, `end`: wall clock at the arrival of its first and last packet, seconds since the epoch.
    `first_us`, `last_us`: the same on CLOCK_MONOTONIC. `origin_ms`: the feed timestamp that is 0 in the part.
    `repaired`: a crash tore it; counts and `end` were read back from the file. Arrivals and numbers are those
    that its process had noted in shared memory (`archive.tail`), or are unknown.
    `stretches`: of an FLV part, how many formats, sources or timelines follow one another in it.
    `series`, `numbers`: first and last running number of its packets by track, in the series of the process
    that took them (see `core.edits`); no numbers when they do not rise by one.
    A line without `part` records a gap after which no part came, or one that a killed gate left behind.
    """

    part: str  # file name
    channel: str
    number: int
    start: float
    end: float
    bytes: int
    sha256: str
    video: int = 0
    audio: int = 0
    data: int = 0
    keyframe: bool = True  # it starts with a keyframe
    tracks: list[str] = []
    origin_ms: int = 0
    first_us: int | None = None
    last_us: int | None = None
    source: str = ""
    closed: str = ""  # why it ended: length, format, source, timeline, gone, behind, failed, stop, crash
    events_sha256: str = ""
    gap: Gap | None = None
    repaired: bool = False
    stretches: int = 1
    series: int = 0
    numbers: dict[str, tuple[int, int]] = {}
    v: int = 1

    @property
    def packets(self) -> int:
        return self.video + self.audio + self.data


class PartName(msgspec.Struct, frozen=True):
    """What a part's path says. `start_ms`: wall clock, milliseconds since the epoch."""

    channel: str
    start_ms: int
    number: int
    suffix: str = "mp4"

    @property
    def path(self) -> PurePosixPath:
        """Relative to the archive's root."""
        at = datetime.fromtimestamp(self.start_ms // 1000, UTC)
        name = f"{at:%H%M%S}.{self.start_ms % 1000:03d}Z-{self.number:06d}.{self.suffix}"
        return PurePosixPath(self.channel, f"{at:%Y-%m-%d}", name)


def check_channel(channel: str) -> str:
    """Return the name if it may stand in a path.

    Raises:
        ConfigError: it may not.
    """
    if not _CHANNEL.fullmatch(channel):
        raise ConfigError(
            f"channel name {channel!r} cannot be used for a directory; allowed are 1 to 64 letters, digits, "
            "dots, dashes and underscores, the first a letter or digit"
        )
    return channel


def parse(path: PurePosixPath) -> PartName | None:
    """Return what a path (relative to the archive's root) says; None if it is no part."""
    if len(path.parts) != 3:
        return None
    return _parse(*path.parts)


def _parse(channel: str, date: str, name: str) -> PartName | None:
    match = _NAME.fullmatch(name)
    if match is None or not _CHANNEL.fullmatch(channel):
        return None
    midnight = _midnight_ms(date)
    if midnight is None:
        return None
    hours, minutes, seconds, ms, number = map(int, match.groups()[:-1])
    start_ms = midnight + ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms
    return PartName(channel, start_ms, number, match[6])


@lru_cache(maxsize=512)
def _midnight_ms(date: str) -> int | None:
    try:
        day = datetime.fromisoformat(date) if _DATE.fullmatch(date) else None
    except ValueError:
        return None
    return int(day.replace(tzinfo=UTC).timestamp()) * 1000 if day is not None else None


def events_path(part: Path) -> Path:
    return part.with_suffix(".events.jsonl")


def find_parts(root: Path, channel: str | None = None) -> Iterator[tuple[PartName, Path]]:
    """Yield every part below an archive's root, in no order. Symbolic links are not followed."""
    for channel_dir in _directories(root):
        if channel not in {None, channel_dir.name}:
            continue
        for date_dir in _directories(channel_dir):
            yield from find_day(channel_dir.name, date_dir)


def find_day(channel: str, date_dir: Path) -> Iterator[tuple[PartName, Path]]:
    with closing(os.scandir(date_dir)) as entries:
        for entry in entries:
            name = _parse(channel, date_dir.name, entry.name)
            if name is not None and entry.is_file(follow_symlinks=False):
                yield name, Path(entry.path)


def _directories(path: Path) -> list[Path]:
    try:
        with closing(os.scandir(path)) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def newest_part(root: Path, channel: str) -> tuple[int, Path | None]:
    """Return the highest number any part of a channel carries and its day; (0, None) without parts.

    Looks at names only, cheaply: a channel may hold a million of them.
    """
    highest, newest = 0, None
    for date_dir in days(root, channel):
        for name in os.listdir(date_dir):  # noqa: PTH208  (a Path per name would cost seconds)
            if name.endswith((".mp4", ".flv")):
                number = name[name.rfind("-") + 1 : -4]
                if number.isdecimal() and int(number) > highest:
                    highest, newest = int(number), date_dir
    return highest, newest


def newer_parts(root: Path, channel: str, after: int) -> list[tuple[PartName, os.stat_result]]:
    """Return the parts with a number above `after`, by number; the last one may be growing.

    Looks into the two newest days, and today's and yesterday's: a clock that was set back makes these others.
    Raises OSError.
    """
    found = []
    now = datetime.fromtimestamp(wall_s(), UTC).date()
    recent = {str(now), str(now - timedelta(days=1))}
    known = days(root, channel)
    for date_dir in dict.fromkeys([*(day for day in known if day.name in recent), *known[-2:]]):
        for name, path in find_day(channel, date_dir):
            if name.number > after:
                with suppress(FileNotFoundError):
                    found.append((name, path.stat(follow_symlinks=False)))
    return sorted(found, key=lambda one: one[0].number)


def days(root: Path, channel: str) -> list[Path]:
    """Return a channel's date directories, oldest first."""
    return [path for path in _directories(root / channel) if _DATE.fullmatch(path.name)]


def read_index(date_dir: Path) -> list[PartRecord]:
    """Return the lines of a day's index; torn and foreign ones are passed over (see `repair_day`)."""
    return list(iterate_index(date_dir))


def iterate_index(date_dir: Path, mark: "IndexMark | None" = None) -> Iterator[PartRecord]:
    """Yield the lines of a day's index that come after `mark`, which moves along; no index, no lines.

    Torn and foreign lines are passed over. With a mark the last line waits until its end is written.
    """
    decoder = msgspec.json.Decoder(PartRecord)
    try:
        file = (date_dir / INDEX).open("rb")
    except FileNotFoundError:
        return
    with file:
        if mark is not None:
            found = os.fstat(file.fileno())
            if found.st_ino != mark.inode or found.st_size < mark.offset:
                mark.inode, mark.offset = found.st_ino, 0
            file.seek(mark.offset)
        for line in file:
            if mark is not None:
                if not line.endswith(b"\n"):
                    return
                mark.offset += len(line)
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError:
                continue


def has_more(date_dir: Path, mark: "IndexMark") -> bool:
    """Whether a day's index has anything that was not read up to a mark. Raises OSError."""
    try:
        found = (date_dir / INDEX).stat()
    except FileNotFoundError:
        return False
    return (found.st_ino, found.st_size) != (mark.inode, mark.offset)


class IndexMark(msgspec.Struct):
    """How far an index has been read. A file that is another one or shorter now is read from its start."""

    inode: int = 0
    offset: int = 0


def read_index_end(date_dir: Path) -> list[PartRecord]:
    """Return the newest lines of a day's index, 64 KiB of them. Raises OSError."""
    try:
        file = (date_dir / INDEX).open("rb")
    except FileNotFoundError:
        return []
    with file:
        start = max(0, os.fstat(file.fileno()).st_size - _INDEX_END)
        file.seek(start)
        lines = file.read(_INDEX_END).split(b"\n")
    found = []
    for line in lines[start > 0 :]:
        with suppress(msgspec.DecodeError):
            found.append(msgspec.json.decode(line, type=PartRecord))
    return found


@contextmanager
def open_directory(root: Path, directory: PurePosixPath) -> Iterator[int]:
    """Yield a descriptor of a directory below `root`, no symbolic link followed. Raises OSError."""
    opened = [os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)]
    try:
        for part in directory.parts:
            opened.append(os.open(part, _DIRECTORY, dir_fd=opened[-1]))
        yield opened[-1]
    finally:
        for descriptor in opened:
            os.close(descriptor)


def open_file(root: Path, path: PurePosixPath) -> int:
    """Open a plain file below `root` for reading; a symbolic link is not there. Raises OSError."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with open_directory(root, path.parent) as directory:
            descriptor = os.open(path.name, flags, dir_fd=directory)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise FileNotFoundError(errno.ENOENT, "this is no plain file", str(path)) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, "this is no plain file", str(path))
    return descriptor


def append_index(date_dir: Path, records: Sequence[PartRecord]) -> None:
    """Append to a day's index, whose directory is made if it is not there. Raises OSError."""
    make_directory(date_dir)
    append_lines(date_dir / INDEX, [msgspec.json.encode(record) for record in records])


def make_directory(path: Path) -> None:
    """Make a day's directory, private, and bring its name to the disk. Raises OSError."""
    if path.is_dir():
        return
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for made in (path, path.parent):
        made.chmod(0o700)  # `parents=True` makes parents with the umask's mode
        sync_directory(made.parent)


def append_lines(path: Path, lines: list[bytes]) -> None:
    """Append whole lines to a JSONL file and bring them to the disk. A torn last line is ended first.

    Raises:
        OSError
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        write_all(descriptor, (b"\n" if torn else b"") + b"".join(line + b"\n" for line in lines))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def record_from_file(name: PartName, path: Path, left: Tail | None = None) -> PartRecord:
    """Return the index line of a part that has none, read from its file.

    `left`: what the process that wrote it noted of it, if anything: then arrivals and numbers are known.
    """
    seen = scan(path)
    start = name.start_ms / 1000
    record = PartRecord(
        part=path.name,
        channel=name.channel,
        number=name.number,
        start=start,
        end=start + seen.length_s,
        bytes=seen.whole,
        sha256=seen.sha256,
        video=seen.video,
        audio=seen.audio,
        closed="crash",
        repaired=True,
    )
    noted = [] if left is None else [one for one in left.noted if one.part == str(name.path)]
    if left is None or not noted or noted[0].offset or noted[-1].offset + noted[-1].size > seen.whole:
        return record
    rows = [row for one in noted for row in one.rows]
    if not rows:
        return record
    numbers = {kind: [row.number for row in rows if row.kind == kind] for kind in Kind}
    counts = {
        Kind.VIDEO: seen.video,
        Kind.AUDIO: seen.audio,
        Kind.DATA: len(numbers[Kind.DATA]),
    }  # the file may hold one fragment more, and its numbers go on
    return msgspec.structs.replace(
        record,
        start=noted[0].wall_s,
        end=max(record.end, noted[-1].end_s),
        data=counts[Kind.DATA],
        keyframe=next((row.keyframe for row in rows if row.kind == Kind.VIDEO), True),
        origin_ms=noted[0].origin_ms,
        first_us=rows[0].arrival_us,
        last_us=rows[-1].arrival_us,
        source=noted[-1].source,
        series=left.series,
        numbers={
            TRACKS[kind]: (found[0], found[0] + counts[kind] - 1)
            for kind, found in numbers.items()
            if found and found[-1] - found[0] + 1 == len(found) <= counts[kind]
        },
    )


def _is_torn(path: Path) -> bool:
    """Whether a file ends early, rather than that its beginning is damaged."""
    with path.open("rb") as file:
        head = file.read(8)
    return head[:3] == b"FLV" or head[4:] == b"ftyp" or not head.strip(b"\0") or len(head) < 8


def repair_day(channel: str, date_dir: Path, left: Tail | None = None) -> list[PartRecord]:
    """Mend a day after a crash: parts without an index line are cut to their last whole fragment and indexed.

    One without a whole fragment was never a recording: it goes, and its number is free again. One that does
    not begin as parts do is left as it is, for `verify` to name: its beginning alone may be damaged.
    `left`: what the process that crashed noted. No part may be open for writing. Raises OSError.
    """
    known = {record.part for record in read_index(date_dir) if record.part}
    mended = []
    for name, path in sorted(find_day(channel, date_dir), key=lambda found: found[0].number):
        if path.name in known:
            continue
        record = record_from_file(name, path, left)
        if not record.bytes:
            if _is_torn(path):
                path.unlink()
            continue
        if path.stat().st_size > record.bytes:
            times = path.stat()
            os.truncate(path, record.bytes)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # its age is that of its media
        mended.append(record)
    if mended:
        append_index(date_dir, mended)
    return mended
