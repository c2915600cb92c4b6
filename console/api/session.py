"""Signing in: a one-time token in, a session cookie out."""

from pathlib import Path

import msgspec
import structlog
from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response

from console.api.answers import answer, json_response
from console.auth import tokens
from console.auth.sessions import COOKIE, LIFETIME_S, Session, Sessions
from console.problems import BAD_REQUEST, BAD_TOKEN, RATE_LIMITED, Problem
from streamgate.clock import now_us, wall_s

USER = "operator"  # accounts follow; until then the one-time link is the operator's

_log = structlog.get_logger("console.sign_in")


class _TokenBody(msgspec.Struct, forbid_unknown_fields=True):
    token: str


class _NotSignedIn(Exception):  # noqa: N818  carries what to answer; it never leaves this module
    def __init__(self, problem: Problem, wait_s: int = 0) -> None:
        super().__init__(problem.code)
        self.problem, self.wait_s = problem, wait_s


class SignIn:
    """The session's routes, and `by_link` for `GET /?token=`."""

    def __init__(self, data_dir: Path, sessions: Sessions) -> None:
        self._data_dir, self._sessions, self._tries = data_dir, sessions, tokens.Tries()

    def add_to(self, app: FastAPI) -> None:
        app.add_api_route("/api/session", self.open, methods=["POST"])
        app.add_api_route("/api/session", self.show, methods=["GET"])
        app.add_api_route("/api/session", self.close, methods=["DELETE"])

    def by_link(self, request: Request, token: str) -> Response:
        """Answer somebody who opened the link: on to the page, so that the token leaves the address bar."""
        try:
            cookie, _ = self._use(request, token)
        except _NotSignedIn as error:
            return _redirect(f"/?login={error.problem.code}")
        return _with_cookie(request, _redirect("/"), cookie)

    async def open(self, request: Request) -> Response:
        try:
            token = msgspec.json.decode(await request.body(), type=_TokenBody).token
            cookie, session = self._use(request, token)
        except msgspec.MsgspecError:
            return answer(BAD_REQUEST)
        except _NotSignedIn as error:
            response = answer(error.problem)
            if error.wait_s:
                response.headers["retry-after"] = str(error.wait_s)
            return response
        return _with_cookie(request, json_response(session._asdict()), cookie)

    async def show(self, request: Request) -> Response:
        session: Session = request.scope["session"]
        return json_response(session._asdict())

    async def close(self) -> Response:
        response = json_response({"ok": True})
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return response

    def _use(self, request: Request, token: str) -> tuple[str, Session]:
        address = request.client.host if request.client is not None else ""
        now_s = now_us() / 1e6
        if wait := self._tries.wait_s(address, now_s):
            raise _NotSignedIn(RATE_LIMITED, int(wait) + 1)
        if not tokens.consume(self._data_dir, token):
            self._tries.failed(address, now_s)
            _log.warning("token_refused", address=address)
            raise _NotSignedIn(BAD_TOKEN)
        _log.info("session_opened", address=address, user=USER)
        return self._sessions.issue(USER, wall_s())


def _redirect(target: str) -> Response:
    return RedirectResponse(target, 303, headers={"cache-control": "no-store"})


def _with_cookie(request: Request, response: Response, cookie: str) -> Response:
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=LIFETIME_S,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response
