"""The archive: exports against `ffmpeg -c copy`, seeking in a browser, questions to the catalog, the writers.

An hour of 6 Mb/s is aired by a gate in a moment and recorded by the archive's own writers.
"""

import hashlib
import itertools
import random
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from aired_media import Airing, playable_clips
from bench.meter import Spread
from bench.sizes import Sizes
from playwright.sync_api import Page, sync_playwright
from tiny_media import demux
from tools.people import sign_in
from tools.serve import Gate as Serve
from tools.timecode import FPS

from streamgate.archive.aired_archive import AiredArchive
from streamgate.archive.catalog import Catalog, parts_table
from streamgate.archive.export import export_span
from streamgate.archive.parts import PartName
from streamgate.archive.playlist import render, render_aired
from streamgate.archive.selection import select

Row = tuple[str, str, str, bool | None]
HLS = Path(__file__).parents[2] / "console" / "web" / "node_modules" / "hls.js" / "dist" / "hls.min.js"
SEEK_MS = 300
HOURS, CHANNELS, PART_S = 8, 3, 6
ASKED = 200
_DAY_S = 86_400


@dataclass(frozen=True)
class Stored:
    """Seconds, but for `seek*` and `query*` (ms) and `writer*` (percent of a core a channel)."""

    hours: float
    megabytes: float
    export_s: float
    export_aired_s: float
    export_exact_s: float
    sha256_s: float
    ffmpeg_s: float
    ffmpeg_faststart_s: float
    playlist_s: float
    playlist_again_s: float
    playlist_aired_s: float
    playlist_aired_again_s: float
    seek: Spread
    seek_aired: Spread
    queries: dict[str, Spread]
    sync_ms: Spread
    writer: float
    writer_with_list: float


def measure(feed: Path, directory: Path, sizes: Sizes) -> Stored:
    """`feed`: a clip of 6 Mb/s, 20 s long, to be looped."""
    hours = sizes.hours
    form_and_packets = demux(feed.read_bytes(), FPS)
    serve = Serve(directory / "data")
    root = serve.directory / "archive"
    end_s = hours * 3600 + 90
    airing = Airing(
        root,
        form_and_packets,
        playable_clips(directory / "cache", form_and_packets[0].audio, width=1920, height=1080),
        laps=round(hours * 3600 / 20) + 5,
        at=time.time() - end_s - 3600,
    )
    airing.run(round(end_s * 1000))
    airing.end()
    print("exports ...", flush=True)
    span = (airing.at + 30, airing.at + 30 + hours * 3600)
    with Catalog(directory / "catalog.sqlite") as catalog:
        catalog.sync(root)
        playlist_s, playlist_again_s = (
            _took(lambda: render(select(root, catalog, "main", *span), span[0], growing=False))
            for _ in range(2)
        )
        exports = {}
        for name, more in (("received", {}), ("aired", {"aired": True}), ("exact", {"exact": True})):
            start = span[0] + (0.7 if more.get("exact") else 0.0)
            out = directory / f"{name}.mp4"
            exports[name] = _took(
                lambda out=out, more=more, start=start: export_span(
                    root, catalog, channel="main", start=start, end=span[1], out=out, **more
                )
            )
            if name != "received":
                out.unlink()
    aired = AiredArchive(root)
    playlist_aired_s, playlist_aired_again_s = (
        _took(lambda: render_aired(aired.select("main", *span), span[0], growing=False)) for _ in range(2)
    )
    whole = directory / "received.mp4"
    sha256_s = _took(lambda: _hash(whole))
    ffmpeg = [_took(lambda more=more: _ffmpeg(whole, *more)) for more in ((), ("-movflags", "+faststart"))]
    megabytes = whole.stat().st_size / 1e6
    whole.unlink()
    print("seeking in a browser ...", flush=True)
    seek, seek_aired = _seek(serve, span, sizes.seeks)
    shutil.rmtree(root)
    print(f"{sizes.days} days in the catalog ...", flush=True)
    queries, sync_ms = _ask(directory / "days", sizes.days)
    return Stored(
        hours,
        megabytes,
        exports["received"],
        exports["aired"],
        exports["exact"],
        sha256_s,
        *ffmpeg,
        playlist_s,
        playlist_again_s,
        playlist_aired_s,
        playlist_aired_again_s,
        seek,
        seek_aired,
        queries,
        sync_ms,
        *_write(form_and_packets, directory, sizes.written_s),
    )


