"""A console that starts while its database does not answer: who was signed in sees and cuts."""

import asyncio
import contextlib
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from console_stage import Stage, receive

from console.auth import accounts
from console.auth.remembered import Contents, Memory
from streamgate.clock import wall_s
from streamgate.ledger.read import read
from streamgate.store.database import Database

LOOKED_S = 1.5  # what is in use is compared and remembered more often than this


@contextlib.contextmanager
def gone(stage: Stage) -> Iterator[None]:
    for path in stage.data_dir.glob("streamgate.sqlite*"):
        path.rename(path.with_name(f"gone-{path.name}"))
    yield
    for path in stage.data_dir.glob("gone-*"):
        path.rename(path.with_name(path.name.removeprefix("gone-")))


@contextlib.contextmanager
def corrupt(stage: Stage) -> Iterator[None]:
    whole = stage.database.file.read_bytes()
    stage.database.file.write_bytes(b"\xa5" * len(whole))
    yield
    stage.database.file.write_bytes(whole)


async def code(stage: Stage, method: str, path: str, **headers: str) -> str:
    async with stage.client(signed_in=not headers) as client:
        client.timeout = httpx.Timeout(20)
        answer = await client.request(method, f"/api/v1/{path}", headers=headers)
    return "ok" if answer.is_success else str(answer.json()["code"])


async def gate_known(stage: Stage) -> None:
    """Wait until a console that was just started is connected to the gate."""
    async with stage.client(signed_in=False) as client, asyncio.timeout(5):
        while (await client.get("/healthz")).status_code != 200:
            await asyncio.sleep(0.05)


async def seen(stage: Stage) -> None:
    """Let the console compare and remember."""
    async with stage.socket() as page:
        await receive(page, "hello")
        await asyncio.sleep(LOOKED_S)


@pytest.mark.alone  # it measures
@pytest.mark.parametrize("trouble", [gone, corrupt])
async def test_who_was_signed_in_sees_and_cuts(
    idle: Stage, trouble: Callable[[Stage], contextlib.AbstractContextManager[None]]
) -> None:
    async with idle.gate.running():
        async with idle.console():
            await idle.sign_in()
            await seen(idle)
        with trouble(idle):
            async with idle.console(), idle.socket() as page:
                await gate_known(idle)
                await receive(page, "hello")
                assert "channel:cut" in (await receive(page, "session"))["rights"]
                began = time.monotonic()
                await page.send('{"t":"cmd","id":1,"cmd":"cut","channel":"main"}')
                assert (await receive(page, "reply"))["ok"] is True
                assert time.monotonic() - began < 0.5
                assert idle.gate.requests[-1].actor == "console:operator"
                assert await code(idle, "GET", "state") == "ok"
                assert await code(idle, "GET", "users") == "database_away"
                stranger = {"cookie": "streamgate_session=of-somebody-else"}
                assert await code(idle, "GET", "state", **stranger) == "no_session"
        async with idle.console():
            async with asyncio.timeout(10):
                while await code(idle, "GET", "users") != "ok":
                    await asyncio.sleep(0.2)


async def test_what_the_database_says_counts_once_it_answers(idle: Stage) -> None:
    async with idle.gate.running():
        async with idle.console():
            await idle.sign_in()
            await seen(idle)
        with gone(idle):
            async with idle.console(), idle.socket() as page:
                await receive(page, "hello")
                for path in idle.data_dir.glob("gone-*"):
                    path.rename(path.with_name(path.name.removeprefix("gone-")))
                with Database(idle.database) as database, database.write() as session:
                    accounts.disable(session, "operator", at=wall_s())
                async with asyncio.timeout(3):
                    await page.wait_closed()
                assert page.close_reason == "no_session"


async def test_one_that_ended_while_no_console_ran_does_not_come_back(idle: Stage) -> None:
    async with idle.gate.running():
        async with idle.console():
            await idle.sign_in()
            await seen(idle)
        with Database(idle.database) as database, database.write() as session:
            accounts.disable(session, "operator", at=wall_s())
        async with idle.console():
            assert await code(idle, "GET", "state") == "no_session"
            await asyncio.sleep(LOOKED_S)
        with gone(idle):
            async with idle.console():
                assert await code(idle, "GET", "state") == "no_session"


@pytest.mark.parametrize("how", ["signed out", "disabled", "password reset", "roles"])
async def test_who_was_put_out_is_forgotten(idle: Stage, how: str) -> None:
    async with idle.gate.running():
        async with idle.console():
            administrator = await idle.sign_in()
            hers = await idle.sign_in("ann", "operator")
            await seen(idle)
            if how == "signed out":
                assert await code(idle, "DELETE", "session") == "ok"
            else:
                idle.cookie = administrator
                async with idle.client() as client:
                    body = {"disabled": True} if how == "disabled" else {"roles": ["operator@hall"]}
                    if how == "password reset":
                        answer = await client.post("/api/v1/users/ann/reset", json={})
                    else:
                        answer = await client.patch("/api/v1/users/ann", json=body)
                    assert answer.status_code == 200
            await asyncio.sleep(LOOKED_S)
        idle.cookie = hers
        with gone(idle):
            async with idle.console():
                word = "forbidden" if how == "roles" else "no_session"
                assert await code(idle, "POST", "channels/main/cut") == word


