"""A gate that was killed comes back: what its successor takes from the recording, and what it says."""

import asyncio
import contextlib
import hashlib
import os
import shutil
from pathlib import Path

import pytest
from fakes.media import AUDIO, AVCC, audio, video, video_track

from streamgate.archive.parts import read_index
from streamgate.clock import now_us, wall_s
from streamgate.core.packet import FeedFormat
from streamgate.core.redaction import SLATE
from streamgate.core.ring import REFILLED
from streamgate.core.standby import STANDBY_REFILLED
from streamgate.disk import own_directory
from streamgate.incidents.triggers import NOTICES
from streamgate.link.messages import ArchiveStatus, Lift, Publish
from streamgate.playout.memory import ChannelMemory, Memory
from streamgate.playout.station import Station
from streamgate.runtime.channels import ChannelStore
from streamgate.runtime.service import Services

FEED = FeedFormat(video_track(AVCC[0]), AUDIO)


@contextlib.asynccontextmanager
async def gate(place: Path):
    """A gate process in one piece, without its sockets."""
    (place / "run").mkdir(parents=True, exist_ok=True)
    async with asyncio.TaskGroup() as group:
        services = Services(group)
        station = Station(
            place,
            place / "run",
            services=services,
            retention_days=60,
            max_ring_bytes=1 << 26,
            no_input_stop_s=0,
        )
        station.load()
        yield station
        await station.close()
        services.cancel()


async def until(true, seconds: float = 10) -> None:
    for _ in range(round(seconds / 0.02)):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it does not come")


async def feed(station: Station, key: str, place: Path, *, stream: int = 1, tail: str = "main") -> list:
    """Publish three groups of pictures with sound; return what came, once two of them are recorded."""
    station.publish(Publish(stream, hashlib.sha256(key.encode()).hexdigest(), "127.0.0.1:5", "OBS"))
    station.format(stream, FEED)
    sent = []
    for n in range(60):
        for packet in (video(n, gop=25, reorder=1), audio(2 * n), audio(2 * n + 1)):
            station.packet(stream, packet)
            sent.append(packet)
        await asyncio.sleep(0)
    noted = place / "run" / "tail" / tail
    await until(lambda: noted.exists() and noted.read_bytes().count(b"\n") >= 3)
    return sent


def leave(place: Path, other: Path) -> Path:
    """Copy what stands in files and in shared memory when the process is killed now."""
    for name in ("run/state", "run/tail", "archive", "channels"):
        shutil.copytree(place / name, other / name)
    return other


async def said(station: Station, code: str) -> str:
    await until(lambda: any(line.code == code for line in station.log))
    return next(line.text for line in station.log if line.code == code)


@pytest.fixture
def key(tmp_path):
    return ChannelStore(tmp_path / "first").add("main")[1]


async def test_the_ring_holds_again_what_was_recorded_with_its_arrivals(tmp_path, key):
    async with gate(tmp_path / "first") as first:
        sent = await feed(first, key, tmp_path / "first")
        held = list(first.channels["main"].gate.ring._held)
        place = leave(tmp_path / "first", tmp_path / "second")
        async with gate(place) as second:
            text = await said(second, "refilled")
            channel = second.channels["main"]
            back = list(channel.gate.ring._held)
            assert text.startswith("refilled ")
            assert [one.packet for one in back] == sent[: len(back)]
            assert len(back) >= 2 * 25 * 3
            assert [one.arrival for one in back] == [one.arrival for one in held[: len(back)]]
            assert {one.run for one in back} == {REFILLED}
            assert channel.status().returns_in_s < 30
            assert not (place / "run" / "tail" / "main").exists(), "a third process is not offered it"
            station_says = [line.code for line in second.log]
            assert "not_refilled" not in station_says


async def test_what_two_kills_in_a_row_cost_is_counted_from_the_first(tmp_path, key):
    """The second process was killed, too, before its recorder came to say what the first one lost."""
    async with gate(tmp_path / "first") as first:
        await feed(first, key, tmp_path / "first")
        fed_since = first.channels["main"]._fed_since
        place = leave(tmp_path / "first", tmp_path / "second")
    owned = own_directory(place / "archive" / "main")  # as the first one, while it hangs in the disk
    async with gate(place) as second:
        channel = second.channels["main"]
        publish = Publish(1, hashlib.sha256(key.encode()).hexdigest(), "127.0.0.1:5", "OBS")
        second.publish(publish)
        assert channel._fed_since == fed_since
        os.close(owned)
        await until(lambda: channel.archive.settled)
        channel.publish("127.0.0.1:5", "OBS", fresh=True)
        assert channel._fed_since > fed_since


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (lambda channel: channel.cut("ann"), "the channel is cut"),
        (lambda channel: (channel.cut("ann"), channel.restore("ann")), "before the last command"),
    ],
)
async def test_what_a_command_condemned_stays_away(tmp_path, key, command, why):
    async with gate(tmp_path / "first") as first:
        await feed(first, key, tmp_path / "first")
        command(first.channels["main"])
        async with gate(leave(tmp_path / "first", tmp_path / "second")) as second:
            assert why in await said(second, "not_refilled")
            assert not len(second.channels["main"].gate.ring)


