"""Exports and review forms of a broadcast: every comment, every decision, from a real database."""

import asyncio
import csv
import datetime as dt
import io
import json
import re
import shutil
from collections.abc import Callable
from typing import Any

import pypdfium2
import pytest
from console_stage import Stage
from httpx import Response
from page_desk import picture
from playwright.async_api import async_playwright
from review_record import BROADCAST, CLEAN, NOON, PHONE, Record, fill
from sqlalchemy.orm import Session
from store.conftest import on_both_engines

from console.auth.rights import API
from console.review import files, form
from console.review.export import COLUMNS
from moderation.review.events import Approve, Publish
from streamgate.errors import StoreAwayError
from streamgate.ledger.read import read
from streamgate.store import broadcasts
from streamgate.store.database import Database
from streamgate.store.location import Location
from streamgate.store.upgrade import upgrade

REVIEW = f"{API}/review/main"


def write(stage: Stage, run: Callable[[Session], object]) -> None:
    with Database(stage.database) as database, database.write() as session:
        run(session)


@pytest.fixture
async def office(idle: Stage, database_of_idle: Location):
    """A console beside a database with a reviewed broadcast; a director is signed in."""
    await asyncio.to_thread(upgrade, database_of_idle)
    await idle.person("ann", "reviewer", display_name="安娜")
    await idle.person("sue", "senior-reviewer")
    await asyncio.to_thread(write, idle, fill)
    async with idle.console():
        await idle.sign_in("dora", "director")
        yield idle


async def get(stage: Stage, path: str, **params: str) -> Response:
    async with stage.client() as client:
        return await client.get(f"{REVIEW}/{path}", params=params)


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


