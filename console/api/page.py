"""The page itself, the demo's links, and addresses with nothing behind them."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from console import pages
from console.api.answers import GetParts, client_address, set_cookie
from console.auth import tokens
from console.auth.rights import ANY_METHOD
from console.problems import NOT_FOUND, Refused
from streamgate.errors import StoreError

router = APIRouter(include_in_schema=False)


@router.get("/")
async def home(request: Request, parts: GetParts, token: str | None = None, to: str = "") -> Response:
    """Return the page. In the demo's directory a token signs in, and leaves the address bar.

    `to`: "review" opens that screen, anything else the one that a person sees first.
    """
    if token is None or not tokens.is_demo(parts.data_dir):
        return pages.index(parts.static)
    response = RedirectResponse(
        "/review" if to == "review" else "/", 303, headers={"cache-control": "no-store"}
    )
    user = tokens.peek(parts.data_dir, token)
    if user and tokens.consume(parts.data_dir, token) == user:
        try:
            cookie = await parts.sign_in.open_for(
                user, client_address(request), request.headers.get("user-agent", "")
            )
        except StoreError:
            cookie = None
        if cookie is not None:
            set_cookie(request, response, cookie)
    return response


@router.api_route("/api/{path:path}", methods=list(ANY_METHOD))
async def nothing() -> Response:
    raise Refused(NOT_FOUND)
