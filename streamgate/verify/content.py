"""Checks the content of parts, and of the script events beside them, by their SHA-256."""

from collections.abc import Sequence
from pathlib import Path

from streamgate.verify.digests import Digest, Digests, Wanted
from streamgate.verify.media import EVENTS, Expected
from streamgate.verify.outcome import Notes
from streamgate.verify.scope import ARCHIVE, Scope

TORN = frozenset({"failed", "crash"})
"""Why a part ended whose script events nobody hashed, or whose end the disk may not have let be cut off."""


class ContentCheck:
    def __init__(self, archive: Path, notes: Notes, scope: Scope, digests: Digests) -> None:
        self._archive, self._notes, self._scope, self._digests = archive, notes, scope, digests

    def run(self, parts: Sequence[Expected]) -> None:
        """Check parts that are there."""
        wanted = [
            Wanted(self._archive / one.path, one.bytes if one.closed == "failed" else None) for one in parts
        ]
        for one, digest in zip(parts, self._digests.of(wanted), strict=True):
            self._notes.parts += 1
            self._compare(one, one.path, digest, one.bytes, one.sha256)
        events = [one for one in parts if one.events_sha256]
        paths = [_events(one.path) for one in events]
        found = self._digests.of([Wanted(self._archive / path) for path in paths])
        for one, path, digest in zip(events, paths, found, strict=True):
            self._compare(one, path, digest, digest.bytes, one.events_sha256)
        for one in parts:
            path = _events(one.path)
            if not one.events_sha256 and one.closed not in TORN and (self._archive / path).exists():
                self._tell(one, path, f"it was put here: {one.place} knows no events of this part")

    def _compare(self, one: Expected, path: str, digest: Digest, size: int, sha256: str) -> None:
        if digest.error:
            self._tell(one, path, f"it cannot be read: {digest.error}")
        elif digest.bytes != size:
            self._tell(one, path, f"it was changed: it has {digest.bytes} bytes, {one.place} says {size}")
        elif digest.sha256 != sha256:
            self._tell(one, path, f"it was changed: its SHA-256 is not the one that {one.place} says")

    def _tell(self, one: Expected, path: str, why: str) -> None:
        broadcast = self._scope.broadcast_of(one.channel, one.start, one.end)
        self._notes.find(f"{ARCHIVE}/{path}", 0, why, broadcast)


def _events(part: str) -> str:
    return part.rpartition(".")[0] + EVENTS
