"""People at their pages during a broadcast: what is redacted, cameras, a phone, duty and both languages.

Three stories at the same time, each with people of its own, so that nobody's keys are another story's sign of
life, over two channels. Everything is commanded by keys or pointer on a page.
"""

import re
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import closing
from typing import Any

from conveyor_scenario import Hands, shown_by_review, spans
from evening_pages import DESK, LOADED_MS, PHONE, Pages, chromium, findings
from playwright.sync_api import Locator, Page, expect
from stage import Stage
from tools.encoder import Encoder
from tools.people import Person
from tools.tap import Tap
from tools.timecode import slices_hash

HOLD_S = 0.7  # so long the phone's key is held
ASK_S, ABSENT_S = 60, 20  # the least that is allowed, of both
NOTE = "Mic 2 crackles"
PLAYS = "[data-feed=pgm][data-player=playing]"
SCREENS = {
    "live": ("live/duty", PLAYS),
    "multiview": ("multiview/duty", "[data-tile=duty] [data-player=playing]"),
    "phone": ("m/duty", "[data-testid=phone] [data-player=playing]"),
    "wall": ("live/duty?wall", "[data-testid=wall] [data-feed=pgm][data-player=playing]"),
    "duty": ("duty/duty", "[data-testid=roster] tr[data-shift]"),
}
KEEP_VIDEOS = "() => { window.kept = [...document.querySelectorAll('video')]; }"
KEPT_VIDEOS = "() => window.kept.map((video) => [video.isConnected, video.paused, video.currentTime])"

# ---------------------------------------------------------------- the channel `main`


def operate(stage: Stage, people: Mapping[str, Person], looking: Future[None]) -> None:
    """Mute, mosaics and the standby camera by a director at a desk; a cut by somebody with a phone.

    The standby camera is there first: filler is made for it, and then for the main one, too.
    """
    key = stage.do("key", "channel", "set", stage.name, "--standby-key", "rotate", "--json").json
    with closing(Tap(stage.loop, stage.gate.rtmp, hash_picture=slices_hash)) as tap, chromium() as browser:
        pages = Pages(gate=stage.gate, browser=browser)
        page = pages.desk(people["olga"], "live/main")
        url = f"rtmp://127.0.0.1:{tap.port}/live/{key['standby_key']}"
        stage.encoders.append(
            Encoder(stage.media.other, url, log=stage.directory / f"{stage.name}-standby.log")
        )
        expect(page.get_by_test_id("standby")).to_contain_text("480×270")
        main = stage.publish()
        mute(stage, page)
        lay_mosaic(stage, page, "noise", 28, (0.6, 1))
        lay_mosaic(stage, page, "code", 40, (0, 0.58))
        expect(page.locator("[data-span]")).to_have_count(0, timeout=60_000)  # all of it has aired
        time.sleep(4)
        switch_cameras(stage, page)
        time.sleep(4)
        looking.result()  # how soon a page shows the cut is measured: nobody else is busy
        cut_by_phone(stage, page, pages.phone(people["pia"], "m/main"))
        time.sleep(3)
        stop(page)
        keep_errors(stage, pages)
        stage.seen["standby sent"] = tap.of("video")
    main.stop()


def mute(stage: Stage, page: Page) -> None:
    """By keys alone: the review player opens 3 s back; in, a second earlier; 3 s are marked."""
    stage.at(20)
    page.keyboard.press("p")
    shown_by_review(page)
    page.keyboard.press("i")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("m")
    expect(page.locator("[data-span][data-kind=mute][data-ready=true]")).to_be_visible()
    (stage.seen["mute"],) = spans(stage)
    page.keyboard.press("Escape")


