"""`streamgate duty`: the duty roster, hand-overs, presence, reaction times.

The roster is in the database: these work with `serve` running and without; a running console reads changes
within 5 s. `sign` goes directly to the gate and needs neither console nor database.
"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamgate.cli_record import decided
from streamgate.cli_store import print_answer, reload_gate, writing
from streamgate.errors import Refused
from streamgate.runtime.actor import cli_actor
from streamgate.runtime.datadir import DataDir

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from streamgate.store.models import User

duty_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Who watches a channel, and whether anybody is there."
)
_Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="Name of the channel.")]
_Person = Annotated[str, typer.Argument(metavar="PERSON", help="User name.")]
_Note = Annotated[str, typer.Option(metavar="TEXT", help="What the next one should know.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_TIME = "2026-11-28T19:00 (this machine's time zone), with an offset, or seconds since the epoch."
WEEK_S = 7 * 86400.0


@duty_app.command("show")
def duty_show(ctx: typer.Context, channel: _Channel, json: _Json = False) -> None:
    """Show the roster of the last day and the next week, and the hand-overs that wait."""
    from streamgate.clock import wall_s
    from streamgate.store import shifts

    now = wall_s()
    with writing(ctx.obj) as session:
        listed = shifts.list_shifts(session, channel, since=now - 86400, until=now + WEEK_S)
        offers = [one for one in shifts.list_offers(session, now) if one.channel == channel]
    answer = {
        "channel": channel,
        "on_duty": [one.user for one in listed if one.starts_at <= now < one.ends_at],
        "shifts": [one._asdict() for one in listed],
        "offers": [one._asdict() for one in offers],
    }
    lines = [
        f"{one.id}: {one.user} {_format_time(one.starts_at)} - {_format_time(one.ends_at)}"
        f" {one.origin}{' ' + one.ended_why if one.ended_why else ''} {one.broadcast} {one.note}".rstrip()
        for one in listed
    ]
    lines += [f"{one.user} hands over to {one.to}: {one.note}".rstrip(": ") for one in offers]
    print_answer(json, answer, "\n".join(lines) or "nobody is on the roster")


@duty_app.command("add")
def duty_add(
    ctx: typer.Context,
    channel: _Channel,
    person: _Person,
    *,
    start: Annotated[str, typer.Option("--from", metavar="TIME", help=_TIME)],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help=_TIME)],
    broadcast: Annotated[str, typer.Option(metavar="TEXT", help="What it is for.")] = "",
    note: _Note = "",
    json: _Json = False,
) -> None:
    """Put somebody on the roster."""
    from streamgate.archive.times import parse_time
    from streamgate.clock import wall_s
    from streamgate.store import shifts

    starts_at, ends_at = parse_time(start), parse_time(end)
    told = {"user": person, "starts_at": starts_at, "ends_at": ends_at, "broadcast": broadcast, "note": note}
    with decided(ctx.obj, "duty.plan", channel=channel, **told), writing(ctx.obj) as session:
        number = shifts.plan(
            session,
            channel,
            _entitled(session, ctx.obj, channel, person),
            starts_at,
            ends_at,
            broadcast=broadcast,
            note=note,
            by=cli_actor(),
            at=wall_s(),
        )
    print_answer(
        json,
        {"channel": channel, "shift": number, **told},
        f"{channel}: shift {number}, {person} {_format_time(starts_at)} - {_format_time(ends_at)}",
    )


@duty_app.command("remove")
def duty_remove(
    ctx: typer.Context,
    channel: _Channel,
    shift: Annotated[int, typer.Argument(metavar="SHIFT", help="Its number (see duty show).")],
    json: _Json = False,
) -> None:
    """Take a shift off the roster; one that runs ends now."""
    from streamgate.clock import wall_s
    from streamgate.store import shifts

    with decided(ctx.obj, "duty.remove", channel=channel, shift=shift), writing(ctx.obj) as session:
        gone = shifts.remove(session, channel, shift, by=cli_actor(), at=wall_s())
    print_answer(json, {"channel": channel, "shift": shift, "user": gone.user}, f"{gone.user}: removed")


@duty_app.command("take")
def duty_take(
    ctx: typer.Context, channel: _Channel, person: _Person, *, note: _Note = "", json: _Json = False
) -> None:
    """Let somebody step in: on duty from now, for 12 hours at most."""
    from streamgate.clock import wall_s
    from streamgate.store import shifts

    with (
        decided(ctx.obj, "duty.take", channel=channel, user=person, note=note),
        writing(ctx.obj) as session,
    ):
        user = _entitled(session, ctx.obj, channel, person)
        number = shifts.take(session, channel, user, note=note, by=cli_actor(), at=wall_s())
    print_answer(
        json, {"channel": channel, "shift": number, "user": person}, f"{channel}: {person} is on duty"
    )


@duty_app.command("hand-over")
def duty_hand_over(
    ctx: typer.Context,
    channel: _Channel,
    person: _Person,
    *,
    to: Annotated[str, typer.Option(metavar="PERSON", help="Who takes over.")],
    note: _Note = "",
    json: _Json = False,
) -> None:
    """Hand over duty from one person to another, at once: from this machine neither has to confirm."""
    from streamgate.clock import wall_s
    from streamgate.store import shifts

    at, by = wall_s(), cli_actor()
    with (
        decided(ctx.obj, "duty.hand_over", channel=channel, user=person, to=to, note=note),
        writing(ctx.obj) as session,
    ):
        giver = _entitled(session, ctx.obj, channel, person)
        taker = _entitled(session, ctx.obj, channel, to)
        shifts.offer(session, channel, giver, taker, note=note, at=at)
        _, number = shifts.accept(session, channel, taker, by=by, at=at)
    print_answer(
        json,
        {"channel": channel, "shift": number, "user": to},
        f"{channel}: {to} is on duty instead of {person}",
    )


@duty_app.command("leave")
def duty_leave(ctx: typer.Context, channel: _Channel, person: _Person, json: _Json = False) -> None:
    """End somebody's time on duty now."""
    from streamgate.clock import wall_s
    from streamgate.store import shifts

    with decided(ctx.obj, "duty.leave", channel=channel, user=person), writing(ctx.obj) as session:
        user = _entitled(session, ctx.obj, channel, person)
        shifts.leave(session, channel, user, by=cli_actor(), at=wall_s())
    print_answer(json, {"channel": channel, "user": person}, f"{channel}: {person} is off duty")


