"""People: list, invite, change, reset, and the one-time links with which they choose a password."""

from typing import Annotated, get_args

from fastapi import APIRouter, Query, Request
from pydantic import Field

from console.api.answers import GetParts, GetSession, Model, client_address, problems
from console.auth.people import Change, Person
from console.auth.rights import API
from console.auth.sign_in import Result
from streamgate.store.roles import PER_CHANNEL, ROLES

router = APIRouter(prefix=API, tags=["people"])
_Role = Annotated[str, Field(max_length=128)]
_NAME_CHARS = 64
_DISPLAY_CHARS = 128


class PersonBody(Model):
    """Somebody with an account. `roles`: ROLE, or ROLE@CHANNEL. `invited`: no password was chosen yet.

    `has_password`: could sign in with one. `link_expires_at`: until when a one-time link of this person can
    be used; null: there is none.
    """

    user: str
    display_name: str
    roles: list[str]
    disabled: bool
    invited: bool
    has_password: bool
    link_expires_at: float | None
    totp: bool
    created_at: float
    created_by: str
    last_sign_in_at: float | None


class RoleBody(Model):
    """A role that can be given. `per_channel`: for one channel, too."""

    role: Annotated[str, Field(json_schema_extra={"enum": [*ROLES]})]
    per_channel: bool


class PeopleList(Model):
    people: list[PersonBody]
    roles: list[RoleBody]


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
    """One try to sign in. `id`: grows with time. `username`: as typed, whether it is anybody's or not."""

    id: int
    at: float
    username: str
    address: str
    result: Annotated[str, Field(json_schema_extra={"enum": [*get_args(Result)]})]


class SignInRows(Model):
    sign_ins: list[SignInRow]


@router.get("/users", responses=problems(503))
async def list_users(parts: GetParts) -> PeopleList:
    return PeopleList(
        people=[_body(person) for person in await parts.people.list_all()],
        roles=[RoleBody(role=role, per_channel=role in PER_CHANNEL) for role in ROLES],
    )


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
async def list_sign_ins(
    parts: GetParts,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    user: Annotated[str | None, Query(max_length=256)] = None,
    failed: bool = False,
    before: Annotated[int | None, Query(ge=1, lt=1 << 53)] = None,
) -> SignInRows:
    """Show the newest tries to sign in, newest first.

    `user`: under this name alone. `failed`: only those that failed; a try that was asked for a code and gave
    it within five minutes is none. `before`: only those with a smaller `id`, for the next page.
    """
    rows = await parts.people.list_sign_ins(limit, username=user, failed=failed, before=before)
    return SignInRows(
        sign_ins=[
            SignInRow(id=row.id, at=row.at, username=row.username, address=row.address, result=row.result)
            for row in rows
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
        has_password=bool(user.password_hash),
        link_expires_at=person.link_until,
        totp=person.has_totp,
        created_at=user.created_at,
        created_by=user.created_by,
        last_sign_in_at=user.last_sign_in_at,
    )
