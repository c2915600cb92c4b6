"""The screens of set-up in a real Chromium: channels, encoder, backups, destinations, settings."""

import re
from pathlib import Path

import pytest
from fakes import clips_media
from fakes.rtmp_peer import Peer
from page_desk import LANGUAGES, SIZES, WIDER, Desk, picture
from playwright.async_api import expect

from streamgate.clock import wall_s
from streamgate.runtime.channels import hash_key
from streamgate.runtime.destinations import Entry


async def test_a_channel_is_made_with_the_keyboard_alone_and_its_key_is_shown_once(desk: Desk) -> None:
    page = await desk.person("alice")
    await desk.open(page, "/channels")
    await expect(page.get_by_text("There is no channel yet")).to_be_visible()
    await page.get_by_role("button", name="New channel").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("textbox", name="Name").focus()
    await page.keyboard.type("hall")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("key")).to_be_visible()
    assert page.url.endswith("/channels/hall")
    await expect(page.get_by_text("rtmp://gate.example.edu:1935/live")).to_be_visible()
    key = await page.get_by_test_id("address-Stream key").inner_text()
    assert desk.store.get("hall").key_hash == hash_key(key)
    assert list(desk.station.channels) == ["hall"]
    await expect(page.get_by_alt_text("QR code with server and key")).to_be_visible()
    await picture(page, "channel-key-en-desk")
    await page.get_by_role("button", name="I have it").click()
    await page.reload(wait_until="commit")
    await expect(page.get_by_text("Shown once, when it is made")).to_be_visible()
    assert key not in await page.content()

    await page.get_by_role("button", name="New key").click()
    await page.get_by_role("button", name="Disconnect and make a new key for hall").click()
    await expect(page.get_by_test_id("key")).to_be_visible()
    assert desk.store.get("hall").key_hash != hash_key(key)
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_the_delay_is_raised_and_never_below_the_floor(desk: Desk) -> None:
    desk.store.add("main")
    await desk.station.reload()
    page = await desk.person("alice")
    await desk.open(page, "/channels/main")
    await page.get_by_role("button", name="Delay").click()
    field = page.get_by_role("textbox", name="Seconds from arrival to air")
    await field.fill("20")
    await page.get_by_role("button", name="Save").first.click()
    await expect(page.get_by_role("alert")).to_contain_text("rule R1")
    await field.fill("45")
    await page.get_by_role("button", name="Save").first.click()
    await expect(page.get_by_text("In force: 45 s")).to_be_visible()
    assert desk.store.get("main").delay_s == 45
    await page.get_by_role("button", name="Remove main").click()
    await expect(page.get_by_test_id("undo")).to_contain_text("main was removed")
    assert desk.store.load_all().channels == []
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("link", name="main")).to_be_visible()
    assert desk.store.get("main").delay_s == 45


async def test_a_destination_waits_on_the_page_until_another_person_approves_it(desk: Desk) -> None:
    desk.store.add("main")
    await desk.station.reload()
    async with Peer() as peer:
        alice = await desk.person("alice")
        await desk.open(alice, "/destinations")
        await alice.get_by_role("button", name="Enter a destination").click()
        await alice.get_by_role("textbox", name="Name").fill("platform")
        await alice.get_by_role("textbox", name="Push address with its key").fill(peer.url("live/S3CRET"))
        await alice.keyboard.press("Enter")
        one = alice.locator("[data-destination=platform]")
        await expect(one.locator("[data-state=waiting]")).to_have_text("WAITS FOR APPROVAL")
        await expect(one).to_contain_text("somebody else must approve it")
        await expect(alice.get_by_test_id("waiting")).to_have_text("1 waiting for approval")
        assert await alice.get_by_role("button", name="Approve platform").count() == 0
        assert "S3CRET" not in await alice.content()
        await picture(alice, "destinations-waiting-en-desk")
        desk.station.channels["main"].start("cli:root")
        assert peer.keys == []

        bob = await desk.person("bob", "zh")
        await desk.open(bob, "/destinations")
        await bob.get_by_role("button", name="批准 platform").click()
        one = bob.locator("[data-destination=platform]")
        await expect(one.locator("[data-state=live]")).to_have_text("正常")
        await expect(one).to_contain_text("批准：bob")
        assert peer.keys == ["S3CRET"]
        await expect(alice.locator("[data-state=live]")).to_be_visible(timeout=8000)
        await bob.get_by_role("button", name="移除 platform").click()
        await expect(bob.get_by_test_id("undo")).to_contain_text("已移除")
        assert desk.store.get("main").destinations == ()
        await bob.get_by_role("button", name="撤销").click()
        await expect(bob.locator("[data-state=live]")).to_be_visible()
        desk.station.channels["main"].stop("cli:root")
    assert alice.complaints == bob.complaints == []  # type: ignore[attr-defined]


