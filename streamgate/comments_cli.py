"""`streamgate source`, `interaction`, `overlay`: sources of comments, and what viewers may do.

They work directly in the database, with `serve` running and without; a running comments process is notified,
and reads changes within a second anyway.
"""

import contextlib
import re
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import typer

from streamgate.cli_record import decided
from streamgate.cli_store import print_answer, writing
from streamgate.errors import ConfigError, Fatal, Refused
from streamgate.runtime.actor import cli_actor
from streamgate.runtime.datadir import DataDir

if TYPE_CHECKING:
    from streamgate.store.comment_models import Source

RELOAD_S = 1.0
KEY_VARIABLE = "STREAMGATE_SOURCE_KEY"
_BASE = re.compile(r"https?://(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?/?")
_PROXY = (
    "streamgate: the public address has no TLS of its own. Over a network put a reverse proxy with TLS before"
    " it, which passes /watch/, /overlay/, /hls/, /assets/, /favicon.svg and /api/v1/channels/ on to {public}"
    " and does not buffer answers; then: --base https://HOST-OF-THE-PROXY"
)
source_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Who hands in comments: make, list, remove sources; feed one.",
)
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_Source = Annotated[str, typer.Argument(metavar="NAME", help="Name of the source.")]
_Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="Name of the channel.")]
_Switch = Annotated[Literal["open", "closed"] | None, typer.Option(metavar="open|closed")]


# ---------------------------------------------------------------- sources


@source_app.command("add")
def source_add(
    ctx: typer.Context,
    name: _Source,
    *,
    channel: Annotated[str, typer.Option(metavar="CHANNEL", help="The channel whose comments these are.")],
    json: _Json = False,
) -> None:
    """Make a source. Its key is shown this once."""
    from streamgate.clock import wall_s
    from streamgate.core.channel_name import require_name
    from streamgate.store import sources

    key, key_hash = _new_key()
    with decided(ctx.obj, "source.add", channel=channel, name=name):
        require_name(channel)
        _require_free_name(name)
        with writing(ctx.obj) as session:
            sources.add(session, name, key_hash, channel=channel, by=cli_actor(), at=wall_s())
    _tell(ctx.obj, channel)
    text = f"{key}    (shown this once; a new one: streamgate source rotate {name})"
    print_answer(json, {"name": name, "channel": channel, "key": key}, text)


@source_app.command("list")
def source_list(ctx: typer.Context, json: _Json = False) -> None:
    """Show the sources in force, without their keys."""
    from streamgate.store import sources

    with writing(ctx.obj) as session:
        found = sources.list_in_force(session)
    answer = [
        {
            "name": one.name,
            "channel": one.channel,
            "created_by": one.created_by,
            "created_at": one.created_at,
            "rotated_at": one.rotated_at,
            "last_used_at": one.last_used_at,
        }
        for one in found
    ]
    lines = [f"{one.name}: channel {one.channel}, made by {one.created_by}" for one in found]
    print_answer(json, {"sources": answer}, "\n".join(lines) or "none yet")


@source_app.command("rotate")
def source_rotate(ctx: typer.Context, name: _Source, json: _Json = False) -> None:
    """Give a source a new key; the old one is refused within a second."""
    from streamgate.clock import wall_s
    from streamgate.store import sources

    key, key_hash = _new_key()
    with decided(ctx.obj, "source.rotate", name=name), writing(ctx.obj) as session:
        channel = _require_source(session, name).channel
        sources.rotate(session, name, key_hash, at=wall_s())
    _tell(ctx.obj, channel)
    print_answer(json, {"name": name, "channel": channel, "key": key}, f"{key}    (shown this once)")


@source_app.command("remove")
def source_remove(ctx: typer.Context, name: _Source, json: _Json = False) -> None:
    """Remove a source: it is refused from now on. Its comments stay."""
    from streamgate.clock import wall_s
    from streamgate.store import sources

    with decided(ctx.obj, "source.remove", name=name), writing(ctx.obj) as session:
        channel = _require_source(session, name).channel
        sources.remove(session, name, by=cli_actor(), at=wall_s())
    _tell(ctx.obj, channel)
    print_answer(json, {"name": name, "removed": True}, f"{name}: removed; its comments stay")


