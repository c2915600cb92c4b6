"""`make soak`: one broadcast of 45 minutes, acts all the while: memory flat, sound in step with pictures.

A real `serve`, two ffmpeg that publish marked feeds (main and standby camera), an nginx-rtmp as platform that
records. What it recorded is judged by what its pictures and tones say of themselves. Prints a table, then one
JSON object; the exit code is 1 when something is not as it must be.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil
from bench.meter import rss_mb
from soak.judge import Row, judge_memory, judge_pictures, judge_skews
from tools import timecode
from tools.encoder import Encoder
from tools.nginx import Platform
from tools.recording import Recording, decode_errors
from tools.serve import Gate

CAMERAS = {1: "main", 2: "standby"}  # by the number of their feed
BACKUP = 3
CLIP_S = 64  # of a feed, which is looped: a multiple of the 16 tones and of the keyframes
APART_S = 6  # the standby begins so much later: no tone of one camera suits a picture of the other
DELAY_S = 30.0
LOOK_S = 5.0
FIRST_ACT_S, MOST_ACT_S = 40.0, 45.0
WINDOW_S = 20  # of the recording, judged at a time
NAME = "main"
ACTS = (
    ["redact", NAME, "--from", "-6", "--to", "-3", "--with", "mute", "--reason", "soak"],
    ["condemn", NAME, "--from", "-12", "--to", "-9", "--reason", "soak"],
    ["backup", NAME, "standby"],
    ["redact", NAME, "--from", "-6", "--to", "-3", "--with", "mute", "--reason", "soak"],
    ["live", NAME],
    ["backup", NAME],
    ["live", NAME],
    ["dump", NAME, "--seconds", "3"],
    ["cut", NAME],
    ["restore", NAME, "--reason", "soak"],
)
LEAK = """
import threading, time
def leak(kept=[]):
    while True:
        kept.append(b"x" * 500_000)
        time.sleep(1)
