"""The clip file format: what is written is read back; whatever else is read, MediaError is all that comes."""

import mmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.core import clip as clip_file
from streamgate.core.clip import Clip, ClipWriter, audio_frames_for
from streamgate.core.packet import AudioTrack, FeedFormat, VideoTrack
from streamgate.errors import MediaError

VIDEO = VideoTrack("h264", b"\x01avcC", 160, 90, 30, 1)
AUDIO = AudioTrack("aac", b"\x11\x90", 48000, 2)
FORMAT = FeedFormat(VIDEO, AUDIO)
SILENCE = b"\x21\x10"


def frames(count):
    return [(b"v%d" % i, i % 15 == 0) for i in range(count)]


def sounds(count):
    return [b"a%d" % j for j in range(count)]


def whole_file(video_count=30, audio_count=47):
    return b"".join(
        clip_file.encode(
            "slate", FORMAT, frames(video_count), sounds(audio_count), silence=SILENCE, has_sound=True
        )
    )


def test_every_frame_comes_back(tmp_path):
    path = tmp_path / "clip"
    path.write_bytes(whole_file())
    with path.open("rb") as file:
        clip = Clip.from_buffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    assert (clip.name, clip.format, clip.has_sound) == ("slate", FORMAT, True)
    assert frames(30) == [clip.video(i) for i in range(clip.video_count)]
    assert sounds(47) == [clip.audio(j) for j in range(clip.audio_count)]
    assert clip.silence == SILENCE
    assert clip.duration_ms == pytest.approx(1000)


def test_writing_in_pieces_gives_the_same_file():
    writer = ClipWriter()
    pieces = [writer.start(SILENCE)]
    pieces += [writer.video(payload, keyframe=key) for payload, key in frames(30)]
    pieces += [writer.audio(payload) for payload in sounds(47)]
    assert (writer.video_count, writer.audio_count) == (30, 47)
    pieces.append(writer.finish("slate", FORMAT, has_sound=True))
    assert whole_file() == b"".join(pieces)


@pytest.mark.parametrize(
    ("fps", "rate", "video_count", "expected"),
    [
        ((30, 1), 48000, 30, 47),  # 46.875
        ((30, 1), 48000, 64, 100),  # 100 exactly
        ((30000, 1001), 44100, 30, 44),  # 43.11
        ((25, 1), 48000, 1, 2),  # 1.875
    ],
)
def test_audio_covers_the_loop(fps, rate, video_count, expected):
    video = VideoTrack("h264", b"", 160, 90, *fps)
    assert expected == audio_frames_for(video_count, video, AudioTrack("aac", b"", rate, 2))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: b"", "not a clip file"),
        (lambda f: b"X" + f[1:], "not a clip file"),
        (lambda f: f[:-1], "cut short"),
        (lambda f: f[: len(f) // 2], "cut short"),
        (lambda f: f[:-16] + b"\x00\x00\x00\x00" + f[-12:], "index is damaged"),
        (lambda f: f.replace(b'"slate"', b'"slurp"'), "index is damaged"),
        (lambda f: f[:8] + f[50:], "outside itself"),
    ],
)
def test_a_damaged_file_is_refused(damage, message):
    with pytest.raises(MediaError, match=message):
        Clip.from_buffer(damage(whole_file()))


@pytest.mark.parametrize(("video_count", "audio_count"), [(0, 0), (30, 46), (30, 48), (30, 0)])
def test_tracks_that_do_not_fit_together_are_refused(video_count, audio_count):
    with pytest.raises(MediaError):
        Clip.from_buffer(whole_file(video_count, audio_count))


@given(st.data())
def test_no_input_raises_anything_but_media_error(data):
    whole = bytearray(whole_file(3, 5))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    for candidate in (whole, cut, cut + whole[-16:]):
        try:
            clip = Clip.from_buffer(bytes(candidate))
        except MediaError:
            continue
        assert (len([clip.video(i) for i in range(3)]), len([clip.audio(j) for j in range(5)])) == (3, 5)
