"""Exactly what must not air: spans condemned, moved, lifted and redacted, and a cut taken back."""

from typing import Any

import av
import numpy as np
import pytest
from redaction import (
    FRAME_S,
    NEAR_S,
    WALL_S,
    covered,
    ends_of,
    heard_between,
    judge_around,
    judge_mosaic,
    judge_mute,
    shown_of,
)
from stage import Stage
from tools.recording import decode_errors
from tools.timecode import RATE, payload_hash

from streamgate.archive.as_aired import AsAired
from streamgate.archive.edit_list import find_edit_lists, read_edit_list
from streamgate.core.edits import LIVE, Piece
from streamgate.core.packet import Kind


def span_of(stage: Stage, command: str, look: str) -> dict[str, Any]:
    """Return the span that a command made, as the status told it."""
    made = stage.done[command].json["span"]
    return next(one for one in stage.seen[look]["spans"] if one["id"] == made)


def missing_runs(stage: Stage) -> list[set[int]]:
    """Return the frames that arrived in time to air and did not, those next to each other together.

    A picture that is shown later may have left before one that is shown earlier: B-frames.
    """
    end = stage.done["stop"].began_s - 31
    arrived = sorted(stage.arrived_between(stage.began_s, end))
    runs: list[set[int]] = []
    for frame in sorted(set(arrived) - {passage.frame for passage in stage.pictures()}):
        if runs and frame <= max(runs[-1]) + 3:
            runs[-1].add(frame)
        else:
            runs.append({frame})
    return runs


def arrivals(stage: Stage) -> dict[int, float]:
    """Return when each frame arrived, by CLOCK_MONOTONIC."""
    return {stage.media.frames[message.digest]: message.last_s for message in stage.sent()}


@pytest.mark.parametrize(("command", "place"), [("condemn", 1), ("moved", 2)])
def test_exactly_the_snapped_span_is_missing(marked: Stage, command: str, place: int) -> None:
    told, came = span_of(marked, command, "before the lift"), arrivals(marked)
    run = missing_runs(marked)[place]
    assert (max(run) + 1) % 60 == 0, "up to a keyframe"
    assert abs(min(came[frame] for frame in run) + WALL_S - told["from_at"]) < NEAR_S
    assert abs(came[max(run) + 1] + WALL_S - told["to_at"]) < NEAR_S
    first, last = told["from_at"] - WALL_S + NEAR_S, told["to_at"] - WALL_S - NEAR_S
    assert marked.arrived_between(first, last) <= run
    assert (told["kind"], told["reason"], told["open_end"]) == ("condemn", "a test", False)
    assert told["actor"].startswith("cli:")


def test_nothing_else_is_missing(marked: Stage) -> None:
    """The cut's few pictures, the two spans, two mosaics; what was lifted and redacted aired."""
    runs = missing_runs(marked)
    assert len(runs) == 5, [(min(run), max(run)) for run in runs]
    assert runs[3:] == [covered(marked, span_of(marked, name, name)) for name in ("mosaic", "whole")]
    lifted = span_of(marked, "lifted", "before the lift")
    inside = marked.arrived_between(lifted["from_at"] - WALL_S, lifted["to_at"] - WALL_S)
    assert len(inside) >= 2 * 30 - 4
    assert inside <= {passage.frame for passage in marked.pictures()}


def test_the_answer_says_what_the_gate_does(marked: Stage) -> None:
    answer = marked.done["condemn"].json
    assert set(answer) == {"channel", "state", "span", "from_s", "to_s", "took_ms"}
    assert -12.6 < answer["from_s"] <= -12.45, "the picture that was on screen"
    assert -8 <= answer["to_s"] < -6 + FRAME_S, "up to the next keyframe, 2 s apart"
    moved = marked.done["move"].json
    assert -6.1 < moved["from_s"] <= -5.95
    assert marked.done["refused"].code == 1
    assert "no span s99" in marked.done["refused"].err


