"""Spans over HTTP and the page's socket, with a real gate; reaction times of people."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from console_stage import Stage, receive
from real_gate import running_gate

from streamgate.link.client import call
from streamgate.link.messages import Start
from streamgate.runtime.channels import ChannelStore

MAIN = "/api/v1/channels/main"


@pytest.fixture
async def aired(idle: Stage) -> AsyncIterator[Stage]:
    """A console beside a real gate process, with one channel on air."""
    ChannelStore(idle.data_dir).add("main")
    async with running_gate(idle.data_dir), idle.console():
        await call(idle.data_dir / "run" / "gate.sock", Start(1, actor="cli:ann", channel="main"))
        yield idle


@contextlib.asynccontextmanager
async def signed_in(stage: Stage, name: str, *roles: str) -> AsyncIterator[httpx.AsyncClient]:
    await stage.sign_in(name, *roles)
    async with stage.client() as client:
        yield client


async def test_an_operator_marks_and_widens_and_a_director_lifts(aired: Stage) -> None:
    async with signed_in(aired, "ann", "operator") as ann:
        made = await ann.post(f"{MAIN}/condemn", json={"from_s": -12.5, "to_s": -8})
        assert made.status_code == 200
        told = made.json()
        assert {"channel", "state", "took_ms", "waiting", "span", "kind", "from_s", "to_s"} <= set(told)
        assert (told["span"], told["kind"], told["open_end"]) == ("s1", "condemn", True)
        at = told["from_at"]
        wider = {"span": "s1", "from_at": at - 1, "to_at": at + 6}
        assert (await ann.post(f"{MAIN}/move", json=wider)).json()["from_at"] == pytest.approx(
            at - 1, abs=0.01
        )
        narrower = await ann.post(f"{MAIN}/move", json={**wider, "from_at": at + 1})
        assert (narrower.status_code, narrower.json()["code"]) == (409, "refused")
        assert "right to restore" in narrower.json()["error"]
        for command in ("lift", "uncut"):
            answer = await ann.post(f"{MAIN}/{command}", json={"span": "s1", "reason": "why"})
            assert answer.status_code in {400, 403}
        muted = await ann.post(f"{MAIN}/redact", json={"from_s": -3, "to_s": 0, "with": "bleep"})
        assert muted.json()["kind"] == "bleep"
    async with signed_in(aired, "ben", "director") as ben:
        assert (await ben.post(f"{MAIN}/lift", json={"span": "s1"})).json()["code"] == "reason_needed"
        narrower = await ben.post(f"{MAIN}/move", json={**wider, "from_at": at + 1})
        assert narrower.status_code == 200
        lifted = await ben.post(f"{MAIN}/lift", json={"span": "s1", "reason": "harmless"})
        assert (lifted.status_code, lifted.json()["span"]) == (200, "s1")
        async with asyncio.timeout(5):
            while len(told := await spans(ben)) != 1:
                await asyncio.sleep(0.05)
        assert told[0]["id"] == "s2"
        assert (told[0]["kind"], told[0]["actor"], told[0]["ready"]) == ("bleep", "console:ann", True)


async def spans(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Return those in the state, which is pushed."""
    found: list[dict[str, Any]] = (await client.get("/api/v1/state")).json()["channels"][0]["spans"]
    return found


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("condemn", {"from_s": -5}),
        ("condemn", {"from_s": -5, "to_s": -6}),
        ("condemn", {"from_s": -5, "to_at": 5}),
        ("condemn", {"from_s": "-5", "to_s": -1}),
        ("redact", {"from_s": -5, "to_s": -1}),
        ("redact", {"from_s": -5, "to_s": -1, "with": "music"}),
        ("redact", {"from_s": -5, "to_s": -1, "with": "mute", "box": [0, 0, 1, 1]}),
        ("redact", {"from_s": -5, "to_s": -1, "with": "mosaic", "box": [0, 0, 1]}),
        ("redact", {"from_s": -5, "to_s": -1, "with": "mosaic", "box": [640, 0, 100, 100]}),
        ("redact", {"from_s": -5, "to_s": -1, "with": "mosaic", "box": "0,0,1,1"}),
        ("condemn", {"from_s": -5, "to_s": -1, "box": [0, 0, 1, 1]}),
        ("move", {"from_s": -5, "to_s": -1}),
        ("move", {"span": "s9", "from_s": -5, "to_s": -1}),
        ("lift", {"span": "s9", "reason": "why"}),
        ("dump", {"sense": "smell"}),
    ],
)
async def test_what_is_no_span_is_refused(aired: Stage, path: str, body: dict[str, object]) -> None:
    async with signed_in(aired, "ann", "director") as ann:
        answer = await ann.post(f"{MAIN}/{path}", json=body)
        assert answer.status_code in {400, 409}, answer.text


