"""Peers of the ingest process in a process of their own: `python peers.py feed|flood PORT ...`.

feed PORT KEY CLIP    publishes CLIP's first pictures, then 50 sound packets a second, each holding the
                      microsecond (CLOCK_MONOTONIC) at which it was sent
flood PORT KIND KEY   sends KIND as fast as the server takes it; connects again whenever it is cut off
"""

import asyncio
import contextlib
import itertools
import socket
import sys
import time
from pathlib import Path

from ingest_tools import Publisher, flv_tags

from streamgate.core.packet import Kind
from streamgate.rtmp import amf0
from streamgate.rtmp.chunk import ChunkWriter, Type

STAMP = b"stamp:"
FEED_RATE = 50


async def feed(port, key, clip):
    async with Publisher(port, key) as publisher:
        await publisher.send_tags(list(flv_tags(Path(clip)))[:30])
        began = time.monotonic()
        for n in itertools.count():
            await asyncio.sleep(max(0, began + n / FEED_RATE - time.monotonic()))
            stamp = STAMP + b"%d" % (time.monotonic_ns() // 1000)
            await publisher.send(Kind.AUDIO, 2000 + n * 20, b"\xaf\x01" + stamp)


def handshaken(port):
    sock = socket.create_connection(("127.0.0.1", port))
    sock.settimeout(10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(b"\x03" + bytes(1536 * 2))
    while len(sock.recv(3073, socket.MSG_PEEK | socket.MSG_WAITALL)) < 3073:
        pass
    return sock


def dialogue(key):
    writer = ChunkWriter()
    data = writer.message(3, Type.COMMAND, 0, 0, amf0.encode("connect", 1, {"app": "live"}))
    data += writer.message(3, Type.COMMAND, 0, 0, amf0.encode("createStream", 2, None))
    return data + writer.message(3, Type.COMMAND, 0, 1, amf0.encode("publish", 3, None, key, "live"))


def header(csid, type_id, size, stream=1):
    return bytes((csid, 0, 0, 0)) + size.to_bytes(3, "big") + bytes((type_id,)) + stream.to_bytes(4, "little")


def tag(type_id, body):
    return bytes((type_id,)) + len(body).to_bytes(3, "big") + bytes(7) + body + bytes(4)


def aggregate(parts):
    return header(7, Type.AGGREGATE, len(parts)) + parts


_CHUNK = header(2, Type.SET_CHUNK_SIZE, 4, 0) + (65536).to_bytes(4, "big")
_NESTED = amf0.encode("x", [None] * 4000)
# What each kind sends first and then over and over.
KINDS = {
    "acks": (header(3, Type.ACK, 4, 0) + bytes(4), b"\xc3" + bytes(4)),
    "pings": (header(3, Type.USER_CONTROL, 6, 0) + b"\0\6time", b"\xc3\0\6time"),
    "empty": (header(4, Type.AUDIO, 0), b"\xc4"),
    "sounds": (header(4, Type.AUDIO, 3) + b"\xaf\1x", b"\xc4\xaf\1x"),
    "bytes": (
        header(2, Type.SET_CHUNK_SIZE, 4, 0)
        + (1).to_bytes(4, "big")
        + header(6, Type.VIDEO, 1 << 20)
        + b"\0",
        b"\xc6\0" * ((1 << 20) - 1) + header(6, Type.VIDEO, 1 << 20) + b"\0",
    ),
    "scripts": (_CHUNK, header(5, Type.DATA, len(_NESTED)) + _NESTED),
    "aggregates": (_CHUNK, aggregate(tag(8, b"\xaf\1x") * 200)),
    "commands": (_CHUNK, header(3, Type.COMMAND, len(_NESTED)) + _NESTED),
}
PUBLISHED = ("sounds", "bytes", "scripts", "aggregates", "pings", "commands", "empty")


def flood(port, kind, key):
    while True:
        with contextlib.suppress(OSError):
            if kind == "connects":
                socket.create_connection(("127.0.0.1", port)).close()
                continue
            if kind == "keys":
                with handshaken(port) as sock:
                    sock.sendall(dialogue(key))
                    while sock.recv(65536):
                        pass
                continue
            with handshaken(port) as sock:
                first, again = KINDS[kind]
                if key:
                    sock.sendall(dialogue(key))
                    time.sleep(0.3)
                sock.sendall(first)
                again *= max(1, 65536 // len(again))
                while True:
                    sock.sendall(again)


if __name__ == "__main__":
    role, port, *rest = sys.argv[1:]
    if role == "feed":
        asyncio.run(feed(int(port), *rest))
    else:
        flood(int(port), *rest)
