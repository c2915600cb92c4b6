"""What `torture.tamper` damages copies of: a real `serve` with encoders, commands and a killed gate."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

from tools.encoder import Encoder
from tools.serve import Gate
from torture.tamper import KINDS, Vandal, tell, try_one

from streamgate.ledger import verify as chains
from streamgate.verify import verifier

STORY = (
    (36, ("cut",)),
    (39, ("restore",)),
    (46, ("dump", "--seconds", "3")),
    (52, ("kill",)),
    (60, ("cut",)),
    (62, ("restore",)),
)
WHOLE_S = 105  # what was cut last has come to air by then, and live again
COPIES = 10


def run(place: Path, dice: random.Random, tries: int) -> int:
    """Make the directory, look at it, damage copies; return an exit code."""
    place.mkdir(parents=True, exist_ok=True)
    clip = _make_clip(place / "feed.mp4")
    gate = Gate(place / "data")
    gate.start()
    encoders = [Encoder(clip, gate.add(name), loop=True, keep_trying=True) for name in ("main", "hall")]
    try:
        alarms, looks = _follow_story(gate, tries // 2)
        copies = []
        for number in range(COPIES):
            copies.append(copy_running(gate.directory, place / f"copy-{number}"))
            time.sleep(1)
        for number in range(looks, tries):
            where = gate.directory if number % 2 else copies[number % COPIES]
            alarms += _look(where)
        tell("untouched", tries, alarms, Counter())
    finally:
        for encoder in encoders:
            encoder.kill()
        gate.stop()
    after = _look(gate.directory)
    print("\n".join(["ended in order: proven", *after][bool(after) :]), flush=True)
    return 1 if damage(copies, dice, tries) or alarms or after else 0


def _follow_story(gate: Gate, looks: int) -> tuple[list[str], int]:
    """Give the commands and look at the running directory; return the alarms, and how many looks."""
    began, story, alarms, looked = time.monotonic(), list(STORY), [], 0
    while (now := time.monotonic() - began) < WHOLE_S:
        if story and now >= story[0][0]:
            _, (what, *more) = story.pop(0)
            if what == "kill":
                os.kill(gate.pid("gate"), signal.SIGKILL)
            else:
                done = gate.command(what, "main", *more)
                assert done.code == 0, done.err
        if looked < looks:
            alarms += _look(gate.directory)
            looked += 1
        time.sleep(0.05)
    return alarms, looked


def _look(where: Path) -> list[str]:
    found = verifier.verify(where)
    return [] if found.ok else [f"FALSE ALARM in {where.name}: {found.first_bad}, of {found.bad}"]


def damage(copies: list[Path], dice: random.Random, tries: int) -> list[str]:
    """Damage copies one way after the other; return what was wrong with what the verifier said."""
    verifier.PAUSE_S = chains.WHOLE_S = 0  # nobody writes to a copy
    vandals = [Vandal(copy, dice) for copy in copies]
    counts: Counter[str] = Counter()
    wrong = []
    for number in range(tries):
        kind = dice.choice(KINDS)
        counts[kind] += 1
        said, _ = try_one(vandals[number % len(vandals)], kind)
        wrong += [said] if said else []
        if number % 100 == 99:
            print(f"{number + 1} damaged, {len(wrong)} wrong", flush=True)
    tell("damaged", tries, wrong, counts)
    return wrong


def copy_running(source: Path, to: Path) -> Path:
    """Copy a directory that is written to: the ledger first, once it stood still, then what it speaks of."""
    while True:
        shutil.rmtree(to / "ledger", ignore_errors=True)
        before = _sizes(source / "ledger")
        shutil.copytree(source / "ledger", to / "ledger")
        if _sizes(source / "ledger") == before == _sizes(to / "ledger"):
            break
    shutil.copytree(source / "archive", to / "archive")
    for name in ("catalog.sqlite", "catalog.sqlite-wal", "seal.pub"):
        if (source / name).exists():
            shutil.copyfile(source / name, to / name)
    return to


def _sizes(ledger: Path) -> dict[str, int]:
    return {
        path.relative_to(ledger).as_posix(): path.stat().st_size
        for path in ledger.rglob("*.jsonl")
        if not path.name.startswith(".")
    }


def _make_clip(path: Path) -> Path:
    """Make a minute of test pictures and a tone, in GOPs of 1 s."""
    sources = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25", "-f", "lavfi", "-i", "sine=r=48000"]
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-c:a", "aac", "-ac", "2"]
    command = ["ffmpeg", "-v", "error", "-y", *sources, "-t", "60", *coded, str(path)]
    subprocess.run(command, check=True)
    return path
