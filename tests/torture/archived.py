"""What the archive holds, read with libav and from the index: apart from the gate's own code."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import av
from tools.recording import decode_errors
from tools.timecode import payload_hash, slices_hash
from torture.evidence import Archive

_MEDIA = {".mp4", ".mkv", ".flv", ".ts", ".webm"}


def read(directory: Path, lost_from: float | None, keep: Path) -> Archive:
    """Read all below `directory`; what does not decode is copied to `keep`.

    `lost_from`: wall clock from which on the disk lost what was written.
    """
    archive = Archive()
    for path in sorted(directory.rglob("*")):
        if path.name == "index.jsonl":
            _read_index(path, archive)
        elif path.suffix in _MEDIA and (lost_from is None or _began(path) < lost_from):
            archive.files += 1
            errors = len(archive.errors)
            _read_file(path, archive)
            if len(archive.errors) > errors:
                keep.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, keep)
    return archive


def _read_file(path: Path, archive: Archive) -> None:
    tracks: set[int] = (
        set()
    )  # with at least one packet: a kill during the first fragment leaves the header alone
    try:
        with av.open(str(path)) as container:
            for packet in container.demux():
                if packet.size:
                    video = packet.stream.type == "video"
                    archive.digests.add((slices_hash if video else payload_hash)(bytes(packet)))
                    tracks.add(packet.stream.index)
    except (OSError, ValueError) as error:  # av.FFmpegError is one or the other
        archive.errors.append(f"{path.name}: {error}")
        return
    if tracks and (errors := decode_errors(path, sorted(tracks))):
        archive.errors.append(f"{path.name}: {errors[:300]}")


def _read_index(path: Path, archive: Archive) -> None:
    for line in path.read_text(errors="replace").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            archive.errors.append(f"{path.name}: a line that is no JSON: {line[:80]!r}")
            continue
        if gap := record.get("gap"):
            archive.gap_packets += gap["packets"]
            archive.gaps.append(f"{record.get('part') or 'end'}: {gap}")


def _began(path: Path) -> float:
    """Return the wall clock in a part's name, seconds since the epoch."""
    stamp = f"{path.parent.name} {path.name.split('Z-')[0]}"
    return datetime.strptime(stamp, "%Y-%m-%d %H%M%S.%f").replace(tzinfo=UTC).timestamp()
