"""HLS media playlist of a live program: a sliding window of segments (RFC 8216). Pure."""

import re
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from streamgate.errors import MediaError

PLAYLIST = "index.m3u8"
TARGET_S = 2
"""Initial EXT-X-TARGETDURATION. Players stay several of these behind live, so it is as small as possible."""
_NOT_OURS = "not a playlist that streamgate wrote"
_NUMBER = "(0|[1-9][0-9]{0,17})"
_SEGMENT = re.compile(rf"{_NUMBER}\.m4s")
_INIT = re.compile(rf"init-{_NUMBER}\.mp4")
_TAGS = {
    "target": re.compile(rf"#EXT-X-TARGETDURATION:{_NUMBER}"),
    "sequence": re.compile(rf"#EXT-X-MEDIA-SEQUENCE:{_NUMBER}"),
    "discontinuities": re.compile(rf"#EXT-X-DISCONTINUITY-SEQUENCE:{_NUMBER}"),
    "init": re.compile(rf'#EXT-X-MAP:URI="init-{_NUMBER}\.mp4"'),
    "at": re.compile(r"#EXT-X-PROGRAM-DATE-TIME:([0-9T:.-]+)Z"),
    "duration": re.compile(r"#EXTINF:([0-9]{1,9}\.[0-9]{3}),"),
    "segment": _SEGMENT,
}


class Entry(msgspec.Struct, frozen=True):
    """One segment. `number`: its media sequence number and file name. `init`: number of its init section.

    `at_ms`: wall clock at its first picture, milliseconds since the epoch. `discontinuity`: it does not
    continue the segment before it.
    """

    number: int
    duration_ms: int
    at_ms: int
    init: int
    discontinuity: bool = False

    @property
    def name(self) -> str:
        return f"{self.number}.m4s"

    @property
    def init_name(self) -> str:
        return f"init-{self.init}.mp4"


class Playlist:
    """The segments offered to players, oldest first, with consecutive numbers."""

    def __init__(
        self,
        entries: Iterable[Entry] = (),
        *,
        target_s: int = TARGET_S,
        discontinuities: int = 0,
        ended: bool = False,
    ) -> None:
        """`discontinuities`: number of them before the oldest entry. `ended`: no segment will follow."""
        self.entries: deque[Entry] = deque()
        self.target_s = target_s
        self.discontinuities = discontinuities
        self.ended = ended
        self._length_ms = 0
        for entry in entries:
            self.append(entry)

    def append(self, entry: Entry, window_ms: int | None = None) -> list[Entry]:
        """Add a segment; return those that leave the window, which keeps at least `window_ms` (None: all).

        Raises MediaError when its number is not the next one.
        """
        if self.entries and entry.number != self.entries[-1].number + 1:
            raise MediaError(f"segment {entry.number} after {self.entries[-1].number}; numbers rise by one")
        self.entries.append(entry)
        self._length_ms += entry.duration_ms
        # RFC 8216: no duration, rounded to whole seconds, may exceed it (4.3.3.1); it must not fall (6.2.1).
        self.target_s = max(self.target_s, (entry.duration_ms + 500) // 1000)
        left: list[Entry] = []
        while window_ms is not None and self._length_ms - self.entries[0].duration_ms >= window_ms:
            left.append(self._drop_oldest())
        return left

    def drop_through(self, number: int) -> None:
        """Drop the segments up to and including number `number`."""
        while self.entries and self.entries[0].number <= number:
            self._drop_oldest()

    def files(self) -> set[str]:
        """Return the names of the files that it lists."""
        return {name for entry in self.entries for name in (entry.name, entry.init_name)}

    def count_discontinuities(self) -> int:
        """Return the number of discontinuities before the next segment."""
        return self.discontinuities + sum(entry.discontinuity for entry in self.entries)

    def render(self) -> str:
        """Return the text of the playlist."""
        lines = [
            "#EXTM3U",
            "#EXT-X-VERSION:7",
            f"#EXT-X-TARGETDURATION:{self.target_s}",
            f"#EXT-X-MEDIA-SEQUENCE:{self.entries[0].number if self.entries else 0}",
            f"#EXT-X-DISCONTINUITY-SEQUENCE:{self.discontinuities}",
        ]
        init = None
        for entry in self.entries:
            if entry.discontinuity:
                lines.append("#EXT-X-DISCONTINUITY")
            if entry.init != init:
                init = entry.init
                lines.append(f'#EXT-X-MAP:URI="{entry.init_name}"')
            at = datetime.fromtimestamp(entry.at_ms / 1000, UTC).replace(tzinfo=None)
            lines += [
                f"#EXT-X-PROGRAM-DATE-TIME:{at.isoformat(timespec='milliseconds')}Z",
                f"#EXTINF:{entry.duration_ms // 1000}.{entry.duration_ms % 1000:03d},",
                entry.name,
            ]
        if self.ended:
            lines.append("#EXT-X-ENDLIST")
        return "\n".join(lines) + "\n"

    def _drop_oldest(self) -> Entry:
        entry = self.entries.popleft()
        self._length_ms -= entry.duration_ms
        self.discontinuities += entry.discontinuity
        return entry


def parse(text: str) -> Playlist:
    """Parse a playlist that `Playlist.render` wrote. Raises MediaError for anything else."""
    head: dict[str, int] = {}
    entries: list[Entry] = []
    init = at_ms = duration_ms = -1
    discontinuity = ended = False
    for line in text.splitlines():
        tag, value = _tag(line)
        match tag:
            case "target" | "sequence" | "discontinuities":
                head[tag] = int(value)
            case "init":
                init = int(value)
            case "at":
                at_ms = _milliseconds(value)
            case "duration":
                duration_ms = int(value.replace(".", ""))
            case "segment":
                if min(init, at_ms, duration_ms) < 0:
                    raise MediaError(f"{_NOT_OURS}: {line} lacks its duration, time or init section")
                entries.append(Entry(int(value), duration_ms, at_ms, init, discontinuity))
                discontinuity, at_ms, duration_ms = False, -1, -1
            case "discontinuity":
                discontinuity = True
            case "end":
                ended = True
            case _:
                pass
    if len(head) < 3 or (entries and head["sequence"] != entries[0].number):
        raise MediaError(f"{_NOT_OURS}: its head is not whole")
    return Playlist(entries, target_s=head["target"], discontinuities=head["discontinuities"], ended=ended)


def number_of(name: str) -> int | None:
    """Return the number in the name of a segment or an init section; None for any other name."""
    found = _SEGMENT.fullmatch(name) or _INIT.fullmatch(name)
    return int(found[1]) if found is not None else None


def _tag(line: str) -> tuple[str, str]:
    plain = {
        "#EXTM3U": "",
        "#EXT-X-VERSION:7": "",
        "#EXT-X-DISCONTINUITY": "discontinuity",
        "#EXT-X-ENDLIST": "end",
    }
    if line in plain:
        return plain[line], ""
    for tag, pattern in _TAGS.items():
        if (found := pattern.fullmatch(line)) is not None:
            return tag, found[1]
    raise MediaError(f"{_NOT_OURS}: {line[:80]!r}")


def _milliseconds(iso: str) -> int:
    try:
        return round(datetime.fromisoformat(f"{iso}+00:00").timestamp() * 1000)
    except ValueError as error:
        raise MediaError(f"{_NOT_OURS}: the date {iso!r}") from error
