"""`streamgate archive copy` and `archive restore`: the second copy, its key, restoring recordings."""

import contextlib
import sys
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from streamgate.cli_record import decided
from streamgate.cli_store import print_answer
from streamgate.errors import Refused
from streamgate.runtime.datadir import DataDir

if TYPE_CHECKING:
    from streamgate.archive.copy.place import CopySettings
    from streamgate.archive.copy.restore import Restored
    from streamgate.archive.copy.state import CopyState

copy_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Show the second copy of the archive; keep its key."
)
MAX_NAMED = 64  # files moved aside that the ledger names
MAX_SECRET = 4096
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_From = Annotated[
    str | None, typer.Option("--from", metavar="T", help="ISO 8601, or seconds since the epoch.")
]
_To = Annotated[str | None, typer.Option("--to", metavar="T", help="The same; the end of the span.")]


@copy_app.command("status")
def status(ctx: typer.Context, json: _Json = False) -> None:
    """Show what is copied, what is not yet, and what is wrong with it."""
    from streamgate.archive.copy.state import read_state
    from streamgate.clock import wall_s

    places: DataDir = ctx.obj
    state = read_state(places.run, wall_s()) if places.serving() is not None else None
    if state is None:
        state = _count(places)
    print_answer(json, msgspec.to_builtins(state), _describe_state(state))


@copy_app.command("key")
def key(
    ctx: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="[KEY_ID]", help="The access key's id.")] = "",
    *,
    forget: Annotated[bool, typer.Option("--forget", help="Remove the key that is kept.")] = False,
    json: _Json = False,
) -> None:
    """Keep the key of the S3-compatible store, encrypted; its secret is read from standard input."""
    from streamgate.archive.copy.login import forget_login, store_login
    from streamgate.archive.copy.place import Login

    places: DataDir = ctx.obj
    places.create()
    with decided(places, "copy.key", key_id=key_id, forget=forget or None):
        if forget:
            done = forget_login(places.root)
            print_answer(json, {"forgotten": done}, "the key is removed" if done else "no key was kept")
            return
        if not key_id:
            raise Refused("name the access key's id; its secret is read from standard input")
        secret = sys.stdin.readline(MAX_SECRET).strip()
        if not secret:
            raise Refused("the secret on standard input is empty; write it as one line")
        store_login(places.root, Login(key_id, secret))
    print_answer(json, {"key_id": key_id}, f"the key {key_id} is kept; serve uses it from its next start on")


def restore_archive(
    ctx: typer.Context,
    channel: Annotated[str, typer.Argument(metavar="[CHANNEL]", help="All channels if left out.")] = "",
    *,
    start: _From = None,
    end: _To = None,
    json: _Json = False,
) -> None:
    """Restore from the second copy what is missing or damaged here; a good file is never overwritten.

    Without a channel and a span: the ledger, edit lists and holds, too. Exit code 1: not all came back.
    """
    from streamgate.archive.copy.pace import Pace
    from streamgate.archive.copy.place import open_target
    from streamgate.archive.copy.restore import Restorer
    from streamgate.archive.times import parse_bounds

    places: DataDir = ctx.obj
    places.create()
    with decided(places, "archive.restore", channel=channel, **{"from": start, "to": end}) as deciding:
        settings = _settings(places)
        if not settings.to:
            raise Refused("no second copy is set: name it in streamgate.toml (copy_to) or STREAMGATE_COPY_TO")
        first, last = parse_bounds(start, end)
        with contextlib.closing(open_target(settings, places.root)) as target:
            restorer = Restorer(
                places.root,
                target,
                Pace(settings.limit_mbps or None),
                serving=places.serving() is not None,
                moved=(lambda _: None) if json else (lambda name: typer.echo(f"restored {name}", err=True)),
            )
            done = restorer.restore(channel or None, first, last)
        parts = _reindex(places)
        deciding.args |= {"restored": len(done.restored), "bytes": done.bytes, "failed": len(done.failed)}
        if done.kept:
            deciding.args["kept"] = done.kept[:MAX_NAMED]
    answer = {**msgspec.to_builtins(done), "parts": parts}
    print_answer(json, answer, _describe_restored(done, parts))
    if done.failed:
        raise typer.Exit(1)


