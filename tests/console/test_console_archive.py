"""Playback over HTTP: ffmpeg reads the real playlist, ranges are those of the file, nothing else is sent."""

import asyncio
import itertools
import json
import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
from archive_media import OLD_FEED, OLD_PACKETS, OTHER_FEED, OTHER_PACKETS, PACKETS, WALL, Recording
from console_stage import Stage
from playwright.async_api import async_playwright

from streamgate.archive.catalog import Catalog
from streamgate.archive.parts import find_parts
from streamgate.core.packet import Kind

HLS = Path(__file__).parents[2] / "console" / "web" / "node_modules" / "hls.js" / "dist" / "hls.min.js"
ARCHIVE = "/api/v1/archive/main"
PICTURES = sum(packet.kind is Kind.VIDEO for packet in PACKETS)
OTHER_PICTURES = sum(packet.kind is Kind.VIDEO for packet in OTHER_PACKETS)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 s, a reconnect 30 s later and 12 s, another format for 4 s, an FLV of 2 s."""
    root = tmp_path_factory.mktemp("recorded") / "archive"
    recording = Recording(root)
    recording.publish(WALL)
    recording.gone()
    recording.publish(WALL + 42, source="two")
    recording.publish(WALL + 54, feed=OTHER_FEED, packets=OTHER_PACKETS, source="two")
    recording.publish(WALL + 58, feed=OLD_FEED, packets=OLD_PACKETS, source="two")
    recording.close()
    return root


@pytest.fixture
def archived(stage: Stage, recorded: Path) -> Stage:
    os.system(f"cp -a {recorded} {stage.data_dir}/archive")
    with Catalog(stage.data_dir / "catalog.sqlite") as catalog:
        catalog.sync(stage.data_dir / "archive")
    return stage


def probe(stage: Stage, start: float, end: float, entries: str) -> dict[str, list[dict[str, str]]]:
    """Let ffprobe read a playlist as a player does, to its end; it may complain of nothing."""
    command = ["ffprobe", "-v", "error", "-headers", f"Cookie: {stage.cookie}\r\n", "-of", "json"]
    command += ["-show_entries", entries, "-select_streams", "v"]
    url = f"{stage.url}{ARCHIVE}/playlist.m3u8?from={start}&to={end}"
    done = subprocess.run([*command, url], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    found: dict[str, list[dict[str, str]]] = json.loads(done.stdout)
    return found


async def ask(stage: Stage, path: str, **options: object) -> httpx.Response:
    async with stage.client() as client:
        return await client.get(f"{ARCHIVE}/{path}", **options)


async def test_ffmpeg_plays_a_run_of_parts_as_one(archived: Stage) -> None:
    found = await asyncio.to_thread(probe, archived, WALL, WALL + 12, "packet=pts_time,flags")
    times = sorted(float(one["pts_time"]) for one in found["packets"])
    assert len(times) == PICTURES
    assert [round(b - a, 3) for a, b in itertools.pairwise(times)] == [0.04] * (PICTURES - 1)


async def test_ffmpeg_plays_on_over_gap_and_reconnect(archived: Stage) -> None:
    """Over a change of format it does not: it passes over every init section but the first. Browsers do."""
    for start, end, expected in (
        (WALL - 60, WALL + 53.9, [160] * 2 * PICTURES),
        (WALL + 54, WALL + 100, [96] * OTHER_PICTURES),
    ):
        found = await asyncio.to_thread(probe, archived, start, end, "frame=width,key_frame")
        assert [int(one["width"]) for one in found["frames"]] == expected


PLAYS = """src => {
    window.video = document.createElement("video");
    video.muted = true;
    document.body.append(video);
    window.complaints = [];
    window.hls = new Hls({ enableWorker: false });
    hls.on(Hls.Events.ERROR, (_, one) => one.fatal && complaints.push(one.details));
    hls.loadSource(src);
    hls.attachMedia(video);
    return video.play();
}"""


async def test_a_browser_plays_on_over_gap_reconnect_and_format_change(archived: Stage) -> None:
    name, _, value = archived.cookie.partition("=")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        context = await browser.new_context(bypass_csp=True)  # the test's own script plays
        await context.add_cookies([{"name": name, "value": value, "url": archived.url}])
        page = await context.new_page()
        await page.goto(f"{archived.url}/healthz")
        await page.add_script_tag(path=HLS)
        await page.evaluate(PLAYS, f"{ARCHIVE}/playlist.m3u8?from={WALL}&to={WALL + 100}")
        assert await page.evaluate("Math.abs(video.duration - 28) < 0.3"), "24 s and 4 s; the gap is no pause"
        for before_s, wanted in (
            (5.5, "video.currentTime > 6.2"),  # from part to part
            (11.5, "video.currentTime > 12.2"),  # over 30 s of nothing and a reconnect
            (23.5, "video.currentTime > 24.2 && video.videoWidth === 96"),  # into another format
        ):
            await page.evaluate("at => { video.currentTime = at; }", before_s)
            await page.wait_for_function(f"complaints.length > 0 || ({wanted})", timeout=20_000)
        assert await page.evaluate("complaints") == []
        gaps = await page.evaluate(
            "Object.values(hls.levels[0].details.dateRanges).map(one => one.attr['X-WHY'])"
        )
        assert gaps == ["no_input", "flv"]
        await browser.close()


async def test_the_playlist_as_it_is_asked_for(archived: Stage) -> None:
    answer = await ask(archived, "playlist.m3u8?from=2026-09-21T22:13:20 08:00&to=2026-09-21T14:13:32Z")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/vnd.apple.mpegurl")
    assert answer.headers["cache-control"] == "no-store"
    same = await ask(archived, f"playlist.m3u8?from={WALL}&to={WALL + 12}&as=received")
    assert same.text == answer.text
    for query, status, code in (
        ("from=yesterday&to=5", 400, "bad_request"),
        (f"from={WALL}&to={WALL}", 400, "bad_request"),
        (f"from={WALL}&to={WALL + 90_000}", 400, "bad_request"),
        (f"from={WALL}", 400, "bad_request"),  # it would grow from years ago
        (f"from={WALL}&to={WALL + 12}&as=aired", 400, "bad_request"),
        (f"from={WALL + 13}&to={WALL + 40}", 404, "nothing_recorded"),
        ("", 400, "bad_request"),
    ):
        refused = await ask(archived, f"playlist.m3u8?{query}")
        assert (refused.status_code, refused.json()["code"]) == (status, code), query


async def test_ranges_are_those_of_the_file(archived: Stage) -> None:
    _, path = min(find_parts(archived.data_dir / "archive"), key=lambda one: one[0].number)
    data = path.read_bytes()
    address = f"parts/{path.parent.name}/{path.name}"
    whole = await ask(archived, address)
    assert (whole.status_code, whole.content == data) == (200, True)
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert whole.headers["vary"] == "cookie"
    for wanted, found in (
        ("bytes=0-0", data[:1]),
        ("bytes=100-299", data[100:300]),
        ("bytes=100-", data[100:]),
        ("bytes=-7", data[-7:]),
        (f"bytes=5-{10 * len(data)}", data[5:]),
    ):
        some = await ask(archived, address, headers={"range": wanted})
        assert (some.status_code, some.content == found) == (206, True), wanted
        end = data.index(found) + len(found) - 1 if len(found) > 7 else None
        if end is not None:
            assert some.headers["content-range"] == f"bytes {end + 1 - len(found)}-{end}/{len(data)}"
    for wanted in (f"bytes={len(data)}-", "bytes=9-5", "bytes=-0"):
        refused = await ask(archived, address, headers={"range": wanted})
        assert (refused.status_code, refused.json()["code"]) == (416, "bad_range"), wanted
    for passed_over in ("bytes=0-1,5-6", "pages=1-2", "bytes=x"):
        assert (await ask(archived, address, headers={"range": passed_over})).content == data


async def test_a_shift_moves_every_time_and_nothing_else(archived: Stage) -> None:
    _, path = min(find_parts(archived.data_dir / "archive"), key=lambda one: one[0].number)
    data, address = path.read_bytes(), f"parts/{path.parent.name}/{path.name}"
    moved = (await ask(archived, f"{address}?shift=1000")).content
    assert len(moved) == len(data)
    first = data.index(b"tfdt") + 8
    before, after = (int.from_bytes(one[first : first + 8], "big") for one in (data, moved))
    assert after - before == 90_000
    assert sum(a != b for a, b in zip(data, moved, strict=True)) <= 8 * data.count(b"tfdt")
    for start in range(first - 2, first + 10):  # however the range cuts through a time
        some = await ask(archived, f"{address}?shift=1000", headers={"range": f"bytes={start}-{start + 4}"})
        assert some.content == moved[start : start + 5]


async def test_what_is_being_written_is_not_kept_by_anybody(stage: Stage) -> None:
    root = stage.data_dir / "archive"
    recording = Recording(root)
    recording.publish(WALL)
    recording.close()
    (root / "main" / "2026-09-21" / "index.jsonl").unlink()
    _, path = max(find_parts(root), key=lambda one: one[0].number)
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(bytes(8) + b"a torn fragment")
    answer = await ask(stage, f"parts/{path.parent.name}/{path.name}")
    assert answer.headers["cache-control"] == "no-store"
    assert len(answer.content) == size, "up to the last whole fragment"


async def test_an_flv_part_is_sent_as_it_is(archived: Stage) -> None:
    _, path = max(find_parts(archived.data_dir / "archive"), key=lambda one: one[0].number)
    assert path.suffix == ".flv"
    answer = await ask(archived, f"parts/{path.parent.name}/{path.name}?shift=5")
    assert (answer.headers["content-type"], answer.content) == ("video/x-flv", path.read_bytes())


async def test_no_other_file_is_sent(archived: Stage) -> None:
    root = archived.data_dir / "archive"
    _, path = min(find_parts(root), key=lambda one: one[0].number)
    stranger = root / "main" / "2026-09-21" / "141320.001Z-000099.mp4"
    stranger.symlink_to(archived.data_dir / "catalog.sqlite")
    for address in (
        "parts/2026-09-21/index.jsonl",
        "parts/2026-09-21/141320.001Z-000099.mp4",
        f"parts/2026-09-22/{path.name}",
        f"parts/2026-9-21/{path.name}",
        "parts/..%2f..%2f/catalog.sqlite",
        f"parts/%2e%2e/main/2026-09-21/{path.name}",
        "parts/2026-09-21/..%2f..%2fholds.json",
        "parts/2026-09-21/141320.000Z-000001.mp4%00",
    ):
        answer = await ask(archived, address)
        assert answer.status_code in {400, 404}, address
        assert answer.json()["code"] in {"not_found", "bad_request"}, address


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("director", 200),
        ("operator", 200),
        ("administrator", 200),
        ("auditor", 200),
        ("reviewer", 403),
        ("chief-reviewer", 403),
        ("operator@hall", 403),
    ],
)
async def test_who_may_see_recordings(archived: Stage, role: str, status: int) -> None:
    await archived.sign_in("ann", role)
    _, path = min(find_parts(archived.data_dir / "archive"), key=lambda one: one[0].number)
    for address in (f"playlist.m3u8?from={WALL}&to={WALL + 5}", f"parts/{path.parent.name}/{path.name}"):
        assert (await ask(archived, address)).status_code == status
