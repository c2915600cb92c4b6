"""The command line against a real control socket; what stands behind that socket is played by the test."""

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import msgspec
import pytest
from typer.testing import CliRunner, Result
from websockets.sync.server import ServerConnection, unix_serve

from console.auth.tokens import SETUP, consume
from streamgate.cli import app
from streamgate.link import client
from streamgate.link.messages import (
    AnyRequest,
    ArchiveStatus,
    Backup,
    ChannelStatus,
    Condemn,
    Cut,
    DestinationStatus,
    Dump,
    GetStatus,
    IngestStatus,
    Lift,
    Live,
    Move,
    Push,
    Redact,
    Reload,
    Reply,
    Restore,
    Start,
    Stop,
    Uncut,
    Warn,
)
from streamgate.runtime.channels import ChannelStore, hash_key
from streamgate.runtime.datadir import DataDir, ServeInfo
from streamgate.runtime.destinations import Entry

ACTOR = f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
URL = "rtmp://127.0.0.1:1936/app/s3cret-key"
_REQUEST = msgspec.json.Decoder(AnyRequest)


class FakeGate:
    """Listens on a data directory's control socket, keeps what is asked, sends what `answer(request)` gives.

    Nothing to send: it hangs up.
    """

    def __init__(self, places: DataDir) -> None:
        self.requests: list[AnyRequest] = []
        self.answer: Callable[[AnyRequest], list[Reply | Push | str]] = lambda request: [
            Reply(request.id, channel="main", state="cut", took_ms=0.25)
        ]
        places.create()
        places.create_run()
        self._server = unix_serve(self._serve, str(places.control_socket), compression=None)
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()

    def _serve(self, connection: ServerConnection) -> None:
        for message in connection:
            request = _REQUEST.decode(message)
            self.requests.append(request)
            answers = self.answer(request)
            if not answers:
                return
            for answer in answers:
                connection.send(answer if isinstance(answer, str) else msgspec.json.encode(answer).decode())

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("STREAMGATE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def places(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path)


@pytest.fixture
def gate(places: DataDir) -> Iterator[FakeGate]:
    fake = FakeGate(places)
    yield fake
    fake.close()


@pytest.fixture
def run(places: DataDir) -> Callable[..., Result]:
    return lambda *arguments: CliRunner().invoke(app, ["--data-dir", str(places.root), *arguments])


def program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "streamgate", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


# ---------------------------------------------------------------- air


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["start", "main"], Start(1, actor=ACTOR, channel="main")),
        (["cut", "main"], Cut(1, actor=ACTOR, channel="main")),
        (["restore", "main"], Restore(1, actor=ACTOR, channel="main")),
        (["live", "main"], Live(1, actor=ACTOR, channel="main")),
        (["stop", "main"], Stop(1, actor=ACTOR, channel="main")),
        (["dump", "main", "--seconds", "5"], Dump(1, actor=ACTOR, channel="main", seconds=5)),
        (["dump", "main"], Dump(1, actor=ACTOR, channel="main", seconds=None)),
        (
            ["condemn", "main", "--from", "-12.5", "--to", "-8", "--reason", "why"],
            Condemn(1, actor=ACTOR, channel="main", from_s=-12.5, to_s=-8, reason="why"),
        ),
        (
            ["redact", "main", "--from", "-3", "--to", "0", "--with", "bleep"],
            Redact(1, actor=ACTOR, channel="main", from_s=-3, to_s=0, with_="bleep"),
        ),
        (
            ["redact", "main", "--from", "-3", "--to", "0", "--with", "mosaic", "--box", "0,0,0.5,1"],
            Redact(1, actor=ACTOR, channel="main", from_s=-3, to_s=0, with_="mosaic", box=(0, 0, 0.5, 1)),
        ),
        (
            ["move", "main", "s7", "--from", "-3", "--to", "-1"],
            Move(1, actor=ACTOR, channel="main", span="s7", from_s=-3, to_s=-1, may_uncover=True),
        ),
        (["lift", "main", "s7"], Lift(1, actor=ACTOR, channel="main", span="s7")),
        (["uncut", "main"], Uncut(1, actor=ACTOR, channel="main")),
        (["backup", "main"], Backup(1, actor=ACTOR, channel="main", clip="")),
        (["backup", "main", "standby"], Backup(1, actor=ACTOR, channel="main", clip="standby")),
    ],
)
def test_commands_reach_the_gate(
    run: Callable[..., Result], gate: FakeGate, arguments: list[str], expected: AnyRequest
) -> None:
    result = run(*arguments, "--json")

    assert gate.requests == [expected]
    assert json.loads(result.stdout) == {"channel": "main", "state": "cut", "took_ms": 0.25}
    assert (result.exit_code, result.stderr) == (0, "")