async def test_spans_outlive_the_process_and_what_they_do_not_cover_comes_back(tmp_path, key):
    async with gate(tmp_path / "first") as first:
        await feed(first, key, tmp_path / "first")
        before = first.channels["main"]
        arrivals = [held.arrival for held in before.gate.ring._held]
        middle = arrivals[len(arrivals) // 2]
        ends = middle - 1_000, now_us()  # a picture that came so soon after counts as on screen
        span = before.gate.mark("condemn", ends, now_us(), "console:ann", "a slip")
        before.dump(1, "console:ben")
        before.mark(Lift(1, channel="main", span="s2"), "console:ben", "no slip")
        before.gate.mark("mute", (arrivals[0], middle), now_us(), "console:cy")
        before._remember()
        async with gate(leave(tmp_path / "first", tmp_path / "second")) as second:
            await said(second, "refilled")
            channel = second.channels["main"]
            told = [(one.id, one.kind, one.actor, one.reason) for one in channel.status().spans]
            assert told == [("s1", "condemn", "console:ann", "a slip"), ("s3", "mute", "console:cy", "")]
            held = [one.arrival for one in channel.gate.ring._held]
            condemned = [arrival for arrival in held if channel.gate.spans.condemned(arrival)]
            assert condemned == [arrival for arrival in held if arrival >= span.start]
            assert 0 < len(condemned) < len(held)
            assert channel.dump(1, "console:ann").span == "s4"


async def test_a_memory_that_comes_from_the_disk_is_not_enough(tmp_path, key):
    async with gate(tmp_path / "first") as first:
        await feed(first, key, tmp_path / "first")
        place = leave(tmp_path / "first", tmp_path / "second")
        (place / "state").mkdir()
        (place / "run" / "state" / "main").rename(place / "state" / "main")
        async with gate(place) as second:
            assert "every command is remembered" in await said(second, "not_refilled")


async def test_a_part_that_was_changed_is_not_taken(tmp_path, key):
    async with gate(tmp_path / "first") as first:
        await feed(first, key, tmp_path / "first")
        place = leave(tmp_path / "first", tmp_path / "second")
        (part,) = place.glob("archive/main/*/*.mp4")
        data = part.read_bytes()
        part.write_bytes(data[:-5] + b"?" + data[-4:])
        async with gate(place) as second:
            assert "differs from what was written" in await said(second, "not_refilled")


async def test_a_cut_while_the_recording_is_read_holds(tmp_path, key):
    async with gate(tmp_path / "first") as first:
        await feed(first, key, tmp_path / "first")
        async with gate(leave(tmp_path / "first", tmp_path / "second")) as second:
            second.channels["main"].cut("ann")  # before the thread's answer can have come
            assert "the channel is cut" in await said(second, "not_refilled")
            assert not len(second.channels["main"].gate.ring)


async def test_a_stop_while_the_recording_is_read_takes_nothing(tmp_path, key):
    async with gate(tmp_path / "first") as first:
        await feed(first, key, tmp_path / "first")
        async with gate(leave(tmp_path / "first", tmp_path / "second")) as second:
            channel = second.channels["main"]
            channel.stop("ann")
            channel.start("ann")
            await asyncio.sleep(0.5)
            assert not len(channel.gate.ring)


async def test_a_command_that_could_not_be_remembered_forgets_the_tail(tmp_path, key, monkeypatch):
    async with gate(tmp_path / "first") as first:
        await feed(first, key, tmp_path / "first")
        monkeypatch.setattr(Memory, "save", lambda *_: False)
        first.channels["main"].dump(5, "ann")
        assert not (tmp_path / "first" / "run" / "tail" / "main").exists()


@pytest.fixture
def keys(tmp_path, key):
    return key, ChannelStore(tmp_path / "first").rotate_standby_key("main")[1]


async def test_the_standbys_ring_holds_again_what_was_recorded_of_it(tmp_path, keys):
    async with gate(tmp_path / "first") as first:
        await feed(first, keys[0], tmp_path / "first")
        sent = await feed(first, keys[1], tmp_path / "first", stream=2, tail="main-standby")
        held = list(first.channels["main"].gate.standby.ring._held)
        first.channels["main"].air_backup("standby", "ann")
        first.channels["main"].tick()  # once a second: that its encoder is there
        place = leave(tmp_path / "first", tmp_path / "second")
        async with gate(place) as second:
            text = await said(second, "standby_refilled")
            await said(second, "refilled")
            channel = second.channels["main"]
            back = list(channel.gate.standby.ring._held)
            assert "of the standby camera from its recording" in text
            assert [one.packet for one in back] == sent[: len(back)]
            assert len(back) >= 2 * 25 * 3
            assert [one.arrival for one in back] == [one.arrival for one in held[: len(back)]]
            assert {one.run for one in back} == {STANDBY_REFILLED}
            assert len(channel.gate.ring), "and so does the main camera's"
            assert (channel.status().camera, channel.status().standby.connected) == ("standby", False)
            assert channel.status().standby.since_s is not None, "an earlier process knew it"
            await until(lambda: channel.gate.clip(SLATE, FEED) is not None)
            assert not (place / "run" / "tail" / "main-standby").exists(), "a third process is not offered it"


async def test_a_cut_keeps_the_standbys_recording_away_too(tmp_path, keys):
    async with gate(tmp_path / "first") as first:
        await feed(first, keys[0], tmp_path / "first")
        await feed(first, keys[1], tmp_path / "first", stream=2, tail="main-standby")
        first.channels["main"].cut("ann")
        async with gate(leave(tmp_path / "first", tmp_path / "second")) as second:
            assert "the channel is cut" in await said(second, "standby_not_refilled")
            assert not len(second.channels["main"].gate.standby.ring)


async def test_a_command_that_could_not_be_remembered_forgets_the_standbys_tail(tmp_path, keys, monkeypatch):
    async with gate(tmp_path / "first") as first:
        await feed(first, keys[0], tmp_path / "first")
        await feed(first, keys[1], tmp_path / "first", stream=2, tail="main-standby")
        monkeypatch.setattr(Memory, "save", lambda *_: False)
        first.channels["main"].dump(5, "ann")
        assert not (tmp_path / "first" / "run" / "tail" / "main-standby").exists()


@pytest.mark.parametrize("aired", [False, True])
async def test_what_a_kill_cost_the_standbys_recording_is_a_gap_and_an_incident_if_it_aired(
    tmp_path, keys, aired
):
    """Its encoder had been there for long, and the process had written nothing of it for some seconds."""
    async with gate(tmp_path / "first") as first:
        await feed(first, keys[0], tmp_path / "first")
        await feed(first, keys[1], tmp_path / "first", stream=2, tail="main-standby")
        channel = first.channels["main"]
        channel.standby.fed_at = wall_s() + 20
        channel.standby_aired = aired
        channel._remember()
        async with gate(leave(tmp_path / "first", tmp_path / "second")) as second:
            code = "archive_gap" if aired else "standby_archive_gap"
            text = await said(second, code)
            assert text.startswith("standby camera: ")
            assert (NOTICES.get(code) == "gap") == aired
    (gap,) = [
        line.gap
        for day in (tmp_path / "second" / "archive" / "main-standby").iterdir()
        for line in read_index(day)
        if line.gap is not None
    ]
    assert gap.reason == "gate_killed"
    assert 15 < gap.seconds < 25


async def test_a_standby_whose_recording_fails_or_that_cannot_air_is_a_warning(tmp_path, keys, monkeypatch):
    async with gate(tmp_path / "first") as first:
        channel = first.channels["main"]
        first.publish(Publish(2, hashlib.sha256(keys[1].encode()).hexdigest(), "127.0.0.1:5", "OBS"))
        first.format(2, FeedFormat(None, AUDIO))
        failed = ArchiveStatus(state="failed", error="no space")
        monkeypatch.setattr(channel.standby.archive, "status", lambda: failed)
        warnings = channel.status().standby.warnings
        assert [one.code for one in warnings] == ["standby_archive_failed", "standby_no_picture"]
        assert all(one.text.startswith("standby camera: ") for one in warnings)
        assert "no space" in warnings[0].text
        assert not channel.status().ingest.warnings
        assert not channel.standby.ready


async def test_a_standby_that_never_came_is_no_word_after_a_kill(tmp_path, keys):
    async with gate(tmp_path / "first") as first:
        await feed(first, keys[0], tmp_path / "first")
        async with gate(leave(tmp_path / "first", tmp_path / "second")) as second:
            await said(second, "refilled")
            assert not [line.code for line in second.log if line.code.startswith("standby")]
            assert second.channels["main"].status().standby.since_s is None


async def test_a_channel_whose_name_ends_like_a_standbys_keeps_its_own_tail(tmp_path, key):
    other = ChannelStore(tmp_path / "first").add("main-standby")[1]
    async with gate(tmp_path / "first") as first:
        await feed(first, other, tmp_path / "first", tail="main-standby")
        async with gate(leave(tmp_path / "first", tmp_path / "second")) as second:
            await said(second, "refilled")
            assert len(second.channels["main-standby"].gate.ring)


def test_a_memory_knows_whether_it_is_the_process_s_own(tmp_path):
    path = tmp_path / "state" / "main"
    first = Memory(path, owner="a")
    assert not first.is_own
    assert first.save(ChannelMemory(on_air=True, settled_us=5))
    data = path.read_bytes()
    assert Memory(path, owner="a").is_own
    assert not Memory(path, owner="another").is_own
    assert not Memory(tmp_path / "other", owner="a", copy=data).is_own
    path.write_bytes(b"\xff" * len(data))
    assert not Memory(path, owner="a", copy=data).is_own
