"""Incidents over HTTP: from the cut in a real gate's ledger to the report that was closed."""

import asyncio
import json
from typing import Any

import pytest
from console_stage import Stage
from httpx import Response
from recorded_broadcast import CUT, record_broadcast
from test_console_ledger import until_recorded

from streamgate.clock import wall_s
from streamgate.incidents.book import Book, digest_of
from streamgate.incidents.chain import Chain, ChainFile, ChainStep, Person
from streamgate.incidents.follow import follow
from streamgate.incidents.incident import MAX_TEXT, Opened
from streamgate.ledger.record import Command
from streamgate.ledger.writer import Writer

WRITTEN = {"category": "sound", "level": "minor", "aired": "partly", "words": "啸叫", "measures": "静音"}


async def ask(stage: Stage, method: str, path: str, body: object = None) -> Response:
    async with stage.client() as client:
        return await client.request(method, f"/api/v1/{path}", json=body)


async def say(stage: Stage, path: str, body: object) -> dict[str, Any]:
    answer = await ask(stage, "POST", path, body)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


async def listed(stage: Stage, query: str = "") -> list[dict[str, Any]]:
    answer = await ask(stage, "GET", f"incidents?{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["incidents"]
    return found


async def noted(stage: Stage, text: str = "字幕有错字") -> str:
    return str((await say(stage, "channels/main/note", {"text": text}))["id"])


@pytest.fixture
def channel(stage: Stage) -> Stage:
    (stage.data_dir / "channels").mkdir(exist_ok=True)
    (stage.data_dir / "channels" / "main.json").write_text('{"delay_s":45.0}')
    (stage.data_dir / "archive" / "main").mkdir(parents=True, exist_ok=True)
    return stage


async def test_a_cut_opens_a_draft_in_a_running_console(idle: Stage) -> None:
    """The follower runs beside the server, as in `serve`."""
    run = [lambda record: follow(idle.data_dir, record)]
    async with idle.gate.running(), idle.console(recording=run):
        await idle.sign_in()
        writer = Writer(idle.data_dir / "ledger", "gate")
        writer.write(Command(at=wall_s(), who="console:ann", channel="main", what="cut", answer="cut"))
        async with asyncio.timeout(10):
            while not (found := [one for one in await listed(idle) if one["holds"]]):
                await asyncio.sleep(0.05)
        assert [(one["kind"], one["state"], one["actor"]) for one in found] == [
            ("cut", "draft", "console:ann")
        ]
        assert await asyncio.to_thread(writer.close, 5)


async def test_an_incident_is_written_up_in_as_many_chinese_characters_as_are_allowed(
    channel: Stage,
) -> None:
    number, words = await noted(channel), "字" * MAX_TEXT
    body = json.dumps({**WRITTEN, "words": words, "measures": words}, ensure_ascii=False).encode()
    async with channel.client() as client:
        answer = await client.post(f"/api/v1/incidents/main/{number}/complete", content=body)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["report"], answer.json()["measures"]) == (words, words)


async def test_a_note_is_written_up_and_the_ledger_proves_the_words(channel: Stage) -> None:
    number = await noted(channel)
    (draft,) = await listed(channel, "state=draft&channel=main")
    assert (draft["id"], draft["words"], draft["actor"]) == (number, "字幕有错字", "console:operator")
    assert draft["delay_s"] == 45.0
    assert draft["held"]["end"] - draft["held"]["start"] == 105.0
    done = await say(channel, f"incidents/main/{number}/complete", WRITTEN)
    assert (done["state"], done["report"], done["completed_by"]) == ("completed", "啸叫", "console:operator")
    assert await listed(channel, "state=draft") == []
    detail = (await ask(channel, "GET", f"incidents/main/{number}")).json()
    assert (detail["comments"], detail["has_chain"]) == ([], False)
    assert [it["recorded"] for it in detail["stills"]] == [False] * 4
    records = await until_recorded(channel, 2, "decision")
    log = Book(channel.data_dir).get(number).log
    told = [(one["what"], one["args"]) for one in records if one["what"].startswith("incident.")]
    assert told == [
        ("incident.note", {"incident": number, "sha256": digest_of(log[0])}),
        (
            "incident.complete",
            {
                "incident": number,
                "category": "sound",
                "level": "minor",
                "aired": "partly",
                "sha256": digest_of(log[-1]),
            },
        ),
    ]