def test_a_command_for_people(run: Callable[..., Result], gate: FakeGate) -> None:
    assert run("cut", "main").stdout == "main: cut (0.2 ms)\n"
    assert len(gate.requests) == 1


def test_a_refusal_is_exit_1_with_the_gates_reason(run: Callable[..., Result], gate: FakeGate) -> None:
    gate.answer = lambda request: [Reply(request.id, error="there is no channel nope; channels are: main")]

    result = run("cut", "nope", "--json")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "streamgate: there is no channel nope; channels are: main\n"


def test_nobody_listens(run: Callable[..., Result], places: DataDir) -> None:
    result = run("cut", "main", "--json")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"streamgate: streamgate is not running in {places.root};"
        f" start it with: streamgate --data-dir {places.root} serve\n"
    )


def test_a_socket_left_by_a_dead_gate(run: Callable[..., Result], gate: FakeGate) -> None:
    gate.close()

    assert "is not running" in run("cut", "main").stderr


def test_pushed_states_before_the_answer_are_passed_over(run: Callable[..., Result], gate: FakeGate) -> None:
    gate.answer = lambda request: [
        Push([]),
        Reply(request.id + 1, error="of another question"),
        Reply(request.id, channel="main", state="live", took_ms=1),
    ]

    assert json.loads(run("live", "main", "--json").stdout)["state"] == "live"


def test_a_gate_that_hangs_up(run: Callable[..., Result], gate: FakeGate) -> None:
    gate.answer = lambda _: []

    result = run("cut", "main")

    assert result.exit_code == 1
    assert "hung up without an answer" in result.stderr


def test_a_gate_that_does_not_answer(
    run: Callable[..., Result], gate: FakeGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "OPEN_TIMEOUT_S", 0.1)
    monkeypatch.setattr(client, "REPLY_TIMEOUT_S", 0.1)
    gate.answer = lambda _: [Push([])]

    result = run("cut", "main")

    assert result.exit_code == 1
    assert "did not answer within 0.1 s" in result.stderr


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("{", "is not understood"),
        ('{"type":"other"}', "is not understood"),
        ('{"type":"reply","id":1,"v":2}', "the gate speaks version 2, this command 1"),
    ],
)
def test_a_gate_of_another_version(
    run: Callable[..., Result], gate: FakeGate, answer: str, expected: str
) -> None:
    gate.answer = lambda _: [answer]

    result = run("cut", "main")

    assert result.exit_code == 1
    assert expected in result.stderr


# ---------------------------------------------------------------- status


STATUS = ChannelStatus(
    name="main",
    state="filling",
    requested="live",
    delay_s=30.0,
    returns_in_s=12.5,
    ingest=IngestStatus(connected=True, video_codec="h264", width=1280, height=720, fps=30.0),
    destinations=[DestinationStatus("yt", "rtmp://127.0.0.1/app/***", "live", 2_500_000)],
    archive=ArchiveStatus("ok", bytes=3_000_000),
    warnings=[Warn("no_audio", "the feed has no sound", "无声音")],
)


def test_status_json(run: Callable[..., Result], gate: FakeGate) -> None:
    gate.answer = lambda request: [Reply(request.id, channels=[STATUS])]

    result = run("status", "--json")

    assert gate.requests == [GetStatus(1, actor=ACTOR)]
    assert json.loads(result.stdout) == {"channels": [msgspec.to_builtins(STATUS)], "warnings": []}
    channel = json.loads(result.stdout)["channels"][0]
    assert channel.keys() >= {
        *("name", "state", "requested", "delay_s", "lead_s", "returns_in_s"),
        *("ingest", "destinations", "archive"),
    }