def _took(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _hash(path: Path) -> None:
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256")


def _ffmpeg(path: Path, *more: str) -> None:
    out = path.with_name("copied.mp4")
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(path), "-c", "copy", *more, str(out)]
    subprocess.run(command, check=True)
    out.unlink()


# ---------------------------------------------------------------- seeking

PLAYS = """src => new Promise((resolve, reject) => {
    window.video = document.createElement("video");
    video.muted = true;
    document.body.append(video);
    window.hls = new Hls({ maxBufferLength: 10, maxMaxBufferLength: 20 });
    hls.on(Hls.Events.ERROR, (_, one) => one.fatal && reject(new Error(one.details)));
    hls.loadSource(src);
    hls.attachMedia(video);
    video.requestVideoFrameCallback(() => resolve());
    video.play();
})"""
SEEKS_TO = """at => new Promise(resolve => {
    video.pause();
    const began = performance.now();
    video.requestVideoFrameCallback((_, frame) => resolve([performance.now() - began, frame.mediaTime]));
    video.currentTime = at;
})"""


def _seek(serve: Serve, span: tuple[float, float], seeks: int) -> tuple[Spread, Spread]:
    """Return the milliseconds from setting the time until its picture is shown, in a real Chromium."""
    serve.start()
    try:
        person = serve.person("director", "director")
        url = serve.page_url.rstrip("/")
        name, value = sign_in(url, person)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            context = browser.new_context(bypass_csp=True)
            context.add_cookies([{"name": name, "value": value, "url": url}])
            found = [_seek_in(context.new_page(), url, span, kind, seeks) for kind in ("received", "aired")]
            browser.close()
        return found[0], found[1]
    finally:
        serve.stop()


def _seek_in(page: Page, url: str, span: tuple[float, float], kind: str, seeks: int) -> Spread:
    page.goto(f"{url}/healthz")
    page.add_script_tag(path=HLS)
    page.evaluate(PLAYS, f"{url}/api/v1/archive/main/playlist.m3u8?from={span[0]}&to={span[1]}&as={kind}")
    chance, took = random.Random(7), []
    for _ in range(seeks):
        at = chance.uniform(10, span[1] - span[0] - 10)
        ms, shown = page.evaluate(SEEKS_TO, at)
        assert abs(shown - at) < 0.2, f"asked for {at}, shown {shown}"
        took.append(ms)
    page.close()
    return Spread.of(took)


# ---------------------------------------------------------------- the catalog


def _ask(directory: Path, days: int) -> tuple[dict[str, Spread], Spread]:
    """Return the milliseconds of questions to a catalog of some days, 8 h each, 3 channels; and of a sync."""
    begins = 1_780_000_000 // _DAY_S * _DAY_S
    root = directory / "archive"
    root.mkdir(parents=True)
    with Catalog(directory / "catalog.sqlite") as catalog:
        with catalog._engine.begin() as connection:
            for channel in range(CHANNELS):
                waiting = catalog_rows(f"c{channel}", begins, days)
                while some := list(itertools.islice(waiting, 50_000)):
                    connection.execute(sa.insert(parts_table), some)
        for channel in range(CHANNELS):
            for day in range(days):
                made = root / f"c{channel}" / time.strftime("%Y-%m-%d", time.gmtime(begins + day * _DAY_S))
                made.mkdir(parents=True)
                (made / "index.jsonl").touch()
        catalog.sync(root)
        noon = begins + days // 2 * _DAY_S + 12 * 3600
        questions: dict[str, Callable[[], object]] = {
            "parts of an hour": lambda: catalog.parts("c1", noon, noon + 3600),
            "parts of a day": lambda: catalog.pieces("c1", noon - _DAY_S / 2, noon + _DAY_S / 2),
            "newest part": lambda: catalog.newest("c1"),
            f"gaps of {days} days": lambda: catalog.gaps("c1", begins, begins + days * _DAY_S),
        }
        queries = {
            name: Spread.of([_took(ask) * 1000 for _ in range(ASKED if "day" not in name else 30)])
            for name, ask in questions.items()
        }
        return queries, Spread.of([_took(lambda: catalog.sync(root)) * 1000 for _ in range(30)])


