"""CPU, memory and delay error under 6 Mb/s 1080p30 channels, beside `ffmpeg -c copy` relaying the same."""

import math
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.cuts import Cuts, Cutter, judge
from bench.meter import Spread, rss_mb, shares
from bench.pages import OPEN, Pages
from bench.sizes import Sizes
from tools.encoder import Encoder
from tools.nginx import Platform
from tools.serve import Gate
from tools.tap import Loop, Tap
from tools.timecode import frames_by_payload

Row = tuple[str, str, str, bool | None]
DELAY_S = 30


@dataclass(frozen=True)
class Load:
    """CPU in percent of one core, memory in MB (10^6 bytes), delay error in milliseconds.

    `per_hls`: of a destination `hls:`; both None where it was not measured. `paged_`: with all channels and
    `pages.OPEN` signed-in pages open.
    """

    bitrate_mbps: float
    channels: int
    idle_gate: float
    idle_ingest: float
    one_gate: float
    one_ingest: float
    yardstick: float
    per_destination: float | None
    per_hls: float | None
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


def measure(
    clip: Path,
    clip_s: float,
    directory: Path,
    sizes: Sizes,
    *,
    cut: bool,
    wait: Callable[[float], None] = time.sleep,
) -> tuple[Load, Cuts | None]:
    """Air `sizes.channels` channels, with pages open and without; then one of them alone.

    `cut`: cut the other channels before they end. `wait`: is called with the seconds until the delay is full.
    """
    bitrate_mbps = clip.stat().st_size * 8 / clip_s / 1e6
    window_s = sizes.window_s
    with ExitStack() as stack:
        loop = Loop()
        stack.callback(loop.close)
        platform = Platform(directory / "platform", record=False)
        stack.callback(platform.close)
        gate = Gate(directory / "gate")
        gate.start()
        stack.callback(gate.stop)
        pids = {"gate": gate.pid("gate"), "ingest": gate.pid("ingest")}
        time.sleep(min(5.0, window_s))
        idle = shares(pids, min(5.0, window_s))
        memory_idle = rss_mb(pids["gate"])

        print(f"{sizes.channels} channels of {bitrate_mbps:.2f} Mb/s ...", flush=True)
        entry_tap = Tap(loop, gate.rtmp)
        stack.callback(entry_tap.close)
        others = [f"more-{number}" for number in range(1, sizes.channels)]
        taps = {name: Tap(loop, platform.port) for name in ("first", *(others if cut else ()))}
        encoders: dict[str, Encoder] = {}
        for name in ("first", *others):
            port = taps[name].port if name in taps else platform.port
            url = gate.add(name, f"rtmp://127.0.0.1:{port}/live/{name}")
            if name == "first":
                url = url.replace(f":{gate.rtmp}/", f":{entry_tap.port}/")
            encoders[name] = Encoder(clip, url, loop=True)
            stack.callback(encoders[name].stop)
        for tap in taps.values():
            stack.callback(tap.close)
        wait(DELAY_S + sizes.settle_s)
        many = shares(pids, window_s)
        memory_many = rss_mb(pids["gate"])
        status = gate.status("first")
        errors = delay_errors_ms(entry_tap, taps["first"])

        print(f"{OPEN} pages open ...", flush=True)
        pages = Pages(loop, gate, ["first", *others])
        stack.callback(pages.close)
        time.sleep(3)
        from_s = time.monotonic()
        paged = shares({**pids, "console": gate.pid("console")}, window_s)
        if pages.open != 3 * OPEN:
            raise RuntimeError(f"of {3 * OPEN} websockets of {OPEN} pages {pages.open} are still open")
        paged_errors = delay_errors_ms(entry_tap, taps["first"], from_s)
        done = None
        if cut:
            print(f"{len(others)} cuts ...", flush=True)
            done = judge(Cutter(stack, gate).cut_all(others), taps, set(frames_by_payload(clip)))
        pages.close()

        print("one channel, and ffmpeg relaying the same feed ...", flush=True)
        for name in others:
            encoders[name].stop()
            gate.command("stop", name)
        source = Encoder(clip, f"rtmp://127.0.0.1:{platform.port}/relay/in", loop=True)
        stack.callback(source.stop)
        time.sleep(3)
        relaying = f"rtmp://127.0.0.1:{platform.port}/relay"
        command = ["ffmpeg", "-v", "error", "-nostdin", "-i", f"{relaying}/in", "-map", "0", "-c", "copy"]
        relay = subprocess.Popen([*command, "-f", "flv", f"{relaying}/out"])
        stack.callback(relay.kill)
        time.sleep(sizes.settle_s)
        one = shares({**pids, "relay": relay.pid}, window_s)
        source.stop()
        relay.kill()

        further = (
            _measure_destinations(gate, platform, pids, one["gate"], window_s) if sizes.destinations else None
        )
        loaded = Load(
            bitrate_mbps=bitrate_mbps,
            channels=sizes.channels,
            idle_gate=idle["gate"],
            idle_ingest=idle["ingest"],
            one_gate=one["gate"],
            one_ingest=one["ingest"],
            yardstick=one["relay"],
            per_destination=further and further[0],
            per_hls=further and further[1],
            many_gate=many["gate"],
            many_ingest=many["ingest"],
            memory_idle=memory_idle,
            memory_many=memory_many,
            delay_error=Spread.of(errors),
            gate_says=status["delay_error_ms"],
            paged_gate=paged["gate"],
            paged_ingest=paged["ingest"],
            paged_console=paged["console"],
            paged_delay_error=Spread.of(paged_errors),
        )
        return loaded, done


