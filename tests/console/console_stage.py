"""A stand-in gate, a real console on a free port, with stand-in comments and clients that are signed in."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from tools.databases import make_database
from tools.people import Person, add_person
from tools.standin_channel import DevChannel
from tools.standin_comments import DevComments
from tools.standin_gate import DevGate
from tools.testfeed import Feed
from websockets.asyncio.client import ClientConnection, connect

from console.service import run
from streamgate.store.location import locate

EVERYTHING = ("administrator", "director")


class Stage:
    def __init__(self, data_dir: Path, feed: Feed, filler: Feed, static: Path) -> None:
        self.data_dir, self.static = data_dir, static
        self.channel = DevChannel("main", feed, filler, delay_s=0.5)
        self.gate = DevGate(data_dir / "run", [self.channel])
        self.comments = DevComments(data_dir / "run")
        self.port = 0
        self.cookie = ""
        self.database = locate("sqlite", data_dir)
        self.people: dict[str, Person] = {}
        data_dir.mkdir(parents=True, exist_ok=True)
        make_database(self.database)

    @contextlib.asynccontextmanager
    async def console(self, *, comments: bool = True, **options: Any) -> AsyncIterator[None]:
        """Run a console, and stand-in comments before it unless the test sees to comments itself."""
        beside = self.comments.running() if comments else contextlib.nullcontext()
        async with beside, self._console(**options):
            yield

    @contextlib.asynccontextmanager
    async def _console(self, **options: Any) -> AsyncIterator[None]:
        stop, started = asyncio.Event(), asyncio.Event()

        def ready(port: int) -> None:
            self.port = port
            started.set()

        serving = asyncio.ensure_future(
            run(
                host=options.pop("host", "127.0.0.1"),
                port=0,
                data_dir=self.data_dir,
                database=self.database,
                control_socket=self.data_dir / "run" / "gate.sock",
                media_socket=self.data_dir / "run" / "media.sock",
                stop=stop,
                static=self.static,
                ready=ready,
                **{"stills": False, **options},
            )
        )
        try:
            async with asyncio.timeout(5):
                await started.wait()
            yield
        finally:
            stop.set()
            async with asyncio.timeout(5):
                await serving

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, *, signed_in: bool = True) -> httpx.AsyncClient:
        headers = {"cookie": self.cookie} if signed_in else {}
        return httpx.AsyncClient(
            base_url=self.url, headers=headers, trust_env=False, verify=False, timeout=30
        )

    async def person(self, name: str, *roles: str, **options: Any) -> Person:
        """Return somebody of this name, made with these roles at the first call."""
        if name not in self.people:
            self.people[name] = await asyncio.to_thread(
                add_person, self.database, name, roles or EVERYTHING, **options
            )
        return self.people[name]

    async def sign_in(self, name: str = "operator", *roles: str) -> str:
        """Sign somebody in; the cookie is kept for `client` and `socket`, and returned."""
        person = await self.person(name, *roles)
        async with self.client(signed_in=False) as client:
            response = await client.post("/api/v1/session", json=person.credentials())
        assert response.status_code == 200, response.text
        self.cookie = response.headers["set-cookie"].partition(";")[0]
        return self.cookie

    def socket(self, path: str = "/api/v1/ws", **options: Any) -> connect:
        headers = {"cookie": self.cookie} if self.cookie else {}
        headers |= options.pop("headers", {})
        return connect(
            f"ws://{options.pop('name', '127.0.0.1')}:{self.port}{path}",
            **({} if "sock" in options else {"host": "127.0.0.1"}),
            additional_headers=headers,
            compression=options.pop("compression", None),
            max_size=64 * 1024 * 1024,
            proxy=None,
            **options,
        )

    async def until_gate_is_up(self) -> None:
        """Wait until the console has found the gate: a command before that is refused."""
        async with self.client() as client, asyncio.timeout(5):
            while not (await client.get("/api/v1/state")).json()["gate"]["up"]:
                await asyncio.sleep(0.01)

    async def until(self, condition: Any, timeout_s: float = 5.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.01)


async def receive(
    socket: ClientConnection, kind: str, timeout_s: float = 5.0, **wanted: Any
) -> dict[str, Any]:
    """Return the next message of this kind whose fields are as wanted; others are passed over."""
    async with asyncio.timeout(timeout_s):
        while True:
            message = json.loads(await socket.recv())
            if message["t"] == kind and all(message.get(key) == value for key, value in wanted.items()):
                return message
