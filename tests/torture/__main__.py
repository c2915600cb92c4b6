"""`make torture`: random rounds of kills, freezes, bad disks, floods and commands, judged from outside."""

import argparse
import dataclasses
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from torture import clips, evidence, returns, scenario, table
from torture.judge import judge


def main() -> int:
    parser = argparse.ArgumentParser(prog="make torture ARGS=...", description=__doc__)
    parser.add_argument("--seed", type=int, help="of the first round; the next ones follow [random]")
    parser.add_argument("--rounds", type=int, default=4, help="how many [4]")
    parser.add_argument("--parallel", type=int, default=2, help="how many side by side [2]")
    parser.add_argument("--minutes", type=float, help="begin no round after so long")
    parser.add_argument("--no-disk", action="store_true", help="leave the disk alone")
    parser.add_argument("--dry", action="store_true", help="print the scripts only")
    parser.add_argument("--keep", type=Path, default=Path(".torture"), help="evidence and results [.torture]")
    parser.add_argument("--judge", type=Path, nargs="+", help="judge kept evidence anew")
    parser.add_argument("--kills", action="store_true", help="kill the gate again and again, little else")
    parser.add_argument(
        "--record",
        action="store_true",
        help="kill whoever writes again and again, and prove it",
    )
    parser.add_argument("--short", action="store_true", help="the one round that `make test` runs")
    parser.add_argument(
        "--script", type=Path, help="run one round by this script, printed or written by hand"
    )
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)  # a child: run this seed
    chosen = parser.parse_args()
    if chosen.judge:
        return _judge_again(chosen.judge)
    if chosen.one is not None:
        return run_one(_script(chosen.one, chosen), chosen.keep)
    if chosen.short or chosen.script:
        chosen.keep.mkdir(parents=True, exist_ok=True)
        script = scenario.SHORT if chosen.short else scenario.parse(chosen.script.read_text())
        return run_one(script, chosen.keep)
    first = secrets.randbelow(1_000_000) if chosen.seed is None else chosen.seed
    seeds = range(first, first + chosen.rounds)
    if chosen.dry:
        print("\n".join(str(_script(seed, chosen)) for seed in seeds))
        return 0
    chosen.keep.mkdir(parents=True, exist_ok=True)
    clips.make(chosen.keep / "clips")
    end_s = time.monotonic() + (chosen.minutes * 60 if chosen.minutes else float("inf"))
    with ThreadPoolExecutor(chosen.parallel) as pool:
        done = list(
            pool.map(lambda seed: _spawn(seed, chosen, end_s), seeds),
        )
    results = [result for result in done if result]
    rounds = [evidence.load(Path(result["evidence"])) for result in results if result["evidence"]]
    rows = table.rows(rounds)
    print("\nwho dies or freezes, and how long air suffers (alone, nothing else going on)\n")
    print(table.text(rows))
    print(f"\nafter a kill of the gate: {returns.text(returns.find(rounds))}")
    print(f"the record: {returns.proven(rounds)}")
    bad = [result for result in results if result["violations"] or result["failure"]]
    total = sum(len(result["violations"]) for result in results)
    print(
        f"\n{len(results)} rounds, {total} violations; seeds: {' '.join(str(one['seed']) for one in results)}"
    )
    if bad:
        print(
            "again: " + "  ".join(f"make torture ARGS='--seed {one['seed']} --rounds 1'" for one in bad[:5])
        )
    summary = {"rounds": results, "table": [dataclasses.asdict(row) for row in rows], "violations": total}
    (chosen.keep / "result.json").write_text(json.dumps(summary, indent=1) + "\n")
    return 1 if bad else 0


def _script(seed: int, chosen: argparse.Namespace) -> scenario.Script:
    if chosen.record:
        return scenario.record(seed, disk=not chosen.no_disk)
    return scenario.kills(seed) if chosen.kills else scenario.make(seed, disk=not chosen.no_disk)


def _spawn(seed: int, chosen: argparse.Namespace, end_s: float) -> dict[str, object] | None:
    """Run a round in a process of its own and print its line; return its result."""
    if time.monotonic() > end_s:
        return None
    command = [sys.executable, "-m", "torture", "--one", str(seed), "--keep", str(chosen.keep)]
    command += ["--no-disk"] if chosen.no_disk else []
    command += ["--kills"] if chosen.kills else []
    command += ["--record"] if chosen.record else []
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    path = chosen.keep / f"{seed}.json"
    if done.returncode > 1 or not path.exists():
        print(f"seed {seed}: the round failed\n{done.stdout[-2000:]}{done.stderr[-4000:]}", flush=True)
        return {"seed": seed, "violations": [], "failure": done.stderr[-4000:], "evidence": ""}
    print(done.stdout, end="", flush=True)
    result: dict[str, object] = json.loads(path.read_text())
    return result


def run_one(script: scenario.Script, keep: Path) -> int:
    """Run and judge one round; leave `SEED.json`, and `SEED.evidence.gz` beside it."""
    from torture.round import Round

    seed = script.seed
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM")
    )  # what was mounted and begun is undone
    with tempfile.TemporaryDirectory(prefix="torture-", ignore_cleanup_errors=True) as made:
        one = Round(script, Path(made) / "r", clips.make(keep / "clips"), keep / f"{seed}.damaged")
        seen = one.run()
        log = one.machine.log
    path = keep / f"{seed}.evidence.gz"
    seen.save(path)
    violations = judge(seen)
    (keep / f"{seed}.serve.log").write_text(log)
    result = {
        "seed": seed,
        "script": str(script),
        "violations": [str(violation) for violation in violations],
        "failure": "",
        "evidence": str(path),
        "load": seen.load,
        "lags_s": round(sum(end - begin for begin, end in seen.lags), 2),
        "no_disk": one.no_disk,
    }
    (keep / f"{seed}.json").write_text(json.dumps(result, indent=1) + "\n")
    why = f"; no disk acts: {one.no_disk}" if one.no_disk else ""
    why += f"; no clock steps: {one.no_clock}" if one.no_clock else ""
    verdict = f"{len(violations)} VIOLATIONS" if violations else "ok"
    print(f"{script}")
    print(f"  -> {verdict}; load {seen.load:.1f}, observer late {result['lags_s']} s in all{why}")
    for violation in violations:
        print(f"     {violation}")
    return 1 if violations else 0


def _judge_again(paths: list[Path]) -> int:
    bad = 0
    for path in paths:
        violations = judge(evidence.load(path))
        bad += len(violations)
        print(f"{path.name}: {len(violations)} violations")
        for violation in violations:
            print(f"     {violation}")
    return 1 if bad else 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
