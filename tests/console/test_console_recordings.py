"""The API of the Archive screen: days, timelines, holds by two people, exports, stills, what happened."""

import asyncio
import hashlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from archive_evening import ENDS, NAME, make_evening
from archive_media import WALL
from console_stage import Stage
from PIL import Image
from real_comments import running_comments

from console.archive import exports
from moderation.desk.messages import InteractionView
from streamgate.archive.catalog import Catalog
from streamgate.archive.holds import Holds
from streamgate.clock import wall_s
from streamgate.core.retention import DAY_S
from streamgate.ledger.read import read

ARCHIVE = "/api/v1/archive/main"
SPAN = {"from": WALL - 3600, "to": WALL + 3600}


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("evening")
    make_evening(place)
    return place


@pytest.fixture
def idle(idle: Stage, evening: Path) -> Stage:
    """A stage on a data directory with a recorded evening."""
    for name in ("archive", "ledger"):
        shutil.copytree(evening / name, idle.data_dir / name, dirs_exist_ok=True)
    with Catalog(idle.data_dir / "catalog.sqlite") as catalog:
        catalog.rebuild(idle.data_dir / "archive")
    return idle


async def ask(stage: Stage, path: str, method: str = "GET", **options: Any) -> httpx.Response:
    async with stage.client() as client:
        return await client.request(method, f"{ARCHIVE}/{path}", **options)


async def told(stage: Stage, path: str, method: str = "GET", **options: Any) -> Any:
    answer = await ask(stage, path, method, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def until(condition: Callable[[], Any], timeout_s: float = 20) -> Any:
    async with asyncio.timeout(timeout_s):
        while not (found := await condition()):
            await asyncio.sleep(0.05)
    return found


def decisions(stage: Stage, what: str) -> list[dict[str, Any]]:
    found = read(stage.data_dir / "ledger", process="console")
    return [one for one in found if one["kind"] == "decision" and one["what"] == what]


# ---------------------------------------------------------------- looking


async def test_days_are_those_of_whoever_looks(stage: Stage) -> None:
    for zone, day in (
        ("UTC", "2026-09-21"),
        ("Asia/Shanghai", "2026-09-21"),
        ("Pacific/Kiritimati", "2026-09-22"),
    ):
        answer = await told(stage, "days", params={**SPAN, "zone": zone})
        (one,) = answer["days"]
        assert answer["newest"] == day
        assert (one["day"], one["cuts"], one["held"]) == (day, 1, False)
        assert one["seconds"] == pytest.approx(24, abs=0.5)
        assert one["parts"] == 4
    refused = await ask(stage, "days", params={**SPAN, "zone": "../etc/passwd"})
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")
    later = await told(stage, "days", params={"from": WALL + 500, "to": WALL + 600})
    assert later == {"days": [], "newest": "2026-09-21"}, "the newest day is told, however long ago"


async def test_a_broadcast_with_its_gap_its_cut_and_when_it_may_go(stage: Stage) -> None:
    (one,) = (await told(stage, "broadcasts", params=SPAN))["broadcasts"]
    assert (one["id"], one["parts"], one["cuts"], one["holds"]) == (NAME, 4, 1, [])
    assert [gap["why"] for gap in one["losses"]] == ["no_input"]
    assert one["expires_at"] == one["start"] + 60 * 86_400


async def test_the_timeline_says_what_came_in_what_aired_and_who_cut(stage: Stage) -> None:
    line = await told(stage, "timeline", params=SPAN)
    assert len(line["recorded"]) == 2
    assert [(one["why"], one["actor"]) for one in line["held_back"]] == [("cut", "console:ann")]
    assert [one["source"] for one in line["aired"]].count("live") == 3
    assert line["aired"][-1]["end"] == ENDS
    assert (line["cuts"], line["holds"], line["retention_days"]) == ([WALL + 36], [], 60)
    too_long = await ask(stage, "timeline", params={"from": WALL, "to": WALL + 3 * 86_400})
    assert too_long.status_code == 400


async def test_what_happened_without_addresses_and_of_this_channel_alone(stage: Stage) -> None:
    found = await told(stage, "events", params=SPAN)
    records = [json.loads(one["record"]) for one in found["events"]]
    assert [one["code"] for one in records] == ["on_air", "cut", "restore", "stopped"]
    assert records[1]["text_zh"] == "切断，理由：字幕姓名有误"
    assert all({"from", "session", "hash"}.isdisjoint(one) for one in records)
    assert not found["more"]


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ({"person": "ann"}, ["cut"]),
        ({"action": "restore"}, ["restore"]),
        ({"text": "字幕"}, ["cut"]),
        ({"text": "CAPTIONS wrong"}, ["cut"]),
        ({"from": WALL + 37}, ["stopped", "restore"]),
        ({"person": "eve"}, []),
    ],
)
async def test_a_search_by_person_action_text_and_time(
    stage: Stage, query: dict[str, Any], codes: list[str]
) -> None:
    found = await told(stage, "search", params=query)
    assert [json.loads(one["record"]).get("code") for one in found["events"]] == codes


