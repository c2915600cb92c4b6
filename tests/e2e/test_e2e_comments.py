"""The whole loop of comments in real processes and browsers: written, filtered, reviewed, published."""

import csv
import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from comment_hall import (
    NOTE_CHANGE,
    NOTE_HAND,
    NOTED,
    FeedReader,
    Hall,
    ask,
    open_hall,
    press,
    until,
    write,
)
from playwright.sync_api import Locator, Page, expect
from tools import timecode
from tools.encoder import Encoder
from tools.people import Person, sign_in

expect.set_options(timeout=15_000)
API = "/api/v1/channels/main"
REVIEW = "/api/v1/review/main"
CLOSED = "Comments are closed for this broadcast."
SIZE = (320, 180)
COMMENTS = "[data-comment], main .item"  # published ones, on the watch page and on the overlay
# Draw what the video shows now; return the darkest and brightest level around each point.
LEVELS = """([points, width, height]) => {
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    context.drawImage(document.querySelector("video"), 0, 0, width, height);
    return points.map(([x, y]) => {
        const data = context.getImageData(x - 2, y - 2, 5, 5).data;
        const greens = Array.from({ length: 25 }, (_, i) => data[4 * i + 1]);
        return [Math.min(...greens), Math.max(...greens)];
    });
}"""


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    with open_hall(tmp_path) as opened:
        yield opened
        assert opened.complaints == []


def people(hall: Hall, **roles: str) -> dict[str, Person]:
    with ThreadPoolExecutor() as pool:
        made = pool.map(lambda one: hall.gate.person(*one), roles.items())
        return {one.name: one for one in made}


def hand(page: Page) -> Locator:
    return page.locator("[data-card][aria-current=true]")


def card(page: Page, text: str) -> Locator:
    return page.locator("[data-card]", has_text=text)


def pile(page: Page, name: str) -> None:
    page.locator(f"[data-pile={name}]").click()
    expect(page.locator(f"[data-pile={name}]")).to_have_attribute("aria-current", "page")


def approve(page: Page, text: str) -> int:
    """Approve the card under the hand, which is of that text; return its number."""
    expect(hand(page)).to_contain_text(text)
    number = int(hand(page).get_attribute("data-card") or 0)
    press(page, "a")
    expect(page.get_by_test_id("notice")).to_contain_text(f"Approved: “{text}”")
    return number


def shown(page: Page, text: str) -> Locator:
    """Return a published comment on the watch page."""
    return page.locator("[data-comment]", has_text=text)


def frame_of(page: Page) -> timecode.Mark | None:
    return timecode.from_levels(page.evaluate(LEVELS, [timecode.centres(*SIZE), *SIZE]))


@pytest.mark.heavy  # seven pages in a browser
def test_the_whole_loop_in_one_broadcast(hall: Hall, tmp_path: Path) -> None:
    clip = timecode.make(tmp_path / "clip.flv", feed=1, seconds=40, size=SIZE)
    encoder = Encoder(clip, hall.url, loop=True, keep_trying=True)
    feed = FeedReader(f"{hall.public}{API}/published")
    try:
        tell_the_story(hall, feed)
    finally:
        feed.close()
        encoder.stop()


