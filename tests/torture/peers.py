"""Bad destinations beside the good one, strangers at the RTMP port, and an observer of the observer."""

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable

from tools.nginx import free_port
from tools.tap import Connection, Loop, Tap

STRANGER = "127.0.0.9"  # his address; the encoder's is 127.0.0.1
_HANDSHAKE = b"\x03" + bytes(1536)
_PING = b"\x02\x00\x00\x00\x00\x00\x06\x04\x00\x00\x00\x00\x00\x06\x00\x00\x00\x00"  # RTMP 7.1.7, event 6


class BadPlatform(Tap):
    """A platform that can flood ping requests (`pinging`) or stop reading (`deaf`)."""

    pinging = False
    deaf = False

    async def _forth(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: Connection
    ) -> None:
        while not self.deaf and (data := await reader.read(1 << 16)):
            writer.write(data)
            await writer.drain()
            while self.deaf:
                await asyncio.sleep(0.05)

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flooding = asyncio.ensure_future(self._flood(writer))
        try:
            await super()._back(reader, writer)
        finally:
            flooding.cancel()

    async def _flood(self, writer: asyncio.StreamWriter) -> None:
        block = _PING * 3640  # 64 KiB
        with contextlib.suppress(OSError):
            while True:
                if not self.pinging:
                    await asyncio.sleep(0.02)
                    continue
                writer.write(block)
                await writer.drain()
                await asyncio.sleep(len(block) / 20e6)


class Listener:
    """Takes connections and says nothing; `hang_up`: closes them at once."""

    def __init__(self, *, hang_up: bool) -> None:
        self._hang_up = hang_up
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._held: list[socket.socket] = []
        threading.Thread(target=self._serve, name="listener", daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                taken, _ = self._socket.accept()
                if self._hang_up:
                    taken.close()
                else:
                    self._held.append(taken)

    def close(self) -> None:
        self._socket.close()
        for held in self._held:
            held.close()


class BadPlatforms:
    """The bad destinations of a round by name. `urls` are what the channel pushes to."""

    def __init__(self, names: tuple[str, ...], loop: Loop, platform: int) -> None:
        self.taps: dict[str, BadPlatform] = {}
        self._listeners: list[Listener] = []
        self.urls: list[str] = []
        for name in names:
            host = "no-such-host.invalid" if name == "unresolvable" else "127.0.0.1"
            self.urls.append(f"{name}=rtmp://{host}:{self._port(name, loop, platform)}/live/{name}")

    def _port(self, name: str, loop: Loop, platform: int) -> int:
        match name:
            case "pinging" | "deaf":
                self.taps[name] = BadPlatform(loop, platform)
                return self.taps[name].port
            case "silent" | "closing":
                self._listeners.append(Listener(hang_up=name == "closing"))
                return self._listeners[-1].port
            case _:
                return free_port()

    def act(self, name: str, seconds: float) -> None:
        """Flood pings, or stop reading, for so long."""
        tap = self.taps[name]
        setattr(tap, name, True)
        time.sleep(seconds)
        setattr(tap, name, False)

    def close(self) -> None:
        for tap in self.taps.values():
            tap.close()
        for listener in self._listeners:
            listener.close()


# ------------------------------------------------------------ strangers


def flood(kind: str, port: int, seconds: float) -> None:
    """Be a stranger at the RTMP port for so long."""
    act: Callable[[int, float], None] = {
        "acknowledgements": _acknowledge,
        "connects": _connect,
        "wrong keys": lambda port, end_s: _try_keys(port, end_s, STRANGER),
        "wrong keys beside the encoder": lambda port, end_s: _try_keys(port, end_s, "127.0.0.1"),
    }[kind]
    act(port, time.monotonic() + seconds)


def _reach(port: int, source: str = STRANGER) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 1, source_address=(source, 0))


def _acknowledge(port: int, end_s: float) -> None:
    """Send acknowledgements as type 3 chunks of 5 bytes at 2 MB/s (RTMP 5.3.1.2.4, 5.4.3)."""
    opening = _HANDSHAKE + bytes(1536) + b"\x02\x00\x00\x00\x00\x00\x04\x03\x00\x00\x00\x00" + bytes(4)
    block = b"\xc2\x00\x00\x00\x00" * 8000
    while time.monotonic() < end_s:
        with contextlib.suppress(OSError), _reach(port) as one:
            one.sendall(opening)
            while time.monotonic() < end_s:
                one.sendall(block)
                time.sleep(len(block) / 2e6)
        time.sleep(0.05)


def _connect(port: int, end_s: float) -> None:
    """Open connections, 100 a second and at most 300 at a time, and say nothing."""
    held: list[socket.socket] = []
    try:
        while time.monotonic() < end_s:
            with contextlib.suppress(OSError):
                held.append(_reach(port))
            if len(held) > 300:
                held.pop(0).close()
            time.sleep(0.01)
    finally:
        for one in held:
            one.close()


def _try_keys(port: int, end_s: float, source: str) -> None:
    """Publish with wrong keys, five times a second, from `source`."""
    number = 0
    while time.monotonic() < end_s:
        number += 1
        with (
            contextlib.suppress(OSError),
            _reach(port, source) as one,
        ):
            one.sendall(_HANDSHAKE + bytes(1536))
            one.sendall(
                _command(
                    3, 0, _text("connect") + _number(1) + b"\x03" + _key("app") + _text("live") + b"\0\0\x09"
                )
            )
            one.sendall(_command(3, 0, _text("createStream") + _number(2) + b"\x05"))
            key = f"wrong-key-{number}"
            one.sendall(_command(8, 1, _text("publish") + _number(3) + b"\x05" + _text(key) + _text("live")))
            one.settimeout(1)
            while one.recv(65536):
                pass
        time.sleep(0.2)


def _command(channel: int, stream: int, body: bytes) -> bytes:
    """Return a command message in AMF 0 as chunks of 128 bytes."""
    head = (
        bytes((channel,)) + bytes(3) + len(body).to_bytes(3, "big") + b"\x14" + stream.to_bytes(4, "little")
    )
    pieces = [body[at : at + 128] for at in range(0, len(body), 128)]
    return head + bytes((0xC0 | channel,)).join(pieces)


def _key(name: str) -> bytes:
    return len(name).to_bytes(2, "big") + name.encode()


def _text(value: str) -> bytes:
    return b"\x02" + _key(value)


def _number(value: float) -> bytes:
    return b"\x00" + struct.pack(">d", value)


# ------------------------------------------------------------ who watches the watcher


class Canary:
    """Notes when this process itself did not get to run: what the taps saw then is late by as much."""

    STEP_S = 0.02
    LATE_S = 0.06

    def __init__(self, loop: Loop) -> None:
        self.lags: list[tuple[float, float]] = []
        self._stop = False
        loop.run(self._begin())

    async def _begin(self) -> None:
        self._task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        while not self._stop:
            before_s = time.monotonic()
            await asyncio.sleep(self.STEP_S)
            now_s = time.monotonic()
            if now_s - before_s > self.STEP_S + self.LATE_S:
                self.lags.append((before_s + self.STEP_S, now_s))

    def close(self) -> None:
        self._stop = True