async def test_a_search_by_words_tells_nothing_of_what_is_not_shown(stage: Stage) -> None:
    """Addresses and sessions stand in the ledger, and are not for everybody who sees recordings."""
    hold = {"start": WALL + 5, "end": WALL + 9, "reason": "complaint 7"}
    await told(stage, "holds", "POST", json=hold)
    (placed,) = await until(lambda: _found(lambda: decisions(stage, "archive.hold"), 1))
    assert placed["from"] == "127.0.0.1"
    for words, times in (("complaint", 1), (placed["from"], 0), (placed["session"], 0)):
        found = await told(stage, "search", params={"action": "archive.hold", "text": words})
        assert len(found["events"]) == times, words


async def test_the_certificate_of_a_broadcast(stage: Stage) -> None:
    found = (await told(stage, "certificate", params={"broadcast": NAME}))["certificate"]
    assert (found["floor_s"], found["delay_s"], found["ended"]) == (30, 30, True)
    assert (await told(stage, "certificate", params={"broadcast": "main-none"}))["certificate"] is None


async def test_comments_are_found_by_time_and_words(idle: Stage) -> None:
    async with running_comments(idle) as comments, idle.gate.running(), idle.console(comments=False):
        await idle.sign_in("rita", "operator")
        await comments.open_up(InteractionView(comments=True))
        for text in ("声音很好", "字幕写错了", "100%_sure"):
            await comments.write(text)
        span = {"from": 0, "to": 4e9}
        everything = await told(idle, "comments", params=span)
        assert [one["text"] for one in everything["comments"]] == ["声音很好", "字幕写错了", "100%_sure"]
        for words, texts in (
            ("字幕", ["字幕写错了"]),
            ("0%_S", ["100%_sure"]),
            ("%", ["100%_sure"]),
            ("nothing", []),
        ):
            found = await told(idle, "comments", params={**span, "text": words})
            assert [one["text"] for one in found["comments"]] == texts, words
        middle = everything["comments"][1]
        later = await told(idle, "comments", params={"from": middle["at"], "to": 4e9})
        assert [one["id"] for one in later["comments"]] == [one["id"] for one in everything["comments"][1:]]
        newest = await told(idle, "comments", params={**span, "limit": 1})
        assert [one["text"] for one in newest["comments"]] == ["100%_sure"]
        older = await told(idle, "comments", params={**span, "before": newest["before"]})
        assert [one["text"] for one in older["comments"]] == ["声音很好", "字幕写错了"]


# ---------------------------------------------------------------- stills


async def test_a_still_is_the_keyframe_that_was_on(stage: Stage) -> None:
    answers = await asyncio.gather(*(ask(stage, f"still.jpg?at={WALL + at}") for at in (0.5, 5, 11, 43)))
    pictures = [Image.open(io.BytesIO(one.content)) for one in answers]
    assert all((one.format, one.size[0]) == ("JPEG", 160) or one.size[1] == 90 for one in pictures)
    assert answers[0].headers["content-type"] == "image/jpeg"
    assert answers[0].headers["vary"] == "cookie"
    assert answers[0].content != answers[2].content, "another keyframe is another picture"
    for at in (WALL - 10, WALL + 20):
        gone = await ask(stage, f"still.jpg?at={at}")
        assert (gone.status_code, gone.json()["code"]) == (404, "nothing_recorded")


