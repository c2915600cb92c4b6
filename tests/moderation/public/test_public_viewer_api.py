"""Viewers of the watch page: entering, writing, own comments; what another site or a forger cannot do."""

import asyncio
import time
from typing import Any

import httpx
import pytest
from public_stage import Stage
from store.conftest import on_both_engines

from moderation.desk import upkeep
from moderation.public.rates import Limits
from moderation.review.reasons import RejectCode
from streamgate.link.messages import ChannelStatus
from streamgate.store import comments
from streamgate.store.location import Location


async def write(client: httpx.AsyncClient, text: str, **members: Any) -> httpx.Response:
    return await client.post("/api/v1/channels/main/comments", json={"text": text, **members})


async def own(client: httpx.AsyncClient) -> list[tuple[str, str]]:
    found = (await client.get("/api/v1/channels/main/viewer")).json()["own"]
    return [(one["text"], one["state"]) for one in found]


@on_both_engines
async def test_a_viewer_writes_and_sees_what_becomes_of_it(stage: Stage) -> None:
    ann, ben = await stage.enter(), await stage.enter("Ben")
    answer = await write(ann, "hello", client_id="mine")
    assert answer.status_code == 202
    (accepted,) = answer.json()["accepted"]
    assert (accepted["client_id"], accepted["state"]) == ("mine", "waiting")
    assert await own(ann) == [("hello", "waiting")]
    assert await own(ben) == []
    async with stage.events() as events:
        await events.next("interaction")
        await stage.approve(accepted["id"])
        _, body = await events.next("publish")
        assert (body["author"], body["text"]) == ("Ann", "hello")
    await asyncio.sleep(1.1)  # states are asked for once a second
    assert await own(ann) == [("hello", "published")]
    with stage.database.read() as session:
        row = comments.get(session, accepted["id"])
        assert row is not None
        assert row.author_id == (await ann.get(f"{stage.api}/viewer")).json()["viewer"]


async def test_seen_at_becomes_the_moment_of_the_comment(stage: Stage) -> None:
    ann = await stage.enter("Ann")
    found = []
    for on_air_s, ago_s, at_media_s in ((None, 8, None), (100.0, 8, None), (100.0, 500, None), (100.0, 8, 7)):
        upkeep.take_gate_status(stage.desk, [ChannelStatus("main", "live", "live", 30.0, on_air_s=on_air_s)])
        body = {"text": f"{len(found)}", "seen_at": time.time() - ago_s, "at_media_s": at_media_s}
        answer = await ann.post(f"{stage.api}/comments", json=body)
        with stage.database.read() as session:
            found.append(comments.get(session, answer.json()["accepted"][0]["id"]).at_media_s)
    assert (found[0], found[2:]) == (None, [None, 7])  # nothing on air; not on air then; said outright
    assert found[1] == pytest.approx(92.0, abs=5.0)
    assert (await ann.post(f"{stage.api}/comments", json={"text": "x", "seen_at": "now"})).status_code == 400


