import asyncio
import contextlib
import json

import pytest
from console_stage import Stage, receive
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from console.auth import sign_in
from console.live import hub, presence
from streamgate.clock import wall_s


async def test_hello_says_all_there_is(stage: Stage) -> None:
    stage.gate.note("main", "cli:root", "live", "back to live")
    async with stage.socket() as socket:
        hello = json.loads(await socket.recv())
    assert (hello["t"], hello["v"], hello["user"]) == ("hello", 1, "operator")
    assert hello["gate"] == {"up": True, "ingest_up": True, "warnings": [], "comments_up": True}
    assert abs(hello["server_time"] - wall_s()) < 5
    assert hello["channels"][0]["name"] == "main"
    assert hello["channels"][0]["ingest"]["video_codec"] == "h264"


async def test_a_command_of_one_page_is_seen_by_every_page(stage: Stage) -> None:
    async with stage.socket() as first, stage.socket() as second:
        await receive(first, "hello")
        await receive(second, "hello")
        await first.send('{"t":"cmd","id":7,"cmd":"cut","channel":"main"}')
        reply = await receive(first, "reply")
        assert (reply["id"], reply["ok"], reply["channel"], reply["state"]) == (7, True, "main", "cut")
        assert reply["took_ms"] >= 0
        assert reply["by_ms"] < 500
        for socket in (first, second):
            state = await receive(socket, "state", log=[])
            assert state["channels"][0]["state"] == "cut"
            assert state["channels"][0]["requested"] == "cut"


async def test_log_lines_come_once_and_in_order_and_later_pages_get_them_in_hello(stage: Stage) -> None:
    async with stage.socket() as socket:
        await receive(socket, "hello")
        for number in range(20):
            stage.gate.note("main", "cli:root", "dump", f"line {number}")
            if number % 7 == 0:
                await asyncio.sleep(0.45)
        lines: list[dict] = []
        while len(lines) < 20:
            lines += (await receive(socket, "state"))["log"]
    assert [line["text"] for line in lines] == [f"line {number}" for number in range(20)]
    assert [line["seq"] for line in lines] == list(range(1, 21))
    async with stage.socket() as socket:
        assert (await receive(socket, "hello"))["log"] == lines


async def test_states_come_twice_a_second_and_pings_every_two(stage: Stage) -> None:
    seen: list[str] = []
    async with stage.socket() as socket:
        await receive(socket, "hello")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2.5):
                while True:
                    seen.append(json.loads(await socket.recv())["t"])
    assert seen.count("ping") == 1
    assert seen.count("state") >= 4


async def test_a_gate_that_goes_is_told_and_its_return_too(idle: Stage) -> None:
    async with idle.console():
        await idle.sign_in()
        async with idle.socket() as socket:
            hello = await receive(socket, "hello")
            assert (hello["gate"]["up"], hello["channels"]) == (False, [])
            for _ in range(2):
                async with idle.gate.running():
                    idle.gate.note("main", "cli:root", "cut", "once")
                    assert (await receive(socket, "state"))["channels"][0]["name"] == "main"
                assert await receive(socket, "gate", up=False)
                await socket.send('{"t":"cmd","id":1,"cmd":"cut","channel":"main"}')
                reply = await receive(socket, "reply")
                assert (reply["ok"], reply["code"]) == (False, "gate_down")
                assert reply["error_zh"]


async def test_pings_come_while_the_gate_is_gone(idle: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "PING_S", 0.2)
    async with idle.console():
        await idle.sign_in()
        async with idle.socket() as socket:
            await receive(socket, "hello")
            await receive(socket, "ping", timeout_s=1)


async def test_a_gate_that_hangs_is_given_up_and_commands_end_in_time(stage: Stage) -> None:
    async with stage.socket() as socket:
        await receive(socket, "hello")
        stage.gate.mute = True
        await socket.send('{"t":"cmd","id":1,"cmd":"cut","channel":"main"}')
        reply = await receive(socket, "reply", timeout_s=2.5)
        assert (reply["ok"], reply["code"] in {"gate_timeout", "gate_down"}) == (False, True)
        await receive(socket, "gate", up=False, timeout_s=2.5)
        stage.gate.mute = False
        await receive(socket, "state", timeout_s=3)


async def test_what_cannot_be_read_is_answered(stage: Stage) -> None:
    async with stage.socket() as socket:
        for text, number in (
            ('{"t":"cmd","id":3,"cmd":"explode","channel":"main"}', 3),
            ('{"t":"cmd","id":4,"cmd":"cut"}', 4),
            ('{"t":"cmd","id":5,"cmd":"cut","channel":"main","seconds":3}', 5),
            ('{"t":"cmd","id":6,"cmd":"dump","channel":"main","seconds":-1}', 6),
            ('{"t":"cmd","id":"x","cmd":"cut","channel":"main"}', 0),
            ("[]", 0),
            ("not json", 0),
            (b"\x00", 0),
        ):
            await socket.send(text)
            reply = await receive(socket, "reply")
            assert (reply["id"], reply["ok"], reply["code"]) == (number, False, "bad_request")
    assert stage.channel.requested == "live"


