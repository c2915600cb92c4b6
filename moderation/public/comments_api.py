"""The route POST comments, for sources (with a key) and for viewers (with the watch page's cookie)."""

from typing import Any

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Receive, Scope, Send

from moderation.public.answers import header, read_body, send_json, send_problem
from moderation.public.channels import KnownChannels
from moderation.public.comment_body import read_viewer_comment
from moderation.public.intake import Answer, Intake
from moderation.public.problems import (
    BAD_KEY,
    BAD_METHOD,
    BAD_ORIGIN,
    BUSY,
    NO_VIEWER,
    RequestRefused,
)
from moderation.public.rates import address_of
from moderation.public.source_keys import SourceKeys, bearer_key
from moderation.public.viewers import COOKIE, Viewers
from streamgate.clock import wall_s
from streamgate.runtime.origin import is_ours

MAX_BODY = 1024 * 1024
MAX_VIEWER_BODY = 16 * 1024
MAX_BODIES = 64 * 1024 * 1024
"""Bound on the sum of declared body sizes that are being read at the same time."""


class CommentsApi:
    """The ASGI endpoint. It checks key or cookie before it reads the body."""

    def __init__(self, intake: Intake, keys: SourceKeys, viewers: Viewers, channels: KnownChannels) -> None:
        self._intake, self._keys, self._viewers, self._channels = intake, keys, viewers, channels
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await send_problem(send, RequestRefused(BAD_METHOD))
            return
        try:
            authorization = header(scope["headers"], b"authorization")
            if authorization is not None:
                answer = await self._of_source(scope, receive, authorization)
            else:
                answer = await self._of_viewer(scope, receive)
        except RequestRefused as refused:
            await send_problem(send, refused)
        else:
            await _send(send, answer)

    async def _of_source(self, scope: Scope, receive: Receive, authorization: str) -> Answer:
        key = bearer_key(authorization)
        if key is None:
            raise RequestRefused(BAD_KEY)
        source = await self._keys.find(key)
        channel: str = scope["path_params"]["channel"]
        declared = _declared(scope)
        self._bytes += declared
        try:
            if self._bytes > MAX_BODIES:
                raise RequestRefused(BUSY, 1)
            body = await read_body(receive, scope["headers"], MAX_BODY)
            return await self._intake.take_source(source, channel, body)
        finally:
            self._bytes -= declared

    async def _of_viewer(self, scope: Scope, receive: Receive) -> Answer:
        headers = Headers(scope=scope)
        channel: str = scope["path_params"]["channel"]
        await self._channels.require(channel)
        secure = scope.get("scheme") == "https"
        if not is_ours(headers, headers.get("host", ""), secure=secure):
            raise RequestRefused(BAD_ORIGIN)
        known = cookie_parser(headers.get("cookie", "")).get(COOKIE)
        viewer = self._viewers.recognise(known, now=wall_s())
        if viewer is None:
            raise RequestRefused(NO_VIEWER)
        self._intake.require_open(channel)
        body = await read_body(receive, scope["headers"], MAX_VIEWER_BODY)
        comment = read_viewer_comment(body)
        return await self._intake.take_viewer(viewer, channel, address_of(scope), comment)


async def _send(send: Send, answer: Answer) -> None:
    if answer.refused is None:
        await send_json(send, 202, answer.body)
    else:
        await send_problem(send, answer.refused, answer.body)


def _declared(scope: Scope) -> int:
    """Return the declared size of the body, or MAX_BODY when none is declared."""
    text: Any = header(scope["headers"], b"content-length")
    if text is None or not text.isdecimal():
        return MAX_BODY
    return min(int(text.lstrip("0")[:9] or "0"), MAX_BODY)  # more digits are more than MAX_BODY