async def test_the_cookie(stage: Stage) -> None:
    async with stage.client() as client:
        nobody = (await client.get(f"{stage.api}/viewer")).json()
        assert (nobody["viewer"], nobody["nickname"], nobody["own"]) == (None, "", [])
        assert nobody["interaction"]["comments"] is True
        answer = await client.post(f"{stage.api}/viewer", json={"nickname": "安"})
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("sg_viewer=")
        assert {"HttpOnly", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
        known = (await client.get(f"{stage.api}/viewer")).json()
        assert (known["viewer"], known["nickname"]) == (answer.json()["viewer"], "安")
        renamed = await client.post(f"{stage.api}/viewer", json={"nickname": "Ann"})
        assert (renamed.json()["viewer"], renamed.json()["nickname"]) == (known["viewer"], "Ann")
        for bad in ({"nickname": "x" * 21}, {"nickname": 5}, [1]):
            assert (await client.post(f"{stage.api}/viewer", json=bad)).status_code == 400
        large = await client.post(f"{stage.api}/viewer", json={"nickname": "x" * 5000})
        assert large.status_code == 413


async def test_without_a_nickname(stage: Stage) -> None:
    guest = await stage.enter("")
    number = (await write(guest, "hello")).json()["accepted"][0]["id"]
    with stage.database.read() as session:
        row = comments.get(session, number)
        assert row is not None
        assert row.author.startswith("观众")


async def test_nobody_writes_without_a_cookie_or_with_a_forged_one(stage: Stage) -> None:
    ann = await stage.enter()
    good = ann.cookies["sg_viewer"]
    for bad in ("", "x", good[:-1], good[:-1] + ("0" if good[-1] != "0" else "1"), "." + good):
        async with stage.client(cookie=f"sg_viewer={bad}") as client:
            answer = await write(client, "hello")
            assert (answer.status_code, answer.json()["code"]) == (401, "no_viewer")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1"},  # another port
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_another_sites_page_neither_writes_nor_enters(stage: Stage, headers: dict[str, str]) -> None:
    ann = await stage.enter()
    for path, body in (("comments", {"text": "hello"}), ("viewer", {"nickname": "Chief"})):
        answer = await ann.post(f"{stage.api}/{path}", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "bad_origin")
    same = {"origin": stage.url, "sec-fetch-site": "same-origin"}
    assert (await ann.post(f"{stage.api}/comments", json={"text": "hello"}, headers=same)).status_code == 202


async def test_a_viewer_cannot_speak_for_another(stage: Stage) -> None:
    ann, ben = await stage.enter(), await stage.enter("Ben")
    first = (await write(ann, "hello", client_id="1")).json()["accepted"][0]
    second = (await write(ben, "something else", client_id="1", author="Ann", author_id="x")).json()[
        "accepted"
    ][0]
    assert first["id"] != second["id"]
    with stage.database.read() as session:
        row = comments.get(session, second["id"])
        assert row is not None
        assert (row.author, row.text) == ("Ben", "something else")


async def test_closed_and_unknown_channels(stage: Stage) -> None:
    ann = await stage.enter()
    await stage.open(comments=False)
    answer = await write(ann, "hello")
    assert (answer.status_code, answer.json()["code"]) == (403, "interaction_closed")
    for path in ("viewer", "comments"):
        assert (await ann.post(f"/api/v1/channels/nowhere/{path}", json={"text": "a"})).status_code == 404


@pytest.mark.parametrize(("told", "shown"), [(False, "waiting"), (True, "rejected")])
async def test_authors_learn_of_rejections_only_where_the_channel_says_so(
    stage: Stage, told: bool, shown: str
) -> None:
    await stage.open(authors_told=told)
    ann = await stage.enter()
    number = (await write(ann, "hello")).json()["accepted"][0]["id"]
    await stage.reject(number, next(iter(RejectCode)))
    assert await own(ann) == [("hello", shown)]


@on_both_engines
async def test_own_comments_are_bounded_and_come_from_the_store_after_a_restart(
    tmp_path: Any, place: Location
) -> None:
    stage = Stage(tmp_path, place)
    async with stage.serving():
        await stage.open(comments=True, slow_s=0)
        ann = await stage.enter()
        for number in range(25):
            assert (await write(ann, f"text {number}")).status_code == 202
        cookie = ann.cookies["sg_viewer"]
        assert await own(ann) == [(f"text {number}", "waiting") for number in range(5, 25)]
    async with stage.serving(), stage.client(cookie=f"sg_viewer={cookie}") as again:
        await stage.until(lambda: stage.desk.interaction("main").comments)
        async with asyncio.timeout(5):
            while not await own(again):  # the sources are read within a second
                await asyncio.sleep(0.05)
        assert await own(again) == [(f"text {number}", "waiting") for number in range(5, 25)]
        assert (await write(again, "once more")).status_code == 202
        assert (await own(again))[-1] == ("once more", "waiting")


async def test_slow_mode_counts_what_was_accepted(stage: Stage) -> None:
    await stage.open(slow_s=30)
    ann, ben = await stage.enter(), await stage.enter("Ben")
    too_long = await write(ann, "x" * 300)
    assert too_long.json()["refused"][0]["code"] == "too_long"
    assert (await write(ann, "hello")).status_code == 202
    slow = await write(ann, "again")
    assert (slow.status_code, slow.json()["code"]) == (429, "slow_mode")
    assert 28 <= int(slow.headers["retry-after"]) <= 30
    assert (await write(ben, "hello too")).status_code == 202
    await stage.open(slow_s=0)
    assert (await write(ann, "again")).status_code == 202


async def test_rates_of_viewers_and_addresses(tmp_path: Any, sqlite: Location) -> None:
    stage = Stage(tmp_path, sqlite)
    limits = Limits(viewer_comments=(0.01, 2), address_comments=(0.01, 3), address_viewers=(0.01, 3))
    async with stage.serving(limits):
        await stage.open(comments=True, slow_s=0)
        ann, ben, cid = [await stage.enter(name) for name in ("Ann", "Ben", "Cid")]
        assert [(await write(ann, f"a{number}")).status_code for number in range(3)] == [202, 202, 429]
        assert [(await write(ben, "b")).status_code, (await write(cid, "c")).status_code] == [429, 429]
        async with stage.client() as client:
            refused = await client.post(f"{stage.api}/viewer", json={})
            assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
            assert int(refused.headers["retry-after"]) > 50


async def test_the_body_of_a_viewer_is_small(stage: Stage) -> None:
    ann = await stage.enter()
    assert (await write(ann, "x" * 17 * 1024)).status_code == 413
    answer = await ann.post(f"{stage.api}/comments", content=b"[")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
