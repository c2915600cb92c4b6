"""One's own account: what a person is told of it, the code generator renewed, sessions and how they ended."""

import asyncio
import base64
import contextlib
import time
from collections.abc import Sequence
from typing import Any

import pyotp
import pytest
from console_stage import Stage, receive
from httpx import Response
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from console.auth import accounts, factors
from console.auth.endings import no_session
from console.auth.passwords import Hashing
from console.auth.sessions import Rules
from console.problems import NO_SESSION
from streamgate.clock import wall_s
from streamgate.runtime.secret_box import SecretBox
from streamgate.store.database import Database

NEW = "harbour lamp seven rivers"


async def ask(
    stage: Stage, method: str, path: str, body: object = None, *, stranger: bool = False
) -> Response:
    async with stage.client(signed_in=not stranger) as client:
        return await client.request(method, f"/api/v1/{path}", json=body)


async def told(stage: Stage, method: str, path: str, body: object = None) -> dict[str, Any]:
    answer: dict[str, Any] = (await ask(stage, method, path, body)).json()
    return answer


def keep_cookie(stage: Stage, answer: Response) -> None:
    assert answer.status_code == 200, answer.text
    stage.cookie = answer.headers["set-cookie"].partition(";")[0]


async def closed(socket: ClientConnection) -> str:
    """Return the word with which a websocket was closed."""
    async with asyncio.timeout(3):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.recv()
    return socket.close_reason or ""


# ---------------------------------------------------------------- what one is told


async def test_the_newest_tries_stand_in_ones_own_account(stage: Stage) -> None:
    ann = await stage.person("ann", "operator")
    await ask(stage, "POST", "session", ann.credentials(password="wrong wrong"), stranger=True)
    await stage.sign_in("ann")
    me = await told(stage, "GET", "me")
    assert [(one["result"], one["address"]) for one in me["sign_ins"]] == [
        ("ok", "127.0.0.1"),
        ("bad_password", "127.0.0.1"),
    ]
    assert me["totp_needed"] is False


async def test_who_is_asked_for_the_code_and_gives_it_has_failed_nothing(stage: Stage) -> None:
    ann = await stage.person("ann", "operator", totp=SecretBox(stage.data_dir))
    generator = pyotp.TOTP(ann.secret)

    async def sign_in(at: float) -> Response:
        await ask(stage, "POST", "session", ann.credentials(), stranger=True)
        return await ask(stage, "POST", "session", ann.credentials(totp=generator.at(at)), stranger=True)

    now = time.time()
    assert (await sign_in(now)).json()["last"]["failed_since"] == 0
    await ask(stage, "POST", "session", ann.credentials(totp="000000"), stranger=True)
    assert (await sign_in(now + 30)).json()["last"]["failed_since"] == 1


async def test_somebody_disabled_is_told_so_who_has_the_password(stage: Stage) -> None:
    administrator, ann = stage.cookie, await stage.person("ann", "operator")
    hers = await stage.sign_in("ann")
    stage.cookie = administrator
    await ask(stage, "PATCH", "users/ann", {"disabled": True})
    stage.cookie = hers
    assert (await told(stage, "GET", "session"))["why"] == "disabled"
    right = await ask(stage, "POST", "session", ann.credentials(), stranger=True)
    assert (right.status_code, right.json()["code"]) == (401, "account_disabled")
    wrong = await ask(stage, "POST", "session", ann.credentials(password="wrong wrong"), stranger=True)
    assert (wrong.status_code, wrong.json()["code"]) == (401, "bad_credentials")


async def test_a_wrong_present_password_is_told_in_its_own_words(stage: Stage) -> None:
    change = {"current": "wrong wrong", "password": NEW}
    answer = await ask(stage, "POST", "me/password", change)
    assert (answer.status_code, answer.json()["code"]) == (403, "bad_credentials")
    assert "present password" in answer.json()["error"]


# ---------------------------------------------------------------- the code generator


