"""The command line as a user types it: exit codes, reasons, what works with and without `serve`."""

import json
import socket
from pathlib import Path

import pytest
from stage import Stage
from tools.serve import Gate


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path / "data")


def test_delay_below_30_seconds_is_refused_by_rule_r1(gate: Gate) -> None:
    done = gate.command("channel", "add", "main", "--delay", "29.9")
    assert done.code == 1
    assert "R1" in done.err
    assert gate.command("channel", "list", "--json").json["channels"] == []


def test_lowering_the_delay_of_a_channel_below_30_seconds_is_refused(gate: Gate) -> None:
    gate.add("main")
    done = gate.command("channel", "set", "main", "--delay", "5")
    assert done.code == 1
    assert "R1" in done.err


def test_channel_add_shows_server_and_key_once(gate: Gate) -> None:
    added = gate.command("channel", "add", "main", "--push", "rtmp://127.0.0.1/app/geheim", "--json").json
    assert added["name"] == "main"
    assert added["rtmp_server"].startswith("rtmp://")
    assert len(added["stream_key"]) >= 20
    listed = gate.command("channel", "list", "--json")
    assert added["stream_key"] not in listed.out
    assert "geheim" not in listed.out
    for path in gate.directory.rglob("*"):
        assert not path.is_file() or added["stream_key"].encode() not in path.read_bytes()


def test_same_channel_twice_is_refused(gate: Gate) -> None:
    gate.add("main")
    done = gate.command("channel", "add", "main")
    assert (done.code, done.out) == (1, "")
    assert "main" in done.err


def test_key_is_replaced(gate: Gate) -> None:
    first = gate.command("channel", "add", "main", "--json").json["stream_key"]
    second = gate.command("channel", "rotate-key", "main", "--json").json["stream_key"]
    assert first != second


@pytest.mark.parametrize("arguments", [["no-such-command"], ["cut"], ["dump", "main", "--seconds", "many"]])
def test_wrong_usage_exits_with_2(gate: Gate, arguments: list[str]) -> None:
    assert gate.command(*arguments).code == 2


def test_commands_without_serve_say_that_it_does_not_run(gate: Gate) -> None:
    gate.add("main")
    done = gate.command("cut", "main", "--json")
    assert done.code == 1
    assert "serve" in done.err


def test_unknown_setting_is_refused_by_name(gate: Gate) -> None:
    (gate.directory / "streamgate.toml").write_text("retention_dayz = 90\n")
    done = gate.command("serve")
    assert done.code == 1
    assert "retention_dayz" in done.err


@pytest.mark.parametrize("option", ["--rtmp", "--console"])
def test_address_that_is_taken_ends_serve_with_the_reason(gate: Gate, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        addresses = {"--rtmp": "127.0.0.1:0", "--console": "127.0.0.1:0", option: address}
        done = gate.command("serve", *(part for pair in addresses.items() for part in pair))
    assert done.code == 1
    assert address in done.err
    assert done.ended_s - done.began_s < 10


def test_retention_below_60_days_is_refused(gate: Gate) -> None:
    done = gate.command("serve", "--retention-days", "59")
    assert done.code == 1
    assert "60" in done.err


def test_cut_on_an_idle_channel_is_answered(idle: Stage) -> None:
    done = idle.done["cut"]
    assert done.code in (0, 1)
    assert done.code == 0 or idle.name in done.err


def test_unknown_channel_is_refused_by_name(idle: Stage) -> None:
    assert idle.done["unknown"].code == 1
    assert "nobody" in idle.done["unknown"].err


def test_start_airs_filler_without_an_encoder(idle: Stage) -> None:
    assert idle.done["start"].code == 0, idle.done["start"].err
    assert idle.seen["started"]["state"] in ("filling", "no_input")
    assert idle.exit.of("video")
    assert idle.done["stop"].json["state"] == "stopped"
    assert idle.seen["stopped"]["state"] == "stopped"


def test_status_is_one_json_object(idle: Stage) -> None:
    channel = idle.seen["stopped"]
    wanted = {
        "name",
        "state",
        "requested",
        "delay_s",
        "lead_s",
        "returns_in_s",
        "ingest",
        "destinations",
        "archive",
    }
    assert wanted <= channel.keys()
    json.dumps(channel)