async def test_a_mosaic_says_what_it_covers(aired: Stage) -> None:
    async with signed_in(aired, "ann", "operator") as ann:
        body = {"from_s": -5, "to_s": -1, "with": "mosaic", "box": [0.25, 0, 0.5, 1]}
        made = await ann.post(f"{MAIN}/redact", json=body)
        assert (made.status_code, made.json()["kind"]) == (200, "mosaic")
        async with asyncio.timeout(5):
            while not (told := await spans(ann)):
                await asyncio.sleep(0.05)
        assert (told[0]["kind"], told[0]["box"], told[0]["ready"]) == ("mosaic", [0.25, 0, 0.5, 1], False)
        refused = await ann.post(f"{MAIN}/redact", json={**body, "box": [640, 0, 100, 100]})
        assert "box 640,0,100,100" in refused.json()["error"]
        assert "比例" in refused.json()["error_zh"]


async def test_a_dump_gives_the_reaction_time_back(aired: Stage) -> None:
    async with signed_in(aired, "ann", "director") as ann:
        for kind, seconds in (("picture", 0.6), ("sound", 0.4)):
            chosen = await ann.put("/api/v1/me/reaction", json={"kind": kind, "chosen_s": seconds})
            assert chosen.json()[kind]["in_force_s"] == seconds
        for body, seconds in (
            ({}, 10.6),
            ({"sense": "picture"}, 10.6),
            ({"sense": "sound"}, 10.4),
            ({"seconds": 4}, 4.0),
        ):
            told = (await ann.post(f"{MAIN}/dump", json=body)).json()
            assert told["seconds"] == seconds
            assert told["to_s"] - told["from_s"] == pytest.approx(seconds, abs=0.01)
            assert told["channel_s"] == (None if "seconds" in body else 10.0)
        changed = await ann.patch(MAIN, json={"dump_s": 31})
        assert changed.status_code in {403, 409}


async def test_the_page_marks_by_the_clock_and_takes_a_cut_back(aired: Stage) -> None:
    await aired.sign_in("ann", "director")
    async with aired.socket() as socket:
        now = (await receive(socket, "hello"))["server_time"]
        await socket.send(
            '{"t":"cmd","id":1,"cmd":"redact","channel":"main","with":"mute",'
            f'"from_at":{now - 5},"to_at":{now - 3}}}'
        )
        muted = await receive(socket, "reply", id=1)
        assert (muted["ok"], muted["span"], muted["kind"]) == (True, "s1", "mute")
        await socket.send('{"t":"cmd","id":2,"cmd":"cut","channel":"main"}')
        assert (await receive(socket, "reply", id=2))["state"] == "cut"
        await socket.send('{"t":"cmd","id":3,"cmd":"uncut","channel":"main"}')
        assert (await receive(socket, "reply", id=3))["code"] == "reason_needed"
        await socket.send('{"t":"cmd","id":4,"cmd":"uncut","channel":"main","reason":"wrong key"}')
        assert (await receive(socket, "reply", id=4))["span"] == "s2"
        await socket.send('{"t":"cmd","id":5,"cmd":"cut","channel":"main","span":"s1"}')
        refused = await receive(socket, "reply", id=5)
        assert "span belongs to move, lift" in refused["error"]