def catalog_rows(channel: str, begins: int, days: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of a channel: so many days of HOURS hours from `begins`, a midnight, on."""
    number = 0
    for day in range(days):
        for part in range(HOURS * 3600 // PART_S):
            number += 1
            start = begins + day * _DAY_S + 9 * 3600 + part * PART_S
            yield {
                "path": str(PartName(channel, start * 1000, number).path),
                "channel": channel,
                "number": number,
                "start_s": float(start),
                "end_s": float(start + PART_S),
                "bytes": 4_500_000,
                "sha256": "0" * 64,
                "video": 180,
                "audio": 281,
                "data": 0,
                "keyframe": True,
                "tracks": "avc1.640028,mp4a.40.2",
                "source": "rtmp",
                "closed": "length",
                "gap_packets": 0,
                "gap_bytes": 0,
                "repaired": False,
                "missing": False,
                "removed_at": None,
            }


# ---------------------------------------------------------------- the writers


def _write(feed: Any, directory: Path, written_s: int) -> tuple[float, float]:
    """Return the percent of a core that recording one channel takes, without and with its edit list.

    Everything is aired as fast as it goes; what the gate itself uses is measured apart and taken off.
    """
    used = []
    for number, (record, tell) in enumerate(((False, False), (True, False), (True, True))):
        airing = Airing(directory / f"w{number}", feed, _clips(feed, directory), laps=written_s // 20 + 2)
        if not record:
            airing.archive.packet = lambda *_: 0  # type: ignore[method-assign]
        if not tell:
            airing.tally.add = lambda *_: []  # type: ignore[method-assign]
        begun = _cpu_s()
        airing.run(written_s * 1000)
        airing.close()
        used.append(_cpu_s() - begun)
        shutil.rmtree(directory / f"w{number}", ignore_errors=True)
    return (used[1] - used[0]) / written_s * 100, (used[2] - used[0]) / written_s * 100


def _clips(feed: Any, directory: Path) -> Any:
    return playable_clips(directory / "cache", feed[0].audio, width=1920, height=1080)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def rows(stored: Stored) -> list[Row]:
    name = f"{stored.hours:g} h, {stored.megabytes:.0f} MB"
    ratio = (stored.export_s - stored.sha256_s) / stored.ffmpeg_faststart_s
    found: list[Row] = [
        (f"export of {name}, with its SHA-256", f"{stored.export_s:.1f} s", "", None),
        ("  as aired", f"{stored.export_aired_s:.1f} s", "", None),
        ("  exact", f"{stored.export_exact_s:.1f} s", "", None),
        ("  SHA-256 of it alone", f"{stored.sha256_s:.1f} s", "", None),
        ("ffmpeg -c copy of the same", f"{stored.ffmpeg_s:.1f} s", "", None),
        ("  with its index in front, as ours", f"{stored.ffmpeg_faststart_s:.1f} s", "", None),
        ("export without its SHA-256 by ffmpeg's time", f"{ratio:.2f} x", "", None),
        (
            "playlist of it, first, again",
            f"{stored.playlist_s:.2f}, {stored.playlist_again_s:.2f} s",
            "",
            None,
        ),
        (
            "  as aired",
            f"{stored.playlist_aired_s:.2f}, {stored.playlist_aired_again_s:.2f} s",
            "",
            None,
        ),
    ]
    for kind, seek in (("received", stored.seek), ("aired", stored.seek_aired)):
        found += [
            (f"seek to a picture, as {kind}, p50", f"{seek.p50:.0f} ms", "", None),
            (f"  p99 of {seek.count}", f"{seek.p99:.0f} ms", f"aim under {SEEK_MS} ms", seek.p99 < SEEK_MS),
        ]
    for name, asked in stored.queries.items():
        found.append((f"catalog, {name}, p50, p99", f"{asked.p50:.1f}, {asked.p99:.1f} ms", "", None))
    found += [
        ("catalog, nothing new, p50", f"{stored.sync_ms.p50:.1f} ms", "", None),
        ("recording a 6 Mb/s channel", f"{stored.writer:.2f} %", "of a core", None),
        ("  with its edit list", f"{stored.writer_with_list:.2f} %", "", None),
    ]
    return found
