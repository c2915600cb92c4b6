"""Sessions: kept by the server, ended anywhere, idle, and going on without the database."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from console_stage import Stage, receive
from tools.people import add_person
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from console.auth import accounts, sessions
from console.auth.sessions import Rules, Sessions
from streamgate.clock import wall_s
from streamgate.store import users
from streamgate.store.database import Database
from streamgate.store.users import Grant

FAST = Rules(idle_s=0.8)


async def closed(socket: ClientConnection, seconds: float) -> str:
    """Return the word with which a websocket was closed within so many seconds."""
    async with asyncio.timeout(seconds):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.recv()
    return socket.close_reason or ""


async def status(stage: Stage, path: str = "/api/v1/session", method: str = "GET", **options: object) -> str:
    """Return the code of an answer, "ok" for none."""
    async with stage.client() as client:
        answer = await client.request(method, path, **options)  # type: ignore[arg-type]
    return "ok" if answer.is_success else str(answer.json()["code"])


async def test_a_session_survives_a_restart_of_the_console(idle: Stage) -> None:
    async with idle.console():
        await idle.sign_in()
    async with idle.console():
        assert await status(idle) == "ok"


async def test_the_database_holds_only_the_hash_of_a_cookie(stage: Stage) -> None:
    value = stage.cookie.partition("=")[2]
    held = b"".join(path.read_bytes() for path in stage.data_dir.glob("streamgate.sqlite*"))
    assert value.encode() not in held
    assert accounts.hash_token(value).encode() in held


async def test_signing_out_ends_the_session_for_whoever_has_its_cookie(stage: Stage) -> None:
    async with stage.socket() as page:
        await receive(page, "hello")
        assert await status(stage, method="DELETE") == "ok"
        assert await closed(page, 1) == "no_session"
    assert await status(stage) == "no_session"


async def test_signing_in_gives_a_new_cookie_and_ends_the_old_session(stage: Stage) -> None:
    """A cookie that somebody else put into the browser is worth nothing after signing in (fixation)."""
    before = stage.cookie
    person = await stage.person("operator")
    for planted in ("streamgate_session=planted-by-somebody-else", before):
        async with stage.client(signed_in=False) as client:
            answer = await client.post(
                "/api/v1/session", json=person.credentials(), headers={"cookie": planted}
            )
        after = answer.headers["set-cookie"].partition(";")[0]
        assert after != planted
        stage.cookie = planted
        assert await status(stage) == "no_session"
    stage.cookie = after
    assert await status(stage) == "ok"


@pytest.mark.parametrize("what", ["disable", "roles", "end"])
async def test_what_the_command_line_does_reaches_pages_within_a_second(stage: Stage, what: str) -> None:
    def change() -> None:
        with Database(stage.database) as database, database.write() as session:
            user = accounts.require_user(session, "operator")
            if what == "disable":
                accounts.disable(session, "operator", at=wall_s())
            elif what == "end":
                accounts.reset(session, "operator", by="test", at=wall_s())
            else:
                users.set_roles(session, user.id, [], by="test", at=wall_s())

    async with stage.socket() as page, stage.socket("/api/v1/preview/main/pvw") as pictures:
        await receive(page, "hello")
        await asyncio.to_thread(change)
        word = "forbidden" if what == "roles" else "no_session"
        assert [await closed(page, 1), await closed(pictures, 0.5)] == [word, word]


async def test_one_lists_and_ends_ones_own_sessions(stage: Stage) -> None:
    first = stage.cookie
    await stage.sign_in()
    async with stage.client() as client:
        listed = (await client.get("/api/v1/me/sessions")).json()["sessions"]
        assert [one["current"] for one in listed].count(True) == 1
        assert {one["address"] for one in listed} == {"127.0.0.1"}
        (other,) = [one["id"] for one in listed if not one["current"]]
        assert (await client.delete(f"/api/v1/me/sessions/{other}")).status_code == 200
        assert (await client.delete(f"/api/v1/me/sessions/{other}")).status_code == 404
    stage.cookie = first
    assert await status(stage) == "no_session"


async def test_nobody_ends_the_sessions_of_others(stage: Stage) -> None:
    async with stage.client() as client:
        mine = (await client.get("/api/v1/me/sessions")).json()["sessions"][0]["id"]
    operator = stage.cookie
    await stage.sign_in("ann", "operator")
    assert await status(stage, f"/api/v1/me/sessions/{mine}", "DELETE") == "not_found"
    stage.cookie = operator
    assert await status(stage) == "ok"


# ---------------------------------------------------------------- idle


@pytest.fixture
async def impatient(idle: Stage) -> AsyncIterator[Stage]:
    async with idle.gate.running(), idle.console(rules=FAST):
        await idle.sign_in()
        yield idle


async def test_idle_on_air_keeps_the_view_and_the_cut_key_and_nothing_else(impatient: Stage) -> None:
    stage = impatient
    async with stage.socket() as page, stage.socket("/api/v1/preview/main/pvw"):
        assert (await receive(page, "session"))["state"] == "open"
        told = await receive(page, "session", state="idle", timeout_s=3)
        assert told["rights"] == ["channel:cut", "channel:view", "public", "session"]
        codes = {}
        for number, command in enumerate(("dump", "restore", "stop", "backup", "live", "cut")):
            text = f'"id":{number},"cmd":"{command}","channel":"main","reason":"a test"'
            await page.send(f'{{"t":"cmd",{text}}}')
            codes[command] = (await receive(page, "reply", id=number)).get("code", "done")
        refused = dict.fromkeys(("dump", "restore", "stop", "backup", "live"), "session_idle")
        assert codes == {**refused, "cut": "done"}
        assert await status(stage, "/api/v1/users") == "session_idle"
        async with stage.client() as client:
            assert (await client.get("/api/v1/session")).json()["state"] == "idle"
        await asyncio.sleep(1)  # neither pings nor looking end it, nor bring it back
        assert await status(stage, "/api/v1/state") == "ok"
        person = await stage.person("operator")
        async with stage.client() as client:
            again = await client.post("/api/v1/session", json=person.credentials())
        assert await closed(page, 1) == "no_session"
        stage.cookie = again.headers["set-cookie"].partition(";")[0]
        assert await status(stage, "/api/v1/users") == "ok"


async def test_idle_off_air_signs_out(impatient: Stage) -> None:
    stage = impatient
    stage.channel.requested = "stopped"
    async with stage.socket() as page:
        assert await closed(page, 3) == "no_session"
    assert await status(stage) == "no_session"


async def test_a_page_that_is_used_stays(impatient: Stage) -> None:
    async with impatient.socket() as page:
        await receive(page, "hello")
        for _ in range(8):
            await page.send('{"t":"active"}')
            await asyncio.sleep(0.2)
        assert await status(impatient, "/api/v1/users") == "ok"


async def test_looking_alone_is_no_use(impatient: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "PAGE_GRACE_S", 0.0)
    codes = set()
    async with asyncio.timeout(4):
        while "no_session" not in codes:
            codes.add(await status(impatient))
            await asyncio.sleep(0.1)


# ---------------------------------------------------------------- without the database


async def test_who_is_signed_in_sees_and_cuts_without_a_database(stage: Stage) -> None:
    await asyncio.sleep(1)  # of the session's use is written once
    for path in stage.data_dir.glob("streamgate.sqlite*"):
        path.rename(path.with_name(f"gone-{path.name}"))
    async with stage.socket() as page, asyncio.timeout(10):
        await receive(page, "hello")
        await asyncio.sleep(1.5)
        await page.send('{"t":"cmd","id":1,"cmd":"cut","channel":"main"}')
        assert (await receive(page, "reply"))["ok"] is True
        assert await status(stage, "/api/v1/state") == "ok"
        assert await status(stage, "/api/v1/users") == "database_away"
        nobody = {"username": "operator", "password": "x"}
        async with stage.client(signed_in=False) as client:
            answer = await client.post("/api/v1/session", json=nobody)
            assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
            assert "已登录者仍可观看和切断" in answer.json()["error_zh"]
        for path in stage.data_dir.glob("gone-*"):
            path.rename(path.with_name(path.name.removeprefix("gone-")))
        while await status(stage, "/api/v1/users") != "ok":
            await asyncio.sleep(0.2)


async def test_signing_out_without_a_database_counts_when_it_is_back(stage: Stage, tmp_path: Path) -> None:
    lock = Database(stage.database)
    with lock.write():  # another program holds the only writer
        assert await status(stage, method="DELETE") == "ok"
        assert await status(stage) == "no_session"
    lock.close()
    async with asyncio.timeout(10):
        while b"signed out" not in b"".join(
            p.read_bytes() for p in stage.data_dir.glob("streamgate.sqlite*")
        ):
            await asyncio.sleep(0.2)


def test_limits_of_a_session() -> None:
    rules = Rules(password_age_s=100.0, totp_roles=frozenset({"director"}))
    user = users.User(username="ann", must_change=False, password_changed_at=0.0)
    director, operator = (Grant("director"),), (Grant("operator"),)

    def limit(at: float, grants: tuple[Grant, ...], *, has_totp: bool = False) -> str:
        return rules.limit(user, grants, has_totp=has_totp, at=at)

    assert [limit(99, operator), limit(100, operator)] == ["", "password_expired"]
    assert [limit(99, director), limit(99, director, has_totp=True)] == ["totp_setup", ""]
    user.must_change = True
    assert limit(1, operator) == "password_expired"


def test_people_helper_makes_somebody(idle: Stage) -> None:
    assert add_person(idle.database, "ann", ["operator@main"]).name == "ann"
    assert Sessions is not None
