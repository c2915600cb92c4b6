"""`streamgate channel`: make, show, change and remove channels."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamgate.cli_gate import call_gate, print_json
from streamgate.cli_record import decided
from streamgate.cli_store import reload_gate
from streamgate.runtime.actor import cli_actor
from streamgate.runtime.datadir import DataDir

if TYPE_CHECKING:
    from streamgate.runtime.channels import ChannelConfig, ChannelStore
    from streamgate.runtime.destinations import Entry

channel_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Make, show and change channels.")
_Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="Name of the channel.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_Pushes = Annotated[
    list[str] | None,
    typer.Option(
        "--push",
        metavar="URL",
        help="rtmp(s)://HOST/APP/KEY, or hls: (files for a watch page of your own). Also as NAME=URL."
        " May be repeated.",
    ),
]
_Backups = Annotated[
    list[Path] | None,
    typer.Option("--backup", metavar="FILE", help="Backup video or picture. May be repeated."),
]


@channel_app.command("add")
def channel_add(
    ctx: typer.Context,
    name: _Channel,
    *,
    delay: Annotated[float, typer.Option(metavar="S", help="Seconds from 30 to 600.")] = 30.0,
    push: _Pushes = None,
    backup: _Backups = None,
    json: _Json = False,
) -> None:
    """Make a channel. Its stream key is shown this once."""
    places: DataDir = ctx.obj
    server = _rtmp_server(places)
    given = {"delay_s": delay, "push": push, "backups": backup}
    with decided(places, "channel.add", channel=name, **given) as deciding:
        channel, key = deciding.store(places).add(
            name, delay_s=delay, push=push or (), backups=backup or (), entry=_entry(places)
        )
    _tell_waiting(channel, json)
    _print_key(channel, server, key, json)
    reload_gate(places)


@channel_app.command("list")
def channel_list(ctx: typer.Context, json: _Json = False) -> None:
    """Show all channels as they are set. Push URLs are shown without their keys."""
    loaded = _store(ctx.obj).load_all()
    if json:
        print_json({"channels": [_shown(channel) for channel in loaded.channels], "errors": loaded.errors})
    else:
        from streamgate.tables import print_channels

        print_channels(loaded)


class StandbyKey(StrEnum):
    """Change of the stream key of a channel's standby camera."""

    ROTATE = "rotate"
    REMOVE = "remove"


def _set_standby_key(places: DataDir, name: str, what: StandbyKey, json: bool) -> None:
    """Make or remove the key of a standby camera; nothing else is changed with it."""
    server = _rtmp_server(places)
    with decided(places, "channel.standby_key", channel=name, change=str(what)) as deciding:
        if what is StandbyKey.ROTATE:
            _, key = deciding.store(places).rotate_standby_key(name)
        else:
            key = ""
            deciding.store(places).remove_standby(name)
    if json:
        print_json({"standby_key": key or None})
    elif key:
        typer.echo(f"server      {server}\nstandby key {key}    (shown this once)")
    else:
        typer.echo(f"{name}: no standby camera any more")
    reload_gate(places)


@channel_app.command("set")
def channel_set(
    ctx: typer.Context,
    name: _Channel,
    *,
    delay: Annotated[float | None, typer.Option(metavar="S", help="Seconds from 30 to 600.")] = None,
    push: _Pushes = None,
    remove_push: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Name of a destination (see channel list).")
    ] = None,
    backup: _Backups = None,
    remove_backup: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Path or file name of a backup.")
    ] = None,
    split_headers: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Send this destination a fresh codec header at each splice."),
    ] = None,
    shared_headers: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="One header for feed and filler again.")
    ] = None,
    restore_needs_two: Annotated[
        bool | None,
        typer.Option("--restore-needs-two/--no-restore-needs-two", help="Only two people end a cut."),
    ] = None,
    retention_days: Annotated[
        int | None,
        typer.Option(metavar="DAYS", help="Keep its recordings so long: 60 to 36500 days."),
    ] = None,
    dump_seconds: Annotated[
        float | None, typer.Option(metavar="N", help="What a dump condemns when nobody says: 1 to 30 s.")
    ] = None,
    standby_key: Annotated[
        StandbyKey | None,
        typer.Option(help="rotate: make a (new) stream key for its standby camera. remove: it has none."),
    ] = None,
    json: _Json = False,
) -> None:
    """Change a channel: its delay, add or remove destinations and backup files, its standby camera's key."""
    from streamgate.runtime.destinations import UNSIGNED

    places: DataDir = ctx.obj
    if standby_key is not None:
        others = (delay, push, remove_push, backup, remove_backup, split_headers, shared_headers)
        if any(one is not None for one in (*others, restore_needs_two, retention_days, dump_seconds)):
            raise typer.BadParameter("--standby-key stands alone; change the rest in a command of its own")
        _set_standby_key(places, name, standby_key, json)
        return
    headers = dict.fromkeys(split_headers or (), True) | dict.fromkeys(shared_headers or (), False)
    given = {
        "delay_s": delay,
        "push": push,
        "remove_push": remove_push,
        "backups": backup,
        "remove_backups": remove_backup,
        "split_headers": headers,
        "restore_needs_two": restore_needs_two,
        "retention_days": retention_days,
        "dump_s": dump_seconds,
    }
    with decided(places, "channel.change", channel=name, **given) as deciding:
        channel = deciding.store(places).set(
            name,
            delay_s=delay,
            add_push=push or (),
            remove_push=remove_push or (),
            split_headers=headers,
            add_backups=backup or (),
            remove_backups=remove_backup or (),
            entry=_entry(places) if push else UNSIGNED,
            restore_needs_two=restore_needs_two,
            retention_days=retention_days,
            dump_s=dump_seconds,
        )
    _tell_waiting(channel, json)
    if json:
        print_json(_shown(channel))
    else:
        names = ", ".join(one.name for one in channel.destinations) or "none"
        typer.echo(
            f"{name}: delay {channel.delay_s:g} s, push to {names}, {len(channel.backups)} backup files"
        )
    reload_gate(ctx.obj)