async def recorded(stage: Stage, what: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            found = [
                one for one in read(stage.data_dir / "ledger", process="console") if one.get("what") == what
            ]
            if found:
                return found[-1]
            await asyncio.sleep(0.02)


# ---------------------------------------------------------------- broadcasts


@on_both_engines
async def test_broadcasts_are_listed_with_what_became_of_their_comments(office: Stage) -> None:
    off_air, evening = (await get(office, "broadcasts")).json()["broadcasts"]
    assert (off_air["broadcast"], off_air["comments"]) == ("", {"expired": 1})
    assert evening == {
        "broadcast": BROADCAST,
        "first_at": NOON + 100,
        "last_at": NOON + 500,
        "cards": {"expired": 1, "published": 2, "rejected": 1, "waiting": 1},
        "comments": {"expired": 1, "published": 3, "rejected": 1, "waiting": 1},
        "retracted": 1,
    }
    async with office.client() as client:
        assert (await client.get(f"{API}/review/hall/broadcasts")).json() == {"broadcasts": []}


# ---------------------------------------------------------------- what nobody reviewed


@on_both_engines
async def test_what_nobody_reviewed_is_listed_in_the_report(office: Stage) -> None:
    await office.sign_in("ann")  # whoever reviews may read it
    answer = await get(office, "report", broadcast=BROADCAST)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    listed = report.pop("unreviewed")
    (evening,) = (
        one for one in (await get(office, "broadcasts")).json()["broadcasts"] if one["broadcast"] == BROADCAST
    )
    assert report == evening | {
        "decisions": {"approve": 3, "escalate": 1, "hold": 1, "reject": 2, "restore": 1, "retract": 1},
        "rejected_for": {"advertising": 1},
        "unreviewed_cards": 2,
        "has_more": False,
    }
    phone, unseen = listed
    assert phone == {
        "card": 3,
        "received_at": NOON + 300,
        "author": "小明",
        "text": "我的电话 138****8000",
        "comments": [4],
        "verdict": "clean",
        "why": "",
        "why_zh": "",
        "state": "expired",
        "stages": 2,
        "approved": 0,
        "held": "等老师确认",
    }
    assert (unseen["card"], unseen["text"], unseen["state"], unseen["held"]) == (
        5,
        "还没有人看",
        "waiting",
        "",
    )
    off_air = (await get(office, "report", broadcast="")).json()
    assert [one["text"] for one in off_air["unreviewed"]] == ["平时的评论"]


@on_both_engines
async def test_a_long_report_is_read_in_pages(office: Stage) -> None:
    def more(session: Session) -> None:
        record = Record(session)
        record.cards, record.comments = 6, 7
        ann = record.reviewer("ann", "reviewer")
        for number in range(130):
            events = [Approve(ann, 1), Publish()] if number % 2 else []
            record.card([f"comment {number}"], events, broadcast="long")

    await asyncio.to_thread(write, office, more)
    texts, after, more_there = [], 0, True
    while more_there:
        found = (await get(office, "report", broadcast="long", after=str(after), limit="20")).json()
        texts += [one["text"] for one in found["unreviewed"]]
        after, more_there = found["unreviewed"][-1]["card"], found["has_more"]
    assert texts == [f"comment {number}" for number in range(0, 130, 2)]
    assert found["unreviewed_cards"] == 65


async def test_the_report_is_a_page_to_print_too(office: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = await get(office, "report", broadcast=BROADCAST, format="html")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = answer.text
    rows = [re.findall("<td>(.*?)</td>", row, re.DOTALL) for row in re.findall("<tr>(.*?)</tr>", page)]
    listed = [row for row in rows if len(row) == 6]
    assert [(row[0], row[5]) for row in listed] == [
        ("3", "未审，未发布（直播已结束）；已通过 0/2 个环节；已搁置：等老师确认"),
        ("5", "未审，未发布；已通过 0/1 个环节"),
    ]
    assert "138****8000" in listed[0][3]
    assert "驳回 2" in page
    assert "广告引流 1" in page
    assert PHONE not in page
    form_page = (await get(office, "form", broadcast=BROADCAST)).text
    assert "未审结、未发布的评论" in form_page.partition("加微信领资料")[0]  # before the table of all
    monkeypatch.setattr(files, "REPORT_CARDS", 1)
    assert "另有 1 张卡片未列出" in (await get(office, "report", broadcast=BROADCAST, format="html")).text


async def test_a_broadcast_that_was_reviewed_to_the_end_says_so(office: Stage) -> None:
    def reviewed(session: Session) -> None:
        record = Record(session)
        record.cards, record.comments = 6, 7
        record.card(["好"], [Approve(record.reviewer("ann", "reviewer"), 1), Publish()], broadcast="whole")

    await asyncio.to_thread(write, office, reviewed)
    assert (await get(office, "report", broadcast="whole")).json()["unreviewed"] == []
    assert "<p>无。 None.</p>" in (await get(office, "report", broadcast="whole", format="html")).text


# ---------------------------------------------------------------- exports


@on_both_engines
async def test_csv_holds_every_comment_with_every_decision(office: Stage) -> None:
    answer = await get(office, "export", broadcast=BROADCAST)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="comments-{BROADCAST}.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.content.count(b"\r\n") == 7  # the head, and a line a comment; a line feed inside is none
    rows = rows_of(answer.content)
    assert tuple(rows[0]) == COLUMNS
    assert [row["comment"] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    shown, back, advert, phone, script, unseen = rows
    assert (shown["state"], shown["text"], shown["equal_comments"]) == ("published", "主持人讲得真好", "2")
    assert (shown["first_decision"], shown["first_by"], shown["first_role"]) == (
        "approve",
        "安娜 (ann)",
        "reviewer",
    )
    assert (shown["first_utc"], shown["published_utc"]) == (
        "2025-11-28T12:01:50.000Z",
        "2025-11-28T12:02:00.000Z",
    )
    assert (shown["retracted_utc"], shown["second_decision"], shown["at_media_s"]) == ("", "", "12.5")
    assert (back["state"], back["retracted_utc"]) == ("retracted", "2025-11-28T12:02:10.000Z")
    assert "retract sue 点名到人" in back["acts"]
    assert (advert["verdict"], advert["hits"], advert["stages"]) == (
        "sensitive",
        "加微信 (ads 3, exact)",
        "2",
    )
    assert (advert["first_by"], advert["second_by"], advert["second_decision"], advert["second_code"]) == (
        "安娜 (ann)",
        "sue",
        "reject",
        "advertising",
    )
    assert (phone["state"], phone["published_utc"], phone["masked"]) == ("expired", "", "yes")
    assert [act.split(" ")[1] for act in phone["acts"].split(" | ")] == ["escalate", "hold", "expire"]
    assert (script["state"], script["first_by"]) == ("published", "sue")
    assert "reject stage 1 安娜 (ann) spam" in script["acts"]  # it was undone, and is on record
    assert (unseen["state"], unseen["acts"]) == ("waiting", "")


async def test_no_cell_is_a_formula_and_no_personal_data_is_in_it(office: Stage) -> None:
    content = (await get(office, "export", broadcast=BROADCAST)).content
    rows = rows_of(content)
    assert rows[2]["second_note"] == "'=cmd|' /C calc'!A0"
    assert rows[4]["author"] == '\'=HYPERLINK("http://evil.example")'
    assert rows[4]["text"] == '<script>alert(1)</script> "quoted", and\nmore 🎉'
    assert rows[3]["text"] == "我的电话 138****8000"
    for kind in ("csv", "jsonl"):
        assert PHONE.encode() not in (await get(office, "export", broadcast=BROADCAST, format=kind)).content


@on_both_engines
async def test_json_lines_hold_the_same(office: Stage) -> None:
    answer = await get(office, "export", broadcast=BROADCAST, format="jsonl")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in answer.content.decode().splitlines()]
    assert [one["comment"] for one in lines] == [1, 2, 3, 4, 5, 6]
    assert lines[2]["decisions"][1] == {
        "stage": 2,
        "decision": "reject",
        "by": "sue",
        "role": "senior-reviewer",
        "at": NOON + 220,
        "code": "advertising",
        "note": "=cmd|' /C calc'!A0",
    }
    assert lines[2]["hits"][0]["term"] == "加微信"
    assert (lines[1]["state"], lines[1]["retracted_at"]) == ("retracted", NOON + 130)


@on_both_engines
async def test_an_export_is_read_in_pages_and_whole(office: Stage) -> None:
    def more(session: Session) -> None:
        record = Record(session)
        record.cards, record.comments = 6, 7
        ann = record.reviewer("ann", "reviewer")
        for number in range(120):
            record.card([f"comment {number}"], [Approve(ann, 1), Publish()], broadcast="long")

    await asyncio.to_thread(write, office, more)
    rows = rows_of((await get(office, "export", broadcast="long")).content)
    assert [row["text"] for row in rows] == [f"comment {number}" for number in range(120)]
    assert {row["first_by"] for row in rows} == {"安娜 (ann)"}


async def test_an_export_says_where_it_ends_before_its_end(
    office: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_PAGE", 1)
    with monkeypatch.context() as fewer:
        fewer.setattr(files, "EXPORT_ROWS", 3)
        rows = rows_of((await get(office, "export", broadcast=BROADCAST)).content)
    assert [row["comment"][:16] for row in rows] == ["1", "2", "3", "The export ends "]

    pages = 0

    def fails(*given: Any, **more: Any) -> Any:
        nonlocal pages
        pages += 1
        if pages == 3:
            raise StoreAwayError("locked", "the database is locked", "数据库被占用")
        return broadcasts_page(*given, **more)

    broadcasts_page = broadcasts.read_page
    monkeypatch.setattr(broadcasts, "read_page", fails)
    rows = rows_of((await get(office, "export", broadcast=BROADCAST)).content)
    assert rows[-1]["comment"].startswith("Not whole: the database went away: the database is locked")
    assert "数据库被占用" in rows[-1]["comment"]
    pages = 0
    lines = (await get(office, "export", broadcast=BROADCAST, format="jsonl")).text.splitlines()
    assert json.loads(lines[-1])["error_zh"] == "不完整：数据库中断：数据库被占用"


async def test_exports_and_forms_are_for_those_who_read_the_audit_and_stand_in_the_ledger(
    office: Stage,
) -> None:
    assert (await get(office, "export", broadcast=BROADCAST, format="jsonl")).status_code == 200
    record = await recorded(office, "review.export")
    assert (record["who"], record["channel"], record["args"]) == (
        "console:dora",
        "main",
        {"broadcast": BROADCAST, "format": "jsonl"},
    )
    assert (await get(office, "form", broadcast=BROADCAST)).status_code == 200
    assert (await recorded(office, "review.form"))["args"]["format"] == "html"
    await office.sign_in("ann")
    for path in ("export", "form"):
        assert (await get(office, path, broadcast=BROADCAST)).status_code == 403
    assert (await get(office, "broadcasts")).status_code == 200


@on_both_engines
async def test_what_is_not_there_is_not_found(office: Stage) -> None:
    for path in ("export", "form", "report"):
        for broadcast in ("none", "a\0b"):
            answer = await get(office, path, broadcast=broadcast)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (path, broadcast)
        assert (await get(office, path)).status_code == 400
        assert (await get(office, path, broadcast=BROADCAST, format="xls")).status_code == 400


async def test_exports_at_once_are_bounded_and_places_come_back(office: Stage) -> None:
    def taken(session: Session) -> None:
        record = Record(session)
        record.cards, record.comments = 6, 7
        for number in range(150):
            record.card(["字" * 1000] * 40, broadcast="large", judgement=CLEAN._replace(cause_zh=str(number)))

    await asyncio.to_thread(write, office, taken)
    async with office.client() as client:
        large = {"params": {"broadcast": "large"}}
        async with (
            client.stream("GET", f"{REVIEW}/export", **large) as one,
            client.stream("GET", f"{REVIEW}/export", **large) as two,
        ):
            assert {one.status_code, two.status_code} == {200}
            third = await get(office, "export", broadcast=BROADCAST)
            assert (third.status_code, third.json()["code"]) == (503, "busy")
    async with asyncio.timeout(10):
        while (await get(office, "export", broadcast=BROADCAST)).status_code != 200:
            await asyncio.sleep(0.05)


# ---------------------------------------------------------------- the form


@on_both_engines
async def test_the_form_says_who_decided_what_in_each_stage(office: Stage) -> None:
    answer = await get(office, "form", broadcast=BROADCAST)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = answer.text
    assert "网络直播评论审核表" in page
    assert "size: A4 landscape" in page
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert PHONE not in page
    rows = [
        re.findall("<td>(.*?)</td>", row, re.DOTALL) for row in re.findall("<tr>(.*?)</tr>", page, re.DOTALL)
    ]
    cards = [row for row in rows if len(row) == 9]
    assert [row[0] for row in cards] == ["1", "2", "3", "4", "5"]
    local = dt.datetime.fromtimestamp(NOON + 110, dt.UTC).astimezone().strftime("%m-%d %H:%M:%S")
    assert cards[0][5:8] == [f"通过<br>安娜 (ann)（初审员）<br>{local}", "—", "—"]
    assert "相同评论 2 条" in cards[0][3]
    assert "撤回：点名到人（sue" in cards[0][8]
    assert cards[1][4].startswith("敏感")
    assert "驳回</span>：广告引流<br>sue（复审员）" in cards[1][6]
    assert cards[2][5:8] == ["未审", "未审", "—"]  # escalated: one stage more
    assert "未发布（直播已结束）；已搁置：等老师确认" in cards[2][8]
    assert "恢复审核：误判（sue" in cards[3][8]
    assert cards[4][5:] == ["未审", "—", "—", "未审，未发布"]
    for place in ("初审人（签字）", "复审人（签字）", "终审人（签字）", "单位负责人（签字、盖章）"):
        assert place in page
    assert "dora" in page


async def test_a_form_that_is_too_long_says_so(office: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FORM_CARDS", 2)
    page = (await get(office, "form", broadcast=BROADCAST)).text
    assert "本表列出前 2 张卡片，另有 3 张未列出" in page
    assert page.count("加微信领资料") == 1
    assert "alert(1)" not in page
    assert page.count("还没有人看") == 1  # in the list of what nobody reviewed


async def test_the_form_as_pdf_holds_the_same_on_a4(office: Stage) -> None:
    answer = await get(office, "form", broadcast=BROADCAST, format="pdf")
    assert answer.headers["content-type"] == "application/pdf", answer.text
    assert answer.headers["content-disposition"].endswith(f'filename="review-form-{BROADCAST}.pdf"')
    with pypdfium2.PdfDocument(answer.content) as document:
        assert [round(points) for points in document[0].get_size()] == [842, 595]  # A4, landscape
        text = "".join(page.get_textpage().get_text_range() for page in document)
    said = re.sub(r"\s", "", text)
    for wanted in (
        "网络直播评论审核表",
        "加微信领资料",
        "安娜(ann)（初审员）",
        "广告引流",
        "<script>",
        "终审人（签字）",
    ):
        assert wanted in said, wanted
    assert PHONE not in said
    assert (await recorded(office, "review.form"))["args"]["format"] == "pdf"


async def test_the_form_prints_from_a_browser_without_a_complaint(office: Stage) -> None:
    complaints: list[str] = []
    name, _, value = office.cookie.partition("=")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page(viewport={"width": 1123, "height": 794})
        page.on("console", lambda line: complaints.append(line.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.context.add_cookies([{"name": name, "value": value, "url": office.url}])
        await page.goto(f"{office.url}{REVIEW}/form?broadcast={BROADCAST}")
        assert await page.locator("tbody tr").count() == 9  # two people, two unreviewed cards, five cards
        assert await page.evaluate("document.body.scrollWidth <= innerWidth")
        widths = await page.evaluate("[...document.querySelectorAll('th')].map((one) => one.clientWidth)")
        assert min(widths) > 30
        assert widths[-1] > 100
        await picture(page, "review-form")
        printed = await page.pdf(prefer_css_page_size=True)
        await browser.close()
    assert complaints == []
    with pypdfium2.PdfDocument(printed) as document:
        assert [round(points) for points in document[0].get_size()] == [842, 595]


async def test_a_form_loads_nothing_from_anywhere(office: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    visits = 0

    def visited(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal visits
        visits += 1
        writer.close()

    async with await asyncio.start_server(visited, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/picture.png"
        monkeypatch.setattr(form, "_STYLE", f"{form._STYLE} body {{ background: url({url}); }}")
        assert url in (await get(office, "form", broadcast=BROADCAST)).text
        answer = await get(office, "form", broadcast=BROADCAST, format="pdf")
    assert (answer.status_code, visits) == (200, 0)


async def test_one_pdf_at_a_time_and_a_child_that_fails_is_told(
    office: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = await asyncio.gather(*(get(office, "form", broadcast=BROADCAST, format="pdf") for _ in range(2)))
    assert sorted(one.status_code for one in both) == [200, 503]
    monkeypatch.setattr(files, "PDF_S", 0.01)
    late = await get(office, "form", broadcast=BROADCAST, format="pdf")
    assert (late.status_code, late.json()["code"]) == (503, "pdf_failed")
    assert "Print its HTML" in late.json()["error"]
