"""The program as it aired, packet for packet: from an edit list, the recorded parts and the kept fillers.

Payloads and their order within each track are those that were handed to the destinations. Times follow the
program's; those of sound are counted in samples, and so may differ by up to 60 ms from what was sent.
"""

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from streamgate.archive.edit_list import CLIPS, Begin, ClipKept, EditList, find_edit_lists, read_edit_list
from streamgate.archive.located import PartIndex, Stretch
from streamgate.archive.part_reader import PartReader
from streamgate.core.clip import Clip
from streamgate.core.edits import LIVE, TRACKS, Piece, Run
from streamgate.core.headers import in_band
from streamgate.core.packet import SILENCE, FeedFormat, Kind, Packet
from streamgate.errors import ArchiveError, MediaError

KINDS = {name: kind for kind, name in TRACKS.items()}
_OPEN_PARTS = 3
_NOMINAL_MS = 40


class Shown(NamedTuple):
    """A packet of the program; before it a new `header` where one was announced."""

    packet: Packet
    header: FeedFormat | None = None


class Missing(NamedTuple):
    """`packets` of a track that nothing holds any more. `at`: wall clock of their piece."""

    at: float
    track: str
    packets: int


class AsAired:
    """Renders one broadcast. `missing`: what could not be found, as far as `packets` has come."""

    def __init__(self, root: Path, edits: EditList) -> None:
        """`root`: the archive's. Raises OSError when the index cannot be read."""
        self.missing: list[Missing] = []
        self._edits = edits
        self._folder = edits.path.parent
        self._index = PartIndex.read(root, self._folder.parent.name)
        self._root = root
        self._kept = _kept_clips(edits)
        self._clips: dict[str, Clip | None] = {}
        self._readers: dict[Path, PartReader] = {}
        self._headers = 0
        self._header: FeedFormat | None = None
        self._part: FeedFormat | None = None

    def packets(self) -> Iterator[Shown]:
        """Yield the program. Raises ArchiveError when a file cannot be read."""
        series = 0
        try:
            for line in self._edits.lines:
                if isinstance(line, Begin):
                    series, self._headers, self._header = line.series, 0, None
                elif isinstance(line, Piece):
                    yield from self._piece(line, series)
        except OSError as error:
            raise ArchiveError(f"{error.filename or self._folder}: {error.strerror}") from error
        finally:
            for reader in self._readers.values():
                reader.close()
            self._readers.clear()

    def _piece(self, piece: Piece, series: int) -> Iterator[Shown]:
        header = piece.header
        if header is not None:
            self._headers += self._header is None or header.video != self._header.video
            self._header = header
        if piece.part is not None:
            self._part = piece.part
        tracks: dict[Kind, list[Packet]] = {}
        for run in piece.runs:
            kind = KINDS[run.track]
            found = list(self._filler(run, kind) if run.clip else self._live(run, kind, series))
            if len(found) < run.count:
                self.missing.append(Missing(piece.at, run.track, run.count - len(found)))
            tracks.setdefault(kind, []).extend(found)
        for packet in heapq.merge(
            *tracks.values(), key=lambda packet: packet.dts
        ):  # keeps each track's order
            if packet.kind is Kind.VIDEO and packet.keyframe and piece.source == LIVE and self._headers > 1:
                track = self._part.video if self._part is not None else None
                yield Shown(in_band(packet, track) if track is not None else packet, header)
            else:
                yield Shown(packet, header)
            header = None

    # ------------------------------------------------------------ live

    def _live(self, run: Run, kind: Kind, series: int) -> Iterator[Packet]:
        shift: int | None = None  # from the feed's timeline to the program's
        lowest = following = run.dts
        for stretch in self._index.find(series, run):
            flv = stretch.path.suffix == ".flv"
            origin = 0 if flv or kind is Kind.DATA else stretch.record.origin_ms
            if flv:
                shift = None  # its time counts from an origin of its own
            try:
                reader = self._reader(stretch)
            except FileNotFoundError:  # it is past its retention
                continue
            for packet in reader.packets(kind, stretch.first, stretch.packets):
                if shift is None:
                    shift = following - packet.dts - origin
                dts = max(lowest, packet.dts + origin + shift)
                lowest, following = dts + 1, dts + _NOMINAL_MS
                yield Packet(kind, dts, max(dts, packet.pts + origin + shift), packet.keyframe, packet.data)

    def _reader(self, stretch: Stretch) -> PartReader:
        reader = self._readers.pop(stretch.path, None) or PartReader(stretch.path)
        self._readers[stretch.path] = reader  # the newest last
        while len(self._readers) > _OPEN_PARTS:
            self._readers.pop(next(iter(self._readers))).close()
        return reader

    # ------------------------------------------------------------ filler

    def _filler(self, run: Run, kind: Kind) -> Iterator[Packet]:
        clip = self._clip(run.clip)
        if clip is None:
            return
        frame_ms = clip.video_track.frame_ms if kind is Kind.VIDEO else clip.audio_track.frame_ms
        for n in range(run.count):
            dts = run.dts + round(n * frame_ms)
            if kind is Kind.AUDIO:
                data = clip.silence if run.first == SILENCE else clip.audio(run.first + n)
                yield Packet(kind, dts, dts, False, data)
            elif (frame := clip.video(run.first + n)) is not None:
                packet = Packet(kind, dts, dts, frame[1], frame[0])
                yield in_band(packet, clip.video_track) if packet.keyframe else packet

    def _clip(self, key: str) -> Clip | None:
        if key not in self._clips:
            sha256 = self._kept.get(key) or self._kept_elsewhere(key)
            path = self._folder / CLIPS / f"{sha256}.clip"
            try:
                self._clips[key] = Clip.from_buffer(path.read_bytes()) if sha256 else None
            except (FileNotFoundError, MediaError):
                self._clips[key] = None
        return self._clips[key]

    def _kept_elsewhere(self, key: str) -> str:
        """Look for a filler in the channel's other edit lists: a kill may have cost this one's line."""
        for path in reversed(find_edit_lists(self._root, self._folder.parent.name).values()):
            if path != self._edits.path and (sha256 := _kept_clips(read_edit_list(path)).get(key)):
                return sha256
        return ""


def _kept_clips(edits: EditList) -> dict[str, str]:
    return {line.key: line.sha256 for line in edits.lines if isinstance(line, ClipKept) and line.sha256}
