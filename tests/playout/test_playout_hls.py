"""The destination `hls:`: what it writes is read back by ffmpeg, as a player would; and bad disks."""

import asyncio
import contextlib
import re
import stat
import subprocess
import threading
import time
from itertools import pairwise

import av
import pytest
from fakes import clips_media
from fakes.media import AUDIO, AVCC, video_track

from streamgate.clock import wall_s
from streamgate.core.clip import Clip
from streamgate.core.gate import SLATE, Gate
from streamgate.core.hls_playlist import parse
from streamgate.core.packet import Aired, AudioTrack, FeedFormat, Kind, Packet, VideoTrack
from streamgate.playout import hls, hls_folder, hls_writer
from streamgate.playout.conform import conform
from streamgate.playout.hls import HlsDestination
from streamgate.playout.job import SLATE as SLATE_SOURCE
from streamgate.playout.job import ConformJob
from streamgate.playout.legs import Legs
from streamgate.runtime.channels import Destination as Config
from streamgate.runtime.service import Services

FEED = FeedFormat(video_track(AVCC[0]), AUDIO)
FPS = 30
S = 1_000_000


# ---------------------------------------------------------------- a program of the real gate


@pytest.fixture(scope="module")
def feed():
    return clips_media.feed(frames=7 * FPS, gop=2 * FPS)


@pytest.fixture(scope="module")
def slate(tmp_path_factory, feed):
    return conformed(tmp_path_factory.mktemp("slate") / "slate.clip", feed[0])


def conformed(out, feed_format):
    conform(ConformJob(SLATE_SOURCE, SLATE, feed_format, 1, str(out)))
    return Clip.from_buffer(out.read_bytes(), SLATE)


async def air(destination, feeds, slates, *, seconds, cut_s=None):
    """Air feeds one after the other, the first from second 31 on; return what was aired, in order.

    It is a real gate on a clock of its own, so that it takes no time.
    """
    gate = Gate(30)
    gate.feed(feeds[0][0], 0)
    gate.install(slates[0], SLATE, feeds[0][0])
    gate.start(0)
    coming, at = [], S
    for (format_, packets), filler in zip(feeds, slates, strict=True):
        first = min(packet.dts for packet in packets)
        coming.append((at, (format_, filler)))
        coming += [(at + (packet.dts - first) * 1000, packet) for packet in packets]
        at = max(arrival for arrival, _ in coming) + 40_000
    coming.sort(key=lambda one: one[0])
    out = []
    for now in range(0, round(seconds * S), 10_000):
        while coming and coming[0][0] <= now:
            arrival, what = coming.pop(0)
            if isinstance(what, Packet):
                gate.packet(what, arrival)
            else:
                gate.install(what[1], SLATE, what[0])
                gate.feed(what[0], arrival)
        if cut_s is not None and now == round(cut_s * S):
            await until(lambda: destination.status().queue_ms == 0)
            gate.cut(now, "a")
            destination.discard_live()
        aired = gate.advance(now)
        destination.offer(*aired)
        out += aired
        if now % S == 0:
            await asyncio.sleep(0)
    return out


@contextlib.asynccontextmanager
async def running(folder, **options):
    destination = HlsDestination("watch", folder, **options)
    task = asyncio.create_task(destination.run())
    yield destination
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def until(wanted, seconds=10):
    end = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < end, f"not within {seconds} s"
        await asyncio.sleep(0.01)


def playlist(folder):
    return parse((folder / "index.m3u8").read_text())


def decode(folder):
    """Decode everything with the ffmpeg of the machine; return what it complains about."""
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-nostdin", "-live_start_index", "0", "-i", str(folder / "index.m3u8"),
         "-map", "0", "-f", "null", "-"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stderr + ("" if done.returncode == 0 else f"exit {done.returncode}")


