"""A TCP proxy on loopback that notes when every RTMP message went by, and that can play a bad network."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tools.rtmpwire import Message, Reader
from tools.timecode import payload_hash

T = TypeVar("T")


class Loop:
    """An event loop on its own thread, shared by the taps of a scenario."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="taps", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@dataclass
class Connection:
    """One connection through the tap: what the client sent."""

    opened_s: float
    closed_s: float | None = None
    key: str = ""
    bytes: int = 0
    messages: list[Message] = field(default_factory=list)
    broken: str = ""  # why reading it failed; forwarding goes on


class Tap:
    """Listens on `port`, forwards to 127.0.0.1:`target`.

    `port`: where to connect to; chosen by the system. `refusing`: new connections are closed at once.
    `hash_picture`: see `rtmpwire.Reader`.
    `source`: the address to forward from, so that many encoders need not look like one machine.
    """

    def __init__(
        self,
        loop: Loop,
        target: int,
        source: str = "127.0.0.1",
        hash_picture: Callable[[bytes], str] = payload_hash,
    ) -> None:
        self._loop = loop
        self._hash_picture = hash_picture
        self.target = target
        self._source = source
        self.refusing = False
        self.connections: list[Connection] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = loop.run(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20))
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def messages(self) -> list[Message]:
        """Return the messages of all connections in the order they were read."""
        return [message for connection in self.connections for message in connection.messages]

    def of(self, *kinds: str) -> list[Message]:
        return [message for message in self.messages if message.kind in kinds]

    def hang_up(self) -> None:
        """Reset every connection, as a dead network does."""

        async def abort() -> None:
            for writer in list(self._writers):
                writer.transport.abort()

        self._loop.run(abort())

    def close(self) -> None:
        async def stop() -> None:
            self._server.close()
            for writer in list(self._writers):
                writer.transport.abort()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

        self._loop.run(stop())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        connection = None
        try:
            if self.refusing:
                return
            up_reader, up_writer = await asyncio.open_connection(
                "127.0.0.1", self.target, limit=1 << 20, local_addr=(self._source, 0)
            )
            self._writers.add(up_writer)
            connection = Connection(time.monotonic())
            self.connections.append(connection)
            try:
                back = asyncio.create_task(self._back(up_reader, writer))
                try:
                    await self._forth(reader, up_writer, connection)
                finally:
                    up_writer.close()
                    await asyncio.wait([back], timeout=2)
                    back.cancel()
            finally:
                self._writers.discard(up_writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            if connection is not None:
                connection.closed_s = time.monotonic()
            writer.close()
            self._writers.discard(writer)
            self._tasks.discard(task)

    async def _forth(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: Connection
    ) -> None:
        wire = Reader(self._hash_picture)
        while data := await reader.read(1 << 18):
            now_s = time.monotonic()
            connection.bytes += len(data)
            writer.write(data)
            if not connection.broken:
                try:
                    connection.messages += wire.feed(data, now_s)
                    connection.key = wire.key
                except (ValueError, IndexError) as error:
                    connection.broken = repr(error)
            await writer.drain()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        # the platform hung up: so does the tap
        with contextlib.suppress(OSError):
            writer.close()
