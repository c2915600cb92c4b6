"""Duty in a browser: roster, hand-over with H, the alarm on all pages with a sound, a practice's screen."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace
from page_desk import Desk, picture
from playwright.async_api import Page, expect

from console.duty.board import REFRESH_S
from streamgate.clock import wall_s
from streamgate.ledger.read import read
from streamgate.link.messages import ChannelDuty
from streamgate.store import shifts, users
from streamgate.store.database import Database

AXE = Path(__file__).parents[2] / "console" / "web" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = """async () => (await axe.run()).violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => [id, nodes.map(({ target }) => target.join(' '))])"""
COUNT_SOUNDS = """
window.sounds = 0;
const begin = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...at) { window.sounds += 1; return begin.apply(this, at); };
"""
KEEP_NOTIFICATIONS = """
window.told = [];
window.Notification = class extends Notification {
    static get permission() { return "granted"; }  // a browser without a window grants nothing
    constructor(title, options) {
        super(title, options);
        const kept = { ...options, closed: false };
        window.told.push(kept);
        const close = this.close.bind(this);
        this.close = () => { kept.closed = true; close(); };
    }
};
"""


@pytest.fixture
async def hall(desk: Desk) -> Desk:
    desk.store.add("main")
    desk.store.set("main", duty_watch="backup", duty_absent_s=20.0)
    await desk.station.reload()
    return desk


def plan(desk: Desk, name: str, display: str = "") -> None:
    with Database(desk.stage.database) as database, database.write() as session:
        user = users.find(session, name)
        user.display_name = display or user.display_name
        now = wall_s()
        shifts.plan(session, "main", user, now - 60, now + 3600, broadcast="晚会", by="test", at=now)


def lose(desk: Desk, seconds: float = 30.0) -> None:
    """Let nobody have been there for so long."""
    channel = desk.station.channels["main"]
    channel._duty._watch.there_at -= round(seconds * 1e6)
    channel.tick()
    desk.station.changed()


def decided(desk: Desk) -> list[str]:
    told = [one.get("what", "") for one in read(desk.stage.data_dir / "ledger")]
    return [what for what in told if what.startswith("duty.")]


def patch_reports(desk: Desk) -> list[bool]:
    """Return a list: while it holds something, reports of the console say that nobody has a page open."""
    away: list[bool] = []
    channel = desk.station.channels["main"]
    take = channel.take_duty

    def report(known: ChannelDuty, written_at: int | None) -> None:
        people = [replace(one, quiet_s=None) for one in known.people] if away else known.people
        take(replace(known, people=people), written_at)

    channel.take_duty = report  # type: ignore[method-assign]
    return away


async def violations(page: Page) -> list[object]:
    await page.evaluate(AXE.read_text("utf-8"))
    found: list[object] = await page.evaluate(SERIOUS)
    return found


async def test_a_roster_is_made_and_duty_handed_over_with_a_key_and_a_note(hall: Desk) -> None:
    for name in ("ann", "ben"):
        await hall.stage.person(name, "operator")
    chief = await hall.person("chief", "zh", roles=("director",))
    await hall.open(chief, "/duty/main")
    form = chief.get_by_test_id("shift-form")
    await form.get_by_label("人员").select_option("ann")
    await form.get_by_label("场次").fill("开学典礼")
    await form.get_by_role("button", name="加入值班表").click()
    await expect(chief.locator('[data-shift="ann"]')).to_contain_text("开学典礼")
    await expect(chief.get_by_test_id("duty-now")).to_contain_text("ann 至")

    ann, ben = await hall.person("ann"), await hall.person("ben", "zh")
    for page in (ann, ben):
        await page.goto(f"{hall.stage.url}/live/main", wait_until="commit")
    await expect(ann.get_by_test_id("duty")).to_contain_text("On duty: ann")
    await ann.keyboard.press("h")
    line = ann.get_by_test_id("duty-line")
    await expect(line).to_have_attribute("data-part", "on_duty")
    whom = line.get_by_label("Hand over to")
    await expect(whom).to_be_focused()
    for letter in "xdb":  # a list finds its entries by letters: none of them is a key of the desk here
        await ann.keyboard.press(letter)
    await whom.select_option("ben")
    await line.get_by_label("What the other one should know").fill("Mic 2 crackles")
    assert await violations(ann) == []
    await picture(ann, "duty-hand-over-en")
    await ann.keyboard.press("Enter")
    await expect(line).to_be_hidden()
    await expect(ben.get_by_test_id("duty")).to_have_attribute("data-state", "offered")
    await expect(ben.get_by_test_id("duty")).to_contain_text("ann 向您交班 · H")
    await expect(ann.get_by_test_id("duty")).to_contain_text("On duty: ann")  # until it is taken
    await ben.keyboard.press("h")
    taking = ben.get_by_test_id("duty-line")
    await expect(taking).to_contain_text("ann 向您交班：Mic 2 crackles")
    await picture(ben, "duty-take-over-zh")
    await ben.keyboard.press("Enter")
    for page, words in ((ann, "On duty: ben"), (ben, "值班: ben")):
        await expect(page.get_by_test_id("duty")).to_contain_text(words)
    await expect(chief.locator('[data-shift="ben"]')).to_contain_text("交接")
    assert await violations(chief) == []
    await hall.stage.until(lambda: decided(hall) == ["duty.plan", "duty.offer", "duty.accept"])
    told = read(hall.stage.data_dir / "ledger")
    assert [one["what"] for one in told if one.get("kind") == "command"] == []  # of the letters in the list
    assert [page.complaints for page in (chief, ann, ben)] == [[], [], []]


@pytest.mark.parametrize("size", ["desk", "large"])
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_nobody_there_is_an_alarm_on_every_screen_until_a_key(
    hall: Desk, language: str, size: str
) -> None:
    ann = await hall.person("ann", language, size, roles=("administrator", "director"))
    await ann.add_init_script(COUNT_SOUNDS)
    await asyncio.to_thread(plan, hall, "ann", "安娜")
    await ann.goto(f"{hall.stage.url}/live/main", wait_until="commit")
    chip = ann.get_by_test_id("duty")
    # nobody told the console: it looks at the roster by itself
    await expect(chip).to_contain_text("安娜", timeout=(REFRESH_S + 5) * 1000)
    await ann.keyboard.press("g")  # on air
    await expect(chip).to_have_attribute("data-state", "there")
    await picture(ann, f"duty-live-there-{language}-{size}")
    await hall.open(ann, "/channels")
    await ann.locator("h1").click()  # a browser makes no sound before
    away = patch_reports(hall)
    away.append(True)
    lose(hall, 12)
    line = ann.get_by_test_id("duty-alarm")
    await expect(line).to_have_attribute("data-state", "asked")
    lose(hall)
    await expect(line).to_have_attribute("data-state", "covered")
    assert hall.station.channels["main"].status().requested == "backup"
    await expect(line).to_contain_text("main")
    assert await violations(ann) == []
    await picture(ann, f"duty-alarm-{language}-{size}")
    await asyncio.sleep(0.3)
    assert await ann.evaluate("window.sounds") >= 1
    for path in ("/duty/main", "/archive", "/account"):
        await hall.open(ann, path) if path != "/archive" else await ann.goto(
            f"{hall.stage.url}{path}", wait_until="commit"
        )
        await expect(ann.get_by_test_id("duty-alarm")).to_be_visible()
    await hall.open(ann, "/duty/main")
    await expect(ann.get_by_test_id("duty-now")).to_have_attribute("data-state", "covered")
    await picture(ann, f"duty-screen-{language}-{size}")
    await ann.goto(f"{hall.stage.url}/live/main", wait_until="commit")
    await expect(chip).to_have_attribute("data-state", "covered")
    await picture(ann, f"duty-live-alone-{language}-{size}")
    away.clear()
    await ann.keyboard.press("Shift")
    await expect(chip).to_have_attribute("data-state", "there", timeout=2_000)
    assert hall.station.channels["main"].status().requested == "live"
    assert ann.complaints == []


async def test_a_browser_that_may_notifies_once_a_state_and_takes_it_back(hall: Desk) -> None:
    pages = {}
    for path in ("/channels", "/live/main", "/m/main"):
        page = pages[path] = await hall.person("ann", "zh", roles=("administrator", "director"))
        await page.add_init_script(COUNT_SOUNDS + KEEP_NOTIFICATIONS)
    await asyncio.to_thread(plan, hall, "ann")
    hall.station.channels["main"].start("console:ann")
    for path, page in pages.items():
        await page.goto(f"{hall.stage.url}{path}", wait_until="commit")
        await page.wait_for_selector("h1, header")
        await page.mouse.click(3, 300)  # a browser makes no sound before
    away = patch_reports(hall)
    away.append(True)
    lose(hall, 12)
    for page in pages.values():
        await page.wait_for_function("() => window.told.length === 1")
    lose(hall)
    for page in pages.values():
        await page.wait_for_function("() => window.told.length === 2")
    await asyncio.sleep(1.0)  # status comes again and again: it is told once
    for path, page in pages.items():
        asked, alone = await page.evaluate("window.told")
        assert asked["body"] == "main：是否在岗？请在控制台按任意键", path
        assert alone["body"] == "main：无人值守。值班人员按任意键即解除告警", path
        assert (asked["tag"], alone["tag"], alone["renotify"]) == ("duty/main", "duty/main", True), path
        assert (asked["closed"], alone["closed"]) == (True, False), path
        assert await page.evaluate("window.sounds") >= 2, path
    hall.station.channels["main"].stop("console:ann")
    hall.station.changed()
    for page in pages.values():
        await page.wait_for_function("() => window.told[1].closed")
    assert [page.complaints for page in pages.values()] == [[], [], []]


async def test_the_watch_and_the_own_reaction_time_are_set_on_the_page(hall: Desk) -> None:
    page = await hall.person("ann", roles=("administrator",))
    await hall.open(page, "/duty/main")
    watch = page.get_by_test_id("watch")
    await watch.get_by_label("What happens").select_option("alarm")
    await watch.get_by_label("Alarm after seconds without anybody").fill("90")
    await watch.get_by_role("button", name="Save").click()
    await expect(watch.get_by_role("button", name="Save")).to_be_disabled()
    changed = hall.store.get("main")
    assert (changed.duty_watch, changed.duty_absent_s) == ("alarm", 90)
    sound = page.locator('[data-kind="sound"]')
    await sound.get_by_label("Own value for sound, s").fill("1.2")
    await sound.get_by_role("button", name="Save").click()
    await expect(sound.get_by_role("button", name="Use the measured one")).to_be_visible()
    await sound.get_by_role("button", name="Use the measured one").click()
    await expect(sound.get_by_role("button", name="Use the measured one")).to_be_hidden()


async def test_who_only_watches_sees_the_roster_and_changes_nothing(hall: Desk) -> None:
    page = await hall.person("eva", roles=("auditor",))
    await hall.open(page, "/duty/main")
    await expect(page.get_by_test_id("roster")).to_be_visible()
    for part in ("shift-form", "practice", "reaction"):
        await expect(page.get_by_test_id(part)).to_have_count(0)
    await expect(page.get_by_test_id("watch").get_by_role("button", name="Save")).to_be_disabled()
    assert page.complaints == []
