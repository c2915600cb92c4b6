"""Cut latency: many channels on air, each cut and restored again and again (a restore takes a delay).

Every other cut goes over the control socket, the others over HTTP with a token, while people have pages open.
"""

import http.client
import json
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.meter import Spread
from bench.pages import OPEN, Pages
from tools.nginx import Platform
from tools.serve import Gate
from tools.tap import Loop, Tap
from tools.timecode import FPS, frames_by_payload
from websockets.sync.client import unix_connect

Row = tuple[str, str, str, bool | None]
FRAME_MS = 1000 / FPS
CHANNELS = 40
PER_PROCESS = 8
RESTORED_S = 34.0
"""After a restore, until the channel is on air again."""


@dataclass(frozen=True)
class Cuts:
    """Milliseconds. `gate`: as the gate says, command received to last live byte handed to the socket.

    `reply`: command written to the control socket until its answer was read. `token`: the same for HTTP with
    a token, on a connection that is open. `last_byte`: command written
    until the last live byte was seen on the wire, 0 when none followed. `frames`: live pictures seen after
    the command. `after_reply`: live pictures seen a frame or more after the answer; anything but 0 is a
    defect (a frame is the grain of the taps: they stamp what they read on a busy machine).
    """

    gate: Spread
    reply: Spread
    token: Spread
    last_byte: Spread
    frames: Spread
    after_reply: int


@dataclass(frozen=True)
class Result:
    """One cut: when it was asked for and answered (CLOCK_MONOTONIC), and the gate's own time for it."""

    channel: str
    began_s: float
    ended_s: float
    gate_ms: float
    by_token: bool

    @property
    def took_ms(self) -> float:
        return (self.ended_s - self.began_s) * 1000


class Cutter:
    """Cuts and restores channels: over the control socket, and over HTTP with a token."""

    def __init__(self, stack: ExitStack, gate: Gate) -> None:
        scopes = ["--scope", "channel:cut", "--json"]
        token = gate.command("token", "add", "bench", *scopes).json["token"]
        self._bearer = {"Authorization": f"Bearer {token}"}
        self._web = http.client.HTTPConnection("127.0.0.1", gate.console, timeout=10)
        stack.callback(self._web.close)
        self._control = stack.enter_context(
            unix_connect(str(gate.directory / "run" / "gate.sock"), "ws://localhost/")
        )

    def cut_all(self, names: Sequence[str]) -> list[Result]:
        """Cut one channel after another, every other one by token; restore all half a second later."""
        results = []
        for index, name in enumerate(names):
            # spread over the frame period, so that cuts meet every phase of it
            time.sleep(0.1 + index % 10 / 10 / FPS)
            by_token = index % 2 == 1
            began = time.monotonic()
            answer = self._cut_by_token(name) if by_token else self._ask(cmd="cut", channel=name)
            ended = time.monotonic()
            if answer.get("state") != "cut":
                raise RuntimeError(f"a cut was answered with {answer}")
            results.append(Result(name, began, ended, float(str(answer["took_ms"])), by_token))
        time.sleep(0.5)
        for name in names:
            self._ask(cmd="restore", channel=name)
        self._web.close()  # the console ends a connection that rests for so long; the next cut makes one
        return results

    def _ask(self, **request: object) -> dict[str, object]:
        self._control.send(json.dumps({"id": 1, "v": 1, "actor": "bench", **request}))
        while True:
            answer: dict[str, object] = json.loads(self._control.recv(timeout=10))
            if answer.get("type") == "reply":
                return answer

    def _cut_by_token(self, name: str) -> dict[str, object]:
        self._web.request("POST", f"/api/v1/channels/{name}/cut", headers=self._bearer)
        answer: dict[str, object] = json.load(self._web.getresponse())
        return answer