async def test_hls_is_entered_like_a_platform_and_the_form_says_what_it_does(desk: Desk) -> None:
    desk.store.add("main")
    await desk.station.reload()
    alice = await desk.person("alice")
    await desk.open(alice, "/destinations")
    await alice.get_by_role("button", name="Enter a destination").click()
    address = alice.get_by_role("textbox", name="Push address with its key")
    await address.fill("hls:main")
    await expect(alice.get_by_text("hls: is no platform")).to_have_count(0)
    await alice.keyboard.press("Enter")
    await expect(alice.get_by_role("alert")).to_contain_text("or hls: alone")
    await address.fill("hls:")
    await expect(alice.get_by_text("hls: is no platform")).to_be_visible()
    await picture(alice, "destinations-hls-en-desk")
    await alice.keyboard.press("Enter")
    one = alice.locator("[data-destination=hls]")
    await expect(one.locator("[data-state=waiting]")).to_be_visible()
    await expect(one).to_contain_text("hls:")

    bob = await desk.person("bob", "zh")
    await desk.open(bob, "/destinations")
    await bob.get_by_role("button", name="批准 hls").click()
    await expect(bob.locator("[data-destination=hls] [data-state=idle]")).to_be_visible()
    await bob.get_by_role("button", name="录入目的地").click()
    await bob.get_by_role("textbox", name="推流地址（含密钥）").fill("hls:")
    await expect(bob.get_by_text("hls: 不是平台")).to_be_visible()
    await bob.keyboard.press("Enter")
    await expect(bob.get_by_role("alert")).to_contain_text("已有 HLS 目的地")
    for page in (alice, bob):  # the browser tells of what each was refused, and of nothing else
        (refused,) = page.complaints  # type: ignore[attr-defined]
        assert "409" in refused


async def test_backups_are_uploaded_previewed_rehearsed_and_removed(desk: Desk, tmp_path: Path) -> None:
    desk.store.add("main")
    await desk.station.reload()
    film = clips_media.write_movie(tmp_path / "开场.mp4", width=640, height=360, seconds=2)
    notes = tmp_path / "notes.mp4"
    notes.write_bytes(b"no film" * 1000)
    page = await desk.person("alice")
    await desk.open(page, "/channels/main")
    await page.get_by_role("button", name="Backups").click()
    await page.locator("input[type=file]").set_input_files([notes, film])
    await expect(page.locator("[data-backup='开场.mp4']")).to_be_visible(timeout=20_000)
    failed = page.locator("[data-upload=failed]")
    await expect(failed).to_contain_text("notes.mp4 is not a media file")
    await failed.get_by_role("button", name="Remove").click()
    await page.get_by_role("button", name="Preview").click()
    await expect(page.get_by_alt_text("A picture of 开场.mp4")).to_be_visible(timeout=20_000)
    await expect(page.get_by_text("640×360")).to_be_visible()
    await page.get_by_role("button", name="Rehearse").click()
    await expect(page.locator("[data-turn=slate][data-state=ok]")).to_be_visible(timeout=60_000)
    await expect(page.locator("[data-turn='开场.mp4'][data-state=ok]")).to_be_visible(timeout=60_000)
    await expect(page.get_by_test_id("rehearsal")).to_contain_text("none damaged")
    await picture(page, "backups-en-desk")
    await page.get_by_role("button", name="Remove: 开场.mp4").click()
    await expect(page.get_by_test_id("undo")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator("[data-backup='开场.mp4']")).to_be_visible()
    assert [Path(path).name for path in desk.store.get("main").backups] == ["开场.mp4"]