async def test_signing_out_without_a_database_outlives_the_console(idle: Stage) -> None:
    async with idle.console():
        await idle.sign_in()
        await asyncio.sleep(LOOKED_S)
        with gone(idle):
            assert await code(idle, "DELETE", "session") == "ok"
            await asyncio.sleep(LOOKED_S)
            assert [why for _, why in Memory(idle.data_dir).read().ended.values()] == ["signed out"]
            kept = Memory(idle.data_dir).path.read_bytes()
    Memory(idle.data_dir).path.write_bytes(kept)  # as if it had been killed before the database came back
    async with idle.console():
        assert await code(idle, "GET", "session") == "no_session"
        async with asyncio.timeout(5):
            while Memory(idle.data_dir).read().ended:
                await asyncio.sleep(0.1)
        assert await code(idle, "GET", "session") == "no_session"


async def test_the_end_of_a_session_of_the_console_before_is_on_record(idle: Stage) -> None:
    async with idle.console():
        await idle.sign_in()
        await asyncio.sleep(LOOKED_S)
    with gone(idle):
        async with idle.console():
            assert await code(idle, "DELETE", "session") == "ok"
    ended = list(read(idle.data_dir / "ledger", process="console", kind="session_end"))
    assert [(one["who"], one["why"], one["by"]) for one in ended] == [
        ("console:operator", "signed out", "console:operator")
    ]


@pytest.mark.parametrize(
    ("arguments", "rest"),
    [
        (("user", "disable", "ann"), ["ben"]),
        (("user", "reset", "ann"), ["ben"]),
        (("user", "roles", "ann", "reviewer"), ["ben"]),
        (("token", "revoke", "deck"), ["ann", "ben"]),
    ],
)
async def test_the_command_line_sees_to_it_while_no_console_runs(
    idle: Stage, arguments: tuple[str, ...], rest: list[str]
) -> None:
    async with idle.console():
        await idle.sign_in("root", "administrator")
        async with idle.client() as client:
            await client.post("/api/v1/tokens", json={"name": "deck", "scopes": ["channel:cut"]})
            await client.delete("/api/v1/session")
        await idle.sign_in("ann", "operator")
        await idle.sign_in("ben", "operator")
        await asyncio.sleep(LOOKED_S)
    assert [one.user for one in sorted(Memory(idle.data_dir).read().sessions, key=lambda one: one.user)] == [
        "ann",
        "ben",
    ]
    command = [sys.executable, "-m", "streamgate", "--data-dir", str(idle.data_dir), *arguments]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    kept = Memory(idle.data_dir).read()
    assert sorted(one.user for one in kept.sessions) == rest
    assert [one.name for one in kept.tokens] == ([] if arguments[0] == "token" else ["deck"])


async def test_a_token_cuts_on_its_channel_without_a_database(idle: Stage) -> None:
    async with idle.gate.running():
        async with idle.console():
            await idle.sign_in()
            await gate_known(idle)
            body = {"name": "deck", "scopes": ["channel:cut"], "channel": "main"}
            async with idle.client() as client:
                token = (await client.post("/api/v1/tokens", json=body)).json()["token"]
            bearer = {"authorization": f"Bearer {token}"}
            assert await code(idle, "POST", "channels/main/cut", **bearer) == "ok"
            await asyncio.sleep(LOOKED_S)
        with gone(idle):
            async with idle.console():
                await gate_known(idle)
                assert await code(idle, "POST", "channels/main/cut", **bearer) == "ok"
                assert await code(idle, "POST", "channels/main/live", **bearer) == "forbidden"
                assert await code(idle, "POST", "channels/hall/cut", **bearer) == "forbidden"
                assert await code(idle, "POST", "channels/main/cut", authorization="Bearer x") == "bad_token"


async def test_the_file_is_private_and_holds_no_secret(stage: Stage) -> None:
    async with stage.client() as client:
        made = await client.post("/api/v1/tokens", json={"name": "deck", "scopes": ["channel:cut"]})
    await seen(stage)
    path = Memory(stage.data_dir).path
    held = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b'"operator"' in held
    assert stage.cookie.partition("=")[2].encode() not in held
    assert made.json()["token"].encode() not in held
    written = path.stat().st_mtime_ns
    await asyncio.sleep(1)
    assert path.stat().st_mtime_ns == written  # nothing new, nothing written


async def test_a_file_that_is_not_ours_or_not_whole_counts_for_nothing(stage: Stage) -> None:
    await seen(stage)
    memory = Memory(stage.data_dir)
    whole = memory.path.read_bytes()
    assert len(memory.read().sessions) == 1
    copy = Memory(stage.data_dir / "copy")
    copy.write(memory.read())
    copy.path.chmod(0o660)
    assert copy.read() == Contents()
    copy.path.chmod(0o600)
    for torn in (b"", whole[:-5], b"[]", whole.replace(b'"v":1', b'"v":2'), b"\xff", b"[" * 50_000):
        copy.path.write_bytes(torn)
        assert copy.read() == Contents()


async def test_one_that_is_over_is_not_recalled(idle: Stage) -> None:
    async with idle.gate.running():
        async with idle.console():
            await idle.sign_in()
            await seen(idle)
        memory = Memory(idle.data_dir)
        (one,) = memory.read().sessions
        for changed in ({"expires_at": wall_s() - 1}, {"seen_at": wall_s() - 3600}):
            memory.write(Contents([type(one)(**{**_plain(one), **changed})]))
            idle.channel.requested = "stopped"
            with gone(idle):
                async with idle.console():
                    assert await code(idle, "GET", "state") == "no_session"


def _plain(one: object) -> dict[str, object]:
    return {name: getattr(one, name) for name in one.__struct_fields__}  # type: ignore[attr-defined]
