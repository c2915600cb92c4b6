"""The console's ledger: every decision made by the console, sign-ins, ended sessions, refusals; no secret."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyotp
from console_stage import Stage, receive
from fastapi import FastAPI
from httpx import Response
from starlette.routing import BaseRoute

from console.app import routes
from console.auth import tokens
from console.auth.decisions import CHANGING, COMMAND_NAMES, DECISIONS, find_route, read_args, told_of
from console.auth.rights import API, ROUTES
from console.auth.sessions import Rules
from streamgate.ledger.read import read
from streamgate.ledger.verify import verify
from streamgate.runtime.channels import ChannelStore
from streamgate.runtime.secret_box import SecretBox

OURS = {"decision", "sign_in", "session_end", "refusal"}
CHANGES = [key for key in ROUTES if key[0] in CHANGING and "{path:path}" not in key[1]]
DESTINATION = "rtmp://live.example/app/a-key-of-the-platform"


def records(stage: Stage, *kinds: str) -> list[dict[str, Any]]:
    """Return the console's own records of these kinds (all when none is named), in their order."""
    wanted = set(kinds) or OURS
    return [one for one in read(stage.data_dir / "ledger", process="console") if one["kind"] in wanted]


async def until_recorded(stage: Stage, count: int, *kinds: str) -> list[dict[str, Any]]:
    """Wait for the writer's thread."""
    async with asyncio.timeout(10):
        while len(found := records(stage, *kinds)) < count:
            await asyncio.sleep(0.02)
    return found


async def ask(stage: Stage, method: str, path: str, body: object = None, **headers: str) -> Response:
    async with stage.client(signed_in=not headers) as client:
        return await client.request(method, f"{API}/{path}", json=body, headers=headers)


# ---------------------------------------------------------------- the table


def api_routes(routes: list[BaseRoute]) -> Iterator[Any]:
    for route in routes:
        if (included := getattr(route, "original_router", None)) is not None:
            yield from api_routes(included.routes)
        elif hasattr(route, "body_field"):
            yield route


def test_every_route_that_changes_something_says_what_is_recorded_of_it() -> None:
    assert sorted(DECISIONS) == sorted(CHANGES)


def test_every_member_of_a_body_is_shown_or_hidden_on_purpose() -> None:
    app: FastAPI = routes()
    looked_at = 0
    for route in api_routes(app.routes):
        for method in route.methods & CHANGING:
            told = DECISIONS.get((method, route.path))
            if told is None or told.what in COMMAND_NAMES:  # commands read their bodies themselves
                continue
            names = {param.name for param in route.dependant.path_params}
            if route.body_field is not None:
                names |= set(route.body_field.field_info.annotation.model_fields)
            assert names <= told.shown | told.hidden, (method, route.path)
            looked_at += 1
    assert looked_at == len(CHANGES) - len(COMMAND_NAMES)


def test_the_document_names_every_decision() -> None:
    for page in ("ledger.md", "ledger.zh-CN.md"):
        text = (Path(__file__).parents[2] / "docs" / page).read_text()
        missing = [one.what for one in DECISIONS.values() if f"`{one.what}`" not in text]
        assert set(missing) <= {*COMMAND_NAMES, "session.begin"}, page


def test_the_table_finds_the_route_of_each_address() -> None:
    for method, route in ROUTES:
        if "{path:path}" in route or not route.startswith(API):
            continue
        asked = route.replace("{", "a-").replace("}", "")
        assert find_route(method, asked)[0] == route
    assert find_route("POST", f"{API}/nothing/of/the/kind") == ("", {})
    assert find_route("DELETE", f"{API}/tokens/") == ("", {})


def test_a_forgotten_route_is_recorded_without_its_arguments() -> None:
    told = told_of("POST", f"{API}/new")
    assert (told.what, read_args(told, {"id": "x"}, b'{"password":"x"}')) == (f"POST {API}/new", {})


def test_arguments_hold_no_address_with_a_key_and_nothing_odd() -> None:
    told = told_of("POST", f"{API}/channels/{{channel}}/destinations")
    body = b'{"url":"rtmp://h/app/SECRET","name":"x=rtmp://h/app/SECRET","split_headers":{"deep":["SECRET"]}}'
    args = read_args(told, {"channel": "main"}, body)
    assert args["url"] == "rtmp://h/app/***"
    assert "SECRET" not in str(args)
    assert read_args(told, {}, b"[" * 10_000) == {}
    assert read_args(told, {}, b'{"name":' + b"9" * 30 + b"}") == {"name": "9" * 30}


# ---------------------------------------------------------------- every route, in a real console