async def test_a_file_dropped_on_the_page_is_uploaded(desk: Desk, tmp_path: Path) -> None:
    desk.store.add("main")
    await desk.station.reload()
    film = clips_media.write_movie(tmp_path / "dropped.mp4", seconds=1)
    page = await desk.person("alice")
    await desk.open(page, "/channels/main")
    await page.get_by_role("button", name="Backups").click()
    await page.evaluate(
        """([bytes]) => {
            const carried = new DataTransfer();
            carried.items.add(new File([new Uint8Array(bytes)], "dropped.mp4", { type: "video/mp4" }));
            const zone = document.querySelector("fieldset[aria-label='Upload backups']");
            const details = { dataTransfer: carried, bubbles: true, cancelable: true };
            for (const kind of ["dragover", "drop"]) zone.dispatchEvent(new DragEvent(kind, details));
        }""",
        [list(film.read_bytes())],
    )
    await expect(page.locator("[data-backup='dropped.mp4']")).to_be_visible(timeout=20_000)


async def test_settings_are_read_and_filtered(desk: Desk) -> None:
    page = await desk.person("alice")
    await desk.open(page, "/settings")
    await expect(page.locator("[data-setting=log_level]")).to_contain_text("command line")
    await page.get_by_role("textbox", name="Find a setting").fill("no_input_stop")
    await expect(page.locator("[data-setting]")).to_have_count(1)
    await page.get_by_role("textbox", name="Find a setting").fill("")
    await page.get_by_role("switch", name="Changed ones only").check()
    await expect(page.locator("[data-setting=log_level]")).to_be_visible()
    await expect(page.locator("[data-setting=rtmp]")).to_have_count(0)


async def test_a_console_that_goes_away_leaves_what_is_known_and_says_that_it_is_old(desk: Desk) -> None:
    desk.store.add("main")
    page = await desk.person("alice")
    await desk.open(page, "/destinations")
    await page.wait_for_selector("[data-channel=main]")
    await page.route("**/api/v1/channels", lambda route: route.abort())
    await expect(page.get_by_role("alert")).to_contain_text("cannot be reached", timeout=8000)
    await expect(page.get_by_text("What is shown may be old")).to_be_visible()
    await expect(page.locator("[data-channel=main]")).to_be_visible()
    await page.unroute("**/api/v1/channels")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_text("What is shown may be old")).to_have_count(0)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_fits_and_has_its_words_in_this_language(
    desk: Desk, tmp_path: Path, language: str, size: str
) -> None:
    film = clips_media.write_movie(tmp_path / "pause.mp4", seconds=1)
    desk.store.add("main", push=["platform=rtmp://live.example.com/app/k"], backups=[film])
    desk.store.add("hall")
    desk.store.enter(
        "hall", "video", "rtmp://video.example.com/app/k2", Entry("console:bob", wall_s(), alone=False)
    )
    await desk.station.reload()
    page = await desk.person("alice", language, size)
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for path, buttons in (
        ("/channels/main", ["encoder", "backups", "settings"]),
        ("/destinations", []),
        ("/settings", []),
    ):
        await desk.open(page, path)
        for index, part in enumerate(buttons or [""]):
            if buttons:
                await page.locator("fieldset button[aria-pressed]").nth(index).click()
            await page.wait_for_timeout(300)
            await picture(page, f"{path.split('/')[1]}{'-' if part else ''}{part}-{language}-{size}")
            assert await page.evaluate(WIDER) <= 0, (path, part)
            heading = await page.locator("h1").inner_text()
            assert bool(chinese.search(heading)) == (language == "zh")
    assert page.complaints == []  # type: ignore[attr-defined]