@channel_app.command("approve")
def channel_approve(
    ctx: typer.Context,
    name: _Channel,
    destination: Annotated[str, typer.Argument(metavar="DESTINATION", help="Its name (see channel list).")],
    json: _Json = False,
) -> None:
    """Approve a push destination that somebody else entered (rule R13); on air it is connected at once."""
    places: DataDir = ctx.obj
    entry = _entry(places)
    with decided(places, "destination.approve", channel=name, destination=destination) as deciding:
        channel = deciding.store(places).approve(
            name, destination, by=entry.by, at=entry.at, alone=entry.alone
        )
    if json:
        print_json(_shown(channel))
    else:
        typer.echo(f"{name}: destination {destination} approved by {entry.by}")
    reload_gate(places)


@channel_app.command("rotate-key")
def channel_rotate_key(ctx: typer.Context, name: _Channel, json: _Json = False) -> None:
    """Give a channel a new stream key; the old one is refused from now on."""
    places: DataDir = ctx.obj
    server = _rtmp_server(places)
    with decided(places, "channel.key", channel=name) as deciding:
        channel, key = deciding.store(places).rotate_key(name)
    _print_key(channel, server, key, json)
    reload_gate(places)


@channel_app.command("remove")
def channel_remove(ctx: typer.Context, name: _Channel, json: _Json = False) -> None:
    """Remove a channel that is not on air. Its recordings stay."""
    from streamgate.errors import Refused
    from streamgate.link.client import NotRunningError
    from streamgate.link.messages import GetStatus

    try:
        channels = call_gate(ctx, GetStatus(id=1, actor=cli_actor())).channels or []
    except NotRunningError:
        channels = []
    with decided(ctx.obj, "channel.remove", channel=name) as deciding:
        if any(one.name == name and one.on_air_s is not None for one in channels):
            raise Refused(f"channel {name} is on air; end the broadcast first with: streamgate stop {name}")
        deciding.store(ctx.obj).remove(name)
    if json:
        print_json({"name": name, "removed": True})
    else:
        typer.echo(f"{name}: removed; its recordings stay")
    reload_gate(ctx.obj)


def _store(places: DataDir) -> "ChannelStore":
    from streamgate.runtime.channels import ChannelStore

    return ChannelStore(places.root)


def _entry(places: DataDir) -> "Entry":
    """Return who enters destinations here; the setting `approval`: whether this person alone is enough."""
    from streamgate.clock import wall_s
    from streamgate.config import load
    from streamgate.runtime.destinations import Entry

    return Entry(cli_actor(), wall_s(), alone=load(places.root).approval == "one-person")


def _tell_waiting(channel: "ChannelConfig", json: bool) -> None:
    waiting = [one.name for one in channel.destinations if not one.approved]
    if waiting and not json:
        typer.echo(
            f"streamgate: {', '.join(waiting)}: not connected until somebody else approves it, on the page or"
            f" with: streamgate channel approve {channel.name} {waiting[0]}",
            err=True,
        )


def _rtmp_server(places: DataDir) -> str:
    """Return the URL for encoders: where the running serve listens, else as set."""
    from streamgate.config import load

    if serving := places.serving():
        return f"rtmp://{serving.rtmp}/live"
    settings = load(places.root)
    return f"rtmp://{settings.rtmp.reachable(settings.public_host)}/live"


def _print_key(channel: "ChannelConfig", server: str, key: str, json: bool) -> None:
    if json:
        print_json({"name": channel.name, "rtmp_server": server, "stream_key": key})
        return
    typer.echo(f"channel     {channel.name}, delay {channel.delay_s:g} s")
    typer.echo(f"server      {server}")
    typer.echo(
        f"stream key  {key}    (shown this once; a new one: streamgate channel rotate-key {channel.name})"
    )


def _shown(channel: "ChannelConfig") -> dict[str, object]:
    """Return the channel for display: without key hash, URLs without keys."""
    from streamgate.playout.settings import shown

    return {"name": channel.name, **shown(channel), "created": channel.created}