# ---------------------------------------------------------------- holds


async def test_one_person_holds_and_two_lift_as_on_the_machine(stage: Stage) -> None:
    held = await told(
        stage, "holds", "POST", json={"start": WALL + 5, "end": WALL + 9, "reason": "complaint 7"}
    )
    assert (held["by"], held["reason"], held["waiting"]) == ("console:operator", "complaint 7", "")
    assert [one.id for one in Holds(stage.data_dir / "archive").read()] == [held["id"]]
    assert (await told(stage, "timeline", params=SPAN))["holds"] == [held]
    (day,) = (await told(stage, "days", params=SPAN))["days"]
    assert day["held"]
    lift = f"holds/{held['id']}/lift"
    first = await told(stage, lift, "POST", json={"reason": "settled"})
    assert (first["state"], first["waiting"]) == ("waiting", "console:operator")
    again = await told(stage, lift, "POST", json={"reason": "settled"})
    assert again["state"] == "waiting", "the same person is one person"
    await stage.sign_in("dora", "director")
    second = await told(stage, lift, "POST", json={"reason": "agreed"})
    assert second["state"] == "released"
    assert (await told(stage, "holds"))["holds"] == []
    asked = await until(lambda: _found(lambda: decisions(stage, "archive.release"), 3))
    assert asked[0]["args"]["waits"]
    assert (asked[2]["who"], asked[2]["args"]["first"]) == ("console:dora", "console:operator")
    (placed,) = decisions(stage, "archive.hold")
    assert placed["args"]["hold"] == held["id"]


async def _found(find: Callable[[], list[Any]], count: int) -> list[Any] | None:
    found = find()
    return found if len(found) >= count else None


async def test_a_broadcast_is_held_as_a_whole(stage: Stage) -> None:
    held = await told(stage, "holds", "POST", json={"broadcast": NAME, "reason": "all of it"})
    assert held["start"] == pytest.approx(WALL, abs=0.01)
    assert held["end"] == pytest.approx(WALL + 54, abs=0.5)
    (one,) = (await told(stage, "broadcasts", params=SPAN))["broadcasts"]
    assert one["holds"] == [held["id"]]


async def test_what_cannot_be_held_or_lifted(stage: Stage) -> None:
    for body, status in (
        ({"reason": "which?"}, 400),
        ({"start": WALL + 9, "end": WALL, "reason": "backwards"}, 409),
        ({"start": WALL, "end": WALL + 9, "reason": "  "}, 409),
        ({"start": WALL, "end": WALL + 9}, 400),
        ({"broadcast": "main-none", "reason": "x"}, 400),
    ):
        assert (await ask(stage, "holds", "POST", json=body)).status_code == status, body
    held = Holds(stage.data_dir / "archive").place("hall", WALL, WALL + 1, reason="x", by="cli:root")
    other = await ask(stage, f"holds/{held.id}/lift", "POST", json={"reason": "not of this channel"})
    assert other.status_code == 404


# ---------------------------------------------------------------- exports


