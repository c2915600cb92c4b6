"""People: list, invite, change, reset, and the one-time links with which they choose a password."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from console.api.answers import GetParts, GetSession, Model, client_address, problems
from console.auth.people import Change, Person
from console.auth.rights import API

router = APIRouter(prefix=API, tags=["people"])
_Role = Annotated[str, Field(max_length=128)]
_NAME_CHARS = 64
_DISPLAY_CHARS = 128


class PersonBody(Model):
    """Somebody with an account. `roles`: ROLE, or ROLE@CHANNEL. `invited`: no password was chosen yet."""

    user: str
    display_name: str
    roles: list[str]
    disabled: bool
    invited: bool
    totp: bool
    created_at: float
    created_by: str
    last_sign_in_at: float | None


class PeopleList(Model):
    people: list[PersonBody]


class Invitation(Model):
    """Whom to invite. `roles`: ROLE, or ROLE@CHANNEL."""

    username: str = Field(max_length=_NAME_CHARS)
    display_name: str = Field("", max_length=_DISPLAY_CHARS)
    roles: list[_Role] = Field(max_length=64)


class PersonChange(Model):
    """What is to change; what is left out stays."""

    display_name: str | None = Field(None, max_length=_DISPLAY_CHARS)
    roles: list[_Role] | None = Field(None, max_length=64)
    disabled: bool | None = None


class Reset(Model):
    """`totp`: forget the second factor, too."""

    totp: bool = False


class Link(Model):
    """A one-time link, shown this once. `path`: to put behind the console's address."""

    user: str
    token: str
    path: str
    expires_at: float


class OneTimeState(Model):
    """What a one-time link is for: setup (the first administrator, who chooses a name), invite, reset."""

    kind: str
    user: str


class OneTimeUse(Model):
    """`username` and `display_name`: of the first administrator; else left out."""

    password: str = Field(max_length=4096)
    username: str = Field("", max_length=_NAME_CHARS)
    display_name: str = Field("", max_length=_DISPLAY_CHARS)


class OneTimeDone(Model):
    """The password is set: sign in with it."""

    user: str


class SignInRow(Model):
    """One try to sign in. `result`: ok, bad_password, unknown, disabled, totp_needed, bad_totp."""

    at: float
    username: str
    address: str
    result: str


class SignInRows(Model):
    sign_ins: list[SignInRow]


@router.get("/users", responses=problems(503))
async def list_users(parts: GetParts) -> PeopleList:
    return PeopleList(people=[_body(person) for person in await parts.people.list_all()])


@router.patch("/users/{username}", responses=problems(400, 409, 503))
async def change_user(username: str, body: PersonChange, session: GetSession, parts: GetParts) -> PersonBody:
    """Change roles or the shown name, disable or enable. Pages of somebody disabled close within a second."""
    change = Change(body.display_name, body.roles, body.disabled)
    return _body(await parts.people.change(session, username, change))


@router.post("/users/{username}/reset", responses=problems(400, 409, 503))
async def reset_user(username: str, body: Reset, session: GetSession, parts: GetParts) -> Link:
    """End password and sessions of somebody, and make a link to choose a new one."""
    link = await parts.people.reset(session, username, second_factor=body.totp)
    return Link(user=username, token=link.token, path=one_time_path(link.token), expires_at=link.expires_at)


@router.post("/invitations", responses=problems(400, 409, 503))
async def invite(body: Invitation, session: GetSession, parts: GetParts) -> Link:
    """Make an account and the link with which its person chooses a password."""
    link = await parts.people.invite(session, body.username, body.display_name, body.roles)
    path = one_time_path(link.token)
    return Link(user=body.username, token=link.token, path=path, expires_at=link.expires_at)


@router.get("/one-time/{token}", responses=problems(429, 503))
async def show_one_time(token: str, request: Request, parts: GetParts) -> OneTimeState:
    """Say what a link is for, without using it up."""
    link = await parts.people.find_link(token, client_address(request))
    return OneTimeState(kind=link.kind, user=link.user)


@router.post("/one-time/{token}", responses=problems(400, 409, 429, 503))
async def use_one_time(token: str, body: OneTimeUse, request: Request, parts: GetParts) -> OneTimeDone:
    """Use a link up: choose the password."""
    user = await parts.people.use_link(
        token,
        client_address(request),
        password=body.password,
        username=body.username,
        display_name=body.display_name,
    )
    return OneTimeDone(user=user)


@router.get("/sign-ins", responses=problems(400, 503))
async def list_sign_ins(parts: GetParts, limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> SignInRows:
    """Show the newest tries to sign in, newest first."""
    return SignInRows(
        sign_ins=[
            SignInRow(at=row.at, username=row.username, address=row.address, result=row.result)
            for row in await parts.people.list_sign_ins(limit)
        ]
    )


def one_time_path(token: str) -> str:
    """Return where the page takes a link. Behind the #, so that the token reaches no server's log."""
    return f"/one-time#{token}"


def _body(person: Person) -> PersonBody:
    user = person.user
    return PersonBody(
        user=user.username,
        display_name=user.display_name,
        roles=[str(grant) for grant in person.grants],
        disabled=user.disabled_at is not None,
        invited=user.password_hash is None,
        totp=person.has_totp,
        created_at=user.created_at,
        created_by=user.created_by,
        last_sign_in_at=user.last_sign_in_at,
    )
