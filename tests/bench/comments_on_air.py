"""Air while comments flood in, beside air without them: delay error and cut latency on the wire."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.comment_stage import CommentStage
from bench.comments import LIMIT, RATE
from bench.cuts import RESTORED_S, Cuts, Cutter, Result, judge, publish
from bench.load import DELAY_S, delay_errors_ms
from bench.meter import Spread
from bench.sender import Sender, Sent
from tools.encoder import Encoder
from tools.nginx import Platform
from tools.serve import Gate
from tools.tap import Loop, Tap
from tools.timecode import FPS, frames_by_payload

Row = tuple[str, str, str, bool | None]
CHANNELS = 24
FILL_S = DELAY_S + 6.0
LEAD_S = 3.0


@dataclass(frozen=True)
class Column:
    """`delay_error`: milliseconds, of a channel that is not cut, while the cuts were made."""

    delay_error: Spread
    cuts: Cuts


@dataclass(frozen=True)
class OnAir:
    idle: Column
    flooded: Column
    sent: list[Sent]


def measure(
    big: Path,
    small: Path,
    directory: Path,
    *,
    rounds: int,
    flood_s: float,
    wait: Callable[[float], None] = time.sleep,
) -> OnAir:
    """`big`: the looped clip of the channel that is not cut. `small`: of the others, minutes long.

    `rounds`: of cuts, without comments and with them; with one the first half of the channels is cut without,
    the other with them, and nothing waits until cut channels are live again. `flood_s`: seconds of comments
    each. `wait`: is called with the seconds until the delay is full.
    """
    with ExitStack() as stack:
        loop = Loop()
        stack.callback(loop.close)
        platform = Platform(directory / "platform", record=False)
        stack.callback(platform.close)
        gate = Gate(directory / "gate")
        names = [f"c{number}" for number in range(CHANNELS)]
        taps = {name: Tap(loop, platform.port) for name in ("steady", *names)}
        for tap in taps.values():
            stack.callback(tap.close)
        urls = {
            name: gate.add(name, f"rtmp://127.0.0.1:{tap.port}/live/{name}") for name, tap in taps.items()
        }
        flooded = [f"crowd{number}" for number in range(1 + int(RATE * flood_s * rounds // LIMIT))]
        stage = CommentStage(gate, flooded)
        stack.callback(stage.close)
        publish(stack, loop, gate, small, [urls[name] for name in names])
        entry = Tap(loop, gate.rtmp)
        stack.callback(entry.close)
        steady = Encoder(big, urls["steady"].replace(f":{gate.rtmp}/", f":{entry.port}/"), loop=True)
        stack.callback(steady.stop)
        cutter = Cutter(stack, gate)
        wait(FILL_S)
        live = set(frames_by_payload(small))
        columns = []
        sent: list[Sent] = []
        halves = (names, names) if rounds > 1 else (names[: CHANNELS // 2], names[CHANNELS // 2 :])
        for flood, cut in zip((False, True), halves, strict=True):
            results: list[Result] = []
            windows = []
            for number in range(rounds):
                sender = None
                if flood:
                    sender = Sender(stage.job(rate=RATE, seconds=flood_s, label=f"air{number}"))
                    stack.callback(sender.close)
                began_s = time.monotonic() + LEAD_S
                time.sleep(LEAD_S)
                results += cutter.cut_all(cut)
                time.sleep(max(0.0, began_s + flood_s - LEAD_S - time.monotonic()))
                windows.append((began_s, time.monotonic()))
                if rounds > 1 and (not flood or number < rounds - 1):
                    time.sleep(max(0.0, windows[-1][0] + RESTORED_S + 5 - time.monotonic()))
                if sender is not None:
                    sent.append(sender.result())
            errors = [
                error
                for from_s, until_s in windows
                for error in delay_errors_ms(entry, taps["steady"], from_s, until_s)
            ]
            columns.append(Column(Spread.of(errors), judge(results, taps, live)))
        return OnAir(*columns, sent)


def rows(on_air: OnAir) -> list[Row]:
    """Return (what, value without comments and with them, aim, whether it is kept)."""
    idle, flooded = on_air.idle, on_air.flooded
    frame_ms = 1000 / FPS
    accepted = sum(one.rate for one in on_air.sent) / len(on_air.sent)
    kept = flooded.delay_error.least >= 0 and flooded.delay_error.p99 < 20
    made: list[Row] = [
        ("air without comments | while they come in", "", "", None),
        ("  comments accepted", f"0 | {accepted:,.0f}/s", f"aim {RATE:,}/s", accepted > 0.95 * RATE),
        (
            f"  delay error on the wire, p99 of {idle.delay_error.count} | {flooded.delay_error.count}",
            f"{idle.delay_error.p99:.2f} | {flooded.delay_error.p99:.2f} ms",
            "aim under 20 ms",
            kept,
        ),
        ("  delay error, max", f"{idle.delay_error.most:.2f} | {flooded.delay_error.most:.2f} ms", "", None),
    ]
    for what, one, other, aim in (
        ("cut, last live byte on the wire", idle.cuts.last_byte, flooded.cuts.last_byte, frame_ms),
        ("cut, inside the gate", idle.cuts.gate, flooded.cuts.gate, None),
        ("cut, answer on the control socket", idle.cuts.reply, flooded.cuts.reply, None),
        ("cut by HTTP and token", idle.cuts.token, flooded.cuts.token, None),
    ):
        made.append(
            (
                f"  {what}, p99 of {one.count} | {other.count}",
                f"{one.p99:.2f} | {other.p99:.2f} ms",
                "" if aim is None else f"aim under {aim:.1f} ms",
                None if aim is None else other.p99 < aim,
            )
        )
    late = flooded.cuts.after_reply
    made.append(
        (
            "  live pictures a frame or more after the answer",
            f"{idle.cuts.after_reply} | {late}",
            "none",
            late == 0,
        )
    )
    return made
