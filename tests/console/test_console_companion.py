"""Bitfocus Companion's "Generic: HTTP Requests": the very bytes that the module sends, with a token.

Recorded from `got` 14, which the module uses, called with the options that its `prepareQuery` makes of what
an operator fills in: URL, body, header, content type (companion-module-generic-http, src/index.js).
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from console_stage import Stage

HEAD = (
    "{method} /api/v1/{path} HTTP/1.1\r\n"
    "user-agent: got (https://github.com/sindresorhus/got)\r\n"
    "authorization: Bearer {token}\r\n"
)
BODY = "content-type: application/json\r\ncontent-length: {length}\r\n"
TAIL = "accept-encoding: gzip, deflate, br\r\nHost: {host}\r\nConnection: keep-alive\r\n\r\n"


class Deck:
    """Companion with one connection that stays open, as it keeps it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, token: str
    ) -> None:
        self._reader, self._writer, self._host, self._token = reader, writer, host, token

    async def post(self, path: str, body: str = "{}") -> tuple[int, dict[str, Any]]:
        """`body`: as `JSON.stringify` writes what the operator typed, without spaces."""
        sent = body.encode()
        return await self._ask("POST", path, BODY.format(length=len(sent)), sent)

    async def get(self, path: str) -> tuple[int, dict[str, Any]]:
        return await self._ask("GET", path, "", b"")

    async def _ask(self, method: str, path: str, middle: str, body: bytes) -> tuple[int, dict[str, Any]]:
        head = HEAD.format(method=method, path=path, token=self._token)
        self._writer.write((head + middle + TAIL.format(host=self._host)).encode() + body)
        async with asyncio.timeout(5):
            answer = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            status = int(answer.split()[1])
            length = next(
                int(line.partition(":")[2])
                for line in answer.split("\r\n")
                if line.lower().startswith("content-length")
            )
            return status, json.loads(await self._reader.readexactly(length))


@contextlib.asynccontextmanager
async def connected(stage: Stage, *scopes: str) -> AsyncIterator[Deck]:
    async with stage.client() as client:
        asked = {"name": "deck", "scopes": list(scopes), "channel": "main"}
        made = await client.post("/api/v1/tokens", json=asked)
    assert made.status_code in {200, 201}, made.text
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    yield Deck(reader, writer, f"127.0.0.1:{stage.port}", made.json()["token"])
    writer.close()
    await writer.wait_closed()


async def test_buttons_of_a_deck(stage: Stage) -> None:
    scopes = ("view", "cut", "dump", "backup", "live", "restore")
    async with connected(stage, *(f"channel:{one}" for one in scopes)) as deck:
        status, said = await deck.post("channels/main/cut", '{"reason":"Studio key 王"}')
        assert (status, said["channel"], said["state"]) == (200, "main", "cut")
        assert (await deck.post("channels/main/restore"))[1]["code"] == "reason_needed"
        assert (await deck.post("channels/main/restore", '{"reason":"false alarm"}'))[0] == 200
        assert (await deck.post("channels/main/backup", '{"clip":"pause.mp4"}'))[0] == 200
        assert (await deck.post("channels/main/live"))[0] == 200
        assert (await deck.post("channels/main/dump", '{"seconds":0.3}'))[0] == 200


async def test_the_state_for_a_variable_of_the_deck(stage: Stage) -> None:
    """As documented: `jsonpath($(custom:gate), '$.channels[0].state')`."""
    async with connected(stage, "channel:view", "channel:cut") as deck:
        await deck.post("channels/main/cut")
        status, state = await deck.get("state")
        assert status == 200
        assert [(one["name"], one["state"]) for one in state["channels"]] == [("main", "cut")]


async def test_a_key_that_the_token_does_not_hold_is_refused_with_a_reason(stage: Stage) -> None:
    async with connected(stage, "channel:cut") as deck:
        assert (await deck.post("channels/main/stop", '{"reason":"end"}'))[1]["code"] == "forbidden"
        assert (await deck.post("channels/hall/cut"))[1]["code"] == "forbidden"
        assert (await deck.get("state"))[1]["code"] == "forbidden"
        assert (await deck.post("channels/main/cut"))[0] == 200
