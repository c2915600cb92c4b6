"""The route of a viewer of the watch page: set a nickname, read interaction settings and own comments."""

from typing import Any

import msgspec
from starlette.requests import Request, cookie_parser
from starlette.responses import Response

from moderation.desk.messages import InteractionView
from moderation.public.answers import json_response, read_body
from moderation.public.channels import KnownChannels
from moderation.public.comment_body import clean_text
from moderation.public.desk_interface import DeskInterface
from moderation.public.own_comments import OwnComments
from moderation.public.problems import BAD_ORIGIN, BAD_REQUEST, RequestRefused
from moderation.public.rates import Rates, address_of
from moderation.public.source_keys import SourceKeys
from moderation.public.viewers import COOKIE, KEPT_S, Viewer, Viewers, guest_name
from streamgate.clock import wall_s
from streamgate.runtime.origin import is_ours

MAX_BODY = 4 * 1024


class _EnterRequest(msgspec.Struct, frozen=True):
    nickname: str = ""


_decoder = msgspec.json.Decoder(_EnterRequest)


class ViewerApi:
    def __init__(
        self,
        *,
        desk: DeskInterface,
        keys: SourceKeys,
        viewers: Viewers,
        own: OwnComments,
        rates: Rates,
        channels: KnownChannels,
    ) -> None:
        self._desk, self._keys, self._viewers, self._own = desk, keys, viewers, own
        self._rates, self._channels = rates, channels

    async def show(self, request: Request) -> Response:
        """Return the viewer of the cookie, the interaction settings, and the viewer's own comments."""
        channel = await self._channel(request)
        self._rates.address_reads.take(address_of(request.scope))
        return json_response(await self._shown(channel, self._known(request)))

    async def enter(self, request: Request) -> Response:
        """Create a viewer, or change the nickname, and return the same as `show`."""
        channel = await self._channel(request)
        secure = request.url.scheme == "https"
        if not is_ours(request.headers, request.headers.get("host", ""), secure=secure):
            raise RequestRefused(BAD_ORIGIN)
        self._rates.address_viewers.take(address_of(request.scope))
        body = await read_body(request.receive, request.scope["headers"], MAX_BODY)
        try:
            entering = _decoder.decode(body) if body.strip() else _EnterRequest()
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RequestRefused(BAD_REQUEST) from error
        known = self._known(request)
        viewer, value = self._viewers.enter(clean_text(entering.nickname), known, now=wall_s())
        response = json_response(await self._shown(channel, viewer))
        response.set_cookie(
            COOKIE, value, max_age=KEPT_S, path="/", secure=secure, httponly=True, samesite="lax"
        )
        return response

    async def _shown(self, channel: str, viewer: Viewer | None) -> dict[str, Any]:
        view = self._desk.interaction(channel)
        source = self._keys.existing_watch_page(channel)
        own: list[dict[str, Any]] = []
        if viewer is not None and source is not None:
            own = await self._own.list_newest(
                source.id, viewer.id, now=wall_s(), show_rejections=view.authors_told
            )
        return {
            "viewer": None if viewer is None else viewer.id,
            "nickname": "" if viewer is None else viewer.nickname,
            "shown_as": "" if viewer is None else viewer.nickname or guest_name(viewer),
            "interaction": _shown_interaction(view),
            "own": own,
        }

    async def _channel(self, request: Request) -> str:
        channel: str = request.path_params["channel"]
        await self._channels.require(channel)
        return channel

    def _known(self, request: Request) -> Viewer | None:
        value = cookie_parser(request.headers.get("cookie", "")).get(COOKIE)
        return self._viewers.recognise(value, now=wall_s())


def _shown_interaction(view: InteractionView) -> dict[str, Any]:
    return {
        "comments": view.comments,
        "bullets": view.bullets,
        "sharing": view.sharing,
        "max_chars": view.max_chars,
        "slow_s": view.slow_s,
        "authors_told": view.authors_told,
    }
