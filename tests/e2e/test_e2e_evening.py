"""People over the installed program, in real browsers: a feed comes in, is held, and somebody decides.

One `serve` with a real encoder and a real platform for all stories; each story has people of its own.
"""

import csv
import io
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pyotp
import pytest
from evening_pages import LANGUAGES, PLAYS, SIGN_IN, Pages, chromium, findings, sign_in
from playwright.sync_api import Page, expect
from tools import timecode
from tools.encoder import Encoder
from tools.nginx import Platform
from tools.people import Person
from tools.serve import Gate

from console.auth import accounts
from streamgate.store.database import Database
from streamgate.store.location import locate

pytestmark = pytest.mark.evening
PASSWORD = "harbour lamp seven rivers"


@dataclass(kw_only=True)
class Evening(Pages):
    """A channel `main` on air with a feed and a platform, and a browser for the people who work at it."""

    platform: Platform
    clip: Path
    url: str  # for the encoder
    admin: Person


def choose_password(page: Page, name: str = "") -> None:
    """On a page that a one-time link opened."""
    page.wait_for_selector("input[autocomplete=new-password]")
    if name:
        page.locator("input[autocomplete=username]").fill(name)
    for field_ in page.locator("input[autocomplete=new-password]").all():
        field_.fill(PASSWORD)
    page.keyboard.press("Enter")


def until(wanted: Callable[[], object], seconds: float) -> None:
    end_s = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < end_s
        time.sleep(0.05)


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evening]:
    directory = tmp_path_factory.mktemp("evening")
    clip = timecode.make(directory / "clip.flv", feed=1, seconds=40, size=(640, 360))
    with ExitStack() as stack:
        platform = Platform(directory / "platform", record=False)
        stack.callback(platform.close)
        gate = Gate(directory / "gate")
        url = gate.add("main", platform.url("main"))
        gate.start()
        stack.callback(gate.stop)
        admin = gate.person("root", "administrator", "director")
        encoder = Encoder(clip, url, loop=True, keep_trying=True)
        stack.callback(encoder.stop)
        browser = stack.enter_context(chromium())
        gate.wait_for("main", lambda status: status["ingest"]["connected"], 20)
        yield Evening(gate=gate, browser=browser, platform=platform, clip=clip, url=url, admin=admin)


@pytest.fixture(autouse=True)
def home(evening: Evening) -> Iterator[None]:
    """Everybody goes home after a story: their pages play no pictures during the next."""
    yield
    for context in evening.browser.contexts:
        context.close()


def test_from_the_set_up_link_to_an_operator_at_the_keys(tmp_path: Path, evening: Evening) -> None:
    gate = Gate(tmp_path / "first")
    gate.start()
    try:
        until(lambda: "set-up: " in gate.log, 10)
        page = evening.visit(gate.set_up_link())
        choose_password(page, "ann")
        sign_in(page, Person("ann", PASSWORD))
        expect(page.get_by_test_id("who")).to_have_text("ann")
        page.goto(f"{gate.page_url}people", wait_until="commit")
        page.get_by_role("button", name="Invite somebody").click()
        page.get_by_role("textbox", name="User name").fill("ben")
        page.get_by_role("checkbox", name="Operator: every channel").check()
        page.get_by_role("button", name="Make the invitation link").click()
        link = page.get_by_test_id("address-One-time link").inner_text()

        other = evening.visit(link, "zh")
        choose_password(other)
        sign_in(other, Person("ben", PASSWORD))
        expect(other.get_by_test_id("who")).to_have_text("ben")
        expect(other).to_have_title(re.compile("直播"))
        expect(other.get_by_role("link", name="人员")).to_have_count(0)  # not an operator's
    finally:
        gate.stop()


def test_a_cut_by_key_and_a_restore_by_whoever_may(evening: Evening) -> None:
    operator = evening.desk(evening.gate.person("olga", "operator"), "live/main")
    director = evening.desk(evening.gate.person("dirk", "director"), "live/main")
    operator.wait_for_function(PLAYS, timeout=30_000)
    expect(operator.locator("[data-key=restore]")).to_have_count(0)
    expect(director.get_by_test_id("others")).to_contain_text("olga")
    expect(operator.get_by_test_id("others")).to_contain_text("dirk")
    pressed_s = time.monotonic()
    operator.keyboard.press("x")
    expect(operator.get_by_test_id("state")).to_have_attribute("data-state", "cut", timeout=1000)
    assert time.monotonic() - pressed_s < 1
    expect(director.get_by_test_id("cut-by")).to_contain_text("olga")
    operator.keyboard.press("r")
    assert evening.gate.status("main")["state"] == "cut"
    director.keyboard.press("r")
    director.get_by_test_id("reason").wait_for()
    director.keyboard.press("1")
    expect(operator.get_by_test_id("state")).not_to_have_attribute("data-state", "cut")
    expect(operator.get_by_test_id("log")).to_contain_text("dirk")


def test_a_restore_that_takes_two(evening: Evening) -> None:
    evening.gate.command("channel", "set", "main", "--restore-needs-two")
    try:
        dora = evening.desk(evening.gate.person("dora", "director"), "live/main")
        dan = evening.desk(evening.gate.person("dan", "director"), "live/main")
        dora.keyboard.press("x")
        expect(dora.get_by_test_id("state")).to_have_attribute("data-state", "cut")
        dora.keyboard.press("r")
        dora.get_by_test_id("reason").wait_for()
        dora.keyboard.press("1")
        expect(dora.get_by_test_id("notice")).to_contain_text("Waiting for a second person")
        assert evening.gate.status("main")["requested"] == "cut"
        expect(dan.get_by_test_id("notice")).to_contain_text("dora asks to restore")
        dan.keyboard.press("r")
        if dan.get_by_test_id("reason").count():
            dan.keyboard.press("1")
        expect(dora.get_by_test_id("state")).not_to_have_attribute("data-state", "cut")
    finally:
        evening.gate.command("channel", "set", "main", "--no-restore-needs-two")


