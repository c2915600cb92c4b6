"""Answers of the API: the base of its models, problems in their one form, and what every request is given."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.websockets import WebSocket

from console.archive.parts import Archive
from console.archive.playback import Playback
from console.audit.audit import Audit
from console.audit.happenings import Happenings
from console.auth.guard import is_secure
from console.auth.own_account import OwnAccount
from console.auth.passwords import PasswordRefused
from console.auth.people import People
from console.auth.principals import Principal, Session
from console.auth.sessions import COOKIE, SECURE_COOKIE, Sessions
from console.auth.sign_in import SignIn
from console.duty.parts import DutyParts
from console.incidents.desk import Incidents
from console.live.conveyor import Conveyor
from console.live.gate_link import GateLink
from console.live.hub import Hub
from console.live.reactions import Reactions
from console.problems import (
    BAD_REQUEST,
    FAILED,
    FORBIDDEN,
    NOT_FOUND,
    Problem,
    Refused,
    database_away,
    rule,
    unreadable,
    weak_password,
)
from console.review.parts import Review
from console.setup.parts import Setup
from streamgate import errors
from streamgate.clock import wall_s

_log = structlog.get_logger("console.answers")


class Model(BaseModel):
    """Base of every body: no type is converted, nothing unknown is passed over."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ProblemBody(Model):
    """Body of every error. `code` is stable; the sentences are fit to be shown.

    `why`: of a session that is over, how it ended: idle, expired, disabled, reset, password, factor,
    elsewhere, ended. Left out when there was none.
    """

    code: str
    error: str
    error_zh: str
    why: str = ""


class Parts(NamedTuple):
    """What the routes work with. `static`: the folder of the built page."""

    gate: GateLink
    hub: Hub
    sessions: Sessions
    sign_in: SignIn
    own: OwnAccount
    people: People
    static: Path
    data_dir: Path
    setup: Setup
    audit: Audit
    happenings: Happenings
    review: Review
    playback: Playback
    incidents: Incidents
    archive: Archive
    conveyor: Conveyor
    reactions: Reactions
    duty: DutyParts


async def _parts(connection: HTTPConnection) -> Parts:
    parts: Parts = connection.app.state.parts
    return parts


async def _principal(connection: HTTPConnection) -> Principal:
    principal: Principal = connection.scope["principal"]
    return principal


async def _session(connection: HTTPConnection) -> Session:
    principal = connection.scope["principal"]
    if not isinstance(principal, Session):
        raise Refused(FORBIDDEN)
    if connection.scope["method"] not in {"GET", "HEAD"}:
        principal.touch(wall_s())
    return principal


GetParts = Annotated[Parts, Depends(_parts)]
# Of routes that need one: `authorize` has seen to it.
GetPrincipal = Annotated[Principal, Depends(_principal)]
GetSession = Annotated[Session, Depends(_session)]


def client_address(request: HTTPConnection) -> str:
    return request.client.host if request.client is not None else ""


def set_cookie(request: HTTPConnection, response: Response, cookie: str) -> None:
    """Give the browser its session until it is closed: there is no "remember me"."""
    secure = is_secure(request.scope)
    response.set_cookie(
        SECURE_COOKIE if secure else COOKIE, cookie, path="/", secure=secure, httponly=True, samesite="strict"
    )


def delete_cookie(request: HTTPConnection, response: Response) -> None:
    secure = is_secure(request.scope)
    response.delete_cookie(
        SECURE_COOKIE if secure else COOKIE, path="/", secure=secure, httponly=True, samesite="strict"
    )


_PROBLEM = {"application/json": {"schema": {"$ref": f"#/components/schemas/{ProblemBody.__name__}"}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what a route says of its errors in the OpenAPI document.

    By reference: FastAPI would build a validator for the body of each status of each route.
    """
    return {status: {"content": _PROBLEM} for status in statuses}


class Nothing(Model):
    """No details: an empty object, or no body."""


EMPTY_BODY = {
    "requestBody": {
        "content": {"application/json": {"schema": Nothing.model_json_schema()}},
        "required": False,
    }
}
EVERYWHERE = problems(401, 403, 408, 413, 421, 500)  # what the guard, `authorize` or a fault may answer


def json_response(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")


def answer(problem: Problem, wait_s: int = 0, more: Mapping[str, Any] | None = None) -> Response:
    headers = {"retry-after": str(wait_s)} if wait_s else None
    return json_response({**problem.body(), **(more or {})}, problem.status, headers)


def add_error_answers(app: FastAPI) -> None:
    """Give every error the same form, those of the framework too."""

    @app.exception_handler(Refused)
    async def refused(connection: Request | WebSocket, error: Refused) -> Response | None:
        if isinstance(connection, Request):
            return answer(error.problem, error.wait_s, error.more)
        await connection.accept()  # a browser tells a page nothing about a refused handshake
        await connection.close(error.problem.close_code, error.problem.code)
        return None

    @app.exception_handler(PasswordRefused)
    async def weak(_: Request, error: PasswordRefused) -> Response:
        return answer(weak_password(str(error), error.zh))

    @app.exception_handler(errors.Refused)
    async def against_a_rule(_: Request, error: errors.Refused) -> Response:
        return answer(rule(str(error), error.zh))

    @app.exception_handler(errors.StoreConflictError)
    async def conflict(_: Request, error: errors.StoreConflictError) -> Response:
        return answer(rule(str(error), error.zh))

    @app.exception_handler(errors.StoreError)
    async def no_database(_: Request, error: errors.StoreError) -> Response:
        return answer(database_away(str(error), error.zh))

    @app.exception_handler(HTTPException)
    async def framework_refused(_: Request, error: HTTPException) -> Response:
        known = NOT_FOUND if error.status_code in {404, 405} else BAD_REQUEST
        return json_response(known.body(), error.status_code)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return answer(unreadable(first_reason(error.errors())))

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        # The route, not the address: that of a one-time link opens an account.
        route = getattr(request.scope.get("route"), "path", "")
        _log.error("request_failed", path=route, exc_info=error)
        return answer(FAILED)


def first_reason(errors: Any) -> str:
    """Return the first of pydantic's reasons: where, and what is wrong there."""
    first = errors[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    return f"{where}: {first['msg']}" if where else str(first["msg"])
