"""Signing in: passwords, second factors, tries that fail, one-time links."""

import asyncio
import time

import pyotp
import pytest
from console_stage import Stage
from httpx import Response
from structlog.testing import capture_logs
from tools.people import Person

from console.auth import accounts, sign_in, tokens
from console.auth.people import People
from console.auth.sessions import Rules
from streamgate.runtime.secret_box import SecretBox
from streamgate.store import sessions, sign_ins, users
from streamgate.store.database import Database
from streamgate.store.models import User

NEW = "harbour lamp seven rivers"


async def post(stage: Stage, path: str, body: object, *, signed_in: bool = False, **headers: str) -> Response:
    async with stage.client(signed_in=signed_in) as client:
        return await client.post(f"/api/v1/{path}", json=body, headers=headers)


async def code(stage: Stage, path: str, body: object, *, signed_in: bool = False) -> str:
    answer = await post(stage, path, body, signed_in=signed_in)
    return "ok" if answer.is_success else str(answer.json()["code"])


def keep_cookie(stage: Stage, answer: Response) -> None:
    stage.cookie = answer.headers["set-cookie"].partition(";")[0]


async def test_name_and_password_open_a_session(stage: Stage) -> None:
    person = await stage.person("ann", "operator", "director@main")
    answer = await post(stage, "session", person.credentials())
    assert answer.status_code == 200
    said = answer.json()
    assert (said["user"], said["roles"], said["state"]) == ("ann", ["operator", "director@main"], "open")
    assert abs(said["expires_at"] - time.time() - 12 * 3600) < 10
    assert said["last"] == {"at": None, "address": "", "failed_since": 0}
    assert "channel:restore" not in said["rights"]
    assert "channel:restore" in said["channel_rights"]["main"]
    cookie = answer.headers["set-cookie"].split("; ")
    assert cookie[0].startswith("streamgate_session=")
    assert set(cookie[1:]) == {
        "HttpOnly",
        "Path=/",
        "SameSite=strict",
    }  # and no age: until the browser closes
    again = (await post(stage, "session", person.credentials())).json()
    assert again["last"]["address"] == "127.0.0.1"
    assert abs(again["last"]["at"] - time.time()) < 60


