"""The audit screen in a real Chromium, before a real console and a ledger that the real writer wrote.

Set SCREENSHOTS to a folder to have pictures.
"""

import csv
import io
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from audit_ledger import NOON, cut, fill, own_decisions, write
from console_stage import Stage
from playwright.async_api import Browser, Page, async_playwright, expect
from tools.testfeed import Feed

from console import pages
from streamgate.ledger.places import FOLDER
from streamgate.ledger.read import read
from streamgate.ledger.record import Notice
from streamgate.ledger.writer import Writer

STATIC = Path(pages.__file__).parent / "static"
AXE = Path(pages.__file__).parent / "web" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"desk": (1280, 720), "phone": (390, 844)}
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
WIDER = "() => document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth"
SERIOUS = """async () => (await axe.run()).violations
    .filter((one) => ['serious', 'critical'].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(' ')}`)"""
# The browser's clock is the test's: what "today" is must not depend on when it runs.
ZONE = "Asia/Shanghai"


class Office:
    def __init__(self, stage: Stage, browser: Browser) -> None:
        self.stage, self.browser = stage, browser
        self.ledger = stage.data_dir / FOLDER

    async def person(self, name: str, *roles: str, language: str = "en", size: str = "desk") -> Page:
        width, height = SIZES[size]
        context = await self.browser.new_context(
            viewport={"width": width, "height": height}, locale=LANGUAGES[language], timezone_id=ZONE
        )
        name_of, _, cookie = (await self.stage.sign_in(name, *roles)).partition("=")
        await context.add_cookies([{"name": name_of, "value": cookie, "url": self.stage.url}])
        page = await context.new_page()
        page.complaints = []  # type: ignore[attr-defined]
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda line: page.complaints.append(line.text) if line.type == "error" else None)
        return page

    async def all_shown(self, page: Page) -> None:
        """Wait for the decisions that were written, behind what the console has recorded itself."""
        rows = page.locator("tr[data-kind]")
        await expect(rows).to_have_count(len(DECISIONS) + own_decisions(self.ledger))

    async def open(self, page: Page, path: str = "/audit") -> None:
        await page.goto(f"{self.stage.url}{path}", wait_until="commit")
        await page.wait_for_selector("h1")


@pytest.fixture
async def office(tmp_path: Path, feed: Feed, filler: Feed) -> AsyncIterator[Office]:
    assert pages.is_built(STATIC), "the page is not built: make install"
    stage = Stage(tmp_path / "data", feed, filler, STATIC)
    fill(stage.data_dir / FOLDER)
    async with stage.gate.running(), stage.console(), async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield Office(stage, browser)
        await browser.close()


async def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png")


async def says(page: Page) -> list[str]:
    """Return what the rows say, newest first."""
    return [text.strip() for text in await page.locator("tr[data-kind] td:nth-child(4)").all_inner_texts()]


DECISIONS = [
    "Restore main",
    "delay: 30 s → 45 s",
    "Restore main, reason: =false alarm",
    "Cut main: refused, needs the right to cut (channel:cut)",
    "Cut main",
    "Dump the newest 4.5 s of hall",
    "Cut main, reason: a stranger on the stage",
    "Signed in (password)",
]