def test_status_without_channels(run: Callable[..., Result], gate: FakeGate) -> None:
    gate.answer = lambda request: [Reply(request.id, channels=[])]

    assert json.loads(run("status", "--json").stdout) == {"channels": [], "warnings": []}
    assert "no channels yet" in run("status").stdout


def test_status_says_what_is_wrong_with_streamgate_itself(run: Callable[..., Result], gate: FakeGate) -> None:
    wrong = Warn("process_away", "the console process is away", "console 进程不可用", "alarm")
    gate.answer = lambda request: [Reply(request.id, channels=[], warnings=[wrong])]

    assert json.loads(run("status", "--json").stdout)["warnings"] == [msgspec.to_builtins(wrong)]
    assert "streamgate: the console process is away" in run("status").stdout


def test_status_table(run: Callable[..., Result], gate: FakeGate) -> None:
    gate.answer = lambda request: [Reply(request.id, channels=[STATUS])]

    table = run("status").stdout

    for text in ("main", "FILLING", "live in 12 s", "h264", "yt: live", "2.50 Mb/s", "the feed has no sound"):
        assert text in table


# ---------------------------------------------------------------- channels


def test_add_without_serve(run: Callable[..., Result], places: DataDir, tmp_path: Path) -> None:
    backup = tmp_path / "standby.mp4"
    backup.write_bytes(b"x")

    result = run("channel", "add", "main", "--delay", "30", "--push", URL, "--backup", str(backup), "--json")

    answer = json.loads(result.stdout)
    (channel,) = ChannelStore(places.root).load_all().channels
    assert answer.keys() == {"name", "rtmp_server", "stream_key"}
    assert (answer["name"], answer["rtmp_server"]) == ("main", "rtmp://127.0.0.1:1935/live")
    assert channel.key_hash == hash_key(answer["stream_key"])
    assert channel.destinations[0].url == URL
    assert channel.backups == (str(backup),)
    assert (result.exit_code, result.stderr) == (0, "")


def test_add_with_serve_takes_effect_at_once(
    run: Callable[..., Result], gate: FakeGate, places: DataDir
) -> None:
    places.write_serve(ServeInfo(os.getpid(), "127.0.0.1:40001", "127.0.0.1:40002"))
    seen: list[list[str]] = []

    def reload(request: AnyRequest) -> list[Reply | Push | str]:
        seen.append([channel.name for channel in ChannelStore(places.root).load_all().channels])
        return [Reply(request.id)]

    gate.answer = reload

    answer = json.loads(run("channel", "add", "main", "--json").stdout)

    assert answer["rtmp_server"] == "rtmp://127.0.0.1:40001/live"
    assert gate.requests == [Reload(1, actor=ACTOR)]
    assert seen == [["main"]]  # stored before the gate is told


def test_the_new_key_is_shown_even_if_the_gate_does_not_take_it_over(
    run: Callable[..., Result], gate: FakeGate, places: DataDir
) -> None:
    gate.answer = lambda request: [Reply(request.id, error="too many channels")]

    result = run("channel", "add", "main", "--json")

    key = json.loads(result.stdout)["stream_key"]
    assert ChannelStore(places.root).get("main").key_hash == hash_key(key)
    assert result.exit_code == 1
    assert (
        "the change is stored, but the running gate did not take it over: too many channels" in result.stderr
    )


def test_public_host_stands_in_the_server_address(run: Callable[..., Result], places: DataDir) -> None:
    places.create()
    places.create_run()
    places.toml.write_text('public_host = "gate.example.org"\nrtmp = "0.0.0.0:1999"\n')

    answer = json.loads(run("channel", "add", "main", "--json").stdout)

    assert answer["rtmp_server"] == "rtmp://gate.example.org:1999/live"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--delay", "10"], "rule R1 (Art. 16: at least 30 seconds)"),
        (["--delay", "601"], "too long"),
        (["--push", "http://h/app/s3cret-key"], "push URL"),
        (["--backup", "/nowhere.mp4"], "backup file /nowhere.mp4 does not exist"),
    ],
)
def test_add_refuses(
    run: Callable[..., Result], places: DataDir, arguments: list[str], expected: str
) -> None:
    result = run("channel", "add", "main", *arguments, "--json")

    assert (result.exit_code, result.stdout) == (1, "")
    assert expected in result.stderr
    assert "s3cret-key" not in result.stderr
    assert not (places.channels / "main.json").exists()


