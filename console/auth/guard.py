"""What every request passes first: host name, origin, session, size; and the headers every answer carries.

An ASGI middleware, so that no route can forget any of it. A websocket that is refused is accepted and
closed with a code and a word: a browser tells a page nothing about a refused handshake.
"""

import asyncio
import contextlib
import ipaddress
import json
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.auth.principals import Principal
from console.auth.rights import is_public, is_upload
from console.auth.sessions import COOKIE, SECURE_COOKIE, Sessions
from console.problems import (
    BAD_HOST,
    BAD_ORIGIN,
    BAD_TOKEN,
    MAX_UPLOAD,
    TOO_LARGE,
    TOO_LARGE_FILE,
    TOO_SLOW,
    Problem,
)
from streamgate.runtime.origin import is_ours

MAX_BODY = 32 * 1024
BODY_S = 15.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_WILDCARD = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  recognised, not bound
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HSTS_S = 365 * 86400
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
# Styles: the component library writes style elements. blob: in media-src is Media Source Extensions.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; media-src 'self' blob:; worker-src 'self' blob:; manifest-src 'self'; "
    "connect-src 'self' {sockets}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def host_name(authority: str) -> str:
    """Return the lower-case host of `host[:port]` without brackets and the root dot; "" when malformed."""
    authority = authority.strip().lower()
    if authority.startswith("["):
        host, _, rest = authority[1:].partition("]")
        port = rest[1:] if rest.startswith(":") else ""
        if rest and not rest.startswith(":"):
            return ""
    else:
        host, _, port = authority.partition(":")
        host = host.removesuffix(".")
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789-._:")
    return host if host and set(host) <= allowed and (not port or port.isdecimal()) else ""


class HostNames:
    """The names this console answers to: loopback, the address it is bound to, and the configured ones.

    Bound to every address it answers to any literal address: DNS rebinding needs a name.
    """

    def __init__(self, bound: str, configured: Iterable[str] = ()) -> None:
        self._names = {*_LOOPBACK, bound.lower(), *(name.lower() for name in configured)} - _WILDCARD
        self._any_address = bound in _WILDCARD

    def __contains__(self, authority: object) -> bool:
        name = host_name(authority) if isinstance(authority, str) else ""
        if not name:
            return False
        if name in self._names:
            return True
        if not self._any_address:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


class Guard:
    """Checks host, origin, session or token, and declared size, in this order.

    Who acts is left in the scope as `principal`: a `Session`, a `Bearer`, or None.
    """

    def __init__(self, app: ASGIApp, *, hosts: HostNames, sessions: Sessions) -> None:
        self._app, self._hosts, self._sessions = app, hosts, sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = await self._check(scope, headers)
        if scope["type"] == "websocket":
            if problem is None:
                await self._app(scope, receive, send)
            else:
                await _close(receive, send, problem)
            return
        host = headers.get("host", "") if problem is not BAD_HOST else ""
        dressed = _Dressed(send, host, scope["path"], secure=is_secure(scope))
        if problem is not None:
            await dressed.refuse(problem)
            return
        with contextlib.suppress(ClientDisconnect):  # it left while it sent, or sent too much
            body_s = None if is_upload(scope["method"], scope["path"]) else BODY_S
            limited = _Limited(receive, dressed, *_body_limit(scope["method"], scope["path"]), body_s)
            await self._app(scope, limited.receive, dressed.send)

    async def _check(self, scope: Scope, headers: Headers) -> Problem | None:
        path: str = scope["path"]
        method: str = scope.get("method", "WEBSOCKET")
        if path == "/healthz" and method in _SAFE:
            return None
        host = headers.get("host", "")
        if host not in self._hosts:
            return BAD_HOST
        if method not in _SAFE and not is_ours(headers, host, secure=is_secure(scope)):
            return BAD_ORIGIN
        is_api = path == "/api" or path.startswith("/api/")
        principal = await self._identify(scope, headers) if is_api else None
        scope["principal"] = principal
        if is_api and principal is None and (problem := self._stranger(scope, headers, method)):
            return problem
        length = headers.get("content-length", "0")
        most, too_large = _body_limit(method, path)
        if int(length if length.isdecimal() else "0") > most:
            return too_large
        return None

    def _stranger(self, scope: Scope, headers: Headers, method: str) -> Problem | None:
        """Return what to tell somebody without a session; None where nobody needs one."""
        if headers.get("authorization") is not None:
            return BAD_TOKEN
        if is_public(method, scope["path"]):
            return None
        return self._sessions.why_not(session_cookie(scope, headers))

    async def _identify(self, scope: Scope, headers: Headers) -> Principal | None:
        """Return who asks: by the token that is given, else by the cookie."""
        authorization = headers.get("authorization")
        if authorization is None:
            return await self._sessions.read(session_cookie(scope, headers))
        kind, _, token = authorization.partition(" ")
        return await self._sessions.bearer(token.strip()) if kind.lower() == "bearer" else None


