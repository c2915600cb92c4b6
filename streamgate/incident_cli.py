"""`streamgate incident` and `streamgate note`: the incident book, with serve running or not, or of a copy."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from streamgate.cli_record import decided
from streamgate.cli_store import print_answer
from streamgate.errors import Refused
from streamgate.runtime.actor import cli_actor
from streamgate.runtime.datadir import DataDir

if TYPE_CHECKING:
    from streamgate.incidents.incident import Incident

incident_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Show incidents: what cuts, dumps, stops, faults and notes opened, and what became of it.",
)
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="A data directory or a copy of one; this one if left out."),
]
_Time = "ISO 8601, or seconds since the epoch."


@incident_app.command("list")
def list_(
    ctx: typer.Context,
    *,
    channel: Annotated[str, typer.Option(metavar="CHANNEL", help="Of this channel alone.")] = "",
    state: Annotated[str, typer.Option(metavar="STATE", help="draft, completed, joined or dismissed.")] = "",
    start: Annotated[str | None, typer.Option("--from", metavar="T", help=_Time)] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="T", help=_Time)] = None,
    data: _Data = None,
    json: _Json = False,
) -> None:
    """Show incidents, the newest first."""
    found = _find(data or ctx.obj.root, channel, state, start, end)
    text = "\n".join(_line(one) for one in found) or "there are no such incidents"
    print_answer(json, {"incidents": [brief(one) for one in found]}, text)


@incident_app.command()
def show(
    ctx: typer.Context,
    incident: Annotated[str, typer.Argument(metavar="ID", help="As `list` prints it.")],
    *,
    data: _Data = None,
    json: _Json = False,
) -> None:
    """Show one incident with its whole log."""
    from streamgate.incidents.book import Book

    one = Book(data or ctx.obj.root).get(incident)
    print_answer(json, msgspec.to_builtins(one), _in_words(one))


@incident_app.command()
def export(
    ctx: typer.Context,
    incident: Annotated[str, typer.Argument(metavar="[ID]", help="One alone; else all that fit.")] = "",
    *,
    channel: Annotated[str, typer.Option(metavar="CHANNEL", help="Of this channel alone.")] = "",
    state: Annotated[str, typer.Option(metavar="STATE", help="draft, completed, joined or dismissed.")] = "",
    start: Annotated[str | None, typer.Option("--from", metavar="T", help=_Time)] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="T", help=_Time)] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it there; the file must not be there.")
    ] = None,
    data: _Data = None,
    json: _Json = False,
) -> None:
    """Export whole incidents, with their logs, as JSON: to a file, or to standard output."""
    from hashlib import sha256

    from streamgate.incidents.book import Book

    root = data or ctx.obj.root
    found = [Book(root).get(incident)] if incident else _find(root, channel, state, start, end)
    whole = {"incidents": [msgspec.to_builtins(one) for one in found]}
    if out is None:
        typer.echo((msgspec.json.encode(whole) if json else _pretty(whole)).decode())
        return
    written = _pretty(whole) + b"\n"
    given = {"incident": incident, "channel": channel, "state": state, "out": str(out.absolute())}
    digest = sha256(written).hexdigest()
    if data is not None:
        _write_new(out, written)
    else:
        with decided(ctx.obj, "incident.export", **given) as deciding:
            _write_new(out, written)
            deciding.args |= {"incidents": len(found), "sha256": digest}
    answer = {"file": str(out.absolute()), "incidents": len(found), "bytes": len(written), "sha256": digest}
    print_answer(json, answer, f"{out}: {len(found)} incidents, SHA-256 {digest}")


def note(
    ctx: typer.Context,
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Name of the channel.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What is going on.")],
    json: _Json = False,
) -> None:
    """Write down what is going on: it opens an incident, and its recordings go on hold."""
    from streamgate.incidents.book import Book, digest_of
    from streamgate.incidents.notes import take_note

    places: DataDir = ctx.obj
    with decided(places, "incident.note", channel=channel) as deciding:
        one = take_note(Book(places.root), places.root, channel, text, cli_actor())
        deciding.args |= {"incident": one.id, "sha256": digest_of(one.log[0])}
    print_answer(json, brief(one), f"incident {one.id} is open")


# ---------------------------------------------------------------- helpers


def _find(root: Path, channel: str, state: str, start: str | None, end: str | None) -> "list[Incident]":
    from streamgate.archive.times import MAX_S, parse_time
    from streamgate.incidents.book import Book
    from streamgate.incidents.incident import State

    if state and state not in set(State):
        raise Refused(f"--state {state}: allowed are {', '.join(State)}")
    first = parse_time(start) if start is not None else 0.0
    last = parse_time(end) if end is not None else MAX_S
    found = [
        one
        for one in Book(root).read().values()
        if channel in {"", one.channel} and state in {"", one.state} and first <= one.happened < last
    ]
    return sorted(found, key=lambda one: (one.happened, one.id), reverse=True)


def brief(one: "Incident") -> dict[str, object]:
    """Return an incident without its log, for JSON output."""
    plain: dict[str, object] = msgspec.to_builtins(one)
    del plain["log"]
    return plain


def _pretty(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value))


def _write_new(path: Path, data: bytes) -> None:
    from streamgate.errors import ArchiveError

    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise Refused(f"{path} is there already; choose another file") from None
    except OSError as error:
        raise ArchiveError(f"{path} cannot be written ({error.strerror})") from error


def _line(one: "Incident") -> str:
    words = one.report or one.words
    return (
        f"{one.id}  {one.channel}  {_time(one.happened)} UTC  {one.kind}  {one.state}"
        f"{f'  {one.actor}' if one.actor else ''}{f'  {words[:60]}' if words else ''}"
    )


def _in_words(one: "Incident") -> str:
    lines = [
        f"{one.id}: {one.kind} on {one.channel}, {_time(one.happened)} UTC, {one.state}",
        f"broadcast {one.broadcast or '(off air)'}, delay {one.delay_s:g} s",
        f"on hold from {_time(one.held.start)} to {_time(one.held.end)} UTC: {', '.join(one.holds) or '-'}",
    ]
    lines += [f"by {one.actor}: {one.words}"] if one.actor or one.words else []
    if one.completed_by:
        lines.append(
            f"{one.category}, {one.level}, viewers saw it: {one.aired}; {one.completed_by},"
            f" {_time(one.completed_at)} UTC\n{one.report}\n{one.measures}".rstrip()
        )
    lines += [f"part of it: {', '.join(one.members)}"] if one.members else []
    if one.settled_by:
        into = f" into {one.joined_into}" if one.joined_into else ""
        lines.append(f"{one.state}{into} by {one.settled_by}: {one.reason}")
    return "\n".join(lines)


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"
