"""The console on a real PostgreSQL server: everything that people and programs do with accounts."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
from console_stage import Stage, receive
from httpx import Response
from test_console_remembered import gate_known
from tools.databases import make_database
from tools.people import add_person
from tools.postgres import Postgres

from console.auth import accounts
from streamgate.clock import wall_s
from streamgate.errors import Refused
from streamgate.runtime.secret_box import SecretBox
from streamgate.store import cleaner, users
from streamgate.store.database import AsyncDatabase, Database
from streamgate.store.location import Location
from streamgate.store.upgrade import upgrade

NEW = "harbour lamp seven rivers"
WRONG = "wrong wrong wrong"


@pytest.fixture
async def served(idle: Stage, postgresql: Location) -> AsyncIterator[Stage]:
    idle.database = postgresql
    await asyncio.to_thread(upgrade, postgresql)
    async with idle.gate.running(), idle.console():
        await idle.sign_in()
        yield idle


async def ask(stage: Stage, method: str, path: str, body: object = None, **headers: str) -> Response:
    async with stage.client(signed_in=not headers) as client:
        client.timeout = 30
        return await client.request(method, f"/api/v1/{path}", json=body, headers=headers)


async def code(stage: Stage, path: str, body: object) -> str:
    answer = await ask(stage, "POST", path, body, **{"x-nobody": ""})
    return "ok" if answer.is_success else str(answer.json()["code"])


async def test_from_an_invitation_to_signing_out(served: Stage) -> None:
    invited = await ask(served, "POST", "invitations", {"username": "本", "roles": ["operator@main"]})
    token = invited.json()["token"]
    assert await code(served, f"one-time/{token}", {"password": NEW}) == "ok"
    assert await code(served, f"one-time/{token}", {"password": NEW}) == "bad_token"
    opened = await ask(served, "POST", "session", {"username": "本", "password": NEW}, **{"x-nobody": ""})
    assert opened.json()["roles"] == ["operator@main"]
    administrator, served.cookie = served.cookie, opened.headers["set-cookie"].partition(";")[0]
    assert len((await ask(served, "GET", "me/sessions")).json()["sessions"]) == 1
    change = {"current": NEW, "password": f"{NEW} of stone"}
    changed = await ask(served, "POST", "me/password", change)
    served.cookie = changed.headers["set-cookie"].partition(";")[0]
    assert (await ask(served, "DELETE", "session")).status_code == 200
    assert (await ask(served, "GET", "session")).status_code == 401
    served.cookie = administrator
    reset = (await ask(served, "POST", "users/本/reset", {})).json()
    assert await code(served, f"one-time/{reset['token']}", {"password": NEW}) == "weak_password"
    log = (await ask(served, "GET", "sign-ins")).json()["sign_ins"]
    assert [row["result"] for row in log if row["username"] == "本"] == ["ok"]


async def test_second_factor_and_recovery_codes(served: Stage) -> None:
    ann = await served.person("ann", "operator", totp=SecretBox(served.data_dir))
    now = pyotp.TOTP(ann.secret).now()
    assert await code(served, "session", ann.credentials()) == "totp_needed"
    assert await code(served, "session", ann.credentials(totp=now)) == "ok"
    assert await code(served, "session", ann.credentials(totp=now)) == "bad_totp"
    opened = await ask(
        served,
        "POST",
        "session",
        ann.credentials(totp=pyotp.TOTP(ann.secret).at(time.time() + 30)),
        **{"x-nobody": ""},
    )
    served.cookie = opened.headers["set-cookie"].partition(";")[0]
    renewed = await ask(served, "POST", "me/recovery-codes", {"password": ann.password})
    (first, *_) = renewed.json()["recovery_codes"]
    assert await code(served, "session", ann.credentials(totp=first)) == "ok"
    assert await code(served, "session", ann.credentials(totp=first)) == "bad_totp"


async def test_tries_that_fail_and_tokens(served: Stage) -> None:
    await served.person("ann", "operator")
    codes = [await code(served, "session", {"username": "ann", "password": WRONG}) for _ in range(6)]
    assert codes == ["bad_credentials"] * 5 + ["rate_limited"]
    for odd in ("\0", "x" * 256, "ﷺ" * 64):
        answer = await code(served, "session", {"username": odd, "password": WRONG})
        assert answer in {"bad_credentials", "bad_request"}, odd
    for path, body in (
        ("invitations", {"username": "a\0b", "roles": ["operator"]}),
        ("invitations", {"username": "carl", "display_name": "a\0b", "roles": ["operator"]}),
        ("invitations", {"username": "carl", "roles": ["operator@a\0b"]}),
        ("tokens", {"name": "a\0b", "scopes": ["channel:cut"]}),
        ("tokens", {"name": "deck", "scopes": ["channel:cut"], "channel": "a\0b"}),
    ):
        assert (await ask(served, "POST", path, body)).status_code == 409, body
    made = await ask(served, "POST", "tokens", {"name": "deck", "scopes": ["channel:cut"], "channel": "main"})
    bearer = {"authorization": f"Bearer {made.json()['token']}"}
    assert (await ask(served, "POST", "channels/main/cut", **bearer)).status_code == 200
    assert (await ask(served, "POST", "channels/hall/cut", **bearer)).status_code == 403
    assert (await ask(served, "DELETE", "tokens/deck")).status_code == 200
    await asyncio.sleep(1)
    assert (await ask(served, "POST", "channels/main/cut", **bearer)).status_code == 401


async def test_somebody_disabled_elsewhere_is_out_within_a_second(served: Stage) -> None:
    await served.sign_in("ann", "operator")

    def disable() -> None:
        with Database(served.database) as database, database.write() as session:
            accounts.disable(session, "ann", at=wall_s())

    async with served.socket() as page:
        await receive(page, "hello")
        await asyncio.to_thread(disable)
        async with asyncio.timeout(1.5):
            await page.wait_closed()
    assert page.close_reason == "no_session"


async def test_a_server_that_goes_away_takes_no_cut_away(served: Stage, postgres: Postgres) -> None:
    async with served.socket() as page:
        await receive(page, "hello")
        await asyncio.sleep(1)
        await asyncio.to_thread(postgres.stop)
        try:
            await asyncio.sleep(1)
            await page.send('{"t":"cmd","id":1,"cmd":"cut","channel":"main"}')
            assert (await receive(page, "reply", timeout_s=2))["ok"] is True
            assert (await ask(served, "GET", "users")).json()["code"] == "database_away"
        finally:
            await asyncio.to_thread(postgres.start)
        async with asyncio.timeout(20):
            while (await ask(served, "GET", "users")).status_code != 200:
                await asyncio.sleep(0.2)


async def test_a_console_that_starts_without_its_server_knows_who_was_there(
    idle: Stage, postgresql: Location, postgres: Postgres
) -> None:
    idle.database = postgresql
    await asyncio.to_thread(upgrade, postgresql)
    async with idle.gate.running():
        async with idle.console():
            await idle.sign_in()
            await asyncio.sleep(1.5)
        await asyncio.to_thread(postgres.stop)
        try:
            async with idle.console():
                await gate_known(idle)
                answer = await ask(idle, "POST", "channels/main/cut")
                assert (answer.status_code, answer.json()["state"]) == (200, "cut")
        finally:
            await asyncio.to_thread(postgres.start)


async def test_the_cleaner_runs_on_it(served: Stage) -> None:
    database = AsyncDatabase(served.database)
    assert await cleaner.clean(database) == cleaner.Cleaned()
    await database.close()


def test_two_administrators_do_not_disable_each_other(postgresql: Location) -> None:
    make_database(postgresql)
    for name in ("ann", "bea"):
        add_person(postgresql, name, ("administrator",))

    checked, committed = threading.Event(), threading.Event()

    def disable_bea() -> None:
        with Database(postgresql) as database, database.write() as session:
            with accounts.keep_an_administrator(session):
                accounts.disable(session, "bea", at=wall_s())
            checked.set()
            committed.wait(5)

    with ThreadPoolExecutor(1) as pool, Database(postgresql) as database:
        with database.write() as session, accounts.keep_an_administrator(session):
            accounts.disable(session, "ann", at=wall_s())
            other = pool.submit(disable_bea)
            checked.wait(0.5)
        committed.set()
        with pytest.raises(Refused, match="nobody would be left"):
            other.result(10)
        with database.read() as session:
            assert users.count_administrators(session) == 1
