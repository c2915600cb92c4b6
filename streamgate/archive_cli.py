"""`streamgate archive`: lists, holds and exports recordings, with serve running or not."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from streamgate.cli_record import decided
from streamgate.cli_store import print_answer
from streamgate.errors import Refused
from streamgate.runtime.actor import cli_actor
from streamgate.runtime.datadir import DataDir

if TYPE_CHECKING:
    from streamgate.archive.catalog import Catalog
    from streamgate.archive.holds import Hold
    from streamgate.archive.listing import Expiring, Listed, Shelf

archive_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List recordings, keep them with holds, export them, render what aired.",
)
WITHIN_DAYS = 14
TELL_US = 1_000_000
_Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="Name of the channel.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_From = Annotated[
    str | None, typer.Option("--from", metavar="T", help="ISO 8601, or seconds since the epoch.")
]
_To = Annotated[str | None, typer.Option("--to", metavar="T", help="The same; the end of the span.")]
_Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; it is kept in the ledger.")]


@archive_app.command("list")
def list_(
    ctx: typer.Context, channel: _Channel, start: _From = None, end: _To = None, json: _Json = False
) -> None:
    """Show the broadcasts recorded on a channel, with their gaps and holds."""
    with _shelf(ctx.obj) as shelf:
        found = shelf.list_broadcasts(_checked(ctx.obj, channel), *_bounds(start, end))
    text = "\n".join(_describe_broadcast(one) for one in found) or f"{channel}: nothing is recorded then"
    print_answer(json, {"broadcasts": found}, text)


@archive_app.command()
def reindex(ctx: typer.Context, json: _Json = False) -> None:
    """Rebuild the catalog from the recordings and their indexes; a damaged one is rebuilt by itself."""
    from streamgate.archive.listing import rebuild_catalog

    places: DataDir = ctx.obj
    with decided(places, "archive.reindex") as deciding:
        parts = rebuild_catalog(_catalog_path(places), places.archive)
        deciding.args["parts"] = parts
    print_answer(json, {"parts": parts}, f"{parts} parts are in the catalog")


@archive_app.command()
def expiring(
    ctx: typer.Context,
    within: Annotated[int, typer.Option(metavar="DAYS", min=0, max=3650)] = WITHIN_DAYS,
    json: _Json = False,
) -> None:
    """Show recordings that reach the end of their retention soon, and which of them are on hold."""
    from streamgate.clock import wall_s
    from streamgate.config import load
    from streamgate.runtime.channels import ChannelStore

    places: DataDir = ctx.obj
    default = load(places.root).retention_days
    given = ChannelStore(places.root).retention(default)
    from streamgate.archive.listing import retention_of

    with _shelf(places) as shelf:
        days = retention_of(places.archive, given, default)
        found = shelf.expiring(days, now=wall_s(), within_days=within)
    text = "\n".join(_describe_expiring(one) for one in found) or f"nothing expires within {within} days"
    print_answer(json, {"expiring": [_expiring_json(one) for one in found]}, text)


@archive_app.command()
def hold(
    ctx: typer.Context,
    channel: _Channel,
    *,
    start: _From = None,
    end: _To = None,
    broadcast: Annotated[str, typer.Option(metavar="ID", help="In the place of a span.")] = "",
    reason: _Reason = "",
    json: _Json = False,
) -> None:
    """Keep a span or a broadcast whatever its age, until two people lift the hold."""
    from streamgate.archive.holds import Holds

    places: DataDir = ctx.obj
    given = {"from": start, "to": end, "broadcast": broadcast, "reason": reason}
    with decided(places, "archive.hold", channel=channel, **given) as deciding:
        _checked(places, channel)
        first, last = _span(places, channel, start, end, broadcast)
        held = Holds(places.archive).place(
            channel, first, last, reason=reason, by=cli_actor(), broadcast=broadcast
        )
        deciding.args |= {"hold": held.id, "start": held.start, "end": held.end}
    print_answer(json, _hold_json(held), f"{held.id}: {_span_text(held.start, held.end)} is kept")


@archive_app.command()
def release(
    ctx: typer.Context,
    hold_id: Annotated[str, typer.Argument(metavar="HOLD", help="Its id (see archive holds).")],
    reason: _Reason = "",
    json: _Json = False,
) -> None:
    """Lift a hold. A second person has to run the same command within a day."""
    from streamgate.archive.holds import Holds

    places: DataDir = ctx.obj
    with decided(places, "archive.release", hold=hold_id, reason=reason) as deciding:
        held, first = Holds(places.archive).lift(hold_id, reason=reason, by=cli_actor())
        deciding.channel = held.channel
        deciding.args |= {"start": held.start, "end": held.end}
        if first is None:
            deciding.args["waits"] = True
        else:
            deciding.args |= {"first": first.by, "first_reason": first.reason}
    state = "waiting" if first is None else "released"
    said = "waits for a second person: the same command by somebody else, within a day"
    print_answer(
        json, {**_hold_json(held), "state": state}, f"{held.id}: {said if first is None else 'released'}"
    )


@archive_app.command()
def holds(ctx: typer.Context, json: _Json = False) -> None:
    """Show all holds, and whose release waits for a second person."""
    from streamgate.archive.holds import Holds

    found = Holds(ctx.obj.archive).read()
    lines = [
        f"{one.id}  {one.channel}  {_span_text(one.start, one.end)}  {one.by}: {one.reason}"
        + (f"  (its release waits, {one.lifting.by})" if one.lifting is not None else "")
        for one in found
    ]
    print_answer(
        json, {"holds": [_hold_json(one) for one in found]}, "\n".join(lines) or "there are no holds"
    )


class _Kind(StrEnum):
    RECEIVED = "received"
    AIRED = "aired"


@archive_app.command()
def export(
    ctx: typer.Context,
    channel: _Channel,
    *,
    start: _From = None,
    end: _To = None,
    kind: Annotated[
        _Kind, typer.Option("--as", help="What came in, whether or not it aired; or what aired.")
    ] = _Kind.RECEIVED,
    exact: Annotated[
        bool, typer.Option("--exact", help="To the picture: those at the two ends are coded anew.")
    ] = False,
    out: Annotated[Path, typer.Option(metavar="FILE", help="An MP4 that is not there yet.")],
    reason: _Reason = "",
    json: _Json = False,
) -> None:
    """Write a span as MP4, packet for packet: from the keyframe before its start to the end of a GOP."""
    from streamgate.archive.export import export_span

    places: DataDir = ctx.obj
    given: dict[str, Any] = {"from": start, "to": end, "as": kind.value, "out": out.absolute()}
    given |= {"reason": reason, "exact": exact or None}
    with decided(places, "archive.export", channel=channel, **given) as deciding:
        _checked(places, channel)
        first, last = _bounds(start, end)
        if first is None or last is None:
            raise Refused("say which span: --from T --to T")
        with _catalog(places) as catalog, _progress() as progress:
            done = export_span(
                places.archive,
                catalog,
                channel=channel,
                start=first,
                end=last,
                out=out.absolute(),
                aired=kind is _Kind.AIRED,
                exact=exact,
                progress=progress,
            )
        deciding.args |= {"start": done.start, "end": done.end, "bytes": done.bytes, "sha256": done.sha256}
    answer = {
        "file": str(done.file),
        "start": round(done.start, 3),
        "end": round(done.end, 3),
        "sha256": done.sha256,
        "bytes": done.bytes,
        "as": kind.value,
        "encoded": done.encoded,
        "snapped": {"start_s": round(first - done.start, 3), "end_s": round(done.end - last, 3)},
        "gaps": [{"from": one.start, "to": one.end, "why": one.why} for one in done.losses],
    }
    lines = [f"{done.file}: {_span_text(done.start, done.end)}, {done.bytes} bytes, SHA-256 {done.sha256}"]
    lines += (
        [f"it begins {first - done.start:.3f} s early, at a keyframe"] if first - done.start > 0.001 else []
    )
    lines += [f"pictures coded anew: {done.encoded}"] if done.encoded else []
    lines += [f"    left out  {_span_text(one.start, one.end)}  {one.why}" for one in done.losses]
    print_answer(json, answer, "\n".join(lines))


# ---------------------------------------------------------------- helpers


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[float], None]]:
    """Yield a function that prints progress to stderr, once a second at most. Ctrl-C raises Refused."""
    from streamgate.clock import now_us

    told_us, told = now_us(), False
    screen = sys.stderr.isatty()

    def tell(part: float) -> None:
        nonlocal told_us, told
        if now_us() - told_us >= TELL_US:
            told_us, told = now_us(), True
            sys.stderr.write(f"exporting: {part:.0%}" + ("\r" if screen else "\n"))
            sys.stderr.flush()

    try:
        yield tell
    except KeyboardInterrupt:
        raise Refused("the export was cancelled; nothing of it is kept") from None
    finally:
        if told and screen:
            sys.stderr.write("\n")


@contextlib.contextmanager
def _shelf(places: DataDir) -> Iterator["Shelf"]:
    from streamgate.archive.holds import Holds
    from streamgate.archive.listing import Shelf

    with _catalog(places) as catalog:
        yield Shelf(places.root, catalog, Holds(places.archive).read())


@contextlib.contextmanager
def _catalog(places: DataDir) -> Iterator["Catalog"]:
    from streamgate.archive.listing import open_catalog

    if not places.archive.is_dir():
        raise Refused(f"nothing was recorded yet: there is no {places.archive}")
    with contextlib.closing(open_catalog(_catalog_path(places), places.archive)) as catalog:
        yield catalog


def _catalog_path(places: DataDir) -> Path:
    return places.root / "catalog.sqlite"


def _checked(places: DataDir, channel: str) -> str:
    """Return the channel if it exists or has recordings. Raises Refused."""
    from streamgate.archive.parts import check_channel
    from streamgate.errors import ConfigError

    try:
        there = (places.archive / check_channel(channel)).is_dir()
    except ConfigError as error:
        raise Refused(str(error)) from error
    if not there and not (places.channels / f"{channel}.json").is_file():
        names = sorted(path.name for path in places.archive.glob("*/")) if places.archive.is_dir() else []
        raise Refused(f"there is no channel {channel}; recorded are: {', '.join(names) or 'none'}")
    return channel


def _bounds(start: str | None, end: str | None) -> tuple[float | None, float | None]:
    from streamgate.archive.times import parse_bounds

    return parse_bounds(start, end)


def _span(
    places: DataDir, channel: str, start: str | None, end: str | None, broadcast: str
) -> tuple[float, float]:
    first, last = _bounds(start, end)
    if broadcast:
        if first is not None or last is not None:
            raise Refused("give either --broadcast or --from and --to, not both")
        with _shelf(places) as shelf:
            found = shelf.find(channel, broadcast)
        if found is None:
            raise Refused(f"there is no broadcast {broadcast}; see: streamgate archive list {channel}")
        return found.start, max(found.end, found.start + 0.001)
    if first is None or last is None:
        raise Refused("say which span: --from T --to T, or --broadcast ID")
    return first, last


def _hold_json(held: "Hold") -> dict[str, object]:
    from streamgate.archive.listing import shown

    plain: dict[str, object] = msgspec.to_builtins(shown(held))
    return {"id": plain.pop("id"), "channel": held.channel, **plain, "broadcast": held.broadcast}


def _expiring_json(one: "Expiring") -> dict[str, object]:
    return {
        "channel": one.channel,
        "broadcast": one.broadcast,
        "start": one.start,
        "end": one.end,
        "parts": one.parts,
        "bytes": one.bytes,
        "held": one.held,
        "first_at": one.first_at,
    }


def _describe_broadcast(one: "Listed") -> str:
    lines = [f"{one.id}  {_span_text(one.start, one.end)}  {one.parts} parts, {one.bytes / 1e6:.1f} MB"]
    lines += [f"    gap   {_span_text(gap.start, gap.end)}  {gap.why}" for gap in one.gaps]
    lines += [f"    hold  {held.id}  {held.by}: {held.reason}" for held in one.holds]
    return "\n".join(lines)


def _describe_expiring(one: "Expiring") -> str:
    from streamgate.archive.times import local

    held = f", {one.held} of them held" if one.held else ""
    return (
        f"{one.channel}  {one.broadcast}  from {local(one.first_at)}: {one.parts} parts,"
        f" {one.bytes / 1e6:.1f} MB{held}"
    )


def _span_text(start: float, end: float) -> str:
    from streamgate.archive.times import local

    return f"{local(start)} to {local(end)} ({end - start:.1f} s)"
