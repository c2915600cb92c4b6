"""Child process that decodes keyframes and sound levels for the conveyor, at low priority.

python -m streamgate.watch.child MEDIA_SOCKET. It subscribes at the gate itself, so that the console carries
no media. Stills and levels go to standard output (`messages`). It exits when standard input ends.
"""

import os
import resource
import selectors
import socket
import sys
import time
from typing import BinaryIO

import av
import msgspec

from streamgate.clock import now_us
from streamgate.errors import ProtocolError
from streamgate.link import wire
from streamgate.link.messages import AnyMedia, Format, Hello, Subscribe, Unsubscribe
from streamgate.watch.feed_decoder import FeedDecoder
from streamgate.watch.messages import Beat, Seen, Wanted

NICE = 15
MEMORY = 2 * 1024**3
BEAT_S = 1.0
AGAIN_S = 0.5  # between attempts to connect to the gate
_READ = 256 * 1024
_decoder: msgspec.json.Decoder[AnyMedia] = msgspec.json.Decoder(AnyMedia)


class Watcher:
    """The decoders of the watched channels, and the link to the gate, which is re-established when lost."""

    def __init__(self, path: str, out: BinaryIO) -> None:
        self._path, self._out = path, out
        self._decoders: dict[str, FeedDecoder] = {}
        self._streams: dict[int, str] = {}
        self._numbers = 0
        self._tried_s = -AGAIN_S
        self.link: socket.socket | None = None
        self._frames = wire.FrameReader()

    def want(self, channels: list[str]) -> None:
        """Watch exactly these channels."""
        for name in [name for name in self._decoders if name not in channels]:
            del self._decoders[name]
            for stream in [number for number, of in self._streams.items() if of == name]:
                del self._streams[stream]
                self._send(Unsubscribe(stream))
        for name in channels:
            if name not in self._decoders:
                self._decoders[name] = FeedDecoder(name)
                self._subscribe(name)

    def connect(self) -> None:
        """Connect to the gate, if there is no link and the last attempt is AGAIN_S old."""
        now = time.monotonic()
        if self.link is not None or now - self._tried_s < AGAIN_S:
            return
        self._tried_s = now
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            link.connect(self._path)
        except OSError:
            link.close()
            return
        self.link, self._frames = link, wire.FrameReader()
        self._streams.clear()
        self._send(Hello("console"))
        for name in self._decoders:
            self._subscribe(name)

    def read(self) -> None:
        """Read from the link; handle the frames that are complete."""
        assert self.link is not None
        try:
            data = self.link.recv(_READ)
            if not data:
                self.drop()
                return
            for frame in self._frames.feed(data):
                if isinstance(frame, bytes):
                    self._take(_decoder.decode(frame))
                elif (name := self._streams.get(frame[0])) is not None:
                    seen = self._decoders[name].decode(frame[1])
                    if seen is not None:
                        self.write_result(seen)
        except (OSError, ProtocolError, msgspec.MsgspecError):
            self.drop()

    def drop(self) -> None:
        if self.link is not None:
            self.link.close()
            self.link = None

    def write_result(self, seen: Seen) -> None:
        data = msgspec.msgpack.encode(seen)
        self._out.write(len(data).to_bytes(4, "big") + data)
        self._out.flush()

    def _take(self, message: AnyMedia) -> None:
        if isinstance(message, Format) and (name := self._streams.get(message.stream)) is not None:
            self._decoders[name].set_format(message.format)

    def _subscribe(self, name: str) -> None:
        self._numbers += 1
        self._streams[self._numbers] = name
        self._send(Subscribe(self._numbers, name, "keys"))

    def _send(self, message: AnyMedia) -> None:
        if self.link is not None:
            try:
                self.link.sendall(wire.encode_json(msgspec.json.encode(message)))
            except OSError:
                self.drop()


def main(arguments: list[str]) -> int:
    """Run until standard input ends; return the exit code."""
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    av.logging.set_libav_level(av.logging.PANIC)
    watcher = Watcher(arguments[0], sys.stdout.buffer)
    source, lines, beat_s = sys.stdin.fileno(), b"", 0.0
    registered: socket.socket | None = None
    with selectors.DefaultSelector() as selector:
        selector.register(source, selectors.EVENT_READ)
        while True:
            watcher.connect()
            if registered is not watcher.link:
                if registered is not None:
                    selector.unregister(registered)
                if watcher.link is not None:
                    selector.register(watcher.link, selectors.EVENT_READ)
                registered = watcher.link
            for key, _ in selector.select(AGAIN_S if watcher.link is None else BEAT_S):
                if key.fd != source:
                    if watcher.link is registered and registered is not None:
                        watcher.read()
                    continue
                data = os.read(source, _READ)
                if not data:
                    return 0
                *whole, lines = (lines + data).split(b"\n")
                for line in whole:
                    watcher.want(msgspec.json.decode(line, type=Wanted).channels)
            now_s = now_us() / 1e6
            if now_s - beat_s >= BEAT_S:
                beat_s = now_s
                watcher.write_result(Beat(time.process_time()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
