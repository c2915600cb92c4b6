"""Rights: one table, walked: every route and command with every role, with tokens, and with none."""

import asyncio
import errno
import os
import pwd
import socket as sockets
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from console_stage import Stage, receive
from fastapi import FastAPI
from real_gate import running_gate
from starlette.routing import BaseRoute, Mount, WebSocketRoute
from websockets.exceptions import ConnectionClosed

from console.app import routes
from console.auth import accounts, rights
from console.auth.principals import Bearer, Session
from console.auth.rights import (
    COMMANDS,
    FILES,
    ROLE_RIGHTS,
    ROUTES,
    SCOPES,
    WEBSOCKET,
    Right,
    is_public,
    rights_everywhere,
    rights_of,
)
from console.auth.sessions import Rules
from streamgate import errors
from streamgate.clock import wall_s
from streamgate.link.client import call
from streamgate.link.messages import AnyRequest, ChannelRequest, GetStatus, Note, Reload, Standing
from streamgate.runtime.channels import ChannelStore
from streamgate.store.database import Database
from streamgate.store.roles import PER_CHANNEL, ROLES
from streamgate.store.users import Grant

REASON = {"reason": "a test"}
NEEDED = {"redact": ',"with":"mute"', "move": ',"span":"s1"', "lift": ',"span":"s1"'}


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


def test_every_route_stands_in_the_table_and_the_table_names_no_other() -> None:
    app: FastAPI = routes()
    assert sorted(walk(app.routes)) == sorted(route for route in ROUTES if route[0] != FILES)


def test_every_right_is_one_that_a_route_asks_for_and_a_role_gives() -> None:
    assert set(ROUTES.values()) == set(Right)
    own = {Right.PUBLIC, Right.SESSION, Right.OWN_ACCOUNT, Right.OWN_PASSWORD, Right.OWN_TOTP}
    assert frozenset().union(*ROLE_RIGHTS.values()) | own == set(Right)


async def test_a_route_outside_the_table_is_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    key = ("GET", "/api/v1/state")
    monkeypatch.setattr(rights, "ROUTES", {route: right for route, right in ROUTES.items() if route != key})
    async with stage.client() as client:
        answer = await client.get("/api/v1/state")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_public_addresses() -> None:
    assert is_public("POST", "/api/v1/one-time/abc")
    assert is_public("POST", "/api/v1/session")
    for method, path in (
        ("GET", "/api/v1/session"),
        ("PUT", "/api/v1/one-time/abc"),
        ("POST", "/api/v1/one-time/abc/more"),
        ("POST", "/api/v1/one-time"),
        ("GET", "/api/v1/users"),
    ):
        assert not is_public(method, path), path


# ---------------------------------------------------------------- what the roles are


def person(*grants: str, limit: str = "", idle: bool = False) -> Session:
    session = Session(
        "id",
        user_id=1,
        user="ann",
        display_name="",
        grants=[Grant.parse(grant) for grant in grants],
        limit=limit,  # type: ignore[arg-type]
        created_at=0,
        expires_at=1e12,
        seen_at=0,
        loaded_at=0,
        address="",
    )
    session.idle = idle
    return session


def commands_of(role: str) -> set[str]:
    return {command for command, right in COMMANDS.items() if right in rights_of(person(role), "main")}


def test_who_may_command_what() -> None:
    assert {role: commands_of(role) for role in ROLES} == {
        "administrator": {"cut"},
        "director": set(COMMANDS),
        "operator": {"cut", "dump", "backup", "live", "condemn", "redact", "move"},
        "reviewer": set(),
        "senior-reviewer": set(),
        "chief-reviewer": set(),
        "auditor": set(),
    }
    everything = {role for role in ROLES if Right.PEOPLE_MANAGE in ROLE_RIGHTS[role]}
    assert everything == {"administrator"}
    assert not any(right.endswith(":manage") for right in ROLE_RIGHTS["auditor"])
    assert all(Right.CHANNEL_VIEW in given for given in ROLE_RIGHTS.values())


def test_who_may_do_what_with_comments() -> None:
    def who(right: Right) -> set[str]:
        return {role for role, rights in ROLE_RIGHTS.items() if right in rights}

    assert who(Right.REVIEW_READ) == set(ROLES)
    assert who(Right.REVIEW_DECIDE) == {"reviewer", "senior-reviewer", "chief-reviewer"}
    assert who(Right.INTERACTION) == {"operator", "director", "administrator"}
    assert who(Right.TERMS) == {"senior-reviewer", "chief-reviewer", "administrator"}