async def test_every_changing_route_leaves_a_record_whatever_comes_of_it(idle: Stage) -> None:
    """Nothing is up but the console: commands cannot reach the gate, so the console records them."""
    async with idle.console():
        await idle.sign_in()
        for method, route in CHANGES:
            if (method, route) == ("DELETE", f"{API}/session"):
                continue  # it would be the last
            path = route.replace("{", "").replace("}", "")
            before = len(records(idle))
            async with idle.client() as client:
                answer = await client.request(method, path, json={"reason": "a test"})
            assert answer.status_code < 500 or answer.json()["code"] in {"gate_down", "not_stored"}, path
            found = await until_recorded(idle, before + 1)
            if route == f"{API}/session":
                continue  # not understood: nothing was tried
            assert DECISIONS[method, route].what in {one.get("what") for one in found[before:]}, path
        before = len(records(idle))
        assert (await ask(idle, "DELETE", "session")).status_code == 200
        assert {one["kind"] for one in (await until_recorded(idle, before + 2))[before:]} == {
            "decision",
            "session_end",
        }
    assert verify(idle.data_dir).ok


async def test_a_decision_says_who_from_where_what_and_what_it_was_before(stage: Stage) -> None:
    await stage.person("ann", "operator")
    await ask(stage, "PATCH", "users/ann", {"display_name": "Ann", "roles": ["director@main"]})
    await ask(stage, "PATCH", "users/nobody", {"disabled": True})
    done, refused = await until_recorded(stage, 2, "decision")
    (sign_in,) = records(stage, "sign_in")
    assert (sign_in["who"], sign_in["answer"], sign_in["factors"]) == ("console:operator", "ok", ["password"])
    assert done["session"] == sign_in["session"]
    assert len(done["session"]) == 16
    assert (done["who"], done["role"], done["from"]) == (
        "console:operator",
        "administrator,director",
        "127.0.0.1",
    )
    assert (done["what"], done["answer"]) == ("person.change", "ok")
    assert done["args"] == {"username": "ann", "display_name": "Ann", "roles": ["director@main"]}
    assert done["changes"] == [
        {"name": "display_name", "old": "", "new": "Ann"},
        {"name": "roles", "old": ["operator"], "new": ["director@main"]},
    ]
    assert done["latency_ms"] > 0
    assert done["at"] > 1.7e9
    assert done["mono_us"] > 0
    assert (refused["answer"], refused["error"].partition(";")[0]) == (
        "refused",
        "there is nobody called nobody",
    )
    assert "changes" not in refused


async def test_a_changed_channel_is_recorded_with_old_and_new_also_without_a_gate(idle: Stage) -> None:
    async with idle.console():
        await idle.sign_in()
        await ask(idle, "POST", "channels", {"name": "hall"})
        await ask(idle, "PATCH", "channels/hall", {"delay_s": 45.0})
        await ask(idle, "POST", "channels/hall/destinations", {"url": DESTINATION})
        await ask(idle, "POST", "channels/hall/destinations/live.example/approve")
        await ask(idle, "DELETE", "channels/hall/destinations/live.example")
    added, slower, entered, own, removed = records(idle, "decision")
    assert (added["what"], added["channel"], added["answer"]) == ("channel.add", "hall", "stored")
    assert added["changes"][0]["new"]["delay_s"] == 30
    assert slower["changes"] == [{"name": "delay_s", "old": 30, "new": 45}]
    assert entered["args"]["url"] == "rtmp://live.example/app/***"
    assert entered["changes"][0]["new"][0]["approved"] is False
    assert own["answer"] == "refused"  # a second person is asked for
    assert "R13" in own["error"]
    assert (removed["changes"][0]["old"][0]["name"], removed["changes"][0]["new"]) == ("live.example", [])


# ---------------------------------------------------------------- signing in, and what ends a session


async def test_tries_to_sign_in_are_recorded_and_never_what_may_be_a_password(idle: Stage) -> None:
    async with idle.console():
        bob = await idle.person("bob", "operator", totp=SecretBox(idle.data_dir))
        await ask(idle, "POST", "session", {"username": "bob", "password": "wrong-wrong-wrong"}, x="")
        await ask(idle, "POST", "session", {"username": "my-password-by-mistake", "password": "x"}, x="")
        await ask(idle, "POST", "session", bob.credentials(), x="")
        await ask(idle, "POST", "session", bob.credentials(totp="000000"), x="")
        code = pyotp.TOTP(bob.secret).now()
        assert (await ask(idle, "POST", "session", bob.credentials(totp=code), x="")).status_code == 200
    found = [(one.get("who", ""), one["answer"], one["factors"]) for one in records(idle, "sign_in")]
    assert found == [
        ("console:bob", "bad_password", ["password"]),
        ("", "unknown", ["password"]),
        ("console:bob", "totp_needed", ["password"]),
        ("console:bob", "bad_totp", ["password", "totp"]),
        ("console:bob", "ok", ["password", "totp"]),
    ]
    assert all(one["from"] == "127.0.0.1" for one in records(idle, "sign_in"))
    assert records(idle, "sign_in")[-1]["role"] == "operator"


