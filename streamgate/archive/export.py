"""Writes a span of the archive as one MP4, packet for packet. Uses libav: not for gate and console."""

import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import av
import av.error

from streamgate.archive.broadcasts import Loss
from streamgate.archive.parts import open_file
from streamgate.archive.selection import Chosen, Selection
from streamgate.archive.times import iso
from streamgate.disk import sync_directory
from streamgate.errors import ArchiveError, MediaError, Refused


class Exported(NamedTuple):
    """`start`, `end`: wall clock of what is in the file, from keyframe to the end of a fragment.

    `losses`: what of that span is not in it; there the file goes on without a pause.
    """

    file: Path
    start: float
    end: float
    bytes: int
    sha256: str
    losses: list[Loss]


def export(root: Path, selection: Selection, out: Path) -> Exported:
    """Write what was selected to `out`, which must not be there; nothing stays of one that fails.

    Raises:
        Refused: nothing was recorded then, the format changes within the span, `out` is there already.
        ArchiveError, MediaError: a file cannot be read, or written.
    """
    chosen = selection.chosen
    if not chosen:
        raise Refused("nothing that an MP4 holds was recorded then; see: streamgate archive list")
    for before, after in pairwise(chosen):
        if before.map.digest != after.map.digest:
            raise Refused(
                f"the format of the feed changes at {iso(after.start)}, and one MP4 holds one format;"
                f" export up to there, and from there on"
            )
    if out.exists():
        raise Refused(f"{out} is there already; choose another file")
    draft = out.with_name(f".{out.name}.part")
    try:
        _write(root, chosen, draft)
        size, digest = _finish(draft, out)
    except av.error.FFmpegError as error:
        raise MediaError(f"the export failed: {error}") from error
    except OSError as error:
        raise ArchiveError(f"the export failed: {error.strerror or error}: {error.filename}") from error
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
    last = chosen[-1]
    end = last.start + last.fragments[-1].end_s - last.fragments[0].start_s
    losses = [one for one in selection.losses if one.start < end and one.end > chosen[0].start]
    return Exported(out, chosen[0].start, end, size, digest, losses)


def _write(root: Path, chosen: Sequence[Chosen], draft: Path) -> None:
    with av.open(str(draft), "w", format="mp4", options={"movflags": "+faststart"}) as target:
        streams: dict[str, Any] = {}
        newest: dict[str, int] = {}
        for one, offset_ms in _placed(chosen):
            with av.open(io.BytesIO(_bytes(root, one)), "r", format="mp4") as source:
                if not streams:
                    streams = {found.type: target.add_stream_from_template(found) for found in source.streams}
                for packet in source.demux():
                    stream = streams.get(packet.stream.type)
                    if stream is None or packet.dts is None or packet.pts is None:
                        continue
                    ticks = round(Fraction(offset_ms, 1000) / packet.time_base)
                    # Rounding to ticks may place a sound on the one before it.
                    dts = max(packet.dts + ticks, newest.get(stream.type, packet.dts + ticks - 1) + 1)
                    packet.pts, packet.dts = max(packet.pts + ticks, dts), dts
                    newest[stream.type] = dts
                    packet.stream = stream
                    target.mux(packet)


def _placed(chosen: Sequence[Chosen]) -> Iterator[tuple[Chosen, int]]:
    """Yield what is chosen with the milliseconds to be added to its times: there are no pauses."""
    at_ms = 0
    for one in chosen:
        start_ms = round(one.fragments[0].start_s * 1000)
        yield one, at_ms - start_ms
        at_ms += round(one.fragments[-1].end_s * 1000) - start_ms


def _bytes(root: Path, one: Chosen) -> bytes:
    first, last = one.fragments[0], one.fragments[-1]
    descriptor = open_file(root, one.part.path)
    try:
        with open(descriptor, "rb", closefd=False) as file:
            head = file.read(one.map.init)
            file.seek(first.offset)
            return head + file.read(last.offset + last.size - first.offset)
    finally:
        os.close(descriptor)


def _finish(draft: Path, out: Path) -> tuple[int, str]:
    """Bring the file to the disk under its name; return its bytes and SHA-256."""
    with draft.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
        os.fsync(file.fileno())
    draft.rename(out)
    sync_directory(out.parent)
    return size, digest
