"""One's own account: password, second factor, sessions."""

from fastapi import APIRouter, Request, Response
from pydantic import Field

from console.api import qr
from console.api.answers import GetParts, GetSession, Model, delete_cookie, problems, set_cookie
from console.api.session import Done
from console.auth.rights import API

router = APIRouter(prefix=f"{API}/me", tags=["own account"])
_PASSWORD_CHARS = 4096


class OwnSignIn(Model):
    """A try to sign in under the own name. `result`: as in `SignInRow`."""

    at: float
    address: str
    result: str


class Me(Model):
    """The own account. Times: wall clock, seconds. `password_expires_at`: when a new one must be chosen.

    `totp_needed`: a role demands the second factor. `sign_ins`: the newest tries, newest first.
    """

    user: str
    display_name: str
    roles: list[str]
    totp: bool
    totp_needed: bool
    recovery_codes_left: int
    password_changed_at: float | None
    password_expires_at: float | None
    sign_ins: list[OwnSignIn]


class NewPassword(Model):
    current: str = Field(max_length=_PASSWORD_CHARS)
    password: str = Field(max_length=_PASSWORD_CHARS)


class Password(Model):
    password: str = Field(max_length=_PASSWORD_CHARS)


class NewTotp(Password):
    """`renew`: the secret is to take the place of one that is in use, which goes on until it does."""

    renew: bool = False


class TotpSecret(Model):
    """For the code generator: `uri`, the same as a QR code (`qr`, data:image/svg+xml), `secret` to type.

    It counts once a first code is confirmed.
    """

    secret: str
    uri: str
    qr: str


class TotpCode(Model):
    code: str = Field(max_length=64)


class RecoveryCodes(Model):
    """Each is good once in the place of a code. They are shown this once."""

    recovery_codes: list[str]


class OwnSession(Model):
    """A session of one's own. `current`: the one that asks."""

    id: str
    created_at: float
    last_seen_at: float
    expires_at: float
    address: str
    user_agent: str
    current: bool


class OwnSessions(Model):
    sessions: list[OwnSession]


class Ended(Model):
    """How many sessions were ended."""

    ended: int


@router.get("", responses=problems(503))
async def show_me(session: GetSession, parts: GetParts) -> Me:
    account = await parts.own.show(session)
    changed_at = account.user.password_changed_at
    return Me(
        user=session.user,
        display_name=account.user.display_name,
        roles=[str(grant) for grant in session.grants],
        totp=account.has_totp,
        totp_needed=parts.sessions.rules.demand_totp(session.grants),
        recovery_codes_left=account.recovery_codes_left,
        password_changed_at=changed_at,
        password_expires_at=None if changed_at is None else changed_at + parts.sessions.rules.password_age_s,
        sign_ins=[OwnSignIn(at=one.at, address=one.address, result=one.result) for one in account.sign_ins],
    )


@router.post("/password", responses=problems(400, 429, 503))
async def change_password(
    request: Request, response: Response, body: NewPassword, session: GetSession, parts: GetParts
) -> Done:
    """Choose a new password. Every other session of the person ends, and the cookie is renewed."""
    set_cookie(request, response, await parts.own.change_password(session, body.current, body.password))
    return Done()


@router.post("/totp", responses=problems(400, 409, 429, 503))
async def begin_totp(body: NewTotp, session: GetSession, parts: GetParts) -> TotpSecret:
    """Make a secret for the code generator."""
    made = await parts.own.begin_totp(session, body.password, renew=body.renew)
    return TotpSecret(secret=made.secret, uri=made.uri, qr=qr.draw(made.uri))


@router.post("/totp/confirm", responses=problems(400, 429, 503))
async def confirm_totp(
    request: Request, response: Response, body: TotpCode, session: GetSession, parts: GetParts
) -> RecoveryCodes:
    """Take the secret into use with a first code. Other sessions end, and the cookie is renewed."""
    cookie, codes = await parts.own.confirm_totp(session, body.code)
    set_cookie(request, response, cookie)
    return RecoveryCodes(recovery_codes=codes)


@router.delete("/totp", responses=problems(400, 429, 503))
async def remove_totp(body: Password, session: GetSession, parts: GetParts) -> Done:
    await parts.own.remove_totp(session, body.password)
    return Done()


@router.post("/recovery-codes", responses=problems(400, 429, 503))
async def renew_recovery_codes(body: Password, session: GetSession, parts: GetParts) -> RecoveryCodes:
    return RecoveryCodes(recovery_codes=await parts.own.renew_recovery_codes(session, body.password))


@router.get("/sessions", responses=problems(503))
async def list_sessions(session: GetSession, parts: GetParts) -> OwnSessions:
    return OwnSessions(
        sessions=[
            OwnSession(
                id=one.id_hash,
                created_at=one.created_at,
                last_seen_at=one.last_seen_at,
                expires_at=one.absolute_expires_at,
                address=one.address,
                user_agent=one.user_agent,
                current=one.id_hash == session.id,
            )
            for one in await parts.own.list_sessions(session)
        ]
    )


@router.delete("/sessions", responses=problems(503))
async def end_other_sessions(session: GetSession, parts: GetParts) -> Ended:
    """End all sessions of one's own but this one; their pages close within a second."""
    return Ended(ended=await parts.own.end_other_sessions(session))


@router.delete("/sessions/{session_id}", responses=problems(404, 503))
async def end_own_session(
    request: Request, response: Response, session_id: str, session: GetSession, parts: GetParts
) -> Done:
    """End a session of one's own; its pages close within a second."""
    await parts.own.end_session(session, session_id)
    if session_id == session.id:
        delete_cookie(request, response)
    return Done()
