"""The broadcasts that the end-to-end tests judge. Each runs on a thread of its own; all at the same time."""

import contextlib
import os
import random
import signal
import socket
import time
from pathlib import Path
from typing import Any

from stage import Stage
from tools.encoder import Encoder

SPARE_FRAME = 3000  # frames from here on are the standby's: see `spare_killed`


def clean(stage: Stage) -> None:
    """Proof 1: a feed, nothing but the delay. Beside it a wrong key and a second publisher are refused."""
    encoder = stage.publish()
    stage.at(8)
    stage.look("filling")
    wrong = stage.url.rsplit("/", 1)[0] + "/not-a-key"
    stage.seen["wrong key"] = Encoder(stage.media.feed, wrong).wait(20)
    stage.seen["busy"] = Encoder(stage.media.feed, stage.url).wait(20)
    stage.at(40)
    ingest = stage.gate.pid("ingest")
    stage.seen["garbage"] = throw_garbage(stage.gate.rtmp)
    stage.at(53)
    stage.look("live")
    stage.seen["same ingest"] = stage.gate.pid("ingest") == ingest
    stage.at(68)
    encoder.stop()
    stage.seen["encoder stopped"] = time.monotonic()
    stage.at(76)
    stage.look("airing out")
    stage.at(103)
    stage.look("no input")
    stage.do("stop", "stop", stage.name, "--json")


def throw_garbage(port: int) -> list[bool]:
    """Send the RTMP port what no encoder sends; return for each whether the server hung up in 12 s."""
    noise = random.Random(1).randbytes(200_000)
    handshake = b"\3" + bytes(1536)
    huge = b"\3\0\0\0\xff\xff\xff\x14\0\0\0\0" + noise  # a command of 16 MB
    openings = [b"", b"GET / HTTP/1.1\r\n\r\n", noise, handshake + noise, handshake + bytes(1536) + huge]
    sockets = []
    for opening in openings:
        one = socket.create_connection(("127.0.0.1", port), 2)
        sockets.append(one)
        with contextlib.suppress(OSError):
            one.sendall(opening)
    hung_up = []
    end = time.monotonic() + 12
    for one in sockets:
        with one:
            gone = False
            while not gone and (left := end - time.monotonic()) > 0:
                one.settimeout(left)
                try:
                    gone = not one.recv(65536)
                except TimeoutError:
                    break
                except OSError:
                    gone = True
            hung_up.append(gone)
    return hung_up


def changed(stage: Stage) -> None:
    """The encoder comes back with other parameters, then without sound."""
    for begin, clip in ((0, stage.media.feed), (38, stage.media.other), (58, stage.media.mute)):
        stage.at(begin)
        encoder = stage.publish(clip=clip)
        stage.at(begin + (34 if begin == 0 else 16))
        stage.look(f"before the end of {begin}")
        encoder.stop()
    stage.at(106)
    stage.do("stop", "stop", stage.name, "--json")


def cameras(stage: Stage) -> None:
    """A standby camera of another size and rate, and one without sound; there and back, and a cut on it."""
    main = stage.publish()
    key = stage.do("key", "channel", "set", stage.name, "--standby-key", "rotate", "--json").json
    url = f"{stage.url.rsplit('/', 1)[0]}/{key['standby_key']}"

    def standby(clip: Path) -> None:
        stage.encoders.append(Encoder(clip, url, log=stage.directory / f"{stage.name}-standby.log"))

    def switch(name: str, second: float, *command: str) -> None:
        stage.at(second)
        stage.do(name, command[0], stage.name, *command[1:], "--json")

    switch("too early", 3, "backup", "standby")
    stage.at(6)
    standby(stage.media.other)  # until 26, due from 36 to 56
    switch("there", 40, "backup", "standby")
    stage.at(44)
    stage.look("standby on air")
    switch("back", 47, "live")
    stage.at(30 + 20)
    stage.encoders.pop().stop()
    standby(stage.media.mute)  # until 70, due from 80 on
    switch("there again", 84, "backup", "standby")
    stage.at(89)
    switch("cut", 90, "cut")
    switch("restore", 92, "restore", "--reason", "false alarm")
    stage.encoders.pop().stop()
    standby(stage.media.other)  # until 112, due from 122 on
    stage.at(126)
    stage.look("restored to the standby")
    switch("back again", 128, "live")
    stage.at(136)
    switch("stop", 136, "stop", "--reason", "the event is over")
    main.stop()


