"""Adds the common headers to every response of the public address."""

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moderation.public.answers import Header, header

_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
]
_SAME_ORIGIN = (b"cross-origin-resource-policy", b"same-origin")
_CROSS_ORIGIN = [(b"cross-origin-resource-policy", b"cross-origin"), (b"access-control-allow-origin", b"*")]
_DEFAULT_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


def add_common_headers(headers: Iterable[Header], *, cross_origin: bool = False) -> list[Header]:
    """Return the headers with the common ones. `cross_origin`: pages of other sites may read the response."""
    found = [*headers, *_HEADERS, *(_CROSS_ORIGIN if cross_origin else (_SAME_ORIGIN,))]
    if header(found, b"content-security-policy") is None:
        found.append(_DEFAULT_POLICY)
    return found


class CommonHeaders:
    """Middleware that adds the common headers. Pages of other sites may read only the published feed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        cross_origin = scope["path"].endswith("/published")

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {
                    **message,
                    "headers": add_common_headers(message.get("headers", ()), cross_origin=cross_origin),
                }
            await send(message)

        await self._app(scope, receive, with_headers)
