"""CPU, memory and delay error under 6 Mb/s 1080p30 channels, beside `ffmpeg -c copy` relaying the same."""

import math
import subprocess
import time
from collections import defaultdict, deque
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.meter import Spread, rss_mb, shares
from bench.pages import OPEN, Pages
from tools.encoder import Encoder
from tools.nginx import Platform
from tools.serve import Gate
from tools.tap import Loop, Tap

DELAY_S = 30
SETTLE_S = 14


@dataclass(frozen=True)
class Load:
    """CPU in percent of one core, memory in MB (10^6 bytes), delay error in milliseconds.

    `per_hls`: of a destination `hls:`. `paged_`: with all channels and `pages.OPEN` signed-in pages open.
    """

    bitrate_mbps: float
    channels: int
    idle_gate: float
    idle_ingest: float
    one_gate: float
    one_ingest: float
    yardstick: float
    per_destination: float
    per_hls: float
    many_gate: float
    many_ingest: float
    memory_idle: float
    memory_many: float
    delay_error: Spread
    gate_says: dict[str, float]
    paged_gate: float
    paged_ingest: float
    paged_console: float
    paged_delay_error: Spread

    @property
    def per_channel(self) -> float:
        """Gate and ingest together, per channel, out of the measurement with many."""
        return (self.many_gate + self.many_ingest) / self.channels

    @property
    def ring_mb(self) -> float:
        """Bit rate times delay, of all channels."""
        return self.channels * self.bitrate_mbps * DELAY_S / 8

    @property
    def memory_ratio(self) -> float:
        """The gate process, without the 60 MB it may have for itself, against bit rate times delay."""
        return (self.memory_many - 60) / self.ring_mb

    @property
    def channels_per_core(self) -> float:
        return 100 / self.per_channel


def measure(clip: Path, clip_s: float, directory: Path, channels: int, window_s: float) -> Load:
    bitrate_mbps = clip.stat().st_size * 8 / clip_s / 1e6
    with ExitStack() as stack:
        loop = Loop()
        stack.callback(loop.close)
        platform = Platform(directory / "platform", record=False)
        stack.callback(platform.close)
        gate = Gate(directory / "gate")
        gate.start()
        stack.callback(gate.stop)
        pids = {"gate": gate.pid("gate"), "ingest": gate.pid("ingest")}
        time.sleep(5)
        idle = shares(pids, 5)
        memory_idle = rss_mb(pids["gate"])

        print(f"one channel of {bitrate_mbps:.2f} Mb/s, and ffmpeg relaying the same feed ...", flush=True)
        exit_tap = Tap(loop, platform.port)
        stack.callback(exit_tap.close)
        url = gate.add("first", f"rtmp://127.0.0.1:{exit_tap.port}/live/first")
        entry_tap = Tap(loop, gate.rtmp)
        stack.callback(entry_tap.close)
        first = Encoder(clip, url.replace(f":{gate.rtmp}/", f":{entry_tap.port}/"), loop=True)
        stack.callback(first.stop)
        source = Encoder(clip, f"rtmp://127.0.0.1:{platform.port}/relay/in", loop=True)
        stack.callback(source.stop)
        time.sleep(3)
        relaying = f"rtmp://127.0.0.1:{platform.port}/relay"
        command = ["ffmpeg", "-v", "error", "-nostdin", "-i", f"{relaying}/in", "-map", "0", "-c", "copy"]
        relay = subprocess.Popen([*command, "-f", "flv", f"{relaying}/out"])
        stack.callback(relay.kill)
        time.sleep(DELAY_S + SETTLE_S)
        one = shares({**pids, "relay": relay.pid}, window_s)

        print("two more destinations ...", flush=True)
        more = [platform.url("more-1"), platform.url("more-2")]
        gate.command("channel", "set", "first", *(part for url in more for part in ("--push", url)))
        time.sleep(5)
        with_more = shares(pids, window_s)
        gate.command("channel", "set", "first", "--push", "watch=hls:")
        time.sleep(5)
        with_hls = shares(pids, window_s)
        source.stop()
        relay.kill()

        print(f"{channels} channels ...", flush=True)
        for number in range(1, channels):
            other = Encoder(clip, gate.add(f"more-{number}", platform.url(f"n{number}")), loop=True)
            stack.callback(other.stop)
        time.sleep(DELAY_S + SETTLE_S)
        many = shares(pids, window_s)
        memory_many = rss_mb(pids["gate"])
        status = gate.status("first")
        errors = delay_errors_ms(entry_tap, exit_tap)

        print(f"{OPEN} pages open ...", flush=True)
        pages = Pages(loop, gate, ["first", *(f"more-{number}" for number in range(1, channels))])
        stack.callback(pages.close)
        time.sleep(3)
        from_s = time.monotonic()
        paged = shares({**pids, "console": gate.pid("console")}, window_s)
        if pages.open != 3 * OPEN:
            raise RuntimeError(f"of {3 * OPEN} websockets of {OPEN} pages {pages.open} are still open")
        more_destinations = with_hls["gate"] - one["gate"]
        return Load(
            bitrate_mbps=bitrate_mbps,
            channels=channels,
            idle_gate=idle["gate"],
            idle_ingest=idle["ingest"],
            one_gate=one["gate"],
            one_ingest=one["ingest"],
            yardstick=one["relay"],
            per_destination=(with_more["gate"] - one["gate"]) / 2,
            per_hls=with_hls["gate"] - with_more["gate"],
            # the extra destinations of the first channel are not part of a channel's cost
            many_gate=many["gate"] - more_destinations,
            many_ingest=many["ingest"],
            memory_idle=memory_idle,
            memory_many=memory_many,
            delay_error=Spread.of(errors),
            gate_says=status["delay_error_ms"],
            paged_gate=paged["gate"] - more_destinations,
            paged_ingest=paged["ingest"],
            paged_console=paged["console"],
            paged_delay_error=Spread.of(delay_errors_ms(entry_tap, exit_tap, from_s)),
        )


def delay_errors_ms(entry: Tap, leaving: Tap, from_s: float = 0, until_s: float = math.inf) -> list[float]:
    """Return by how much later than due each picture left, on the wire: first byte out after last byte in.

    The clip is looped: the n-th time a payload leaves is the n-th time it came. `from_s`, `until_s`:
    CLOCK_MONOTONIC; what left before or after is left out.
    """
    came: dict[str, deque[float]] = defaultdict(deque)
    for message in entry.of("video"):
        came[message.digest].append(message.last_s)
    errors = [
        (message.first_s, (message.first_s - came[message.digest].popleft() - DELAY_S) * 1000)
        for message in leaving.of("video")
        if came.get(message.digest)
    ]
    return [error for left_s, error in errors if from_s <= left_s < until_s]