def is_secure(scope: Scope) -> bool:
    """Say whether the browser's connection is encrypted, here or at a proxy that we trust."""
    return scope.get("scheme") in {"https", "wss"}


def session_cookie(scope: Scope, headers: Headers) -> str | None:
    """Return what the session's cookie holds; the name that TLS demands counts under TLS only."""
    return cookie_parser(headers.get("cookie", "")).get(SECURE_COOKIE if is_secure(scope) else COOKIE)


def _body_limit(method: str, path: str) -> tuple[int, Problem]:
    """Return how many bytes the body of a request may have, and what is said of more."""
    return (MAX_UPLOAD, TOO_LARGE_FILE) if is_upload(method, path) else (MAX_BODY, TOO_LARGE)


async def _close(receive: Receive, send: Send, problem: Problem) -> None:
    message = await receive()
    if message["type"] == "websocket.connect":
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": problem.close_code, "reason": problem.code})


class _Dressed:
    """`send` that adds the headers, and that can answer in the application's place while nothing was sent."""

    def __init__(self, send: Send, host: str, path: str, *, secure: bool) -> None:
        self._send, self._host, self._path, self._secure = send, host, path, secure
        self.started = self._refused = False

    async def send(self, message: Message) -> None:
        if self._refused:
            return
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            sockets = f"ws://{self._host} wss://{self._host}" if self._host else ""
            headers["content-security-policy"] = _POLICY.format(sockets=sockets)
            if self._secure:
                headers["strict-transport-security"] = f"max-age={_HSTS_S}"
            if self._path.startswith("/api") or self._path == "/healthz":
                headers.setdefault("cache-control", "no-store")  # unless the route says otherwise
        await self._send(message)

    async def refuse(self, problem: Problem) -> None:
        body = json.dumps(problem.body(), ensure_ascii=False).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        if problem is TOO_SLOW:
            headers.append((b"connection", b"close"))  # what is left of the body may never end
        await self.send({"type": "http.response.start", "status": problem.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})
        self._refused = True


class _Limited:
    """`receive` that ends a body beyond `most` bytes, for those that declare no length, and one that is slow.

    `seconds`: from the request's head to the end of its body; None: whoever reads it sees to that.
    """

    def __init__(
        self, receive: Receive, dressed: _Dressed, most: int, too_large: Problem, seconds: float | None
    ) -> None:
        self._receive, self._dressed, self._most, self._too_large = receive, dressed, most, too_large
        self._size = 0
        self._until = None if seconds is None else asyncio.get_running_loop().time() + seconds

    async def receive(self) -> Message:
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            return await self._end(TOO_SLOW)
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            if self._size > self._most:
                return await self._end(self._too_large)
            if not message.get("more_body", False):
                self._until = None
        return message

    async def _end(self, problem: Problem) -> Message:
        if not self._dressed.started:
            await self._dressed.refuse(problem)
        return {"type": "http.disconnect"}