async def test_drafts_are_joined_and_dismissed_with_a_reason(channel: Stage) -> None:
    first, second, third = [await noted(channel, text) for text in ("一", "二", "三")]
    joined = await say(channel, f"incidents/main/{second}/join", {"into": first, "reason": "同一件事"})
    assert (joined["state"], joined["joined_into"]) == ("joined", first)
    dismissed = await say(channel, f"incidents/main/{third}/dismiss", {"reason": "演练"})
    assert (dismissed["state"], dismissed["reason"]) == ("dismissed", "演练")
    for path, body, status, code in (
        (f"incidents/main/{third}/complete", WRITTEN, 409, "refused"),
        (f"incidents/main/{first}/dismiss", {"reason": ""}, 409, "refused"),
        (f"incidents/main/{first}/dismiss", {"reason": "x"}, 409, "refused"),  # it has a member
        (f"incidents/main/{first}/complete", {**WRITTEN, "level": "odd"}, 400, "bad_request"),
        (f"incidents/hall/{first}/complete", WRITTEN, 404, "not_found"),
        ("incidents/main/nothing/complete", WRITTEN, 404, "not_found"),
        ("channels/hall/note", {"text": "x"}, 409, "refused"),
        ("channels/main/note", {"text": " "}, 409, "refused"),
        (f"incidents/main/{first}/escalate", {}, 409, "no_chain"),
    ):
        refused = await ask(channel, "POST", path, body)
        assert (refused.status_code, refused.json()["code"]) == (status, code), path
        assert refused.json()["error_zh"]


async def test_it_is_reported_upward_and_closed(channel: Stage) -> None:
    step = ChainStep("值班领导", 10.0, (Person("李四", ("json://127.0.0.1:1",)),))
    ChainFile(channel.data_dir).store(Chain(steps=(step,)), "cli:root")
    number = await noted(channel)
    for path, words in (
        ("escalate", "请指示"),
        ("acknowledge", ""),
        ("follow-up", "已通知家长"),
        ("close", "处理完毕"),
    ):
        one = await say(channel, f"incidents/main/{number}/{path}", {"words": words})
    assert one["escalation"]["state"] == "closed"
    assert [line["words"] for line in one["escalation"]["follow_up"]] == ["已通知家长", "处理完毕"]
    assert "json://" not in str(one)


async def test_stills_of_what_came_in(stage: Stage) -> None:
    number = await asyncio.to_thread(record_broadcast, stage.data_dir)
    one = await ask(stage, "GET", f"incidents/main/{number}/stills/2")
    assert (one.status_code, one.headers["content-type"]) == (200, "image/jpeg"), one.text
    assert one.content.startswith(b"\xff\xd8")
    before = await ask(stage, "GET", f"incidents/main/{number}/stills/0")
    assert (before.status_code, before.json()["code"]) == (404, "nothing_recorded")
    told = (await ask(stage, "GET", f"incidents/main/{number}")).json()["stills"]
    assert [(it["seconds"], it["recorded"]) for it in told] == [
        (-30, False),
        (-10, False),
        (0, True),
        (10, False),
    ]
    assert (await ask(stage, "GET", f"incidents/main/{number}/stills/9")).status_code == 404
    assert Book(stage.data_dir).get(number).happened == CUT


@pytest.mark.parametrize(
    ("role", "read", "note", "write"),
    [
        ("director", 200, 200, 200),
        ("operator", 200, 200, 200),
        ("administrator", 200, 200, 200),
        ("auditor", 200, 403, 403),
        ("reviewer", 403, 200, 403),
        ("operator@hall", 403, 403, 403),
    ],
)
async def test_who_may_do_what(channel: Stage, role: str, read: int, note: int, write: int) -> None:
    number = await noted(channel)
    await channel.sign_in("ann", role)
    detail = await ask(channel, "GET", f"incidents/main/{number}")
    assert detail.status_code == read
    assert (await ask(channel, "POST", "channels/main/note", {"text": "x"})).status_code == note
    done = await ask(channel, "POST", f"incidents/main/{number}/complete", WRITTEN)
    assert done.status_code == write
    if role == "operator@hall":
        at = wall_s()
        other = Opened(id="z", at=at, by="incidents", kind="cut", channel="hall", happened=at)
        Book(channel.data_dir).add(other)
        assert [one["id"] for one in await listed(channel)] == ["z"], "of their own channel alone"
        assert (await ask(channel, "GET", "incidents?channel=main")).status_code == 403