def lay_mosaic(stage: Stage, page: Page, name: str, second: float, rows: tuple[float, float]) -> None:
    """Draw a box as wide as the picture, between two rows of it (shares of its height), over 3 s."""
    stage.at(second)
    hands = Hands(page)
    hands.click(8)
    shown_by_review(page)
    layer = page.get_by_test_id("box-layer").bounding_box()
    assert layer is not None
    left, right = layer["x"] + 1, layer["x"] + layer["width"] + 20
    top, bottom = (layer["y"] + row * layer["height"] for row in rows)
    page.mouse.move(left, max(top, layer["y"] + 1))
    page.mouse.down()
    page.mouse.move((left + right) / 2, (top + bottom) / 2)
    page.mouse.move(right, bottom)
    page.mouse.up()
    expect(page.get_by_test_id("box")).to_be_visible()
    hands.drag(6, 3)
    hands.away()
    page.screenshot(path=stage.directory / f"evening-{name}.png")
    before = {span["id"] for span in spans(stage)}
    page.keyboard.press("v")
    own = f"[data-span][data-kind=mosaic]{''.join(f':not([data-span={one}])' for one in before)}"
    expect(page.locator(f"{own}[data-ready=true]")).to_be_visible(timeout=20_000)
    (stage.seen[name],) = (span for span in spans(stage) if span["id"] not in before)
    page.keyboard.press("Escape")


def switch_cameras(stage: Stage, page: Page) -> None:
    """To the standby camera by B and back by L; another backup is chosen first."""
    key, state = page.locator("[data-key=backup]"), page.get_by_test_id("state")
    expect(page.get_by_test_id("standby")).to_have_attribute("data-connected", "true")
    stage.seen["offered first"] = key.inner_text()
    for _ in range(4):
        if "standby camera" in key.inner_text():
            break
        page.keyboard.press("Shift+B")
    expect(key).to_contain_text("standby camera")
    stage.until_on_air(lambda frame: frame is not None)
    stage.seen["there"] = time.monotonic()
    page.keyboard.press("b")
    expect(state).to_have_attribute("data-state", "backup")
    expect(page.locator("[data-feed=pvw]")).to_contain_text("standby camera, undelayed")
    stage.until_on_air(lambda frame: frame is None)
    time.sleep(7)
    page.screenshot(path=stage.directory / "evening-standby.png")
    stage.seen["back"] = time.monotonic()
    page.keyboard.press("l")
    expect(state).to_have_attribute("data-state", "live")
    stage.until_on_air(lambda frame: frame is not None)


def cut_by_phone(stage: Stage, page: Page, phone: Page) -> None:
    """A touch that is too short, then one that is not."""
    key, state = phone.get_by_test_id("hold-cut"), phone.get_by_test_id("phone-state")
    expect(state).to_have_attribute("data-state", "live")
    phone.wait_for_selector("[data-player=playing]")
    finger = Finger(phone, key)
    stage.seen["touched in passing"] = time.monotonic()
    finger.down()
    phone.wait_for_timeout(300)
    finger.up()
    expect(key).to_have_attribute("data-hold", "short")
    stage.seen["phone says"] = [key.inner_text()]
    phone.wait_for_timeout(1500)
    stage.look("after the short touch")
    stage.seen["held"] = time.monotonic()
    finger.down()
    expect(key).to_have_attribute("data-in-force", "true")
    stage.seen["phone says cut"] = time.monotonic()
    finger.up()
    expect(state).to_have_attribute("data-state", "cut")
    stage.seen["phone says"] += [key.inner_text(), state.inner_text()]
    expect(page.get_by_test_id("state")).to_have_attribute("data-state", "cut")
    expect(page.get_by_test_id("cut-by")).to_contain_text("pia")
    stage.look("cut")
    phone.screenshot(path=stage.directory / "evening-phone.png")


class Finger:
    """A finger on the middle of something, as a touch screen reports it."""

    def __init__(self, page: Page, on: Locator) -> None:
        self._screen = page.context.new_cdp_session(page)
        box = on.bounding_box()
        assert box is not None
        self._at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}

    def down(self) -> None:
        self._touch("touchStart", [self._at])

    def up(self) -> None:
        self._touch("touchEnd", [])

    def _touch(self, kind: str, points: list[dict[str, float]]) -> None:
        self._screen.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def stop(page: Page) -> None:
    """Stopping takes two presses, not too near to each other, and a reason."""
    page.keyboard.press("e")
    page.wait_for_timeout(600)
    page.keyboard.press("e")
    page.get_by_test_id("reason").wait_for()
    page.keyboard.press("1")
    expect(page.get_by_test_id("state")).to_have_attribute("data-state", "stopped")