def test_somebody_disabled_is_out_within_a_second(evening: Evening) -> None:
    page = evening.desk(evening.gate.person("lena", "operator"), "live/main")
    page.wait_for_selector("[data-feed=pgm] video")
    admin = evening.desk(evening.admin, "people")
    admin.get_by_role("button", name="Change lena").click()
    admin.get_by_role("button", name="Disable lena").click()
    admin.get_by_test_id("panel").get_by_role("button", name="Disable lena").click()
    disabled_s = time.monotonic()
    page.wait_for_selector(SIGN_IN, timeout=5000)
    assert time.monotonic() - disabled_s < 1
    assert page.locator("video").count() == 0


def test_a_second_factor_and_an_expired_password(evening: Evening) -> None:
    tess = evening.gate.person("tess", "operator")
    page = evening.desk(tess)
    page.get_by_test_id("who").click()
    page.get_by_role("button", name="Set up a code generator").click()
    page.get_by_label("Present password").fill(tess.password)
    page.keyboard.press("Enter")
    secret = page.get_by_test_id("secret").inner_text().replace(" ", "")
    page.keyboard.type(pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    page.get_by_role("button", name="I have kept them").click()

    with Database(locate("sqlite", evening.gate.directory)) as database, database.write() as session:
        accounts.require_user(session, "tess").must_change = True
    page = evening.open()
    sign_in(page, tess)
    page.locator("input[autocomplete=one-time-code]").fill(pyotp.TOTP(secret).at(time.time() + 30))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_have_text("Your password has expired")
    page.get_by_label("Present password").fill(tess.password)
    for label in ("New password", "New password once more"):
        page.get_by_label(label, exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-feed=pgm] video")


def test_a_destination_airs_once_another_person_approved_it(evening: Evening) -> None:
    one = evening.desk(evening.gate.person("erin", "director"), "destinations")
    one.get_by_role("button", name="Enter a destination").click()
    one.get_by_role("textbox", name="Name").fill("second")
    one.get_by_role("textbox", name="Push address with its key").fill(evening.platform.url("second"))
    one.keyboard.press("Enter")
    expect(one.locator("[data-destination=second] [data-state=waiting]")).to_be_visible()
    assert "second" not in {publish.name for publish in evening.platform.publishes}
    other = evening.desk(evening.gate.person("finn", "director"), "destinations")
    other.get_by_role("button", name="Approve second").click()
    until(lambda: "second" in {publish.name for publish in evening.platform.publishes}, 15)


def test_a_new_stream_key_and_a_new_secrets_key(evening: Evening) -> None:
    evening.gate.add("spare")
    page = evening.desk(evening.admin, "channels/spare")
    page.get_by_role("button", name="New key").click()
    page.get_by_role("button", name=re.compile("make a new key for spare")).click()
    key = page.get_by_test_id("address-Stream key").inner_text()
    encoder = Encoder(evening.clip, f"rtmp://127.0.0.1:{evening.gate.rtmp}/live/{key}", loop=True)
    try:
        evening.gate.wait_for("spare", lambda status: status["ingest"]["connected"], 15)
    finally:
        encoder.stop()
    assert evening.gate.command("secrets", "rotate").code == 0
    main = evening.gate.wait_for("main", lambda status: bool(status["destinations"]), 10)
    assert "live" in {one["state"] for one in main["destinations"]}


def test_the_auditor_reads_and_exports_who_decided_what(evening: Evening) -> None:
    dina = evening.desk(evening.gate.person("dina", "director"), "live/main")
    dina.keyboard.press("x")
    expect(dina.get_by_test_id("state")).to_have_attribute("data-state", "cut")
    dina.keyboard.press("r")
    dina.get_by_test_id("reason").wait_for()
    dina.keyboard.press("1")
    expect(dina.get_by_test_id("state")).not_to_have_attribute("data-state", "cut")
    page = evening.desk(evening.gate.person("ida", "auditor"), "audit")
    expect(page.get_by_test_id("proof")).to_have_attribute("data-state", "whole", timeout=30_000)
    expect(page.locator("tr[data-kind]").filter(has_text="dina").first).to_be_visible()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Export CSV").click()
    text = Path(downloading.value.path()).read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows
    assert {"console:olga", "console:dirk"} <= {
        row["who"] for row in rows if row["what"] in ("cut", "restore")
    }
    with httpx.Client(base_url=evening.gate.page_url, trust_env=False) as client:
        assert client.get("api/v1/audit").status_code == 401


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_screen_keeps_anybody_out(evening: Evening, language: str) -> None:
    page = evening.open(language=language)
    page.wait_for_selector(SIGN_IN)
    found = findings(page, "sign-in")
    sign_in(page, evening.admin)
    page.wait_for_function(PLAYS, timeout=30_000)
    links = [str(link.get_attribute("href")) for link in page.locator("#rail a").all()]
    assert {
        "/live",
        "/channels",
        "/destinations",
        "/people",
        "/tokens",
        "/audit",
        "/settings",
        "/account",
    } <= set(links)
    for path in links:
        page.goto(f"{evening.gate.page_url}{path[1:]}", wait_until="commit")
        page.wait_for_selector("h1, video")
        page.wait_for_timeout(700)
        found += findings(page, path)
    assert found == []
    assert evening.complaints == []
