"""The demo as a newcomer runs it, and what it says when it cannot run."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import httpx
import pytest

from streamgate.demo import run
from streamgate.demo.run import MARK
from streamgate.errors import Refused
from streamgate.runtime.datadir import DataDir


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
        began = time.monotonic()
        demo.send_signal(signal.SIGINT)
        rest, _ = demo.communicate(timeout=20)
        took_s = time.monotonic() - began
    finally:
        demo.kill()
        demo.wait()

    text = "".join(said)
    links = re.findall(r"^ +(\S.*?) +http://127\.0\.0\.1:\d+/\?token=\S+$", text, re.MULTILINE)
    assert links == ["page · 页面", "administrator", "reviewer", "senior-reviewer", "chief-reviewer"]
    assert "cut main" in text
    assert page.status_code == 200
    assert (viewer["interaction"]["comments"], viewer["interaction"]["bullets"]) == (True, True)
    assert "picture: filler" in text, text
    assert demo.returncode == 0, text + rest
    assert took_s < 5
    assert DataDir(tmp_path / ".demo").serving() is None
    with av.open(str(tmp_path / ".demo" / "platform-1.flv")) as received:
        assert sum(1 for _ in received.decode(video=0)) > 0
