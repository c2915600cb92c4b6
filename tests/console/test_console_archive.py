"""Playback over HTTP: ffmpeg reads the real playlist, ranges are those of the file, nothing else is sent."""

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from aired_media import COMMANDS, NAME, Airing, playable_clips
from archive_media import FEED, OLD_FEED, OLD_PACKETS, OTHER_FEED, OTHER_PACKETS, PACKETS, WALL, Recording
from console_stage import Stage
from playwright.async_api import Page, async_playwright

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


@pytest.fixture(scope="module")
def aired_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """90 s on air: filler, live from 30 s on, a cut at 40.5 s, live from 74 s on, a backup at 80 to 84 s."""
    place = tmp_path_factory.mktemp("aired")
    airing = Airing(place / "archive", (FEED, PACKETS), playable_clips(place / "cache", FEED.audio), laps=8)
    airing.run(90_000, COMMANDS)
    airing.end()
    return place / "archive"


@pytest.fixture
def on_air(stage: Stage, aired_root: Path) -> Stage:
    os.system(f"cp -a {aired_root} {stage.data_dir}/archive")
    return stage


def probe(
    stage: Stage, start: float, end: float, entries: str, kind: str = "received"
) -> dict[str, list[dict[str, str]]]:
    """Let ffprobe read a playlist as a player does, to its end; it may complain of nothing."""
    command = ["ffprobe", "-v", "error", "-headers", f"Cookie: {stage.cookie}\r\n", "-of", "json"]
    command += ["-show_entries", entries, "-select_streams", "v"]
    url = f"{stage.url}{ARCHIVE}/playlist.m3u8?from={start}&to={end}&as={kind}"
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


@contextlib.asynccontextmanager
async def playing(stage: Stage, query: str) -> AsyncIterator[Page]:
    """A page of a real Chromium in which hls.js plays a playlist."""
    name, _, value = stage.cookie.partition("=")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        context = await browser.new_context(bypass_csp=True)  # the test's own script plays
        await context.add_cookies([{"name": name, "value": value, "url": stage.url}])
        page = await context.new_page()
        await page.goto(f"{stage.url}/healthz")
        await page.add_script_tag(path=HLS)
        await page.evaluate(PLAYS, f"{ARCHIVE}/playlist.m3u8?{query}")
        yield page
        await browser.close()


async def test_a_browser_plays_on_over_gap_reconnect_and_format_change(archived: Stage) -> None:
    async with playing(archived, f"from={WALL}&to={WALL + 100}") as page:
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


BRIGHTNESS = """() => {
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight).getContext("2d");
    canvas.drawImage(video, 0, 0);
    const { data } = canvas.getImageData(0, video.videoHeight - 8, video.videoWidth, 8);
    const columns = Array.from({ length: video.videoWidth }, (_, x) => data[x * 4 + 1]);
    return Math.max(...columns) - Math.min(...columns);
}"""
"""How much the lowest line differs from left to right: the feed's does, that of filler does not."""


async def test_a_browser_plays_what_aired_over_every_splice(on_air: Stage) -> None:
    async with playing(on_air, f"from={WALL}&to={WALL + 90}&as=aired") as page:
        assert await page.evaluate("Math.abs(video.duration - 90) < 0.5")
        for before_s, wanted_s, live in (
            (29.3, 30.5, True),  # from the slate to the feed
            (39.8, 41.2, False),  # the cut
            (73.4, 74.6, True),  # back
            (79.4, 80.6, False),  # the backup
            (83.4, 84.6, True),
        ):
            await page.evaluate("at => { video.playbackRate = 3; video.currentTime = at; }", before_s)
            await page.wait_for_function(
                f"complaints.length > 0 || (!video.seeking && video.currentTime > {wanted_s})", timeout=20_000
            )
            assert (await page.evaluate(BRIGHTNESS) > 60) is live, before_s
        assert await page.evaluate("complaints") == []
        at = await page.evaluate("hls.playingDate.getTime() / 1000 - video.currentTime")
        assert at == pytest.approx(WALL, abs=0.2), "its dates are those at air"
        filled = await page.evaluate(
            "Object.values(hls.levels[0].details.dateRanges).map(one => one.attr['X-WHY'])"
        )
        assert filled == ["start", "cut", "backup"]


