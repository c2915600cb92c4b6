"""The demo as a newcomer runs it, and what it says when it cannot run."""

import contextlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import httpx
import pytest
from playwright.sync_api import expect, sync_playwright

from streamgate.demo import run
from streamgate.demo.run import MARK
from streamgate.errors import Refused
from streamgate.runtime.datadir import DataDir

WAIT_MS = 30_000


def start(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "streamgate", *arguments, "demo"],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_directory_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("")

    with pytest.raises(Refused, match="is not empty and not of an earlier demo"):
        run._prepare(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_where_no_socket_fits_a_temporary_directory_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 80)
    deep.mkdir()
    monkeypatch.chdir(deep)
    monkeypatch.setattr(run, "make_backup", lambda path: path.touch())

    places = run._prepare(None)

    assert deep not in places.root.parents
    assert (places.root / MARK).exists()


def test_a_serve_that_does_not_start_is_told_with_its_reason(tmp_path: Path) -> None:
    for name in (MARK, "backup.mp4"):
        (tmp_path / name).touch()
    DataDir(tmp_path).toml.write_text("bogus = 1\n")

    demo = start("--data-dir", str(tmp_path), cwd=tmp_path)
    said, _ = demo.communicate(timeout=30)

    assert demo.returncode == 1
    assert "the serve ended by itself with exit code 1" in said
    assert "unknown setting 'bogus'" in said


def overlay_of(data_dir: Path) -> str:
    command = [
        sys.executable,
        "-m",
        "streamgate",
        "--data-dir",
        str(data_dir),
        "overlay",
        "main",
        "--style",
        "list",
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    return str(json.loads(done.stdout)["overlay"])


def walk(watch: str, reviewer: str, overlay: str) -> None:
    """Write on the watch page, approve as the reviewer, see it on another page and on the overlay."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        viewer, other, over, desk = [
            browser.new_context(locale="en-GB").new_page() for _ in range(4)
        ]  # each a browser of its own: they share no cookie
        for page, url in ((viewer, watch), (other, watch), (over, overlay), (desk, reviewer)):
            page.goto(url, wait_until="commit")
        box = viewer.locator("textarea")
        box.fill("第一次看直播，讲得真好", timeout=WAIT_MS)
        box.press("Enter")
        expect(desk.get_by_test_id("review")).to_contain_text("讲得真好", timeout=WAIT_MS)
        expect(other.locator("body")).not_to_contain_text("讲得真好")
        desk.keyboard.press("a")
        for page in (other, over):  # the window to undo is 10 s
            expect(page.locator("body")).to_contain_text("讲得真好", timeout=WAIT_MS)
        browser.close()


@pytest.mark.e2e
def test_the_demo_runs_and_ends(tmp_path: Path) -> None:
    demo = start(cwd=tmp_path)
    assert demo.stdout is not None
    said, watch = [], ""
    deadline = time.monotonic() + 60
    try:
        for line in demo.stdout:  # at least one every 10 s
            said.append(line)
            if address := re.search(r"http://\S+/watch/main", line):
                watch = address[0]
            if re.search(
                r"gate: filling, live in [12]\d s  \|  platform: \d.* received, picture: filler", line
            ):
                break
            if time.monotonic() > deadline:
                break
        page = httpx.get(watch)
        viewer = httpx.get(watch.replace("/watch/main", "/api/v1/channels/main/viewer")).json()
        links = dict(
            re.findall(r"^ +(\S.*?) +(http://127\.0\.0\.1:\d+/\?token=\S+)$", "".join(said), re.MULTILINE)
        )
        walk(watch, links["reviewer"], overlay_of(tmp_path / ".demo"))
        began = time.monotonic()
        demo.send_signal(signal.SIGINT)
        rest, _ = demo.communicate(timeout=20)
        took_s = time.monotonic() - began
    finally:
        if demo.poll() is None:  # killed, it would leave its serve behind
            demo.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                demo.communicate(timeout=20)
        demo.kill()
        demo.wait()

    text = "".join(said)
    assert list(links) == ["page · 页面", "administrator", "reviewer", "senior-reviewer", "chief-reviewer"]
    assert "cut main" in text
    assert page.status_code == 200
    assert (viewer["interaction"]["comments"], viewer["interaction"]["bullets"]) == (True, True)
    assert "picture: filler" in text, text
    assert demo.returncode == 0, text + rest
    assert took_s < 5
    assert DataDir(tmp_path / ".demo").serving() is None
    with av.open(str(tmp_path / ".demo" / "platform-1.flv")) as received:
        assert sum(1 for _ in received.decode(video=0)) > 0
