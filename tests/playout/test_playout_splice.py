"""The proof behind seamless filler: a feed with B-frames is cut anywhere, filler follows, the feed returns.

One avcC for all of it, read by today's FFmpeg (PyAV) and by the ffmpeg on the machine (5.1 on Debian 12), as
FLV and, copied, as MP4: not one decoding error, every frame there, the filler's pictures intact.
"""

import subprocess

import av
import numpy as np
import pytest
from fakes import clips_media

from streamgate.core import paramsets
from streamgate.core.clip import Clip
from streamgate.core.packet import Kind, Packet
from streamgate.playout.conform import conform
from streamgate.playout.job import SLATE, ConformJob

FPS = 30


def conformed(tmp_path, feed_format, source=SLATE, sps_id=1):
    out = tmp_path / f"{abs(hash((str(source), sps_id)))}.clip"
    conform(ConformJob(str(source), "filler", feed_format, sps_id, str(out)))
    return Clip.from_buffer(out.read_bytes())


def flv(avcc, asc, packets):
    """An FLV file (Adobe's specification, annex E) of packets in the order given."""

    def tag(kind, at, body):
        head = (
            bytes((kind,)) + len(body).to_bytes(3) + (at & 0xFFFFFF).to_bytes(3) + bytes((at >> 24, 0, 0, 0))
        )
        return head + body + (len(head) + len(body)).to_bytes(4)

    yield b"FLV\x01\x05\0\0\0\x09\0\0\0\0"
    yield tag(9, 0, b"\x17\0\0\0\0" + avcc)
    yield tag(8, 0, b"\xaf\0" + asc)
    for packet in packets:
        if packet.kind == Kind.AUDIO:
            yield tag(8, packet.dts, b"\xaf\x01" + packet.data)
        else:
            head = 0x17 if packet.keyframe else 0x27
            yield tag(9, packet.dts, bytes((head, 1)) + (packet.pts - packet.dts).to_bytes(3) + packet.data)


def program(feed_packets, clip, cut, filler_frames):
    """Cut after `cut` video packets in decode order, play filler, return at the feed's next keyframe."""
    video = [p for p in feed_packets if p.kind == Kind.VIDEO]
    shift = max(0, -min(p.dts for p in video))
    out = [Packet(p.kind, p.dts + shift, p.pts + shift, p.keyframe, p.data) for p in video[:cut]]
    next_pts = max(p.pts for p in out) + 1000 / FPS
    for index in range(filler_frames):
        data, key = clip.video(index % clip.video_count)
        pts = round(next_pts)
        out.append(Packet(Kind.VIDEO, pts - shift, pts, key, data))
        next_pts += 1000 / FPS
    back = next(i for i in range(cut, len(video)) if video[i].keyframe)
    offset = round(next_pts) - video[back].pts
    out += [Packet(p.kind, p.dts + offset, p.pts + offset, p.keyframe, p.data) for p in video[back:]]
    sound = [p for p in feed_packets if p.kind == Kind.AUDIO]
    data = [p.data for p in sound[:20]]
    data += [clip.silence, *(clip.audio(j) for j in range(min(20, clip.audio_count)))]
    data += [p.data for p in sound[20:40]]
    at = [round(j * 1024 * 1000 / 48000) for j in range(len(data))]
    out += [Packet(Kind.AUDIO, time, time, False, frame) for time, frame in zip(at, data, strict=True)]
    return sorted(out, key=lambda packet: packet.dts)


def ffmpeg_errors(path, *more):
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-nostdin", "-i", str(path), *more, "-f", "null", "-"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stderr + ("" if done.returncode == 0 else f"exit {done.returncode}")


def decoded(path):
    with av.open(str(path)) as container:
        frames = [frame for packet in container.demux() for frame in packet.decode()]
    pictures = [frame for frame in frames if isinstance(frame, av.VideoFrame)]
    return pictures, [frame for frame in frames if isinstance(frame, av.AudioFrame)]


@pytest.mark.parametrize(
    ("profile", "bframes", "params", "cut"),
    [
        ("high", 2, "", 20),  # mid-GOP
        ("high", 3, "b-pyramid=normal:ref=4", 21),
        ("high", 3, "b-pyramid=normal:ref=4:weightp=2", 22),
        ("high", 2, "", 1),  # right after a keyframe
        ("high", 2, "", 30),  # at the end of a GOP
        ("main", 2, "", 24),
        ("baseline", 0, "", 23),
        ("high", 0, "sps-id=1", 23),
    ],
)
def test_cut_filler_and_return_decode_without_an_error(tmp_path, profile, bframes, params, cut):
    feed_format, packets = clips_media.feed(profile=profile, bframes=bframes, params=params)
    sps_id = paramsets.choose_sps_id(feed_format.video.config)
    clip = conformed(tmp_path, feed_format, sps_id=sps_id)
    merged = paramsets.merge(feed_format.video.config, clip.format.video.config)
    assert clip.format.audio == feed_format.audio  # no new audio header either

    filler_frames = clip.video_count + 7  # around the loop once, and away mid-GOP
    sent = program(packets, clip, cut, filler_frames)
    path = tmp_path / "program.flv"
    path.write_bytes(b"".join(flv(merged, feed_format.audio.config, sent)))
    copied = tmp_path / "program.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-nostdin", "-i", str(path), "-c", "copy", str(copied)], check=True
    )

    for file in (path, copied):
        assert ffmpeg_errors(file) == ""
        assert ffmpeg_errors(file, "-map", "0:a") == ""
        pictures, sound = decoded(file)
        assert len([p for p in sent if p.kind == Kind.VIDEO]) == len(pictures)
        assert len([p for p in sent if p.kind == Kind.AUDIO]) == len(sound)
        times = [frame.pts for frame in pictures]
        assert times == sorted(times)
        shown = [p.to_ndarray(format="gray").astype(int) for p in pictures[cut : cut + filler_frames]]
        assert max(np.abs(picture - shown[0]).mean() for picture in shown) < 2


def test_silence_is_silent_after_one_frame(tmp_path):
    feed_format, packets = clips_media.feed(frames=60)
    clip = conformed(tmp_path, feed_format)
    sent = program(packets, clip, 20, 7)
    path = tmp_path / "program.flv"
    merged = paramsets.merge(feed_format.video.config, clip.format.video.config)
    path.write_bytes(b"".join(flv(merged, feed_format.audio.config, sent)))
    _, sound = decoded(path)
    loudness = [float(np.abs(frame.to_ndarray()).max()) for frame in sound]
    assert max(loudness[21:41]) < 1e-3
    assert min(loudness[10:20]) > 0.2


def test_every_clip_for_one_feed_has_the_same_parameter_sets(tmp_path):
    feed_format, _ = clips_media.feed(
        frames=4, params="level=31:colorprim=bt709:transfer=bt709:colormatrix=bt709"
    )
    movie = clips_media.write_movie(tmp_path / "a.mp4", seconds=0.4)
    other = clips_media.write_movie(tmp_path / "b.mkv", width=200, height=50, fps=50, rate=0, seconds=0.3)
    clips = [conformed(tmp_path, feed_format, source) for source in (SLATE, movie, other)]
    assert len({clip.format.video.config for clip in clips}) == 1
    assert len({clip.format.audio for clip in clips}) == 1
