"""The broadcasts that the end-to-end tests judge. Each runs on a thread of its own; all at the same time."""

import contextlib
import os
import random
import signal
import socket
import time

from stage import Stage
from tools.encoder import Encoder


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
    stage.at(108)
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