def spare_killed(stage: Stage) -> None:
    """The gate dies by kill -9 while the standby camera airs, with a span condemned that has not aired yet.

    The standby sends the second half of the feed's clip: its frames have higher numbers (`SPARE_FRAME`).
    """
    stage.gate.start()
    main = stage.publish(keep_trying=True)
    key = stage.do("key", "channel", "set", stage.name, "--standby-key", "rotate", "--json").json
    url = f"{stage.url.rsplit('/', 1)[0]}/{key['standby_key']}"
    log = stage.directory / f"{stage.name}-standby.log"
    stage.encoders.append(Encoder(stage.media.feed, url, start_s=100, keep_trying=True, log=log))
    stage.at(36)
    stage.do("there", "backup", stage.name, "standby", "--json")
    stage.at(41)
    stage.do("condemn", "condemn", stage.name, "--from", "-12", "--to", "-1", "--reason", "a slip", "--json")
    stage.at(stage.now() + 4)  # what came until now is recorded
    stage.until_on_air(lambda frame: frame is not None and frame >= SPARE_FRAME)
    stage.seen["killed"] = stage.gate.kill("gate")
    stage.at(stage.now() + 8)
    stage.look("restarted")
    stage.at(stage.now() + 30)  # what was recorded has aired, and the hole behind it
    stage.until_on_air(lambda frame: frame is not None and frame >= SPARE_FRAME)
    stage.at(stage.now() + 2)
    stage.do("stop", "stop", stage.name, "--reason", "the event is over", "--json")
    main.stop()


def operated(stage: Stage) -> None:
    """Proof 2: everything an operator does, and what goes wrong around a broadcast."""
    assert stage.second_platform is not None
    encoder = stage.publish()
    stage.at(33)
    # in the middle of a group of pictures, with room for the command to start
    stage.until_on_air(lambda frame: frame is not None and 8 <= frame % 60 <= 20)
    stage.do("cut", "cut", stage.name, "--json")
    stage.at(41)
    stage.look("cut")
    stage.do("restore", "restore", stage.name, "--json")
    stage.look("restored")
    stage.at(80)
    stage.look("back")
    stage.do("backup", "backup", stage.name, "--json")
    stage.at(84)
    stage.look("backup")
    stage.at(86)
    stage.do("live", "live", stage.name, "--json")
    stage.at(94)
    stage.do("dump", "dump", stage.name, "--seconds", "5", "--json")
    stage.at(101.3)
    encoder.kill()
    stage.seen["encoder lost"] = time.monotonic()
    stage.at(104)
    encoder = stage.publish(start_s=104)
    stage.at(109)
    stage.second_platform.kill()
    stage.seen["platform lost"] = time.monotonic()
    stage.at(114)
    stage.look("platform lost")
    stage.second_platform.start()
    stage.seen["platform back"] = time.monotonic()
    stage.at(140)
    stage.until_on_air(lambda frame: frame is not None)
    stage.do("delay", "channel", "set", stage.name, "--delay", "35")
    stage.at(155)
    stage.look("delayed more")
    stage.do("stop", "stop", stage.name, "--json")
    stage.at(159)
    stage.look("stopped")  # with the encoder still publishing
    encoder.stop()
    encoder = stage.publish(start_s=160)
    stage.at(165)
    stage.look("started again")
    stage.do("stop again", "stop", stage.name, "--json")