def test_list_shows_no_keys(run: Callable[..., Result], places: DataDir) -> None:
    key = json.loads(run("channel", "add", "main", "--push", f"yt={URL}", "--json").stdout)["stream_key"]
    run("channel", "add", "bad")
    path = places.channels / "bad.json"
    path.write_text(path.read_text().replace("30.0", "5"))

    listed, table = run("channel", "list", "--json").stdout, run("channel", "list").stdout

    answer = json.loads(listed)
    assert [channel["name"] for channel in answer["channels"]] == ["main"]
    assert answer["channels"][0]["destinations"] == [
        {
            "name": "yt",
            "url": "rtmp://127.0.0.1:1936/app/***",
            "split_headers": False,
            "approved": True,
            "entered_by": ACTOR,
            "approved_by": ACTOR,
        }
    ]
    assert [error["name"] for error in answer["errors"]] == ["bad"]
    assert "yt" in table
    assert "R1" in table
    for secret in ("s3cret-key", key, hash_key(key)):
        assert secret not in listed + table


def test_set(run: Callable[..., Result], places: DataDir) -> None:
    run("channel", "add", "main", "--push", f"one={URL}")

    result = run(
        *(
            "channel",
            "set",
            "main",
            "--delay",
            "60",
            "--remove-push",
            "one",
            "--push",
            "two=rtmp://h/a/k",
            "--json",
        )
    )

    assert json.loads(result.stdout)["delay_s"] == 60
    channel = ChannelStore(places.root).get("main")
    assert channel.delay_s == 60
    assert [one.name for one in channel.destinations] == ["two"]


def test_rotate_key(run: Callable[..., Result], places: DataDir) -> None:
    old = json.loads(run("channel", "add", "main", "--json").stdout)
    new = json.loads(run("channel", "rotate-key", "main", "--json").stdout)

    assert new["stream_key"] != old["stream_key"]
    assert new["rtmp_server"] == old["rtmp_server"]
    assert ChannelStore(places.root).get("main").key_hash == hash_key(new["stream_key"])


def test_a_channel_on_air_is_not_removed(run: Callable[..., Result], gate: FakeGate, places: DataDir) -> None:
    ChannelStore(places.root).add("main")
    on_air = msgspec.structs.replace(STATUS, on_air_s=3.0)
    gate.answer = lambda request: [Reply(request.id, channels=[on_air])]

    result = run("channel", "remove", "main")

    assert result.exit_code == 1
    assert "is on air; end the broadcast first with: streamgate stop main" in result.stderr
    assert ChannelStore(places.root).get("main").name == "main"


def test_remove(run: Callable[..., Result], places: DataDir) -> None:
    ChannelStore(places.root).add("main")

    assert json.loads(run("channel", "remove", "main", "--json").stdout) == {"name": "main", "removed": True}
    assert ChannelStore(places.root).load_all().channels == []


# ---------------------------------------------------------------- console link


def test_console_link_is_good_once(run: Callable[..., Result], places: DataDir) -> None:
    places.create()
    places.create_run()
    page = "http://127.0.0.1:40002"
    places.write_serve(ServeInfo(os.getpid(), "127.0.0.1:40001", "127.0.0.1:40002", page=page))

    address, token = json.loads(run("console-link", "--json").stdout)["console"].split("#")

    assert address == "http://127.0.0.1:40002/one-time"
    assert [consume(places.root, token), consume(places.root, token)] == [SETUP, None]


def test_console_link_needs_serve(run: Callable[..., Result]) -> None:
    result = run("console-link")

    assert result.exit_code == 1
    assert "is not running" in result.stderr


# ---------------------------------------------------------------- the program as a process