async def set_up(stage: Stage, name: str = "ann") -> tuple[str, str]:
    """Sign somebody in who sets a code generator up; return password and secret."""
    ann = await stage.person(name, "operator")
    await stage.sign_in(name)
    made = await told(stage, "POST", "me/totp", {"password": ann.password})
    confirmed = await ask(stage, "POST", "me/totp/confirm", {"code": pyotp.TOTP(made["secret"]).now()})
    keep_cookie(stage, confirmed)
    return ann.password, made["secret"]


async def test_the_qr_code_holds_the_secret(stage: Stage) -> None:
    made = await told(stage, "POST", "me/totp", {"password": (await stage.person("operator")).password})
    kind, _, data = made["qr"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(data).lstrip().startswith(b"<?xml")
    assert made["secret"] in made["uri"]


async def test_a_renewed_code_generator_counts_from_its_first_code_on(stage: Stage) -> None:
    password, old = await set_up(stage)
    renewed = await told(stage, "POST", "me/totp", {"password": password, "renew": True})
    new = renewed["secret"]
    soon = time.time() + 30
    credentials = {"username": "ann", "password": password}
    in_use = await ask(
        stage, "POST", "session", {**credentials, "totp": pyotp.TOTP(old).at(soon)}, stranger=True
    )
    assert in_use.status_code == 200  # the old one goes on
    held = b"".join(path.read_bytes() for path in stage.data_dir.glob("streamgate.sqlite*"))
    assert new.encode() not in held
    assert (await ask(stage, "POST", "me/totp/confirm", {"code": "000000"})).json()["code"] == "bad_totp"
    done = await ask(stage, "POST", "me/totp/confirm", {"code": pyotp.TOTP(new).now()})
    keep_cookie(stage, done)
    assert len(done.json()["recovery_codes"]) == 10
    for secret, status in ((old, 401), (new, 200)):
        body = {**credentials, "totp": pyotp.TOTP(secret).at(soon)}
        assert (await ask(stage, "POST", "session", body, stranger=True)).status_code == status
    again = await ask(stage, "POST", "me/totp/confirm", {"code": pyotp.TOTP(new).at(soon)})
    assert again.json()["code"] == "bad_totp"  # nothing waits for a code


async def test_a_renewal_does_not_wait_for_ever(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    password, _ = await set_up(stage)
    monkeypatch.setattr(factors, "RENEWAL_S", 0.0)
    made = await told(stage, "POST", "me/totp", {"password": password, "renew": True})
    late = await ask(stage, "POST", "me/totp/confirm", {"code": pyotp.TOTP(made["secret"]).now()})
    assert late.json()["code"] == "bad_totp"


async def test_a_role_that_demands_it_says_so(idle: Stage) -> None:
    async with idle.gate.running(), idle.console(rules=Rules(totp_roles=frozenset({"director"}))):
        await idle.person("ann", "director", totp=SecretBox(idle.data_dir))
        ann = idle.people["ann"]
        body = ann.credentials(totp=pyotp.TOTP(ann.secret).now())
        keep_cookie(idle, await ask(idle, "POST", "session", body, stranger=True))
        assert (await told(idle, "GET", "me"))["totp_needed"] is True


# ---------------------------------------------------------------- sessions


async def test_all_other_sessions_are_ended_at_once(stage: Stage) -> None:
    other = stage.cookie
    async with stage.socket() as page:
        await receive(page, "hello")
        await stage.sign_in()
        assert await told(stage, "DELETE", "me/sessions") == {"ended": 1}
        assert await closed(page) == "no_session"
    assert (await ask(stage, "GET", "me")).status_code == 200
    assert len((await told(stage, "GET", "me/sessions"))["sessions"]) == 1
    stage.cookie = other
    assert (await told(stage, "GET", "session"))["why"] == "elsewhere"


async def test_new_recovery_codes_and_a_removed_second_factor_end_the_other_sessions(stage: Stage) -> None:
    password, secret = await set_up(stage)
    code = pyotp.TOTP(secret).at(time.time() + 30)
    for method, path in (("POST", "me/recovery-codes"), ("DELETE", "me/totp")):
        given = {"username": "ann", "password": password, "totp": code}
        entered = await ask(stage, "POST", "session", given, stranger=True)
        answer = await told(stage, method, path, {"password": password})
        code = answer.get("recovery_codes", [""])[0]
        mine, stage.cookie = stage.cookie, entered.headers["set-cookie"].partition(";")[0]
        assert (await ask(stage, "GET", "me")).status_code == 401
        stage.cookie = mine
        assert (await ask(stage, "GET", "me")).status_code == 200


async def test_what_nobody_came_back_to_is_no_session(idle: Stage) -> None:
    async with idle.console(rules=Rules(idle_s=1.0)):
        await idle.sign_in()
    await asyncio.sleep(1.1)
    async with idle.console(rules=Rules(idle_s=1.0)):
        await idle.sign_in()
        (mine,) = (await told(idle, "GET", "me/sessions"))["sessions"]
        assert mine["current"] is True


# ---------------------------------------------------------------- how a session ended


async def test_a_session_that_is_over_says_how_it_ended(stage: Stage) -> None:
    before = stage.cookie
    await stage.sign_in()
    keep_cookie(
        stage,
        await ask(
            stage, "POST", "me/password", {"current": stage.people["operator"].password, "password": NEW}
        ),
    )
    after = stage.cookie
    stage.cookie = before
    over = await told(stage, "GET", "session")
    assert (over["code"], over["why"]) == ("no_session", "password")
    assert "changed in another browser" in over["error"]

    stage.cookie = after
    with Database(stage.database) as database, database.write() as session:
        accounts.reset(session, "operator", by="test", at=wall_s())
    async with asyncio.timeout(3):
        while (answer := await told(stage, "GET", "session")).get("why") != "reset":
            await asyncio.sleep(0.05)
    assert "已重置" in answer["error_zh"]

    stage.cookie = "streamgate_session=never-was-one"
    assert await told(stage, "GET", "session") == NO_SESSION.body()


async def test_idle_and_signed_out(idle: Stage) -> None:
    async with idle.gate.running(), idle.console(rules=Rules(idle_s=0.6)):
        idle.channel.requested = "stopped"
        await idle.sign_in()
        async with idle.socket() as page:
            assert await closed(page) == "no_session"
        over = await told(idle, "GET", "session")
        assert (over["why"], "0.01 minutes" in over["error"]) == ("idle", True)
        await idle.sign_in()
        await ask(idle, "DELETE", "session")
        assert "why" not in await told(idle, "GET", "session")


def test_every_ending_has_its_words() -> None:
    def why(ended: str) -> str:
        return no_session(ended, idle_s=900, lifetime_s=43_200).why

    assert [why(ended) for ended in ("", "signed out", "signed in again")] == ["", "", ""]
    assert [why(ended) for ended in ("disabled", "expired", "password reset", "something new")] == [
        "disabled",
        "expired",
        "reset",
        "ended",
    ]
    said = no_session("idle", idle_s=900, lifetime_s=43_200)
    assert ("15 minutes" in said.error, "15 分钟" in said.error_zh) == (True, True)


async def test_a_reset_while_a_new_password_is_made_stands(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await stage.person("ann", "operator")
    await stage.sign_in("ann")
    choose = Hashing.choose

    def reset() -> None:
        with Database(stage.database) as database, database.write() as session:
            accounts.reset(session, "ann", by="test", at=wall_s())

    async def slowly(self: Hashing, password: str, names: Sequence[str], used: Sequence[str]) -> str:
        made = await choose(self, password, names, used)
        await asyncio.to_thread(reset)
        return made

    monkeypatch.setattr(Hashing, "choose", slowly)
    answer = await ask(stage, "POST", "me/password", {"current": ann.password, "password": NEW})
    assert (answer.status_code, answer.json()["code"]) == (401, "no_session")
    answer = await ask(stage, "POST", "session", ann.credentials(password=NEW), stranger=True)
    assert answer.json()["code"] == "bad_credentials"


async def test_an_expired_password_closes_the_page_with_that_word(stage: Stage) -> None:
    def expire() -> None:
        with Database(stage.database) as database, database.write() as session:
            accounts.require_user(session, "operator").must_change = True

    async with stage.socket() as page:
        await receive(page, "hello")
        await asyncio.to_thread(expire)
        assert await closed(page) == "password_expired"