threading.Thread(target=leak, daemon=True).start()
"""
DRIFT = "setts=pts=PTS*1.0004:dts=DTS*1.0004"  # ffmpeg's bitstream filter, for the sound


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak ARGS=...", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=45, help="how long it airs, 3 or more; under 20 as a trial only [45]"
    )
    parser.add_argument("--keep", type=Path, help="where data, recording and logs stay [a temporary place]")
    parser.add_argument(
        "--fault",
        choices=("leak", "drift"),
        help="break it on purpose, it must fail: leak, every process of serve keeps 0.5 MB/s;"
        " drift, the encoders' sound falls behind by 0.4 ms/s",
    )
    chosen = parser.parse_args()
    if chosen.minutes < 3:
        parser.error(
            f"--minutes {chosen.minutes:g}: at least 3, since 30 s are delay and a minute is settling"
        )
    with tempfile.TemporaryDirectory(prefix="sgsoak") as temporary:
        directory = chosen.keep or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        if chosen.fault == "leak":
            (directory / "sitecustomize.py").write_text(LEAK)
            os.environ["PYTHONPATH"] = f"{directory}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        rows, facts = soak(directory, chosen.minutes * 60, DRIFT if chosen.fault == "drift" else "")
    width = max(len(one.what) for one in rows)
    for one in rows:
        print(f"{'ok  ' if one.good else 'FAIL'}  {one.what:<{width}}  {one.found}  ({one.wanted})")
    print(json.dumps(facts, ensure_ascii=False))
    return 0 if all(one.good for one in rows) else 1


def soak(directory: Path, seconds: float, sound_filter: str) -> tuple[list[Row], dict[str, object]]:
    """Run one broadcast of so long; return what was found of it."""
    clip, spare = (
        timecode.make(directory / f"{name}.flv", feed=feed, seconds=CLIP_S, size=size)
        for (feed, name), size in zip(CAMERAS.items(), ((640, 360), (854, 480)), strict=True)
    )
    backup = timecode.make(
        directory / "backup.mp4", feed=BACKUP, seconds=5, size=(1280, 720), fps=25, audio=False
    )
    platform, gate = Platform(directory / "platform"), Gate(directory / "gate")
    encoders = []
    try:
        url = gate.add(NAME, platform.url(NAME), delay=DELAY_S, backups=(backup,))
        key = gate.command("channel", "set", NAME, "--standby-key", "rotate", "--json").json["standby_key"]
        gate.start()
        for media, to in ((clip, url), (spare, f"{url.rpartition('/')[0]}/{key}")):
            log = directory / f"{media.stem}-ffmpeg.log"
            encoders.append(Encoder(media, to, loop=True, sound_filter=sound_filter, log=log))
            time.sleep(APART_S)
        memory, acts = watch(gate, seconds)
        gate.command("stop", NAME)
    finally:
        for encoder in encoders:
            encoder.stop()
        code, _ = gate.stop() if gate.process is not None else (1, 0.0)
        platform.close()
    (recording,) = platform.recordings(NAME)
    connections = len(platform.published(NAME))
    rows = [
        Row("serve ends well", f"exit code {code}", "0", code == 0),
        Row("one connection", f"{connections}", "1", connections == 1),
        *judge_memory(memory),
    ]
    pictures, skews = measure(recording, directory)
    rows.append(judge_pictures(pictures, (*CAMERAS.values(), "filler")))
    for name, windows in skews.items():
        rows += judge_skews(name, windows)
    errors = decode_errors(recording)
    rows.append(Row("decodes", errors[:200] or "no error", "no error", not errors))
    proof = gate.command("verify", "--json", seconds=900)
    found = json.loads(proof.out or "{}")
    said = f"{len(found.get('certificates', ()))} certificates, first bad: {found.get('first_bad')}"
    rows.append(Row("verify: the floor, the spans, the recording", said, "proven", proof.code == 0))
    facts = {
        "acts": acts,
        "memory_mb": memory,
        "pictures": pictures,
        "skews_ms": skews,
        "certificates": found.get("certificates", []),
        "bad": [one.what for one in rows if not one.good],
    }
    return rows, facts


def watch(gate: Gate, seconds: float) -> tuple[dict[str, list[tuple[float, float]]], int]:
    """Let it air, with an act now and then; return (second, MB) by process of serve, and how many acts."""
    began = time.monotonic()
    found: dict[str, list[tuple[float, float]]] = {}
    done, acts = 0, itertools.cycle(ACTS)
    every = min(MOST_ACT_S, (seconds - FIRST_ACT_S) / len(ACTS))
    while (now := time.monotonic() - began) < seconds:
        for name, pid in processes(gate).items():
            found.setdefault(name, []).append((round(now, 1), round(rss_mb(pid), 2)))
        if now >= FIRST_ACT_S + done * every:
            act, done = next(acts), done + 1
            answer = gate.command(*act)
            if answer.code:
                raise RuntimeError(f"{' '.join(act)}: {answer.err}")
            print(f"{now:5.0f} s  {' '.join(act)}", file=sys.stderr, flush=True)
        time.sleep(max(0.0, LOOK_S - (time.monotonic() - began - now)))
    return found, done


def processes(gate: Gate) -> dict[str, int]:
    """Return the processes of serve by "NAME PID"; one that was started anew has another name, so."""
    assert gate.process is not None
    children = psutil.Process(gate.process.pid).children(recursive=True)
    found = {"serve": gate.process.pid}
    for child in children:
        try:
            line = child.cmdline()
        except psutil.Error:
            continue
        if "streamgate.process" in line:
            found[f"{line[-1]} {child.pid}"] = child.pid
    return found


def measure(recording: Path, directory: Path) -> tuple[dict[str, int], dict[str, dict[int, list[float]]]]:
    """Return the pictures of each source, and by how much each camera's tones are late against its pictures.

    The latter in ms, by the second of the program that a window begins at.
    """
    pattern = directory / "window-%04d.mkv"
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", str(recording), "-c", "copy", "-f", "segment"]
    command += ["-segment_time", str(WINDOW_S), "-reset_timestamps", "1", str(pattern)]
    subprocess.run(command, check=True)
    pictures: Counter[str] = Counter()
    skews: dict[str, dict[int, list[float]]] = {name: {} for name in CAMERAS.values()}
    for number, piece in enumerate(sorted(directory.glob("window-*.mkv"))):
        window = Recording(piece)
        pictures.update(
            CAMERAS.get(one.mark.feed, "filler") if one.mark else "filler" for one in window.frames
        )
        for feed, name in CAMERAS.items():
            skews[name][number * WINDOW_S] = [round(one, 1) for one in window.skews_ms(feed)]
        piece.unlink()
    return dict(pictures), skews


if __name__ == "__main__":
    sys.exit(main())