def test_a_role_on_one_channel_counts_there_alone() -> None:
    ann = person("operator@main", "reviewer@hall")
    assert Right.CHANNEL_CUT in rights_of(ann, "main")
    assert Right.CHANNEL_CUT not in rights_of(ann, "hall")
    assert Right.CHANNEL_VIEW in rights_of(ann, "hall")
    assert Right.CHANNEL_VIEW not in rights_of(ann, "other")
    assert Right.CHANNEL_CUT in rights_of(ann)  # on some channel
    assert Right.CHANNEL_VIEW not in rights_everywhere(ann)


def test_a_limited_session_may_do_one_thing() -> None:
    assert rights_of(person("director", limit="password_expired")) == {
        Right.PUBLIC,
        Right.SESSION,
        Right.OWN_PASSWORD,
    }
    assert Right.CHANNEL_CUT not in rights_of(person("director", limit="totp_setup"), "main")


def test_somebody_idle_gains_nothing() -> None:
    assert Right.CHANNEL_CUT in rights_of(person("operator", idle=True), "main")
    assert Right.CHANNEL_CUT not in rights_of(person("reviewer", idle=True), "main")


def test_a_token_has_its_scopes_on_its_channel_and_nothing_else() -> None:
    token = Bearer(1, "deck", scopes=["channel:cut", "people:manage"], channel="main", expires_at=None)
    assert rights_of(token, "main") == {Right.CHANNEL_CUT}
    assert rights_of(token, "hall") == rights_everywhere(token) == frozenset()
    assert {scope.partition(":")[0] for scope in SCOPES} == {"channel", "review"}
    assert not {Right.REVIEW_DECIDE, Right.INTERACTION, Right.TERMS} & SCOPES  # a decision is a person's


# ---------------------------------------------------------------- the matrix


def concrete(path: str, channel: str = "main") -> str:
    for name, value in (
        ("{channel}", channel),
        ("{path:path}", "nothing"),
        ("{username}", "nobody"),
        ("{name}", "nothing"),
        ("{token}", "nothing"),
        ("{session_id}", "nothing"),
        ("{destination}", "nothing"),
        ("{filename}", "nothing.mp4"),
        ("{undo}", "nothing"),
        ("{card_id}", "1"),
        ("{ban_id}", "1"),
    ):
        path = path.replace(name, value)
    return path


async def walk_routes(stage: Stage, may: frozenset[Right], **headers: str) -> None:
    """Ask for every route; exactly those outside `may` are refused."""
    async with stage.client(signed_in=not headers) as client:
        for (method, path), right in ROUTES.items():
            ends = method == "DELETE" and right is Right.SESSION
            if method in {WEBSOCKET, FILES, "HEAD"} or ends:
                continue
            answer = await client.request(method, concrete(path), headers=headers)
            refused = answer.status_code == 403 and answer.json()["code"] == "forbidden"
            assert refused == (right not in {*may, Right.PUBLIC}), (method, path, answer.text)
            assert answer.status_code < 500, (method, path, answer.text)


async def walk_sockets(stage: Stage, may: frozenset[Right], **headers: str) -> None:
    for (method, path), right in ROUTES.items():
        if method == WEBSOCKET and right is not Right.PUBLIC and right not in may:
            async with stage.socket(concrete(path), headers=headers) as socket:
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
                assert (socket.close_code, socket.close_reason) == (4403, "forbidden")


async def walk_commands(stage: Stage, may: frozenset[Right], **headers: str) -> None:
    """Give every command of the websocket; exactly those with a right reach the gate."""
    if Right.CHANNEL_VIEW not in may:
        return
    asked = len(stage.gate.requests)
    codes = {}
    async with stage.socket(headers=headers) as socket:
        await receive(socket, "hello")
        for number, command in enumerate(COMMANDS):
            details = NEEDED.get(command, "")
            text = f'"id":{number},"cmd":"{command}","channel":"main","reason":"a test"{details}'
            await socket.send(f'{{"t":"cmd",{text}}}')
            codes[command] = (await receive(socket, "reply", id=number)).get("code", "done")
    allowed = {command for command, right in COMMANDS.items() if right in may}
    assert {command for command, code in codes.items() if code != "forbidden"} == allowed
    reached = {type(request).__name__.lower() for request in stage.gate.requests[asked:]}
    assert reached & set(COMMANDS) == allowed


@pytest.mark.parametrize("role", ROLES)
async def test_every_route_and_command_with_every_role(stage: Stage, role: str) -> None:
    await stage.sign_in("ann", role)
    may = rights_of(person(role), "main")
    await walk_routes(stage, may)
    await walk_sockets(stage, may)
    await walk_commands(stage, may)