async def test_a_link_of_the_demo_that_signs_in_is_recorded(idle: Stage) -> None:
    (idle.data_dir / tokens.DEMO_MARK).touch()
    async with idle.console():
        await idle.person("ann", "operator")
        link = tokens.mint(idle.data_dir, "ann")
        async with idle.client(signed_in=False) as client:
            answer = await client.get(f"/?token={link}")
    assert answer.status_code == 303
    (record,) = records(idle, "sign_in")
    assert (record["who"], record["answer"], record["factors"]) == ("console:ann", "ok", ["link"])
    assert len(record["session"]) == 16


async def test_the_end_of_a_session_says_why_and_by_whom(idle: Stage) -> None:
    async with idle.console():
        await idle.sign_in()
        administrator = idle.cookie
        await idle.sign_in("ann", "operator")
        idle.cookie = administrator
        await ask(idle, "PATCH", "users/ann", {"disabled": True})
        await ask(idle, "DELETE", "session")
    disabled, left = records(idle, "session_end")
    assert (disabled["who"], disabled["why"], disabled["by"]) == (
        "console:ann",
        "disabled",
        "console:operator",
    )
    assert (left["who"], left["why"], left["by"]) == ("console:operator", "signed out", "console:operator")
    opened = {one["who"]: one["session"] for one in records(idle, "sign_in")}
    assert (disabled["session"], left["session"]) == (opened["console:ann"], opened["console:operator"])


async def test_a_session_that_idled_out_is_recorded(idle: Stage) -> None:
    async with idle.console(rules=Rules(idle_s=0.5)):
        await idle.sign_in()
        (ended,) = await until_recorded(idle, 1, "session_end")
    assert (ended["who"], ended["why"], ended.get("by")) == ("console:operator", "idle", None)


# ---------------------------------------------------------------- refusals


async def test_refusals_are_recorded_by_http_and_by_websocket(stage: Stage) -> None:
    await stage.sign_in("ann", "auditor")
    assert (await ask(stage, "POST", "channels/main/cut")).status_code == 403
    assert (await ask(stage, "POST", "tokens", {"name": "x", "scopes": ["channel:cut"]})).status_code == 403
    async with stage.socket() as socket:
        await receive(socket, "hello")
        await socket.send('{"t":"cmd","id":1,"cmd":"dump","channel":"main","seconds":5}')
        await receive(socket, "reply", ok=False)
    async with stage.client(signed_in=False) as client:
        await client.get(f"{API}/users")  # it leads to the page that asks who it is: no refusal
        await client.get(f"{API}/users", headers={"authorization": "Bearer sg_wrong"})
        await client.post(f"{API}/one-time/guessed-token", json={"password": "x" * 20})
        await client.post(f"{API}/session", json={}, headers={"origin": "http://evil.example"})
    found = await until_recorded(stage, 6, "refusal")
    assert [(one.get("who", ""), one["what"], one["answer"]) for one in found] == [
        ("console:ann", "cut", "forbidden"),
        ("console:ann", "token.add", "forbidden"),
        ("console:ann", "dump", "forbidden"),
        ("", "GET /api/v1/users", "bad_token"),
        ("", "link.use", "bad_token"),
        ("", "session.begin", "bad_origin"),
    ]
    assert (found[2]["channel"], found[2]["args"], found[2]["right"]) == (
        "main",
        {"seconds": 5},
        "channel:dump",
    )
    assert all("args" not in one for one in found if "who" not in one)
    assert not records(stage, "decision")


async def test_commands_that_the_gate_answers_are_left_to_the_gate(stage: Stage) -> None:
    assert (await ask(stage, "POST", "channels/main/cut")).status_code == 200
    assert (await ask(stage, "POST", "channels/nowhere/cut")).status_code == 409  # the gate's own refusal
    assert (await ask(stage, "POST", "channels/main/restore", {})).json()["code"] == "reason_needed"
    (only,) = await until_recorded(stage, 1, "refusal", "decision")
    assert (only["what"], only["answer"]) == ("restore", "reason_needed")


