"""Pages that signed-in people have open: the state, and both previews of one channel each."""

import asyncio
from collections.abc import Sequence
from itertools import cycle

from tools.people import sign_in
from tools.serve import Gate
from tools.tap import Loop
from websockets.asyncio.client import ClientConnection, connect

OPEN = 20
_PER_PERSON = 4


class Pages:
    """`OPEN` pages, on `channels` in turn, each of which reads all that it is sent until `close`."""

    def __init__(self, loop: Loop, gate: Gate, channels: Sequence[str]) -> None:
        self._loop = loop
        self._sockets: list[ClientConnection] = []
        self._reading: list[asyncio.Task[None]] = []
        self.bytes = 0
        host = gate.page_url.rstrip("/").removeprefix("http://")
        watched = cycle(channels)
        for number in range(OPEN // _PER_PERSON):
            person = gate.person(f"watching{number}", "operator")
            cookie = "=".join(sign_in(f"http://{host}", person))
            for channel in [next(watched) for _ in range(_PER_PERSON)]:
                for path in ("ws", f"preview/{channel}/pvw", f"preview/{channel}/pgm"):
                    loop.run(self._open(host, path, cookie))

    async def _open(self, host: str, path: str, cookie: str) -> None:
        socket = await connect(
            f"ws://{host}/api/v1/{path}",
            origin=f"http://{host}",  # type: ignore[arg-type]
            additional_headers={"Cookie": cookie},
            max_size=None,
            ping_interval=None,
        )
        self._sockets.append(socket)
        self._reading.append(asyncio.create_task(self._read(socket)))

    async def _read(self, socket: ClientConnection) -> None:
        async for message in socket:
            self.bytes += len(message)

    @property
    def open(self) -> int:
        """How many of the websockets are still read: three a page."""
        return sum(not task.done() for task in self._reading)

    def close(self) -> None:
        async def close() -> None:
            await asyncio.gather(*(socket.close() for socket in self._sockets))

        self._loop.run(close())