def _measure_destinations(
    gate: Gate, platform: Platform, pids: dict[str, int], before: float, window_s: float
) -> tuple[float, float]:
    """Return what an RTMP destination more and then an `hls:` one add to the gate, in percent of a core."""
    print("two more destinations ...", flush=True)
    more = [platform.url("more-1"), platform.url("more-2")]
    gate.command("channel", "set", "first", *(part for url in more for part in ("--push", url)))
    time.sleep(min(5.0, window_s))
    with_more = shares(pids, window_s)["gate"]
    gate.command("channel", "set", "first", "--push", "watch=hls:")
    time.sleep(min(5.0, window_s))
    return (with_more - before) / 2, shares(pids, window_s)["gate"] - with_more


def delay_errors_ms(entry: Tap, leaving: Tap, from_s: float = 0, until_s: float = math.inf) -> list[float]:
    """Return by how much later than due each picture left, on the wire: first byte out after last byte in.

    The clip is looped, and what is cut never leaves: of the times that a payload came, the one counts that
    is nearest to the delay. `from_s`, `until_s`: CLOCK_MONOTONIC; what left before or after is left out.
    """
    came: dict[str, list[float]] = defaultdict(list)
    for message in entry.of("video"):
        came[message.digest].append(message.last_s)
    return [
        min((message.first_s - at_s - DELAY_S for at_s in came[message.digest]), key=abs) * 1000
        for message in leaving.of("video")
        if message.digest in came and from_s <= message.first_s < until_s
    ]


def rows(loaded: Load) -> list[Row]:
    """Return (what, value, aim, whether it is kept)."""
    error = loaded.delay_error
    made: list[Row] = [
        ("gate + ingest, against ffmpeg -c copy", f"{loaded.per_channel / loaded.yardstick:.2f} x", "", None),
        (
            "gate memory over 60 MB, against bit rate x delay",
            f"{loaded.memory_ratio:.2f} x",
            "aim under 1.3 x",
            loaded.memory_ratio < 1.3,
        ),
        ("channels one core carries (estimate)", f"{loaded.channels_per_core:.0f}", "", None),
        (
            f"gate + ingest per {loaded.bitrate_mbps:.1f} Mb/s channel, {loaded.channels} channels",
            f"{loaded.per_channel:.2f} %",
            "aim under 2 % of a core",
            loaded.per_channel < 2,
        ),
        ("  gate", f"{loaded.many_gate / loaded.channels:.2f} %", "", None),
        ("  ingest", f"{loaded.many_ingest / loaded.channels:.2f} %", "", None),
        ("gate with one channel", f"{loaded.one_gate:.2f} %", "", None),
        ("ingest with one channel", f"{loaded.one_ingest:.2f} %", "", None),
        *(
            (name, f"{value:.2f} %", "", None)
            for name, value in (
                ("each further destination", loaded.per_destination),
                ("a destination hls:", loaded.per_hls),
            )
            if value is not None
        ),
        ("gate, ingest with none", f"{loaded.idle_gate:.2f}, {loaded.idle_ingest:.2f} %", "", None),
        ("ffmpeg -c copy, the same feed, same run", f"{loaded.yardstick:.2f} %", "", None),
        ("gate memory with none", f"{loaded.memory_idle:.0f} MB", "", None),
        (f"gate memory with {loaded.channels} channels", f"{loaded.memory_many:.0f} MB", "", None),
        ("delay error on the wire, least", f"{error.least:.2f} ms", "never negative", error.least >= 0),
        ("delay error on the wire, p50", f"{error.p50:.2f} ms", "", None),
        ("delay error on the wire, p99", f"{error.p99:.2f} ms", "aim under 20 ms", error.p99 < 20),
        ("delay error on the wire, max", f"{error.most:.2f} ms", "", None),
    ]
    made += [
        (f"delay error as the gate says, {name}", f"{value:.2f} ms", "", None)
        for name, value in loaded.gate_says.items()
    ]
    paged = loaded.paged_delay_error
    made += [
        (f"with {OPEN} pages open: gate", f"{loaded.paged_gate / loaded.channels:.2f} % a channel", "", None),
        ("  ingest", f"{loaded.paged_ingest / loaded.channels:.2f} % a channel", "", None),
        ("  console, all pages", f"{loaded.paged_console:.1f} %", "", None),
        ("  delay error on the wire, p99", f"{paged.p99:.2f} ms", "aim under 20 ms", paged.p99 < 20),
    ]
    return made
