"""The recorder: writes the ledger's record of every request that decides something or is refused.

The outermost middleware, so that no route can be forgotten and what the guard refuses is seen, too. A record
is handed to the ledger before the answer goes out: what somebody was answered is not lost when this process
is killed.
"""

import asyncio
import contextlib
from typing import Any

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.auth.decisions import (
    CHANGING,
    COMMAND_NAMES,
    DECISIONS,
    find_route,
    keeps_body,
    read_args,
    told_of,
)
from console.auth.guard import MAX_BODY
from console.auth.rights import ROUTES, WEBSOCKET
from console.ledger import Ledger, person
from console.trace import Trace, begin
from streamgate.clock import now_us
from streamgate.ledger.record import Decision, Refusal, SignIn

MAX_ANSWER = 64 * 1024
BODY_S = 1.0  # of a request that is refused
_UNAUTHORIZED, _BAD_REQUEST = 401, 400
_REFUSALS = frozenset({401, 403, 421, 429})  # who asks may not, whatever was asked
_CLOSED = frozenset(
    {"forbidden", "bad_host", "bad_origin", "bad_token", "password_expired", "totp_setup", "session_idle"}
)
"""Codes with which a websocket is refused to somebody; a session that is over is none."""


class Recorder:
    """See the module."""

    def __init__(self, app: ASGIApp, *, ledger: Ledger) -> None:
        self._app, self._ledger = app, ledger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, _Handshake(scope, send, self._ledger).send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        with begin(scope) as trace:
            exchange = _Exchange(scope, trace, receive, send, self._ledger)
            try:
                await self._app(scope, exchange.receive, exchange.send)
            except BaseException:
                exchange.record(500, b'{"code":"failed","error":"The console failed at this request."}')
                raise
            exchange.record(_BAD_REQUEST, b'{"code":"broken_off","error":"The request broke off."}')


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, trace: Trace, receive: Receive, send: Send, ledger: Ledger) -> None:
        self._scope, self._trace, self._ledger = scope, trace, ledger
        self._receive, self._send = receive, send
        self._began_us = now_us()
        self._method: str = scope["method"]
        self._route, self._params = find_route(self._method, scope["path"])
        self._keeps = keeps_body(self._method, self._route, scope["path"])
        self._body = bytearray()
        self._whole = False  # the body was received to its end
        self._start: Message | None = None  # held back until the code of the problem is known
        self._answer = bytearray()
        self._recorded = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] != "http.request":
            self._whole = True  # nothing more comes
        elif self._keeps:
            if len(self._body) <= MAX_BODY:
                self._body += message.get("body", b"")
            self._whole = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if message["status"] >= _BAD_REQUEST:
                self._start = message
                return
            self.record(message["status"], b"")
        elif self._start is not None:
            self._answer += message.get("body", b"")
            if message.get("more_body", False) and len(self._answer) < MAX_ANSWER:
                return
            start, self._start = self._start, None
            await self._read_rest()
            self.record(start["status"], bytes(self._answer))
            await self._send(start)
            message = {**message, "body": bytes(self._answer)}
        await self._send(message)

    async def _read_rest(self) -> None:
        """Receive what somebody who is known asked for: who may not is refused before the body is read."""
        if self._keeps and self._scope.get("principal") is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BODY_S):
                    while not self._whole and len(self._body) <= MAX_BODY:
                        await self.receive()

    def record(self, status: int, answer: bytes) -> None:
        """Write the record, once; nothing where nothing was decided or refused."""
        if self._recorded:
            return
        self._recorded = True
        decides = (self._method, self._route) in DECISIONS or (
            self._method in CHANGING and (self._method, self._route) in ROUTES
        )
        trace, told = self._trace, told_of(self._method, self._route)
        said = _problem(answer) if status >= _BAD_REQUEST else _Said("ok")
        code = said.code
        if trace.signs_in:
            self._sign_in(said)
        elif status in _REFUSALS and self._is_told(code, decides=decides):
            self._refusal(told.what, said, decides=decides)
        elif not decides:
            return
        elif told.what in COMMAND_NAMES:
            if code != "ok" and not trace.by_gate:
                self._refusal(told.what, said, decides=True)
        elif status not in _REFUSALS:
            self._decision(told.what, _Said("stored", trace.late) if code == "ok" and trace.late else said)

    def _is_told(self, code: str, *, decides: bool) -> bool:
        """Say whether a refusal is one. Who has no session and only looks is shown the page to sign in."""
        return code != "no_session" or decides

    def _sign_in(self, said: "_Said") -> None:
        trace, answer = self._trace, self._trace.result or said.code
        record = SignIn(**self._person(), answer=answer, factors=trace.factors)
        record.error, record.error_zh = said.error, said.error_zh
        record.latency_ms = self._latency_ms()
        if said.code == "ok":
            self._ledger.write(record)
        else:
            self._ledger.refuse(record)

    def _refusal(self, what: str, said: "_Said", *, decides: bool) -> None:
        channel, reason, args = self._arguments(said.code)
        right = ROUTES.get((self._method, self._route), "")
        record = Refusal(**self._person(), channel=channel, what=what, args=args, reason=reason)
        record.right, record.answer = str(right), said.code
        record.error, record.error_zh = said.error, said.error_zh
        record.latency_ms = self._latency_ms()
        if record.who and decides:
            self._ledger.write(record)
        else:
            self._ledger.refuse(record)

    def _decision(self, what: str, said: "_Said") -> None:
        channel, reason, args = self._arguments(said.code)
        record = Decision(**self._person(), channel=channel, what=what, args=args, reason=reason)
        done = said.code in {"ok", "stored"}
        record.changes, record.answer = self._trace.changes if done else [], said.code
        record.error, record.error_zh = said.error, said.error_zh
        record.latency_ms = self._latency_ms()
        if record.who or done:
            self._ledger.write(record)
        else:
            self._ledger.refuse(record)

    def _person(self) -> dict[str, Any]:
        known, trace = person(self._scope), self._trace
        if trace.signs_in or trace.who:
            known |= {"who": trace.who, "role": trace.role, "session": trace.session}
        return known

    def _arguments(self, code: str) -> tuple[str, str, dict[str, Any]]:
        """Return channel, reason and the other arguments.

        None of somebody who is not known: a stranger writes nothing into the ledger but an address; and of a
        body that is not understood only what stands in the path.
        """
        if not self._person()["who"]:
            return "", "", {}
        told = told_of(self._method, self._route)
        args = read_args(told, self._params, b"" if code == "bad_request" else bytes(self._body))
        args |= self._trace.args
        channel = str(self._trace.channel or args.get("channel", ""))
        if args.get("channel") == channel:
            del args["channel"]
        return channel, str(args.pop("reason", "")), args

    def _latency_ms(self) -> float:
        return round((now_us() - self._began_us) / 1000, 3)


