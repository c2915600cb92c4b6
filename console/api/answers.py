"""JSON answers of the console, problems included."""

from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.problems import BAD_REQUEST, FAILED, NOT_FOUND, Problem

_log = structlog.get_logger("console.answers")


def json_response(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def answer(problem: Problem) -> Response:
    return json_response(problem.body(), problem.status)


def add_error_answers(app: FastAPI) -> None:
    """Give what the framework itself refuses the same form as every other error."""

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        known = NOT_FOUND if error.status_code in {404, 405} else BAD_REQUEST
        return json_response(known.body(), error.status_code)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, __: RequestValidationError) -> Response:
        return answer(BAD_REQUEST)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        _log.error("request_failed", path=request.url.path, exc_info=error)
        return answer(FAILED)
