"""Tokens of programs: a Stream Deck, a script, a monitor."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from console.api.answers import GetParts, GetSession, Model, problems
from console.api.session import Done
from console.auth.people import TOKEN_NAME_CHARS
from console.auth.rights import API, SCOPES

router = APIRouter(prefix=f"{API}/tokens", tags=["tokens"])

_Scope = Annotated[str, Field(max_length=64, json_schema_extra={"enum": sorted(SCOPES)})]


class TokenRow(Model):
    """A token, without what its bearer holds. `channel` null: all. Times: wall clock, seconds."""

    name: str
    scopes: list[_Scope]
    channel: str | None
    created_at: float
    created_by: str
    expires_at: float | None
    last_used_at: float | None
    revoked_at: float | None


class TokenRows(Model):
    tokens: list[TokenRow]


class NewToken(Model):
    """`scopes`: `channel:view`, `channel:cut` ... `expires_at` null: until it is revoked."""

    name: str = Field(max_length=TOKEN_NAME_CHARS)
    scopes: list[_Scope] = Field(max_length=64)
    channel: str | None = Field(None, max_length=64)
    expires_at: float | None = Field(None, allow_inf_nan=False)


class TokenMade(Model):
    """`token` is shown this once."""

    name: str
    token: str


@router.get("", responses=problems(503))
async def list_tokens(parts: GetParts) -> TokenRows:
    return TokenRows(
        tokens=[
            TokenRow(
                name=row.name,
                scopes=row.scopes,
                channel=row.channel,
                created_at=row.created_at,
                created_by=row.created_by,
                expires_at=row.expires_at,
                last_used_at=row.last_used_at,
                revoked_at=row.revoked_at,
            )
            for row in await parts.people.list_tokens()
        ]
    )


@router.post("", responses=problems(400, 409, 503))
async def add_token(body: NewToken, session: GetSession, parts: GetParts) -> TokenMade:
    token = await parts.people.add_token(session.actor, body.name, body.scopes, body.channel, body.expires_at)
    return TokenMade(name=body.name, token=token)


@router.delete("/{name}", responses=problems(404, 503))
async def revoke_token(name: str, session: GetSession, parts: GetParts) -> Done:  # noqa: ARG001  it is activity
    """Revoke a token; its open connections close within a second."""
    await parts.people.revoke_token(name)
    return Done()