@duty_app.command("sign")
def duty_sign(ctx: typer.Context, channel: _Channel, json: _Json = False) -> None:
    """Report to the gate that somebody is there: a backup that airs because nobody was ends at once."""
    import asyncio

    from streamgate.link.client import call
    from streamgate.link.messages import Sign

    places: DataDir = ctx.obj
    reply = asyncio.run(call(places.control_socket, Sign(1, actor=cli_actor(), channel=channel)))
    if reply.error:
        raise Refused(reply.error, reply.error_zh)
    print_answer(json, {"channel": channel, "state": reply.state}, f"{channel}: {reply.state}")


@duty_app.command("set")
def duty_set(
    ctx: typer.Context,
    channel: _Channel,
    *,
    watch: Annotated[
        str | None,
        typer.Option(metavar="off|alarm|backup", help="What happens when nobody on duty is there."),
    ] = None,
    ask_min: Annotated[
        float | None, typer.Option(metavar="MINUTES", help="Ask after so long without keys: 1 to 60.")
    ] = None,
    absent_s: Annotated[
        float | None, typer.Option(metavar="S", help="Alarm after so long without anybody: 20 to 3600.")
    ] = None,
    json: _Json = False,
) -> None:
    """Change what happens on a channel when nobody on duty is there."""
    from streamgate.core.duty import WATCH_MODES

    mode = next((one for one in WATCH_MODES if one == watch), None)
    if watch is not None and mode is None:
        raise Refused(f"--watch {watch} is not known; use {', '.join(WATCH_MODES)}")
    given = {"duty_watch": mode, "duty_ask_min": ask_min, "duty_absent_s": absent_s}
    with decided(ctx.obj, "channel.change", channel=channel, **given) as deciding:
        changed = deciding.store(ctx.obj).set(
            channel, duty_watch=mode, duty_ask_min=ask_min, duty_absent_s=absent_s
        )
    answer = {
        "channel": channel,
        "watch": changed.duty_watch,
        "ask_min": changed.duty_ask_min,
        "absent_s": changed.duty_absent_s,
    }
    print_answer(
        json,
        answer,
        f"{channel}: {changed.duty_watch}, asks after {changed.duty_ask_min:g} min,"
        f" alarm after {changed.duty_absent_s:g} s",
    )
    reload_gate(ctx.obj)


@duty_app.command("practices")
def duty_practices(
    ctx: typer.Context,
    person: Annotated[str, typer.Argument(metavar="[PERSON]", help="Everybody's if left out.")] = "",
    json: _Json = False,
) -> None:
    """Show the results of practices, and the reaction times that follow from them."""
    from streamgate.store import practices, reactions, users

    with writing(ctx.obj) as session:
        user = None if not person else _user(session, person)
        found = practices.list_results(session, user_id=None if user is None else user.id)
        names = dict.fromkeys(one.user for one in found)
        times: dict[str, Any] = {}
        for name in names:
            one = users.find(session, name)
            if one is not None:
                times[name] = reactions.reactions_of(session, one.id)
    answer = {
        "practices": [{**one._asdict(), "marks": [mark._asdict() for mark in one.marks]} for one in found],
        "reactions": {
            name: {kind: {**of._asdict(), "in_force_s": of.in_force_s} for kind, of in kinds.items()}
            for name, kinds in times.items()
        },
    }
    lines = [
        f"{one.user} {_format_time(one.started_at)}: "
        + ", ".join(
            f"{mark.kind} {'missed' if mark.reaction_s is None else f'{mark.reaction_s:.2f} s'}"
            for mark in one.marks
        )
        for one in found
    ]
    print_answer(json, answer, "\n".join(lines) or "no practice yet")


def _user(session: "Session", name: str) -> "User":
    from streamgate.store import users

    found = users.find(session, name)
    if found is None:
        raise Refused(f"there is nobody called {name}; see: streamgate user list", f"没有用户 {name}")
    return found


def _entitled(session: "Session", places: DataDir, channel: str, name: str) -> "User":
    from console.duty.desk import require_candidate
    from streamgate.runtime.channels import ChannelStore

    ChannelStore(places.root).get(channel)  # refuses an unknown channel
    return require_candidate(session, channel, _user(session, name).username)


def _format_time(at: float) -> str:
    from datetime import datetime

    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")