async def test_filter_search_and_the_exact_record(office: Office) -> None:
    page = await office.person("ann", "auditor")
    await office.open(page)
    rows = page.locator("tr[data-kind]")
    await office.all_shown(page)
    own = own_decisions(office.ledger)
    assert (await says(page))[own:] == DECISIONS
    first = rows.nth(own)
    await expect(first).to_contain_text("20:00:05.000")  # noon of Greenwich is eight in the evening here
    await expect(first).to_contain_text("bob")
    await expect(first).to_contain_text("Operator · 192.0.2.7")
    await expect(first).to_contain_text("REFUSED")
    await expect(first).to_contain_text("no cut is in force")
    await expect(rows.nth(own + 2)).to_contain_text("waits for a second person")
    await expect(page.get_by_text("Cut main: refused")).to_be_visible()

    await page.get_by_role("textbox", name="Person").fill("alice")
    await page.keyboard.press("Enter")
    await expect(rows).to_have_count(3)
    assert "person=alice" in page.url
    await page.get_by_role("combobox", name="Action").select_option(label="Restore")
    await expect(rows).to_have_count(1)
    await page.reload(wait_until="commit")  # the filters stand in the address
    await expect(rows).to_have_count(1)
    await page.get_by_role("button", name="Clear").click()
    await office.all_shown(page)
    await page.get_by_role("combobox", name="Kind").select_option("events")
    await expect(rows).to_have_count(1)
    await page.get_by_role("combobox", name="Kind").select_option("all")
    await page.get_by_role("textbox", name="Text").fill("STRANGER stage")
    await page.keyboard.press("Enter")
    await expect(rows).to_have_count(1)

    opener = page.get_by_role("button", name=re.compile("The exact record of"))
    await opener.focus()
    await page.keyboard.press("Enter")
    await expect(opener).to_have_attribute("aria-expanded", "true")
    (record,) = [one for one in read(office.ledger) if one.get("reason") == "a stranger on the stage"]
    exact = page.get_by_test_id("exact")
    await expect(exact).to_contain_text(record["hash"])
    await expect(exact).to_contain_text("2025-03-12/gate.jsonl")
    await expect(exact).to_contain_text('"reason": "a stranger on the stage"')
    await expect(exact.locator("dd").nth(1)).to_have_text(str(record["n"]))
    await picture(page, "audit-record-en")

    await page.get_by_role("textbox", name="Text").fill("nothing says this")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Nothing of this kind is on record.")).to_be_visible()
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_times_by_quick_picks_and_by_hand(office: Office) -> None:
    page = await office.person("ann", "auditor")
    await page.clock.set_fixed_time(NOON + 60)
    await office.open(page)
    rows = page.locator("tr[data-kind]")
    await office.all_shown(page)
    await page.get_by_role("button", name="Today").click()
    await expect(rows).to_have_count(5 + own_decisions(office.ledger))
    await expect(page.get_by_role("button", name="Today")).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("button", name="7 days").click()
    await office.all_shown(page)
    await page.get_by_label("Until").fill("2025-03-13T20:00")
    await page.keyboard.press("Enter")
    await expect(rows).to_have_count(3)
    await page.get_by_role("button", name="Always").click()
    await office.all_shown(page)


async def test_this_broadcast_is_what_was_recorded_since_its_start(office: Office) -> None:
    page = await office.person("dora", "director")
    async with office.stage.client() as client:
        stop = {"reason": "the event is over"}
        assert (await client.post("/api/v1/channels/main/stop", json=stop)).status_code == 200
        await office.open(page)
        pick = page.get_by_role("button", name="This broadcast")
        await expect(pick).to_be_disabled()
        assert (await client.post("/api/v1/channels/main/start", json={})).status_code == 200
    await pick.click()
    await expect(page.get_by_role("combobox", name="Channel")).to_have_value("main")
    await expect(page.get_by_text("Nothing of this kind is on record.")).to_be_visible()
    assert "from=" in page.url


async def test_pages_of_a_hundred(office: Office) -> None:
    write(
        office.ledger,
        "desk",
        *(
            Notice(at=NOON + 100 + number, channel="main", code="cut", text=f"line {number}")
            for number in range(3)
        ),
    )
    writer = Writer(office.ledger, "bulk", clock=lambda: NOON + 200)
    for number in range(247):
        writer.write(cut(NOON + 200 + number, reason=f"number {number}"))
    assert writer.close(30)
    page = await office.person("ann", "auditor")
    await office.open(page, "/audit?person=alice")
    rows = page.locator("tr[data-kind]")
    await expect(rows).to_have_count(100)
    await expect(rows.first).to_contain_text("number 246")
    await page.get_by_role("button", name="Older").click()
    await expect(page.get_by_text("page 2")).to_be_visible()
    await expect(rows.first).to_contain_text("number 146")
    await page.get_by_role("button", name="Older").click()
    await expect(rows).to_have_count(50)
    await expect(page.get_by_role("button", name="Older")).to_be_disabled()
    await page.get_by_role("button", name="Newer").click()
    await expect(rows.first).to_contain_text("number 146")


