"""Splice rehearsal: airs feed, backup and feed again through the real gate and decodes the result.

    python -m streamgate.playout.rehearsal < JOB     (JOB: a `RehearsalJob` as JSON)

The gate is the real one (`core.gate`) on a simulated clock, so that a rehearsal takes seconds. The feed is
the channel's newest recording if that has the feed's present parameters, else one generated like it. Runs as
a child process, as `conform` does. Prints one JSON object (`Rehearsed`); on failure the last line of stderr
is {"error": "...", "error_zh": "..."} and the exit code is 1.
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import av
import msgspec
from av.error import FFmpegError

from streamgate.core.clip import Clip
from streamgate.core.delay import MIN_DELAY_S
from streamgate.core.gate import Gate
from streamgate.core.packet import Aired, FeedFormat, Kind, Packet
from streamgate.core.redaction import SLATE
from streamgate.errors import MediaError
from streamgate.playout.clip_info import RehearsalJob, Rehearsed
from streamgate.playout.conform import conform
from streamgate.playout.fillers import sps_id_for
from streamgate.playout.job import SLATE as SLATE_SOURCE
from streamgate.playout.job import ConformJob
from streamgate.playout.rehearsal_feed import make_feed, read_recording
from streamgate.rtmp import flv_file
from streamgate.wording import both

CLIP_S = 20.0  # duration of the clip that is conformed
BACKUP_US = 2_000_000  # how long the backup airs at least
SECOND_US = 1_000_000
_TICK_US = 20_000


class _Feed(NamedTuple):
    kind: Literal["recorded", "made"]
    format: FeedFormat
    packets: list[Packet]


def rehearse(job: RehearsalJob) -> Rehearsed:
    """Run the rehearsal. Raises MediaError with the fault of this backup or this feed."""
    recorded = read_recording(Path(job.recordings), job.format) if job.recordings else None
    feed = (
        _Feed("made", *make_feed(job.format)) if recorded is None else _Feed("recorded", job.format, recorded)
    )
    with tempfile.TemporaryDirectory(prefix="streamgate-rehearsal-") as folder:
        slate = _make_clip(Path(folder), SLATE, SLATE_SOURCE, feed.format)
        clip = (
            slate
            if job.source == SLATE_SOURCE
            else _make_clip(Path(folder), job.name, job.source, feed.format)
        )
        name = SLATE if clip is slate else job.name
        program = _air(feed, slate, clip, name)
        backup_ms = _check_turns(program, name)
        path = Path(folder) / "program.flv"
        headers = _write(path, program)
        pictures, sounds = _decode(path, program)
    return Rehearsed(feed.kind, pictures, sounds, backup_ms, headers == 1)


def _make_clip(folder: Path, name: str, source: str, format_: FeedFormat) -> Clip:
    out = folder / f"{len(list(folder.iterdir()))}.clip"
    conform(ConformJob(source, name, format_, sps_id_for(format_), str(out), max_duration_s=CLIP_S))
    return Clip.from_buffer(out.read_bytes(), name)


def _air(feed: _Feed, slate: Clip, clip: Clip, name: str) -> list[tuple[Aired, str]]:
    """Return what the gate sends, each with the filler at that time: slate, feed, backup, feed, slate."""
    gate = Gate(MIN_DELAY_S)
    gate.feed(feed.format, 0)
    gate.install(slate, SLATE, feed.format)
    gate.install(clip, name, feed.format)
    gate.start(0)
    start = SECOND_US
    keys = [start + packet.dts * 1000 for packet in feed.packets if packet.keyframe]
    away = (keys[1] + keys[2]) // 2 + gate.delay_us  # in the middle of a GOP
    back = away + BACKUP_US
    end = start + feed.packets[-1].dts * 1000 + gate.delay_us + 2 * SECOND_US
    arrivals = [start + packet.dts * 1000 for packet in feed.packets]
    out: list[tuple[Aired, str]] = []
    coming = 0
    for now in sorted({*arrivals, away, back, *range(0, end, _TICK_US)}):
        while coming < len(feed.packets) and arrivals[coming] <= now:
            gate.packet(feed.packets[coming], now)
            coming += 1
        if now == away:
            gate.air_backup(name, now)
        if now == back:
            gate.air_live(now)
        filler = gate.filler_name
        out += [(aired, filler) for aired in gate.advance(now)]
    return out


def _check_turns(program: Sequence[tuple[Aired, str]], name: str) -> int:
    """Check that feed and backup aired in turn as commanded; return the milliseconds of backup."""
    pictures = [(aired, filler) for aired, filler in program if aired.packet.kind is Kind.VIDEO]
    turns = [
        (live, list(group)) for live, group in groupby(pictures, lambda one: one[0].arrival_us is not None)
    ]
    if [live for live, _ in turns] != [False, True, False, True, False]:
        said = ", ".join("feed" if live else "filler" for live, _ in turns) or "nothing"
        said_zh = "、".join("来流" if live else "垫片" for live, _ in turns) or "无"
        raise MediaError(
            f"{name}: the program did not leave the feed and return to it once; it aired {said}",
            f"{name}：来流未按要求切出并切回一次；实际播出为 {said_zh}",
        )
    middle = turns[2][1]
    if any(filler != name for _, filler in middle[1:]):
        raise MediaError(f"{name}: the slate aired in its place", f"{name}：实际播出的是垫片")
    return turns[3][1][0][0].packet.dts - middle[0][0].packet.dts


def _write(path: Path, program: Sequence[tuple[Aired, str]]) -> int:
    """Write an FLV file as a destination would get it; return the number of headers."""
    header, headers = FeedFormat(), 0
    with path.open("wb") as file:
        file.write(flv_file.file_header())
        for aired, _ in program:
            at = aired.packet.dts
            if aired.header is not None and aired.header != header:
                file.write(flv_file.header_tags(aired.header, at, {}))
                header, headers = aired.header, headers + 1
            if aired.packet.kind is not Kind.DATA:
                file.write(flv_file.packet_tag(aired.packet, header, at))
    return headers


def _decode(path: Path, program: Sequence[tuple[Aired, str]]) -> tuple[int, int]:
    """Decode the file as a player does; return (pictures, sounds). Raises MediaError for any fault."""
    sent = {kind: [one.packet for one, _ in program if one.packet.kind is kind] for kind in Kind}
    for kind in (Kind.VIDEO, Kind.AUDIO):
        if any(a.dts >= b.dts for a, b in pairwise(sent[kind])):
            raise MediaError("the timeline of the program does not always rise", "节目时间轴未持续递增")
    shown, heard = 0, 0
    pts = -1
    av.logging.set_level(av.logging.ERROR)  # noqa: TID251 - no codec here runs threads
    try:
        with av.logging.Capture(local=False) as complaints, av.open(str(path)) as container:
            for stream in container.streams:
                stream.codec_context.thread_count = 1
            for packet in container.demux():
                for frame in packet.decode():
                    if isinstance(frame, av.VideoFrame):
                        if frame.pts is None or frame.pts <= pts:
                            raise MediaError(
                                "a picture is shown twice, or out of order", "有画面重复显示或顺序错误"
                            )
                        pts, shown = frame.pts, shown + 1
                    else:
                        heard += 1
    except FFmpegError as error:
        said = error.strerror
        raise MediaError(
            f"a player cannot decode the splice: {said}", f"播放器无法解码衔接处（{said}）"
        ) from error
    finally:
        av.logging.restore_default_callback()
    if complaints:
        said = complaints[0][2].strip()
        raise MediaError(f"a player reports an error at the splice: {said}", f"播放器在衔接处报错（{said}）")
    if (shown, heard) != (len(sent[Kind.VIDEO]), len(sent[Kind.AUDIO])):
        pictures, sounds = len(sent[Kind.VIDEO]), len(sent[Kind.AUDIO])
        raise MediaError(
            f"of {pictures} pictures and {sounds} sounds sent, a player decodes {shown} and {heard}",
            f"发送了 {pictures} 帧画面、{sounds} 帧声音，播放器解出 {shown} 帧和 {heard} 帧",
        )
    return shown, heard


def main() -> int:
    """Do the job on stdin; return the exit code."""
    os.nice(10)
    av.logging.set_libav_level(av.logging.PANIC)
    try:
        job = msgspec.json.decode(sys.stdin.buffer.read(), type=RehearsalJob)
        done = rehearse(job)
    except (MediaError, msgspec.MsgspecError, OSError) as error:
        sys.stderr.write(msgspec.json.encode(both(error)).decode() + "\n")
        return 1
    sys.stdout.write(msgspec.json.encode(done).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