def read_segment(folder, entry):
    """Return the packets of one segment by track, as (time in seconds, duration, keyframe, size)."""
    whole = folder / "whole.mp4"
    whole.write_bytes((folder / entry.init_name).read_bytes() + (folder / entry.name).read_bytes())
    found = {"video": [], "audio": []}
    with av.open(str(whole)) as container:
        for packet in container.demux():
            if packet.size:
                base = packet.time_base
                found[packet.stream.type].append(
                    (float(packet.dts * base), float(packet.duration * base), packet.is_keyframe, packet.size)
                )
    whole.unlink()
    return found


async def test_feed_and_filler_play_as_one_stream(tmp_path, feed, slate):
    folder = tmp_path / "hls" / "main"
    async with running(folder) as destination:
        destination.start(FeedFormat())
        aired = await air(destination, [feed], [slate], seconds=42)
        destination.stop()
        await destination.closed()
        assert destination.status().state == "idle"
    listed = playlist(folder)
    assert listed.ended
    assert [entry.discontinuity for entry in listed.entries] == [False] * len(listed.entries)
    assert len({entry.init for entry in listed.entries}) == 1
    assert (listed.target_s, max(entry.duration_ms for entry in listed.entries) < 2500) == (2, True)
    assert decode(folder) == ""

    tracks = {"video": [], "audio": []}
    for entry in listed.entries:
        segment = read_segment(folder, entry)
        assert segment["video"][0][2]  # a keyframe
        assert sum(one[1] for one in segment["video"]) == pytest.approx(entry.duration_ms / 1000, abs=0.002)
        for name, packets in segment.items():
            tracks[name] += packets
    begins = next(one.packet.dts for one in aired if one.packet.keyframe)
    for name, kind in (("video", Kind.VIDEO), ("audio", Kind.AUDIO)):
        sent = [one.packet for one in aired if one.packet.kind is kind and one.packet.dts >= begins]
        assert [one[3] for one in tracks[name]] == [len(packet.data) for packet in sent]
        assert [one[0] for one in tracks[name]] == pytest.approx([p.dts / 1000 for p in sent], abs=0.06)
        holes = [later[0] - earlier[0] - earlier[1] for earlier, later in pairwise(tracks[name])]
        assert max(map(abs, holes)) < 0.002


async def test_what_a_cut_takes_back_is_in_no_file_and_players_go_on_with_filler(tmp_path, feed, slate):
    folder = tmp_path / "hls" / "main"
    async with running(folder) as destination:
        destination.start(FeedFormat())
        aired = await air(destination, [feed], [slate], seconds=42, cut_s=36.5)  # in the third GOP on air
        await until(lambda: destination.status().queue_ms == 0)
        dropped = destination.status().dropped
        destination.stop()
        await destination.closed()
    live = [one.packet for one in aired if one.arrival_us is not None and one.packet.kind is Kind.VIDEO]
    everything = b"".join(path.read_bytes() for path in folder.glob("*.m4s"))
    written = [packet for packet in live if packet.data in everything]
    assert 0 < len(live) - len(written) <= 2 * FPS
    assert live[: len(written)] == written
    assert dropped > 0
    (jump,) = [entry for entry in playlist(folder).entries if entry.discontinuity]
    assert jump.number > playlist(folder).entries[0].number
    assert decode(folder) == ""


async def test_another_format_is_a_discontinuity_with_its_own_init_section(tmp_path, feed, slate):
    other = clips_media.feed(width=128, height=96, frames=4 * FPS, gop=2 * FPS)
    folder = tmp_path / "hls" / "main"
    async with running(folder) as destination:
        destination.start(FeedFormat())
        second = conformed(tmp_path / "other.clip", other[0])
        await air(destination, [feed, other], [slate, second], seconds=46)
        destination.stop()
        await destination.closed()
    entries = playlist(folder).entries
    jumps = [entry for entry in entries if entry.discontinuity]
    assert len(jumps) == 1
    assert jumps[0].init == jumps[0].number
    assert {entry.init for entry in entries} == {entries[0].number, jumps[0].number}
    sizes = []
    for entry in (entries[0], jumps[0]):
        whole = tmp_path / "whole.mp4"
        whole.write_bytes((folder / entry.init_name).read_bytes() + (folder / entry.name).read_bytes())
        with av.open(str(whole)) as container:
            sizes.append((container.streams.video[0].width, container.streams.video[0].height))
    assert sizes == [(96, 64), (128, 96)]
    assert decode(folder) == ""