async def test_the_export_is_what_is_shown(office: Office) -> None:
    page = await office.person("ann", "auditor")
    await office.open(page, "/audit?channel=main&outcome=waiting")
    await expect(page.locator("tr[data-kind]")).to_have_count(1)
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Export CSV").click()
    download = await downloading.value
    assert re.fullmatch(r"streamgate-audit-\d{4}-\d\d-\d\d\.csv", download.suggested_filename)
    data = Path(await download.path()).read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert (row["who"], row["what"], row["reason"]) == ("console:alice", "restore", "'=false alarm")
    await page.get_by_role("button", name="Clear").click()
    await expect(page.locator("tr[data-kind]").first).to_contain_text(
        "Export records of the audit, channel main"
    )
    await expect(page.locator("tr[data-kind]").first).to_contain_text("ann")


async def test_a_changed_byte_is_said_loudly(office: Office) -> None:
    page = await office.person("ann", "auditor")
    await office.open(page)
    proof = page.get_by_test_id("proof")
    await expect(proof).to_have_attribute("data-state", "whole", timeout=30_000)
    await expect(proof).to_contain_text("Verified up to 20")
    await expect(proof).to_contain_text("chain whole")
    await picture(page, "audit-en")
    path = office.ledger / "2025-03-12" / "gate.jsonl"
    data = path.read_bytes()
    line = next(i for i, one in enumerate(data.splitlines(), 1) if b"stranger" in one)
    path.write_bytes(data.replace(b"stranger", b"Stranger"))
    await proof.get_by_role("button", name="Verify now").click()
    await expect(proof).to_have_attribute("data-state", "bad", timeout=30_000)
    await expect(proof.get_by_role("alert")).to_contain_text("THE LEDGER IS NOT WHOLE")
    await expect(proof).to_contain_text(f"First bad record: 2025-03-12/gate.jsonl, line {line}")
    await expect(proof).to_contain_text("its hash is not that of its content")
    await picture(page, "audit-bad-en")
    await page.get_by_text("中文").first.click()
    await expect(proof.get_by_role("alert")).to_contain_text("操作记录不完整")
    await expect(proof).to_contain_text("哈希与内容不符")
    await picture(page, "audit-bad-zh")


async def test_a_broken_file_is_named_and_the_rest_is_shown(office: Office) -> None:
    path = office.ledger / "2025-03-14" / "gate.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines.insert(1, b"no record\n")
    path.write_bytes(b"".join(lines))
    page = await office.person("ann", "auditor", language="zh")
    await office.open(page)
    await expect(page.get_by_text("2025-03-14/gate.jsonl 第 2 行: 该行不是记录")).to_be_visible()
    await office.all_shown(page)


async def test_who_may_and_who_may_not(office: Office) -> None:
    page = await office.person("otto", "operator")
    await office.open(page, "/settings")
    await expect(page.get_by_role("link", name="Settings")).to_be_visible()
    await expect(page.get_by_role("link", name="Audit")).to_have_count(0)
    await office.open(page)
    await expect(page.get_by_text("Your account may not do this").first).to_be_visible()
    await expect(page.locator("tr[data-kind]")).to_have_count(0)
    page = await office.person("dora", "director@hall")
    await office.open(page)
    await expect(page.get_by_role("link", name="Audit")).to_be_visible()
    await expect(page.locator("tr[data-kind]")).to_have_count(1)
    assert await says(page) == ["Dump the newest 4.5 s of hall"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", LANGUAGES)
async def test_both_languages_and_sizes(office: Office, language: str, size: str) -> None:
    page = await office.person("ann", "auditor", language=language, size=size)
    await office.open(page)
    await office.all_shown(page)
    await expect(page.get_by_test_id("proof")).to_have_attribute("data-state", "whole", timeout=30_000)
    if language == "zh":
        await expect(page.get_by_text("切断 main，理由：a stranger on the stage")).to_be_visible()
        await expect(page.get_by_text("延时：30 s → 45 s")).to_be_visible()
        await expect(page.get_by_text("操作员 · 192.0.2.7").first).to_be_visible()
    assert await page.evaluate(WIDER) <= 0
    await picture(page, f"audit-{language}-{size}")
    await page.evaluate(AXE.read_text("utf-8"))
    assert await page.evaluate(SERIOUS) == []
    assert page.complaints == []  # type: ignore[attr-defined]
