"""Reads the packets of a recorded part again, in the order of each track, without libav."""

import base64
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

import msgspec

from streamgate.archive.parts import events_path
from streamgate.archive.scan import MAX_BOX_IN_MEMORY
from streamgate.core.mp4_init import AUDIO_TRACK_ID, VIDEO_TIMESCALE, VIDEO_TRACK_ID
from streamgate.core.mp4_scan import audio_timescale, box_header, track_runs
from streamgate.core.packet import Kind, Packet
from streamgate.rtmp import flv, flv_file


class _Place(msgspec.Struct, frozen=True, gc=False):
    """Where a packet's payload stands, and its times in ms of the part's own timeline."""

    offset: int
    size: int
    dts: int
    pts: int
    keyframe: bool


class _Event(msgspec.Struct):
    dts: int
    amf0: str


class Entry(NamedTuple):
    """A packet whose payload is read on demand. Times in ms, as `PartReader.packets` has them."""

    dts: int
    pts: int
    keyframe: bool
    load: Callable[[], bytes]


class PartReader:
    """An open part. `close` it, or use it in a `with` block. Making one raises OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb")
        self._places: dict[Kind, list[_Place]] = {Kind.VIDEO: [], Kind.AUDIO: []}
        size = os.fstat(self._file.fileno()).st_size
        if path.suffix == ".flv":
            self._read_flv(size)
        else:
            self._read_mp4(size)
        self._events: list[_Event] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def count(self, kind: Kind) -> int:
        return len(self._data()) if kind is Kind.DATA else len(self._places[kind])

    def packets(self, kind: Kind, first: int, count: int) -> Iterator[Packet]:
        """Yield `count` packets of a track from the one with index `first` on; fewer when there are no more.

        Times in ms of the part's own timeline; of script data, of the feed's. Raises OSError.
        """
        for entry in self.entries(kind, first, count):
            yield Packet(kind, entry.dts, entry.pts, entry.keyframe, entry.load())

    def entries(self, kind: Kind, first: int, count: int) -> Iterator[Entry]:
        """Yield what `packets` does without reading any payload."""
        if kind is Kind.DATA:
            for event in self._data()[first : first + count]:
                yield Entry(event.dts, event.dts, False, partial(base64.b64decode, event.amf0))
            return
        descriptor = self._file.fileno()
        for place in self._places[kind][first : first + count]:
            load = partial(os.pread, descriptor, place.size, place.offset)
            yield Entry(place.dts, place.pts, place.keyframe, load)

    def _data(self) -> list[_Event]:
        if self._events is None:
            try:
                lines = events_path(self.path).read_bytes().splitlines()
            except FileNotFoundError:
                lines = []
            self._events = [msgspec.json.decode(line, type=_Event) for line in lines]
        return self._events

    def _read_mp4(self, size: int) -> None:
        rate = at = 0
        file: BinaryIO = self._file
        while (box := box_header(os.pread(file.fileno(), 8, at))) is not None and at + box[1] <= size:
            kind, length = box
            if kind in (b"moov", b"moof") and length <= MAX_BOX_IN_MEMORY:
                whole = os.pread(file.fileno(), length, at)
                if kind == b"moov":
                    rate = audio_timescale(whole)
                else:
                    self._add_fragment(whole, at, rate, size)
            at += length

    def _add_fragment(self, moof: bytes, at: int, rate: int, size: int) -> None:
        scales = {VIDEO_TRACK_ID: (Kind.VIDEO, VIDEO_TIMESCALE), AUDIO_TRACK_ID: (Kind.AUDIO, rate or 1)}
        for run in track_runs(moof):
            samples = run.samples(at)
            if samples[-1].offset + samples[-1].size > size:
                return  # torn: its media never came
            kind, scale = scales[run.track]
            self._places[kind] += [
                _Place(one.offset, one.size, one.dts * 1000 // scale, one.pts * 1000 // scale, one.keyframe)
                for one in samples
            ]

    def _read_flv(self, size: int) -> None:
        at = flv_file.HEADER_BYTES
        descriptor = self._file.fileno()
        while True:
            head = os.pread(descriptor, flv_file.TAG_BYTES, at)
            tag = flv_file.read_tag_head(head)
            if tag is None or at + tag.size > size:
                return
            body = os.pread(descriptor, tag.size - flv_file.TAG_BYTES - 4, at + flv_file.TAG_BYTES)
            found = flv.parse_video(body) if tag.kind is Kind.VIDEO else None
            if tag.kind is Kind.AUDIO:
                sound = flv.parse_audio(body)
                if isinstance(sound, flv.AudioTag) and sound.kind == "frame":
                    self._add_tag(tag, at, len(sound.payload), 0, keyframe=False)
            elif isinstance(found, flv.VideoTag) and found.kind == "frame":
                self._add_tag(tag, at, len(found.payload), found.cts, keyframe=found.keyframe)
            at += tag.size

    def _add_tag(self, tag: flv_file.TagHead, at: int, size: int, cts: int, *, keyframe: bool) -> None:
        offset = at + tag.size - 4 - size  # the payload ends the body
        self._places[tag.kind].append(_Place(offset, size, tag.time_ms, tag.time_ms + cts, keyframe))