async def test_hevc_plays_too(tmp_path):
    hevc = clips_media.feed(codec="libx265", frames=4 * FPS, gop=2 * FPS)
    folder = tmp_path / "hls" / "main"
    async with running(folder) as destination:
        destination.start(hevc[0])
        destination.offer(*(Aired(packet, None, 1) for packet in hevc[1]))
        destination.stop()
        await destination.closed()
    assert decode(folder) == ""
    assert b"hvc1" in (folder / playlist(folder).entries[0].init_name).read_bytes()


# ---------------------------------------------------------------- small programs


def stretch(seconds, *, start_s=0, feed=FEED, live=False):
    """Keyframes every second and nothing between them but what a picture every 40 ms is."""
    out = []
    for n in range(round(start_s * 25), round((start_s + seconds) * 25)):
        packet = Packet(Kind.VIDEO, n * 40, n * 40, n % 25 == 0, b"picture%d" % n)
        out.append(Aired(packet, feed if n == round(start_s * 25) else None, n * 40_000 if live else None))
    return out


async def write(destination, seconds, **more):
    """Offer a stretch, and wait until the segments that it ends are on the disk."""
    destination.offer(*stretch(seconds, **more))
    await until(lambda: destination.status().queue_ms == 0)


async def test_states_over_a_broadcast(tmp_path):
    async with running(tmp_path / "hls" / "main") as destination:
        assert (destination.status().state, destination.status().url) == ("idle", "hls:")
        destination.start(FEED)
        destination.offer(*stretch(1))
        assert destination.status().state == "connecting"
        await write(destination, 4, start_s=1)
        shown = destination.status()
        assert (shown.state, shown.error, shown.packets) == ("live", "", 125)
        assert shown.bytes > 0
        assert shown.bitrate_bps > 0
        destination.stop()
        await destination.closed()
        assert destination.status().state == "idle"


async def test_files_are_for_any_web_server_and_never_half_written(tmp_path):
    folder = tmp_path / "hls" / "main"
    async with running(folder) as destination:
        destination.start(FEED)
        await write(destination, 5)
        files = [path for path in folder.iterdir() if not path.name.startswith(".")]
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o644}
        assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent)} == {0o755}
        assert {path.name for path in files} == playlist(folder).files() | {"index.m3u8"}


async def test_a_playlist_names_only_what_is_there(tmp_path):
    folder = tmp_path / "hls" / "main"
    looking, missing, looks = True, [], 0

    def look():
        nonlocal looks
        while looking:
            with contextlib.suppress(FileNotFoundError):
                missing.extend(name for name in playlist(folder).files() if not (folder / name).is_file())
                looks += 1

    thread = threading.Thread(target=look)
    thread.start()
    try:
        async with running(folder) as destination:
            destination.start(FEED)
            for start_s in range(0, 60, 2):
                await write(destination, 2, start_s=start_s)
    finally:
        looking = False
        thread.join()
    assert looks > 20
    assert missing == []


async def test_a_new_broadcast_has_a_fresh_playlist_and_names_no_file_anew(tmp_path):
    folder = tmp_path / "hls" / "main"
    async with running(folder) as destination:
        destination.start(FEED)
        await write(destination, 7)
        destination.stop()
        await destination.closed()
        first = playlist(folder)
        assert first.ended
        assert (folder / first.entries[0].name).is_file()  # can still be seen
        destination.start(FEED)
        await write(destination, 5)
        second = playlist(folder)
    assert not second.ended
    assert second.entries[0].number > first.entries[-1].number
    assert second.discontinuities > first.discontinuities
    assert not first.files() & second.files()