# ---------------------------------------------------------------- the channel `duty`


def watch_over(stage: Stage, people: Mapping[str, Person], looking: Future[None]) -> None:
    """Whoever is on duty leaves keys and pointer alone; comes back; hands over. `looking`: who looks, too."""
    with chromium() as browser:
        pages = Pages(gate=stage.gate, browser=browser)
        dirk = pages.desk(people["dirk"], "duty/duty")
        set_watch(dirk)
        dirk.goto("about:blank")
        ann, ben = pages.desk(people["ann"], "live/duty"), pages.desk(people["ben"], "duty/duty")
        encoder = stage.publish()
        take_duty(stage, ann)
        stage.at(32)
        stage.until_on_air(lambda frame: frame is not None)
        stage.look("there")
        see_the_alarm(stage, ann, ben)
        stage.seen["pressed"] = time.monotonic()
        ann.keyboard.press("Shift")
        stage.until_on_air(lambda frame: frame is not None)
        expect(ann.get_by_test_id("duty")).to_have_attribute("data-state", "there")
        expect(ann.get_by_test_id("state")).to_have_attribute("data-state", "live")
        expect(ben.get_by_test_id("duty-alarm")).to_have_count(0)
        stage.look("back")
        hand_over(stage, ann, ben)
        looking.result()
        dirk.goto(f"{stage.gate.page_url}live/duty", wait_until="commit")
        expect(dirk.get_by_test_id("duty")).to_contain_text("On duty: ben", timeout=LOADED_MS)
        stop(dirk)
        keep_errors(stage, pages)
    encoder.stop()


def set_watch(page: Page) -> None:
    """On the Duty screen: backup airs when nobody has been there for the shortest time that is allowed."""
    watch = page.get_by_test_id("watch")
    watch.get_by_label("What happens").select_option("backup")
    watch.get_by_label("Ask after minutes without keys").fill(f"{ASK_S // 60}")
    watch.get_by_label("Alarm after seconds without anybody").fill(f"{ABSENT_S}")
    watch.get_by_role("button", name="Save").click()
    expect(watch.get_by_role("button", name="Save")).to_be_disabled()


def take_duty(stage: Stage, ann: Page) -> None:
    """One steps in: what the keys tell the console first is the last that it hears for a long time."""
    stage.seen["signed"] = time.monotonic()
    ann.keyboard.press("h")
    expect(ann.get_by_test_id("duty-line")).to_have_attribute("data-part", "off_duty")
    ann.keyboard.press("Enter")
    stage.seen["touched last"] = time.monotonic()
    expect(ann.get_by_test_id("duty")).to_contain_text("On duty: ann")
    expect(ann.get_by_test_id("duty-line")).to_be_hidden()


def see_the_alarm(stage: Stage, ann: Page, ben: Page) -> None:
    """Nobody touches anything: both pages ask, then say that nobody is there and backup airs.

    On the Live screen the header says it, on any other a line below the bar.
    """
    chip, line = ann.get_by_test_id("duty"), ben.get_by_test_id("duty-alarm")
    expect(chip).to_have_attribute("data-state", "asked", timeout=90_000)
    expect(line).to_have_attribute("data-state", "asked")
    stage.seen["asks"] = [chip.inner_text(), line.inner_text()]
    expect(chip).to_have_attribute("data-state", "covered", timeout=(ABSENT_S + 10) * 1000)
    expect(line).to_have_attribute("data-state", "covered")
    expect(ann.get_by_test_id("state")).to_have_attribute("data-state", "backup")
    stage.seen["alarms"] = [ann.get_by_role("alert", name="Alarms").inner_text(), line.inner_text()]
    ben.screenshot(path=stage.directory / "evening-alarm.png")
    stage.until_on_air(lambda frame: frame is None)
    stage.look("covered")
    time.sleep(4)


