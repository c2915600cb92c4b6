"""The console's routes. Everything they need is handed in; nothing here reads the environment."""

import shlex
import sys
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from fastapi import FastAPI, Request, WebSocket
from starlette.responses import Response

from console import pages
from console.api.answers import add_error_answers, answer, json_response
from console.api.session import SignIn
from console.auth.guard import Guard, HostNames
from console.auth.sessions import Session, Sessions
from console.live.commands import COMMANDS, BadCommand, Details, to_request
from console.live.gate_link import GateLink, GateProblem
from console.live.hub import Hub, actor, note
from console.live.preview import Preview
from console.problems import BAD_REQUEST, NOT_FOUND

STATIC = Path(__file__).parent / "static"


class Parts(NamedTuple):
    """What the routes work with."""

    data_dir: Path
    gate: GateLink
    preview: Preview
    sessions: Sessions
    hosts: HostNames
    static: Path = STATIC


def create_app(parts: Parts) -> FastAPI:
    """Return the ASGI application; its links (`gate`, `preview`) are run by whoever made them."""
    app = FastAPI(title="streamgate console", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard, hosts=parts.hosts, sessions=parts.sessions)
    add_error_answers(app)
    sign_in = SignIn(parts.data_dir, parts.sessions)
    sign_in.add_to(app)
    _Routes(parts, sign_in).add_to(app)
    app.mount("/", pages.Built(parts.static))
    return app


class _Routes:
    """The page, state, commands and pictures."""

    def __init__(self, parts: Parts, sign_in: SignIn) -> None:
        self._gate, self._static, self._sign_in = parts.gate, parts.static, sign_in
        self._hub = Hub(parts.gate, parts.preview, _command(parts.data_dir))

    def add_to(self, app: FastAPI) -> None:
        app.add_api_route("/", self.home, methods=["GET"])
        app.add_api_route("/healthz", self.healthz, methods=["GET"])
        app.add_api_route("/api/state", self.state, methods=["GET"])
        app.add_api_route("/api/channels/{channel}/{command}", self.command, methods=["POST"])
        app.add_api_websocket_route("/api/ws", self._hub.page)
        app.add_api_websocket_route("/api/preview/{channel}/pvw", self.preview)
        app.add_api_websocket_route("/api/preview/{channel}/pgm", self.program)
        app.add_api_websocket_route("/{path:path}", self.nothing)

    async def home(self, request: Request, token: str | None = None) -> Response:
        return pages.index(self._static) if token is None else self._sign_in.by_link(request, token)

    async def healthz(self) -> Response:
        """200 when console, gate and ingest are up, else 503; what is known of ingest the gate says."""
        gate = await self._gate.probe()
        up = {"console": True, "gate": gate, "ingest": gate and self._gate.ingest_up}
        down = [name for name, alive in up.items() if not alive]
        body: dict[str, Any] = {"ok": not down, **up, "down": down}
        if not gate:
            body["error"] = "gate is not up; without it nothing is known of ingest"
            body["error_zh"] = "播出进程（gate）未运行；此时无法得知接入进程（ingest）的状态"
        elif down:
            body["error"] = "ingest is not up"
            body["error_zh"] = "接入进程（ingest）未运行"
        return json_response(body, 503 if down else 200)

    async def state(self) -> Response:
        return json_response(self._hub.snapshot())

    async def command(self, request: Request, channel: str, command: str) -> Response:
        session: Session = request.scope["session"]
        body = await request.body()
        if command not in COMMANDS:
            return answer(NOT_FOUND)
        try:
            details = msgspec.json.decode(body, type=Details) if body.strip() else Details()
            wanted = to_request(command, channel, details.seconds, details.clip)
            reply = await self._gate.command(wanted, actor(session))
        except msgspec.MsgspecError as error:
            return answer(BAD_REQUEST._replace(error=f"{BAD_REQUEST.error} {error}"))
        except (BadCommand, GateProblem) as error:
            note(session, command, channel, error.problem)
            return answer(error.problem)
        note(session, command, channel)
        return json_response({"channel": channel, "state": reply.state, "took_ms": reply.took_ms})

    async def preview(self, websocket: WebSocket, channel: str) -> None:
        await self._hub.feed(websocket, channel, "pvw")

    async def program(self, websocket: WebSocket, channel: str) -> None:
        await self._hub.feed(websocket, channel, "pgm")

    async def nothing(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close(NOT_FOUND.close_code, NOT_FOUND.code)


def _command(data_dir: Path) -> str:
    """Return how to call the command line for this data directory from any shell on this machine."""
    program = Path(sys.prefix) / "bin" / "streamgate"
    called = str(program) if program.exists() else f"{sys.executable} -m streamgate"
    return f"{called} --data-dir {shlex.quote(str(data_dir))}"