@source_app.command("feed")
def source_feed(
    ctx: typer.Context,
    name: _Source,
    *,
    url: Annotated[
        str, typer.Option(metavar="URL", help="http(s)://HOST:PORT of another machine's public address.")
    ] = "",
    channel: Annotated[
        str, typer.Option(metavar="CHANNEL", help="With --url: the channel of the source.")
    ] = "",
    json: _Json = False,
) -> None:
    """Hand in comments from standard input, one JSON object a line.

    On this machine no key is needed; with --url it is taken from the variable STREAMGATE_SOURCE_KEY.
    """
    import asyncio
    import os

    from moderation.sources.hand_in import Gate, KeyRefused, Totals, hand_in
    from moderation.sources.json_lines import JsonLines

    url, channel, key = _remote(url, channel) if url else _local(ctx.obj, name)
    totals, bad = Totals(), 0

    def complain(number: int, why: str) -> None:
        nonlocal bad
        bad += 1
        typer.echo(f"streamgate: line {number} is left out: {why}", err=True)

    try:
        gate = Gate(url, channel, key)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    try:
        with contextlib.closing(gate):
            lines = JsonLines(lambda size: os.read(sys.stdin.fileno(), size), complain)
            asyncio.run(
                hand_in(lines, gate, totals, lambda text: typer.echo(f"streamgate: {text}", err=True))
            )
    except KeyRefused as error:
        raise Refused(f"source {name}: {error}") from error
    finally:
        refused = dict(totals.refused) | ({"bad_line": bad} if bad else {})
        told = ", ".join(f"{count} {code}" for code, count in refused.items()) or "none"
        answer = {"name": name, "accepted": totals.accepted, "refused": refused}
        print_answer(json, answer, f"{name}: {totals.accepted} accepted, refused: {told}")


# ---------------------------------------------------------------- interaction


def interaction(
    ctx: typer.Context,
    channel: _Channel,
    *,
    comments: _Switch = None,
    bullets: _Switch = None,
    sharing: _Switch = None,
    slow: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds between two comments of a viewer.")
    ] = None,
    max_chars: Annotated[int | None, typer.Option(metavar="N", help="Longest comment.")] = None,
    window: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds for undo after the last approval.")
    ] = None,
    stages: Annotated[int | None, typer.Option(metavar="N", help="At least so many reviews.")] = None,
    authors_told: Annotated[
        bool | None,
        typer.Option("--authors-told/--authors-not-told", help="Authors learn of rejections."),
    ] = None,
    queue_limit: Annotated[
        int | None, typer.Option(metavar="N", help="Comments that may wait for review; more are refused.")
    ] = None,
    json: _Json = False,
) -> None:
    """Show or change what viewers of a channel may do (rule R5). All is closed until somebody opens it."""
    given = {
        "comments": _is_open(comments),
        "bullets": _is_open(bullets),
        "sharing": _is_open(sharing),
        "slow_s": slow,
        "max_chars": max_chars,
        "window_s": window,
        "stages": stages,
        "authors_told": authors_told,
        "queue_limit": queue_limit,
    }
    asked = {name: value for name, value in given.items() if value is not None}
    view = _change_interaction(ctx.obj, channel, asked) if asked else _read_interaction(ctx.obj, channel)
    overlay = _overlay(ctx.obj, channel)
    text = (
        f"{channel}: comments {_word(view['comments'])}, bullets {_word(view['bullets'])},"
        f" sharing {_word(view['sharing'])}; one comment in {view['slow_s']:g} s,"
        f" at most {view['max_chars']} characters; {view['window_s']:g} s for undo,"
        f" at most {view['queue_limit']} waiting"
    )
    print_answer(json, {"channel": channel, **view, "overlay": overlay}, text)


def overlay(
    ctx: typer.Context,
    channel: _Channel,
    style: Annotated[
        Literal["bullet", "list", "ticker"], typer.Option(metavar="bullet|list|ticker")
    ] = "bullet",
    base: Annotated[
        str,
        typer.Option(metavar="URL", help="https://HOST of the reverse proxy before the public address."),
    ] = "",
    json: _Json = False,
) -> None:
    """Print the address of a channel's overlay, for a browser source of OBS. It holds a token: keep it."""
    from streamgate.core.channel_name import require_name

    require_name(channel)
    address = f"{_overlay(ctx.obj, channel, _require_base(base))}&style={style}"
    print_answer(json, {"channel": channel, "overlay": address}, address)
    if not (base or json):
        typer.echo(_PROXY.format(public=_public(ctx.obj)), err=True)


# ---------------------------------------------------------------- helpers


def _change_interaction(places: DataDir, channel: str, asked: dict[str, Any]) -> dict[str, Any]:
    from moderation.desk import interactions
    from moderation.desk.messages import Person, SetInteraction
    from moderation.errors import ReviewRefused
    from streamgate.clock import wall_s
    from streamgate.store import settings

    key, by, at = interactions.PREFIX + channel, cli_actor(), wall_s()
    with decided(places, "interaction.set", channel=channel, **asked) as deciding:
        _require_channel(places, channel)
        with writing(places) as session:
            before = interactions.decode(settings.get(session, key, {}), by, at)
            request = SetInteraction(id=1, channel=channel, by=Person(0, by), **asked)
            try:
                after = interactions.change(before, request)
            except ReviewRefused as error:
                raise Refused(str(error), error.zh) from error
            settings.put(session, key, interactions.encode(after), by=by, at=at)
        for name in asked:
            deciding.note_change(name, getattr(before, name), getattr(after, name))
    _tell(places, channel)
    return interactions.encode(after)


