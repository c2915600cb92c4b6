"""Conforming: whatever goes in, a clip of the feed's own kind comes out, or an error in plain words."""

import json
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise

import av
import msgspec
import numpy as np
import pytest
from fakes import clips_media
from PIL import Image

from streamgate.core import paramsets
from streamgate.core.clip import Clip
from streamgate.core.packet import AudioTrack, FeedFormat, VideoTrack
from streamgate.core.sps import parse_sps
from streamgate.errors import MediaError
from streamgate.playout.conform import conform
from streamgate.playout.job import SLATE, ConformJob

AAC = AudioTrack("aac", b"\x11\x90", 48000, 2)
LONG_AAC = AudioTrack("aac", b"\x11\x90\x56\xe5\x00", 48000, 2)  # says: no SBR


def feed_format(width=96, height=64, fps=30, audio=AAC, **video):
    track = VideoTrack("h264", b"", width, height, *Fraction(fps).as_integer_ratio(), profile="High")
    return FeedFormat(msgspec.structs.replace(track, **video), audio)


def conformed(tmp_path, source, format_=None, **job):
    out = tmp_path / "out.clip"
    conform(ConformJob(str(source), "clip", format_ or feed_format(), 1, str(out), **job))
    assert list(tmp_path.glob("*.part")) == []
    return Clip.from_buffer(out.read_bytes())


def pictures(clip):
    track = clip.video_track
    decoder = av.CodecContext.create(track.codec, "r")
    decoder.extradata = track.config
    frames = []
    for index in range(clip.video_count):
        frames += decoder.decode(av.Packet(clip.video(index)[0]))
    return frames + decoder.decode(None)


def sound(clip):
    """Samples as (channels, n), decoded from the first frame on with nothing before it."""
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = clip.audio_track.config
    frames = []
    for index in range(clip.audio_count):
        frames += decoder.decode(av.Packet(clip.audio(index)))
    return np.concatenate([frame.to_ndarray() for frame in frames], axis=1)


def planes(frame):
    return [np.frombuffer(p, np.uint8).reshape(p.height, -1)[:, : p.width] for p in frame.planes]


def luma(frame):
    return frame.to_ndarray(format="gray").astype(int)


# ---------------------------------------------------------------- what comes out


def test_a_clip_is_what_its_index_says(tmp_path):
    movie = clips_media.write_movie(tmp_path / "in.mp4", fps=25, seconds=2)
    clip = conformed(tmp_path, movie)
    assert (clip.video_count, clip.audio_count) == (60, 94)  # 2 s at 30 a second, 2 s of 1024 samples
    assert [i for i in range(60) if clip.video(i)[1]] == [0, 30]
    assert clip.format.audio == AAC
    for index in range(clip.video_count):
        data, key = clip.video(index)
        kinds = {nal[0] & 31 for nal in paramsets.iter_nals(data)}
        assert kinds == ({5} if key else {1})  # slices only: no parameter sets, delimiters, SEI
    sps = parse_sps(paramsets.parse_avcc(clip.video_track.config).sps[0])
    assert (sps.id, sps.width, sps.height, sps.fps, sps.profile_idc) == (1, 96, 64, 30, 100)
    assert (sps.num_reorder_frames, sps.num_ref_frames) == (0, 1)
    frames = pictures(clip)
    assert len(frames) == 60
    assert {frame.pict_type for frame in frames} == {1, 2}  # I and P


def test_the_slate(tmp_path):
    clip = conformed(tmp_path, SLATE, feed_format(320, 180))
    assert (clip.video_count, clip.audio_count, clip.has_sound) == (30, 47, False)
    assert {clip.audio(j) for j in range(47)} == {clip.silence}
    frames = pictures(clip)
    assert (frames[0].width, frames[0].height, len(frames)) == (320, 180, 30)
    assert np.abs(luma(frames[0]) - luma(frames[-1])).max() < 24  # it does not move
    assert luma(frames[0]).max() > 200  # and there is text