async def test_ffmpeg_plays_what_aired_without_a_word(on_air: Stage) -> None:
    found = await asyncio.to_thread(
        probe, on_air, WALL + 28, WALL + 50, "frame=pts_time,best_effort_timestamp_time", "aired"
    )
    times = [float(one["best_effort_timestamp_time"]) for one in found["frames"]]
    assert len(times) == pytest.approx(22 * 25, abs=30)
    assert max(b - a for a, b in itertools.pairwise(times)) < 0.13, "no hole at a splice"


async def test_segments_of_what_aired_as_they_are_asked_for(on_air: Stage) -> None:
    answer = await ask(on_air, f"playlist.m3u8?from={WALL}&to={WALL + 90}&as=aired")
    assert answer.status_code == 200, answer.text
    lines = answer.text.splitlines()
    address = next(line for line in lines if line.startswith("aired/"))
    segment = await ask(on_air, address)
    assert (segment.status_code, segment.headers["content-type"]) == (200, "video/mp4")
    assert segment.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert segment.headers["vary"] == "cookie"
    assert segment.content[4:8] == b"moof"
    assert (await ask(on_air, address)).content == segment.content
    later = (await ask(on_air, f"{address}?shift=1000")).content
    first = segment.content.index(b"tfdt") + 8
    before, after = (int.from_bytes(one[first : first + 8], "big") for one in (segment.content, later))
    assert after - before == 90_000
    init = await ask(on_air, f"aired/{NAME}/init-0.mp4")
    assert init.content[4:8] == b"ftyp"
    for wrong in (
        f"aired/{NAME}/init-x.mp4",
        f"aired/{NAME}/0.0-900.0.m4s",
        f"aired/{NAME}/4.0-1.0.m4s",
        f"aired/{NAME}/index.jsonl",
        f"aired/{NAME}x/init-0.mp4",
        f"aired/..%2f{NAME}/init-0.mp4",
        f"aired/{NAME}/999999999.0-999999999.1.m4s",
    ):
        refused = await ask(on_air, wrong)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found"), wrong
    nothing = await ask(on_air, f"playlist.m3u8?from={WALL + 200}&to={WALL + 300}&as=aired")
    assert (nothing.status_code, nothing.json()["code"]) == (404, "nothing_recorded")
    unknown = await ask(on_air, f"playlist.m3u8?from={WALL}&to={WALL + 9}&as=sent")
    assert unknown.status_code == 400


@pytest.mark.alone
async def test_what_came_in_four_seconds_ago_can_be_seen(stage: Stage) -> None:
    """It has not aired and will not for half a minute: the growing part plays through the same route."""
    recording, ages = Recording(stage.data_dir / "archive"), []
    recording.writer.format(FEED, "one")
    begun, wall = time.monotonic(), time.time()
    for packet in PACKETS:
        if packet.dts > 5_500:
            break
        await asyncio.sleep(max(0.0, begun + packet.dts / 1000 - time.monotonic()))
        arrived_s = time.monotonic() - begun
        recording.writer.packet(packet, int(arrived_s * 1e6), wall + arrived_s)
        if packet.kind is Kind.VIDEO and packet.dts > 2_000 and packet.dts % 440 == 0:
            ages.append(await newest_age(stage, wall - 60))
    recording.close()
    assert len(ages) > 5
    assert max(ages) < 4.0, ages


async def newest_age(stage: Stage, start: float) -> float:
    """Return how many seconds ago the newest picture came in that a playlist and its bytes give."""
    text = (await ask(stage, f"playlist.m3u8?from={start}")).text.splitlines()
    at, length_s, size, address = text[-4], text[-3], text[-2], text[-1]
    count, offset = map(int, size.partition(":")[2].split("@"))
    wanted = {"range": f"bytes={offset}-{offset + count - 1}"}
    assert len((await ask(stage, address, headers=wanted)).content) == count
    begun = datetime.fromisoformat(at.partition(":")[2]).timestamp()
    return time.time() - begun - float(length_s[8:-1]) + 0.04


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
        (f"from={WALL}&to={WALL + 12}&as=aired", 404, "nothing_recorded"),
        (f"from={WALL}&to={WALL + 12}&as=sent", 400, "bad_request"),
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
    denied = 404 if status == 200 else status  # nothing aired here
    for address in (f"playlist.m3u8?from={WALL}&to={WALL + 5}&as=aired", "aired/main-1/init-0.mp4"):
        assert (await ask(archived, address)).status_code == denied
