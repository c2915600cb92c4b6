"""The screens of people, sign-ins and tokens in a real Chromium, before a real console and a real gate."""

import re
import shlex
import time

import httpx
import pytest
from page_desk import LANGUAGES, SIZES, WIDER, Desk, picture
from playwright.async_api import Locator, Page, expect

from streamgate.clock import wall_s
from streamgate.runtime.secret_box import SecretBox

PASSWORD = "harbour lamp seven rivers"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


async def unfold(page: Page, user: str) -> Locator:
    """Open what can be changed about somebody."""
    await page.get_by_role("button", name=f"Change {user}").click()
    return page.get_by_test_id("panel")


async def choose_password(page: Page, link: str) -> None:
    await page.goto(link, wait_until="commit")
    for label in ("Password once more", "Password"):
        await page.get_by_label(label, exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Keep it").click()


async def sign_in(page: Page, user: str) -> None:
    await page.get_by_label("User name").fill(user)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await expect(page.get_by_test_id("who")).to_have_text(user)


async def open_rail(page: Page) -> Locator:
    rail = page.locator("#rail")
    await page.get_by_test_id("who").wait_for()
    if not await rail.is_visible():
        await page.get_by_role("button", name="Show the screens").click()
    return rail


async def test_an_invitation_leads_to_a_signed_in_person_on_one_channel(desk: Desk) -> None:
    desk.store.add("main")
    desk.store.add("hall")
    await desk.station.reload()
    alice = await desk.person("alice")
    await desk.open(alice, "/people")
    await alice.get_by_role("button", name="Invite somebody").click()
    await alice.get_by_role("textbox", name="User name").fill("ben")
    await alice.get_by_role("textbox", name="Shown name").fill("Ben Okafor")
    await expect(alice.get_by_role("button", name="Make the invitation link")).to_be_disabled()
    await alice.get_by_role("checkbox", name="Operator: main").check()
    await picture(alice, "people-invite-en-desk")
    await alice.get_by_role("button", name="Make the invitation link").click()
    once = alice.get_by_test_id("link")
    await expect(once).to_contain_text("72 hours")
    link = await once.get_by_test_id("address-One-time link").inner_text()
    assert link.startswith(f"{desk.stage.url}/one-time#")
    await picture(alice, "people-link-en-desk")
    row = alice.locator("[data-person=ben]")
    await expect(row).to_contain_text("Operator on main")
    await expect(row.locator("[data-standing=invited]")).to_be_visible()
    await once.get_by_role("button", name="I have it").click()
    assert link.partition("#")[2] not in await alice.content()

    ben = await desk.stranger()
    await choose_password(ben, link)
    await sign_in(ben, "ben")
    await expect(row.locator("[data-standing=active]")).to_be_visible(timeout=8000)
    rail = await open_rail(ben)
    assert await rail.get_by_role("link").all_inner_texts() == [
        "Live",
        "Multiview",
        "Review",
        "Archive",
        "Incidents",
        "Duty",
        "Channels",
        "Destinations",
        "Account",
    ]
    await ben.goto("about:blank")
    await ben.goto(link, wait_until="commit")
    await expect(ben.get_by_role("alert")).to_contain_text("was used, revoked, or has expired")


async def test_an_invitation_that_cannot_be_says_why(desk: Desk) -> None:
    page = await desk.person("alice")
    await desk.open(page, "/people")
    await page.get_by_role("button", name="Invite somebody").click()
    await page.get_by_role("textbox", name="User name").fill("ALICE")
    await page.get_by_role("checkbox", name="Auditor: every channel").check()
    await page.keyboard.press("Tab")
    await page.get_by_role("textbox", name="User name").press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("somebody called ALICE already")
    await page.get_by_text("中文", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("用户名 ALICE 已被使用")


async def test_changed_roles_count_at_once_on_the_other_page(desk: Desk) -> None:
    desk.store.add("main")
    await desk.station.reload()
    alice, ben = await desk.person("alice"), await desk.person("ben", roles=["operator"])
    await desk.open(alice, "/people")
    await ben.goto(f"{desk.stage.url}/channels/main", wait_until="commit")
    rail = await open_rail(ben)
    await expect(rail.get_by_role("link", name="Channels")).to_be_visible()
    assert await rail.get_by_role("link", name="People").count() == 0

    panel = await unfold(alice, "ben")
    await panel.get_by_role("checkbox", name="Operator: every channel").uncheck()
    await expect(panel.get_by_role("button", name="Save")).to_be_disabled()
    await panel.get_by_role("checkbox", name="Auditor: every channel").check()
    await panel.get_by_role("button", name="Save").click()
    await expect(panel).to_contain_text("It counts at once")
    await expect(alice.locator("[data-person=ben]")).to_contain_text("Auditor")
    await expect(rail.get_by_role("link", name="People")).to_be_visible(timeout=2000)
    await ben.get_by_role("button", name="Backups").click()
    assert await ben.locator("input[type=file]").count() == 0


@pytest.mark.alone  # it measures
async def test_disabling_somebody_closes_the_page_within_a_second(desk: Desk) -> None:
    alice, ben = await desk.person("alice"), await desk.person("ben", roles=["operator"])
    await desk.open(alice, "/people")
    await ben.goto(f"{desk.stage.url}/channels", wait_until="commit")
    await ben.wait_for_selector("h1")
    await ben.evaluate(
        """() => {
            new MutationObserver(() => {
                if (!window.closedAt && document.querySelector("input[autocomplete=username]"))
                    window.closedAt = Date.now();
            }).observe(document.body, { childList: true, subtree: true });
        }"""
    )
    panel = await unfold(alice, "ben")
    await panel.get_by_role("button", name="Disable ben").click()
    await expect(panel.get_by_role("button", name="Cancel")).to_be_focused()
    await alice.keyboard.press("Escape")
    await expect(panel.get_by_role("button", name="Disable ben")).to_be_focused()
    await alice.keyboard.press("Enter")
    await picture(alice, "people-disable-en-desk")
    pressed = time.time()
    await panel.get_by_role("button", name="Disable ben").click()
    await expect(panel).to_contain_text("all sessions have ended")
    await ben.wait_for_function("() => window.closedAt", timeout=5000)
    took = await ben.evaluate("() => window.closedAt") / 1000 - pressed
    print(f"the page of somebody disabled was closed after {took * 1000:.0f} ms")
    assert took < 1
    await expect(alice.locator("[data-person=ben] [data-standing=disabled]")).to_be_visible()
    await panel.get_by_role("button", name="Enable ben").click()
    await expect(panel).to_contain_text("may sign in again")


async def test_a_reset_gives_a_new_link_and_forgets_the_second_factor(desk: Desk) -> None:
    await desk.stage.person("ben", "operator", totp=SecretBox(desk.stage.data_dir))
    alice = await desk.person("alice")
    await desk.open(alice, "/people")
    row = alice.locator("[data-person=ben]")
    await expect(row).to_contain_text("on")
    panel = await unfold(alice, "ben")
    await panel.get_by_role("button", name="Reset the password of ben").click()
    await panel.get_by_role("checkbox", name="Forget the second factor").check()
    await panel.get_by_role("button", name="Make a new link for ben").click()
    link = await panel.get_by_test_id("address-One-time link").inner_text()
    await expect(row).to_contain_text("must choose a password")
    await expect(row).to_contain_text("none")
    ben = await desk.stranger()
    await choose_password(ben, link)
    await sign_in(ben, "ben")


async def test_the_own_account_and_the_last_administrator_are_kept(desk: Desk) -> None:
    await desk.stage.person("ben", "operator")
    page = await desk.person("alice", roles=["administrator"])
    await desk.open(page, "/people")
    panel = await unfold(page, "alice")
    await expect(panel).to_contain_text("This is your own account")
    assert await panel.get_by_role("button", name="Disable alice").count() == 0
    assert await panel.get_by_role("button", name="Reset the password of alice").count() == 0
    await panel.get_by_role("checkbox", name="Administrator: every channel").uncheck()
    await panel.get_by_role("checkbox", name="Director: every channel").check()
    await panel.get_by_role("button", name="Save").click()
    await expect(panel.get_by_role("alert")).to_contain_text("nobody would be left to administer")


async def test_people_are_searched_and_the_search_stands_in_the_address(desk: Desk) -> None:
    await desk.stage.person("ben", "operator@main")
    await desk.stage.person("王明", "auditor")
    page = await desk.person("alice")
    await desk.open(page, "/people")
    await page.get_by_role("searchbox", name="Find somebody").fill("audit")
    await expect(page.locator("[data-person]")).to_have_count(1)
    await page.wait_for_url("**/people?q=audit")
    await page.reload(wait_until="commit")
    await expect(page.locator("[data-person=王明]")).to_be_visible()
    await expect(page.locator("[data-person]")).to_have_count(1)
    await page.get_by_role("searchbox", name="Find somebody").fill("nobody like this")
    await expect(page.get_by_text("Nobody matches.")).to_be_visible()


async def test_the_sign_in_log_is_read_filtered_and_paged(desk: Desk) -> None:
    ben = await desk.stage.person("ben", "operator")
    async with desk.stage.client(signed_in=False) as client:
        for credentials in (
            {"username": "ben", "password": "wrong wrong wrong"},
            ben.credentials(),
            {"username": "intruder", "password": "wrong wrong"},
        ):
            await client.post("/api/v1/session", json=credentials)
    page = await desk.person("alice")
    await desk.open(page, "/people")
    await page.get_by_role("link", name="Sign-in log").click()
    rows = page.locator("tr[data-result]")
    await expect(rows.nth(0)).to_contain_text("alice")
    await expect(rows.nth(1)).to_contain_text("nobody has this name")
    await expect(rows.nth(0)).to_contain_text("127.0.0.1")
    await page.get_by_role("combobox", name="Person").select_option("ben")
    await expect(rows).to_have_count(2)
    await page.get_by_role("switch", name="Failed ones only").check()
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("wrong password")
    await page.reload(wait_until="commit")
    await expect(rows).to_have_count(1)
    await page.get_by_role("combobox", name="Person").select_option("")
    await expect(rows).to_have_count(2)


async def test_a_token_made_on_the_page_cuts_and_may_not_restore(desk: Desk) -> None:
    desk.store.add("main")
    desk.store.add("hall")
    await desk.station.reload()
    desk.station.channels["main"].start("cli:root")
    page = await desk.person("alice")
    await desk.open(page, "/tokens")
    await expect(page.get_by_text("No token is in force")).to_be_visible()
    await page.get_by_role("button", name="Make a token").click()
    await page.get_by_role("textbox", name="Name").fill("studio-deck")
    await expect(page.get_by_role("checkbox", name="cut", exact=True)).to_be_checked()
    await page.get_by_role("checkbox", name="see the state").check()
    await page.get_by_role("combobox", name="On").select_option("main")
    await page.get_by_role("combobox", name="It holds").select_option("30")
    await picture(page, "tokens-make-en-desk")
    await page.get_by_role("button", name="Make the token").click()
    once = page.get_by_test_id("token")
    token = await once.get_by_test_id("address-Token").inner_text()
    line = await once.locator("[data-testid^='address-For a terminal']").inner_text()
    await picture(page, "tokens-made-en-desk")
    row = page.locator("[data-token=studio-deck]")
    await expect(row).to_contain_text("see the state, cut")

    # The line as it stands there, carried out by a client of ours.
    assert line == (
        f'curl -X POST -H "Authorization: Bearer {token}" {desk.stage.url}/api/v1/channels/main/cut'
    )
    *_, header, url = shlex.split(line)
    name, _, value = header.partition(": ")
    async with httpx.AsyncClient(headers={name: value}, trust_env=False) as client:
        cut = await client.post(url)
        assert (cut.status_code, cut.json()["state"]) == (200, "cut")
        for address, wanted in (
            ("main/restore", (403, "forbidden")),
            ("hall/cut", (403, "forbidden")),
        ):
            refused = await client.post(
                f"{desk.stage.url}/api/v1/channels/{address}", json={"reason": "a test"}
            )
            assert (refused.status_code, refused.json()["code"]) == wanted, address
        await once.get_by_role("button", name="I have it").click()
        assert token not in await page.content()
        await expect(row.locator("td[data-label='Last use']")).not_to_have_text("never", timeout=8000)
        for _ in range(2):  # asked once
            await page.get_by_role("button", name="Revoke studio-deck").click()
            await picture(page, "tokens-revoke-en-desk")
        await expect(page.get_by_text("No token is in force")).to_be_visible()
        assert (await client.post(url)).json()["code"] == "bad_token"
    await page.get_by_role("switch", name="Show ended ones, too").check()
    await expect(row).to_have_attribute("data-standing", "revoked")
    desk.station.channels["main"].stop("cli:root")


async def test_an_auditor_sees_all_and_no_button(desk: Desk) -> None:
    desk.store.add("main")
    await desk.stage.person("ben", "operator@main")
    await desk.stage.sign_in("alice")
    async with desk.stage.client() as client:
        made = {"name": "deck", "scopes": ["channel:cut"], "expires_at": wall_s() + 3600}
        assert (await client.post("/api/v1/tokens", json=made)).status_code == 200
    page = await desk.person("vera", roles=["auditor"])
    await desk.open(page, "/people")
    await expect(page.locator("[data-person=ben]")).to_contain_text("Operator on main")
    assert await page.locator("main").get_by_role("button").count() == 0
    await page.get_by_role("link", name="Sign-in log").click()
    await expect(page.locator("tr[data-result=ok]").first).to_contain_text("vera")
    assert await page.locator("main").get_by_role("button").count() == 0
    await desk.open(page, "/tokens")
    await expect(page.locator("[data-token=deck]")).to_have_attribute("data-standing", "ends_soon")
    assert await page.locator("main").get_by_role("button").count() == 0


async def test_an_operator_sees_neither_screen(desk: Desk) -> None:
    page = await desk.person("ben", roles=["operator"])
    await desk.open(page, "/channels")
    rail = await open_rail(page)
    await expect(rail.get_by_role("link", name="Channels")).to_be_visible()
    for name in ("People", "Tokens"):
        assert await rail.get_by_role("link", name=name).count() == 0
    for path in ("/people", "/people/sign-ins", "/tokens"):
        await desk.open(page, path)
        await expect(page.get_by_role("alert")).to_contain_text("Your account may not do this")
        assert await page.locator("table, form").count() == 0


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_fits_and_has_its_words_in_this_language(
    desk: Desk, language: str, size: str
) -> None:
    desk.store.add("main")
    desk.store.add("hall")
    await desk.stage.person("ben", "operator@main", "operator@hall", "reviewer")
    await desk.stage.person("wangming", "senior-reviewer", totp=SecretBox(desk.stage.data_dir))
    await desk.stage.person("vera", "auditor")
    page = await desk.person("alice", language, size)
    async with desk.stage.client() as client:
        await client.post("/api/v1/invitations", json={"username": "li.lei", "roles": ["director"]})
        await client.patch("/api/v1/users/vera", json={"disabled": True})
        await client.patch("/api/v1/users/wangming", json={"display_name": "王明"})
        for name, scopes, channel, lasts in (
            ("studio-deck", ["channel:cut", "channel:dump", "channel:backup"], "main", 86400),
            ("monitor", ["channel:view"], None, None),
        ):
            body = {"name": name, "scopes": scopes, "channel": channel}
            expires_at = None if lasts is None else wall_s() + lasts
            await client.post("/api/v1/tokens", json={**body, "expires_at": expires_at})
        await client.post("/api/v1/session", json={"username": "intruder", "password": "wrong wrong"})
    for name, path, press in (
        ("people", "/people", None),
        ("person", "/people", {"en": "Change ben", "zh": "更改 ben"}),
        ("invite", "/people", {"en": "Invite somebody", "zh": "邀请人员"}),
        ("sign-ins", "/people/sign-ins", None),
        ("tokens", "/tokens", None),
        ("new-token", "/tokens", {"en": "Make a token", "zh": "新建令牌"}),
    ):
        await desk.open(page, path)
        await page.wait_for_selector("table")
        if press is not None:
            await page.get_by_role("button", name=press[language]).click()
        await page.wait_for_timeout(300)
        await picture(page, f"{name}-{language}-{size}")
        assert await page.evaluate(WIDER) <= 0, name
        assert bool(CHINESE.search(await page.locator("h1").inner_text())) == (language == "zh")
    other = {"en": "中文", "zh": "EN"}[language]
    await page.get_by_text(other, exact=True).click()
    assert bool(CHINESE.search(await page.locator("h1").inner_text())) == (language == "en")
    assert page.complaints == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_rail_of_somebody_with_every_right_fits_a_small_window(desk: Desk, language: str) -> None:
    desk.store.add("main")
    await desk.station.reload()
    page = await desk.person("alice", language, roles=("administrator", "director", "reviewer"))
    await desk.open(page, "/account")
    rail = page.locator("#rail")
    await expect(rail.get_by_role("link")).to_have_count(13)
    assert await rail.evaluate("(rail) => rail.scrollHeight - rail.clientHeight") <= 0
    last = await rail.get_by_role("button").bounding_box()
    assert last is not None
    assert last["y"] + last["height"] <= 720
    await picture(page, f"rail-{language}-desk")