def test_sound_keeps_its_pitch_length_and_place(tmp_path):
    movie = clips_media.write_movie(tmp_path / "in.mp4", sound_seconds=0.8, rate=44100, tone=600)
    clip = conformed(tmp_path, movie)
    assert clip.has_sound
    samples = sound(clip)
    assert samples.shape == (2, 47 * 1024)
    middle = samples[0, 8000 : 8000 + 24000]
    assert np.argmax(np.abs(np.fft.rfft(middle))) / 24000 * 48000 == pytest.approx(600, abs=4)
    assert np.abs(samples[:, 42000:]).max() < 1e-3  # beyond the end of the sound: silence


def test_the_first_sound_fades_in(tmp_path):
    samples = sound(conformed(tmp_path, clips_media.write_movie(tmp_path / "in.mp4")))
    assert np.abs(samples[:, :64]).max() < 0.1
    assert np.abs(samples[:, 2048:4096]).max() > 0.3


# ---------------------------------------------------------------- every kind of source


def test_every_frame_of_a_slower_and_a_faster_source_has_its_time(tmp_path):
    for fps, expected in ((15, 30), (60, 30)):
        clip = conformed(tmp_path, clips_media.write_movie(tmp_path / f"{fps}.mp4", fps=fps))
        assert clip.video_count == expected


def test_variable_frame_rate_becomes_constant(tmp_path):
    path = tmp_path / "in.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.codec_context.time_base = 96, 64, Fraction(1, 1000)
        for at, level in ((0, 50), (100, 100), (150, 200), (800, 100), (900, 50)):
            frame = av.VideoFrame.from_ndarray(clips_media.picture(96, 64, level), "rgb24")
            frame.pts, frame.time_base = at, Fraction(1, 1000)
            out.mux(stream.encode(frame.reformat(format="yuv420p")))
        out.mux(stream.encode())
    levels = [round(int(np.median(luma(frame))) / 50) * 50 for frame in pictures(conformed(tmp_path, path))]
    changes = [index + 1 for index, (a, b) in enumerate(pairwise(levels)) if a != b]
    assert [levels[0], *(levels[index] for index in changes)] == [50, 100, 200, 100, 50]
    assert changes == [3, 4, 24, 27]  # at 30 a second: 0.1 s, 0.15 s to the even, 0.8 s, 0.9 s


def test_a_gap_in_the_sound_is_kept(tmp_path):
    path = tmp_path / "in.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("flac", rate=48000)
        stream.layout = "stereo"
        for start in (0, 48000):  # half a second, half a second of nothing, half a second
            block = np.full((1, 2 * 24000), 9000, np.int16)
            block[0, ::32] = -9000
            frame = av.AudioFrame.from_ndarray(block, "s16", "stereo")
            frame.sample_rate, frame.pts = 48000, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    samples = np.abs(sound(conformed(tmp_path, path)))
    loud = [bool(samples[:, at : at + 2400].max() > 0.05) for at in (12000, 34000, 60000)]
    assert loud == [True, False, True]


@pytest.mark.parametrize(
    ("size", "inside", "outside"),
    [
        ((96, 16), (32, 48), (4, 48)),  # wide: bars above and below
        ((32, 64), (32, 48), (32, 6)),  # tall: bars left and right
    ],
)
def test_other_aspects_get_black_bars(tmp_path, size, inside, outside):
    movie = clips_media.write_movie(tmp_path / "in.mkv", width=size[0], height=size[1], level=150, rate=0)
    frame = luma(pictures(conformed(tmp_path, movie))[5])
    assert abs(frame[inside] - 150) < 12
    assert frame[outside] < 8


def test_a_turned_movie_stands_upright(tmp_path):
    movie = clips_media.write_movie(tmp_path / "in.mp4", width=96, height=64, rotation=90, rate=0, level=150)
    frame = luma(pictures(conformed(tmp_path, movie))[3])
    assert frame[32, 48] > 120
    assert frame[32, 4] < 8  # 64x96 in 96x64: bars left and right
    assert frame[32, 91] < 8


