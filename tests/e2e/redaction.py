"""What the platform received of redacted spans: sound by its level, pictures by their time code."""

import time
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from stage import Stage
from tools.timecode import RATE, Mark, read

NEAR_S = 0.06  # the tap's arrival against the gate's, on a busy machine; two pictures
FRAME_S = 1 / 30
WALL_S = time.time() - time.monotonic()
GROUP = 60  # pictures from keyframe to keyframe, 2 s

Shown = tuple[float, Mark | None, float]
"""A picture: seconds, its time code if it can be read, how much neighbouring pixels of the noise differ."""


def ends_of(span: dict[str, Any]) -> tuple[float, float]:
    """Return when the first and the last packet of a span, as status tells it, arrived (CLOCK_MONOTONIC)."""
    return span["from_at"] - WALL_S, span["to_at"] - WALL_S


def heard_between(stage: Stage, first_s: float, last_s: float) -> NDArray[np.float32]:
    """Return what the platform recorded of what arrived then (CLOCK_MONOTONIC), by time code."""
    recording = stage.recordings()[0]
    shown = {
        one.mark.frame: one.pts_s for one in recording.frames if one.mark is not None and one.mark.feed == 1
    }
    frames = sorted(stage.arrived_between(first_s, last_s))
    begin, end = shown[frames[0]], shown[frames[-1]]
    return recording.played(begin, end)


def judge_mute(stage: Stage, span: dict[str, Any]) -> None:
    """The sound of the span is silent; around it is sound."""
    first, last = ends_of(span)
    inside = heard_between(stage, first + 0.2, last - 0.2)
    assert inside.size > 2.5 * RATE
    assert np.abs(inside).max() < 0.001, "-60 dB"
    judge_around(stage, span)


def judge_around(stage: Stage, span: dict[str, Any]) -> None:
    """The feed's tones, one a second, are heard before and behind the span; its pictures go on."""
    first, last = ends_of(span)
    assert np.abs(heard_between(stage, first - 1.5, first - 0.2)).max() > 0.2
    assert np.abs(heard_between(stage, last + 0.2, last + 1.5)).max() > 0.2
    assert stage.arrived_between(first, last) <= {passage.frame for passage in stage.pictures()}


def covered(stage: Stage, span: dict[str, Any]) -> set[int]:
    """Return the frames of the whole groups of pictures that a mosaic of 3 s lies over."""
    begin, end = ends_of(span)
    inside = stage.arrived_between(begin + NEAR_S, end - NEAR_S)
    first, last = min(inside) // GROUP, max(inside) // GROUP
    assert last - first in {1, 2}, "of 3 s"
    return set(range(first * GROUP, last * GROUP + GROUP))


def shown_of(stage: Stage, span: dict[str, Any]) -> list[Shown]:
    """Return the pictures that the platform recorded in the place of those covered, and one at either end."""
    frames = covered(stage, span)
    found: list[Shown] = []
    with av.open(str(stage.platform.recordings(stage.name)[0])) as container:
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
            strip = luma[frame.height * 6 // 9 + 4 : frame.height * 7 // 9].astype(int)
            assert frame.time is not None
            found.append((frame.time, read(luma), float(np.abs(np.diff(strip)).mean())))
    numbers = [mark.frame if mark is not None and mark.feed == 1 else -1 for _, mark, _ in found]
    return found[numbers.index(min(frames) - 1) : numbers.index(max(frames) + 1) + 1]


def judge_mosaic(stage: Stage, span: dict[str, Any], *, code: bool, noise: bool) -> None:
    """What the box covers cannot be read, and the rest can.

    `code`: the time code is covered, in the upper five ninths of the picture. `noise`: the strip below it is.
    """
    frames = sorted(covered(stage, span))
    shown = shown_of(stage, span)
    assert len(shown) == len(frames) + 2, "one for each, and a live one at either end"
    steps = np.diff([at for at, _, _ in shown])
    assert np.abs(steps - FRAME_S).max() < 0.002, "at the times that the feed gave them"
    inside = shown[1:-1]
    read_back = [None if mark is None else mark.frame for _, mark, _ in inside]
    if code:
        assert not set(read_back) & set(frames)
    else:
        assert read_back == frames
    assert min(shown[0][2], shown[-1][2]) > 4, "noise"
    if noise:
        assert max(edges for _, _, edges in inside) < 2, "blocks"
    else:
        assert min(edges for _, _, edges in inside) > 4, "noise"