@pytest.mark.parametrize("role", ["director@hall", "operator@hall"])
async def test_a_role_on_another_channel_opens_nothing_here(stage: Stage, role: str) -> None:
    await stage.sign_in("ann", role)
    async with stage.client() as client:
        for command in COMMANDS:
            answer = await client.post(f"/api/v1/channels/main/{command}", json=REASON)
            assert answer.status_code == 403, command
        assert (await client.get("/api/v1/state")).json()["channels"] == []
    async with stage.socket("/api/v1/preview/main/pvw") as socket:
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_reason == "forbidden"
    stage.gate.note("main", "cli:root", "live", "of main")
    stage.gate.note("", "gate", "live", "of all")
    await asyncio.sleep(1)
    async with stage.socket() as socket:
        hello = await receive(socket, "hello")
        assert (hello["channels"], [line["text"] for line in hello["log"]]) == ([], ["of all"])
        await socket.send('{"t":"cmd","id":1,"cmd":"cut","channel":"main"}')
        assert (await receive(socket, "reply"))["code"] == "forbidden"


@pytest.mark.parametrize("role", sorted(PER_CHANNEL))
async def test_every_channel_route_with_every_role_on_one_channel(stage: Stage, role: str) -> None:
    """On its own channel it is the role; on another one it opens no route, no websocket and no command."""
    await stage.sign_in("ann", f"{role}@main")
    asked = len(stage.gate.requests)
    async with stage.client() as client:
        for channel in ("hall", "main"):
            may = rights_of(person(f"{role}@main"), channel)
            for (method, path), right in ROUTES.items():
                if "{channel}" not in path:
                    continue
                if method != WEBSOCKET:
                    answer = await client.request(method, concrete(path, channel))
                    refused = answer.status_code == 403 and answer.json()["code"] == "forbidden"
                    assert refused == (right not in may), (method, path, channel, answer.text)
                elif right not in may:
                    async with stage.socket(concrete(path, channel)) as socket:
                        with pytest.raises(ConnectionClosed):
                            await socket.recv()
                        assert (socket.close_code, socket.close_reason) == (4403, "forbidden")
            if channel == "hall":
                async with stage.socket() as socket:
                    await receive(socket, "hello")
                    for number, command in enumerate(COMMANDS):
                        text = f'"id":{number},"cmd":"{command}","channel":"hall","reason":"a test"'
                        await socket.send(f'{{"t":"cmd",{text}}}')
                        assert (await receive(socket, "reply", id=number))["code"] == "forbidden"
                reached = {type(request).__name__.lower() for request in stage.gate.requests[asked:]}
                assert not reached & set(COMMANDS)
        everywhere = (("POST", "channels"), ("GET", "settings"), ("GET", "users"), ("POST", "tokens"))
        for method, path in everywhere:
            assert (await client.request(method, f"/api/v1/{path}")).status_code == 403, path


@pytest.mark.parametrize(
    ("limit", "word"), [("password_expired", "password_expired"), ("totp_setup", "totp_setup")]
)
async def test_every_route_and_command_in_a_limited_session(idle: Stage, limit: str, word: str) -> None:
    rules = Rules(
        password_age_s=1.0 if limit == "password_expired" else 1e9,
        totp_roles=frozenset({"director"} if limit == "totp_setup" else ()),
    )
    async with idle.gate.running(), idle.console(rules=rules):
        await idle.person("ann", "administrator", "director")
        await asyncio.sleep(1.1)
        await idle.sign_in("ann")
        may = rights_of(person("administrator", "director", limit=limit))
        async with idle.client() as client:
            for (method, path), right in ROUTES.items():
                if method in {WEBSOCKET, FILES, "HEAD"} or (method == "DELETE" and right is Right.SESSION):
                    continue
                answer = await client.request(method, concrete(path))
                refused = answer.status_code == 403 and answer.json()["code"] == word
                assert refused == (right not in {*may, Right.PUBLIC}), (method, path, answer.text)
        for path in ("/api/v1/ws", "/api/v1/preview/main/pgm"):
            async with idle.socket(path) as socket:
                with pytest.raises(ConnectionClosed):
                    await socket.recv()


async def test_undo_needs_the_right_of_the_removal_still(idle: Stage) -> None:
    store = ChannelStore(idle.data_dir)
    store.add("main", push=["yt=rtmp://127.0.0.1:1/live/k"])
    async with running_gate(idle.data_dir), idle.console():
        await idle.sign_in("ann", "director@main")
        async with idle.client() as client:
            gone = await client.delete("/api/v1/channels/main/destinations/yt")
            undo = f"/api/v1/undo/{gone.json()['undo']}"

            def demote() -> None:
                with Database(idle.database) as database, database.write() as session:
                    grants = [Grant("director", "hall"), Grant("operator", "main")]
                    accounts.set_roles(session, "ann", grants, by="test", at=wall_s())

            await asyncio.to_thread(demote)
            async with asyncio.timeout(3):
                while "operator@main" not in (await client.get("/api/v1/session")).json()["roles"]:
                    await asyncio.sleep(0.05)
            refused = await client.post(undo)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert store.get("main").destinations == ()


