"""Commands that control what airs, from `start` to `stop`, and `status`. Each is one request to the gate."""

from typing import Annotated

import typer

from streamgate.cli_gate import act, call_gate, print_json
from streamgate.runtime.actor import cli_actor

_Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="Name of the channel.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; recorded in the log.")]


def start(ctx: typer.Context, channel: _Channel, reason: _Reason = "", json: _Json = False) -> None:
    """Begin a broadcast without waiting for an encoder."""
    from streamgate.link.messages import Start

    act(ctx, Start(id=1, actor=cli_actor(), channel=channel, reason=reason), json)


def cut(ctx: typer.Context, channel: _Channel, reason: _Reason = "", json: _Json = False) -> None:
    """Take the program off air at once: filler airs, and nothing held or arriving now will ever air."""
    from streamgate.link.messages import Cut

    act(ctx, Cut(id=1, actor=cli_actor(), channel=channel, reason=reason), json)


def restore(ctx: typer.Context, channel: _Channel, reason: _Reason = "", json: _Json = False) -> None:
    """End a cut: what arrives from now on airs, one delay later."""
    from streamgate.link.messages import Restore

    act(ctx, Restore(id=1, actor=cli_actor(), channel=channel, reason=reason), json)


def dump(
    ctx: typer.Context,
    channel: _Channel,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="N", help="How many of the newest seconds; else the channel's own length."),
    ] = None,
    reason: _Reason = "",
    json: _Json = False,
) -> None:
    """Condemn the newest seconds only: filler covers exactly them when they come due."""
    from streamgate.link.messages import Dump

    act(ctx, Dump(id=1, actor=cli_actor(), channel=channel, seconds=seconds, reason=reason), json)


def backup(
    ctx: typer.Context,
    channel: _Channel,
    clip: Annotated[
        str, typer.Argument(metavar="[CLIP]", help="Name of the clip; the first one if left out.")
    ] = "",
    reason: _Reason = "",
    json: _Json = False,
) -> None:
    """Air backup footage by choice, without condemning anything. `live` returns to the feed."""
    from streamgate.link.messages import Backup

    act(ctx, Backup(id=1, actor=cli_actor(), channel=channel, clip=clip, reason=reason), json)


def live(ctx: typer.Context, channel: _Channel, reason: _Reason = "", json: _Json = False) -> None:
    """Return from backup footage to the delayed feed."""
    from streamgate.link.messages import Live

    act(ctx, Live(id=1, actor=cli_actor(), channel=channel, reason=reason), json)


def stop(ctx: typer.Context, channel: _Channel, reason: _Reason = "", json: _Json = False) -> None:
    """End the broadcast and close the connections to the platforms."""
    from streamgate.link.messages import Stop

    act(ctx, Stop(id=1, actor=cli_actor(), channel=channel, reason=reason), json)


def status(ctx: typer.Context, json: _Json = False) -> None:
    """Show every channel: what airs, what comes in, where it goes."""
    from streamgate.link.messages import GetStatus

    reply = call_gate(ctx, GetStatus(id=1, actor=cli_actor()))
    channels = reply.channels or []
    if json:
        print_json({"channels": channels, "warnings": reply.warnings})
    else:
        from streamgate.tables import print_status

        print_status(channels, reply.warnings)