def publish(stack: ExitStack, loop: Loop, gate: Gate, clip: Path, urls: Sequence[str]) -> None:
    """Send a clip to many channels."""
    for at in range(0, len(urls), PER_PROCESS):
        # the ingest lets in a limited number of connections per address
        entry = Tap(loop, gate.rtmp, source=f"127.0.0.{2 + at // PER_PROCESS}")
        stack.callback(entry.close)
        command = ["ffmpeg", "-v", "error", "-nostdin", "-re", "-i", str(clip)]
        for url in urls[at : at + PER_PROCESS]:
            through = url.replace(f":{gate.rtmp}/", f":{entry.port}/")
            command += ["-map", "0", "-c", "copy", "-f", "flv", through]
        encoder = subprocess.Popen(command)
        stack.callback(encoder.kill)


def measure(clip: Path, directory: Path, cuts: int) -> Cuts:
    live = frames_by_payload(clip)
    rounds = -(-cuts // CHANNELS)
    with ExitStack() as stack:
        loop = Loop()
        stack.callback(loop.close)
        platform = Platform(directory / "platform", record=False)
        stack.callback(platform.close)
        gate = Gate(directory / "gate")
        names = [f"c{number}" for number in range(min(CHANNELS, cuts))]
        taps = {name: Tap(loop, platform.port) for name in names}
        for tap in taps.values():
            stack.callback(tap.close)
        urls = [gate.add(name, f"rtmp://127.0.0.1:{taps[name].port}/live/{name}") for name in names]
        gate.start()
        stack.callback(gate.stop)
        publish(stack, loop, gate, clip, urls)
        pages = Pages(loop, gate, names)
        stack.callback(pages.close)
        cutter = Cutter(stack, gate)
        print(f"{cuts} cuts on {len(names)} channels, {OPEN} pages open ...", flush=True)
        results: list[Result] = []
        time.sleep(36)
        for number in range(rounds):
            if number:
                time.sleep(RESTORED_S)
            results += cutter.cut_all(names[: cuts - len(results)])
        return judge(results, taps, set(live))


def judge(results: list[Result], taps: dict[str, Tap], live: set[str]) -> Cuts:
    """Look up on the wire what left after each cut; the half second until the restores is what counts."""
    last_byte, frames, after_reply = [], [], 0
    for cut in results:
        pictures = taps[cut.channel].of("video")
        late = [m for m in pictures if m.digest in live and cut.began_s < m.last_s < cut.began_s + 0.5]
        last_byte.append(max([(m.last_s - cut.began_s) * 1000 for m in late], default=0.0))
        frames.append(float(len(late)))
        after_reply += sum(m.first_s > cut.ended_s + 1 / FPS for m in late)
    return Cuts(
        gate=Spread.of([cut.gate_ms for cut in results]),
        reply=Spread.of([cut.took_ms for cut in results if not cut.by_token]),
        token=Spread.of([cut.took_ms for cut in results if cut.by_token]),
        last_byte=Spread.of(last_byte),
        frames=Spread.of(frames),
        after_reply=after_reply,
    )


def rows(cut: Cuts) -> list[Row]:
    """Return (what, value, aim, whether it is kept)."""
    return [
        ("cut, last live byte on the wire, p50", f"{cut.last_byte.p50:.2f} ms", "", None),
        (
            f"cut, last live byte on the wire, p99 of {cut.last_byte.count}",
            f"{cut.last_byte.p99:.2f} ms",
            f"aim under {FRAME_MS:.1f} ms",
            cut.last_byte.p99 < FRAME_MS,
        ),
        (
            "cut, live pictures a frame or more after the answer",
            f"{cut.after_reply}",
            "none",
            cut.after_reply == 0,
        ),
        ("cut, inside the gate, p50", f"{cut.gate.p50:.2f} ms", "", None),
        ("cut, inside the gate, p99", f"{cut.gate.p99:.2f} ms", "", None),
        ("cut, answer on the control socket, p50", f"{cut.reply.p50:.2f} ms", "", None),
        ("cut, answer on the control socket, p99", f"{cut.reply.p99:.2f} ms", "", None),
        ("cut by HTTP and token, p50", f"{cut.token.p50:.2f} ms", "", None),
        ("cut by HTTP and token, p99", f"{cut.token.p99:.2f} ms", "aim under 50 ms", cut.token.p99 < 50),
    ]