@pytest.mark.parametrize("channel", ["main", None])
async def test_a_token_opens_its_scopes_on_its_channels_alone(stage: Stage, channel: str | None) -> None:
    for scope in sorted(SCOPES):
        async with stage.client() as client:
            body = {"name": scope, "scopes": [scope], "channel": channel}
            made = (await client.post("/api/v1/tokens", json=body)).json()
        bearer = {"authorization": f"Bearer {made['token']}"}
        async with stage.client(signed_in=False) as client:
            for where in ("main", "hall"):
                opened = set()
                for command in COMMANDS:
                    answer = await client.post(
                        f"/api/v1/channels/{where}/{command}", json=REASON, headers=bearer
                    )
                    if answer.status_code != 403:
                        opened.add(command)
                wanted = {name for name, right in COMMANDS.items() if right == scope}
                assert opened == (wanted if channel in (None, where) else set()), (scope, where)


# ---------------------------------------------------------------- the gate's own socket


def every_request() -> list[AnyRequest]:
    return [
        kind(id=1, **({"channel": "main", "reason": "a test"} if issubclass(kind, ChannelRequest) else {}))
        for kind in get_args(AnyRequest)
    ]


async def test_no_other_user_reaches_the_gates_socket() -> None:
    """Rights are the console's affair; whoever reaches the socket has the machine, and needs no account."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    with tempfile.TemporaryDirectory(prefix="sg") as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with running_gate(folder):
            (folder / "run").chmod(0o755)  # nothing but the socket's own mode is in the way
            path = folder / "run" / "gate.sock"
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert await asyncio.to_thread(connect_as_nobody, path) == errno.EACCES
            path.chmod(0o666)
            assert await asyncio.to_thread(connect_as_nobody, path) == 0  # the try itself is sound


def connect_as_nobody(path: Path) -> int:
    """Connect to a unix socket as another user; return the error number, 0 for none."""
    nobody = pwd.getpwnam("nobody")
    child = os.fork()
    if child == 0:
        code = 255
        try:
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            code = sockets.socket(sockets.AF_UNIX).connect_ex(str(path))
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


async def test_every_request_over_the_socket_with_every_role_and_with_none(idle: Stage) -> None:
    """The command line needs no account: no role changes what it may; who it was is on record."""
    ChannelStore(idle.data_dir).add("main")
    async with running_gate(idle.data_dir) as station:
        path = idle.data_dir / "run" / "gate.sock"
        outcomes: dict[str, list[str]] = {}
        for role in ("", *ROLES):
            for command in (
                "stop",
                "start",
                "cut",
                "restore",
                "dump",
                "backup",
                "live",
                "cut",
                "restore",
                "stop",
            ):
                kind = next(one for one in every_request() if type(one).__name__.lower() == command)
                request = msgspec.structs.replace(kind, actor="cli:root", role=role)
                try:
                    answer = await call(path, request)
                    said = f"{command} {answer.state}"
                except errors.Refused as error:
                    said = f"{command} refused {error}"
                outcomes.setdefault(role, []).append(said)
            for kind in (GetStatus, Reload, Note, Standing):
                assert (await call(path, kind(1, actor="cli:root", role=role))).error == ""
        assert len({str(one) for one in outcomes.values()}) == 1, outcomes
        assert {line.actor for line in station.log_since(0) if line.code == "cut"} == {"cli:root"}


@pytest.mark.parametrize("scope", sorted(SCOPES))
async def test_every_route_and_command_with_a_token_of_every_scope(stage: Stage, scope: str) -> None:
    async with stage.client() as client:
        body = {"name": "deck", "scopes": [scope], "channel": "main"}
        made = (await client.post("/api/v1/tokens", json=body)).json()
    stage.cookie = ""
    bearer = {"authorization": f"Bearer {made['token']}"}
    may = frozenset({Right(scope)})
    await walk_routes(stage, may, **bearer)
    await walk_sockets(stage, may, **bearer)
    await walk_commands(stage, may, **bearer)


async def test_every_route_without_a_session(stage: Stage) -> None:
    async with stage.client(signed_in=False) as client:
        for (method, path), right in ROUTES.items():
            if method in {WEBSOCKET, FILES, "HEAD"}:
                continue
            answer = await client.request(method, concrete(path))
            assert (answer.status_code != 401 or answer.json()["code"] != "no_session") == (
                right is Right.PUBLIC
            ), (method, path)
    stage.cookie = ""
    for (method, path), right in ROUTES.items():
        if method == WEBSOCKET and right is not Right.PUBLIC:
            async with stage.socket(concrete(path)) as socket:
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
                assert (socket.close_code, socket.close_reason) == (4401, "no_session")