class _Handshake:
    """The messages to a page's websocket: whether its first one is that it may not."""

    def __init__(self, scope: Scope, send: Send, ledger: Ledger) -> None:
        self._scope, self._send, self._ledger = scope, send, ledger
        self._settled = False

    async def send(self, message: Message) -> None:
        if not self._settled and message["type"] != "websocket.accept":
            self._settled = True
            if message["type"] == "websocket.close" and message.get("reason") in _CLOSED:
                self._refuse(str(message["reason"]))
        await self._send(message)

    def _refuse(self, code: str) -> None:
        route, params = find_route(WEBSOCKET, self._scope["path"])
        self._ledger.refuse(
            Refusal(
                **person(self._scope),
                channel=params.get("channel", ""),
                what=f"{WEBSOCKET} {route}".strip(),
                right=str(ROUTES.get((WEBSOCKET, route), "")),
                answer=code,
            )
        )


class _Said(msgspec.Struct):
    """A problem as it was answered."""

    code: str = ""
    error: str = ""
    error_zh: str = ""


def _problem(answer: bytes) -> _Said:
    """Return the problem of an answer; one in another form is a fault of ours."""
    try:
        said = msgspec.json.decode(answer, type=_Said)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Said("failed")
    said.code = said.code or "failed"
    return said
