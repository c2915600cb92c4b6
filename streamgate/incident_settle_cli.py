"""`streamgate incident complete | join | dismiss`: settles a draft, as on the screen Incidents."""

from typing import TYPE_CHECKING, Annotated, get_args

import msgspec
import typer

from streamgate.cli_record import decided
from streamgate.cli_store import print_answer
from streamgate.errors import Refused
from streamgate.incident_cli import brief
from streamgate.runtime.actor import cli_actor
from streamgate.runtime.datadir import DataDir

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamgate.incidents.incident import AnyEvent

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_Id = Annotated[str, typer.Argument(metavar="ID", help="The incident, as `incident list` prints it.")]
_Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stays in the book.")]


def complete(
    ctx: typer.Context,
    incident: _Id,
    *,
    category: Annotated[
        str,
        typer.Option(metavar="WHAT", help="picture, sound, captions, speech, comments, technical, …, other."),
    ],
    level: Annotated[str, typer.Option(metavar="LEVEL", help="minor, serious or grave.")],
    aired: Annotated[str, typer.Option(metavar="WHETHER", help="Viewers saw it: no, partly, yes, unknown.")],
    words: Annotated[str, typer.Option(metavar="TEXT", help="What happened.")],
    measures: Annotated[str, typer.Option(metavar="TEXT", help="What was done.")] = "",
    json: _Json = False,
) -> None:
    """Complete an incident, or complete it again: the log keeps the earlier version."""
    from streamgate.clock import wall_s
    from streamgate.incidents.incident import Completed

    given = {"category": category, "level": level, "aired": aired}

    def event() -> "AnyEvent":
        base = {"id": incident, "at": wall_s(), "by": cli_actor(), "measures": measures.strip()}
        try:
            return msgspec.convert({**base, **given, "words": words.strip(), "event": "completed"}, Completed)
        except msgspec.ValidationError as error:
            raise Refused(_unfit(given)) from error

    _settle(ctx.obj, "complete", incident, event, json=json, **given)


def join(
    ctx: typer.Context,
    incident: _Id,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The incident that it becomes part of.")],
    *,
    reason: _Reason,
    json: _Json = False,
) -> None:
    """Make a draft part of another incident of its channel."""
    from streamgate.clock import wall_s
    from streamgate.incidents.incident import Joined

    event = Joined(id=incident, at=wall_s(), by=cli_actor(), into=into, reason=reason.strip())
    _settle(ctx.obj, "join", incident, lambda: event, json=json, into=into, reason=reason)


def dismiss(ctx: typer.Context, incident: _Id, *, reason: _Reason, json: _Json = False) -> None:
    """Dismiss a draft; it stays in the book, and its recordings stay on hold."""
    from streamgate.clock import wall_s
    from streamgate.incidents.incident import Dismissed

    event = Dismissed(id=incident, at=wall_s(), by=cli_actor(), reason=reason.strip())
    _settle(ctx.obj, "dismiss", incident, lambda: event, json=json, reason=reason)


# ---------------------------------------------------------------- helpers


def _settle(
    places: DataDir, what: str, incident: str, make: "Callable[[], AnyEvent]", *, json: bool, **told: str
) -> None:
    from streamgate.incidents.book import Book, digest_of

    book = Book(places.root)
    with decided(places, f"incident.{what}", incident=incident, **told) as deciding:
        deciding.channel = book.get(incident).channel
        event = make()
        one = book.add(event)
        deciding.args["sha256"] = digest_of(event)
    print_answer(json, brief(one), f"{one.id}: {one.state}")


def _unfit(given: dict[str, str]) -> str:
    """Return which of the choices is not allowed, and what is."""
    from streamgate.incidents.incident import Aired, Category, Level

    for name, kind in (("category", Category), ("level", Level), ("aired", Aired)):
        allowed = get_args(kind)
        if given[name] not in allowed:
            return f"--{name} {given[name]}: allowed are {', '.join(allowed)}"
    raise AssertionError("it fits")