def tell_the_story(hall: Hall, feed: FeedReader) -> None:
    gate = hall.gate
    reviewers = {"rita": "reviewer", "sam": "senior-reviewer", "carla": "chief-reviewer"}
    staff = people(hall, **reviewers, olga="operator", ida="auditor")
    hall_key = gate.command("source", "add", "hall", "--channel", "main", "--json").json["key"]
    gate.command("interaction", "main", "--slow", "0", "--window", "60")
    one, two, overlay = hall.viewer(), hall.viewer(), hall.overlay()

    # Everything is closed until the operator opens it.
    for viewer in (one, two):
        expect(viewer.get_by_text(CLOSED)).to_be_visible()
    ask(two, f"{API}/viewer", {"nickname": ""})
    refused = ask(two, f"{API}/comments", {"client_id": "c1", "text": "有人吗"})
    assert (refused["status"], refused["code"]) == (403, "interaction_closed")
    olga = hall.desk(staff["olga"])
    for name in ("Comments", "Bullets"):
        olga.get_by_role("switch", name=name).click()
        expect(olga.get_by_role("switch", name=name)).to_have_attribute("aria-checked", "true")
    for viewer in (one, two):
        expect(viewer.locator("textarea")).to_be_visible()

    # A viewer sees the program and writes; nobody else sees what was written.
    one.wait_for_function("() => document.querySelector('video').currentTime > 0")
    write(one, "老师讲得真好", "校友小明")
    expect(one.get_by_test_id("own")).to_contain_text("老师讲得真好")
    expect(one.get_by_test_id("own")).to_contain_text("Waiting for review · only you see this")

    # One reviewer has the card in hand; the other sees who.
    rita = hall.desk(staff["rita"])
    expect(hand(rita)).to_contain_text("老师讲得真好")
    sam = hall.desk(staff["sam"])
    expect(card(sam, "老师讲得真好")).to_contain_text("rita is on it")
    pile(sam, "published")  # who looks at another pile leaves the waiting ones to the others

    # Approved, undone within the window, approved again; then it is published everywhere.
    approve(rita, "老师讲得真好")
    expect(rita.locator("[data-key=undo]")).to_contain_text(re.compile(r"Undo \d+ s"))
    press(rita, "z")
    expect(hand(rita)).to_contain_text("老师讲得真好")
    expect(shown(two, "老师讲得真好")).to_have_count(0)
    assert "老师讲得真好" not in two.locator("body").inner_text()
    gate.command("interaction", "main", "--window", "0")
    approve(rita, "老师讲得真好")
    for viewer in (one, two):
        expect(shown(viewer, "老师讲得真好")).to_contain_text("校友小明")
    expect(one.get_by_test_id("own")).to_have_count(0)
    expect(overlay.locator("main bdi", has_text="老师讲得真好")).to_be_visible()
    until(lambda: feed.texts() == ["老师讲得真好"])
    pile(rita, "published")
    expect(hand(rita)).to_contain_text("老师讲得真好")

    # A sensitive one: its hit is marked with the reason, and no one decides two of its stages (R26).
    write(two, "校董会内幕是真的吗", "")
    pile(sam, "waiting")
    expect(hand(sam).locator("mark")).to_have_text("校董会内幕")
    expect(sam.get_by_test_id("hits")).to_contain_text("institution")
    expect(sam.get_by_test_id("hits")).to_contain_text("was found as written")
    assert hall.findings(sam) == []
    number = approve(sam, "校董会内幕是真的吗")
    pile(sam, "waiting")  # laid anew
    expect(hand(sam)).to_contain_text("somebody else must decide this one (R26)")
    expect(sam.locator("[data-key=approve]")).to_have_attribute("aria-disabled", "true")
    version = card_now(sam, number)["version"]
    again = ask(sam, f"{REVIEW}/decisions", {"id": number, "version": version, "decision": "approve"})
    assert (again["status"], again["code"]) == (403, "same_person")
    pile(sam, "published")
    carla = hall.desk(staff["carla"])
    approve(carla, "校董会内幕是真的吗")
    pile(carla, "published")
    expect(shown(one, "校董会内幕是真的吗")).to_be_visible()

    # An important one takes three people.
    write(one, "听说录取名额内定了")
    for number, page in enumerate((rita, sam, carla), 1):
        pile(page, "waiting")
        expect(hand(page).locator("mark")).to_have_text("录取名额内定")
        assert "听说录取名额内定了" not in feed.texts(), f"published before review {number}"
        approve(page, "听说录取名额内定了")
        pile(page, "published")
    expect(shown(two, "听说录取名额内定了")).to_be_visible()

    # What a list blocks lies on its own pile, decided by machine and said so.
    write(one, "低价出售期末答案")
    expect(rita.locator("[data-pile=blocked]")).to_contain_text("1")
    pile(rita, "blocked")
    expect(hand(rita)).to_contain_text("blocked by machine")
    expect(hand(rita).locator("mark")).to_have_text("出售期末答案")
    pile(rita, "waiting")

    # A nickname can be an insult: it is reviewed, too.
    write(two, "大家晚上好", "张三是大草包")
    expect(hand(rita).locator("mark")).to_have_text("大草包")
    expect(hand(rita)).to_contain_text("in the name")
    press(rita, "d", "1")
    expect(rita.get_by_test_id("notice")).to_contain_text("Rejected: “大家晚上好”")

    # Taken back: gone from both pages, the overlay and the feed.
    pile(sam, "published")
    expect(hand(sam)).to_contain_text("听说录取名额内定了")
    press(sam, "r", "1")
    for viewer in (one, two):
        expect(shown(viewer, "听说录取名额内定了")).to_have_count(0)
    expect(overlay.locator("main bdi", has_text="听说录取名额内定了")).to_have_count(0)
    until(lambda: feed.of("retract") != [])
    assert feed.of("retract") == [{"id": feed.of("publish")[-1]["id"]}]
    expect(shown(two, "校董会内幕是真的吗")).to_be_visible()

    # By now the feed itself is on air.
    until(lambda: frame_of(one) is not None, 30)
    assert hall.findings(one) == []
    assert hall.findings(overlay) == []

    write(one, "图书馆几点开放")
    expect(hand(rita)).to_contain_text("图书馆几点开放")
    write(one, "会后有回放吗")
    expect(card(rita, "会后有回放吗")).to_be_visible()

    # What speaks of a condemned moment is held: what comes then, and what waited already.
    on_air_s = gate.status("main")["on_air_s"]
    bearer = {"authorization": f"Bearer {hall_key}"}

    def hand_in(text: str) -> int:
        body = {"client_id": text, "author_id": "h1", "author": "大厅", "text": text}
        body["at_media_s"] = on_air_s + 15
        return httpx.post(f"{hall.public}{API}/comments", json=body, headers=bearer).status_code

    assert hand_in("刚才那句话说错了") == 202
    expect(card(rita, "刚才那句话说错了")).to_be_visible()
    assert gate.command("cut", "main").code == 0
    expect(rita.locator("[data-pile=held]")).to_contain_text("1")
    assert hand_in("他真的那么说了吗") == 202
    pile(rita, "held")
    for text in ("刚才那句话说错了", "他真的那么说了吗"):
        expect(card(rita, text)).to_contain_text("it speaks of a condemned moment")
    pile(rita, "waiting")
    for text in ("图书馆几点开放", "会后有回放吗"):  # of moments before
        expect(card(rita, text)).to_be_visible()
    assert gate.command("restore", "main").code == 0

    # Closed in mid-flow: the boxes go, what waits stays reviewable.
    for what in ("Comments", "Bullets"):
        olga.get_by_role("switch", name=what).click()
    for viewer in (one, two):
        expect(viewer.locator("textarea")).to_have_count(0)
        expect(viewer.get_by_text(CLOSED)).to_be_visible()
        late = ask(viewer, f"{API}/comments", {"client_id": "late", "text": "还来得及吗"})
        assert (late["status"], late["code"]) == (403, "interaction_closed")
    assert hand_in("还来得及吗") == 403
    approve(rita, "图书馆几点开放")
    expect(shown(two, "图书馆几点开放")).to_be_visible()

    # What nobody reviewed when the broadcast ends stays unpublished.
    assert gate.command("stop", "main").code == 0
    expect(card(rita, "会后有回放吗")).to_contain_text("expired")
    published = ["老师讲得真好", "校董会内幕是真的吗", "听说录取名额内定了", "图书馆几点开放"]
    assert feed.texts() == published

    # The export has every decision with names.
    rows = export(hall, staff["ida"])
    decided = {
        row["text"]: (
            row["state"],
            *(f"{row[f'{at}_decision']} {row[f'{at}_by']}".strip() for at in ("first", "second", "third")),
        )
        for row in rows
    }
    assert decided == {
        "老师讲得真好": ("published", "approve rita", "", ""),
        "校董会内幕是真的吗": ("published", "approve sam", "approve carla", ""),
        "听说录取名额内定了": ("retracted", "approve rita", "approve sam", "approve carla"),
        "低价出售期末答案": ("expired", "", "", ""),
        "大家晚上好": ("rejected", "reject rita", "", ""),
        "刚才那句话说错了": ("expired", "", "", ""),
        "他真的那么说了吗": ("expired", "", "", ""),
        "图书馆几点开放": ("published", "approve rita", "", ""),
        "会后有回放吗": ("expired", "", "", ""),
    }


