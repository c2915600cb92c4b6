import asyncio
from collections.abc import AsyncIterator

import pytest
from console_stage import Stage
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from console.auth.guard import MAX_BODY, HostNames, host_name


@pytest.mark.parametrize(
    ("authority", "name"),
    [
        ("localhost:8080", "localhost"),
        ("LOCALHOST.", "localhost"),
        ("[::1]:8080", "::1"),
        ("127.0.0.1", "127.0.0.1"),
        ("gate.example:http", ""),
        ("[::1]evil", ""),
        ("a b", ""),
        ("user@localhost", ""),
        ("", ""),
    ],
)
def test_host_name(authority: str, name: str) -> None:
    assert host_name(authority) == name


def test_names_that_are_answered_to() -> None:
    loopback = HostNames("127.0.0.1", ["gate.example.edu"])
    wanted = {
        "localhost:80": True,
        "127.0.0.1:8080": True,
        "[::1]": True,
        "gate.example.edu": True,
        "10.0.0.5": False,
        "attacker.example": False,
        "localhost.attacker.example": False,
        "": False,
    }
    assert {name: name in loopback for name in wanted} == wanted
    everywhere = HostNames("0.0.0.0")
    assert "10.0.0.5:8080" in everywhere
    assert "[fe80::1]" in everywhere
    assert "attacker.example" not in everywhere  # a rebound name is no literal address


async def test_another_host_name_is_refused_everywhere_but_for_health(stage: Stage) -> None:
    async with stage.client() as client:
        rebound = {"host": f"attacker.example:{stage.port}"}
        for path in ("/", "/assets/app-1a2b.js", "/api/v1/state"):
            answer = await client.get(path, headers=rebound)
            assert (answer.status_code, answer.json()["code"]) == (421, "bad_host")
        assert (await client.get("/healthz", headers=rebound)).status_code == 200


async def test_a_command_from_another_page_is_refused(stage: Stage) -> None:
    async with stage.client() as client:
        for origin in (
            "http://127.0.0.1:1",
            f"ftp://127.0.0.1:{stage.port}",
            "https://attacker.example",
            "null",
        ):
            answer = await client.post("/api/v1/channels/main/cut", headers={"origin": origin})
            assert (answer.status_code, answer.json()["code"]) == (403, "bad_origin")
        assert stage.channel.requested == "live"
        for headers in ({}, {"origin": stage.url}):  # a script; the page itself
            answer = await client.post("/api/v1/channels/main/cut", headers=headers)
            assert answer.status_code == 200


async def close_reason(connecting: connect) -> tuple[int, str]:
    async with connecting as socket:
        with pytest.raises(ConnectionClosed):
            async with asyncio.timeout(3):
                await socket.recv()
        return socket.close_code or 0, socket.close_reason or ""


async def test_websockets_of_strangers_are_closed_with_a_word(stage: Stage) -> None:
    for path in ("/api/v1/ws", "/api/v1/preview/main/pgm"):
        foreign = stage.socket(path, origin="http://attacker.example")
        assert await close_reason(foreign) == (4403, "bad_origin")
        rebound = stage.socket(path, name="attacker.example")
        assert await close_reason(rebound) == (4421, "bad_host")
    stage.cookie = "streamgate_session=forged.0"
    for path in ("/api/v1/ws", "/api/v1/preview/main/pgm"):
        assert await close_reason(stage.socket(path)) == (4401, "no_session")


async def test_the_pages_own_origin_may_connect(stage: Stage) -> None:
    async with stage.socket(origin=stage.url) as socket:
        assert '"t":"hello"' in await socket.recv()


async def test_video_is_not_compressed_even_when_asked(stage: Stage) -> None:
    async with stage.socket(compression="deflate") as socket:
        assert socket.protocol.extensions == []


async def test_bodies_are_limited_with_and_without_a_length(stage: Stage) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 1024

    async with stage.client() as client:
        for content in (b" " * (MAX_BODY + 1), endless()):
            answer = await client.post("/api/v1/channels/main/cut", content=content)
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert stage.channel.requested == "live"
        assert (await client.post("/api/v1/channels/main/cut", content=b" " * MAX_BODY)).status_code == 200


async def test_every_answer_carries_the_headers(stage: Stage) -> None:
    async with stage.client() as client:
        for path in ("/", "/assets/app-1a2b.js", "/api/v1/state", "/api/v1/nothing", "/healthz", "/nothing"):
            headers = (await client.get(path)).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "media-src 'self' blob:" in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert "server" not in headers
        assert f"ws://127.0.0.1:{stage.port}" in policy
