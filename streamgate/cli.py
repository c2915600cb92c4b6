"""The command line. Exit codes: 0 done, 1 refused or failed (reason on stderr), 2 usage.

Everything heavy is imported where it is used: `streamgate cut` must be quick.
"""

import functools
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from streamgate.air_cli import backup, cut, dump, live, restore, start, status, stop
from streamgate.archive_cli import archive_app
from streamgate.channel_cli import channel_app
from streamgate.cli_gate import print_json
from streamgate.cli_record import decided
from streamgate.comments_cli import interaction, overlay, source_app
from streamgate.copy_cli import copy_app, restore_archive, show_disk
from streamgate.db_cli import db_app
from streamgate.duty_cli import duty_app
from streamgate.errors import Fatal, LinkError, StreamgateError
from streamgate.escalation_cli import escalation_app
from streamgate.incident_cli import incident_app, note
from streamgate.incident_settle_cli import complete, dismiss, join
from streamgate.people_cli import secrets_app, token_app, user_app
from streamgate.report_cli import report, selfcheck
from streamgate.runtime.datadir import DataDir, default_root
from streamgate.span_cli import condemn, lift, move, redact, uncut


class _Group(TyperGroup):
    """Converts every StreamgateError into one line on stderr and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except StreamgateError as error:
            _complain(str(error))
            raise typer.Exit(1) from error


class _Filter(TyperGroup):
    """`streamgate filter`: loads its commands only when they are used, and converts their errors."""

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


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="streamgate: a livestream content gate. Every feed is held 30 seconds or more and cut with one key.",
)
app.add_typer(channel_app, name="channel")
app.add_typer(archive_app, name="archive")
archive_app.add_typer(copy_app, name="copy")
archive_app.command("restore")(restore_archive)
archive_app.command("disk")(show_disk)
app.add_typer(db_app, name="db")
app.add_typer(duty_app, name="duty")
app.add_typer(user_app, name="user")
app.add_typer(token_app, name="token")
app.add_typer(secrets_app, name="secrets")
app.add_typer(source_app, name="source")
for _settle in (complete, join, dismiss):
    incident_app.command()(_settle)
app.add_typer(incident_app, name="incident")
app.add_typer(escalation_app, name="escalation")
for _air in (start, cut, restore, dump, backup, live, stop, status):
    app.command()(_air)
app.command("condemn")(condemn)
app.command("move")(move)
app.command("lift")(lift)
app.command("uncut")(uncut)
app.command("redact")(redact)
app.command("note")(note)
app.command("report")(report)
app.command("selfcheck")(selfcheck)
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

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


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
    copy_to: Annotated[
        str | None, typer.Option(metavar="DIR|s3://BUCKET/PREFIX", help="Keep a second copy there.")
    ] = None,
    copy_endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="Of an S3-compatible store; else Amazon's.")
    ] = None,
    copy_region: Annotated[str | None, typer.Option(metavar="NAME", help="The store's region.")] = None,
    copy_addressing: Annotated[
        str | None, typer.Option(metavar="auto|path|virtual", help="How the store's buckets are named.")
    ] = None,
    copy_limit: Annotated[
        str | None, typer.Option(metavar="MBPS", help="Highest bit rate of the second copy.")
    ] = None,
    copy_retention: Annotated[
        str | None, typer.Option(metavar="DAYS", help="Remove copies after so long, at least 60; 0: never.")
    ] = None,
    copy_recheck: Annotated[
        str | None, typer.Option(metavar="DAYS", help="Read copies back again after so long; 0: never.")
    ] = None,
    copy_check: Annotated[
        str | None, typer.Option(metavar="read|checksum", help="How a copy is proven.")
    ] = None,
    no_input_stop_min: Annotated[
        str | None, typer.Option(metavar="MINUTES", help="End a broadcast without input; 0: never.")
    ] = None,
    ring_max_mb: Annotated[str | None, typer.Option(metavar="MB", help="Memory cap per channel.")] = None,
    max_bitrate_mbps: Annotated[
        str | None, typer.Option(metavar="MBPS", help="Highest feed bit rate.")
    ] = None,
    ledger_copy: Annotated[
        str | None, typer.Option(metavar="FILE|URL", help="Where the ledger's heads are sent, too.")
    ] = None,
    tsa: Annotated[
        str | None, typer.Option(metavar="URL", help="Stamps the ledger's heads (RFC 3161).")
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
        copy_to=copy_to,
        copy_endpoint=copy_endpoint,
        copy_region=copy_region,
        copy_addressing=copy_addressing,
        copy_limit=copy_limit,
        copy_retention=copy_retention,
        copy_recheck=copy_recheck,
        copy_check=copy_check,
        no_input_stop_min=no_input_stop_min,
        ring_max_mb=ring_max_mb,
        max_bitrate_mbps=max_bitrate_mbps,
        ledger_copy=ledger_copy,
        tsa=tsa,
        database=database,
        log_level=log_level,
    )
    from streamgate import app as composition

    raise typer.Exit(composition.serve(settings))


@app.command()
def demo(ctx: typer.Context) -> None:
    """Run a demo on this machine alone: test feed, gate, destination, page. Its files are in ./.demo."""
    from streamgate.demo.run import run_demo

    assert ctx.parent is not None, "a command of the group"
    given: Path | None = ctx.parent.params["data_dir"]
    raise typer.Exit(run_demo(given))


# ---------------------------------------------------------------- proof


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
    *,
    broadcast: Annotated[
        str, typer.Option(metavar="ID", help="Of the archive, check what belongs to this broadcast only.")
    ] = "",
    heads: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Heads that --ledger-copy kept elsewhere.")
    ] = None,
    tsa_cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Root certificates (PEM) of the time stamps.")
    ] = None,
    json: _Json = False,
) -> None:
    """Prove ledger and archive, or name the first bad record. Exit code 1: refuted, 2: it cannot be read."""
    from streamgate.verify_cli import run

    where = directory or ctx.obj.root
    raise typer.Exit(run(where, key, broadcast=broadcast, heads=heads, tsa_cert=tsa_cert, json=json))


_Broadcast = Annotated[str, typer.Argument(metavar="BROADCAST", help="As in: main-20260928T120000Z.")]
_Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="A data directory or a copy of one; this one if left out."),
]


@app.command()
def certificate(
    ctx: typer.Context, broadcast: _Broadcast, *, data: _Data = None, json: _Json = False
) -> None:
    """Show how long the live packets of a broadcast were held, and when and why live was not on air.

    Only its edit list is read; `serve` need not run. For a broadcast on air: up to now.
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
        print_json({"console": link})
    else:
        typer.echo(link)


def _complain(text: str) -> None:
    typer.echo(f"streamgate: {text}", err=True)