def _read_interaction(places: DataDir, channel: str) -> dict[str, Any]:
    from moderation.desk import interactions
    from streamgate.store import settings

    _require_channel(places, channel)
    with writing(places) as session:
        stored = settings.get(session, interactions.PREFIX + channel, {})
    return interactions.encode(interactions.decode(stored, "", 0))


def _require_channel(places: DataDir, channel: str) -> None:
    from streamgate.runtime.channels import ChannelStore

    ChannelStore(places.root).get(channel)


def _is_open(word: str | None) -> bool | None:
    return None if word is None else word == "open"


def _word(is_open: bool) -> str:
    return "open" if is_open else "closed"


def _new_key() -> tuple[str, str]:
    import secrets

    from moderation.public.source_keys import hash_key

    key = f"sgs_{secrets.token_urlsafe(24)}"
    return key, hash_key(key)


def _require_free_name(name: str) -> None:
    """Raise Refused for a reserved name: the program makes the sources of watch pages itself."""
    from moderation.public.source_keys import WATCH
    from streamgate.core.channel_name import require_name

    require_name(name)
    if name.startswith(WATCH):
        raise Refused(
            f"a source's name may not begin with {WATCH}; the watch pages have those",
            f"来源名称不得以 {WATCH} 开头；该前缀保留给观看页面",
        )


def _require_source(session: Any, name: str) -> "Source":
    from streamgate.store import sources

    found = sources.find(session, name)
    if found is None:
        raise Refused(
            f"there is no source {name} in force; look at: streamgate source list",
            f"没有名为 {name} 的有效来源；请查看：streamgate source list",
        )
    return found


def _local(places: DataDir, name: str) -> tuple[str, str, str]:
    """Return address, channel and key of a source here; the key comes from a file in the data directory."""
    from moderation.public.source_keys import local_key

    with writing(places) as session:
        found = _require_source(session, name)
        channel, number = found.channel, found.id
    return f"http://{_public(places)}", channel, local_key(_secret(places), number)


def _remote(url: str, channel: str) -> tuple[str, str, str]:
    import os

    from streamgate.core.channel_name import require_name

    key = os.environ.get(KEY_VARIABLE, "")
    if not key:
        raise Fatal(f"with --url the source's key is needed; put it into the variable {KEY_VARIABLE}")
    require_name(channel)
    return url, channel, key


def _secret(places: DataDir) -> bytes:
    from moderation.public.server import KEY_FILE
    from streamgate.runtime.key_file import read_or_make

    return read_or_make(places.root / KEY_FILE)


def _public(places: DataDir) -> str:
    """Return HOST:PORT of the viewers' address: that of the running serve, else as set."""
    from streamgate.config import load

    serving = places.serving()
    if serving is not None and serving.public:
        return serving.public
    return str(load(places.root).public.reachable())


def _overlay(places: DataDir, channel: str, base: str = "") -> str:
    """Return the address of an overlay at `base`, else where viewers reach the public address."""
    from moderation.public.viewers import overlay_token

    token = overlay_token(_secret(places), channel)
    return f"{base or _viewers(places)}/overlay/{channel}?token={token}"


def _viewers(places: DataDir) -> str:
    from streamgate.config import load

    serving = places.serving()
    if serving is not None and serving.viewers:
        return serving.viewers
    settings = load(places.root)
    return settings.viewers_url(settings.public.port)


def _require_base(base: str) -> str:
    """Return `base` without a slash at its end. Raise ConfigError when it is not the root of a site."""
    if base and _BASE.fullmatch(base) is None:
        raise ConfigError(
            f"--base is {base}; allowed is http(s)://HOST or http(s)://HOST:PORT, without a path, because the"
            " pages' own addresses begin at the root; give the proxy a host name of its own"
        )
    return base.rstrip("/")


def _tell(places: DataDir, channel: str) -> None:
    """Make a running comments process read again at once; a busy one reads by itself within a second."""
    import asyncio

    from moderation.desk.messages import Person, Reload

    request = Reload(id=1, channel=channel, by=Person(0, cli_actor(), actor=cli_actor()))
    asyncio.run(_send(str(places.run / "comments.sock"), msgspec.json.encode(request).decode()))


async def _send(path: str, message: str) -> None:
    import asyncio

    from websockets.asyncio.client import unix_connect
    from websockets.exceptions import WebSocketException

    with contextlib.suppress(OSError, WebSocketException):  # TimeoutError is an OSError
        async with (
            asyncio.timeout(RELOAD_S),
            unix_connect(
                path, uri="ws://localhost/", compression=None, close_timeout=0.1, proxy=None
            ) as socket,
        ):
            await socket.send(message)
            await socket.recv()