def test_exit_codes(tmp_path: Path) -> None:
    done = program("channel", "add", "main", "--json", STREAMGATE_DATA_DIR=str(tmp_path))
    refused = program("--data-dir", str(tmp_path), "channel", "add", "main", "--json")
    usage = program("--data-dir", str(tmp_path), "cut")

    assert (done.returncode, json.loads(done.stdout)["name"], done.stderr) == (0, "main", "")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("streamgate: channel main exists already")
    assert (usage.returncode, usage.stdout) == (2, "")
    assert "Missing argument" in usage.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["cut"],
        ["cut", "a", "b"],
        ["dump", "main", "--seconds", "five"],
        ["run", "nothing"],
        ["--nope"],
    ],
)
def test_wrong_usage_is_exit_2(run: Callable[..., Result], arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--rtmp", "nowhere"], "rtmp is 'nowhere' (from --rtmp); allowed is HOST:PORT"),
        (["--retention-days", "59"], "rule R8"),
        (["--rtmps", "127.0.0.1:1936"], "tls_cert is not set"),
    ],
)
def test_serve_refuses_wrong_settings(
    run: Callable[..., Result], arguments: list[str], expected: str
) -> None:
    result = run("serve", *arguments)

    assert result.exit_code == 1
    assert expected in result.stderr


def test_a_cut_loads_nothing_it_does_not_need(gate: FakeGate, places: DataDir) -> None:
    """The key press waits for every import."""
    script = (
        "import sys\n"
        "from streamgate.cli import app\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        "heavy = {'pydantic_settings', 'rich', 'av', 'numpy', 'fastapi', 'structlog', 'sqlalchemy'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "--data-dir", str(places.root), "cut", "main", "--json"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )

    assert done.stdout.splitlines()[1] == "[]"
    assert gate.requests == [Cut(1, actor=ACTOR, channel="main")]


def test_a_destination_is_given_headers_of_its_own_and_shared_ones_again(
    run: Callable[..., Result],
) -> None:
    run("channel", "add", "main", "--push", f"yt={URL}")
    for option, expected in (("--split-headers", True), ("--shared-headers", False)):
        result = run("channel", "set", "main", option, "yt", "--json")
        assert json.loads(result.stdout)["destinations"][0]["split_headers"] is expected
    refused = run("channel", "set", "main", "--split-headers", "fb")
    assert refused.exit_code == 1
    assert "destinations are: yt" in refused.stderr


# ---------------------------------------------------------------- approval (rule R13)


def waiting(places: DataDir) -> list[str]:
    destinations = ChannelStore(places.root).get("main").destinations
    return [one.name for one in destinations if not one.approved]


def test_who_enters_on_the_machine_approves_with_it_and_stands_on_record(
    run: Callable[..., Result], places: DataDir
) -> None:
    assert run("channel", "add", "main", "--push", f"yt={URL}").exit_code == 0

    (one,) = ChannelStore(places.root).get("main").destinations
    assert (one.approved, one.entered_by, one.approved_by) == (True, ACTOR, ACTOR)
    assert one.entered_at == one.approved_at > 1.7e9


def test_with_two_person_approval_the_command_line_waits_too_and_cannot_approve_itself(
    run: Callable[..., Result], places: DataDir
) -> None:
    places.create()
    places.toml.write_text('approval = "two-person"\n')

    added = run("channel", "add", "main", "--push", f"yt={URL}")
    refused = run("channel", "approve", "main", "yt")

    assert added.exit_code == 0
    assert "streamgate channel approve main yt" in added.stderr
    assert refused.exit_code == 1
    assert "somebody else must approve it (rule R13)" in refused.stderr
    assert waiting(places) == ["yt"]
    assert "WAITS FOR APPROVAL" in " ".join(run("channel", "list").stdout.replace("│", " ").split())

    places.toml.write_text("")  # one person is enough again
    assert run("channel", "approve", "main", "yt").exit_code == 0
    assert waiting(places) == []


def test_the_command_line_approves_what_was_entered_on_the_page_by_somebody_else_only(
    run: Callable[..., Result], gate: FakeGate, places: DataDir
) -> None:
    store = ChannelStore(places.root)
    me = ACTOR.removeprefix("cli:")
    store.add("main", push=[f"hers={URL}"], entry=Entry("console:alice", 1.0, alone=False))
    store.set("main", add_push=[f"mine={URL}2"], entry=Entry(f"console:{me}", 1.0, alone=False))

    assert run("channel", "approve", "main", "mine").exit_code == 1
    answer = json.loads(run("channel", "approve", "main", "hers", "--json").stdout)

    assert {one["name"]: one["approved_by"] for one in answer["destinations"]} == {"hers": ACTOR, "mine": ""}
    assert gate.requests == [Reload(1, actor=ACTOR)]
    assert f"approved by {ACTOR}" in run("channel", "approve", "main", "hers").stderr  # a second time