@pytest.mark.parametrize("pix_fmt", ["yuv420p10le", "yuv422p", "yuv444p"])
def test_other_pixel_formats(tmp_path, pix_fmt):
    movie = clips_media.write_movie(tmp_path / "in.mkv", pix_fmt=pix_fmt, level=150, rate=0)
    clip = conformed(tmp_path, movie)
    frame = pictures(clip)[3]
    assert frame.format.name == "yuv420p"
    assert abs(luma(frame)[40, 48] - 150) < 12


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif"])
def test_a_picture_stands_for_ten_seconds(tmp_path, suffix):
    path = tmp_path / f"in.{suffix}"
    Image.new("RGB", (192, 128), (0, 0, 255)).save(path)
    clip = conformed(tmp_path, path)
    assert (clip.video_count, clip.has_sound) == (300, False)
    assert path.stat().st_size < 10_000
    frames = pictures(clip)
    assert len(frames) == 300
    y, u, v = (int(np.median(plane)) for plane in planes(frames[0]))
    assert abs(y - 41) < 4  # blue in BT.601, limited range
    assert abs(u - 240) < 4
    assert abs(v - 110) < 4


def test_a_moving_picture_moves_if_it_can(tmp_path):
    frames = [Image.new("RGB", (96, 64), (level,) * 3) for level in (50, 100, 150)]
    for suffix, expected in (("gif", 18), ("webp", 300)):  # libav plays no animated WebP: its first picture
        path = tmp_path / f"in.{suffix}"
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=200)
        clip = conformed(tmp_path, path)
        assert clip.video_count == expected
        assert abs(np.median(luma(pictures(clip)[0])) - 50) < 4


def test_a_movie_of_one_picture_lasts_a_second(tmp_path):
    movie = clips_media.write_movie(tmp_path / "in.mp4", seconds=0.04, rate=0)
    assert conformed(tmp_path, movie).video_count == 30


def test_transparency_is_black(tmp_path):
    path = tmp_path / "in.png"
    Image.new("RGBA", (96, 64), (255, 255, 255, 0)).save(path)
    assert luma(pictures(conformed(tmp_path, path))[0]).max() < 8


def test_sound_alone_gets_the_slate(tmp_path):
    clip = conformed(tmp_path, clips_media.write_movie(tmp_path / "in.flac", video=False, seconds=2.5))
    assert (clip.video_count, clip.has_sound) == (75, True)
    assert luma(pictures(clip)[70]).max() > 150


def test_longer_sound_keeps_the_last_picture(tmp_path):
    movie = clips_media.write_movie(tmp_path / "in.mp4", seconds=0.5, sound_seconds=2)
    assert abs(conformed(tmp_path, movie).video_count - 60) <= 1


def test_the_length_is_bounded(tmp_path):
    movie = clips_media.write_movie(tmp_path / "in.mp4", seconds=2)
    clip = conformed(tmp_path, movie, max_duration_s=0.5)
    assert clip.video_count == 15


def test_a_file_cut_short_gives_what_there_is(tmp_path):
    movie = clips_media.write_movie(tmp_path / "in.mkv", seconds=2)
    movie.write_bytes(movie.read_bytes()[: movie.stat().st_size * 2 // 3])
    assert 10 < conformed(tmp_path, movie).video_count < 60


# ---------------------------------------------------------------- every kind of feed


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001), Fraction(60)])
def test_frame_rates(tmp_path, fps):
    clip = conformed(tmp_path, SLATE, feed_format(fps=fps))
    assert parse_sps(paramsets.parse_avcc(clip.video_track.config).sps[0]).fps == fps
    assert clip.video_count == round(fps)


@pytest.mark.parametrize("profile", ["baseline", "main", "high"])
def test_profile_level_and_colour_are_the_feeds(tmp_path, profile):
    theirs, _ = clips_media.feed(
        frames=2,
        profile=profile,
        bframes=0,
        params="level=31:colorprim=bt709:transfer=bt709:colormatrix=bt709",
    )
    clip = conformed(tmp_path, SLATE, theirs)
    feed_sps, filler_sps = (
        parse_sps(paramsets.parse_avcc(config).sps[0])
        for config in (theirs.video.config, clip.video_track.config)
    )
    for name in ("profile_idc", "level_idc", "colour", "full_range", "chroma_format_idc", "sar", "fps"):
        assert getattr(feed_sps, name) == getattr(filler_sps, name), name
    assert filler_sps.id == 1