async def test_a_refusal_of_the_gate_is_passed_on(stage: Stage) -> None:
    async with stage.socket() as socket:
        await socket.send('{"t":"cmd","id":9,"cmd":"backup","channel":"main","clip":"none.mp4"}')
        reply = await receive(socket, "reply")
    assert (reply["code"], "none.mp4" in reply["error"]) == ("refused", True)


async def test_a_slow_answer_does_not_hold_up_the_next_command(stage: Stage) -> None:
    async with stage.socket() as socket:
        await receive(socket, "hello")
        stage.gate.mute = True
        await socket.send('{"t":"cmd","id":1,"cmd":"live","channel":"main"}')
        await stage.until(lambda: type(stage.gate.requests[-1]).__name__ == "Live")
        stage.gate.mute = False
        await socket.send('{"t":"cmd","id":2,"cmd":"cut","channel":"main"}')
        assert (await receive(socket, "reply", timeout_s=1))["id"] == 2
        late = await receive(socket, "reply", timeout_s=2.5)
        assert (late["id"], late["code"]) == (1, "gate_timeout")


async def test_a_flood_of_commands_is_answered_not_queued(stage: Stage) -> None:
    async with stage.socket() as socket:
        await receive(socket, "hello")
        stage.gate.mute = True
        for number in range(hub.MAX_COMMANDS + 4):
            await socket.send(f'{{"t":"cmd","id":{number},"cmd":"live","channel":"main"}}')
        refused = [(await receive(socket, "reply", code="busy"))["id"] for _ in range(4)]
        assert refused == list(range(hub.MAX_COMMANDS, hub.MAX_COMMANDS + 4))


async def test_a_page_whose_session_runs_out_is_closed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "LIFETIME_S", 1)
    await stage.sign_in()
    async with stage.socket() as page, stage.socket("/api/v1/preview/main/pvw") as pictures:
        for socket in (page, pictures):
            with contextlib.suppress(ConnectionClosed):
                async with asyncio.timeout(3):
                    while True:
                        await socket.recv()
            assert (socket.close_code, socket.close_reason) == (4401, "no_session")


async def test_pages_are_limited_in_number(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "MAX_PAGES", 1)
    async with stage.socket() as first:
        await receive(first, "hello")
        async with stage.socket() as second:
            with pytest.raises(ConnectionClosed):
                await second.recv()
            assert second.close_code == 1013
    async with stage.socket() as third:
        await receive(third, "hello")


async def test_people_are_told_who_else_watches_a_channel(stage: Stage) -> None:
    async def present(page: ClientConnection, *wanted: str) -> list[dict[str, object]]:
        async with asyncio.timeout(3):
            while True:
                told = (await receive(page, "state"))["present"]["main"]
                if [one["user"] for one in told] == list(wanted):
                    return told

    async with stage.socket() as page:
        assert (await receive(page, "hello"))["present"] == {"main": []}
        async with (
            stage.socket("/api/v1/preview/main/pvw"),
            stage.socket("/api/v1/preview/main/pgm"),
        ):
            await present(page, "operator")
            await stage.sign_in("ben", "auditor")
            async with stage.socket("/api/v1/preview/main/pgm"):
                told = await present(page, "ben", "operator")
                assert told == [{"user": "ben", "idle": False}, {"user": "operator", "idle": False}]
            await present(page, "operator")
        await present(page)


async def test_who_watches_is_bounded_and_told_only_of_channels_that_one_may_see(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "MAX_NAMED", 1)
    async with contextlib.AsyncExitStack() as watching:
        for name in ("cyd", "bob"):
            await stage.sign_in(name, "auditor")
            await watching.enter_async_context(stage.socket("/api/v1/preview/main/pvw"))
        await stage.until(lambda: any(len(s.streams) for s in stage.gate.subscribers))
        async with stage.socket() as page:
            assert [one["user"] for one in (await receive(page, "hello"))["present"]["main"]] == ["bob"]
        await stage.sign_in("elsewhere", "operator@hall")
        async with stage.socket() as page:
            assert (await receive(page, "hello"))["present"] == {}


async def test_an_unknown_websocket_is_closed_with_a_word(stage: Stage) -> None:
    for path in ("/api/v1/nothing", "/api/v1/preview/main/other", "/api/v1/preview/nowhere/pvw"):
        async with stage.socket(path) as socket:
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            assert (socket.close_code, socket.close_reason) == (4404, "not_found")
