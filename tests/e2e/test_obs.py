"""Proof 6: a real OBS, headless, publishes through the gate (`make obs`)."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from stage import Media, Stage
from tools import timecode
from tools.nginx import Platform
from tools.recording import Recording, decode_errors
from tools.serve import Gate
from tools.tap import Loop

SCRIPT = Path(__file__).parents[1] / "tools" / "obs" / "run_obs.sh"
PROGRAMS = ("obs", "Xvfb", "xdotool")
ON_AIR_S = 42

pytestmark = pytest.mark.obs


def run_obs(
    url: str, key: str, seconds: float, media: Path, directory: Path
) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "OBS_PY": sys.executable,
        "OBS_MEDIA": str(media),
        "OBS_RUN": str(directory),
    }
    return subprocess.run(
        [str(SCRIPT), url, key, str(seconds)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=seconds + 90,
    )


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed; `make obs` installs what a real OBS needs")
    directory = tmp_path_factory.mktemp("obs")
    feed = timecode.make(directory / "feed.mp4", feed=1, seconds=60)
    backup = timecode.make(directory / "backup.mp4", feed=3, seconds=3, audio=False)
    loop, platform, gate = Loop(), Platform(directory / "platform"), Gate(directory / "gate")
    gate.start()
    stage = Stage("obs", gate, platform, Media(feed, {}, backup, feed, feed), loop, directory)
    server, key = stage.url.rsplit("/", 1)
    stage.seen["denied"] = run_obs(server, "no-such-key", 5, feed, directory / "denied")
    with ThreadPoolExecutor(1) as pool:
        obs = pool.submit(run_obs, server, key, ON_AIR_S, feed, directory / "run")
        time.sleep(ON_AIR_S - 5)
        stage.look("live")
        stage.seen["obs"] = obs.result()
    stage.do("stop", "stop", "obs", "--json")
    yield stage
    stage.close()
    gate.stop()
    platform.close()
    loop.close()


def test_obs_streams_and_stops_cleanly(stage: Stage) -> None:
    obs = stage.seen["obs"]
    assert obs.returncode == 0, obs.stderr


def test_obs_with_a_wrong_key_is_told_and_does_not_try_again(stage: Stage) -> None:
    assert stage.seen["denied"].returncode == 3, stage.seen["denied"].stderr
    log = "".join(path.read_text() for path in (stage.directory / "denied").rglob("logs/*.txt"))
    assert "Reconnecting" not in log


def test_what_obs_sent_airs_and_decodes(stage: Stage) -> None:
    recording = Recording(stage.platform.recordings("obs")[0])
    numbers = recording.numbers(feed=1)
    assert len(numbers) > 5 * 25
    assert numbers == sorted(numbers)
    assert decode_errors(recording.path) == ""


def test_gate_knows_the_encoder(stage: Stage) -> None:
    assert "obs" in stage.seen["live"]["ingest"]["encoder"].lower()
    assert stage.seen["live"]["state"] == "live"