def show_disk(ctx: typer.Context, json: _Json = False) -> None:
    """Show how long the disk of the archive lasts, and whether the retention fits it."""
    from streamgate.archive.disk_use import look_at_disk
    from streamgate.archive.listing import open_catalog
    from streamgate.clock import wall_s
    from streamgate.config import load
    from streamgate.runtime.channels import ChannelStore

    places: DataDir = ctx.obj
    if not places.archive.is_dir():
        raise Refused(f"nothing was recorded yet: there is no {places.archive}")
    default = load(places.root).retention_days
    given = ChannelStore(places.root).retention(default)
    with contextlib.closing(open_catalog(places.root / "catalog.sqlite", places.archive)) as catalog:
        state = look_at_disk(places.archive, catalog, given, default, wall_s())
    found = state.forecast
    hours = "nothing is recorded just now" if found.hours_left is None else f"{found.hours_left:g} hours left"
    days = "no days to judge by" if found.days_fit is None else f"{found.days_fit:g} days fit"
    lines = [
        f"free      {found.free_bytes / 1e9:.1f} GB; {hours}",
        f"retention {found.retention_days} days; at {found.bytes_a_day / 1e9:.2f} GB a day {days}",
        f"reserve   {state.reserve_bytes / 1e6:.0f} of {state.reserve_wanted / 1e6:.0f} MB",
    ]
    if not found.fits:
        lines.append(f"THE RETENTION DOES NOT FIT: {found.missing_bytes / 1e9:.1f} GB are missing")
    answer = {**msgspec.to_builtins(found), **msgspec.to_builtins(state)}
    del answer["forecast"]
    print_answer(json, answer, "\n".join(lines))


# ---------------------------------------------------------------- helpers


def _settings(places: DataDir) -> "CopySettings":
    import os

    from streamgate.archive.copy.login import take_login
    from streamgate.archive.copy.place import CopySettings
    from streamgate.config import load

    given = load(places.root)
    return CopySettings(
        to=given.copy_to,
        endpoint=given.copy_endpoint,
        region=given.copy_region,
        addressing=given.copy_addressing,
        limit_mbps=given.copy_limit,
        keep_days=given.copy_retention,
        recheck_days=given.copy_recheck,
        check=given.copy_check,
        login=take_login(os.environ),
    )


def _reindex(places: DataDir) -> int:
    from streamgate.archive.listing import rebuild_catalog

    return rebuild_catalog(places.root / "catalog.sqlite", places.archive)


def _count(places: DataDir) -> "CopyState":
    """Return the copy's state from disk and journal alone: no copy process runs at the moment."""
    from streamgate.archive.copy.copier import Copier
    from streamgate.archive.copy.journal import Journal
    from streamgate.archive.copy.pace import Pace
    from streamgate.archive.copy.place import open_target
    from streamgate.archive.copy.state import CopyState
    from streamgate.clock import wall_s

    settings = _settings(places)
    state = CopyState(
        at=wall_s(),
        state="not_running" if settings.to else "off",
        limit_mbps=settings.limit_mbps,
        keep_days=settings.keep_days,
        recheck_days=settings.recheck_days,
    )
    if not settings.to:
        return state
    with contextlib.closing(open_target(settings, places.root)) as target:
        state.target = target.shown
        if places.root.is_dir():
            with contextlib.closing(Journal(places.root)) as journal:
                copier = Copier(places.root, journal, target, Pace())
                copier.look()
                state.behind_files, state.behind_bytes, state.oldest = copier.behind
                state.damaged = copier.damaged
                counts = journal.counts()
                state.pieces, state.bytes, state.checked, state.checked_bytes, state.oldest_check = counts
    return state


def _describe_state(state: "CopyState") -> str:
    from streamgate.archive.times import local

    if state.state == "off":
        return "no second copy is set (copy_to)"
    lines = [f"{state.target}: {state.state.replace('_', ' ')}" + (f": {state.error}" if state.error else "")]
    lines.append(
        f"copied    {state.bytes / 1e9:.3f} GB in {state.pieces} pieces,"
        f" read back {state.checked_bytes / 1e9:.3f} GB"
    )
    oldest = f", the oldest from {local(state.oldest)}" if state.oldest is not None else ""
    lines.append(f"behind    {state.behind_bytes / 1e9:.3f} GB in {state.behind_files} files{oldest}")
    lines += [f"damaged   {name}" for name in state.damaged]
    lines += [f"lost      {name}" for name in state.lost_for_good]
    lines += [f"lock      {state.lock}"] if state.lock else []
    lines += [f"kept      {state.locked}"] if state.locked else []
    return "\n".join(lines)


def _describe_restored(done: "Restored", parts: int) -> str:
    lines = [f"{len(done.restored)} files brought back, {done.bytes} bytes; {done.good} were good"]
    lines += [f"    put aside  {name}" for name in done.kept]
    lines += [f"    differs    {name}: left as it is" for name in done.differ]
    lines += [f"    missing    {name}: {why}" for name, why in done.failed.items()]
    if done.expired:
        lines.append(f"{done.expired} files are past their retention: place a hold to bring them back")
    lines.append(f"{parts} parts are in the catalog")
    return "\n".join(lines)
