"""POST comments by the key of a source: every status, over HTTP, with a real desk and store behind it."""

import asyncio
import json
import time
from typing import Any

import pytest
from public_stage import Stage
from store.conftest import on_both_engines

from moderation.public import comments_api
from moderation.public.rates import Limits
from moderation.public.source_keys import local_key
from moderation.review.reasons import RejectCode
from streamgate.errors import StoreError
from streamgate.runtime.key_file import read_or_make
from streamgate.store import comments, sources
from streamgate.store.failures import failure
from streamgate.store.location import Location


@pytest.fixture(autouse=True)
async def key(stage: Stage) -> str:
    return await stage.source()


def stored(stage: Stage, number: int) -> Any:
    with stage.database.read() as session:
        return comments.get(session, number)


def says(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Check the one form of every refusal; return it."""
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), answer.text
    assert body["error"]
    assert body["error_zh"]
    return body


@on_both_engines
async def test_one_comment_is_stored_before_it_is_accepted(stage: Stage) -> None:
    given = stage.comment("hello", sent_at=5, at_media_s=1.5)
    answer = await stage.post(given)
    assert answer.status_code == 202
    (accepted,) = answer.json()["accepted"]
    assert answer.json()["refused"] == []
    assert (accepted["client_id"], accepted["state"]) == (given["client_id"], "waiting")
    row = stored(stage, accepted["id"])
    assert (row.text, row.author, row.author_id, row.sent_at, row.at_media_s) == (
        "hello",
        "Ann",
        "u1",
        5.0,
        1.5,
    )


@on_both_engines
async def test_a_batch_answers_for_each_in_its_order_and_bad_ones_spoil_nothing(stage: Stage) -> None:
    batch = [stage.comment(), stage.comment(text=5), stage.comment("x" * 201), stage.comment(), {}]
    answer = await stage.post(batch)
    assert answer.status_code == 202
    body = answer.json()
    assert [one["client_id"] for one in body["accepted"]] == [batch[0]["client_id"], batch[3]["client_id"]]
    assert [(one["client_id"], one["code"]) for one in body["refused"]] == [
        (batch[1]["client_id"], "bad_comment"),
        (batch[2]["client_id"], "too_long"),
        ("", "bad_comment"),
    ]
    assert all(one["error"] and one["error_zh"] for one in body["refused"])


@on_both_engines
async def test_the_same_client_id_is_the_same_comment(stage: Stage) -> None:
    given = stage.comment()
    first, second = await stage.post(given), await stage.post(given)
    assert first.json()["accepted"] == second.json()["accepted"]
    await stage.open(comments=False)
    again = await stage.post(given)  # stored before it was closed
    assert (again.status_code, again.json()["accepted"]) == (202, first.json()["accepted"])


@on_both_engines
async def test_500_are_a_batch_and_501_are_not(stage: Stage) -> None:
    answer = await stage.post([stage.comment() for _ in range(500)])
    assert len(answer.json()["accepted"]) == 500
    says(await stage.post([stage.comment() for _ in range(501)]), 400, "bad_request")


@pytest.mark.parametrize("body", [b"", b"{", b"hello", b"\xff", b"[]", b"[" * 50_000])
async def test_a_body_that_is_not_json_is_refused(stage: Stage, body: bytes) -> None:
    says(await stage.post(body), 400, "bad_request")


@on_both_engines
async def test_keys(stage: Stage) -> None:
    for bad in ("unknown", "x" * 5000, "sgl_1.aaaa", "sgl_x", "sgl_.", "key-s2"):
        says(await stage.post(stage.comment(), key=bad), 401, "bad_key")
    for header in ("Basic key-s", "Bearer", "key-s", ""):
        async with stage.client(authorization=header) as client:
            says(await client.post(f"{stage.api}/comments", json=stage.comment()), 401, "bad_key")


@on_both_engines
async def test_a_new_key_is_good_at_once_and_a_removed_one_is_refused_within_a_second(stage: Stage) -> None:
    await stage.source("young")
    assert (await stage.post(stage.comment(), key="key-young")).status_code == 202
    with stage.database.write() as session:
        sources.remove(session, "young", by="x", at=2)
    async with asyncio.timeout(2):
        while (await stage.post(stage.comment(), key="key-young")).status_code == 202:
            await asyncio.sleep(0.05)
    says(await stage.post(stage.comment(), key="key-young"), 401, "bad_key")


async def test_the_local_key_is_made_from_the_data_directory(stage: Stage) -> None:
    with stage.database.read() as session:
        found = sources.find(session, "s")
        assert found is not None
        number = found.id
    secret = read_or_make(stage.data_dir / "viewers.key")
    assert (await stage.post(stage.comment(), key=local_key(secret, number))).status_code == 202
    says(await stage.post(stage.comment(), key=local_key(b"x" * 32, number)), 401, "bad_key")
    says(await stage.post(stage.comment(), key=local_key(secret, number + 1)), 401, "bad_key")


async def test_a_source_cannot_write_to_another_channel(stage: Stage) -> None:
    await stage.open("hall", comments=True)
    says(await stage.post(stage.comment(), channel="hall"), 403, "wrong_channel")
    says(await stage.post(stage.comment(), channel="../main"), 404, "not_found")


async def test_closed_for_everybody_within_a_second(stage: Stage) -> None:
    await stage.open(comments=False)
    body = says(await stage.post([stage.comment(), stage.comment()]), 403, "interaction_closed")
    assert body["accepted"] == []
    assert [one["code"] for one in body["refused"]] == ["interaction_closed"] * 2
    await stage.open(comments=True)
    assert (await stage.post(stage.comment())).status_code == 202
    answer = await stage.post([stage.comment(), stage.comment(bullet=True)])
    assert [one["code"] for one in answer.json()["refused"]] == ["interaction_closed"]


async def test_a_viewer_may_write_what_is_open_comments_or_bullets(stage: Stage) -> None:
    viewer = await stage.enter()
    for open_, other in (("comments", "bullets"), ("bullets", "comments")):
        await stage.open(slow_s=0, **{open_: True, other: False})
        for kind in (open_, other):
            answer = await viewer.post(
                f"{stage.api}/comments", json={"text": f"{open_} {kind}", "bullet": kind == "bullets"}
            )
            if kind == open_:
                assert answer.status_code == 202
            else:
                says(answer, 403, "interaction_closed")


async def test_a_body_of_more_than_a_mebibyte(stage: Stage) -> None:
    says(await stage.post(json.dumps(stage.comment("x" * 1024 * 1024)).encode()), 413, "too_large")
    async with stage.client(authorization="Bearer key-s") as client:

        async def pieces() -> Any:  # a body that does not say how long it is
            for _ in range(40):
                yield b" " * 32 * 1024

        says(await client.post(f"{stage.api}/comments", content=pieces()), 413, "too_large")
    almost = json.dumps(stage.comment("x" * (1024 * 1024 - 200))).encode()
    assert (await stage.post(almost)).json()["refused"][0]["code"] == "too_long"


async def test_a_length_that_begins_with_zeros_counts_as_what_it_is(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comments_api, "MAX_BODIES", 100)
    body = json.dumps(stage.comment("x" * 100)).encode()
    for zeros in ("", "0" * 12):
        async with stage.client(authorization="Bearer key-s") as client:
            length = {"content-length": f"{zeros}{len(body)}"}
            says(await client.post(f"{stage.api}/comments", content=body, headers=length), 503, "busy")


async def test_other_methods_and_addresses(stage: Stage) -> None:
    async with stage.client(authorization="Bearer key-s") as client:
        for method in ("GET", "PUT", "DELETE", "PATCH"):
            says(await client.request(method, f"{stage.api}/comments"), 405, "bad_method")
        says(await client.get("/api/v1/channels/main"), 404, "not_found")
        says(await client.get("/"), 404, "not_found")


async def test_a_queue_that_is_full_says_when_to_come_again(tmp_path: Any, sqlite: Location) -> None:
    stage = Stage(tmp_path / "small", sqlite)
    async with stage.serving():
        await stage.open(comments=True, queue_limit=2)
        answer = await stage.post([stage.comment() for _ in range(3)])
        assert answer.status_code == 202
        assert len(answer.json()["accepted"]) == 2
        assert [one["code"] for one in answer.json()["refused"]] == ["queue_full"]
        full = await stage.post(stage.comment())
        says(full, 429, "queue_full")
        assert full.headers["retry-after"] == "60"  # nobody has decided anything in the last minute
        for _ in range(60):
            stage.desk.rates.count_decided("main", 1, time.time())
        full = await stage.post(stage.comment())
        assert full.headers["retry-after"] == "1"  # at 60 a minute one card is decided in a second
        assert "1 s" in full.json()["error"]
        viewer = await stage.enter()
        own = await viewer.post(f"{stage.api}/comments", json={"text": "hello"})
        assert (own.status_code, own.headers["retry-after"]) == (429, "1")
        await stage.open(queue_limit=20_000)
        assert (await stage.post(stage.comment())).status_code == 202


async def test_a_rate_that_is_full(tmp_path: Any, sqlite: Location) -> None:
    stage = Stage(tmp_path / "slow", sqlite)
    async with stage.serving(Limits(source_comments=(1, 3))):
        await stage.open(comments=True)
        assert (await stage.post([stage.comment() for _ in range(3)])).status_code == 202
        refused = await stage.post(stage.comment())
        says(refused, 429, "rate_limited")
        assert refused.headers["retry-after"] == "1"


async def test_the_database_is_away_and_the_filter_is_not_there(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    checker, stage.desk.filter = stage.desk.filter, None
    starting = await stage.post(stage.comment())
    says(starting, 503, "starting")
    assert starting.headers["retry-after"] == "1"
    stage.desk.filter = checker

    def away(*_: Any) -> StoreError:
        raise failure("away", stage.location)

    with monkeypatch.context() as patch:
        patch.setattr("streamgate.store.database.Database.write", away)
        answer = await stage.post(stage.comment())
        says(answer, 503, "database_away")
        assert answer.headers["retry-after"] == "1"
    async with asyncio.timeout(10):
        while (await stage.post(stage.comment())).status_code != 202:
            await asyncio.sleep(0.1)


@on_both_engines
async def test_equal_texts_share_a_card_and_a_ban_is_said(stage: Stage) -> None:
    first, second = await stage.accept("Hello there"), await stage.accept("HELLO  there")
    await stage.reject(first[0], next(iter(RejectCode)))
    assert await stage.desk.states_of([*first, *second]) == {first[0]: "rejected", second[0]: "rejected"}


async def test_many_at_once_each_in_its_own_request(stage: Stage) -> None:
    answers = await asyncio.gather(*(stage.post(stage.comment()) for _ in range(100)))
    numbers = [answer.json()["accepted"][0]["id"] for answer in answers]
    assert len(set(numbers)) == 100
