"""`streamgate db`: check, back up, restore, upgrade and copy the database of accounts and rights."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from streamgate.cli_record import decided
from streamgate.errors import Refused
from streamgate.store.location import ALLOWED

if TYPE_CHECKING:
    from streamgate.store.location import Location

db_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Check, back up, put back, upgrade and move the database.",
)
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
MAX_ADDRESS = 4096
_File = Annotated[Path, typer.Argument(metavar="FILE")]


@db_app.command()
def check(ctx: typer.Context, json: _Json = False) -> None:
    """Read the whole database and say what is wrong with it. Exit code 1 when something is."""
    from streamgate.store.check import check as look

    report = look(_location(ctx))
    answer = {
        "ok": report.ok,
        "engine": report.engine,
        "server": report.server,
        "database": report.where,
        "version": report.version,
        "head": report.head,
        "problems": report.problems,
    }
    lines = [f"database  {report.where} ({report.engine} {report.server})".replace(" )", ")")]
    lines += [f"schema    {report.version or 'unknown'}, this program needs {report.head}"]
    lines += [f"problem   {problem}" for problem in report.problems] or ["sound"]
    _print(json, answer, "\n".join(lines))
    if not report.ok:
        raise typer.Exit(1)


@db_app.command()
def backup(ctx: typer.Context, file: _File, json: _Json = False) -> None:
    """Copy the database into a new file, with serve running or not. PostgreSQL: needs pg_dump."""
    from streamgate.store import backup as copies

    with decided(ctx.obj, "database.backup", file=file):
        size = copies.make(_location(ctx), file)
    _print(json, {"file": str(file), "bytes": size}, f"{file}: {size} bytes")


@db_app.command()
def restore(ctx: typer.Context, file: _File, json: _Json = False) -> None:
    """Restore a backup, with serve ended. The replaced database is kept; everybody is signed out."""
    from console.auth.remembered import Memory
    from streamgate.store import backup as copies

    with decided(ctx.obj, "database.restore", file=file):
        _refuse_serving(ctx, "restore")
        ctx.obj.create()
        done = copies.restore(_location(ctx), file)
        Memory(ctx.obj.root).forget_all()  # all sessions are ended
    kept = f"; what stood there is now {done.replaced}" if done.replaced else ""
    _print(
        json,
        {"file": str(file), "version": done.version, "replaced": done.replaced and str(done.replaced)},
        f"{file}: put back, schema {done.version}{kept}",
    )


@db_app.command()
def upgrade(
    ctx: typer.Context,
    *,
    new: Annotated[
        bool, typer.Option("--new", help="Make an empty database in the place of one that is gone.")
    ] = False,
    json: _Json = False,
) -> None:
    """Bring the database to this program's schema, as serve does. The SQLite file is copied first."""
    from streamgate.store.upgrade import upgrade as bring_up

    ctx.obj.create()
    with decided(ctx.obj, "database.upgrade", new=new) as deciding:
        done = bring_up(_location(ctx), new=new)
        deciding.note_change("schema", done.before, done.after)
    answer: dict[str, object] = {
        "from": done.before,
        "to": done.after,
        "backup": done.backup and str(done.backup),
    }
    if done.before == done.after:
        text = f"schema {done.after} already; nothing to do"
    else:
        text = f"schema {done.before or 'none'} -> {done.after}"
        text += f"; the file before: {done.backup}" if done.backup else ""
    _print(json, answer, text)


@db_app.command("copy")
def copy_to(
    ctx: typer.Context,
    to: Annotated[
        str,
        typer.Argument(
            metavar="TO",
            help="The other database, as the setting `database` names it; - reads it from standard input.",
        ),
    ],
    json: _Json = False,
) -> None:
    """Copy everything into another, empty database, with serve ended: from SQLite to PostgreSQL, or back."""
    from streamgate.store.location import holds_password, locate
    from streamgate.store.transfer import copy_all

    _refuse_serving(ctx, "copy")
    if to == "-":
        to = sys.stdin.readline(MAX_ADDRESS).strip()
    elif holds_password(to):
        raise Refused(
            "the address holds a password, which everybody on this machine could read in the process list;"
            " write - and give the address on standard input, or put the password into ~/.pgpass"
        )
    try:
        target = locate(to, ctx.obj.root)
    except ValueError as error:
        raise Refused(f"this names no database: {error}; allowed is {ALLOWED}") from None
    with decided(ctx.obj, "database.copy", to=target.shown):
        done = copy_all(_location(ctx), target)
    text = "\n".join(f"{table:<24}{number:>9}" for table, number in done.rows.items())
    setting = "sqlite" if target.kind == "sqlite" else "the address"
    _print(
        json,
        {"to": target.shown, "rows": done.rows},
        f"{text}\ncopied, and counted on both sides. Now set database to {setting} in streamgate.toml",
    )


def _refuse_serving(ctx: typer.Context, what: str) -> None:
    serving = ctx.obj.serving()
    if serving is not None:
        raise Refused(f"serve runs (process {serving.pid}) and uses the database; end it first, then {what}")


def _location(ctx: typer.Context) -> "Location":
    """Return the database's location from the settings. Raises ConfigError."""
    from streamgate.config import load
    from streamgate.store.location import locate

    return locate(load(ctx.obj.root).database, ctx.obj.root)


def _print(json: bool, answer: dict[str, object], text: str) -> None:
    typer.echo(msgspec.json.encode(answer).decode() if json else text)
