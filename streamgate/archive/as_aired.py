"""The program as it aired, packet for packet: from an edit list, the recorded parts and the kept fillers.

Payloads and their order within each track are those that were handed to the destinations. Times follow the
program's; those of sound are counted in samples, and so may differ by up to 60 ms from what was sent.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Self

from streamgate.archive.edit_list import Begin, EditList
from streamgate.archive.kept_clips import KeptClips, kept_clips
from streamgate.archive.located import PartIndex, Stretch
from streamgate.archive.part_reader import PartReader
from streamgate.core.edits import TRACKS, Piece, Run
from streamgate.core.headers import in_band
from streamgate.core.packet import SILENCE, FeedFormat, Kind, Packet, VideoTrack
from streamgate.wording import disk_error

KINDS = {name: kind for kind, name in TRACKS.items()}
_OPEN_PARTS = 3
_NOMINAL_MS = 40

Wanted = Callable[[Kind, int, int], bool]
"""Whether a packet is wanted: its kind, which of the piece's packets of that kind it is, its dts in ms."""


class Shown(NamedTuple):
    """A packet of the program; before it a new `header` where one was announced."""

    packet: Packet
    header: FeedFormat | None = None


class Missing(NamedTuple):
    """`packets` of a track that nothing holds any more. `at`: wall clock of their piece."""

    at: float
    track: str
    packets: int


class PieceReader:
    """Gives back the packets of pieces of one edit list. `missing`: what could not be found, so far.

    `close` it, or use it in a `with` block. `kept`: SHA-256 of fillers by key. `edits`: the list's file.
    """

    def __init__(self, index: PartIndex, clips: KeptClips, kept: Mapping[str, str], edits: Path) -> None:
        self.missing: list[Missing] = []
        self._index, self._clips, self._kept, self._edits = index, clips, kept, edits
        self._readers: dict[Path, PartReader] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()

    def packets(
        self, piece: Piece, series: int, sets: VideoTrack | None, wanted: Wanted | None = None
    ) -> Iterator[Packet]:
        """Yield the packets of a piece in the order of their dts; each track's order is kept.

        `series`: whose numbers its live packets carry. `sets`: live keyframes aired with these parameter sets
        in band. `wanted`: None: all of them. Raises OSError.
        """
        tracks: dict[Kind, list[Packet]] = {}
        counted = dict.fromkeys(Kind, 0)
        for run in piece.runs:
            kind = KINDS[run.track]
            read = self._filler if run.clip else self._live
            there, found = read(run, kind, series, counted[kind], wanted)
            if there < run.count:
                self.missing.append(Missing(piece.at, run.track, run.count - there))
            counted[kind] += run.count
            if sets is not None and not run.clip:
                found = [in_band(packet, sets) if packet.keyframe else packet for packet in found]
            tracks.setdefault(kind, []).extend(found)
        yield from heapq.merge(*tracks.values(), key=lambda packet: packet.dts)

    # ------------------------------------------------------------ live

    def _live(
        self, run: Run, kind: Kind, series: int, before: int, wanted: Wanted | None
    ) -> tuple[int, list[Packet]]:
        """Return how many packets of a run are there, and those wanted."""
        there, found = 0, []
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
            entries = reader.entries(kind, stretch.first, stretch.packets)
            for number, entry in enumerate(entries, before + stretch.before):
                if shift is None:
                    shift = following - entry.dts - origin
                dts = max(lowest, entry.dts + origin + shift)
                lowest, following = dts + 1, dts + _NOMINAL_MS
                there += 1
                if wanted is None or wanted(kind, number, dts):
                    pts = max(dts, entry.pts + origin + shift)
                    found.append(Packet(kind, dts, pts, entry.keyframe, entry.load()))
        return there, found

    def _reader(self, stretch: Stretch) -> PartReader:
        reader = self._readers.pop(stretch.path, None) or PartReader(stretch.path)
        self._readers[stretch.path] = reader  # the newest last
        while len(self._readers) > _OPEN_PARTS:
            self._readers.pop(next(iter(self._readers))).close()
        return reader

    # ------------------------------------------------------------ filler

    def _filler(
        self, run: Run, kind: Kind, _series: int, before: int, wanted: Wanted | None
    ) -> tuple[int, list[Packet]]:
        clip = self._clips.find(run.clip, self._kept, self._edits)
        if clip is None:
            return 0, []
        there, found = 0, []
        frame_ms = clip.video_track.frame_ms if kind is Kind.VIDEO else clip.audio_track.frame_ms
        for n in range(run.count):
            dts = run.dts + round(n * frame_ms)
            there += 1
            if wanted is not None and not wanted(kind, before + n, dts):
                continue
            if kind is Kind.AUDIO:
                data = clip.silence if run.first == SILENCE else clip.audio(run.first + n)
                found.append(Packet(kind, dts, dts, False, data))
            elif (frame := clip.video(run.first + n)) is not None:
                packet = Packet(kind, dts, dts + run.reorder, frame[1], frame[0])
                found.append(in_band(packet, clip.video_track) if packet.keyframe else packet)
            else:
                there -= 1
        return there, found


class AsAired:
    """Renders one broadcast. `missing`: what could not be found, as far as `packets` has come."""

    def __init__(self, root: Path, edits: EditList) -> None:
        """`root`: the archive's. Raises OSError when the index cannot be read."""
        channel = edits.path.parent.parent.name
        index = PartIndex.read(root, channel)
        self._edits = edits
        self._reader = PieceReader(index, KeptClips(root, channel), kept_clips(edits), edits.path)

    @property
    def missing(self) -> list[Missing]:
        return self._reader.missing

    def packets(self) -> Iterator[Shown]:
        """Yield the program. Raises ArchiveError when a file cannot be read."""
        series = headers = 0
        header: FeedFormat | None = None
        part: FeedFormat | None = None
        try:
            for line in self._edits.lines:
                if isinstance(line, Begin):
                    series, headers, header = line.series, 0, None
                elif isinstance(line, Piece):
                    announced = line.header
                    if announced is not None:
                        headers += header is None or announced.video != header.video
                        header = announced
                    part = line.part or part
                    sets = part.video if part is not None and headers > 1 else None
                    for packet in self._reader.packets(line, line.series or series, sets):
                        yield Shown(packet, announced)
                        announced = None
        except OSError as error:
            raise disk_error(error, self._edits.path) from error
        finally:
            self._reader.close()
