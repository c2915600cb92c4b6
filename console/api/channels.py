"""Channels: the state of all of them, and the commands to one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError
from starlette.responses import Response

from console.api.answers import (
    GetParts,
    GetSession,
    Model,
    first_reason,
    json_response,
    problems,
    unreadable,
)
from console.api.schema import model_of
from console.auth.rights import API, COMMANDS, Command
from console.live.commands import to_request
from console.live.hub import actor, note
from console.live.messages import Snapshot
from console.problems import Refused
from streamgate.link.messages import State

router = APIRouter(prefix=API, tags=["channels"])


class NoDetails(Model):
    """This command takes no details: an empty object, or no body."""


class DumpDetails(Model):
    """`seconds`: how much of the newest feed is dropped; more than 0, at most 600. None: 10."""

    seconds: float | None = None


class BackupDetails(Model):
    """`clip`: its file name. None or "": the channel's first clip."""

    clip: str | None = None


class CommandDone(Model):
    """`state`: of the channel now. `took_ms`: the gate's time for the command."""

    channel: str
    state: State | None
    took_ms: float | None


@router.get("/state", response_model=model_of(Snapshot))
async def show_state(parts: GetParts) -> Response:
    """Show what a page is told when it connects: the gate, all channels, the recent log."""
    return json_response(parts.hub.snapshot())


def _add_command(command: Command, details_type: type[Model]) -> None:
    async def read(request: Request) -> Model:
        body = await request.body()
        try:
            return details_type.model_validate_json(body if body.strip() else b"{}")
        except ValidationError as error:
            raise Refused(unreadable(first_reason(error.errors()))) from None

    async def carry_out(
        channel: str, details: Annotated[Model, Depends(read)], parts: GetParts, session: GetSession
    ) -> CommandDone:
        try:
            request = to_request(command, channel, **details.model_dump())
            reply = await parts.gate.command(request, actor(session))
        except Refused as error:
            note(session, command, channel, error.problem)
            raise
        note(session, command, channel)
        return CommandDone(channel=channel, state=reply.state, took_ms=reply.took_ms)

    body = {"content": {"application/json": {"schema": details_type.model_json_schema()}}, "required": False}
    router.add_api_route(
        f"/channels/{{channel}}/{command}",
        carry_out,
        methods=["POST"],
        summary=f"{command.capitalize()} a channel",
        operation_id=f"{command}_channel",
        responses=problems(400, 409, 503, 504),
        openapi_extra={"requestBody": body},
    )


_DETAILS: dict[Command, type[Model]] = {"dump": DumpDetails, "backup": BackupDetails}
for _command in COMMANDS:
    _add_command(_command, _DETAILS.get(_command, NoDetails))