async def test_numbers_rise_over_broadcasts_though_nothing_is_left_of_the_last_one(tmp_path):
    folder = tmp_path / "hls" / "main"
    numbers = []
    for _ in range(2):
        async with running(folder) as destination:
            destination.start(FEED)
            await write(destination, 3)
        numbers.append(playlist(folder).entries[0].number)
        for path in folder.iterdir():
            path.unlink()
        await asyncio.sleep(1.1)
    assert numbers[1] > numbers[0]
    assert abs(numbers[0] - (wall_s() - 1_577_836_800)) < 60


async def test_a_gate_that_was_killed_goes_on_with_the_playlist_after_a_discontinuity(tmp_path):
    folder = tmp_path / "hls" / "main"
    async with running(folder) as destination:
        destination.start(FEED)
        await write(destination, 7)
    first = playlist(folder)
    assert not first.ended
    (folder / ".9.m4s.7.new").write_bytes(b"half a seg")
    (folder / "index.html").write_text("somebody else's")
    async with running(folder) as destination:
        destination.start(FEED, resumed=True)
        await write(destination, 5)
    second = playlist(folder)
    assert list(second.entries)[: len(first.entries)] == list(first.entries)
    new = list(second.entries)[len(first.entries) :]
    assert [entry.discontinuity for entry in new] == [True, False]
    assert new[0].init == new[0].number
    assert not (folder / ".9.m4s.7.new").exists()
    assert (folder / "index.html").exists()
    assert all((folder / name).is_file() for name in second.files())


@pytest.mark.parametrize("how", ["empty", "missing", "torn playlist"])
def test_what_a_power_failure_took_is_not_offered(tmp_path, how):
    async def broadcast(*, resumed):
        async with running(folder) as destination:
            destination.start(FEED, resumed=resumed)
            await write(destination, 7)

    folder = tmp_path / "hls" / "main"
    asyncio.run(broadcast(resumed=False))
    before = playlist(folder)
    harmed = folder / before.entries[1].name
    if how == "empty":
        harmed.write_bytes(b"")
    elif how == "missing":
        harmed.unlink()
    else:
        (folder / "index.m3u8").write_bytes(b"\0" * 300)
    asyncio.run(broadcast(resumed=True))
    after = playlist(folder)
    kept = list(before.entries)[2:] if how != "torn playlist" else []
    assert list(after.entries)[: len(kept)] == kept
    assert after.entries[-1].number > before.entries[-1].number
    assert all((folder / name).stat().st_size for name in after.files())


async def test_what_is_older_than_the_retention_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(hls_folder, "RETENTION_MS", 6000)
    monkeypatch.setattr(hls_folder, "LINGER_US", 200_000)
    folder = tmp_path / "hls" / "main"
    async with running(folder) as destination:
        destination.start(FEED)
        await write(destination, 21)
        listed = playlist(folder)
        assert sum(entry.duration_ms for entry in listed.entries) == 6000
        wanted = listed.files() | {"index.m3u8"}
        await until(lambda: {path.name for path in folder.iterdir()} == wanted, 3)
        monkeypatch.setattr(hls_folder, "RETENTION_MS", 300)
        destination.stop()
        await destination.closed()
        await until(lambda: not list(folder.iterdir()), 3)


async def test_after_a_restart_off_air_what_is_left_is_removed_in_time(tmp_path, monkeypatch):
    folder = tmp_path / "hls" / "main"
    async with running(folder) as destination:
        destination.start(FEED)
        await write(destination, 5)
    monkeypatch.setattr(hls_folder, "RETENTION_MS", 300)
    async with running(folder):
        assert list(folder.iterdir())
        await until(lambda: not list(folder.iterdir()), 3)


@pytest.mark.parametrize(
    ("feed", "said"),
    [
        (FeedFormat(VideoTrack("av1", b"\x81\0\0\0", 640, 360, 25, 1), AUDIO), "av1"),
        (FeedFormat(video_track(AVCC[0]), AudioTrack("opus", b"", 48000, 2, 960)), "opus"),
        (FeedFormat(video_track(b"rubbish"), AUDIO), "avcC"),
    ],
)
async def test_what_browsers_do_not_play_is_said_and_not_written(tmp_path, feed, said):
    folder = tmp_path / "hls" / "main"
    async with running(folder) as destination:
        destination.start(FeedFormat())
        destination.offer(*stretch(3, feed=feed))
        await until(lambda: destination.status().state == "failed")
        assert said in destination.status().error
        assert any("一" <= one <= "鿿" for one in destination.status().error_zh)
        assert list(folder.iterdir()) == []
        await write(destination, 3, start_s=3)  # it changes to what they do play
        assert destination.status().state == "live"


