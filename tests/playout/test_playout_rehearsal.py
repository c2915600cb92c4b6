"""Rehearsals: a backup that splices is proven to, and one that does not is found out."""

import io
import json
import subprocess
import sys

import msgspec
import pytest
from archive_media import Recording
from fakes import clips_media
from PIL import Image

from streamgate.core.packet import FeedFormat, Kind
from streamgate.errors import MediaError
from streamgate.playout import rehearsal
from streamgate.playout.clip_info import ClipLook, RehearsalJob, Rehearsed
from streamgate.playout.clip_look import STILL_HEIGHT, STILL_WIDTH, look
from streamgate.playout.rehearsal_feed import make_feed, read_recording


@pytest.fixture(scope="module")
def feed():
    """14 s of an encoder's feed with B-frames, a keyframe every 2 s, and sound."""
    return clips_media.feed(fps=15, frames=14 * 15, gop=30, bframes=2)


@pytest.fixture
def recordings(tmp_path, feed):
    """A folder of the archive that holds the feed."""
    return record(tmp_path, *feed)


def record(root, format_, packets, source="one"):
    """Record a feed as the gate does; return the channel's folder."""
    recording = Recording(root / "archive")
    recording.publish(1_777_888_800.0, feed=format_, packets=packets, source=source)
    recording.close()
    return root / "archive" / "main"


def test_a_recording_is_read_as_it_was_received(feed, recordings):
    format_, packets = feed
    read = read_recording(recordings, format_)
    sent, found = (
        [(one.data, one.keyframe) for one in some if one.kind is Kind.VIDEO] for some in (packets, read)
    )
    assert len(found) > 10 * 15
    assert found == sent[: len(found)]
    assert [one.dts for one in read] == sorted(one.dts for one in read)
    other = msgspec.structs.replace(format_.video, config=format_.video.config + b"\0")
    assert read_recording(recordings, FeedFormat(other, format_.audio)) is None
    assert read_recording(recordings / "none", format_) is None


def test_a_recording_that_has_just_begun_gives_way_to_the_one_before_it(feed, tmp_path):
    """Parts of several seconds are joined, but never those of two sources."""
    format_, packets = feed
    recording = Recording(tmp_path)
    recording.publish(1_777_888_800.0, feed=format_, packets=packets)
    recording.publish(1_777_888_900.0, feed=format_, packets=packets[:100], source="two")
    recording.close()
    folder = tmp_path / "main"
    assert len(list(folder.glob("*/*.mp4"))) >= 4
    read = read_recording(folder, format_)
    assert [one.data for one in read if one.keyframe] == [one.data for one in packets if one.keyframe][:7]


@pytest.mark.parametrize("source", ["slate", "movie", "picture", "other"])
def test_backups_splice_with_the_channels_own_recording(tmp_path, feed, recordings, source):
    format_, _ = feed
    files = {
        "slate": "slate",
        "movie": str(clips_media.write_movie(tmp_path / "a.mp4", seconds=3)),
        "picture": str(tmp_path / "p.png"),
        "other": str(clips_media.write_movie(tmp_path / "b.mkv", width=200, fps=50, channels=2, seconds=1)),
    }
    if source == "picture":
        Image.new("RGB", (300, 200), "navy").save(files["picture"])
    done = rehearsal.rehearse(RehearsalJob(source, files[source], format_, str(recordings)))
    assert done.feed == "recorded"
    assert done.one_header
    assert done.backup_ms >= 2000
    assert done.pictures > 30 * 15  # a delay of filler, the feed, the backup


def test_without_a_recording_a_feed_like_it_is_made(feed):
    done = rehearsal.rehearse(RehearsalJob("slate", "slate", feed[0]))
    assert (done.feed, done.one_header) == ("made", True)


def test_a_backup_that_a_player_cannot_decode_is_found_out(tmp_path, feed, recordings, monkeypatch):
    real = rehearsal.Gate.install

    def install(self, clip, name, format_):
        if name == "bad.mp4":
            whole = clip.video

            def video(index):
                data, key = whole(index)
                return (data[:12] + b"\x55" * (len(data) - 12), key) if key else (data, key)

            clip.video = video
        real(self, clip, name, format_)

    monkeypatch.setattr(rehearsal.Gate, "install", install)
    movie = clips_media.write_movie(tmp_path / "bad.mp4", seconds=3)
    with pytest.raises(MediaError, match="player"):
        rehearsal.rehearse(RehearsalJob("bad.mp4", str(movie), feed[0], str(recordings)))


def test_a_file_that_is_no_media_is_named(tmp_path, feed):
    (tmp_path / "notes.mp4").write_bytes(b"no film at all" * 100)
    job = RehearsalJob("notes.mp4", str(tmp_path / "notes.mp4"), feed[0])
    done = subprocess.run(
        [sys.executable, "-m", "streamgate.playout.rehearsal"],
        input=msgspec.json.encode(job), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "notes.mp4 is not a media file" in json.loads(done.stderr.splitlines()[-1])["error"]


def test_the_child_prints_what_was_proven(feed):
    job = RehearsalJob("slate", "slate", feed[0])
    done = subprocess.run(
        [sys.executable, "-m", "streamgate.playout.rehearsal"],
        input=msgspec.json.encode(job), capture_output=True, check=True,
    )  # fmt: skip
    assert msgspec.json.decode(done.stdout, type=Rehearsed).one_header


def test_a_feed_that_cannot_be_aired_has_no_rehearsal():
    with pytest.raises(MediaError, match="needs a feed with video"):
        make_feed(FeedFormat())


# ---------------------------------------------------------------- looking at a file


def test_what_a_film_holds(tmp_path):
    path = clips_media.write_movie(tmp_path / "a.mp4", width=640, height=360, seconds=2)
    found = look(path, "a.mp4")
    assert (found.kind, found.width, found.height, found.video_codec, found.audio_codec) == (
        "video", 640, 360, "h264", "aac",
    )  # fmt: skip
    assert found.duration_s == pytest.approx(2, abs=0.1)
    assert size(found) == (STILL_WIDTH, STILL_HEIGHT)


def test_what_a_picture_and_a_sound_hold(tmp_path):
    Image.new("RGB", (300, 300), "navy").save(tmp_path / "p.png")
    found = look(tmp_path / "p.png", "p.png")
    assert (found.kind, found.duration_s, size(found)) == ("picture", None, (270, 270))
    sound = clips_media.write_movie(tmp_path / "s.mp4", video=False, seconds=1)
    assert (look(sound, "s").kind, look(sound, "s").still) == ("sound", b"")


def test_a_file_is_called_what_the_person_calls_it(tmp_path):
    (tmp_path / ".upload-1").write_bytes(b"x" * 1000)
    done = subprocess.run(
        [sys.executable, "-m", "streamgate.playout.clip_look", str(tmp_path / ".upload-1"), "开场.mp4"],
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert json.loads(done.stderr.splitlines()[-1])["error"].startswith("开场.mp4 is not a media file")


def size(found: ClipLook) -> tuple[int, int]:
    return Image.open(io.BytesIO(found.still)).size