@pytest.mark.parametrize(
    ("audio", "expected"),
    [
        (AudioTrack("aac", b"\x12\x10", 44100, 2), AudioTrack("aac", b"\x12\x10", 44100, 2)),
        (AudioTrack("aac", b"\x11\x88", 48000, 1), AudioTrack("aac", b"\x11\x88", 48000, 1)),
        (LONG_AAC, LONG_AAC),
        (AudioTrack("aac", b"\x2b\x11\x88\x00", 48000, 2, 2048), AAC),  # HE-AAC
        (AudioTrack("opus", b"", 48000, 2, 960), AAC),
        (AudioTrack("aac", b"", 44100, 2), AAC),
        (None, AAC),
    ],
)  # fmt: skip
def test_the_feeds_sound_is_matched_or_replaced_by_a_usual_one(tmp_path, audio, expected):
    movie = clips_media.write_movie(tmp_path / "in.mp4", seconds=0.4)
    clip = conformed(tmp_path, movie, feed_format(audio=audio))
    assert clip.format.audio == expected
    samples = sound(clip)
    assert samples.shape[0] == expected.channels
    assert np.abs(samples).max() > 0.2


def test_ten_bit_feed(tmp_path):
    theirs, _ = clips_media.feed(frames=2, pix_fmt="yuv420p10le", profile="high10")
    frame = pictures(conformed(tmp_path, SLATE, theirs))[0]
    assert frame.format.name == "yuv420p10le"


def test_hevc_feed(tmp_path):
    theirs, _ = clips_media.feed(frames=2, codec="libx265")
    clip = conformed(tmp_path, SLATE, theirs)
    assert clip.video_track.codec == "hevc"
    assert paramsets.has_irap(clip.video(0)[0])
    assert len(pictures(clip)) == 30


def test_samples_that_are_not_square(tmp_path):
    theirs, _ = clips_media.feed(width=96, height=96, frames=2, params="sar=2/1")
    movie = clips_media.write_movie(tmp_path / "in.mkv", width=128, height=64, level=150, rate=0)
    clip = conformed(tmp_path, movie, theirs)
    assert parse_sps(paramsets.parse_avcc(clip.video_track.config).sps[0]).sar == (2, 1)
    assert luma(pictures(clip)[3]).min() > 60  # 2:1 fills 2:1


# ---------------------------------------------------------------- what cannot be done


def failing(tmp_path, source, format_=None):
    with pytest.raises(MediaError) as caught:
        conformed(tmp_path, source, format_)
    assert list(tmp_path.glob("*.clip")) == []
    return str(caught.value)


def test_errors_name_the_file(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("no media here\n")
    empty = tmp_path / "empty.mp4"
    empty.touch()
    broken = tmp_path / "broken.png"
    Image.new("RGB", (64, 64)).save(broken)
    broken.write_bytes(broken.read_bytes()[:50])
    assert failing(tmp_path, tmp_path / "gone.mp4") == "gone.mp4 does not exist"
    assert "is a directory" in failing(tmp_path, tmp_path)
    for path in (text, empty, broken):
        assert failing(tmp_path, path).startswith(path.name)


def test_a_playlist_fetches_nothing(tmp_path):
    playlist = tmp_path / "list.m3u8"
    playlist.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/secret.ts\n#EXT-X-ENDLIST\n")
    assert failing(tmp_path, playlist).startswith("list.m3u8")


def test_feeds_no_filler_can_be_made_for(tmp_path):
    assert "this feed is av1" in failing(tmp_path, SLATE, feed_format(codec="av1"))
    assert "has none" in failing(tmp_path, SLATE, FeedFormat(None, AAC))


def test_the_child_makes_a_clip_or_says_why(tmp_path):
    job_file, out = tmp_path / "job.json", tmp_path / "out.clip"

    def run(source):
        job = ConformJob(str(source), "clip", feed_format(), 1, str(out))
        job_file.write_bytes(msgspec.json.encode(job))
        return subprocess.run(
            [sys.executable, "-m", "streamgate.playout.conform", str(job_file)],
            capture_output=True,
            text=True,
            check=False,
        )

    done = run(SLATE)
    assert (done.returncode, done.stderr) == (0, "")
    assert Clip.from_buffer(out.read_bytes()).video_count == 30
    failed = run(tmp_path / "gone.mp4")
    assert failed.returncode == 1
    assert json.loads(failed.stderr.splitlines()[-1]) == {
        "error": "gone.mp4 does not exist",
        "error_zh": "gone.mp4 不存在",
    }
