"""A feed with time codes airs through the real gate, with real mosaics; FFmpeg reads the program."""

import av
import numpy as np
import pytest
from fakes import clips_media
from test_playout_splice import decoded, ffmpeg_errors, flv
from tools import timecode
from tools.timecode import Mark

from streamgate.core import paramsets
from streamgate.core.clip import Clip
from streamgate.core.gate import SLATE, Gate
from streamgate.playout.conform import conform
from streamgate.playout.job import ConformJob
from streamgate.playout.mosaic_child import Coded, MosaicGroup, MosaicJob, code_group

FPS, GOP, SECONDS = 30, 30, 6
SIZE = 320, 180
LOWER = (0.0, 0.6, 1.0, 0.4)  # the time code is above it


def drawn(width, height, level, number=0):
    luma = timecode.draw(Mark(1, number), width, height)
    return np.repeat(luma[:, :, None], 3, axis=2)


def read(frame):
    plane = frame.planes[0]
    luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
    mark = timecode.read(luma)
    return None if mark is None else mark.frame


class Air:
    """A gate on a clock of the test's own. The feed's packets come in by their DTS, at full pace."""

    def __init__(self, tmp_path, format_, packets) -> None:
        out = tmp_path / "slate.clip"
        self.sps_id = paramsets.choose_sps_id(format_.video.config)
        conform(ConformJob(SLATE, SLATE, format_, self.sps_id, str(out)))
        self.gate = Gate(30)
        self.format, self.packets = format_, list(packets)
        self.begin = packets[0].dts
        self.aired: list = []
        self.gate.feed(format_, 0)
        self.gate.install(Clip.from_buffer(out.read_bytes()), SLATE, format_)
        self.gate.start(0)

    def run(self, until_s: float) -> None:
        while self.now < until_s * 1e6:
            while self.packets and (self.packets[0].dts - self.begin) * 1000 <= self.now:
                self.gate.packet(self.packets.pop(0), self.now)
            self.aired += [(self.now, one) for one in self.gate.advance(self.now)]
            self.now += 10_000

    now = 0

    def lay_mosaic(self, first_s: float, last_s: float, box) -> int:
        self.gate.mark("mosaic", (round(first_s * 1e6), round(last_s * 1e6)), self.now, "console:li", box=box)
        wanted = self.gate.mosaics_wanted(self.now)
        for one, feed in wanted:
            packets = [held.packet for held in one.packets]
            coded = [Coded(p.dts, p.pts, p.keyframe, p.data) for p in packets]
            job = MosaicJob("mosaic", feed, self.sps_id, 0, [])
            clip = Clip.from_buffer(code_group(job, MosaicGroup(list(one.group.boxes), coded)))
            assert self.gate.install_mosaic(one, feed, clip, self.now)
        return len(wanted)

    def write(self, path) -> None:
        """Write what a platform gets once the feed is on air, with the one header that was announced."""
        headers = [one.header for _, one in self.aired if one.header is not None]
        assert len(headers) == 1
        assert headers[0].video is not None
        first = next(n for n, (_, one) in enumerate(self.aired) if one.arrival_us is not None)
        sent = [one.packet for _, one in self.aired[first:]]
        path.write_bytes(b"".join(flv(headers[0].video.config, b"\x11\x90", sent)))


@pytest.mark.parametrize(
    ("box", "bframes", "params"),
    [
        (None, 2, ""),
        (LOWER, 2, ""),
        (LOWER, 0, ""),
        (LOWER, 3, "b-pyramid=normal:ref=4:weightp=2"),
        (LOWER, 2, "sps-id=1"),
    ],
)
def test_what_is_covered_cannot_be_read_and_everything_else_is_as_it_was(
    tmp_path, monkeypatch, box, bframes, params
):
    monkeypatch.setattr(clips_media, "picture", drawn)
    format_, packets = clips_media.feed(
        width=SIZE[0], height=SIZE[1], frames=FPS * SECONDS, gop=GOP, bframes=bframes, params=params
    )
    air = Air(tmp_path, format_, packets)
    air.run(8)
    assert air.lay_mosaic(2.4, 3.6, box) == 2
    air.run(30 + SECONDS - 0.2)
    path = tmp_path / "program.flv"
    air.write(path)
    assert ffmpeg_errors(path) == ""
    pictures, _ = decoded(path)
    covered = set(range(2 * GOP, 4 * GOP))
    marks = [read(frame) for frame in pictures]
    count = len(marks)
    assert count > FPS * (SECONDS - 0.5)
    if box is None:
        assert [mark for mark in marks if mark is not None and mark in covered] == []
        assert [mark for n, mark in enumerate(marks) if n not in covered] == [
            n for n in range(count) if n not in covered
        ]
    else:
        assert marks == list(range(count)), "each picture once, in its place"
    times = [float(frame.time) for frame in pictures]
    assert np.abs(np.diff(times) - 1 / FPS).max() < 0.0021, "whole milliseconds"
    edges = [float(np.abs(np.diff(strip_of(frame))).mean()) for frame in pictures]
    assert max(edges[n] for n in covered) < 2
    assert min(edges[n] for n in set(range(count)) - covered) > 4, "noise of 8 pixels, as it was coded"
    early = [at for at, one in air.aired if one.arrival_us is not None and at - one.arrival_us < 30e6]
    assert early == []


def strip_of(frame: av.VideoFrame):
    """The noise below the time code."""
    plane = frame.planes[0]
    luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
    return luma[frame.height * 6 // 9 + 4 : frame.height * 7 // 9].astype(int)
