"""The gate process in one piece: real sockets, real store, a channel that is fed and commanded."""

import asyncio
import contextlib
import hashlib
import json
import os
from collections import Counter

import msgspec
import pytest
from fakes import clips_media
from fakes.media import AUDIO, AVCC, audio, video, video_track
from fakes.rtmp_peer import Peer
from websockets.asyncio.client import unix_connect

from streamgate.clock import now_us
from streamgate.core.notice_limit import AT_ONCE
from streamgate.core.packet import AudioTrack, FeedFormat, VideoTrack
from streamgate.errors import Refused
from streamgate.ledger.read import read
from streamgate.ledger.record import Refusal
from streamgate.ledger.verify import verify
from streamgate.link import messages as m
from streamgate.link.client import call
from streamgate.link.wire import FrameReader, encode_json, encode_packet_head
from streamgate.playout import channel, clip_file, marks, media_server
from streamgate.playout.control_server import ControlServer
from streamgate.playout.station import Station
from streamgate.runtime.channels import ChannelStore
from streamgate.runtime.destinations import Entry
from streamgate.runtime.service import Services

FEED = FeedFormat(video_track(AVCC[0]), AUDIO)


class Link:
    """A peer on the media socket, speaking the link's own protocol."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._frames = FrameReader()
        self._waiting: list = []

    def tell(self, message: msgspec.Struct) -> None:
        self.writer.write(encode_json(msgspec.json.encode(message)))

    def send(self, stream: int, packet) -> None:
        self.writer.write(encode_packet_head(stream, packet) + packet.data)

    async def hear(self):
        """The next message or (stream, packet); None at the end."""
        while not self._waiting:
            data = await asyncio.wait_for(self.reader.read(65536), 5)
            if not data:
                return None
            self._waiting += self._frames.feed(data)
        frame = self._waiting.pop(0)
        return msgspec.json.decode(frame, type=m.AnyMedia) if isinstance(frame, bytes) else frame


class GateProcess:
    def __init__(self, data_dir, station: Station) -> None:
        self.data_dir, self.station = data_dir, station
        self.control = data_dir / "run" / "gate.sock"
        self.links: list[Link] = []

    async def connect(self) -> Link:
        link = Link(*await asyncio.open_unix_connection(str(self.data_dir / "run" / "media.sock")))
        self.links.append(link)
        return link

    async def close(self) -> None:
        for link in self.links:
            link.writer.close()
            with contextlib.suppress(ConnectionError):
                await link.writer.wait_closed()

    async def link(self, role: str) -> Link:
        link = await self.connect()
        link.tell(m.Hello(role))
        assert await link.hear() == m.Hello("gate")
        return link

    async def publish(self, link: Link, key: str, stream: int = 1) -> m.PublishReply:
        digest = hashlib.sha256(key.encode()).hexdigest()
        link.tell(m.Publish(stream, digest, "127.0.0.1:5", "OBS"))
        return await link.hear()

    async def ask(self, request) -> m.Reply:
        return await call(self.control, request)

    async def status(self) -> m.ChannelStatus:
        return (await self.ask(m.GetStatus(1))).channels[0]


@pytest.fixture
def store(tmp_path):
    return ChannelStore(tmp_path)


@pytest.fixture
async def gate(tmp_path, store):
    backup = tmp_path / "hills.png"
    backup.write_bytes(b"not looked at here")
    _, key = store.add("main", backups=[backup])
    (tmp_path / "run").mkdir(exist_ok=True)
    async with asyncio.TaskGroup() as group:
        services = Services(group)
        station = Station(
            tmp_path,
            tmp_path / "run",
            services=services,
            retention_days=60,
            max_ring_bytes=1 << 26,
            no_input_stop_s=0,
        )
        station.load()
        control = ControlServer(station)
        services.start("channel files", station.follow_files)
        server = await media_server.serve(tmp_path / "run" / "media.sock", station)
        async with await control.listen(tmp_path / "run" / "gate.sock"):
            services.start("states", control.push_states)
            process = GateProcess(tmp_path, station)
            process.key = key
            yield process
            await process.close()
            await station.close()
        server.close()
        services.cancel()


async def test_a_publish_begins_a_broadcast_and_a_second_one_is_refused(gate):
    link = await gate.link("ingest")
    assert (await gate.publish(link, gate.key)).code == "ok"
    assert (await gate.status()).state == "filling"
    busy = await gate.publish(link, gate.key, stream=2)
    assert (busy.code, busy.channel) == ("busy", "main")
    unknown = await gate.publish(link, "guess", stream=3)
    assert unknown.code == "unknown_key"
    assert "guess" not in unknown.reason


async def test_a_wrong_key_is_told_to_operators_once_a_minute_with_the_address_and_never_the_key(gate):
    link = await gate.link("ingest")
    for stream in range(1, 13):
        await gate.publish(link, "guess", stream)
    (line,) = [line for line in gate.station.log if line.code == "wrong_key"]
    assert (line.channel, line.level) == ("", "warning")
    assert line.text == "an encoder at 127.0.0.1 uses an unknown stream key (tries: 1); give it the right key"
    assert "127.0.0.1 的编码器使用了未知的推流密钥（1 次）" in line.text_zh
    assert "guess" not in str(line)


async def test_an_encoder_that_still_publishes_after_stop_does_not_begin_again(gate):
    link = await gate.link("ingest")
    await gate.publish(link, gate.key)
    await gate.ask(m.Stop(1, channel="main"))
    link.tell(m.Format(1, FEED))
    link.send(1, video(0, gop=25))
    link.tell(m.Publish(2, hashlib.sha256(gate.key.encode()).hexdigest(), "p", "OBS", fresh=False))
    await link.hear()
    assert (await gate.status()).state == "stopped"
    await gate.ask(m.Start(2, channel="main"))
    assert (await gate.status()).state == "filling"


async def test_what_the_ingest_sends_is_seen_by_a_preview_from_a_keyframe_on(gate):
    link = await gate.link("ingest")
    await gate.publish(link, gate.key)
    link.tell(m.Format(1, FEED))
    for n in range(3):
        link.send(1, video(n, gop=25))
    console = await gate.link("console")
    await gate.status()
    console.tell(m.Subscribe(7, "main", "pvw"))
    assert await console.hear() == m.Format(7, FEED)
    for n in range(24, 28):
        link.send(1, video(n, gop=25))
    stream, first = await console.hear()
    assert (stream, first.data, first.keyframe) == (7, b"v25", True)


async def test_a_lost_ingest_process_is_told_and_its_encoders_are_gone(gate):
    link = await gate.link("ingest")
    await gate.publish(link, gate.key)
    assert (await gate.ask(m.GetStatus(1))).ingest_up is True
    link.writer.close()
    for _ in range(100):
        if (await gate.ask(m.GetStatus(1))).ingest_up is False:
            break
        await asyncio.sleep(0.01)
    assert (await gate.status()).state == "no_input"


@pytest.mark.parametrize(
    "bytes_",
    [b"\0\0\0\0\0", b"\xff" * 64, encode_json(b'{"t":"publish"}'), encode_json(b"{}"), encode_json(b"\xff")],
)
async def test_a_broken_media_link_is_ended_and_nothing_else_happens(gate, bytes_):
    link = await gate.connect()
    assert await link.hear() == m.Hello("gate")
    link.writer.write(bytes_)
    with contextlib.suppress(ConnectionResetError):
        assert await link.hear() is None
    assert (await gate.status()).state == "stopped"


@pytest.mark.parametrize(
    "message", ["", "[]", '{"cmd":"cut"}', '{"cmd":"explode","id":1}', '{"cmd":"cut","id":1,"x":2}']
)
async def test_a_request_that_is_not_understood_is_answered_in_words(gate, message):
    async with unix_connect(str(gate.control), uri="ws://localhost/", proxy=None) as socket:
        await socket.send(message)
        assert "not understood" in json.loads(await socket.recv())["error"]
        await socket.send('{"cmd":"status","id":2,"v":99}')
        assert "version 99" in json.loads(await socket.recv())["error"]
    assert (await gate.status()).state == "stopped"


async def test_commands_are_carried_out_named_in_the_log_and_refused_in_words(gate):
    link = await gate.link("ingest")
    await gate.publish(link, gate.key)
    answers = [
        await gate.ask(m.Cut(1, actor="cli:ann", channel="main")),
        await gate.ask(m.Restore(2, actor="cli:ann", channel="main")),
        await gate.ask(m.Backup(3, actor="cli:ben", channel="main")),
        await gate.ask(m.Live(4, actor="cli:ben", channel="main")),
        await gate.ask(m.Dump(5, actor="cli:ann", channel="main", seconds=4)),
    ]
    assert [a.state for a in answers] == ["cut", "filling", "backup", "filling", "filling"]
    assert all(a.took_ms < 100 for a in answers)
    for request, words in (
        (m.Restore(6, channel="main"), "nothing is cut"),
        (m.Dump(7, channel="main", seconds=31), "at most the delay"),
        (m.Backup(8, channel="main", clip="sea"), "clips are: hills.png"),
        (m.Cut(9, channel="aula"), "channels are: main"),
        (m.Start(10, channel="main"), "on air already"),
    ):
        with pytest.raises(Refused, match=words):
            await gate.ask(request)
    lines = [(line.actor, line.code) for line in gate.station.log]
    for expected in (("cli:ann", "cut"), ("cli:ann", "restore"), ("cli:ben", "backup"), ("cli:ann", "dump")):
        assert expected in lines


async def test_spans_are_condemned_moved_and_lifted(gate):
    link = await gate.link("ingest")
    await gate.publish(link, gate.key)
    who = {"actor": "console:ann", "channel": "main"}
    made = await gate.ask(m.Condemn(1, **who, from_s=-12.5, to_s=-8, reason="a slip"))
    assert (made.marked.span, made.marked.kind, made.marked.open_end) == ("s1", "condemn", True)
    assert (round(made.marked.from_s, 1), made.marked.to_s) == (-12.5, 0)
    at = made.marked.from_at
    grown = await gate.ask(m.Move(2, **who, span="s1", from_at=at - 2, to_at=at + 5))
    assert grown.marked.from_at == pytest.approx(at - 2, abs=0.01)
    before = gate.station.channels["main"].gate.spans.get("s1")
    kept = before.start, before.end
    for _ in range(5):  # by so little that it counts as the same ends
        told = (await gate.status()).spans[0]
        await gate.ask(m.Move(2, **who, span="s1", from_at=told.from_at + 0.0015, to_at=told.to_at))
    assert before.start <= kept[0]
    muted = await gate.ask(m.Redact(3, **who, from_s=-3, to_s=-1, with_="mute"))
    dumped = await gate.ask(m.Dump(4, **who, reaction_s=0.7))
    assert (dumped.marked.seconds, dumped.marked.channel_s, dumped.marked.reaction_s) == (10.7, 10.0, 0.7)
    spans = {one.id: one for one in (await gate.status()).spans}
    assert {one.id: one.kind for one in spans.values()} == {"s1": "condemn", "s2": "mute", "s3": "dump"}
    assert (spans["s1"].actor, spans["s1"].reason) == ("console:ann", "a slip")
    assert 15 < spans["s1"].starts_in_s < 15.6
    for request, words in (
        (m.Move(5, **who, span="s1", from_s=-11, to_s=-8), "right to restore"),
        (m.Lift(6, **who, span="s9"), "spans are: s1, s2, s3"),
        (m.Uncut(7, **who), "nothing is cut"),
        (m.Condemn(8, **who, from_s=-5), "its beginning and its end"),
        (m.Condemn(9, **who, from_s=-5, to_s=-6), "must end after it begins"),
        (m.Condemn(10, **who, from_s=-5000, to_s=-1), "allowed are -1200 to 0"),
    ):
        with pytest.raises(Refused, match=words):
            await gate.ask(request)
    shrunk = await gate.ask(m.Move(11, **who, span="s1", from_s=-11, to_s=-8, may_uncover=True))
    assert round(shrunk.marked.from_s, 1) == -11
    assert (await gate.ask(m.Lift(12, **who, span=muted.marked.span))).marked.span == "s2"
    await gate.ask(m.Cut(13, **who))
    assert (await gate.ask(m.Uncut(14, **who, reason="wrong key"))).state == "filling"
    assert [one.id for one in (await gate.status()).spans] == ["s1", "s3"]


async def recorded(gate, kind):
    """The records of a kind, when all that was said so far is on disk."""
    await asyncio.wrap_future(gate.station.ledger.written(Refusal(who="test")))
    return list(read(gate.data_dir / "ledger", kind=kind))


async def test_every_request_stands_in_the_ledger_with_its_arguments_and_its_answer(gate):
    await gate.ask(m.Start(1, actor="cli:ann", channel="main"))
    await gate.ask(
        m.Dump(
            2,
            actor="console:ben",
            role="operator",
            origin="192.0.2.7",
            channel="main",
            reason="a slip",
            seconds=4.5,
        )
    )
    for request in (m.Backup(3, actor="cli:ann", channel="main", clip="sea"), m.Cut(4, channel="aula")):
        with pytest.raises(Refused):
            await gate.ask(request)
    await gate.ask(m.Note(5, actor="archive", what=m.Warn("archive_gap", "a gap", "缺口")))
    async with unix_connect(str(gate.control), uri="ws://localhost/", proxy=None) as socket:
        await socket.send("explode")
        await socket.recv()
        await socket.send('{"cmd":"status","id":2}')
        await socket.recv()
        await socket.send('{"cmd":"watch","id":3}')
        await socket.recv()
    found = await recorded(gate, "command")
    assert all(0 <= record.pop("latency_ms", 0) < 100 for record in found)
    plain = [
        {k: v for k, v in one.items() if k not in ("at", "mono_us", "boot", "n", "prev", "hash")}
        for one in found
    ]
    assert [one.pop("kind") for one in plain] == ["command"] * 6
    proof = {name: plain[1]["args"].pop(name) for name in ("first_us", "last_us", "past_us")}
    assert proof["last_us"] - proof["first_us"] == 4_500_000
    assert plain[:2] == [
        {"who": "cli:ann", "channel": "main", "what": "start", "answer": "no_input"},
        {
            "who": "console:ben",
            "role": "operator",
            "from": "192.0.2.7",
            "channel": "main",
            "what": "dump",
            "args": {"seconds": 4.5, "span": "s1", "kind": "dump"},
            "reason": "a slip",
            "answer": "no_input",
        },
    ]
    assert plain[2]["args"] == {"clip": "sea"}
    assert "there is no backup clip sea" in plain[2]["error"]
    assert (plain[3]["who"], plain[3]["channel"]) == ("control", "aula")
    assert "channels are: main" in plain[3]["error"]
    assert plain[4]["args"]["what"]["code"] == "archive_gap"
    assert (plain[5]["what"], plain[5]["who"]) == ("unknown", "control")
    codes = {record["code"] for record in await recorded(gate, "notice")}
    assert {"on_air", "dump", "refused", "archive_gap"} <= codes
    assert verify(gate.data_dir).ok


async def test_changed_settings_stand_in_the_ledger_old_and_new_without_any_secret(gate, store):
    store.set("main", delay_s=45, add_push=["rtmp://127.0.0.1:9/app/secretkey"])
    await gate.ask(m.Reload(1, actor="cli:ann"))
    store.rotate_key("main")
    store.add("aula")
    await gate.ask(m.Reload(2, actor="cli:ben"))
    store.remove("aula")
    await gate.ask(m.Reload(3, actor="cli:ben"))
    found = [(one["who"], one["channel"], one["name"]) for one in await recorded(gate, "setting")]
    assert found == [
        ("cli:ann", "main", "delay_s"),
        ("cli:ann", "main", "destinations"),
        ("cli:ben", "main", "stream_key"),
        ("cli:ben", "aula", "channel"),
        ("cli:ben", "aula", "channel"),
    ]
    delay, destinations, _, added, removed = await recorded(gate, "setting")
    assert (delay["old"], delay["new"]) == (30, 45)
    assert (destinations.get("old", []), destinations["new"][0]["url"]) == ([], "rtmp://127.0.0.1:9/app/***")
    assert ("old" in added, "new" in removed) == (False, False)
    everything = b"".join(path.read_bytes() for path in (gate.data_dir / "ledger").rglob("*.jsonl"))
    assert b"secretkey" not in everything
    assert store.load_all().channels[0].key_hash.encode() not in everything


async def test_a_ledger_that_cannot_be_written_is_an_alarm_and_no_command_waits(gate):
    (gate.data_dir / "ledger").rename(gate.data_dir / "away")
    (gate.data_dir / "ledger").touch()
    await gate.ask(m.Start(1, actor="cli:ann", channel="main"))
    cut = await gate.ask(m.Cut(2, actor="cli:ann", channel="main"))
    assert (cut.state, cut.took_ms < 100) == ("cut", True)
    async with asyncio.timeout(5):
        while [warn.code for warn in gate.station.warnings()] != ["ledger_failed"]:
            await asyncio.sleep(0.02)
    (gate.data_dir / "ledger").unlink()
    (gate.data_dir / "away").rename(gate.data_dir / "ledger")
    async with asyncio.timeout(5):
        while gate.station.warnings():
            await asyncio.sleep(0.02)
    assert [one["what"] for one in await recorded(gate, "command")] == ["start", "cut"]
    assert {"ledger_failed", "ledger_ok"} <= {one["code"] for one in await recorded(gate, "notice")}
    assert verify(gate.data_dir).ok


async def test_a_watcher_sees_every_change_with_its_log_lines(gate):
    async with unix_connect(str(gate.control), uri="ws://localhost/", proxy=None) as socket:
        await socket.send('{"cmd":"watch","id":1}')
        assert json.loads(await socket.recv())["channels"][0]["state"] == "stopped"
        await gate.ask(m.Start(1, actor="cli:ann", channel="main"))
        while (push := json.loads(await asyncio.wait_for(socket.recv(), 3)))["channels"][0][
            "state"
        ] == "stopped":
            pass
        codes = [line["code"] for line in push["log"]]
        assert "on_air" in codes


async def test_reload_adds_changes_and_removes_channels_while_running(gate, store):
    store.add("aula", push=["rtmp://127.0.0.1:9/app/secretkey"])
    store.set("main", delay_s=45)
    await gate.ask(m.Reload(1, actor="cli:ann"))
    main, aula = (await gate.ask(m.GetStatus(2))).channels
    assert (main.name, main.delay_s, aula.name) == ("main", 45, "aula")
    assert "secretkey" not in str(aula)
    store.remove("aula")
    await gate.ask(m.Reload(3))
    assert [c.name for c in (await gate.ask(m.GetStatus(4))).channels] == ["main"]


async def test_a_hand_edited_delay_below_the_floor_is_not_loaded(gate, store, tmp_path):
    file = tmp_path / "channels" / "main.json"
    file.write_text(file.read_text().replace('"delay_s": 30.0', '"delay_s": 5.0'))
    await gate.ask(m.Reload(1))
    assert (await gate.status()).delay_s == 30
    assert any(line.code == "channel_bad" and "R1" in line.text for line in gate.station.log)


async def test_a_new_key_ends_the_encoder_that_used_the_old_one(gate, store):
    link = await gate.link("ingest")
    await gate.publish(link, gate.key)
    _, key = store.rotate_key("main")
    await gate.ask(m.Reload(1))
    kick = await link.hear()
    assert isinstance(kick, m.Kick)
    assert (await gate.publish(link, gate.key, stream=2)).code == "unknown_key"
    assert (await gate.publish(link, key, stream=3)).code == "ok"


async def test_a_cut_outlives_the_process(gate, tmp_path):
    link = await gate.link("ingest")
    await gate.publish(link, gate.key)
    await gate.ask(m.Cut(1, actor="cli:ann", channel="main", reason="a slip"))
    state = (tmp_path / "run" / "state" / "main").read_bytes()  # as it stands when the process is killed now
    other = tmp_path / "other"
    (other / "run" / "state").mkdir(parents=True)
    (other / "run" / "state" / "main").write_bytes(state)
    (other / "channels").mkdir()
    (other / "channels" / "main.json").write_bytes((tmp_path / "channels" / "main.json").read_bytes())
    async with asyncio.TaskGroup() as group:
        services = Services(group)
        station = Station(
            other,
            other / "run",
            services=services,
            retention_days=60,
            max_ring_bytes=1 << 26,
            no_input_stop_s=0,
        )
        station.load()
        status = station.channels["main"].status()
        assert (status.state, status.requested) == ("cut", "cut")
        assert status.cut == m.CutStatus("cli:ann", None, "a slip")
        await station.close()
        services.cancel()


@pytest.mark.parametrize(("clean", "state"), [(False, "stopped"), (True, "filling")])
async def test_after_stop_only_an_encoder_that_said_goodbye_begins_again(gate, clean, state):
    link = await gate.link("ingest")
    await gate.publish(link, gate.key)
    await gate.ask(m.Stop(1, channel="main"))
    link.tell(m.Gone(1, "lost", clean))
    assert (await gate.publish(link, gate.key, stream=2)).code == "ok"
    assert (await gate.status()).state == state


async def test_a_refused_command_stands_in_the_log_with_its_reason_and_who_asked(gate):
    with pytest.raises(Refused):
        await gate.ask(m.Cut(1, actor="cli:ann", channel="main"))
    line = gate.station.log[-1]
    assert (line.code, line.actor, line.channel) == ("refused", "cli:ann", "main")
    assert "not on air" in line.text
    assert "未在播出" in line.text_zh


async def test_what_changed_in_the_settings_is_said_without_keys(gate, store):
    store.set("main", delay_s=45, add_push=["home=rtmp://127.0.0.1:9/app/secretkey"])
    await gate.ask(m.Reload(1, actor="cli:ann"))
    line = next(line for line in gate.station.log if line.code == "channel_changed")
    text = line.text
    assert line.text_zh == "设置已更改：延时 30 -> 45 秒；目的地：home"
    assert "delay 30 -> 45 s" in text
    assert "destinations: home" in text
    assert "secretkey" not in text


async def test_a_backup_file_that_was_replaced_is_made_anew(gate, store, tmp_path):
    from PIL import Image

    Image.new("RGB", (64, 36), "navy").save(tmp_path / "hills.png")
    link = await gate.link("ingest")
    await gate.publish(link, gate.key)
    link.tell(m.Format(1, FEED))
    channel = gate.station.channels["main"]

    async def made(other_than=None):
        for _ in range(600):
            clip = channel.gate.clip("hills.png", FEED)
            if clip is not None and clip is not other_than:
                return clip
            await asyncio.sleep(0.02)
        raise AssertionError("no clip")

    first = await made()
    Image.new("RGB", (128, 72), "teal").save(tmp_path / "hills.png")
    store.set("main", delay_s=31)
    await gate.ask(m.Reload(1))
    second = await made(other_than=first)
    assert bytes(first.video(0)[0]) != bytes(second.video(0)[0])


async def test_a_clip_whose_file_was_cut_short_on_air_is_made_anew(gate, store, tmp_path, monkeypatch):
    for name, value in (("WHOLE_BYTES", 4096), ("CHUNK", 4096), ("_HEAD", 1), ("AHEAD", 4)):
        monkeypatch.setattr(clip_file, name, value)
    movie = clips_media.write_movie(tmp_path / "film.mp4", seconds=4)
    store.set("main", add_backups=[movie], remove_backups=[tmp_path / "hills.png"])
    await gate.ask(m.Reload(1))
    link = await gate.link("ingest")
    await gate.publish(link, gate.key)
    link.tell(m.Format(1, FEED))
    channel = gate.station.channels["main"]

    async def eventually(condition):
        async with asyncio.timeout(20):
            while not condition():
                channel.tick()
                await asyncio.sleep(0.05)

    await eventually(lambda: channel.gate.clip("film.mp4", FEED) is not None)
    first = channel.gate.clip("film.mp4", FEED)
    await gate.ask(m.Backup(1, channel="main"))
    await eventually(lambda: channel.gate.filler_name == "film.mp4")
    for file in (tmp_path / "cache").glob("*.clip"):
        os.truncate(file, 3 * 4096)
    await eventually(lambda: first.broken)
    await eventually(lambda: channel.gate.clip("film.mp4", FEED) not in (None, first))
    await eventually(lambda: channel.gate.filler_name == "film.mp4")
    said = [line.text for line in gate.station.log if line.code == "clip_failed"]
    assert len(said) == 1
    assert "was damaged while in use" in said[0]


@contextlib.asynccontextmanager
async def next_process(tmp_path, **changes):
    """A gate that begins with what the one before left in the data directory."""
    async with asyncio.TaskGroup() as group:
        services = Services(group)
        options = {"retention_days": 60, "max_ring_bytes": 1 << 26, "no_input_stop_s": 1800, **changes}
        station = Station(tmp_path, tmp_path / "run", services=services, **options)
        station.load()
        yield station
        await station.close()
        services.cancel()


def let_in(station, key):
    digest = hashlib.sha256(key.encode()).hexdigest()
    return station.publish(m.Publish(99, digest, "127.0.0.1:5", "OBS"))


async def test_an_orderly_restart_does_not_undo_a_cut(tmp_path, store):
    _, key = store.add("main")
    async with next_process(tmp_path) as station:
        let_in(station, key)
        station.channels["main"].cut("cli:ann")
    async with next_process(tmp_path) as station:
        channel = station.channels["main"]
        assert channel.state() == "stopped"
        let_in(station, key)
        assert channel.state() == "cut"
        channel.restore("cli:ann")
        assert channel.state() == "filling"


async def test_a_person_who_starts_after_a_restart_starts_without_the_old_cut(tmp_path, store):
    _, key = store.add("main")
    async with next_process(tmp_path) as station:
        let_in(station, key)
        station.channels["main"].cut("cli:ann")
    async with next_process(tmp_path) as station:
        station.channels["main"].start("cli:ann")
        assert station.channels["main"].state() == "no_input"


async def test_a_broadcast_that_was_cut_short_long_ago_is_not_gone_on_with(tmp_path, store, monkeypatch):
    from streamgate.playout import memory

    config, _ = store.add("main")
    for age, state in ((10, "cut"), (4000, "stopped")):
        with monkeypatch.context() as then:
            then.setattr(memory, "now_us", lambda age=age: now_us() - age * 1_000_000)
            memory.Memory(tmp_path / "run" / "state" / "main", owner=config.created).save(
                memory.ChannelMemory(on_air=True, cut=True, cut_by="cli:ann")
            )
        async with next_process(tmp_path) as station:
            assert station.channels["main"].state() == state


async def test_a_channel_that_is_put_back_while_it_still_closes_is_remembered(tmp_path, store):
    from streamgate.playout.memory import Memory

    config, key = store.add("main")
    async with next_process(tmp_path) as station:
        let_in(station, key)
        store.remove("main")
        station.load()
        closing = next(task for task in asyncio.all_tasks() if task.get_name() == "close main")
        store.put_back(config)
        station.load()
        let_in(station, key)
        station.channels["main"].cut("cli:ann")
        await closing
        assert (tmp_path / "run" / "channels" / "main.json").exists()
        memory = Memory(tmp_path / "run" / "state" / "main", owner=config.created)
        assert (memory.loaded.on_air, memory.loaded.cut_by) == (True, "cli:ann")
        memory.close()


async def test_a_cut_is_remembered_before_anything_else_can_fail(tmp_path, store, monkeypatch):
    from streamgate.playout.memory import Memory

    _, key = store.add("main")
    async with next_process(tmp_path) as station:
        let_in(station, key)
        channel = station.channels["main"]
        seen = []
        monkeypatch.setattr(
            channel,
            "_pump",
            lambda: seen.append(
                Memory(tmp_path / "run" / "state" / "main", owner=channel.config.created).loaded.cut
            ),
        )
        channel.cut("cli:ann")
        assert seen == [True]
        monkeypatch.undo()


async def test_condemned_moments_that_have_aired_are_told_to_a_new_watcher_and_outlive_a_kill(
    tmp_path, store, monkeypatch
):
    later_s = [0.0]
    for module in (channel, marks):
        monkeypatch.setattr(module, "now_us", lambda: now_us() + round(later_s[0] * 1_000_000))
    _, key = store.add("main")
    told = [pytest.approx((120, 130), abs=2)]
    async with next_process(tmp_path) as station:
        let_in(station, key)
        main = station.channels["main"]
        later_s[0] = 100.0
        main.dump(10, "cli:ann")
        later_s[0] = 200.0
        main.tick()
        async with await ControlServer(station).listen(tmp_path / "run" / "gate.sock"):
            reply = await call(tmp_path / "run" / "gate.sock", m.Watch(1))
        assert reply.channels[0].spans == []  # past air
        assert reply.condemned["main"] == told
        killed = (tmp_path / "run" / "state" / "main").read_bytes()
    (tmp_path / "run" / "state" / "main").write_bytes(killed)
    async with next_process(tmp_path) as station:
        main = station.channels["main"]
        assert main.status().on_air_s == pytest.approx(200, abs=2)
        assert station.condemned() == {"main": told}
        main.cut("cli:ann")
        main.tick()
        assert station.condemned()["main"][1:] == [pytest.approx((200, 230), abs=2)]
        main.stop("cli:ann")
        assert station.condemned() == {}
        main.start("cli:ann")
        assert station.condemned() == {"main": []}


async def test_a_slate_that_failed_is_made_as_soon_as_it_can_be(tmp_path, store, monkeypatch):
    from streamgate.errors import MediaError
    from streamgate.playout import fillers
    from streamgate.playout.backup import ClipCache

    monkeypatch.setattr(fillers, "RETRY_PAUSES_S", (0.05,))
    made = ClipCache.get
    tries = []

    async def full_disk_at_first(self, *arguments):
        tries.append(arguments)
        if len(tries) < 4:
            raise MediaError("no room")
        return await made(self, *arguments)

    monkeypatch.setattr(ClipCache, "get", full_disk_at_first)
    _, key = store.add("main")
    async with next_process(tmp_path) as station:
        let_in(station, key)
        channel = station.channels["main"]
        station.format(99, FEED)
        async with asyncio.timeout(20):
            while channel.gate.header is None:
                await asyncio.sleep(0.02)
        assert [warn.code for warn in channel.status().warnings] == ["no_destination"]


async def test_a_feed_that_does_not_fit_is_a_warning_for_as_long_as_it_matters(tmp_path, store, monkeypatch):
    store.add("main")
    now = 0
    monkeypatch.setattr(channel, "now_us", lambda: now)
    async with next_process(tmp_path, max_ring_bytes=1 << 20) as station:
        one = station.get("main")

        def run(seconds, size):
            nonlocal now
            for _ in range(seconds):
                for n in range(25):
                    now += 40_000
                    one.packet(msgspec.structs.replace(video(n, gop=25), data=bytes(size)))
                one._pump()
                one.tick()

        def codes():
            return [warn.code for warn in one.status().warnings]

        def said():
            return [line.code for line in station.log if "overflow" in line.code]

        one.publish("p", "OBS", fresh=True)
        one.format(FEED)
        run(10, 1000)
        assert "overflow" not in codes()
        run(30, 10_000)
        assert "overflow" in codes()
        assert said() == ["overflow"]
        run(85, 100)  # the hole airs, and people may look for a while after it
        assert "overflow" in codes()
        run(10, 100)
        assert "overflow" not in codes()
        assert said() == ["overflow", "overflow_end"]


def not_fit(**changes):
    return FeedFormat(msgspec.structs.replace(FEED.video, **changes), AUDIO)


@pytest.mark.parametrize(
    ("feed", "code", "english", "chinese"),
    [
        (not_fit(codec="av1", config=b"av1C"), "picture_not_aired", "picture is AV1", "来流画面为 AV1"),
        (not_fit(codec="xyzw", config=b""), "picture_not_aired", "picture is xyzw", "来流画面为 xyzw"),
        (FeedFormat(FEED.video, AudioTrack("opus", b"", 48000, 2)), "sound_not_aired", "Opus", "Opus"),
        (FeedFormat(None, AUDIO), "no_picture", "sound and no picture", "没有画面"),
    ],
)
async def test_a_feed_that_cannot_air_is_told_once_and_as_long_as_it_lasts(
    gate, feed, code, english, chinese
):
    link = await gate.link("ingest")
    await gate.publish(link, gate.key)
    link.tell(m.Format(1, feed))
    for n in range(50):
        link.send(1, video(n, gop=25))
        link.send(1, audio(n))
    link.tell(m.Format(1, msgspec.structs.replace(feed)))
    status = await gate.status()
    (warn,) = [warn for warn in status.warnings if warn.code == code]
    assert english in warn.text
    assert chinese in warn.text_zh
    assert len([line for line in gate.station.log if line.code == code]) == 1
    assert status.state == "filling"
    airs = code == "sound_not_aired"
    assert (status.ring_bytes > 0) is airs
    assert (status.returns_in_s is not None) is airs
    assert status.ingest.packets == 100
    link.tell(m.Format(1, FEED))
    assert code not in [warn.code for warn in (await gate.status()).warnings]


async def test_before_its_picture_comes_filler_is_made_for_what_the_metadata_says(gate, monkeypatch):
    from streamgate.playout import fillers

    monkeypatch.setattr(fillers, "FORMAT_WAIT_S", 0.5)
    link = await gate.link("ingest")
    await gate.publish(link, gate.key)
    promised = FeedFormat(VideoTrack("h264", b"", 640, 360, 25, 1), AUDIO)
    link.tell(m.Health(1, 0, 0, [], "", promised))
    link.tell(m.Format(1, FeedFormat(None, AUDIO)))
    channel = gate.station.channels["main"]
    async with asyncio.timeout(20):
        while channel.gate.header is None:
            await asyncio.sleep(0.02)
    header = channel.gate.header
    assert (header.video.width, header.video.height, header.video.fps_num) == (640, 360, 25)
    assert header.audio == AUDIO


async def test_an_encoder_that_comes_and_goes_fills_neither_log_nor_ledger(gate, tmp_path):
    link = await gate.link("ingest")
    for stream in range(1, 201):
        assert (await gate.publish(link, gate.key, stream)).code == "ok"
        link.tell(m.Format(stream, not_fit(width=2 * stream)))
        link.tell(m.Gone(stream, "lost", clean=False))
    for number in range(30):
        for command in (m.Cut, m.Restore):
            await gate.ask(command(number, actor="cli:ann", channel="main"))
    station = gate.station
    station._sum_up(everything=True)
    counts = Counter(line.code for line in station.log)
    assert counts["publish"] == counts["gone"] == counts["format"] == AT_ONCE + 1
    summed = next(line for line in reversed(station.log) if line.code == "publish")
    assert summed.text.endswith(f"(… and {200 - AT_ONCE - 1} more like it)")
    assert f"另有 {200 - AT_ONCE - 1} 条同类消息" in summed.text_zh
    assert counts["cut"] == counts["restore"] == 30  # what people do is never summed up
    await asyncio.to_thread(station.ledger.close)
    assert len(list(read(tmp_path / "ledger", kind="notice"))) == len(station.log)


# ---------------------------------------------------------------- two people for a restore


@pytest.fixture
def by_two(store):
    _, key = store.add("main")
    store.set("main", restore_needs_two=True)
    return key


async def test_where_two_must_restore_one_alone_cannot(tmp_path, by_two):
    async with next_process(tmp_path) as station:
        let_in(station, by_two)
        channel = station.channels["main"]
        channel.cut("console:ann")
        assert channel.restore("console:ann", "false alarm") is False
        assert channel.restore("console:ann", "really") is False
        assert channel.state() == "cut"
        waiting = channel.status().waiting_restore
        assert (waiting.actor, waiting.reason, waiting.lapses_in_s > 50) == ("console:ann", "really", True)
        assert channel.restore("cli:root") is True
        assert channel.state() == "filling"
        assert channel.status().waiting_restore is None
        said = [(line.actor, line.code, line.text) for line in station.log if "restore" in line.code]
        assert said[-1][:2] == ("cli:root", "restore_by_two")
        assert "as ann asked" in said[-1][2]
        assert "(really)" in said[-1][2]


async def test_where_two_must_restore_two_must_lift_and_uncover(tmp_path, by_two):
    async with next_process(tmp_path) as station:
        let_in(station, by_two)
        channel = station.channels["main"]

        def mark(request, who):
            return channel.mark(request, f"console:{who}")

        span = mark(m.Condemn(1, channel="main", from_s=-20.0, to_s=-5.0), "ann").span
        lift = m.Lift(2, channel="main", span=span)
        wider = m.Move(3, channel="main", span=span, from_s=-22.0, to_s=-4.0)
        narrow = m.Move(4, channel="main", span=span, from_s=-18.0, to_s=-6.0, may_uncover=True)
        other = m.Move(5, channel="main", span=span, from_s=-16.0, to_s=-5.0, may_uncover=True)
        assert mark(lift, "ann") is None
        assert (channel.status().waiting_restore.what, channel.status().waiting_restore.span) == (
            "lift",
            span,
        )
        assert mark(narrow, "ben") is None, "another act begins anew"
        assert mark(wider, "ben") is not None, "what covers more needs nobody"
        moved = mark(other, "ann")
        assert (round(moved.from_s), round(moved.last_us / 1e6 - now_us() / 1e6)) == (-18, -5), (
            "what both left out"
        )
        channel.cut("console:ann")
        assert mark(m.Uncut(6, channel="main"), "ann") is None
        assert channel.restore("console:ben") is False, "a restore is another act"
        with pytest.raises(Refused, match="a token is none"):
            channel.mark(m.Uncut(7, channel="main"), "token:deck")
        assert mark(m.Uncut(8, channel="main"), "ann") is None
        assert mark(m.Uncut(9, channel="main"), "ben") is not None
        assert channel.state() == "filling"


async def test_where_two_must_restore_a_new_cut_a_token_and_a_stop_are_no_way_around(tmp_path, by_two):
    async with next_process(tmp_path) as station:
        let_in(station, by_two)
        channel = station.channels["main"]
        channel.cut("console:ann")
        channel.restore("console:ann", "false alarm")
        channel.cut("console:ann")  # what was asked for before it is void
        assert channel.restore("console:ben", "I agree") is False
        with pytest.raises(Refused, match="a token is none"):
            channel.restore("token:deck", "x")
        channel.stop("console:ann", "over")
        channel.start("console:ann")
        assert channel.state() == "cut"
    async with next_process(tmp_path) as station:  # nor is a restart
        channel = station.channels["main"]
        channel.start("console:ann")
        assert channel.state() == "cut"


async def test_the_status_says_who_cut_when_and_why(tmp_path, store):
    _, key = store.add("main")
    async with next_process(tmp_path) as station:
        let_in(station, key)
        channel = station.channels["main"]
        assert channel.status().cut is None
        channel.cut("console:ann", "a fight")
        channel.cut("console:ben", "again")  # the cut in force is ann's
        cut = channel.status().cut
        assert (cut.actor, cut.reason, cut.since_s < 5) == ("console:ann", "a fight", True)
        channel.restore("console:ann", "over")
        assert channel.status().cut is None
        channel.cut("console:ben")
        assert (channel.status().cut.actor, channel.status().cut.reason) == ("console:ben", "")
    async with next_process(tmp_path) as station:  # when it began was not kept
        let_in(station, key)
        channel = station.channels["main"]
        assert (channel.status().cut.actor, channel.status().cut.since_s) == ("console:ben", None)


async def test_a_reason_stands_in_the_log(tmp_path, store):
    _, key = store.add("main")
    async with next_process(tmp_path) as station:
        let_in(station, key)
        channel = station.channels["main"]
        channel.cut("console:ann")
        assert channel.restore("console:ann", "false alarm") is True
        line = next(line for line in station.log if line.code == "restore")
        assert line.text.endswith("(false alarm)")
        assert line.text_zh.endswith("（false alarm）")


async def test_an_approval_while_on_air_is_taken_over_at_once_and_said(gate, store):
    async with Peer() as peer:
        entry = Entry("console:alice", 1.0, alone=False)
        store.set("main", add_push=[f"yt={peer.url()}"], entry=entry)
        await gate.ask(m.Reload(1, actor="console:alice"))
        await gate.ask(m.Start(2, actor="console:alice", channel="main"))
        await asyncio.sleep(0.5)
        status = await gate.status()
        assert [one.state for one in status.destinations] == ["waiting"]
        assert "none_approved" in [warn.code for warn in status.warnings]
        assert peer.keys == []

        store.approve("main", "yt", by="console:bob", at=2.0, alone=False)
        await gate.ask(m.Reload(3, actor="console:bob"))
        async with asyncio.timeout(5):
            while [one.state for one in (await gate.status()).destinations] != ["live"]:
                await asyncio.sleep(0.02)
        assert len(peer.keys) == 1
        codes = [(line.code, line.actor) for line in gate.station.log_since(0)]
        assert ("destination_waiting", "console:alice") in codes
        assert ("destination_approved", "console:bob") in codes
        assert "none_approved" not in [warn.code for warn in (await gate.status()).warnings]
