"""Administering people and tokens."""

import asyncio
import contextlib
import time

import pytest
from console_stage import Stage, receive
from httpx import Response
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed


async def ask(stage: Stage, method: str, path: str, body: object = None, **headers: str) -> Response:
    async with stage.client(signed_in=not headers) as client:
        return await client.request(method, f"/api/v1/{path}", json=body, headers=headers)


async def drain(socket: ClientConnection) -> None:
    """Read until the websocket is closed."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await socket.recv()


async def test_people_are_listed_and_changed(stage: Stage) -> None:
    await stage.person("ann", "operator")
    changed = await ask(stage, "PATCH", "users/ann", {"display_name": "Ann", "roles": ["director@main"]})
    assert (changed.json()["display_name"], changed.json()["roles"]) == ("Ann", ["director@main"])
    people = (await ask(stage, "GET", "users")).json()["people"]
    assert [one["user"] for one in people] == ["ann", "operator"]
    assert people[0]["link_expires_at"] is None
    assert people[0] == changed.json()
    for body in ({"roles": ["king"]}, {"roles": []}, {"roles": ["administrator@main"]}):
        refused = await ask(stage, "PATCH", "users/ann", body)
        assert (refused.status_code, refused.json()["code"]) == (409, "refused")
        assert refused.json()["error_zh"]
    assert (await ask(stage, "PATCH", "users/nobody", {})).status_code == 409


async def test_somebody_disabled_is_out_and_comes_back_when_enabled(stage: Stage) -> None:
    administrator = stage.cookie
    ann = await stage.person("ann", "operator")
    await stage.sign_in("ann")
    async with stage.socket() as page:
        await receive(page, "hello")
        stage.cookie = administrator
        assert (await ask(stage, "PATCH", "users/ann", {"disabled": True})).json()["disabled"] is True
        await asyncio.wait_for(drain(page), 1)
        assert page.close_reason == "no_session"
    assert (await ask(stage, "POST", "session", ann.credentials(), **{"x-none": ""})).status_code == 401
    await ask(stage, "PATCH", "users/ann", {"disabled": False})
    assert (await ask(stage, "POST", "session", ann.credentials(), **{"x-none": ""})).status_code == 200
    log = (await ask(stage, "GET", "sign-ins?limit=2")).json()["sign_ins"]
    assert [(row["username"], row["result"]) for row in log] == [("ann", "ok"), ("ann", "disabled")]


async def test_the_last_administrator_stays(stage: Stage) -> None:
    for body in ({"disabled": True}, {"roles": ["director"]}):
        refused = await ask(stage, "PATCH", "users/operator", body)
        assert "nobody would be left to administer" in refused.json()["error"]
    assert (await ask(stage, "GET", "users")).json()["people"][0]["roles"] == ["administrator", "director"]


async def test_nobody_disables_or_resets_the_own_account(stage: Stage) -> None:
    await stage.person("bea", "administrator")
    for method, path, body in (
        ("PATCH", "users/operator", {"disabled": True}),
        ("POST", "users/operator/reset", {"totp": True}),
        ("POST", "users/OPERATOR/reset", {}),
    ):
        refused = await ask(stage, method, path, body)
        assert (refused.status_code, refused.json()["code"]) == (409, "refused")
        assert "your own account" in refused.json()["error"]
        assert "您自己的账号" in refused.json()["error_zh"]
    assert (await ask(stage, "GET", "users")).json()["people"][1]["disabled"] is False
    assert (await ask(stage, "PATCH", "users/operator", {"display_name": "Olga"})).status_code == 200


async def test_somebody_invited_stays_so_until_a_link_is_used(stage: Stage) -> None:
    """An invited administrator who got a second link must not count as one who could administer."""
    body = {"username": "ben", "roles": ["administrator"]}
    await ask(stage, "POST", "invitations", body)
    link = (await ask(stage, "POST", "users/ben/reset", {})).json()
    listed = (await ask(stage, "GET", "users")).json()
    assert (listed["people"][0]["user"], listed["people"][0]["invited"]) == ("ben", True)
    assert listed["people"][0]["link_expires_at"] == link["expires_at"]
    assert {"role": "operator", "per_channel": True} in listed["roles"]
    assert {"role": "auditor", "per_channel": False} in listed["roles"]
    refused = await ask(stage, "PATCH", "users/operator", {"roles": ["director"]})
    assert "nobody would be left" in refused.json()["error"]
    async with stage.client(signed_in=False) as client:
        assert (await client.get(f"/api/v1/one-time/{link['token']}")).json()["kind"] == "invite"
        chosen = {"password": "harbour lamp seven rivers"}
        assert (await client.post(f"/api/v1/one-time/{link['token']}", json=chosen)).status_code == 200
    (ben, _) = (await ask(stage, "GET", "users")).json()["people"]
    assert (ben["invited"], ben["has_password"], ben["link_expires_at"]) == (False, True, None)
    await ask(stage, "POST", "users/ben/reset", {})
    (ben, _) = (await ask(stage, "GET", "users")).json()["people"]
    assert (ben["invited"], ben["has_password"]) == (False, False)


async def test_the_sign_in_log_is_filtered_and_read_in_pages(stage: Stage) -> None:
    ann = await stage.person("ann", "operator")
    for credentials in (
        {**ann.credentials(), "password": "wrong wrong wrong"},
        ann.credentials(),
        {"username": "nobody", "password": "wrong wrong wrong"},
    ):
        await ask(stage, "POST", "session", credentials, **{"x-none": ""})

    async def read(query: str) -> list[tuple[str, str]]:
        rows = (await ask(stage, "GET", f"sign-ins?{query}")).json()["sign_ins"]
        return [(row["username"], row["result"]) for row in rows]

    assert await read("user=ANN") == [("ann", "ok"), ("ann", "bad_password")]
    assert await read("failed=true") == [("nobody", "unknown"), ("ann", "bad_password")]
    assert await read("failed=true&user=ann") == [("ann", "bad_password")]
    first = (await ask(stage, "GET", "sign-ins?limit=1")).json()["sign_ins"]
    assert await read(f"limit=1&before={first[0]['id']}") == [("ann", "ok")]
    for query in ("before=0", "before=9007199254740992", "limit=0", "failed=perhaps"):
        assert (await ask(stage, "GET", f"sign-ins?{query}")).status_code == 400, query


async def test_a_token_works_until_it_is_revoked_and_its_use_is_noted(stage: Stage) -> None:
    body = {"name": "deck", "scopes": ["channel:cut", "channel:view"], "channel": "main"}
    token = (await ask(stage, "POST", "tokens", body)).json()["token"]
    bearer = {"authorization": f"Bearer {token}"}
    assert (await ask(stage, "POST", "channels/main/cut", **bearer)).status_code == 200
    assert stage.gate.requests[-1].actor == "token:deck"
    assert (await ask(stage, "POST", "channels/main/restore", {"reason": "x"}, **bearer)).status_code == 403
    assert (await ask(stage, "POST", "channels/hall/cut", **bearer)).status_code == 403
    assert (await ask(stage, "POST", "tokens", body)).status_code == 409
    await asyncio.sleep(1)
    (row,) = (await ask(stage, "GET", "tokens")).json()["tokens"]
    assert abs(row["last_used_at"] - time.time()) < 10
    assert token not in str(row)
    stage_cookie, stage.cookie = stage.cookie, ""
    async with stage.socket(headers=bearer) as socket:
        assert (await receive(socket, "hello"))["user"] == "deck"
        stage.cookie = stage_cookie
        assert (await ask(stage, "DELETE", "tokens/deck")).status_code == 200
        refused = await ask(stage, "POST", "channels/main/cut", **bearer)  # at once
        assert (refused.status_code, refused.json()["code"]) == (401, "bad_token")
        await asyncio.wait_for(drain(socket), 1)
    refused = await ask(stage, "POST", "channels/main/cut", **bearer)
    assert (refused.status_code, refused.json()["code"]) == (401, "bad_token")
    assert (await ask(stage, "DELETE", "tokens/deck")).status_code == 404
    assert (await ask(stage, "POST", "tokens", body)).status_code == 200  # the name is free again


async def test_a_token_ends_at_its_time_and_a_cookie_does_not_help(stage: Stage) -> None:
    body = {"name": "deck", "scopes": ["channel:cut"], "expires_at": time.time() + 1.5}
    token = (await ask(stage, "POST", "tokens", body)).json()["token"]
    both = {"authorization": f"Bearer {token}", "cookie": stage.cookie}
    assert (await ask(stage, "POST", "channels/main/cut", **both)).status_code == 200
    await asyncio.sleep(1.6)
    for value in (f"Bearer {token}", "Bearer nonsense", "Basic eDp5", "Bearer"):
        refused = await ask(stage, "POST", "channels/main/cut", **{**both, "authorization": value})
        assert (refused.status_code, refused.json()["code"]) == (401, "bad_token"), value


@pytest.mark.parametrize(
    "body",
    [
        {"name": "deck", "scopes": []},
        {"name": "deck", "scopes": ["people:manage"]},
        {"name": " deck", "scopes": ["channel:cut"]},
        {"name": "", "scopes": ["channel:cut"]},
        {"name": "a/b", "scopes": ["channel:cut"]},
        {"name": "deck", "scopes": ["channel:cut"], "expires_at": 1.0},
    ],
)
async def test_a_token_that_may_not_be(stage: Stage, body: dict[str, object]) -> None:
    assert (await ask(stage, "POST", "tokens", body)).status_code == 409
