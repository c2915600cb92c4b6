"""`streamgate source`, `interaction` and `overlay`, without a running serve and with a comments process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest
from websockets.sync.server import ServerConnection, unix_serve

from moderation.desk import interactions, messages
from moderation.public.server import KEY_FILE
from moderation.public.source_keys import hash_key
from moderation.public.viewers import overlay_token
from streamgate.ledger.read import read
from streamgate.runtime.channels import ChannelStore
from streamgate.runtime.datadir import DataDir, ServeInfo
from streamgate.runtime.key_file import read_or_make
from streamgate.store import settings, sources
from streamgate.store.database import Database
from streamgate.store.location import locate


class Line:
    def __init__(self, root: Path) -> None:
        self.root, self.places = root, DataDir(root)
        self.database = locate("sqlite", root)
        ChannelStore(root).add("main", delay_s=30)

    def run(self, *arguments: str, typed: bytes = b"", code: int = 0) -> subprocess.CompletedProcess[str]:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("STREAMGATE_")
        }
        done = subprocess.run(
            [sys.executable, "-m", "streamgate", "--data-dir", str(self.root), *arguments],
            input=typed,
            capture_output=True,
            env=environment,
            check=False,
            timeout=60,
        )
        told = subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )
        assert told.returncode == code, told.stderr
        return told

    def json(self, *arguments: str, typed: bytes = b"") -> dict[str, Any]:
        return json.loads(self.run(*arguments, "--json", typed=typed).stdout)

    def decisions(self) -> list[dict[str, Any]]:
        return list(read(self.root / "ledger", process="cli", kind="decision"))


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(tmp_path / "data")


def test_the_life_of_a_source(line: Line) -> None:
    added = line.json("source", "add", "hall", "--channel", "main")
    assert added["name"] == "hall"
    assert added["key"].startswith("sgs_")
    rotated = line.json("source", "rotate", "hall")
    assert rotated["key"] != added["key"]
    with Database(line.database) as database, database.read() as session:
        assert sources.find_by_key(session, hash_key(added["key"])) is None
        found = sources.find_by_key(session, hash_key(rotated["key"]))
        assert found is not None
        assert (found.name, found.channel) == ("hall", "main")
    (listed,) = line.json("source", "list")["sources"]
    assert (listed["name"], listed["channel"]) == ("hall", "main")
    assert "key" not in listed
    assert line.json("source", "remove", "hall") == {"name": "hall", "removed": True}
    assert line.json("source", "list") == {"sources": []}
    decided = line.decisions()
    assert [one["what"] for one in decided] == ["source.add", "source.rotate", "source.remove"]
    written = json.dumps(decided)
    assert added["key"] not in written
    assert rotated["key"] not in written


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("source", "add", "watch-main", "--channel", "main"), "may not begin with watch-"),
        (("source", "add", "A B", "--channel", "main"), "is not allowed"),
        (("source", "add", "a", "--channel", "../x"), "is not allowed"),
        (("source", "rotate", "nobody"), "there is no source nobody in force"),
        (("source", "remove", "nobody"), "there is no source nobody in force"),
        (("source", "feed", "nobody"), "there is no source nobody in force"),
        (("source", "feed", "a", "--url", "http://x"), "STREAMGATE_SOURCE_KEY"),
        (("interaction", "nowhere", "--comments", "open"), "nowhere"),
        (("interaction", "main", "--window", "-1"), "window_s is -1; allowed are 0 to 600"),
        (("interaction", "main", "--stages", "4"), "stages is 4; allowed are 1 to 3"),
        (("interaction", "main", "--queue-limit", "0"), "queue_limit is 0; allowed are 1 to 50000"),
    ],
)
def test_refusals(line: Line, arguments: tuple[str, ...], why: str) -> None:
    assert why in line.run(*arguments, code=1).stderr


def test_a_source_is_there_once(line: Line) -> None:
    line.json("source", "add", "hall", "--channel", "main")
    assert (
        "there is a source hall already"
        in line.run("source", "add", "hall", "--channel", "main", code=1).stderr
    )


def test_interaction_is_closed_until_somebody_opens_it(line: Line) -> None:
    closed = line.json("interaction", "main")
    assert (closed["comments"], closed["bullets"], closed["sharing"]) == (False, False, False)
    opened = line.json("interaction", "main", "--comments", "open", "--bullets", "open", "--slow", "5")
    assert (opened["comments"], opened["bullets"], opened["sharing"], opened["slow_s"]) == (
        True,
        True,
        False,
        5,
    )
    assert opened["queue_limit"] == 20_000
    again = line.json("interaction", "main", "--bullets", "closed", "--queue-limit", "300")
    assert again["queue_limit"] == 300
    assert (again["comments"], again["bullets"], again["slow_s"]) == (True, False, 5)
    with Database(line.database) as database, database.read() as session:
        stored = settings.get(session, f"{interactions.PREFIX}main")
        assert (stored["comments"], stored["bullets"], stored["slow_s"]) == (True, False, 5)
    first, second = line.decisions()
    assert (first["what"], first["channel"]) == ("interaction.set", "main")
    assert first["args"] == {"comments": True, "bullets": True, "slow_s": 5}
    assert second["changes"] == [
        {"name": "bullets", "old": True, "new": False},
        {"name": "queue_limit", "old": 20_000, "new": 300},
    ]
    assert "comments open, bullets closed" in line.run("interaction", "main").stdout


def test_the_overlay_has_its_token(line: Line) -> None:
    address = line.run("overlay", "main", "--style", "list").stdout.strip()
    token = overlay_token(read_or_make(line.root / KEY_FILE), "main")
    assert address == f"http://127.0.0.1:8081/overlay/main?token={token}&style=list"
    assert line.json("interaction", "main")["overlay"] == f"http://127.0.0.1:8081/overlay/main?token={token}"


def test_the_overlay_is_found_where_viewers_reach_the_public_address(line: Line) -> None:
    told = line.run("overlay", "main")
    assert "reverse proxy" in told.stderr
    assert "127.0.0.1:8081" in told.stderr
    line.places.toml.write_text('public = "0.0.0.0:9000"\npublic_host = "live.example.edu"\n')
    assert line.json("overlay", "main")["overlay"].startswith("http://live.example.edu:9000/overlay/main?")
    line.places.create_run()
    line.places.write_serve(
        ServeInfo(os.getpid(), "x", "x", public="127.0.0.1:40003", viewers="http://127.0.0.1:40003")
    )
    assert line.json("overlay", "main")["overlay"].startswith("http://127.0.0.1:40003/overlay/main?")
    for base in ("https://live.example.edu", "https://live.example.edu/"):
        told = line.run("overlay", "main", "--base", base)
        assert told.stdout.startswith("https://live.example.edu/overlay/main?token=")
        assert told.stderr == ""


@pytest.mark.parametrize("base", ["live.example.edu", "https://a/b", "ftp://a", "https://a?b", "https://a b"])
def test_a_base_is_the_address_of_a_whole_site(line: Line, base: str) -> None:
    assert f"--base is {base}; allowed is" in line.run("overlay", "main", "--base", base, code=1).stderr


def test_a_running_comments_process_is_told(line: Line) -> None:
    places = DataDir(line.root)
    places.create_run()
    asked: list[messages.Request] = []
    decoder = msgspec.json.Decoder(messages.AnyRequest)

    def answer(connection: ServerConnection) -> None:
        for message in connection:
            request = decoder.decode(message)
            asked.append(request)
            connection.send(msgspec.json.encode(messages.Reply(request.id)).decode())

    server = unix_serve(answer, str(places.run / "comments.sock"), compression=None)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        line.json("source", "add", "hall", "--channel", "main")
        line.json("interaction", "main", "--comments", "open")
    finally:
        server.shutdown()
        thread.join()
    assert [type(one) for one in asked] == [messages.Reload, messages.Reload]
    assert asked[0].by.actor.startswith("cli:")


def test_feeding_a_gate_that_is_not_there_waits_and_can_be_ended(line: Line) -> None:
    line.json("source", "add", "hall", "--channel", "main")
    feeding = subprocess.Popen(
        [sys.executable, "-m", "streamgate", "--data-dir", str(line.root), "source", "feed", "hall"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert feeding.stdin is not None
    assert feeding.stderr is not None
    feeding.stdin.write(b'nonsense\n{"author_id":"u","author":"Ann","text":"hello"}\n')
    feeding.stdin.flush()
    told = feeding.stderr.readline() + feeding.stderr.readline()
    assert b"line 1 is left out" in told
    assert b"1 comments wait" in told
    feeding.terminate()
    assert feeding.wait(10) != 0
    for stream in (feeding.stdin, feeding.stdout, feeding.stderr):
        assert stream is not None
        stream.close()


def test_nothing_of_it_is_loaded_by_other_commands() -> None:
    look = (
        "import streamgate.cli, sys; print([n for n in sys.modules if n.partition('.')[0] == 'moderation'])"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
