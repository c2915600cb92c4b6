"""Edit lists and kept fillers past their retention go; what a list still names stays."""

import time
from pathlib import Path

import msgspec
import pytest

from streamgate.archive.aired_expiry import Rules, expire
from streamgate.archive.edit_list import CLIPS, FOLDER, Begin, ClipKept
from streamgate.core.retention import DAY_S

LATER = time.time() + 100 * DAY_S


def rules(settle=lambda _: None) -> Rules:
    return Rules(LATER, {}, 60, lambda *_: False, settle)


class Aired:
    """The folder of edit lists of a channel."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "main" / FOLDER
        (self.folder / CLIPS).mkdir(parents=True)

    def clip(self, number: int) -> str:
        sha256 = f"{number:064x}"
        (self.folder / CLIPS / f"{sha256}.clip").write_bytes(b"clip")
        return sha256

    def edit_list(self, name: str, *clips: str) -> Path:
        """Write a list of a broadcast that is on air `LATER`, which names these clips."""
        path = self.folder / f"{name}.jsonl"
        lines = [Begin(name, "main", LATER, LATER, 0, "b", 1, 0, 0), *map(kept, clips)]
        path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        return path

    def clips(self) -> list[str]:
        return sorted(path.stem for path in (self.folder / CLIPS).iterdir())


def kept(sha256: str) -> ClipKept:
    return ClipKept(f"key {sha256}", "slate", sha256, 4)


def test_each_list_is_read_once_however_many_mosaics_are_old(tmp_path, monkeypatch: pytest.MonkeyPatch):
    aired = Aired(tmp_path)
    clips = [aired.clip(number) for number in range(100)]
    for number in range(5):
        aired.edit_list(f"main-{number}", clips[number])
    read, open_ = [], Path.open

    def note(path: Path, *how):
        read.append(path.suffix)
        return open_(path, *how)

    monkeypatch.setattr(Path, "open", note)
    assert expire(tmp_path, rules()) == 95
    assert aired.clips() == clips[:5]
    assert read.count(".jsonl") <= 2 * 5, "each for its age, and for its fillers"


def test_a_filler_that_is_named_meanwhile_stays(tmp_path):
    aired = Aired(tmp_path)
    first, second = aired.clip(1), aired.clip(2)
    edits = aired.edit_list("main-1")

    def settle(removal):
        assert first in removal.path
        with edits.open("ab") as file:
            file.write(msgspec.json.encode(kept(second)) + b"\n")

    assert expire(tmp_path, rules(settle)) == 1
    assert aired.clips() == [second]