async def ended(stage: Stage, export_id: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        found = (await told(stage, "exports"))["exports"]
        one: dict[str, Any] = next(one for one in found if one["id"] == export_id)
        return one if one["state"] not in {"waiting", "running"} else None

    found: dict[str, Any] = await until(look)
    return found


async def queue(stage: Stage, start: float, end: float, **more: Any) -> dict[str, Any]:
    body = {"start": WALL + start, "end": WALL + end, "reason": "for the school", **more}
    queued: dict[str, Any] = await told(stage, "exports", "POST", json=body)
    return queued


async def test_an_export_with_its_hash_and_who_asked_why(stage: Stage) -> None:
    asked = await queue(stage, 1, 50)
    done = await ended(stage, asked["id"])
    assert (done["state"], done["done"], done["error"]) == ("done", 1, "")
    assert done["first"] == pytest.approx(WALL, abs=1.1)
    assert [one["why"] for one in done["losses"]] == ["no_input"]
    address = f"exports/{asked['id']}/file"
    whole = await ask(stage, address)
    assert (whole.status_code, whole.headers["content-type"]) == (200, "video/mp4")
    assert hashlib.sha256(whole.content).hexdigest() == done["sha256"]
    assert "streamgate-main-20260921T" in whole.headers["content-disposition"]
    some = await ask(stage, address, headers={"range": "bytes=100-299"})
    assert (some.status_code, some.content) == (206, whole.content[100:300])
    assert some.headers["content-range"] == f"bytes 100-299/{len(whole.content)}"
    (record,) = await until(lambda: _found(lambda: decisions(stage, "archive.export"), 1))
    assert (record["who"], record["reason"], record["answer"]) == ("console:operator", "for the school", "ok")
    assert record["args"]["sha256"] == done["sha256"]
    (fetched,) = await until(lambda: _found(lambda: decisions(stage, "archive.export.fetch"), 1))
    assert fetched["args"] == {"export": asked["id"], "sha256": done["sha256"]}
    assert (await ask(stage, f"exports/{asked['id']}", "DELETE")).status_code == 200
    assert (await told(stage, "exports"))["exports"] == []
    assert list((stage.data_dir / "exports").iterdir()) == []
    assert (await ask(stage, address)).status_code == 404


async def test_many_exports_queue_up_to_a_bound(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MAX_WAITING", 3)
    asked = [await queue(stage, number, number + 1) for number in range(3)]
    body = {"start": WALL, "end": WALL + 1, "reason": "one too many"}
    full = await ask(stage, "exports", "POST", json=body)
    assert (full.status_code, full.json()["code"]) == (503, "busy")
    await told(stage, f"exports/{asked[2]['id']}", "DELETE")
    assert [(await ended(stage, one["id"]))["state"] for one in asked] == ["done", "done", "cancelled"]


async def test_an_export_that_fails_says_why(stage: Stage) -> None:
    asked = await queue(stage, 15, 20)
    failed = await ended(stage, asked["id"])
    assert failed["state"] == "failed"
    assert "nothing" in failed["error"]
    assert failed["file"] == ""
    assert (await ask(stage, f"exports/{asked['id']}/file")).status_code == 409
    for body in (
        {"start": WALL, "end": WALL + 5, "reason": " "},
        {"start": WALL + 5, "end": WALL, "reason": "x"},
        {"start": WALL, "end": WALL + 90_000, "reason": "x"},
    ):
        assert (await ask(stage, "exports", "POST", json=body)).status_code == 400


async def test_a_restart_tells_what_it_broke_off(idle: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*_: object) -> None:
        await asyncio.sleep(3600)

    monkeypatch.setattr(exports.Exports, "_make", hang)
    async with idle.gate.running(), idle.console():
        await idle.sign_in()
        asked = [await queue(idle, 0, 5), await queue(idle, 5, 9)]
    async with idle.gate.running(), idle.console():
        await idle.sign_in()
        found = {one["id"]: one for one in (await told(idle, "exports"))["exports"]}
    assert {found[one["id"]]["state"] for one in asked} == {"interrupted"}
    assert "restarted" in found[asked[0]["id"]]["error"]


@pytest.mark.parametrize("piece", ["bytes=0-99999999999", "bytes=1-"])
async def test_a_download_in_pieces_is_on_record_once_in_an_hour(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, piece: str
) -> None:
    asked = await ended(stage, (await queue(stage, 1, 9))["id"])
    hour_us = round(exports.FETCH_NOTED_S * 1e6)
    for at_us, count in ((0, 1), (hour_us - 1, 1), (2 * hour_us, 2)):
        monkeypatch.setattr(exports, "now_us", lambda at_us=at_us: at_us)
        for wanted in (piece, "bytes=5-9"):
            answer = await ask(stage, f"exports/{asked['id']}/file", headers={"range": wanted})
            assert answer.status_code in {200, 206}
        await until(lambda count=count: _found(lambda: decisions(stage, "archive.export.fetch"), count))
        assert len(decisions(stage, "archive.export.fetch")) == count
    assert (await ask(stage, f"exports/{asked['id']}/file")).status_code == 200
    await until(lambda: _found(lambda: decisions(stage, "archive.export.fetch"), 3))


def put_export(data_dir: Path, number: int, ended_at: float) -> str:
    """Leave an export that ended then, as an earlier console made it."""
    values = {"channel": "main", "start": WALL, "end": WALL + 9, "kind": "received", "reason": "x"}
    one = exports.Export(
        f"export-{number:08}", by="console:ann", role="director", at=ended_at, state="done", **values
    )
    one.ended_at = ended_at
    folder = data_dir / exports.FOLDER / one.id
    folder.mkdir(parents=True)
    (folder / "job.json").write_bytes(msgspec.json.encode(one))
    (folder / one.name).write_bytes(b"media")
    return one.id


async def are_left(data_dir: Path, expected: list[str]) -> bool:
    return sorted(path.parent.name for path in (data_dir / exports.FOLDER).glob("*/*.mp4")) == expected


async def test_a_console_that_starts_removes_what_is_past_its_seven_days(idle: Stage) -> None:
    now = wall_s()
    put_export(idle.data_dir, 1, now - 7 * DAY_S - 60)
    young = put_export(idle.data_dir, 2, now - 7 * DAY_S + 600)
    async with idle.gate.running(), idle.console():
        await until(lambda: are_left(idle.data_dir, [young]))


async def test_exports_go_by_time_and_the_oldest_of_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = WALL
    monkeypatch.setattr(exports, "wall_s", lambda: now)
    monkeypatch.setattr(exports, "TIDY_EVERY_S", 0.01)
    asked = [put_export(tmp_path, number, WALL - 1000 + number) for number in range(exports.MAX_KEPT + 2)]
    running = asyncio.ensure_future(exports.Exports(tmp_path, lambda _: None).run())
    await until(lambda: are_left(tmp_path, asked[2:]))
    now = WALL - 1000 + 50 + exports.KEEP_S + 0.5
    await until(lambda: are_left(tmp_path, asked[51:]))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


# ---------------------------------------------------------------- rights


async def test_events_are_listed_for_two_days_at_most(stage: Stage) -> None:
    """More would read the ledger of years at once, and hold all of it in memory."""
    most = {"from": WALL - 86_400, "to": WALL + 86_400}
    assert (await ask(stage, "events", params=most)).status_code == 200
    for span in ({"from": 0, "to": 4e9}, {"from": WALL, "to": WALL + 2 * 86_400 + 1}):
        answer = await ask(stage, "events", params=span)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


async def test_comments_are_searched_by_what_an_input_method_types(stage: Stage) -> None:
    """A wide blank parts words, joiners make one emoji of several; control characters are refused."""
    for text, status in (("主持人\u3000声音", 200), ("\U0001f468\u200d\U0001f469", 200), ("\0", 400)):
        answer = await ask(stage, "comments", params={**SPAN, "text": text})
        assert (text, answer.status_code) == (text, status)


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("director", "look hold lift export"),
        ("administrator", "look hold lift export"),
        ("operator", "look hold"),
        ("auditor", "look export"),
        ("chief-reviewer", ""),
        ("director@hall", ""),
    ],
)
async def test_who_may_do_what(stage: Stage, role: str, may: str) -> None:
    await stage.sign_in("ann", role)
    for path in ("days", "broadcasts", "timeline", "events", "comments"):
        assert (await ask(stage, path, params=SPAN)).status_code == (200 if "look" in may else 403), path
    for path, act in (("holds", "hold"), ("holds/none/lift", "lift"), ("exports", "export")):
        status = (await ask(stage, path, "POST", json={"reason": "x"})).status_code
        assert status == (404 if act == "lift" else 400) if act in may else status == 403, path