# ---------------------------------------------------------------- bad disks


class Frozen:
    """A disk on which every write waits until `thaw`."""

    def __init__(self, monkeypatch):
        self._thawed = threading.Event()
        self._write_all = hls_folder.write_all
        self.waiting = threading.Event()
        monkeypatch.setattr(hls_folder, "write_all", self._write)

    def _write(self, descriptor, data):
        self.waiting.set()
        assert self._thawed.wait(20)
        self._write_all(descriptor, data)

    def thaw(self):
        self._thawed.set()


@pytest.fixture
def frozen(monkeypatch):
    disk = Frozen(monkeypatch)
    yield disk
    disk.thaw()


async def test_a_frozen_disk_holds_up_nothing_and_is_said(tmp_path, monkeypatch, frozen):
    monkeypatch.setattr(hls, "SLOW_S", 0.3)
    folder = tmp_path / "hls" / "main"
    async with running(folder) as destination:
        destination.start(FEED)
        worst = 0.0
        for start_s in range(0, 20, 2):
            began = time.perf_counter()
            destination.offer(*stretch(2, start_s=start_s))
            worst = max(worst, time.perf_counter() - began)
        assert worst < 0.05
        await until(lambda: destination.status().state == "behind")
        assert "the disk has taken nothing" in destination.status().error
        assert destination.status().queue_ms == 18_000
        frozen.thaw()
        await until(lambda: destination.status().queue_ms == 0)
        assert destination.status().state == "live"
    entries = playlist(folder).entries
    assert (len(entries), any(entry.discontinuity for entry in entries)) == (9, False)


async def test_what_does_not_fit_while_it_is_frozen_is_a_hole_and_said(tmp_path, monkeypatch, frozen):
    monkeypatch.setattr(hls_writer, "MAX_WAITING", 4)
    folder = tmp_path / "hls" / "main"
    async with running(folder) as destination:
        destination.start(FEED)
        destination.offer(*stretch(20))
        shown = destination.status()
        assert shown.state == "behind"
        assert "s of the program are missing" in shown.error
        assert shown.dropped > 0
        frozen.thaw()
        await until(lambda: destination.status().queue_ms == 0)
        await write(destination, 5, start_s=20)
        monkeypatch.setattr(hls, "LOST_SHOWN_US", 0)
        assert destination.status().state == "live"
    entries = list(playlist(folder).entries)
    jumps = [index for index, entry in enumerate(entries) if entry.discontinuity]
    assert len(jumps) == 1
    assert sum(entry.duration_ms for entry in entries) < 24_000


async def test_a_cut_takes_back_what_waits_for_a_frozen_disk(tmp_path, frozen):
    folder = tmp_path / "hls" / "main"
    async with running(folder) as destination:
        destination.start(FEED)
        destination.offer(*stretch(7, live=True))
        await until(frozen.waiting.is_set)
        assert destination.discard_live() == 175
        destination.offer(*stretch(5, start_s=7))
        frozen.thaw()
        await until(lambda: destination.status().queue_ms == 0)
        destination.stop()
        await destination.closed()
    written = b"".join(path.read_bytes() for path in folder.glob("*.m4s"))
    assert {int(number) for number in re.findall(rb"picture(\d+)", written)} == set(range(175, 300))
    assert sum(entry.duration_ms for entry in playlist(folder).entries) == 5000


