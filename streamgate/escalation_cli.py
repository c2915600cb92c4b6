"""`streamgate escalation`, and the commands of `streamgate incident` for a report upward (逐级上报)."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from streamgate.cli_record import decided
from streamgate.cli_store import print_answer
from streamgate.errors import ConfigError, LinkError, Refused
from streamgate.incident_cli import incident_app
from streamgate.runtime.actor import cli_actor
from streamgate.runtime.datadir import DataDir

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamgate.incidents.chain import Chain
    from streamgate.incidents.incident import AnyEvent

escalation_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Set, show and try the chain of persons that incidents are reported to, level by level.",
)
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_Id = Annotated[str, typer.Argument(metavar="ID", help="The incident, as `incident list` prints it.")]
_Words = Annotated[str, typer.Argument(metavar="TEXT", help="What is to stand in the log.")]


@escalation_app.command("set")
def set_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON; see docs/incidents.md.")],
    json: _Json = False,
) -> None:
    """Set the institution's chain: steps, persons with their addresses, minutes until the next step."""
    from streamgate.incidents.chain import ChainFile, check_chain, parse_chain
    from streamgate.incidents.notify import is_address

    places: DataDir = ctx.obj
    places.create()
    with decided(places, "escalation.set", file=str(file.absolute())) as deciding:
        try:
            chain = parse_chain(file.read_bytes(), str(file))
        except OSError as error:
            raise ConfigError(f"{file} cannot be read ({error.strerror})") from error
        check_chain(chain)
        deciding.args["steps"] = [one.name for one in chain.steps]
        for step in chain.steps:
            for person in step.persons:
                for number, url in enumerate(person.urls, 1):
                    if not is_address(url):
                        raise ConfigError(
                            f"address {number} of {person.name} ({url.partition(':')[0]}:…) is none that"
                            f" apprise knows: mailto://, wecombot://, dingtalk://, feishu://, json://HOST …"
                        )
        stored = ChainFile(places.root).store(chain, cli_actor())
    print_answer(json, _shown(stored), _in_words(stored))


@escalation_app.command()
def show(ctx: typer.Context, json: _Json = False) -> None:
    """Show the chain; of addresses only their kinds."""
    from streamgate.incidents.chain import ChainFile

    chain = ChainFile(ctx.obj.root).read()
    if chain is None:
        print_answer(json, {"steps": []}, "no chain is set; see: streamgate escalation set --help")
        return
    print_answer(json, _shown(chain), _in_words(chain))


@escalation_app.command("test")
def try_(
    ctx: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="As the chain names them.")],
    json: _Json = False,
) -> None:
    """Send a test message to one person of the chain."""
    from streamgate.incidents.notify import notify

    with decided(ctx.obj, "escalation.test", person=person) as deciding:
        chain = _chain(ctx.obj)
        urls = chain.urls_of(person)
        if not urls:
            names = ", ".join(one.name for step in chain.steps for one in step.persons)
            raise Refused(f"{person} is not in the chain; persons are: {names}")
        title = f"[{chain.institution or 'streamgate'}] 测试 test"
        told = notify(urls, title, "上报通知测试 test of notifications")
        deciding.args["delivered"] = not told.error
        if told.error:
            raise LinkError(
                f"{person} cannot be notified: {told.error}", f"无法通知 {person}：{told.error_zh}"
            )
    print_answer(json, {"person": person, "delivered": True}, f"{person}: delivered")


@incident_app.command()
def escalate(
    ctx: typer.Context,
    incident: _Id,
    words: Annotated[str, typer.Argument(metavar="[TEXT]")] = "",
    json: _Json = False,
) -> None:
    """Report an incident upward; serve, when it runs, notifies the first step's persons."""
    from streamgate.clock import wall_s
    from streamgate.incidents.book import Book
    from streamgate.incidents.escalate import report_of

    def report() -> "AnyEvent":
        chain, one = _chain(ctx.obj), Book(ctx.obj.root).get(incident)
        return report_of(one, chain, by=cli_actor(), at=wall_s(), words=words)

    _say(ctx.obj, "report", incident, report, json=json)


@incident_app.command()
def acknowledge(
    ctx: typer.Context,
    incident: _Id,
    words: Annotated[str, typer.Argument(metavar="[TEXT]")] = "",
    json: _Json = False,
) -> None:
    """Acknowledge a report: nobody further is notified."""
    from streamgate.clock import wall_s
    from streamgate.incidents.escalation import Acknowledged

    event = Acknowledged(id=incident, at=wall_s(), by=cli_actor(), words=words)
    _say(ctx.obj, "acknowledge", incident, lambda: event, json=json)


@incident_app.command()
def follow(ctx: typer.Context, incident: _Id, words: _Words, json: _Json = False) -> None:
    """Write a line into the follow-up log of a report."""
    from streamgate.clock import wall_s
    from streamgate.incidents.escalation import Followed

    event = Followed(id=incident, at=wall_s(), by=cli_actor(), words=words)
    _say(ctx.obj, "follow", incident, lambda: event, json=json)


@incident_app.command()
def close(ctx: typer.Context, incident: _Id, words: _Words, json: _Json = False) -> None:
    """Close a report that somebody has acknowledged."""
    from streamgate.clock import wall_s
    from streamgate.incidents.escalation import Closed

    event = Closed(id=incident, at=wall_s(), by=cli_actor(), words=words)
    _say(ctx.obj, "close", incident, lambda: event, json=json)


# ---------------------------------------------------------------- helpers


def _say(places: DataDir, what: str, incident: str, make: "Callable[[], AnyEvent]", *, json: bool) -> None:
    from streamgate.incidents.book import Book, digest_of

    book = Book(places.root)
    with decided(places, f"incident.{what}", incident=incident) as deciding:
        event = make()
        deciding.channel = book.get(incident).channel
        one = book.add(event)
        deciding.args["sha256"] = digest_of(event)
    assert one.escalation is not None
    answer = {"id": one.id, "escalation": msgspec.to_builtins(one.escalation)}
    print_answer(json, answer, f"{one.id}: {one.escalation.state}")


def _chain(places: DataDir) -> "Chain":
    from streamgate.incidents.chain import ChainFile

    chain = ChainFile(places.root).read()
    if chain is None:
        raise Refused("no chain is set to report along; set one with: streamgate escalation set FILE")
    return chain


def _shown(chain: "Chain") -> dict[str, object]:
    return {
        "institution": chain.institution,
        "at_once": list(chain.at_once),
        "page": chain.page,
        "set_by": chain.set_by,
        "set_at": chain.set_at,
        "steps": [
            {
                "name": step.name,
                "within_min": step.within_min,
                "persons": [
                    {"name": one.name, "by": [url.partition(":")[0] for url in one.urls]}
                    for one in step.persons
                ],
            }
            for step in chain.steps
        ],
    }


def _in_words(chain: "Chain") -> str:
    lines = [
        f"{number}. {step.name}, {step.within_min:g} min: {', '.join(one.name for one in step.persons)}"
        for number, step in enumerate(chain.steps, 1)
    ]
    return "\n".join([*lines, f"reported at once: {', '.join(chain.at_once) or 'nothing'}"])
