"""The session: sign in with name, password and second factor, look at it, sign out."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from console.api.answers import (
    GetParts,
    GetSession,
    Model,
    client_address,
    delete_cookie,
    problems,
    set_cookie,
)
from console.auth.guard import session_cookie
from console.auth.principals import Session
from console.auth.rights import API, Right, rights_by_channel, rights_everywhere
from console.auth.sign_in import Credentials, SignedIn

router = APIRouter(prefix=f"{API}/session", tags=["session"])


class SignInBody(Model):
    """`totp`: six digits of the code generator, or a recovery code; asked for with the code `totp_needed`."""

    username: str = Field(max_length=256)
    password: str = Field(max_length=4096)
    totp: str | None = Field(None, max_length=64)


class LastSignIn(Model):
    """The sign-in before this one (wall clock, seconds). `failed_since`: tries that failed after it."""

    at: float | None
    address: str
    failed_since: int


class SessionState(Model):
    """Who is signed in, until when at the latest (wall clock, seconds), and what they may do.

    `rights`: on all channels; `channel_rights`: on the channels for which the person has a role. `state`
    other than "open": limited to choosing a password, to setting up a second factor, or (idle) to seeing and
    cutting. `last`: told once, when signing in.
    """

    user: str
    display_name: str
    roles: list[str]
    expires_at: float
    idle_after_s: float
    state: Literal["open", "idle", "password_expired", "totp_setup"]
    rights: list[Right]
    channel_rights: dict[str, list[Right]]
    last: LastSignIn | None = None


class Done(Model):
    ok: bool = True


@router.post("", responses=problems(400, 429, 503))
async def open_session(
    request: Request, response: Response, body: SignInBody, parts: GetParts
) -> SessionState:
    """Sign in; the answer sets the session cookie. A session that the browser has is ended by it."""
    given = Credentials(
        body.username,
        body.password,
        body.totp or None,
        client_address(request),
        request.headers.get("user-agent", ""),
    )
    old = session_cookie(request.scope, request.headers)
    signed_in = await parts.sign_in.open(given, replaces=parts.sessions.id_of(old) if old else None)
    set_cookie(request, response, signed_in.cookie)
    return describe(signed_in.session, parts, signed_in)


@router.get("")
async def show_session(session: GetSession, parts: GetParts) -> SessionState:
    return describe(session, parts)


@router.delete("")
async def end_session(request: Request, response: Response, session: GetSession, parts: GetParts) -> Done:
    """Sign out: the session is ended here and its websockets are closed."""
    parts.sessions.end(session.id, "signed out")
    delete_cookie(request, response)
    return Done()


def describe(session: Session, parts: GetParts, signed_in: SignedIn | None = None) -> SessionState:
    """Return what a person is told about the own session."""
    last = None
    if signed_in is not None:
        last = LastSignIn(
            at=signed_in.last_at, address=signed_in.last_address, failed_since=signed_in.failed_since
        )
    return SessionState(
        user=session.user,
        display_name=session.display_name,
        roles=[str(grant) for grant in session.grants],
        expires_at=session.expires_at,
        idle_after_s=parts.sessions.rules.idle_s,
        state=session.state,
        rights=sorted(rights_everywhere(session) - {Right.PUBLIC}),
        channel_rights={
            channel: sorted(rights - {Right.PUBLIC}) for channel, rights in rights_by_channel(session).items()
        },
        last=last,
    )
