"""The standby camera on the page: its key, whether it is there, and what PVW says when it is not."""

import re
from pathlib import Path

from page_desk import Desk, picture
from playwright.async_api import expect
from real_gate import fed
from tools.testfeed import Feed

from streamgate.runtime.channels import hash_key

AXE = Path(__file__).parents[2] / "console" / "web" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = """async () => (await axe.run()).violations
    .filter(({impact}) => impact === "serious" || impact === "critical")
    .map(({id, nodes}) => `${id}: ${nodes[0].html.slice(0, 200)}`)"""


async def test_its_key_is_made_renewed_and_removed_on_the_channels_page(desk: Desk) -> None:
    desk.store.add("main")
    await desk.station.reload()
    page = await desk.person("alice")
    await desk.open(page, "/channels/main")
    part = page.get_by_test_id("standby-camera")
    await expect(part).to_contain_text("This channel has none yet.")
    await part.get_by_role("button", name="Make a key for it").click()
    key = await part.get_by_test_id("address-Stream key of the standby camera").inner_text()
    assert desk.store.get("main").standby_key_hash == hash_key(key)
    await expect(part).to_contain_text("Encoder not connected")
    await page.evaluate(AXE.read_text("utf-8"))
    assert await page.evaluate(SERIOUS) == []
    await picture(page, "channel-standby-key-en-desk")
    await part.get_by_role("button", name="I have it").click()
    assert key not in await page.content()

    await part.get_by_role("button", name="New key of the standby camera").click()
    await part.get_by_role(
        "button", name="Disconnect and make a new key for the standby camera of main"
    ).click()
    await expect(part.get_by_test_id("key")).to_be_visible()
    renewed = desk.store.get("main").standby_key_hash
    assert renewed != hash_key(key)

    await part.get_by_role("button", name="Remove the standby camera").click()
    await expect(page.get_by_test_id("undo")).to_contain_text("Standby camera of main")
    await expect(part).to_contain_text("This channel has none yet.")
    assert desk.store.get("main").standby_key_hash == ""
    await page.get_by_role("button", name="Undo").click()
    await expect(part.get_by_role("button", name="Remove the standby camera")).to_be_visible()
    assert desk.store.get("main").standby_key_hash == renewed
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_live_says_whether_it_is_there_and_pvw_what_is_true(
    desk: Desk, feed: Feed, filler: Feed
) -> None:
    _, main_key = desk.store.add("main")
    _, standby_key = desk.store.rotate_standby_key("main")
    await desk.station.reload()
    data_dir = desk.stage.data_dir
    page = await desk.person("alice")
    row, pvw = page.get_by_test_id("standby"), page.locator("[data-feed=pvw]")
    async with fed(data_dir, main_key, feed):
        await desk.open(page, "/live/main")
        await expect(row).to_have_attribute("data-connected", "false")
        await expect(row).to_contain_text("not connected")
        async with fed(data_dir, standby_key, filler, stream=2):
            await expect(row).to_have_attribute("data-connected", "true")
            await expect(row).to_contain_text(f"{filler.format.video.width}×")
            await page.keyboard.press("b")
            await expect(page.get_by_test_id("state")).to_have_attribute("data-state", "backup")
            assert desk.station.channels["main"].gate.backup == "standby"
            await expect(pvw).to_contain_text("standby camera, undelayed")
            await expect(pvw).to_have_attribute("data-player", "playing", timeout=15_000)
            await expect(pvw).to_have_attribute("data-stale", "false")
            await picture(page, "live-standby-en-desk")
        said = re.compile(r"Standby camera: encoder not connected since \d\d:\d\d$")
        await expect(pvw.get_by_text(said)).to_be_visible()
        await expect(pvw).not_to_contain_text("Waiting for pictures")
        await expect(row).to_contain_text(re.compile(r"not connected.*since \d\d:\d\d"))
        await page.evaluate(AXE.read_text("utf-8"))
        assert await page.evaluate(SERIOUS) == []
        await picture(page, "live-standby-away-en-desk")

        bob = await desk.person("bob", "zh")
        await desk.open(bob, "/live/main")
        await expect(bob.locator("[data-feed=pvw]")).to_contain_text(
            re.compile(r"备用镜头：\d\d:\d\d 起\s*编码器未接入")
        )
        await picture(bob, "live-standby-away-zh-desk")
        await page.keyboard.press("l")
        await expect(pvw).to_contain_text("incoming, undelayed")
        await expect(pvw).to_have_attribute("data-stale", "false", timeout=15_000)
    assert page.complaints == bob.complaints == []  # type: ignore[attr-defined]
