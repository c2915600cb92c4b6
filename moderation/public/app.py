"""The ASGI application of the public address: its routes and its error responses."""

from dataclasses import dataclass

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Scope

from moderation.public import problems
from moderation.public.answers import json_response, problem_response
from moderation.public.channels import KnownChannels
from moderation.public.comments_api import CommentsApi
from moderation.public.common_headers import CommonHeaders
from moderation.public.desk_interface import DeskInterface
from moderation.public.feed import Feeds, Hub
from moderation.public.intake import Intake
from moderation.public.own_comments import OwnComments
from moderation.public.pages import Pages
from moderation.public.problems import RequestRefused
from moderation.public.rates import Rates, address_of
from moderation.public.source_keys import SourceKeys
from moderation.public.streams import PublishedEvents, PublishedSocket
from moderation.public.viewer_api import ViewerApi
from moderation.public.viewers import Viewers
from streamgate.errors import StoreError

API = "/api/v1/channels/{channel}"
_log = structlog.get_logger("comments")


@dataclass(frozen=True)
class Parts:
    """The objects that the routes use. `server.py` creates and runs them."""

    desk: DeskInterface
    keys: SourceKeys
    viewers: Viewers
    own: OwnComments
    intake: Intake
    rates: Rates
    feeds: Feeds
    channels: KnownChannels
    pages: Pages


def create_app(parts: Parts) -> ASGIApp:
    """Return the application. The caller runs the parts."""

    async def find_feed(scope: Scope) -> Hub:
        parts.rates.address_reads.take(address_of(scope))
        channel: str = scope["path_params"]["channel"]
        await parts.channels.require(channel)
        return parts.feeds.hub(channel)

    async def health(_: Request) -> Response:
        return json_response({"ok": True, "comments": True, "readers": parts.feeds.count_readers()})

    viewer = ViewerApi(
        desk=parts.desk,
        keys=parts.keys,
        viewers=parts.viewers,
        own=parts.own,
        rates=parts.rates,
        channels=parts.channels,
    )
    app = Starlette(
        routes=[
            Route(f"{API}/comments", CommentsApi(parts.intake, parts.keys, parts.viewers, parts.channels)),
            Route(f"{API}/published", PublishedEvents(find_feed)),
            WebSocketRoute(f"{API}/published/ws", PublishedSocket(find_feed)),
            Route(f"{API}/viewer", viewer.show, methods=["GET"]),
            Route(f"{API}/viewer", viewer.enter, methods=["POST"]),
            Route("/hls/{channel}/{name}", parts.pages.hls),
            Route("/watch/{channel}", parts.pages.watch),
            Route("/overlay/{channel}", parts.pages.overlay),
            Route("/assets/{name}", parts.pages.asset),
            Route("/favicon.svg", parts.pages.icon),
            Route("/healthz", health),
        ],
        exception_handlers={
            RequestRefused: _refused,
            StoreError: _database_away,
            HTTPException: _http,
            Exception: _failed,
        },
    )
    return CommonHeaders(app)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestRefused)
    return problem_response(error)


async def _database_away(_: Request, error: Exception) -> Response:
    assert isinstance(error, StoreError)
    said = problems.DATABASE_AWAY._replace(
        error=f"{problems.DATABASE_AWAY.error} ({error.kind})",
        error_zh=f"{problems.DATABASE_AWAY.error_zh}（{error.kind}）",
    )
    return problem_response(RequestRefused(said, 1))


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    found = {404: problems.NOT_FOUND, 405: problems.BAD_METHOD}.get(error.status_code)
    return problem_response(RequestRefused(found or problems.BAD_REQUEST._replace(status=error.status_code)))


async def _failed(_: Request, error: Exception) -> Response:
    _log.error("public_failed", reason=repr(error))  # Starlette raises it once more, for the log
    return problem_response(RequestRefused(problems.FAILED))
