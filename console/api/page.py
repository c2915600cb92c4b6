"""The page itself, the link that signs in, and addresses with nothing behind them."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from console import pages
from console.api.answers import GetParts
from console.api.session import client_address, set_cookie
from console.auth.rights import ANY_METHOD
from console.problems import NOT_FOUND, Refused

router = APIRouter(include_in_schema=False)


@router.get("/")
async def home(request: Request, parts: GetParts, token: str | None = None) -> Response:
    """Return the page; with a token sign in and go on to it, so that the token leaves the address bar."""
    if token is None:
        return pages.index(parts.static)
    try:
        cookie, _ = parts.sign_in.use(token, client_address(request))
    except Refused as error:
        return _redirect(f"/?login={error.problem.code}")
    response = _redirect("/")
    set_cookie(request, response, cookie)
    return response


@router.api_route("/api/{path:path}", methods=list(ANY_METHOD))
async def nothing() -> Response:
    raise Refused(NOT_FOUND)


def _redirect(target: str) -> Response:
    return RedirectResponse(target, 303, headers={"cache-control": "no-store"})
