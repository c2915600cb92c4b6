"""Hostile comments by the thousand, over HTTP: no 5xx, no stall, and a feed that stays whole.

Of 100,000: pytest tests/moderation/public/test_public_fuzz.py --hostile 100000 (some minutes).
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from public_stage import Stage
from store.conftest import on_both_engines
from tools.hostile import text

from moderation.desk.interactions import MOST_WAITING
from streamgate.store.location import Location

PER_REQUEST = 25
RAW = (
    b"", b"null", b"true", b"[]", b"{}", b"[[[]]]", b'"x"', b"1e999", b"-", b"\xff\xfe\x00", b"[" * 2000,
    b'{"a":' * 2000, b'{"client_id":"\\ud800"}', b'[{"client_id":1}]', b'{"comments":{}}',
    b'{"comments":[null,1,"x",[]]}', b"[1,]", b"{'a':1}",
)  # fmt: skip


def value(dice: random.Random) -> Any:
    return dice.choice(
        [text(dice), text(dice), text(dice), None, 5, -1e300, [], {}, True, "x" * dice.choice([1, 129, 300])]
    )


def hostile(dice: random.Random, number: int) -> Any:
    """One comment that is wrong somewhere, or only looks so."""
    plain: dict[str, Any] = {
        "client_id": f"h{number}",
        "author_id": f"u{dice.randint(0, 50)}",
        "author": text(dice) or "Ann",
        "text": f"{text(dice)} {number}",
    }
    for _ in range(dice.choice([0, 0, 0, 1, 2])):
        name = dice.choice(
            ["client_id", "author_id", "author", "text", "sent_at", "at_media_s", "bullet", text(dice)]
        )
        if dice.random() < 0.2:
            plain.pop(name, None)
        else:
            plain[name] = value(dice)
    return plain if dice.random() < 0.98 else value(dice)


def written(batch: list[Any], dice: random.Random) -> bytes:
    """As JSON; lone surrogates are escapes, and now and then bytes are spoiled or there is far too much."""
    if dice.random() < 0.02:
        return dice.choice(RAW)
    data = bytearray(json.dumps(batch).encode())
    if dice.random() < 0.02:
        data[dice.randrange(len(data))] = dice.randrange(256)
    if dice.random() < 0.002:
        data = bytearray(json.dumps([{"text": "x" * (1024 * 1024)}]).encode())
    return bytes(data)


async def each(count: int, run: Callable[[int], Any], at_once: int = 8) -> None:
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            await run(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())


@pytest.mark.timeout(1800)
@on_both_engines
async def test_hostile_comments(tmp_path: Path, place: Location, request: pytest.FixtureRequest) -> None:
    total = request.config.getoption("--hostile")
    made = Stage(tmp_path, place)
    async with made.serving() as stage:
        # A third is accepted, and all of that is to reach the store.
        await stage.open(comments=True, bullets=True, window_s=0, slow_s=0, queue_limit=MOST_WAITING)
        await stage.source()
        await hand_in_and_look(stage, total)


async def hand_in_and_look(stage: Stage, total: int) -> None:
    dice = random.Random(11)
    statuses: Counter[int] = Counter()
    codes: Counter[str] = Counter()
    slowest = 0.0
    accepted: list[int] = []
    async with stage.client(authorization="Bearer key-s") as client:

        async def hand_in(start: int) -> None:
            nonlocal slowest
            first = start * PER_REQUEST
            body = written([hostile(dice, first + one) for one in range(PER_REQUEST)], dice)
            begun = time.monotonic()
            answer = await client.post(f"{stage.api}/comments", content=body)
            slowest = max(slowest, time.monotonic() - begun)
            statuses[answer.status_code] += 1
            found = answer.json()
            if answer.status_code == 202:
                assert found["accepted"] or found["refused"]
                accepted.extend(one["id"] for one in found["accepted"])
                codes.update(one["code"] for one in found["refused"])
                assert all(one["error"] and one["error_zh"] for one in found["refused"])
            else:
                assert found["code"]
                assert found["error_zh"]

        await each(total // PER_REQUEST, hand_in)
        assert (await client.get("/healthz")).status_code == 200
    print(f"{dict(statuses)}, {len(accepted)} accepted, refused {dict(codes)}, slowest {slowest:.2f} s")
    assert set(statuses) <= {202, 400, 413}, statuses
    assert statuses[202] > total // PER_REQUEST * 0.8
    assert statuses[400]
    assert set(codes) == {"bad_comment", "too_long"}
    assert len(accepted) > total * 0.2  # the others hold control characters, or lack a member
    assert slowest < 10
    await check_feed(stage, accepted, dice)


async def check_feed(stage: Stage, accepted: list[int], dice: random.Random) -> None:
    """Publish some of what was accepted: every event is whole, whatever stands in its texts."""
    waiting = [entry.card.comments[0] for entry in stage.desk.piles.entries() if entry.card.stages == 1]
    chosen = dice.sample(sorted(set(waiting) & set(accepted)), 40)
    async with stage.events() as events:
        await events.next("interaction")
        for one in chosen:
            await stage.approve(one)
        seen = [(await events.next("publish"))[1] for _ in chosen]
    assert {one["id"] for one in seen} >= set(chosen)
    assert all(isinstance(one["text"], str) and isinstance(one["author"], str) for one in seen)


async def test_hostile_nicknames_and_viewers(stage: Stage) -> None:
    dice = random.Random(12)
    async with stage.client() as client:
        for number in range(200):
            entered = await client.post(
                f"{stage.api}/viewer", content=json.dumps({"nickname": text(dice)}).encode()
            )
            assert entered.status_code in {200, 400}, entered.text
            answer = await client.post(
                f"{stage.api}/comments", content=json.dumps({"text": f"{text(dice)}{number}"}).encode()
            )
            assert answer.status_code in {202, 401}, answer.text
        assert (await client.get(f"{stage.api}/viewer")).status_code == 200


async def test_hostile_addresses_and_headers(stage: Stage) -> None:
    dice = random.Random(13)
    odd = ["%00", "%ff", "..", "%2e%2e", "a" * 300, "%F0%9F%98%80", "main%0d%0aX:1", "{channel}", "%%", "~"]
    async with stage.client() as client:
        for _ in range(200):
            path = "/".join(
                ["", *(dice.choice([*odd, "api", "v1", "channels", "main", "hls"]) for _ in range(4))]
            )
            try:
                answer = await client.request(dice.choice(["GET", "POST", "OPTIONS", "TRACE"]), path)
            except (httpx.InvalidURL, httpx.RemoteProtocolError):
                continue
            assert answer.status_code < 500, path