async def test_a_wrong_password_and_nobody_are_answered_alike(stage: Stage) -> None:
    await stage.person("ann", "operator")
    answers = [
        await post(stage, "session", {"username": name, "password": "wrong wrong wrong"})
        for name in ("ann", "nobody", "\0", "x" * 256)
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["code"] == "bad_credentials"


async def test_a_name_may_be_typed_in_any_case(stage: Stage) -> None:
    person = await stage.person("Ann", "operator")
    answer = await post(stage, "session", {"username": "ＡＮＮ", "password": person.password})
    assert answer.json()["user"] == "Ann"


async def test_a_body_that_is_no_sign_in_is_refused(stage: Stage) -> None:
    async with stage.client(signed_in=False) as client:
        for body in (b"", b"[]", b'{"username": 1, "password": "x"}', b'{"token": "x"}', b"\xff"):
            answer = await client.post("/api/v1/session", content=body)
            assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


async def test_everything_under_api_needs_a_session(stage: Stage) -> None:
    async with stage.client(signed_in=False) as client:
        for headers in ({}, {"cookie": "streamgate_session=forged"}):
            for method, path in (
                ("GET", "/api/v1/session"),
                ("DELETE", "/api/v1/session"),
                ("GET", "/api/v1/state"),
                ("POST", "/api/v1/channels/main/cut"),
                ("GET", "/api/no-such-thing"),
            ):
                answer = await client.request(method, path, headers=headers)
                assert (path, answer.status_code, answer.json()["code"]) == (path, 401, "no_session")
    assert stage.channel.requested == "live"


# ---------------------------------------------------------------- tries that fail


async def test_after_five_failures_an_account_waits_ever_longer(stage: Stage) -> None:
    ann = await stage.person("ann", "operator")
    wrong = {"username": "ann", "password": "wrong wrong wrong"}
    codes = [await code(stage, "session", wrong) for _ in range(6)]
    assert codes == ["bad_credentials"] * 5 + ["rate_limited"]
    right = await post(stage, "session", ann.credentials())
    assert (right.status_code, right.headers["retry-after"]) == (429, "1")
    time.sleep(1.1)
    assert await code(stage, "session", wrong) == "bad_credentials"
    assert int((await post(stage, "session", wrong)).headers["retry-after"]) in {1, 2}
    time.sleep(2.1)
    assert await code(stage, "session", ann.credentials()) == "ok"
    assert await code(stage, "session", wrong) == "bad_credentials"  # counted anew


async def test_many_tries_at_once_are_no_way_around_it(stage: Stage) -> None:
    await stage.person("ann", "operator")
    tries = [
        code(stage, "session", {"username": "ann", "password": f"wrong wrong {number}"})
        for number in range(20)
    ]
    codes = await asyncio.gather(*tries)
    assert codes.count("bad_credentials") <= 5
    assert set(codes) == {"bad_credentials", "rate_limited"}


async def test_an_address_that_tries_many_names_waits(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "FREE_TRIES_ADDRESS", 3)
    codes = [
        await code(stage, "session", {"username": f"name{number}", "password": "wrong wrong wrong"})
        for number in range(4)
    ]
    assert codes == ["bad_credentials"] * 3 + ["rate_limited"]


async def test_who_tries_from_elsewhere_does_not_keep_a_person_out(stage: Stage) -> None:
    ann = await stage.person("ann", "operator")
    assert await code(stage, "session", ann.credentials()) == "ok"
    with Database(stage.database) as database, database.write() as session:
        for _ in range(30):
            sign_ins.record(
                session, at=time.time(), username="ann", address="203.0.113.9", result="bad_password"
            )
    assert await code(stage, "session", ann.credentials()) == "ok"


def test_how_long_one_waits() -> None:
    waits = [sign_in._wait_s(beyond, 100.0, 100.0) for beyond in (-1, 0, 1, 2, 8, 9, 1000)]
    assert waits == [0, 1, 2, 4, 256, 300, 300]
    assert sign_in._wait_s(3, 100.0, 109.0) == 0


# ---------------------------------------------------------------- second factor


async def with_totp(stage: Stage, name: str = "ann") -> tuple[Person, pyotp.TOTP]:
    person = await stage.person(name, "operator", totp=SecretBox(stage.data_dir))
    return person, pyotp.TOTP(person.secret)


async def test_a_code_is_asked_for_and_good_once(stage: Stage) -> None:
    ann, generator = await with_totp(stage)
    assert await code(stage, "session", ann.credentials()) == "totp_needed"
    assert await code(stage, "session", ann.credentials(totp="000000")) == "bad_totp"
    now = generator.now()
    assert await code(stage, "session", ann.credentials(totp=f"{now[:3]} {now[3:]}")) == "ok"
    assert await code(stage, "session", ann.credentials(totp=now)) == "bad_totp"
    assert await code(stage, "session", {**ann.credentials(totp=now), "password": "x"}) == "bad_credentials"


async def test_setting_up_a_code_generator_with_recovery_codes(stage: Stage) -> None:
    ann = await stage.person("ann", "operator")
    await stage.sign_in("ann")
    assert await code(stage, "me/totp", {"password": "wrong"}, signed_in=True) == "bad_credentials"
    made = (await post(stage, "me/totp", {"password": ann.password}, signed_in=True)).json()
    assert made["uri"].startswith("otpauth://totp/streamgate:ann?")
    assert await code(stage, "session", ann.credentials()) == "ok"  # it does not count yet
    assert await code(stage, "me/totp/confirm", {"code": "12"}, signed_in=True) == "bad_totp"
    done = await post(stage, "me/totp/confirm", {"code": pyotp.TOTP(made["secret"]).now()}, signed_in=True)
    codes = done.json()["recovery_codes"]
    assert len(set(codes)) == 10
    assert await code(stage, "me/totp", {"password": ann.password}, signed_in=True) == "no_session"
    keep_cookie(stage, done)
    assert await code(stage, "me/totp", {"password": ann.password}, signed_in=True) == "refused"
    held = b"".join(path.read_bytes() for path in stage.data_dir.glob("streamgate.sqlite*"))
    assert made["secret"].encode() not in held
    assert codes[0].encode() not in held
    assert await code(stage, "session", ann.credentials(totp=codes[0].upper())) == "ok"
    assert await code(stage, "session", ann.credentials(totp=codes[0])) == "bad_totp"
    async with stage.client() as client:
        me = (await client.get("/api/v1/me")).json()
        assert (me["totp"], me["recovery_codes_left"]) == (True, 9)
        removed = await client.request("DELETE", "/api/v1/me/totp", json={"password": ann.password})
        assert removed.status_code == 200
    assert await code(stage, "session", ann.credentials()) == "ok"


async def test_a_role_can_demand_it(idle: Stage) -> None:
    async with idle.gate.running(), idle.console(rules=Rules(totp_roles=frozenset({"director"}))):
        ann = await idle.person("ann", "director")
        opened = await post(idle, "session", ann.credentials())
        assert (opened.json()["state"], opened.json()["rights"]) == ("totp_setup", ["own:totp", "session"])
        keep_cookie(idle, opened)
        assert await code(idle, "channels/main/cut", {}, signed_in=True) == "totp_setup"
        made = (await post(idle, "me/totp", {"password": ann.password}, signed_in=True)).json()
        now = pyotp.TOTP(made["secret"]).now()
        keep_cookie(idle, await post(idle, "me/totp/confirm", {"code": now}, signed_in=True))
        assert await code(idle, "channels/main/cut", {}, signed_in=True) == "ok"


async def test_without_the_key_file_recovery_codes_still_work(stage: Stage) -> None:
    ann = await stage.person("ann", "operator")
    await stage.sign_in("ann")
    made = (await post(stage, "me/totp", {"password": ann.password}, signed_in=True)).json()
    generator = pyotp.TOTP(made["secret"])
    done = await post(stage, "me/totp/confirm", {"code": generator.now()}, signed_in=True)
    (stage.data_dir / "secrets.key").unlink()
    assert await code(stage, "session", ann.credentials(totp=generator.at(time.time() + 30))) == "bad_totp"
    assert await code(stage, "session", ann.credentials(totp=done.json()["recovery_codes"][3])) == "ok"


# ---------------------------------------------------------------- changing the password


async def test_an_expired_password_may_only_be_changed(idle: Stage) -> None:
    async with idle.gate.running(), idle.console(rules=Rules(password_age_s=2.0)):
        ann = await idle.person("ann", "operator")
        time.sleep(2)
        opened = await post(idle, "session", ann.credentials())
        assert opened.json()["state"] == "password_expired"
        assert opened.json()["rights"] == ["own:password", "session"]
        keep_cookie(idle, opened)
        for path in ("channels/main/cut", "me/totp"):
            refused = await post(idle, path, {}, signed_in=True)
            assert (refused.status_code, refused.json()["code"]) == (403, "password_expired")
        change = {"current": ann.password, "password": NEW}
        keep_cookie(idle, await post(idle, "me/password", change, signed_in=True))
        assert await code(idle, "channels/main/cut", {}, signed_in=True) == "ok"


async def test_a_new_password_ends_the_other_sessions_and_renews_this_one(stage: Stage) -> None:
    ann = await stage.person("ann", "operator")
    other = await stage.sign_in("ann")
    mine = await stage.sign_in("ann")
    assert (
        await code(stage, "me/password", {"current": "x", "password": NEW}, signed_in=True)
        == "bad_credentials"
    )
    weak = {"current": ann.password, "password": "password1234"}
    assert await code(stage, "me/password", weak, signed_in=True) == "weak_password"
    same = {"current": ann.password, "password": ann.password}
    assert await code(stage, "me/password", same, signed_in=True) == "weak_password"
    done = await post(stage, "me/password", {"current": ann.password, "password": NEW}, signed_in=True)
    for cookie in (other, mine):
        stage.cookie = cookie
        assert await code(stage, "channels/main/cut", {}, signed_in=True) == "no_session"
    keep_cookie(stage, done)
    assert await code(stage, "channels/main/cut", {}, signed_in=True) == "ok"
    assert await code(stage, "session", ann.credentials()) == "bad_credentials"
    assert await code(stage, "session", {"username": "ann", "password": NEW}) == "ok"


async def test_guessing_the_password_of_an_open_session_is_limited(stage: Stage) -> None:
    guesses = [await code(stage, "me/totp", {"password": f"x{n}"}, signed_in=True) for n in range(11)]
    assert guesses == ["bad_credentials"] * 10 + ["rate_limited"]


# ---------------------------------------------------------------- one-time links


async def test_the_set_up_link_makes_the_first_administrator_once(idle: Stage) -> None:
    async with idle.gate.running(), idle.console():
        token, other = tokens.mint(idle.data_dir), tokens.mint(idle.data_dir)
        async with idle.client(signed_in=False) as client:
            assert (await client.get(f"/api/v1/one-time/{token}")).json() == {"kind": "setup", "user": ""}
        weak = {"username": "ann", "password": "ann and her lamp"}
        assert await code(idle, f"one-time/{token}", weak) == "weak_password"
        assert await code(idle, f"one-time/{token}", {"username": " ", "password": NEW}) == "refused"
        made = await post(idle, f"one-time/{token}", {"username": "ann", "password": NEW})
        assert made.json() == {"user": "ann"}
        for late in (token, other):
            body = {"username": "eve", "password": NEW}
            assert await code(idle, f"one-time/{late}", body) == "bad_token"
        opened = await post(idle, "session", {"username": "ann", "password": NEW})
        assert opened.json()["roles"] == ["administrator"]


async def test_an_invitation_from_the_link_to_the_first_sign_in(stage: Stage) -> None:
    body = {"username": "ben", "display_name": "Ben", "roles": ["operator@main", "reviewer"]}
    link = (await post(stage, "invitations", body, signed_in=True)).json()
    assert link["path"] == f"/one-time#{link['token']}"
    assert await code(stage, "session", {"username": "ben", "password": ""}) == "bad_credentials"
    async with stage.client(signed_in=False) as client:
        shown = (await client.get(f"/api/v1/one-time/{link['token']}")).json()
        assert shown == {"kind": "invite", "user": "ben"}
    assert await code(stage, f"one-time/{link['token']}", {"password": NEW}) == "ok"
    assert await code(stage, f"one-time/{link['token']}", {"password": NEW}) == "bad_token"
    opened = await post(stage, "session", {"username": "ben", "password": NEW})
    assert opened.json()["roles"] == ["operator@main", "reviewer"]
    assert await code(stage, "invitations", body, signed_in=True) == "refused"


async def test_a_reset_ends_sessions_and_the_old_password(stage: Stage) -> None:
    administrator = stage.cookie
    ann = await stage.person("ann", "operator")
    hers = await stage.sign_in("ann")
    stage.cookie = administrator
    first = (await post(stage, "users/ann/reset", {}, signed_in=True)).json()
    link = (await post(stage, "users/ann/reset", {}, signed_in=True)).json()
    stage.cookie = hers
    assert await code(stage, "channels/main/cut", {}, signed_in=True) == "no_session"
    assert await code(stage, "session", ann.credentials()) == "bad_credentials"
    assert await code(stage, f"one-time/{first['token']}", {"password": NEW}) == "bad_token"
    assert await code(stage, f"one-time/{link['token']}", {"password": ann.password}) == "weak_password"
    assert await code(stage, f"one-time/{link['token']}", {"password": NEW}) == "ok"
    assert await code(stage, "session", {"username": "ann", "password": NEW}) == "ok"


async def test_tries_with_links_are_limited(stage: Stage) -> None:
    codes = [await code(stage, f"one-time/wrong{n}", {"password": NEW}) for n in range(11)]
    assert codes == ["bad_token"] * 10 + ["rate_limited"]


async def test_a_link_that_signs_in_works_in_the_demo_alone(stage: Stage) -> None:
    await stage.person("ann", "operator")
    for mark in (False, True):
        token = tokens.mint(stage.data_dir, "ann")
        if mark:
            (stage.data_dir / tokens.DEMO_MARK).touch()
        async with stage.client(signed_in=False) as client:
            answer = await client.get("/", params={"token": token})
            assert answer.status_code == (303 if mark else 200)
            assert ("set-cookie" in answer.headers) is mark
            signed_in = await client.get("/api/v1/session")
            assert signed_in.status_code == (200 if mark else 401)
            again = await client.get("/", params={"token": token})
            assert "set-cookie" not in again.headers


@pytest.mark.parametrize("what", ["reset", "disabled"])
async def test_who_is_shut_out_while_the_password_is_checked_gets_no_session(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    ann = await stage.person("ann", "operator")
    identify = sign_in.Passwords.identify

    def shut_out() -> None:
        with Database(stage.database) as database, database.write() as session:
            if what == "reset":
                accounts.reset(session, "ann", by="test", at=time.time())
            else:
                accounts.disable(session, "ann", at=time.time())

    async def slowly(self: sign_in.Passwords, given: sign_in.Credentials, user: User | None) -> bool:
        proven = await identify(self, given, user)
        await asyncio.to_thread(shut_out)
        return proven

    monkeypatch.setattr(sign_in.Passwords, "identify", slowly)
    assert await code(stage, "session", ann.credentials()) == "bad_credentials"
    with Database(stage.database) as database, database.read() as session:
        user = users.find(session, "ann")
        assert user is not None
        assert sessions.list_open(session, user.id, at=time.time()) == []


async def test_a_request_that_fails_leaves_no_one_time_link_in_the_log(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(People, "find_link", broken)
    with capture_logs() as logs:
        async with stage.client(signed_in=False) as client:
            answer = await client.get("/api/v1/one-time/opens-an-account")
    assert answer.json()["code"] == "failed"
    (line,) = (one for one in logs if one["event"] == "request_failed")
    assert line["path"] == "/api/v1/one-time/{token}"
    assert "opens-an-account" not in str(logs)