async def test_a_flood_of_refusals_is_counted_and_does_not_fill_the_disk(idle: Stage) -> None:
    flood, named = 400, 30
    async with idle.console():
        async with idle.client(signed_in=False) as client:
            for number in range(flood):
                await client.post(f"{API}/channels/main/cut", headers={"x": str(number)})
        await idle.sign_in("ann", "auditor")
        for number in range(named):
            body = {"reason": f"ann says {number}"}
            assert (await ask(idle, "POST", "channels/main/cut", body)).status_code == 403
    found = records(idle, "refusal")
    strangers = [one for one in found if one.get("who", "") == ""]
    assert len(strangers) < 40
    assert sum(one.get("times", 1) for one in strangers) == flood
    assert [one["reason"] for one in found if one not in strangers] == [
        f"ann says {number}" for number in range(named)
    ]  # none is lost of somebody with a name


# ---------------------------------------------------------------- a disk that does not take it


async def test_a_ledger_that_cannot_be_written_is_an_alarm_on_the_page(idle: Stage) -> None:
    (idle.data_dir / "ledger").write_text("in the way")
    async with idle.gate.running(), idle.console():
        await idle.sign_in()  # nobody waits for it
        await idle.until(lambda: standing(idle), 10)
        assert standing(idle)[-1].what.code == "ledger_failed"
        (idle.data_dir / "ledger").unlink()
        await idle.until(lambda: standing(idle)[-1].what is None, 10)
        await until_recorded(idle, 1, "sign_in")  # kept in memory meanwhile
    assert verify(idle.data_dir).ok


# ---------------------------------------------------------------- no secret


async def test_no_secret_stands_in_any_byte_of_the_ledger(stage: Stage) -> None:
    """Everything that is secret passes through the console here; then its ledger is searched for each."""
    box = SecretBox(stage.data_dir)
    carol = await stage.person("carol", "administrator", totp=box)
    secrets = [carol.password, carol.secret, stage.cookie.partition("=")[2]]
    new = {"name": "deck", "scopes": ["channel:cut"]}
    secrets.append((await ask(stage, "POST", "tokens", new)).json()["token"])
    link = (await ask(stage, "POST", "invitations", {"username": "dan", "roles": ["operator"]})).json()
    secrets += [link["token"], "an invitation was taken up"]
    done = await ask(stage, "POST", f"one-time/{link['token']}", {"password": secrets[-1]})
    assert done.status_code == 200, done.text
    secrets.append((await ask(stage, "POST", "users/dan/reset", {"totp": True})).json()["token"])
    own = {"password": stage.people["operator"].password}
    secret = (await ask(stage, "POST", "me/totp", own)).json()["secret"]
    code = pyotp.TOTP(secret).now()
    confirmed = await ask(stage, "POST", "me/totp/confirm", {"code": code})
    stage.cookie = confirmed.headers["set-cookie"].partition(";")[0]
    secrets += [own["password"], secret, stage.cookie.partition("=")[2], *confirmed.json()["recovery_codes"]]
    fresh = {"current": own["password"], "password": "another one that is long enough"}
    changed = await ask(stage, "POST", "me/password", fresh)
    assert changed.status_code == 200, changed.text
    stage.cookie = changed.headers["set-cookie"].partition(";")[0]
    secrets += [fresh["password"], stage.cookie.partition("=")[2]]
    made = await ask(stage, "POST", "channels", {"name": "hall"})
    secrets.append(made.json()["stream_key"])
    secrets.append((await ask(stage, "POST", "channels/hall/key")).json()["stream_key"])
    key = DESTINATION.rpartition("/")[2]
    for url in (DESTINATION, f"not-rtmp://x/app/{key}", f"name={DESTINATION}", key):
        await ask(stage, "POST", "channels/hall/destinations", {"url": url})
    secrets += [key, *(one.key_hash for one in ChannelStore(stage.data_dir).load_all().channels)]
    await ask(stage, "POST", "session", {"username": secrets[0], "password": "x"}, x="")  # in the wrong field
    removed = (await ask(stage, "DELETE", "channels/hall/destinations/live.example")).json()
    secrets.append(removed["undo"])
    assert (await ask(stage, "POST", f"undo/{removed['undo']}")).status_code == 200
    await until_recorded(stage, 1, "decision")
    await asyncio.sleep(0.5)
    assert {"undo", "own.password", "own.totp.confirm", "person.reset", "link.use", "channel.key"} <= {
        one["what"] for one in records(stage, "decision")
    }
    written = b"".join(path.read_bytes() for path in sorted((stage.data_dir / "ledger").rglob("*.jsonl")))
    for secret in secrets:
        assert len(secret) > 5
        assert secret.encode() not in written, secret


def standing(stage: Stage) -> list[Any]:
    return [one for one in stage.gate.requests if type(one).__name__ == "Standing"]
