"""Edit lists: what aired of a broadcast, when and why, as JSON lines beside the recording.

    archive/<channel>/aired/<broadcast>.jsonl     the edit list of one broadcast
    archive/<channel>/aired/clips/<sha256>.clip   every filler that aired, once

Lines are only ever appended, in the order of air. `begin` opens each process's share (a gate that was killed
is followed by another `begin`), `air` is a piece of program, `clip` says which kept file a key means, `lost`
stands for lines that the disk did not take, `end` is the end of the broadcast.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath

import msgspec

from streamgate.core.edits import Piece
from streamgate.errors import Refused

FOLDER = "aired"
CLIPS = "clips"
SUFFIX = ".jsonl"
VERSION = 1
LAST_PIECE_S = 60.0  # more than a piece lasts
_END = 64 * 1024


class Begin(msgspec.Struct, omit_defaults=True, tag_field="line", tag="begin"):
    """A process begins to air the broadcast, or goes on with it.

    `at`: wall clock; `mono_us`: CLOCK_MONOTONIC of the boot `boot`, the same moment. `series`: whose running
    numbers the live packets carry, as in the index of parts. `floor_us`: what no delay may be below.
    """

    broadcast: str
    channel: str
    started_at: float
    at: float
    mono_us: int
    boot: str
    series: int
    floor_us: int
    delay_us: int
    resumed: bool = False
    v: int = VERSION


class ClipKept(msgspec.Struct, omit_defaults=True, tag_field="line", tag="clip"):
    """The filler that runs call `key` is kept as `clips/<sha256>.clip`; "": its file was gone already."""

    key: str
    name: str
    sha256: str
    bytes: int


class Lost(msgspec.Struct, omit_defaults=True, tag_field="line", tag="lost"):
    """`lines` lines stand nowhere. `since`, `until`: wall clock of the first and the last one."""

    lines: int
    since: float
    until: float
    why: str


class End(msgspec.Struct, omit_defaults=True, tag_field="line", tag="end"):
    """The broadcast is over, or this process's share of it (`why` "restart")."""

    at: float
    why: str = ""


Line = Begin | Piece | ClipKept | Lost | End
_decoder: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


class EditList(msgspec.Struct):
    """An edit list that was read. `damaged`: lines of it that cannot be read; a torn last one is not there.

    A last line without its end is still being written, or was when the gate was killed.
    """

    path: Path
    lines: list[Line]
    damaged: int = 0


def list_path(root: Path, channel: str, broadcast: str) -> Path:
    return root / channel / FOLDER / f"{broadcast}{SUFFIX}"


def is_filler(path: str) -> bool:
    """Whether a path below the archive is of a kept filler."""
    return PurePosixPath(path).parts[1:-1] == (FOLDER, CLIPS)


def find_edit_lists(root: Path, channel: str | None = None) -> dict[str, Path]:
    """Return the edit lists below an archive's root by broadcast, the oldest first of each channel."""
    pattern = f"{channel or '*'}/{FOLDER}/*{SUFFIX}"
    return {path.name.removesuffix(SUFFIX): path for path in sorted(root.glob(pattern)) if path.is_file()}


def find_edit_list(root: Path, broadcast: str) -> Path:
    """Return the edit list of a broadcast.

    Raises:
        Refused: there is none; the newest ones are named.
    """
    known = find_edit_lists(root)
    if broadcast in known:
        return known[broadcast]
    newest = sorted(known, key=lambda name: name[-16:])[-10:]
    there = f"the newest of {len(known)}: {', '.join(newest)}" if known else "none yet"
    raise Refused(
        f"there is no edit list of a broadcast {broadcast} in {root}; there are: {there}",
        f"没有场次 {broadcast} 的播出清单",
    )


def read_edit_list(path: Path) -> EditList:
    """Read an edit list. Raises OSError."""
    found = EditList(path, [])
    for data in _whole_lines(path):
        line = read_line(data)
        if line is None:
            found.damaged += 1
        else:
            found.lines.append(line)
    return found


_BOUNDS = tuple(msgspec.json.encode({"line": tag})[:-1] for tag in ("begin", "end"))


def read_last_bound(path: Path) -> Begin | End | None:
    """Return the newest `begin` or `end` of an edit list, or None; reads no piece. Raises OSError."""
    found: Begin | End | None = None
    for data in _whole_lines(path):
        if data.startswith(_BOUNDS) and isinstance(line := read_line(data), Begin | End):
            found = line
    return found


class _Line(msgspec.Struct):
    at: float = 0.0
    until: float = 0.0


@lru_cache(maxsize=4096)
def read_bounds(path: Path, size: int) -> tuple[float, float]:
    """Return the wall clock of the first and the newest whole line of an edit list of this size.

    The newest line may be a piece that lasted LAST_PIECE_S. Raises OSError.
    """
    with path.open("rb") as file:
        first = _at(file.readline(_END))
        file.seek(max(0, size - _END))
        lines = file.read(_END).splitlines()
    newest = next((at for line in reversed(lines) if (at := _at(line))), first)
    return first, max(first, newest)


def _at(line: bytes) -> float:
    try:
        found = msgspec.json.decode(line, type=_Line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return 0.0
    return found.at or found.until


def read_line(data: bytes) -> Line | None:
    """Return a line of an edit list; None: it cannot be read."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _whole_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n") and line.strip():
                yield line
