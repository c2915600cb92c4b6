"""The session: open it with a one-time token, look at it, end it."""

from fastapi import APIRouter, Request, Response

from console.api.answers import GetParts, GetSession, Model, problems
from console.auth.rights import API, Right, rights_of
from console.auth.sessions import COOKIE, LIFETIME_S, Session

router = APIRouter(prefix=f"{API}/session", tags=["session"])


class Token(Model):
    """A one-time token, as `streamgate console-link` prints it."""

    token: str


class SessionState(Model):
    """Who is signed in, until when (wall clock, seconds since the epoch), and what they may do."""

    user: str
    expires_at: float
    rights: list[Right]


class Done(Model):
    ok: bool = True


@router.post("", responses=problems(400, 429))
async def open_session(request: Request, response: Response, body: Token, parts: GetParts) -> SessionState:
    """Use a one-time token up; the answer sets the session cookie."""
    cookie, session = parts.sign_in.use(body.token, client_address(request))
    set_cookie(request, response, cookie)
    return _state(session)


@router.get("")
async def show_session(session: GetSession) -> SessionState:
    return _state(session)


@router.delete("")
async def end_session(response: Response) -> Done:
    """Take the session cookie back."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return Done()


def _state(session: Session) -> SessionState:
    return SessionState(
        user=session.user, expires_at=session.expires_at, rights=sorted(rights_of(session) - {Right.PUBLIC})
    )


def client_address(request: Request) -> str:
    return request.client.host if request.client is not None else ""


def set_cookie(request: Request, response: Response, cookie: str) -> None:
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=LIFETIME_S,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