async def test_a_broadcast_ends_in_time_on_a_frozen_disk_and_another_leg_takes_over(tmp_path, frozen):
    folder = tmp_path / "hls" / "main"
    async with running(folder) as destination:
        destination.start(FEED)
        destination.offer(*stretch(7))
        await until(frozen.waiting.is_set)
        began = time.monotonic()
        destination.stop()
        await destination.closed()
        assert time.monotonic() - began < hls.STOP_TIMEOUT_S + 0.5
    old = [thread for thread in threading.enumerate() if thread.name == "hls-main"]
    assert len(old) == 1
    async with running(folder) as second:
        second.start(FEED)
        frozen.thaw()
        await write(second, 5)
        old[0].join(5)
        listed = playlist(folder)
        assert (len(listed.entries), listed.ended) == (2, False)  # the old one wrote nothing any more


async def test_a_disk_that_refuses_is_said_and_tried_again(tmp_path):
    folder = tmp_path / "hls" / "main"
    folder.parent.mkdir()
    folder.write_text("in the way")
    async with running(folder) as destination:
        destination.start(FEED)
        destination.offer(*stretch(5))
        await until(lambda: destination.status().state == "backoff")
        assert str(folder) in destination.status().error
        folder.unlink()
        await write(destination, 5, start_s=5)
        assert (destination.status().state, destination.status().error) == ("live", "")


async def test_a_full_disk_leaves_no_rubbish_and_a_hole(tmp_path, monkeypatch):
    def full(descriptor, data):
        write_all(descriptor, data[:5])
        raise OSError(28, "No space left on device")

    write_all = hls_folder.write_all
    folder = tmp_path / "hls" / "main"
    async with running(folder) as destination:
        destination.start(FEED)
        await write(destination, 5)
        monkeypatch.setattr(hls_folder, "write_all", full)
        destination.offer(*stretch(2, start_s=5))
        await until(lambda: destination.status().state == "backoff")
        assert "No space left" in destination.status().error
        assert destination.status().error_zh.startswith("磁盘空间不足：")
        assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
        monkeypatch.setattr(hls_folder, "write_all", write_all)
        await write(destination, 5, start_s=7)
        assert destination.status().state == "live"
    assert [entry.discontinuity for entry in playlist(folder).entries] == [False, False, True, False]


# ---------------------------------------------------------------- as a leg of a channel


async def test_as_a_leg_it_waits_for_approval_and_ends_when_it_is_removed(tmp_path):
    said = []
    folder = tmp_path / "hls" / "main"
    async with asyncio.TaskGroup() as group:
        services = Services(group)
        legs = Legs("main", services=services, say_=said.append, hls=folder)
        legs.set([Config("watch", "hls:", entered_by="console:alice", entered_at=1.0)], FEED)
        legs.send(stretch(5))
        await asyncio.sleep(0.2)
        assert [(one.state, one.url) for one in legs.statuses()] == [("waiting", "hls:")]
        assert not folder.exists()

        legs.set([Config("watch", "hls:", False, "console:alice", 1.0, "console:bob", 2.0)], FEED)
        legs.send(stretch(5, start_s=5))
        await until(lambda: legs.statuses()[0].state == "live")
        legs.tell()
        assert [what.code for what in said] == ["destination_live"]
        legs.close()
        await asyncio.wait_for(legs.closed(), 3)
        assert playlist(folder).ended
        services.cancel()


async def test_a_bad_disk_is_told_to_operators_in_words_about_disks(tmp_path, monkeypatch, frozen):
    monkeypatch.setattr(hls, "SLOW_S", 0.1)
    said = []
    async with asyncio.TaskGroup() as group:
        services = Services(group)
        legs = Legs("main", services=services, say_=said.append, hls=tmp_path / "hls" / "main")
        legs.set([Config("watch", "hls:")], FEED)
        legs.send(stretch(5))
        await until(lambda: legs.statuses()[0].state == "behind")
        legs.tell()
        frozen.thaw()
        await until(lambda: legs.statuses()[0].state == "live")
        legs.tell()
        assert [(what.code, what.level) for what in said] == [
            ("destination_disk", "alarm"),
            ("destination_caught_up", "info"),
        ]
        assert "disk" in said[0].text
        assert "磁盘" in said[0].text_zh
        legs.close()
        await asyncio.wait_for(legs.closed(), 3)
        services.cancel()
