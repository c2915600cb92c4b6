"""Channels: the state of all of them, and the commands to one."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, ValidationError

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
from console.live.commands import describe_marked, make_request
from console.live.hub import note
from console.live.messages import Snapshot
from console.problems import REASON_NEEDED, Refused, unreadable
from streamgate.link.messages import State

router = APIRouter(prefix=API, tags=["channels"])


class Details(Model):
    """`reason`: why, 1 to 500 characters; recorded in the log."""

    reason: str | None = None


class NeededReason(Model):
    """`reason`: why, 1 to 500 characters; recorded in the log. Without one: `reason_needed`."""

    reason: str


class DumpDetails(Details):
    """`seconds`: how much of the newest feed is dropped; more than 0, at most 600.

    None: the channel's own length and the person's reaction time, `sense` "picture" or "sound" (None: the
    longer one); a program has none.
    """

    seconds: float | None = None
    sense: Literal["picture", "sound"] | None = None


class Ends(Details):
    """Which arrivals, by one pair: seconds from now, 0 or negative, or the server's wall clock at arrival."""

    from_s: float | None = None
    to_s: float | None = None
    from_at: float | None = None
    to_at: float | None = None


class RedactDetails(Ends):
    """`with`: what is heard instead of the sound, or a mosaic over the picture.

    `box`: what the mosaic covers, as [x, y, w, h] in shares of the picture, 0 to 1 from the top left corner;
    null: the whole picture.
    """

    with_: Literal["mute", "bleep", "mosaic"] = Field(alias="with")
    box: tuple[float, float, float, float] | None = None


class MoveDetails(Ends):
    """`span`: its id. What uncovers anything needs the right to restore as well."""

    span: str


class LiftDetails(NeededReason):
    """`span`: its id."""

    span: str


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


class SpanDone(CommandDone):
    """A span as the gate carries it out: from the picture on screen to the keyframe at which live returns.

    Seconds from now (negative), and wall clock at the arrival. `open_end`: that keyframe has not arrived.
    `to_s` null: a cut in force. All null while it waits for a second person.
    """

    span: str | None = None
    kind: str | None = None
    from_s: float | None = None
    to_s: float | None = None
    from_at: float | None = None
    to_at: float | None = None
    open_end: bool | None = None


class DumpDone(SpanDone):
    """`seconds`: what was condemned; of the channel's own length and the person's reaction, if not given."""

    seconds: float | None = None
    channel_s: float | None = None
    reaction_s: float | None = None


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
            given = details.model_dump(by_alias=True)
            request = await make_request(command, channel, given, principal, parts.reactions)
            reply = await parts.gate.command(request, principal)
        except Refused as error:
            note(principal, command, channel, error.problem)
            raise
        note(principal, command, channel)
        if reply.waiting:
            response.status_code = 202
        marked = describe_marked(reply) if done is not CommandDone else {}
        return done(
            channel=channel,
            state=reply.state,
            took_ms=reply.took_ms,
            waiting=reply.waiting,
            **{name: value for name, value in marked.items() if name in done.model_fields},
        )

    done = _DONE.get(command, CommandDone)
    waiting: dict[int | str, dict[str, Any]] = {202: {"model": done}} if command in _BY_TWO else {}
    body = {
        "content": {"application/json": {"schema": details_type.model_json_schema()}},
        "required": command in _NEEDS_BODY,
    }
    router.add_api_route(
        f"/channels/{{channel}}/{command}",
        carry_out,
        response_model=done,
        methods=["POST"],
        summary=_SUMMARIES.get(command, f"{command.capitalize()} a channel"),
        operation_id=f"{command}_channel",
        responses={**problems(400, 409, 503, 504), **waiting},
        openapi_extra={"requestBody": body},
    )


_DETAILS: dict[Command, type[Model]] = {
    "dump": DumpDetails,
    "backup": BackupDetails,
    "restore": NeededReason,
    "stop": NeededReason,
    "condemn": Ends,
    "redact": RedactDetails,
    "move": MoveDetails,
    "lift": LiftDetails,
    "uncut": NeededReason,
}
_DONE: dict[Command, type[CommandDone]] = {
    "dump": DumpDone,
    **dict.fromkeys(("condemn", "redact", "move", "lift", "uncut"), SpanDone),
}
_SUMMARIES: dict[Command, str] = {
    "condemn": "Let what arrived in a span never air",
    "redact": "Replace the sound of a span when it airs, or lay a mosaic over its pictures",
    "move": "Give a span other ends, as far as it has not aired",
    "lift": "Let what a span covers air after all, as far as it has not aired",
    "uncut": "Take a mistaken cut back, as far as what it condemned has not aired",
}
_BY_TWO = frozenset({"restore", "move", "lift", "uncut"})
_NEEDS_BODY = _BY_TWO | {"stop", "condemn", "redact"}
for _command in COMMANDS:
    _add_command(_command, _DETAILS.get(_command, Details))
