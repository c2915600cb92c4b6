"""Speed of the ledger: `streamgate verify` against sha256sum over the same files, and what a record costs.

python tests/bench/ledger.py [RECORDS]
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from streamgate.ledger.record import Command, Notice
from streamgate.ledger.verify import verify
from streamgate.ledger.writer import MAX_RECORDS, Writer

ROUNDS = 9


def _fill(directory: Path, count: int) -> float:
    """Write `count` records as a gate does; return the microseconds that one costs its caller."""
    writer = Writer(directory / "ledger", "gate", spill_dir=directory / "run")
    spent = 0.0
    for start in range(0, count, MAX_RECORDS // 2):
        begun = time.perf_counter()
        for number in range(start, min(start + MAX_RECORDS // 2, count)):
            if number % 2:
                writer.write(
                    Command(
                        who="console:alice",
                        role="operator",
                        from_="192.0.2.17",
                        channel="main",
                        what="dump",
                        args={"seconds": 4.5},
                        answer="live",
                        latency_ms=0.231,
                    )
                )
            else:
                writer.write(
                    Notice(
                        seq=number,
                        channel="main",
                        who="console:alice",
                        code="dump",
                        text="dumped the newest 4.5 s; filler covers it when it reaches air",
                        text_zh="丢弃最新 4.5 秒；播到此段时换垫片",
                    )
                )
        spent += time.perf_counter() - begun
        writer.written(Command(who="bench")).result(60)
    assert writer.close(10)
    return spent / count * 1e6


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        cost = _fill(directory, count)
        files = sorted((directory / "ledger").rglob("*.jsonl"))
        size = sum(path.stat().st_size for path in files)
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            verdict = verify(directory)
            ours.append(time.perf_counter() - begun)
            assert verdict.ok, verdict
            begun = time.perf_counter()
            subprocess.run(["sha256sum", *map(str, files)], check=True, capture_output=True)
            theirs.append(time.perf_counter() - begun)
        print(f"{verdict.records} records, {size / 1e6:.1f} MB, {size / verdict.records:.0f} bytes each")
        print(
            f"recording one: {cost:.1f} us of its caller's time, the thread's work at the same time included"
        )
        print(f"verify:    {size / min(ours) / 1e6:.0f} MB/s ({min(ours):.2f} s)")
        print(f"sha256sum: {size / min(theirs) / 1e6:.0f} MB/s ({min(theirs):.2f} s)")
        print(f"ratio:     {min(theirs) / min(ours):.2f}")


if __name__ == "__main__":
    main()
