"""`make bench`: one table and one JSON object. Ratios first: they carry over to other machines."""

import argparse
import dataclasses
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import compare
from bench.parts import BESIDE, COMMENTS, PARTS, QUICK_ALL_S, QUICK_S, Job, Row
from bench.sizes import FULL, QUICK, Sizes

_SETTABLE = {
    "channels": "how many 6 Mb/s channels at once",
    "cuts": "how many cuts; 0 leaves them out; a quick run cuts all channels but one, once",
    "window_s": "seconds of each CPU measurement",
    "terms": "terms of the filter; 0 leaves it out",
    "comments": "comments for the filter",
    "seconds": "seconds of 2,000 comments a second",
    "megabytes": "of recording to verify",
    "hours": "length of the recording",
}


def main() -> int:
    parser = make_parser()
    chosen = parser.parse_args()
    words = set(chosen.parts)
    quick = "quick" in words
    sizes = sizes_of(chosen, QUICK if quick else FULL)
    parts = words - {"quick"} or set(QUICK_S if quick else PARTS)
    if "comments" in parts:
        parts = parts - {"comments"} | (set(COMMENTS) & set(QUICK_S if quick else COMMENTS))
    if unknown := parts.difference(PARTS):
        names = ", ".join((*PARTS, "comments", "quick"))
        parser.error(f"{', '.join(sorted(unknown))}: not a part; there are {names}")
    before: compare.Values = {}
    if chosen.compare:
        try:
            before = compare.values_of(chosen.compare, _without_base(sys.argv[1:]))
        except compare.NoBaseError as error:
            parser.error(str(error))
    began = time.monotonic()
    measured = measure([name for name in PARTS if name in parts], sizes, quick=quick)
    rows = [row for found in measured.values() for row in found["rows"]]
    rows += took_rows(measured, time.monotonic() - began, quick=quick)
    result = {"cores": os.cpu_count(), "quick": quick, "parts": measured, "rows": rows}
    print()
    if quick:
        print("A quick run: short windows and few repeats. Its figures scatter more than a full run's.")
    print("\n".join(lines(rows, before)))
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(json.dumps(result, indent=1) + "\n")
    print()
    print(json.dumps(result))
    return int(any(found["values"] is None for found in measured.values()))


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"what to measure: {', '.join(PARTS)}; comments: {len(COMMENTS)} of them [all]; "
        f"quick: shorter, in less than four minutes ({', '.join(QUICK_S)} unless parts are named)",
    )
    for name, text in _SETTABLE.items():
        default = getattr(FULL, name)
        parser.add_argument(
            f"--{name.removesuffix('_s')}", dest=name, type=type(default), help=f"{text} [{default:g}]"
        )
    parser.add_argument(
        "--compare", metavar="BASE", help="measure a commit first, or take an earlier result: another column"
    )
    parser.add_argument("--json", type=Path, default=Path(".bench/result.json"), help="where the numbers go")
    return parser


def sizes_of(chosen: argparse.Namespace, default: Sizes) -> Sizes:
    given = {name: getattr(chosen, name) for name in _SETTABLE if getattr(chosen, name) is not None}
    return dataclasses.replace(default, **given)


def _without_base(arguments: Sequence[str]) -> list[str]:
    """Return the arguments that the earlier commit is measured with: the same, but where the numbers go."""
    kept: list[str] = []
    rest = iter(arguments)
    for one in rest:
        if one in {"--compare", "--json"}:
            next(rest)
        elif not one.startswith(("--compare=", "--json=")):
            kept.append(one)
    return kept


def measure(parts: Sequence[str], sizes: Sizes, *, quick: bool) -> dict[str, dict[str, Any]]:
    """Measure these parts, in order; return rows, values and the seconds it took (`took_s`) of each."""
    beside = {part: host for part, host in BESIDE.items() if quick and part in parts and host in parts}
    measured: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="streamgate-bench-") as made:
        for name in parts:
            if name in beside:
                continue
            print(f"measuring {name} ...", flush=True)
            directory = Path(made, name)
            directory.mkdir()
            guests = [part for part, host in beside.items() if host == name]
            wait = _wait_with(guests, sizes, directory, measured) if guests else time.sleep
            began = time.monotonic()
            rows, values = _measure_one(name, Job(directory, sizes, wait))
            measured[name] = {"rows": rows, "values": values, "took_s": time.monotonic() - began}
    return {name: measured[name] for name in parts}


def _measure_one(name: str, job: Job) -> tuple[list[Row], Any]:
    """Measure a part. One that fails has a row that says so: what the others took minutes for is kept."""
    try:
        return PARTS[name](job)
    except Exception as error:  # noqa: BLE001
        traceback.print_exc()
        return [(f"{name} failed", str(error) or type(error).__name__, "", False)], None


def settings_of(sizes: Sizes) -> list[str]:
    """Return the arguments that set these sizes, as far as arguments can."""
    return [f"--{name.removesuffix('_s')}={getattr(sizes, name)}" for name in _SETTABLE]


def _wait_with(
    guests: Sequence[str], sizes: Sizes, directory: Path, measured: dict[str, dict[str, Any]]
) -> Callable[[float], None]:
    """Return a sleep that measures other parts meanwhile, each in a process of its own.

    It lasts longer than asked when they do.
    """
    settings = settings_of(sizes)

    def wait(seconds: float) -> None:
        end = time.monotonic() + seconds
        for name in guests:
            to = directory / f"{name}.json"
            arguments = ["-m", "bench", "quick", name, *settings, "--json", str(to)]
            print(f"measuring {name} meanwhile ...", flush=True)
            subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
            measured[name] = json.loads(to.read_text())["parts"][name]
        time.sleep(max(0.0, end - time.monotonic()))

    return wait


def took_rows(measured: Mapping[str, Mapping[str, Any]], all_s: float, *, quick: bool) -> list[Row]:
    """Return how long each part took; in a quick run, whether it kept to its budget."""
    times = {name: found["took_s"] for name, found in measured.items()}
    rows: list[Row] = []
    for name, took_s in times.items():
        budget_s = QUICK_S.get(name) if quick else None
        aim = ("", None) if budget_s is None else (f"at most {budget_s} s", took_s <= budget_s)
        rows.append((f"time taken: {name}", f"{took_s:.0f} s", *aim))
    every = quick and set(QUICK_S) == set(times)
    aim = (f"at most {QUICK_ALL_S} s", all_s <= QUICK_ALL_S) if every else ("", None)
    return [*rows, ("time taken: all", f"{all_s:.0f} s", *aim)]


def lines(rows: Sequence[Row], before: compare.Values) -> Iterator[str]:
    """Return the table; with the values `before` as another column, and the ratio to them."""
    width = max(len(name) for name, *_ in rows)
    if before:
        yield f"{'':<{width}}  {'now':>18}  {'base':>18}  {'now / base':>14}"
    for (name, value, aim, kept), key in zip(rows, compare.keys(rows), strict=True):
        other = before.get(key, "")
        middle = f"{other:>18}  {compare.ratio(value, other):>14}  " if before else ""
        yield f"{name:<{width}}  {value:>18}  {middle}{aim:<24}{_kept(kept)}".rstrip()


def _kept(kept: bool | None) -> str:
    return "" if kept is None else "kept" if kept else "MISSED"


if __name__ == "__main__":
    gc.disable()  # the taps live in this process: a collection holds them up for some 100 ms
    sys.exit(main())
