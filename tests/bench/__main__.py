"""`make bench`: one table and one JSON object. Ratios first: they carry over to other machines."""

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from bench import comments, comments_on_air, cuts, filter_recall, filter_speed, load
from bench.pages import OPEN
from tools import timecode

CLIP_S = 20
FRAME_MS = 1000 / timecode.FPS


Row = tuple[str, str, str, bool | None]
COMMENTS = ("intake", "postgresql", "review", "comments-on-air")
PARTS = ("air", "filter", *COMMENTS)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"what to measure: {', '.join(PARTS)}; comments: the last {len(COMMENTS)} [all]",
    )
    parser.add_argument("--channels", type=int, default=6, help="how many 6 Mb/s channels at once [6]")
    parser.add_argument("--cuts", type=int, default=200, help="how many cuts; 0 leaves them out [200]")
    parser.add_argument("--window", type=float, default=20, help="seconds of each CPU measurement [20]")
    parser.add_argument(
        "--terms", type=int, default=100_000, help="terms of the filter; 0 leaves it out [100000]"
    )
    parser.add_argument("--comments", type=int, default=250_000, help="comments for the filter [250000]")
    parser.add_argument("--seconds", type=float, default=60, help="seconds of 2,000 comments a second [60]")
    parser.add_argument("--json", type=Path, default=Path(".bench/result.json"), help="where the numbers go")
    chosen = parser.parse_args()
    parts = set(chosen.parts) or set(PARTS)
    if "comments" in parts:
        parts = parts - {"comments"} | set(COMMENTS)
    if unknown := parts.difference(PARTS):
        parser.error(f"{', '.join(sorted(unknown))}: no part; there are {', '.join((*PARTS, 'comments'))}")
    rows: list[Row] = []
    result: dict[str, Any] = {"cores": os.cpu_count()}
    with tempfile.TemporaryDirectory(prefix="streamgate-bench-") as made:
        measure(parts, chosen, Path(made), rows, result)
    width = max(len(name) for name, *_ in rows)
    print()
    for name, value, aim, kept in rows:
        print(
            f"{name:<{width}}  {value:>16}  {aim:<24}{'' if kept is None else 'kept' if kept else 'MISSED'}"
        )
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps(result, indent=1) + "\n")
    print()
    print(json.dumps(result))
    return 0


def measure(
    parts: set[str], chosen: argparse.Namespace, directory: Path, rows: list[Row], result: dict[str, Any]
) -> None:
    """Measure these parts; add to the table and to the JSON object."""
    if "air" in parts:
        print("making the feeds ...", flush=True)
        loaded = load.measure(_big(directory), CLIP_S, directory / "load", chosen.channels, chosen.window)
        cut = None
        if chosen.cuts:
            small = _small(directory, -(-chosen.cuts // cuts.CHANNELS))
            cut = cuts.measure(small, directory / "cuts", chosen.cuts)
        rows += table(loaded, cut)
        result["load"] = dataclasses.asdict(loaded) | {
            "per_channel": loaded.per_channel,
            "memory_ratio": loaded.memory_ratio,
            "channels_per_core": loaded.channels_per_core,
        }
        result["cuts"] = dataclasses.asdict(cut) if cut else None
    if "filter" in parts and chosen.terms:
        filtered = filter_rows(chosen.terms, chosen.comments)
        rows += filtered
        result["filter"] = {name: value for name, value, *_ in filtered}
    if "intake" in parts:
        print(f"{comments.RATE:,} comments a second ...", flush=True)
        intake = comments.measure_intake(directory / "sqlite", chosen.seconds)
        rows += comments.intake_rows("SQLite", intake)
        result["intake"] = msgspec.to_builtins(intake)
    if "postgresql" in parts:
        print("the same on PostgreSQL ...", flush=True)
        with comments.postgres() as server:
            intake = comments.measure_intake(
                directory / "postgresql", chosen.seconds, database=server.new_database
            )
        rows += comments.intake_rows("PostgreSQL", intake)
        result["intake_postgresql"] = msgspec.to_builtins(intake)
    if "review" in parts:
        print(f"{comments.LIMIT:,} cards, {comments.READERS:,} readers ...", flush=True)
        review = comments.measure_review(directory / "review")
        rows += comments.review_rows(review)
        result["review"] = dataclasses.asdict(review)
    if "comments-on-air" in parts:
        print("air while comments come in; the feeds first ...", flush=True)
        small = _small(directory, 2 * comments_on_air.ROUNDS)
        on_air = comments_on_air.measure(_big(directory), small, directory / "on-air")
        rows += comments_on_air.rows(on_air)
        result["comments_on_air"] = msgspec.to_builtins(on_air)


def _big(directory: Path) -> Path:
    """Return a 6 Mb/s clip to be looped."""
    path = directory / "big.flv"
    if path.exists():
        return path
    return timecode.make(path, feed=1, seconds=CLIP_S, size=(1920, 1080), bitrate_kbps=6000)


def _small(directory: Path, rounds: int) -> Path:
    """Return a small clip that lasts for so many rounds of cuts."""
    return timecode.make(directory / f"small-{rounds}.flv", feed=1, seconds=60 + 42 * rounds, size=(320, 180))


def filter_rows(terms: int, comments: int) -> list[Row]:
    """Speed beside the peers, then recall for each class of disguise and false hits."""
    print("measuring the filter ...", flush=True)
    return filter_speed.rows(terms, comments) + filter_recall.rows()


def table(loaded: load.Load, cut: cuts.Cuts | None) -> list[Row]:
    """Return (what, value, aim, whether it is kept)."""
    error = loaded.delay_error
    rows: list[Row] = [
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
        ("each further destination", f"{loaded.per_destination:.2f} %", "", None),
        ("a destination hls:", f"{loaded.per_hls:.2f} %", "", None),
        ("gate, ingest with none", f"{loaded.idle_gate:.2f}, {loaded.idle_ingest:.2f} %", "", None),
        ("ffmpeg -c copy, the same feed, same run", f"{loaded.yardstick:.2f} %", "", None),
        ("gate memory with none", f"{loaded.memory_idle:.0f} MB", "", None),
        (f"gate memory with {loaded.channels} channels", f"{loaded.memory_many:.0f} MB", "", None),
        ("delay error on the wire, least", f"{error.least:.2f} ms", "never negative", error.least >= 0),
        ("delay error on the wire, p50", f"{error.p50:.2f} ms", "", None),
        ("delay error on the wire, p99", f"{error.p99:.2f} ms", "aim under 20 ms", error.p99 < 20),
        ("delay error on the wire, max", f"{error.most:.2f} ms", "", None),
    ]
    rows += [
        (f"delay error as the gate says, {name}", f"{value:.2f} ms", "", None)
        for name, value in loaded.gate_says.items()
    ]
    paged = loaded.paged_delay_error
    rows += [
        (f"with {OPEN} pages open: gate", f"{loaded.paged_gate / loaded.channels:.2f} % a channel", "", None),
        ("  ingest", f"{loaded.paged_ingest / loaded.channels:.2f} % a channel", "", None),
        ("  console, all pages", f"{loaded.paged_console:.1f} %", "", None),
        ("  delay error on the wire, p99", f"{paged.p99:.2f} ms", "aim under 20 ms", paged.p99 < 20),
    ]
    if cut is not None:
        rows += [
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
    return rows


if __name__ == "__main__":
    sys.exit(main())
