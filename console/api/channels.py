"""Channels: the state of all of them, and the commands to one."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from console.api.answers import (
    GetParts,
    GetPrincipal,
    Model,
    first_reason,
    json_response,
    problems,
)
from console.api.schema import model_of
from console.auth.rights import API, COMMANDS, Command
from console.live.commands import to_request
from console.live.hub import note
from console.live.messages import Snapshot
from console.problems import REASON_NEEDED, Refused, unreadable
from streamgate.link.messages import State

router = APIRouter(prefix=API, tags=["channels"])


class Details(Model):
    """`reason`: why, 1 to 500 characters; it stands in the log."""

    reason: str | None = None


class NeededReason(Model):
    """`reason`: why, 1 to 500 characters; it stands in the log. Without one: `reason_needed`."""

    reason: str


class DumpDetails(Details):
    """`seconds`: how much of the newest feed is dropped; more than 0, at most 600. None: 10."""

    seconds: float | None = None


class BackupDetails(Details):
    """`clip`: its file name. None or "": the channel's first clip."""

    clip: str | None = None


class CommandDone(Model):
    """`state`: of the channel now. `took_ms`: the gate's time for the command.

    `waiting`: with status 202, the command is carried out when another person asks for it, too.
    """

    channel: str
    state: State | None
    took_ms: float | None
    waiting: Literal["", "second_person"] = ""


@router.get("/state", response_model=model_of(Snapshot))
async def show_state(parts: GetParts, principal: GetPrincipal) -> Response:
    """Show what a page is told when it connects: the gate, all channels, the recent log."""
    return json_response(parts.hub.snapshot(principal))


def _add_command(command: Command, details_type: type[Model]) -> None:
    async def read(request: Request) -> Model:
        body = await request.body()
        try:
            return details_type.model_validate_json(body if body.strip() else b"{}")
        except ValidationError as error:
            if [(one["loc"], one["type"]) for one in error.errors()] == [(("reason",), "missing")]:
                raise Refused(REASON_NEEDED) from None
            raise Refused(unreadable(first_reason(error.errors()))) from None

    async def carry_out(
        response: Response,
        channel: str,
        details: Annotated[Model, Depends(read)],
        parts: GetParts,
        principal: GetPrincipal,
    ) -> CommandDone:
        try:
            request = to_request(command, channel, **details.model_dump())
            reply = await parts.gate.command(request, principal)
        except Refused as error:
            note(principal, command, channel, error.problem)
            raise
        note(principal, command, channel)
        if reply.waiting:
            response.status_code = 202
        return CommandDone(channel=channel, state=reply.state, took_ms=reply.took_ms, waiting=reply.waiting)

    waiting: dict[int | str, dict[str, Any]] = {202: {"model": CommandDone}} if command == "restore" else {}
    body = {
        "content": {"application/json": {"schema": details_type.model_json_schema()}},
        "required": details_type is NeededReason,
    }
    router.add_api_route(
        f"/channels/{{channel}}/{command}",
        carry_out,
        methods=["POST"],
        summary=f"{command.capitalize()} a channel",
        operation_id=f"{command}_channel",
        responses={**problems(400, 409, 503, 504), **waiting},
        openapi_extra={"requestBody": body},
    )


_DETAILS: dict[Command, type[Model]] = {
    "dump": DumpDetails,
    "backup": BackupDetails,
    "restore": NeededReason,
    "stop": NeededReason,
}
for _command in COMMANDS:
    _add_command(_command, _DETAILS.get(_command, Details))