def card_now(page: Page, number: int) -> dict[str, Any]:
    """Return a card as the console tells it to whoever is signed in on a page."""
    answer = page.request.get(re.sub(r"/review/.*", f"{REVIEW}/cards/{number}", page.url))
    assert answer.ok, answer.text()
    return dict(answer.json()["card"])


def export(hall: Hall, person: Person) -> list[dict[str, str]]:
    """Return the lines of the newest broadcast's export, as somebody downloads it."""
    url = hall.gate.page_url.rstrip("/")
    with httpx.Client(base_url=url, cookies=dict([sign_in(url, person)]), trust_env=False) as client:
        (newest, *_) = client.get(f"{REVIEW}/broadcasts").raise_for_status().json()["broadcasts"]
        assert newest["broadcast"].startswith("main-")
        answer = client.get(f"{REVIEW}/export", params={"broadcast": newest["broadcast"]}).raise_for_status()
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


@pytest.mark.alone
def test_what_is_taken_back_or_closed_is_gone_within_a_second(hall: Hall) -> None:
    """By the pages' own clocks: from the key or click of whoever decides to the change on each screen."""
    hall.gate.command("interaction", "main", "--slow", "0", "--window", "0", "--comments", "open")
    staff = people(hall, olga="operator", rita="reviewer")
    feed = FeedReader(f"{hall.public}{API}/published")
    try:
        viewers = [hall.viewer(), hall.viewer()]
        screens = [*viewers, hall.overlay()]
        rita, olga = hall.desk(staff["rita"]), hall.desk(staff["olga"])
        write(viewers[0], "老师讲得真好")
        approve(rita, "老师讲得真好")
        for screen in screens:
            expect(screen.locator(COMMENTS, has_text="老师讲得真好")).to_be_visible()
            screen.evaluate(NOTE_CHANGE, [COMMENTS, "老师讲得真好", False])
        pile(rita, "published")
        expect(hand(rita)).to_contain_text("老师讲得真好")
        press(rita, "r")
        rita.evaluate(NOTE_HAND)
        press(rita, "1")
        assert slowest_ms(rita, screens) < 1000
        until(lambda: feed.of("retract") != [])
        (number,) = [data["id"] for data in feed.of("publish")]
        assert feed.when("retract", number) - rita.evaluate("() => window.handMs") < 1000

        for viewer in viewers:
            viewer.evaluate(NOTE_CHANGE, ["p", CLOSED, True])
        olga.evaluate(NOTE_HAND)
        olga.get_by_role("switch", name="Comments").click()
        assert slowest_ms(olga, viewers) < 1000
        for viewer in viewers:
            assert viewer.locator("textarea").count() == 0
    finally:
        feed.close()


def slowest_ms(by: Page, screens: list[Page]) -> float:
    """Return how long after the hand of `by` the last of the screens had changed."""
    for screen in screens:
        screen.wait_for_function(NOTED)
    noted = [screen.evaluate("() => window.notedMs") for screen in screens]
    return float(max(noted) - by.evaluate("() => window.handMs"))
