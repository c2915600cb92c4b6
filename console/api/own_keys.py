"""A person's own keys: which key of the page does what."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from console.api.answers import GetParts, GetSession, Model, problems
from console.api.session import Done
from console.auth.rights import API

router = APIRouter(prefix=f"{API}/me/keys", tags=["own account"])

Act = Literal["cut", "dump", "backup", "restore", "live", "start", "stop", "note", "sound"]
Key = Annotated[str, Field(pattern=r"^([A-Z]|F\d{1,2}|PAD \d{1,2})$")]
Keys = dict[Act, Annotated[list[Key], Field(max_length=3)]]


class OwnKeys(Model):
    """`keys`: the keys of each act: a letter, `F2`, or `PAD 3` for a gamepad's button. None: as shipped.

    An act that is left out has its shipped keys, one with an empty list has none. X cuts in any case.
    """

    keys: Keys | None


class NewKeys(Model):
    keys: Keys


@router.get("", responses=problems(503))
async def show_keys(session: GetSession, parts: GetParts) -> OwnKeys:
    return OwnKeys.model_validate({"keys": await parts.own.read_keys(session)})


@router.put("", responses=problems(400, 503))
async def set_keys(body: NewKeys, session: GetSession, parts: GetParts) -> Done:
    """Choose the keys; they count on every desk where the person signs in."""
    await parts.own.store_keys(session, {str(act): list(keys) for act, keys in body.keys.items()})
    return Done()
