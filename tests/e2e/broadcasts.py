"""Every broadcast of the end-to-end tests: nothing lowers the 30 s floor, so they run once, side by side.

In three waves: all at once take more than the two cores there are, and what starves proves nothing.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import duty_scenario
import page_scenario
import scenarios
from elsewhere import Elsewhere
from stage import Media, Stage
from tools import timecode
from tools.nginx import Platform, free_port
from tools.serve import Gate
from tools.tap import Loop


class Broadcasts:
    """Runs every scenario; `result` waits for all of them and raises what the one raised."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        feed = timecode.make(directory / "feed.flv", feed=1, seconds=210)
        backup = timecode.make(
            directory / "backup.mp4", feed=3, seconds=5, size=(1280, 720), fps=25, audio=False
        )
        other = timecode.make(
            directory / "other.flv",
            feed=4,
            seconds=20,
            size=(480, 270),
            fps=25,
            sound_format=(44100, 1),
        )
        mute = timecode.make(directory / "mute.flv", feed=5, seconds=20, audio=False)
        self.media = Media(feed, timecode.frames_by_payload(feed), backup, other, mute)
        self.loop = Loop()
        self.platform = Platform(directory / "platform")
        self.other_platform = Platform(directory / "other-platform")
        self.gate = Gate(directory / "gate")
        self.killed_gate = Gate(directory / "killed")
        self.spare_gate = Gate(directory / "spare")
        self.elsewhere = Elsewhere(directory / "elsewhere")
        self.elsewhere.configure(self.killed_gate, "killed")
        self._pool = ThreadPoolExecutor(16)
        self.stages: dict[str, Stage] = {}
        self._runs: dict[str, Future[None]] = {}
        self.idle = self._stage("idle", self.gate)  # before serve runs: the others are added to a running one
        self.gate.start()
        self.killed_gate.start()
        self._run(self.idle, scenarios.idle)
        self._run(self._stage("operated", self.gate, self.other_platform), scenarios.operated)
        self._silent = socket.create_server(("127.0.0.1", 0))  # takes connections and never says a word
        bad = (f"dead=rtmp://127.0.0.1:{free_port()}/live/dead-key",)
        bad += (f"silent=rtmp://127.0.0.1:{self._silent.getsockname()[1]}/live/silent-key",)
        self._run(self._stage("clean", self.gate, pushes=bad), scenarios.clean)
        self._run(self._stage("changed", self.gate), scenarios.changed)
        first_wave = list(self._runs.values())
        self._torture = self._begin_torture(directory / "torture", after=first_wave)
        self._run(self._stage("unattended", self.gate), duty_scenario.unattended, after=first_wave)
        self._run(self._stage("killed", self.killed_gate), scenarios.killed, after=first_wave)
        self._run(self._stage("cameras", self.gate), scenarios.cameras, after=first_wave)
        second_wave = list(self._runs.values())
        self._run(self._stage("spare", self.spare_gate), scenarios.spare_killed, after=second_wave)
        self._run(self._stage("marked", self.gate), scenarios.marked, after=second_wave)
        self._run(self._stage("page", self.gate), page_scenario.watched, after=second_wave)

    def _stage(
        self, name: str, gate: Gate, second: Platform | None = None, pushes: tuple[str, ...] = ()
    ) -> Stage:
        self.stages[name] = Stage(
            name,
            gate,
            self.platform,
            self.media,
            self.loop,
            self.directory,
            second_platform=second,
            pushes=pushes,
        )
        return self.stages[name]

    def _run(
        self, stage: Stage, scenario: Callable[[Stage], None], after: Sequence[Future[None]] = ()
    ) -> None:
        def run() -> None:
            wait(after)
            scenario(stage)

        self._runs[stage.name] = self._pool.submit(run)

    def _begin_torture(self, keep: Path, after: Sequence[Future[None]]) -> Future[dict[str, Any]]:
        """Run the short round of `make torture` beside the broadcasts, in a process of its own."""

        def run() -> dict[str, Any]:
            wait(after)
            command = [sys.executable, "-m", "torture", "--short", "--keep", str(keep)]
            tests = str(Path(__file__).parents[1])
            path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), tests]))
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                timeout=400,
                env={**os.environ, "PYTHONPATH": path},
            )
            judged = keep / "0.json"
            if not judged.exists():
                raise RuntimeError(f"the round could not be run: {done.stderr[-3000:]}")
            result: dict[str, Any] = json.loads(judged.read_text())
            return result

        return ThreadPoolExecutor(1).submit(run)

    def tortured(self) -> dict[str, Any]:
        """Wait for the short round of `make torture`; return its result."""
        return self._torture.result()

    def result(self, name: str) -> Stage:
        wait(self._runs.values())  # to judge one takes the time of those that still run
        self._runs[name].result()
        return self.stages[name]

    def end(self) -> tuple[int, float]:
        """Wait for all that runs on the first gate and end it; return its exit code and how long it took."""
        for run in self._runs.values():
            run.exception()
        return self.gate.stop()

    def close(self) -> None:
        self._torture.exception()
        for run in self._runs.values():
            run.exception()
        for stage in self.stages.values():
            stage.close()
        for gate in (self.gate, self.killed_gate, self.spare_gate):
            if gate.process is not None:
                gate.stop()
        self.elsewhere.close()
        self.platform.close()
        self.other_platform.close()
        self._silent.close()
        self._pool.shutdown()
        self.loop.close()
