"""Destinations of a gate whose name server falls silent. Run in a mount and network namespace of its own:

    unshare -m -n python dns_that_hangs.py DIRECTORY          prints what it saw as JSON, then a time

resolv.conf names 127.0.0.1, where a name server answers at first and then never again.
"""

import asyncio
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import uvloop
from fakes.media import AUDIO, AVCC, video_track
from fakes.rtmp_peer import Peer

from streamgate.core.packet import FeedFormat
from streamgate.playout.legs import Legs
from streamgate.runtime.channels import Destination as Config
from streamgate.runtime.service import Services

GOOD = ("platform.test", "localhost", "listed.test", "127.0.0.1")
HANGING = 20
SECONDS = 12
answering = threading.Event()


def serve_names(sock: socket.socket) -> None:
    """Answer every A question with 127.0.0.1 and any other with nothing; be silent unless `answering`."""
    while True:
        asked, peer = sock.recvfrom(2048)
        if not answering.is_set():
            continue
        end = asked.index(b"\0", 12) + 5
        is_a = asked[end - 4 : end - 2] == b"\0\x01"
        head = asked[:2] + b"\x81\x80\0\x01" + struct.pack("!H", is_a) + b"\0\0\0\0"
        answer = b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04\x7f\0\0\x01" if is_a else b""
        sock.sendto(head + asked[12:end] + answer, peer)


def enter(directory: Path) -> None:
    """Give this namespace a loopback interface and its own files about names."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name, text in (("resolv.conf", "nameserver 127.0.0.1"), ("hosts", "127.0.0.1 localhost listed.test")):
        (directory / name).write_text(text + "\n")
        subprocess.run(["mount", "--bind", directory / name, f"/etc/{name}"], check=True)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 53))
    threading.Thread(target=serve_names, args=(sock,), daemon=True).start()


async def main() -> None:
    seen: dict[str, object] = {}
    said = []
    answering.set()
    async with Peer() as peer, asyncio.TaskGroup() as group:
        services = Services(group)
        legs = Legs("main", services=services, say_=lambda what: said.append(what.text), hls=Path())
        good = [Config(host, peer.url(f"live/{host}", host=host)) for host in GOOD]
        legs.set(good, FeedFormat(video_track(AVCC[0]), AUDIO))

        async def live_after() -> dict[str, float | None]:
            start, live = time.monotonic(), {}
            while len(live) < len(GOOD) and time.monotonic() - start < SECONDS:
                for status in legs.statuses():
                    if status.name in GOOD and status.state == "live":
                        live.setdefault(status.name, round(time.monotonic() - start, 2))
                await asyncio.sleep(0.02)
            return {host: live.get(host) for host in GOOD}

        seen["at first"] = await live_after()
        answering.clear()
        hanging = [Config(f"h{n}", f"rtmp://hang{n}.test:{peer.port}/live/k") for n in range(HANGING)]
        legs.set([*good, *hanging], FeedFormat(video_track(AVCC[0]), AUDIO))
        await asyncio.sleep(1)
        peer.hang_up()
        await asyncio.sleep(0.1)
        seen["again"] = await live_after()
        await asyncio.sleep(max(0, 7 - max(t or 0 for t in seen["again"].values())))
        legs.tell()
        statuses = {status.name: status for status in legs.statuses()}
        seen["platform"] = statuses["platform.test"].error
        seen["hanging"] = statuses["h0"].error
        seen["said"] = [text for text in said if "platform.test" in text]
        ending = time.monotonic()
        legs.close()
        await asyncio.wait_for(legs.closed(), 20)
        services.cancel()
    print(json.dumps(seen))
    print("ending", ending, flush=True)


if __name__ == "__main__":
    enter(Path(sys.argv[1]))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
