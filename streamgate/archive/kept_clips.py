"""Reads the fillers that an edit list's folder keeps, frame by frame from the disk."""

import os
from collections.abc import Mapping
from pathlib import Path

from streamgate.archive.edit_list import CLIPS, ClipKept, EditList, find_edit_lists, read_edit_list
from streamgate.core.clip import Clip, read_index
from streamgate.core.mosaic import FILE as MOSAIC
from streamgate.errors import MediaError

_OPEN = 32  # indexes of fillers in memory, 13 bytes a frame


class KeptClips:
    """The kept fillers of one channel, opened when they are asked for."""

    def __init__(self, root: Path, channel: str) -> None:
        """`root`: the archive's."""
        self._root, self._channel = root, channel
        self._clips: dict[Path, Clip] = {}

    def find(self, key: str, kept: Mapping[str, str], edits: Path) -> Clip | None:
        """Return the filler that runs call `key`, None when nothing holds it any more.

        `kept`: SHA-256 by key, as the edit list `edits` says. A kill may have cost that list's line: then the
        channel's other lists are asked. Raises OSError.
        """
        sha256 = kept.get(key, "")
        if not sha256 and not key.startswith(MOSAIC):  # a mosaic is in no other list
            sha256 = self._kept_elsewhere(key, edits)
        if not sha256:
            return None
        path = edits.parent / CLIPS / f"{sha256}.clip"
        if (clip := self._clips.get(path)) is None:
            try:
                clip = _open(path)
            except (FileNotFoundError, MediaError):
                return None
            if len(self._clips) >= _OPEN:
                self._clips = {}
            self._clips[path] = clip
        return clip

    def _kept_elsewhere(self, key: str, edits: Path) -> str:
        for path in reversed(find_edit_lists(self._root, self._channel).values()):
            if path != edits and (sha256 := kept_clips(read_edit_list(path)).get(key)):
                return sha256
        return ""


def kept_clips(edits: EditList) -> dict[str, str]:
    """Return the SHA-256 of the fillers that an edit list keeps, by key."""
    return {line.key: line.sha256 for line in edits.lines if isinstance(line, ClipKept) and line.sha256}


class _OnDisk:
    """The payload of a clip file that is read when it is wanted."""

    ready = True
    broken = False

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, offset: int, size: int, *, video: bool) -> bytes | None:  # noqa: ARG002 - as in Payload
        try:
            with self._path.open("rb", buffering=0) as file:
                data = os.pread(file.fileno(), size, offset)
        except FileNotFoundError:
            return None
        return data if len(data) == size else None


def _open(path: Path) -> Clip:
    """Open a kept filler. Raises OSError, and MediaError when it is no whole clip file."""
    with path.open("rb", buffering=0) as file:
        descriptor = file.fileno()
        index = read_index(
            os.fstat(descriptor).st_size, lambda offset, size: os.pread(descriptor, size, offset)
        )
        offset, size = index.silence
        return Clip(index, _OnDisk(path), os.pread(descriptor, size, offset))
