"""`streamgate condemn`, `move`, `lift`, `uncut`, `redact`: spans that must not air as they arrived."""

from enum import StrEnum
from typing import Annotated

import typer

from streamgate.cli_gate import act
from streamgate.runtime.actor import cli_actor

_Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="Name of the channel.")]
_Span = Annotated[str, typer.Argument(metavar="SPAN", help="As status names it: s7.")]
_From = Annotated[
    float, typer.Option("--from", metavar="S", help="Where it begins: seconds from now, as in -12.5.")
]
_To = Annotated[float, typer.Option("--to", metavar="S", help="Where it ends: seconds from now, 0 is now.")]
_Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; recorded in the log.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


class With(StrEnum):
    """What replaces the sound, or the picture."""

    MUTE = "mute"
    BLEEP = "bleep"
    MOSAIC = "mosaic"


def condemn(
    ctx: typer.Context, channel: _Channel, *, from_: _From, to: _To, reason: _Reason = "", json: _Json = False
) -> None:
    """Condemn what arrived in a span: filler covers it, up to the next keyframe, as the answer says."""
    from streamgate.link.messages import Condemn

    request = Condemn(id=1, actor=cli_actor(), channel=channel, from_s=from_, to_s=to, reason=reason)
    act(ctx, request, json, spans=True)


def redact(
    ctx: typer.Context,
    channel: _Channel,
    *,
    from_: _From,
    to: _To,
    with_: Annotated[With, typer.Option("--with", help="What is heard, or seen, instead.")] = With.MUTE,
    box: Annotated[
        str,
        typer.Option(
            metavar="X,Y,W,H",
            help="What a mosaic covers, in shares of the picture, 0 to 1 from the top left corner, as in"
            " 0.25,0.1,0.5,0.3; without it the whole picture.",
        ),
    ] = "",
    reason: _Reason = "",
    json: _Json = False,
) -> None:
    """Replace the sound of what arrived in a span when it airs, or lay a mosaic over its pictures."""
    from streamgate.core.box import parse_box
    from streamgate.link.messages import Redact

    request = Redact(
        id=1,
        actor=cli_actor(),
        channel=channel,
        from_s=from_,
        to_s=to,
        with_=with_.value,
        box=parse_box(box) if box else None,
        reason=reason,
    )
    act(ctx, request, json, spans=True)


def move(
    ctx: typer.Context,
    channel: _Channel,
    span: _Span,
    *,
    from_: _From,
    to: _To,
    reason: _Reason = "",
    json: _Json = False,
) -> None:
    """Change the start and end of a span, as far as it has not reached air."""
    from streamgate.link.messages import Move

    request = Move(
        id=1,
        actor=cli_actor(),
        channel=channel,
        span=span,
        from_s=from_,
        to_s=to,
        may_uncover=True,
        reason=reason,
    )
    act(ctx, request, json, spans=True)


def lift(
    ctx: typer.Context, channel: _Channel, span: _Span, reason: _Reason = "", json: _Json = False
) -> None:
    """Lift a span: what it covers and has not reached air airs after all."""
    from streamgate.link.messages import Lift

    request = Lift(id=1, actor=cli_actor(), channel=channel, span=span, reason=reason)
    act(ctx, request, json, spans=True)


def uncut(ctx: typer.Context, channel: _Channel, reason: _Reason = "", json: _Json = False) -> None:
    """Take a mistaken cut back: what it condemned and has not reached air airs after all."""
    from streamgate.link.messages import Uncut

    act(ctx, Uncut(id=1, actor=cli_actor(), channel=channel, reason=reason), json, spans=True)