def marked(stage: Stage) -> None:
    """A cut that is taken back; spans that are condemned, moved, lifted and redacted."""
    name, why = stage.name, ("--reason", "a test", "--json")
    encoder = stage.publish()
    stage.at(33)
    stage.until_on_air(lambda frame: frame is not None and 8 <= frame % 60 <= 20)
    stage.do("cut", "cut", name, "--json")
    stage.do("uncut", "uncut", name, *why)
    stage.at(44)
    stage.do("condemn", "condemn", name, "--from", "-12.5", "--to", "-8", *why)
    stage.do("moved", "condemn", name, "--from", "-5", "--to", "-1.5", *why)
    stage.do("move", "move", name, stage.done["moved"].json["span"], "--from", "-6", "--to", "-4", "--json")
    stage.do("lifted", "condemn", name, "--from", "-2.5", "--to", "-0.5", *why)
    stage.look("before the lift")
    stage.do("lift", "lift", name, stage.done["lifted"].json["span"], *why)
    stage.at(52)
    stage.do("redact", "redact", name, "--from", "-3.5", "--to", "-0.5", "--with", "mute", *why)
    stage.at(stage.now() + 6)  # however long the command took: this span is another one
    stage.do("bleep", "redact", name, "--from", "-3.5", "--to", "-0.5", "--with", "bleep", *why)
    stage.look("redacted")
    stage.do("refused", "lift", name, "s99", *why)
    stage.at(stage.now() + 6)
    mosaic = ("redact", name, "--from", "-3.5", "--to", "-0.5", "--with", "mosaic")
    stage.do("pixels", *mosaic, "--box", "0,200,640,160", *why)
    lay_mosaic(stage, "mosaic", *mosaic, "--box", "0,0.6,1,0.4", *why)
    stage.at(stage.now() + 6)
    lay_mosaic(stage, "whole", *mosaic, *why)
    stage.at(stage.now() + 34)  # all of it has aired
    stage.do("stop", "stop", name, "--json")
    encoder.stop()


def lay_mosaic(stage: Stage, name: str, *command: str) -> None:
    """Carry out a command and wait until what it wants is made; remember the status then under its name."""
    made = stage.do(name, *command).json["span"]

    def is_ready(status: dict[str, Any]) -> bool:
        return any(one["id"] == made and one["ready"] and not one["open_end"] for one in status["spans"])

    stage.seen[name] = stage.gate.wait_for(stage.name, is_ready, 20)


def killed(stage: Stage) -> None:
    """Proof 4: each process dies by kill -9 in the middle of a broadcast; then SIGTERM."""
    stage.publish(keep_trying=True)
    stage.at(36)
    stage.seen["ingest killed"] = stage.gate.kill("ingest")
    stage.at(46)
    stage.seen["console killed"] = stage.gate.kill("console")
    healths = []
    while stage.now() < 56:
        # Its address is held by the supervisor: who asks while it is away waits, longer than a monitor would.
        healths.append(stage.gate.health(0.5)[0])
        time.sleep(0.1)
    stage.seen["healths"] = healths
    stage.at(78)
    stage.until_on_air(lambda frame: frame is not None)
    stage.seen["gate killed"] = stage.gate.kill("gate")
    stage.at(80.5)
    stage.look("gate restarted")
    stage.at(112)  # what was recorded has aired, and the hole behind it
    stage.until_on_air(lambda frame: frame is not None)
    stage.at(stage.now() + 5)
    console = stage.gate.pid("console")
    os.kill(console, signal.SIGSTOP)
    stage.do("cut", "cut", stage.name, "--json")
    os.kill(console, signal.SIGCONT)
    stage.at(stage.now() + 2)
    stage.look("cut")
    stage.seen["exit"] = stage.gate.stop()


def idle(stage: Stage) -> None:
    """What does no harm: commands that are refused, seen while nothing airs on this channel."""
    name = stage.name
    stage.do("cut", "cut", name, "--json")
    stage.do("unknown", "cut", "nobody", "--json")
    stage.do("start", "start", name, "--json")
    time.sleep(4)
    stage.look("started")
    stage.do("stop", "stop", name, "--json")
    time.sleep(1)
    stage.look("stopped")