def test_a_cut_that_is_taken_back_costs_what_was_due_meanwhile(marked: Stage) -> None:
    cut, uncut = marked.done["cut"], marked.done["uncut"]
    run, came = missing_runs(marked)[0], arrivals(marked)
    assert (max(run) + 1) % 60 == 0
    assert cut.began_s - 30 - NEAR_S < min(came[frame] for frame in run) < cut.ended_s - 30 + NEAR_S
    back = next(p for p in marked.pictures() if p.left_s > uncut.ended_s - NEAR_S)
    assert back.frame == max(run) + 1
    assert back.left_s - uncut.ended_s < 2.5, "at the next keyframe due, not a delay later"
    assert 30 <= back.held_s < 30.5


@pytest.mark.parametrize("command", ["redact", "bleep"])
def test_redacted_sound_is_replaced_and_the_picture_goes_on(marked: Stage, command: str) -> None:
    """The feed has a tone of 60 ms at each second, of another pitch each."""
    told = span_of(marked, command, "redacted")
    assert told["ready"]
    if command == "redact":
        judge_mute(marked, told)
        return
    first, last = ends_of(told)
    inside = heard_between(marked, first + 0.2, last - 0.2)
    assert inside.size > 2.5 * RATE
    level = np.sqrt(np.mean(inside**2))
    spectrum = np.abs(np.fft.rfft(inside * np.hanning(inside.size))) ** 2
    peak = int(spectrum.argmax())
    assert 0.05 < level < 0.1
    assert peak * RATE / inside.size == pytest.approx(984.4, abs=2)
    assert spectrum[peak - 4 : peak + 5].sum() > 0.999 * spectrum.sum(), "nothing but the tone"
    judge_around(marked, told)


@pytest.mark.parametrize("command", ["mosaic", "whole"])
def test_what_a_mosaic_covers_cannot_be_read_and_the_rest_can(marked: Stage, command: str) -> None:
    """The one box covers what is below the time code, the other mosaic the whole picture."""
    judge_mosaic(marked, span_of(marked, command, command), code=command == "whole", noise=True)


def test_sound_goes_on_under_a_mosaic(marked: Stage) -> None:
    told = span_of(marked, "whole", "whole")
    first, last = ends_of(told)
    recording = marked.recordings()[0]
    times = [at for at, _, _ in shown_of(marked, told)]
    heard = recording.played(times[0], times[-1])
    assert heard.size / RATE == pytest.approx(last - first, abs=0.15)
    tones = np.abs(heard).reshape(-1)[: heard.size // 480 * 480].reshape(-1, 480).max(axis=1) > 0.1
    begun = np.flatnonzero(np.diff(tones.astype(int)) == 1)
    assert np.abs(np.diff(begun) - 100).max() <= 2, "a tone each second, none is missing"
    assert begun.size >= 3


def test_a_box_in_pixels_is_refused_in_words(marked: Stage) -> None:
    refused = marked.done["pixels"]
    assert refused.code != 0
    assert "pixels are not taken" in refused.err


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_the_rendered_program_is_what_the_platform_recorded(marked: Stage, kind: str) -> None:
    """Redacted sound included: by the edit list, the recording and the kept fillers."""
    archive = marked.gate.directory / "archive"
    edits = read_edit_list(next(iter(find_edit_lists(archive, marked.name).values())))
    rendering = AsAired(archive, edits)
    wanted = Kind.VIDEO if kind == "video" else Kind.AUDIO
    aired = [payload_hash(one.packet.data) for one in rendering.packets() if one.packet.kind is wanted]
    assert rendering.missing == []
    with av.open(str(marked.platform.recordings(marked.name)[0])) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        received = [payload_hash(bytes(packet)) for packet in container.demux(stream) if packet.size]
    late = len(aired) - len(received)  # it was connected a moment after the program had begun
    assert 0 <= late < 3 * (30 if kind == "video" else 47)
    assert aired[late:] == received
    redacted = {
        line.why: line.actor for line in edits.lines if isinstance(line, Piece) and line.source == LIVE
    }
    assert {"mute", "bleep", "mosaic"} < set(redacted)
    assert redacted["mute"].startswith("cli:")


def test_what_the_platform_recorded_decodes_without_a_hole(marked: Stage) -> None:
    recording = marked.recordings()[0]
    assert decode_errors(recording.path) == ""
    assert max(recording.picture_gaps_ms()) <= 100
