"""Every route and every command of the page has its right in the one table, and nobody passes without it."""

from collections.abc import Iterable, Iterator

import pytest
from console_stage import Stage, receive
from fastapi import FastAPI
from starlette.routing import BaseRoute, Mount, WebSocketRoute
from websockets.exceptions import ConnectionClosed

from console.api.answers import Parts
from console.app import create_app
from console.auth import rights
from console.auth.guard import HostNames
from console.auth.rights import COMMANDS, FILES, ROUTES, WEBSOCKET, Right
from console.auth.sessions import Sessions


def walk(routes: Iterable[BaseRoute]) -> Iterator[tuple[str, str]]:
    """Yield method and path of each route, those of included routers too."""
    for route in routes:
        if (included := getattr(route, "original_router", None)) is not None:
            yield from walk(included.routes)
        elif isinstance(route, WebSocketRoute):
            yield WEBSOCKET, route.path
        elif isinstance(route, Mount):
            yield FILES, route.path
        else:
            for method in route.methods:
                yield method, route.path


@pytest.fixture
def app(idle: Stage) -> FastAPI:
    parts = Parts(None, None, None, idle.static, None)  # type: ignore[arg-type]  no request is made
    return create_app(parts, Sessions(b"k" * 32), HostNames("127.0.0.1"))


def test_every_route_stands_in_the_table_and_the_table_names_no_other(app: FastAPI) -> None:
    assert sorted(walk(app.routes)) == sorted(ROUTES)


def test_every_right_is_one_that_a_route_asks_for() -> None:
    assert set(ROUTES.values()) == set(Right)


async def test_a_route_outside_the_table_is_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    key = ("GET", "/api/v1/state")
    monkeypatch.setattr(rights, "ROUTES", {route: right for route, right in ROUTES.items() if route != key})
    async with stage.client() as client:
        answer = await client.get("/api/v1/state")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def concrete(path: str) -> str:
    return path.replace("{channel}", "main").replace("{path:path}", "nothing")


@pytest.mark.parametrize("held", [None, *Right], ids=str)
async def test_no_route_opens_without_its_right(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, held: Right | None
) -> None:
    """Somebody signed in who has one right (or none beside the session) gets through to its routes only."""
    have = {Right.SESSION, held} - {None}
    monkeypatch.setattr(rights, "rights_of", lambda _: frozenset(have))
    async with stage.client() as client:
        for (method, path), right in ROUTES.items():
            if method in {WEBSOCKET, FILES, "HEAD"}:
                continue
            answer = await client.request(method, concrete(path))
            refused = answer.status_code == 403
            assert refused == (right not in {*have, Right.PUBLIC}), (method, path)
            if refused:
                assert answer.json()["code"] == "forbidden"
    for (method, path), right in ROUTES.items():
        if method == WEBSOCKET and right is not Right.PUBLIC and right not in have:
            async with stage.socket(concrete(path)) as socket:
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
                assert (socket.close_code, socket.close_reason) == (4403, "forbidden")


@pytest.mark.parametrize("held", COMMANDS)
async def test_no_command_of_the_page_is_carried_out_without_its_right(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, held: str
) -> None:
    have = frozenset({Right.SESSION, Right.CHANNEL_VIEW, COMMANDS[held]})
    monkeypatch.setattr(rights, "rights_of", lambda _: have)
    codes = {}
    async with stage.socket() as socket:
        await receive(socket, "hello")
        for number, command in enumerate(COMMANDS):
            await socket.send(f'{{"t":"cmd","id":{number},"cmd":"{command}","channel":"main"}}')
            codes[command] = (await receive(socket, "reply", id=number)).get("code", "done")
    assert {command for command, code in codes.items() if code != "forbidden"} == {held}
    asked = {type(request).__name__.lower() for request in stage.gate.requests} & set(COMMANDS)
    assert asked == {held}