def hand_over(stage: Stage, ann: Page, ben: Page) -> None:
    """By H on both pages; in force once the other one has taken it."""
    ann.keyboard.press("h")
    line = ann.get_by_test_id("duty-line")
    expect(line).to_have_attribute("data-part", "on_duty")
    line.get_by_label("Hand over to").select_option("ben")
    line.get_by_label("What the other one should know").click()
    ann.keyboard.type(NOTE)
    ann.keyboard.press("Enter")
    expect(line).to_be_hidden()
    ben.goto(f"{stage.gate.page_url}live/duty", wait_until="commit")
    expect(ben.get_by_test_id("duty")).to_contain_text("On duty", timeout=LOADED_MS)
    stage.seen["until taken"] = ben.get_by_test_id("duty").inner_text()
    ben.keyboard.press("h")
    taking = ben.get_by_test_id("duty-line")
    expect(taking).to_have_attribute("data-part", "offered_to_me")
    stage.seen["offered"] = taking.inner_text()
    ben.keyboard.press("Enter")
    for page in (ann, ben):
        expect(page.get_by_test_id("duty")).to_contain_text("On duty: ben")
    stage.look("handed over")


# ---------------------------------------------------------------- both languages


def look_around(stage: Stage, people: Mapping[str, Person]) -> None:
    """The language is switched on the Live screen, there and back; every screen is looked at in both."""
    with chromium() as browser:
        pages = Pages(gate=stage.gate, browser=browser)
        page = pages.desk(people["lena"], "account")
        end_s = time.monotonic() + 60
        while not stage.began_s:
            assert time.monotonic() < end_s, "nobody published"
            time.sleep(0.1)
        stage.at(46)  # what the other stories do by then has its time
        found: list[str] = []
        words: dict[str, Any] = {}
        show(stage, page, "live")
        words["en"] = words_of(page)
        words["to zh"] = switch_language(page, "中文", "直播 · streamgate")
        words["zh"] = words_of(page)
        found += look_at_all(stage, page, "zh")
        show(stage, page, "live")
        words["to en"] = switch_language(page, "EN", "Live · streamgate")
        words["en again"] = words_of(page)
        found += look_at_all(stage, page, "en")
        stage.seen["findings"], stage.seen["words"] = found, words
        keep_errors(stage, pages)


def show(stage: Stage, page: Page, screen: str) -> None:
    path, there = SCREENS[screen]
    page.set_viewport_size(PHONE if screen == "phone" else DESK)
    page.goto(f"{stage.gate.page_url}{path}", wait_until="commit")
    page.wait_for_selector(there)


def switch_language(page: Page, name: str, title: str) -> list[list[Any]]:
    """Return for each picture on the screen: is it the one from before, does it stand, seconds played."""
    page.evaluate(KEEP_VIDEOS)
    before = page.evaluate(KEPT_VIDEOS)
    page.get_by_role("radiogroup", name=re.compile("Language|语言")).get_by_text(name, exact=True).click()
    expect(page).to_have_title(title)
    page.wait_for_timeout(1000)
    after = page.evaluate(KEPT_VIDEOS)
    return [[there, held, at - began] for (_, _, began), (there, held, at) in zip(before, after, strict=True)]


def words_of(page: Page) -> dict[str, str]:
    return {
        "lang": page.locator("html").get_attribute("lang") or "",
        "state": page.get_by_test_id("state").inner_text(),
        "cut": page.locator("[data-key=cut]").inner_text(),
        "screen": page.locator("main").inner_text(),
    }


def look_at_all(stage: Stage, page: Page, language: str) -> list[str]:
    """Return what axe-core finds. The screen is the Live one at first."""
    found = findings(page, f"live {language}")
    lang = {"en": "en", "zh": "zh-CN"}[language]
    for screen in SCREENS:
        if screen != "live":
            show(stage, page, screen)
            expect(page.locator("html")).to_have_attribute("lang", lang)
            found += findings(page, f"{screen} {language}")
    return found


def keep_errors(stage: Stage, pages: Pages) -> None:
    stage.seen.setdefault("errors", []).extend(pages.complaints + pages.logged)
