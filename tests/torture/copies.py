"""Second copy under torture: `PYTHONPATH=tests:tests/fakes python -m torture.copies --seconds 60 --seed 1`.

Recordings and ledger lines go on being written while, in random order, the copying process is killed, the
store is killed and started again, hangs, slows down, is cut off, loses objects and changes some. At the end
all of it must stand in the store, whole, and come back from it.
"""

import argparse
import contextlib
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from small_archive import SmallArchive
from tools.s3 import BUCKET, SeaweedFS, Wire, target

from streamgate.archive.copy.copier import Copier
from streamgate.archive.copy.journal import Journal
from streamgate.archive.copy.pace import Pace
from streamgate.archive.copy.restore import Restorer
from streamgate.errors import CopyError

COPY = """
import sys, time
from pathlib import Path
from tools.s3 import target
from streamgate.archive.copy.copier import Copier, Rules
from streamgate.archive.copy.journal import Journal
from streamgate.archive.copy.pace import Pace
from streamgate.errors import CopyError
data = Path(sys.argv[1])
rules = Rules(recheck_days=1e-5)  # all of it, again and again
copier = Copier(data, Journal(data), target(sys.argv[2], read_s=2.0), Pace(), rules, records_every_s=0.2)
while True:
    try:
        copier.round()
    except CopyError:
        pass
    time.sleep(0.1)
"""


def torture(place: Path, seconds: float, seed: int) -> str:
    """Return what was done, in words. AssertionError: something was lost."""
    chance, done = random.Random(seed), dict.fromkeys(_TROUBLES, 0)
    archive = SmallArchive(place / "data")
    archive.records()
    with SeaweedFS(place / "weed") as server, Wire(server.port) as wire:
        server.make_bucket(BUCKET)
        command = [sys.executable, "-c", COPY, str(archive.path), wire.url]
        copying = subprocess.Popen(command)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            archive.part(time.time(), chance.randrange(1, 400_000))
            archive.lines("ledger/2026-11-29/gate.jsonl", chance.randrange(5))
            if chance.random() < 0.1:
                trouble = chance.choice(_TROUBLES)
                done[trouble] += 1
                if trouble == "copying killed":
                    copying.kill()
                    copying.wait()
                    copying = subprocess.Popen(command)
                else:
                    _do(trouble, server, wire, chance)
            time.sleep(0.05)
        copying.kill()
        copying.wait()
        _finish(archive, server.url)
        with contextlib.closing(target(server.url)) as store:
            to = place / "new"
            to.mkdir()
            back = Restorer(to, store, Pace()).restore(None, None, None)
        found, wanted = SmallArchive(to).all_files(), archive.all_files()
        del wanted["seal.pub"]
        assert back.failed == {}
        assert found == wanted, sorted(key for key in wanted if found.get(key) != wanted[key])
    return f"{len(archive.parts)} parts whole after " + ", ".join(f"{n} x {name}" for name, n in done.items())


_TROUBLES = (
    "copying killed",
    "store killed",
    "hangs",
    "slow",
    "cut",
    "dead",
    "object lost",
    "object changed",
)


def _do(trouble: str, server: SeaweedFS, wire: Wire, chance: random.Random) -> None:
    match trouble:
        case "store killed":
            server.kill()
            time.sleep(chance.random())
            server.start()
        case "hangs":
            server.freeze()
            time.sleep(chance.uniform(0.1, 3.0))
            server.thaw()
        case "slow":
            wire.bytes_per_s = 200_000
            time.sleep(chance.uniform(0.1, 2.0))
            wire.bytes_per_s = None
        case "cut":
            wire.cut_after = chance.randrange(1, 1_000_000)
        case "dead":
            wire.dead = True
            time.sleep(chance.uniform(0.1, 1.0))
            wire.dead = False
        case _:
            with server.client() as client:
                listed = client.list_objects_v2(Bucket=BUCKET, Prefix="gate/archive/main/2")
                if objects := listed.get("Contents"):
                    one = chance.choice(objects)
                    if trouble == "object lost":
                        client.delete_object(Bucket=BUCKET, Key=one["Key"])
                    elif ".pieces/" not in one["Key"]:
                        client.put_object(Bucket=BUCKET, Key=one["Key"], Body=b"?" * one["Size"])


def _finish(archive: SmallArchive, url: str) -> None:
    """Copy what is left and check everything, as a month later."""
    later = time.time() + 31 * 86_400
    with contextlib.closing(Journal(archive.path)) as journal, contextlib.closing(target(url)) as store:
        copier = Copier(archive.path, journal, store, Pace(), clock=lambda: later, records_every_s=0.0)
        end = time.monotonic() + 300
        while copier.behind.files or journal.due(later - 1, 1):
            assert time.monotonic() < end, copier.behind
            with contextlib.suppress(CopyError):
                copier.round()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    given = parser.parse_args()
    print(f"seed {given.seed}")
    with tempfile.TemporaryDirectory(prefix="copies-") as place:
        print(torture(Path(place), given.seconds, given.seed))


if __name__ == "__main__":
    main()
