"""The command line. Exit codes: 0 done, 1 refused or failed (reason on stderr), 2 usage.

Everything heavy is imported where it is used: `streamgate cut` must be quick.
"""

import functools
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from typer.core import TyperGroup

from streamgate.archive_cli import archive_app
from streamgate.cli_record import decided
from streamgate.comments_cli import interaction, overlay, source_app
from streamgate.db_cli import db_app
from streamgate.errors import Fatal, LinkError, StreamgateError
from streamgate.people_cli import secrets_app, token_app, user_app
from streamgate.runtime.actor import cli_actor
from streamgate.runtime.datadir import DataDir, default_root

if TYPE_CHECKING:
    from streamgate.link.messages import AnyRequest, Reply
    from streamgate.runtime.channels import ChannelConfig, ChannelStore
    from streamgate.runtime.destinations import Entry


class _Group(TyperGroup):
    """Turns every error of ours into one line on stderr and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except StreamgateError as error:
            _complain(str(error))
            raise typer.Exit(1) from error


class _Filter(TyperGroup):
    """`streamgate filter`: loads its commands only when they are asked for, and translates their errors."""

    def list_commands(self, ctx: Any) -> list[str]:
        return _filter_commands().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return _filter_commands().get_command(ctx, cmd_name)

    def invoke(self, ctx: Any) -> Any:
        from moderation.errors import ModerationError

        try:
            return super().invoke(ctx)
        except ModerationError as error:
            raise Fatal(str(error)) from error


@functools.cache
def _filter_commands() -> TyperGroup:
    from moderation.filter.cli import filter_app

    return typer.main.get_group(filter_app)


GATE_RESTART_S = 3.0
app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="streamgate: a livestream content gate. Every feed is held 30 seconds or more and cut with one key.",
)
channel_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Make, show and change channels.")
app.add_typer(channel_app, name="channel")
app.add_typer(archive_app, name="archive")
app.add_typer(db_app, name="db")
app.add_typer(user_app, name="user")
app.add_typer(token_app, name="token")
app.add_typer(secrets_app, name="secrets")
app.add_typer(source_app, name="source")
app.command("interaction")(interaction)
app.command("overlay")(overlay)
app.add_typer(
    typer.Typer(
        cls=_Filter,
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Check texts against word lists; lint and import lists.",
    ),
    name="filter",
)

_Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="Name of the channel.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; it stands in the log.")]
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


def main() -> None:
    """Entry point of the `streamgate` command."""
    app(prog_name="streamgate")


@app.callback()
def _root(
    ctx: typer.Context,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where everything stands. [env STREAMGATE_DATA_DIR; default ~/.local/share/streamgate]",
        ),
    ] = None,
) -> None:
    ctx.obj = DataDir(data_dir or default_root(os.environ))


# ---------------------------------------------------------------- processes


@app.command()
def serve(
    ctx: typer.Context,
    *,
    rtmp: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Encoders publish here.")] = None,
    console: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="The operators' page.")] = None,
    public: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Viewers and sources of comments.")
    ] = None,
    rtmps: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="The same with TLS; off.")] = None,
    tls_cert: Annotated[str | None, typer.Option(metavar="FILE", help="Certificate chain for rtmps.")] = None,
    tls_key: Annotated[str | None, typer.Option(metavar="FILE", help="Private key for rtmps.")] = None,
    console_cert: Annotated[
        str | None, typer.Option(metavar="FILE", help="Certificate chain of the page: HTTPS.")
    ] = None,
    console_key: Annotated[str | None, typer.Option(metavar="FILE", help="Private key of the page.")] = None,
    behind_proxy: Annotated[
        str | None, typer.Option(metavar="ADDRESSES", help="The proxy that has TLS in front of the page.")
    ] = None,
    idle_logout_min: Annotated[
        str | None, typer.Option(metavar="MINUTES", help="A session ends when not used for so long.")
    ] = None,
    password_max_age_days: Annotated[
        str | None, typer.Option(metavar="DAYS", help="A password is good for so long.")
    ] = None,
    totp_roles: Annotated[
        str | None, typer.Option(metavar="ROLES", help="Who must have a second factor.")
    ] = None,
    public_host: Annotated[str | None, typer.Option(metavar="HOST", help="How encoders reach us.")] = None,
    retention_days: Annotated[str | None, typer.Option(metavar="DAYS", help="At least 60.")] = None,
    no_input_stop_min: Annotated[
        str | None, typer.Option(metavar="MINUTES", help="End a broadcast without input; 0: never.")
    ] = None,
    ring_max_mb: Annotated[str | None, typer.Option(metavar="MB", help="Memory cap per channel.")] = None,
    max_bitrate_mbps: Annotated[
        str | None, typer.Option(metavar="MBPS", help="Highest feed bit rate.")
    ] = None,
    database: Annotated[
        str | None, typer.Option(metavar="URL", help="Of a PostgreSQL server; else a SQLite file.")
    ] = None,
    log_level: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="debug, info, warning, error.")
    ] = None,
) -> None:
    """Run the gate in the foreground until SIGTERM or Ctrl-C. Options may also stand in streamgate.toml."""
    from streamgate.config import load

    settings = load(
        ctx.obj.root,
        rtmp=rtmp,
        console=console,
        public=public,
        rtmps=rtmps,
        tls_cert=tls_cert,
        tls_key=tls_key,
        console_cert=console_cert,
        console_key=console_key,
        behind_proxy=behind_proxy,
        idle_logout_min=idle_logout_min,
        password_max_age_days=password_max_age_days,
        totp_roles=totp_roles,
        public_host=public_host,
        retention_days=retention_days,
        no_input_stop_min=no_input_stop_min,
        ring_max_mb=ring_max_mb,
        max_bitrate_mbps=max_bitrate_mbps,
        database=database,
        log_level=log_level,
    )
    from streamgate import app as composition

    raise typer.Exit(composition.serve(settings))


@app.command()
def demo(ctx: typer.Context) -> None:
    """Show the whole thing on this machine alone: test feed, gate, destination, page. Stands in ./.demo."""
    from streamgate.demo.run import run_demo

    assert ctx.parent is not None, "a command of the group"
    given: Path | None = ctx.parent.params["data_dir"]
    raise typer.Exit(run_demo(given))


# ---------------------------------------------------------------- air


@app.command()
def start(ctx: typer.Context, channel: _Channel, reason: _Reason = "", json: _Json = False) -> None:
    """Begin a broadcast without waiting for an encoder."""
    from streamgate.link.messages import Start

    _act(ctx, Start(id=1, actor=cli_actor(), channel=channel, reason=reason), json)


@app.command()
def cut(ctx: typer.Context, channel: _Channel, reason: _Reason = "", json: _Json = False) -> None:
    """Take the program off air at once: filler airs, and nothing held or arriving now will ever air."""
    from streamgate.link.messages import Cut

    _act(ctx, Cut(id=1, actor=cli_actor(), channel=channel, reason=reason), json)


@app.command()
def restore(ctx: typer.Context, channel: _Channel, reason: _Reason = "", json: _Json = False) -> None:
    """End a cut: what arrives from now on airs, one delay later."""
    from streamgate.link.messages import Restore

    _act(ctx, Restore(id=1, actor=cli_actor(), channel=channel, reason=reason), json)


@app.command()
def dump(
    ctx: typer.Context,
    channel: _Channel,
    seconds: Annotated[float, typer.Option(metavar="N", help="How many of the newest seconds.")] = 10.0,
    reason: _Reason = "",
    json: _Json = False,
) -> None:
    """Condemn the newest seconds only: filler covers exactly them when they come due."""
    from streamgate.link.messages import Dump

    _act(ctx, Dump(id=1, actor=cli_actor(), channel=channel, seconds=seconds, reason=reason), json)


@app.command()
def backup(
    ctx: typer.Context,
    channel: _Channel,
    clip: Annotated[
        str, typer.Argument(metavar="[CLIP]", help="Name of the clip; the first one if left out.")
    ] = "",
    reason: _Reason = "",
    json: _Json = False,
) -> None:
    """Air backup footage by choice, without condemning anything. `live` returns."""
    from streamgate.link.messages import Backup

    _act(ctx, Backup(id=1, actor=cli_actor(), channel=channel, clip=clip, reason=reason), json)


@app.command()
def live(ctx: typer.Context, channel: _Channel, reason: _Reason = "", json: _Json = False) -> None:
    """Return from backup footage to the delayed feed."""
    from streamgate.link.messages import Live

    _act(ctx, Live(id=1, actor=cli_actor(), channel=channel, reason=reason), json)


@app.command()
def stop(ctx: typer.Context, channel: _Channel, reason: _Reason = "", json: _Json = False) -> None:
    """End the broadcast and close the connections to the platforms."""
    from streamgate.link.messages import Stop

    _act(ctx, Stop(id=1, actor=cli_actor(), channel=channel, reason=reason), json)


@app.command()
def status(ctx: typer.Context, json: _Json = False) -> None:
    """Show every channel: what airs, what comes in, where it goes."""
    from streamgate.link.messages import GetStatus

    reply = _call(ctx, GetStatus(id=1, actor=cli_actor()))
    channels = reply.channels or []
    if json:
        _print_json({"channels": channels, "warnings": reply.warnings})
    else:
        from streamgate.tables import print_status

        print_status(channels, reply.warnings)


@app.command()
def verify(
    ctx: typer.Context,
    directory: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="A data directory or a copy of one; this one if left out."),
    ] = None,
    key: Annotated[
        str, typer.Option(metavar="KEY|FILE", help="The public key (seal.pub) that must have signed all.")
    ] = "",
    json: _Json = False,
) -> None:
    """Prove the ledger, or name its first bad record. Exit code 1: refuted, 2: it cannot be read."""
    from streamgate.verify_cli import run

    raise typer.Exit(run(directory or ctx.obj.root, key, json=json))


_Broadcast = Annotated[str, typer.Argument(metavar="BROADCAST", help="As in: main-20260928T120000Z.")]
_Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="A data directory or a copy of one; this one if left out."),
]


@app.command()
def certificate(
    ctx: typer.Context, broadcast: _Broadcast, *, data: _Data = None, json: _Json = False
) -> None:
    """Say for how long the live packets of a broadcast were held, and when and why live was not on air.

    Read from its edit list alone; `serve` need not run. Of a broadcast on air: as far as it goes.
    """
    from streamgate.certificate_cli import run

    run((data or ctx.obj.root) / "archive", broadcast, json=json)


@archive_app.command("render")
def archive_render(
    ctx: typer.Context,
    broadcast: _Broadcast,
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="An FLV file that is made.")],
    data: _Data = None,
    json: _Json = False,
) -> None:
    """Write the program of a broadcast as it aired, packet for packet: parts, fillers and edit list."""
    from streamgate.certificate_cli import render

    places: DataDir = ctx.obj
    if data is not None:
        render(data / "archive", broadcast, out, json=json)
        return
    with decided(places, "archive.render", broadcast=broadcast, out=str(out)):
        render(places.archive, broadcast, out, json=json)


@app.command("console-link")
def console_link(ctx: typer.Context, json: _Json = False) -> None:
    """Print a new link that makes the first administrator: good once, within 24 hours."""
    from console.auth.tokens import mint
    from streamgate.errors import Refused
    from streamgate.link.client import not_running
    from streamgate.people_cli import has_administrator

    places: DataDir = ctx.obj
    serving = places.serving()
    if serving is None:
        raise not_running(places.root)
    if not serving.console:
        raise LinkError("the page has no address at the moment; look at: streamgate status")
    with decided(places, "link.make", kind="setup"):
        if has_administrator(places):
            raise Refused(
                "there is an administrator already, who invites people on the page; from here: streamgate"
                " user add NAME --role ROLE, or streamgate user reset NAME for somebody who cannot sign in"
            )
        link = f"{serving.page}/one-time#{mint(places.root)}"
    if json:
        _print_json({"console": link})
    else:
        typer.echo(link)


# ---------------------------------------------------------------- channels


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
    _reload(places)


@channel_app.command("list")
def channel_list(ctx: typer.Context, json: _Json = False) -> None:
    """Show all channels as they are set. Push URLs are shown without their keys."""
    loaded = _store(ctx.obj).load_all()
    if json:
        _print_json({"channels": [_shown(channel) for channel in loaded.channels], "errors": loaded.errors})
    else:
        from streamgate.tables import print_channels

        print_channels(loaded)


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
    json: _Json = False,
) -> None:
    """Change a channel: its delay, add or remove destinations and backup files."""
    places: DataDir = ctx.obj
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
            **({"entry": _entry(places)} if push else {}),
            restore_needs_two=restore_needs_two,
            retention_days=retention_days,
        )
    _tell_waiting(channel, json)
    if json:
        _print_json(_shown(channel))
    else:
        names = ", ".join(one.name for one in channel.destinations) or "none"
        typer.echo(
            f"{name}: delay {channel.delay_s:g} s, push to {names}, {len(channel.backups)} backup files"
        )
    _reload(ctx.obj)


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
        _print_json(_shown(channel))
    else:
        typer.echo(f"{name}: destination {destination} approved by {entry.by}")
    _reload(places)


@channel_app.command("rotate-key")
def channel_rotate_key(ctx: typer.Context, name: _Channel, json: _Json = False) -> None:
    """Give a channel a new stream key; the old one is refused from now on."""
    places: DataDir = ctx.obj
    server = _rtmp_server(places)
    with decided(places, "channel.key", channel=name) as deciding:
        channel, key = deciding.store(places).rotate_key(name)
    _print_key(channel, server, key, json)
    _reload(places)


@channel_app.command("remove")
def channel_remove(ctx: typer.Context, name: _Channel, json: _Json = False) -> None:
    """Forget a channel that is not on air. Its recordings stay."""
    from streamgate.errors import Refused
    from streamgate.link.client import NotRunningError
    from streamgate.link.messages import GetStatus

    try:
        channels = _call(ctx, GetStatus(id=1, actor=cli_actor())).channels or []
    except NotRunningError:
        channels = []
    with decided(ctx.obj, "channel.remove", channel=name) as deciding:
        if any(one.name == name and one.on_air_s is not None for one in channels):
            raise Refused(f"channel {name} is on air; end the broadcast first with: streamgate stop {name}")
        deciding.store(ctx.obj).remove(name)
    if json:
        _print_json({"name": name, "removed": True})
    else:
        typer.echo(f"{name}: removed; its recordings stay")
    _reload(ctx.obj)


# ---------------------------------------------------------------- helpers


def _complain(text: str) -> None:
    typer.echo(f"streamgate: {text}", err=True)


def _print_json(value: object) -> None:
    typer.echo(msgspec.json.encode(value).decode())


def _call(ctx: typer.Context, request: "AnyRequest") -> "Reply":
    import asyncio

    from streamgate.link.client import NotRunningError, call, not_running

    deadline = time.monotonic() + GATE_RESTART_S
    while True:
        try:
            return asyncio.run(call(ctx.obj.control_socket, request))
        except NotRunningError as error:
            # Somebody serves here, so the gate process is just being restarted: wait for it.
            if ctx.obj.serving() is None or time.monotonic() > deadline:
                raise not_running(ctx.obj.root) from error
            time.sleep(0.05)


def _act(ctx: typer.Context, request: "AnyRequest", json: bool) -> None:
    """Send a command and print what the channel is now. `took_ms`: as the gate measured it."""
    started = time.monotonic()
    reply = _call(ctx, request)
    took_ms = (time.monotonic() - started) * 1000 if reply.took_ms is None else reply.took_ms
    if json:
        answer = {"channel": reply.channel, "state": reply.state, "took_ms": round(took_ms, 3)}
        _print_json(answer | ({"waiting": reply.waiting} if reply.waiting else {}))
    else:
        waits = "; waits for a second person" if reply.waiting else ""
        typer.echo(f"{reply.channel}: {reply.state} ({took_ms:.1f} ms){waits}")


def _store(places: DataDir) -> "ChannelStore":
    from streamgate.runtime.channels import ChannelStore

    return ChannelStore(places.root)


def _reload(places: DataDir) -> None:
    """Make a running gate read the channels again. Without one there is nothing to do."""
    import asyncio

    from streamgate.link.client import NotRunningError, call
    from streamgate.link.messages import Reload

    try:
        asyncio.run(call(places.control_socket, Reload(id=1, actor=cli_actor())))
    except NotRunningError:
        return
    except StreamgateError as error:
        raise type(error)(
            f"the change is stored, but the running gate did not take it over: {error}"
        ) from error


def _entry(places: DataDir) -> "Entry":
    """Who enters destinations here; the setting `approval` says whether this person alone is enough."""
    from streamgate.clock import wall_s
    from streamgate.config import load
    from streamgate.runtime.destinations import Entry

    return Entry(cli_actor(), wall_s(), alone=load(places.root).approval == "one-person")


def _tell_waiting(channel: "ChannelConfig", json: bool) -> None:
    waiting = [one.name for one in channel.destinations if not one.approved]
    if waiting and not json:
        _complain(
            f"{', '.join(waiting)}: not connected until somebody else approves it, on the page or with:"
            f" streamgate channel approve {channel.name} {waiting[0]}"
        )


def _rtmp_server(places: DataDir) -> str:
    """Where encoders publish: as the running serve really listens, else as it is set."""
    from streamgate.config import load

    if serving := places.serving():
        return f"rtmp://{serving.rtmp}/live"
    settings = load(places.root)
    return f"rtmp://{settings.rtmp.reachable(settings.public_host)}/live"


def _print_key(channel: "ChannelConfig", server: str, key: str, json: bool) -> None:
    if json:
        _print_json({"name": channel.name, "rtmp_server": server, "stream_key": key})
        return
    typer.echo(f"channel     {channel.name}, delay {channel.delay_s:g} s")
    typer.echo(f"server      {server}")
    typer.echo(
        f"stream key  {key}    (shown this once; a new one: streamgate channel rotate-key {channel.name})"
    )


def _shown(channel: "ChannelConfig") -> dict[str, object]:
    """The channel for people: without key hash, URLs without keys."""
    from streamgate.playout.settings import shown

    return {"name": channel.name, **shown(channel), "created": channel.created}
