"""Where things stand, and who serves."""

import os
import subprocess
import sys
from pathlib import Path

from streamgate.runtime.datadir import DataDir, ServeInfo, default_root


def test_the_default_directory() -> None:
    assert default_root({"STREAMGATE_DATA_DIR": "/a", "XDG_DATA_HOME": "/b"}) == Path("/a")
    assert default_root({"XDG_DATA_HOME": "/b"}) == Path("/b/streamgate")
    assert default_root({}) == Path.home() / ".local/share/streamgate"


def test_who_serves(tmp_path: Path) -> None:
    places = DataDir(tmp_path / "data")
    places.create()
    places.create_run()
    assert places.serving() is None

    info = ServeInfo(os.getpid(), "127.0.0.1:1935", "127.0.0.1:8080")
    places.write_serve(info)
    assert places.serving() == info

    places.clear_serve()
    assert places.serving() is None


def test_a_file_left_by_a_dead_process_counts_as_nobody(tmp_path: Path) -> None:
    places = DataDir(tmp_path)
    places.create()
    places.create_run()
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()

    places.write_serve(ServeInfo(child.pid, "127.0.0.1:1935", "127.0.0.1:8080"))

    assert places.serving() is None


def test_a_broken_file_counts_as_nobody(tmp_path: Path) -> None:
    places = DataDir(tmp_path)
    places.create()
    places.create_run()
    places.serve_json.write_text("{")

    assert places.serving() is None
