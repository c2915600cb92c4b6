"""The measuring tools themselves: they must read what was written and notice what is wrong."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from tools import timecode
from tools.recording import Recording, decode_errors
from tools.timecode import Mark, payload_hash, slices_hash


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return timecode.make(tmp_path_factory.mktemp("clip") / "clip.flv", feed=7, seconds=4)


@pytest.mark.parametrize("number", [0, 1, 4095, 0xFFFFFF])
@pytest.mark.parametrize("size", [(320, 180), (640, 360), (1280, 720)])
def test_mark_is_read_as_drawn(number: int, size: tuple[int, int]) -> None:
    assert timecode.read(timecode.draw(Mark(5, number), *size)) == Mark(5, number)


@pytest.mark.parametrize("level", [0, 16, 96, 235, 255])
def test_plain_picture_has_no_mark(level: int) -> None:
    assert timecode.read(np.full((360, 640), level, np.uint8)) is None


def test_mark_with_one_wrong_block_is_not_read() -> None:
    luma = timecode.draw(Mark(1, 100), 640, 360)
    luma[:40, :80] = 251 - luma[0, 0]
    assert timecode.read(luma) is None


def test_clip_shows_every_frame_and_sound_in_its_place(clip: Path) -> None:
    recording = Recording(clip)
    assert recording.numbers(feed=7) == list(range(120))
    assert recording.numbers(feed=1) == []
    assert max(recording.picture_gaps_ms()) < 35
    assert [tone.second for tone in recording.tones] == [0, 1, 2, 3]
    assert max(abs(skew) for skew in recording.skews_ms(feed=7)) < 3
    assert decode_errors(clip) == ""


def test_every_payload_names_its_frame(clip: Path) -> None:
    assert sorted(timecode.frames_by_payload(clip).values()) == list(range(120))


def test_late_sound_is_measured(clip: Path, tmp_path: Path) -> None:
    late = tmp_path / "late.flv"
    command = ["ffmpeg", "-v", "error", "-i", str(clip), "-itsoffset", "0.08", "-i", str(clip)]
    command += ["-map", "0:v", "-map", "1:a", "-c", "copy", str(late)]
    subprocess.run(command, check=True)
    assert Recording(late).skews_ms(feed=7) == pytest.approx([80.0] * 4, abs=3)


def test_broken_recording_is_noticed(clip: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.flv"
    data = bytearray(clip.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    broken.write_bytes(data)
    assert decode_errors(broken) != ""


def test_a_picture_is_known_by_its_slices_whatever_comes_with_it() -> None:
    def nals(*bodies: bytes) -> bytes:
        return b"".join(len(body).to_bytes(4, "big") + body for body in bodies)

    sps, pps, idr, other = b"\x67sps", b"\x68pps", b"\x65slice", b"\x65another"

    assert slices_hash(nals(sps, pps, idr)) == slices_hash(nals(idr))
    assert slices_hash(nals(idr)) != slices_hash(nals(other))
    assert slices_hash(nals(sps, pps)) != slices_hash(nals(pps, sps))
    assert slices_hash(b"no lengths at all") == payload_hash(b"no lengths at all")
