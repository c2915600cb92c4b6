"""The child that lays mosaics: real pictures with B-frames, coded anew, joined to the feed and decoded."""

import subprocess
import sys

import av
import msgspec
import numpy as np
import pytest
from av.error import FFmpegError
from fakes.clips_media import feed as make_feed
from tools import timecode
from tools.timecode import Mark

from streamgate.core.clip import Clip
from streamgate.core.packet import Kind
from streamgate.core.target import target_for
from streamgate.errors import MediaError
from streamgate.playout.conform_video import VideoEncoder
from streamgate.playout.fillers import sps_id_for
from streamgate.playout.mosaic_child import Coded, MosaicGroup, MosaicJob, code_group, lay_mosaic

LOWER = (0.0, 0.6, 1.0, 0.4)


def job_of(boxes, frames=30, **how) -> MosaicJob:
    format_, packets = make_feed(frames=frames, gop=frames, rate=0, **how)
    coded = [Coded(p.dts, p.pts, p.keyframe, p.data) for p in packets if p.kind is Kind.VIDEO]
    return MosaicJob("mosaic", format_, sps_id_for(format_), 0, [MosaicGroup(boxes, coded)])


def test_as_many_pictures_and_the_parameter_sets_of_every_filler():
    job = job_of([LOWER], width=640, height=360)
    clip = Clip.from_buffer(code_group(job, job.groups[0]))
    assert clip.video_count == 30
    keyframes = [frame[1] for frame in map(clip.video, range(30)) if frame is not None]
    assert keyframes == [True] + [False] * 29, "one IDR, however long: no two of them are neighbours"
    slate = VideoEncoder(target_for(job.format, job.sps_id).video, 0, still=True)
    assert clip.video_track == slate.track(), "one header carries both"


@pytest.mark.parametrize(("boxes", "reads"), [([LOWER], True), ([None], False), ([(0, 0, 1, 0.6)], False)])
def test_a_time_code_can_be_read_outside_the_box_alone(boxes, reads: bool):
    job = job_of(boxes, frames=2, width=640, height=360)
    target = target_for(job.format, job.sps_id)
    plane = timecode.draw(Mark(1, 4321), 640, 360)
    grey = np.full((180, 640), 128, np.uint8)
    covered = lay_mosaic(av.VideoFrame.from_ndarray(np.vstack([plane, grey]), "yuv420p"), boxes, target)
    luma = np.frombuffer(covered.planes[0], np.uint8).reshape(360, -1)[:, :640]
    assert (timecode.read(luma) == Mark(1, 4321)) is reads
    if boxes == [LOWER]:
        assert (luma[:216] == plane[:216]).all()
        assert not (luma[216:] == plane[216:]).all()


def test_a_small_box_is_widened_to_whole_pixels_and_has_one_colour():
    job = job_of([None], frames=2, width=640, height=360)
    noise = np.random.default_rng(1).integers(0, 256, (540, 640), np.uint8)
    box = (100.5 / 640, 50.5 / 360, 20 / 640, 20 / 360)
    frame = lay_mosaic(av.VideoFrame.from_ndarray(noise, "yuv420p"), [box], target_for(job.format, 1))
    luma = np.frombuffer(frame.planes[0], np.uint8).reshape(360, -1)[:, :640]
    assert len(np.unique(luma[50:71, 100:121])) == 1
    changed = np.argwhere(luma != noise[:360])
    assert changed.min(axis=0).tolist() >= [50, 100]
    assert changed.max(axis=0).tolist() <= [70, 120]


def test_pictures_that_cannot_be_decoded_are_an_error():
    job = job_of([None])
    packets = job.groups[0].packets
    damaged = Coded(packets[9].dts, packets[9].pts, False, bytes(40))
    with pytest.raises((MediaError, FFmpegError)):
        code_group(job, MosaicGroup([None], [*packets[:9], damaged, *packets[10:]]))


def test_garbage_ends_the_child_with_words():
    done = subprocess.run(
        [sys.executable, "-m", "streamgate.playout.mosaic_child"],
        input=b"garbage",
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, b"")
    assert "error" in msgspec.json.decode(done.stderr.splitlines()[-1])
