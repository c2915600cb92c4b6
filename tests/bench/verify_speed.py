"""Speed of `streamgate verify` over a recording, against `sha256sum` over the same files, in one run.

Both read from the page cache: what is compared is hashing, not a disk. The parts are as large as those of a
feed of 6 Mb/s; what is in them does not matter to either.
"""

import os
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from streamgate.archive.writer import ArchiveWriter
from streamgate.core.packet import FeedFormat, Kind, Packet, VideoTrack
from streamgate.ledger.signing import Signer
from streamgate.ledger.writer import Writer
from streamgate.verify.verifier import verify

Row = tuple[str, str, str, bool | None]
AIM = 0.8
ROUNDS = 5
FPS, GOP, BITRATE = 25, 50, 6_000_000
AVCC = bytes.fromhex("014d400bffe100156764000bacd940a02ff97016a020202800001f4800061a80078a14cb01000468ebe3cb")


class Speed(NamedTuple):
    """Seconds at best, each on one core and on all; `ratio`: of their speeds, above 1 verify is faster."""

    megabytes: float
    verify_one_s: float
    sha256sum_one_s: float
    verify_all_s: float
    sha256sum_all_s: float

    @property
    def ratio_one(self) -> float:
        return self.sha256sum_one_s / self.verify_one_s

    @property
    def ratio_all(self) -> float:
        return self.sha256sum_all_s / self.verify_all_s


def measure(directory: Path, megabytes: int) -> Speed:
    """Make a data directory of this size and measure."""
    data = directory / "verified"
    _record(data, megabytes)
    paths = sorted(path for path in data.rglob("*") if path.is_file())
    files = [str(path) for path in paths]
    size = sum(path.stat().st_size for path in paths)
    every, one = os.sched_getaffinity(0), {min(os.sched_getaffinity(0))}

    def ours() -> None:
        assert verify(data).ok

    def theirs() -> None:
        subprocess.run(["sha256sum", *files], check=True, capture_output=True)

    def theirs_at_once() -> None:
        shares = [files[number :: len(every)] for number in range(len(every))]
        each = [subprocess.Popen(["sha256sum", *share], stdout=subprocess.DEVNULL) for share in shares]
        assert [one.wait() for one in each] == [0] * len(every)

    times = []
    try:
        for cores, calls in ((one, (ours, theirs)), (every, (ours, theirs_at_once))):
            os.sched_setaffinity(0, cores)
            times.append(_alternate(*calls))
    finally:
        os.sched_setaffinity(0, every)
    return Speed(size / 1e6, *times[0], *times[1])


def _alternate(*calls: Callable[[], None]) -> list[float]:
    """Return the shortest time of each, called in turn: what else the machine does hits both."""
    best = [float("inf")] * len(calls)
    for _ in range(ROUNDS):
        for place, call in enumerate(calls):
            begun = time.perf_counter()
            call()
            best[place] = min(best[place], time.perf_counter() - begun)
    return best


def _record(data: Path, megabytes: int) -> None:
    """Have the archive's own writer record so much, and the ledger say so."""
    data.mkdir()
    ledger = Writer(data / "ledger", "gate", signer=Signer(data))
    archive = ArchiveWriter(
        data / "archive", "main", alarm=lambda *_: None, queue_bytes=1 << 28, record=ledger.write
    )
    archive.start()
    archive.format(FeedFormat(VideoTrack("h264", AVCC, 1280, 720, FPS, 1), None), "bench")
    dice, frame = random.Random(1), BITRATE // 8 // FPS
    for number in range(megabytes * 1_000_000 // frame):
        dts = number * 1000 // FPS
        keyframe = number % GOP == 0
        packet = Packet(Kind.VIDEO, dts, dts, keyframe, dice.randbytes(frame))
        archive.packet(packet, dts * 1000, 1_790_000_000 + dts / 1000)
        if keyframe:
            while archive.status().state == "behind":
                time.sleep(0.01)
    assert archive.close()
    assert ledger.close(10)


def rows(speed: Speed) -> list[Row]:
    """Return (what, value, aim, whether it is kept)."""
    aim = f"aim {AIM} x at least"
    rates = (speed.megabytes / speed.verify_one_s, speed.megabytes / speed.sha256sum_one_s)
    return [
        (
            "verify, against sha256sum, one core",
            f"{speed.ratio_one:.2f} x",
            aim,
            speed.ratio_one >= AIM,
        ),
        ("  verify, sha256sum", f"{rates[0]:.0f}, {rates[1]:.0f} MB/s", "", None),
        (
            "verify, against one sha256sum a core, all cores",
            f"{speed.ratio_all:.2f} x",
            aim,
            speed.ratio_all >= AIM,
        ),
        ("  verify", f"{speed.megabytes / speed.verify_all_s:.0f} MB/s", "", None),
    ]
