"""A platform in a process of its own that takes the stream and then floods.

`python flooding_platform.py KIND` prints its port, then one line per connection.
"""

import contextlib
import socket
import sys

from streamgate.rtmp import amf0
from streamgate.rtmp.chunk import ChunkWriter, Type
from streamgate.rtmp.server import OUT_CHUNK_SIZE, PublishRequested, ServerSession

PING = bytes((2, 0, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0)) + b"\0\6time"


def command(*values):
    writer = ChunkWriter()
    writer.chunk_size = OUT_CHUNK_SIZE
    return writer.message(3, Type.COMMAND, 0, 0, amf0.encode(*values))


FLOODS = {
    "pings": (PING, b"\xc2\0\6time"),
    "empty": (bytes((2, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0)), b"\xc2"),
    "values": (b"", command("onStatus", 0, [None] * 4000)),
    "answers": (b"", command("_result", 1, None)),
}


def serve(sock, first, again):
    session = ServerSession()
    while data := sock.recv(65536):
        events = session.receive(data)
        accepted = any(isinstance(event, PublishRequested) for event in events)
        session.accept_publish()
        sock.sendall(session.data_to_send())
        if accepted:
            sock.sendall(first)
            while True:
                sock.sendall(again * (65536 // len(again)))


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        sock, _ = listener.accept()
        print("connected", flush=True)
        with sock, contextlib.suppress(OSError):
            serve(sock, *FLOODS[sys.argv[1]])


if __name__ == "__main__":
    main()
