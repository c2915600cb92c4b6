"""What the console and a page say to each other over websockets. Pure.

`t` tells the messages of a websocket apart. Each is a JSON text frame; the picture's pieces between `init`
messages are binary frames. The OpenAPI document holds all of them as schemas: the page's types are made from
this file.
"""

from typing import Any, Literal

import msgspec

from console.auth.rights import Command
from streamgate.link.messages import ChannelStatus, LogLine, State, Warn

PROTOCOL = 1


class GateState(msgspec.Struct, frozen=True):
    """`up`: the gate process answers; else what is known of channels is old. `ingest_up`: so does ingest.

    `warnings`: what is wrong with streamgate itself, not with one channel. `comments_up`: the comments
    process answers; else nobody can review.
    """

    up: bool
    ingest_up: bool
    warnings: list[Warn]
    comments_up: bool


class Present(msgspec.Struct, frozen=True):
    """A person who has a channel's pictures open. `idle`: signed in, but not at keys or pointer for long."""

    user: str
    idle: bool


class Snapshot(msgspec.Struct):
    """All there is to know now. `server_time`: wall clock, seconds since the epoch."""

    server_time: float
    gate: GateState
    channels: list[ChannelStatus]
    log: list[LogLine]


# ---------------------------------------------------------------- console to page, state and commands


class Message(msgspec.Struct, tag_field="t"): ...


class Hello(Message, tag="hello"):
    """Comes first, once. `command`: how the command line of this streamgate is called on its machine.

    `present`: who watches each channel, the page's own person included; at most 20 by name.
    """

    version: str
    user: str
    command: str
    server_time: float
    gate: GateState
    channels: list[ChannelStatus]
    present: dict[str, list[Present]]
    log: list[LogLine]
    v: int = PROTOCOL


class SessionMessage(Message, tag="session"):
    """What this page may do: after `hello`, and whenever it changes.

    `state`: open, idle (see and cut only, until signed in again). `rights`: on all channels;
    `channel_rights`: on the channels for which the person has a role.
    """

    state: Literal["open", "idle", "password_expired", "totp_setup"]
    rights: list[str]
    channel_rights: dict[str, list[str]]


class StateMessage(Message, tag="state"):
    """The whole state, at every change and at least every 500 ms. `log`: the lines since the last message.

    `present`: as in `hello`.
    """

    server_time: float
    ingest_up: bool
    comments_up: bool
    warnings: list[Warn]
    channels: list[ChannelStatus]
    present: dict[str, list[Present]]
    log: list[LogLine]


class GateMessage(Message, tag="gate"):
    """The gate process cannot be reached: the channels last told are old."""

    up: bool


class Ping(Message, tag="ping"):
    """Comes every 2 s."""

    server_time: float


class ReplyDone(Message, tag="reply"):
    """The command `id` was carried out. `by_ms`: from frame read to reply in the console, milliseconds.

    `waiting` "second_person": it is carried out when another person asks for it, too.
    """

    id: int
    channel: str
    state: State | None
    took_ms: float | None
    by_ms: float
    waiting: Literal["", "second_person"] = ""
    ok: Literal[True] = True
    span: str | None = None  # of a command on spans, cut and dump: see `SpanDone`, `DumpDone`
    kind: str | None = None
    from_s: float | None = None
    to_s: float | None = None
    from_at: float | None = None
    to_at: float | None = None
    open_end: bool | None = None
    seconds: float | None = None
    channel_s: float | None = None
    reaction_s: float | None = None


class ReplyFailed(Message, tag="reply"):
    """The command `id` (0: none could be read) was not carried out. `error` and `error_zh` are for people."""

    id: int
    channel: str
    code: str
    error: str
    error_zh: str
    by_ms: float
    ok: Literal[False] = False


ServerMessage = Hello | SessionMessage | StateMessage | GateMessage | Ping | ReplyDone | ReplyFailed


# ---------------------------------------------------------------- page to console


class PageCommand(
    msgspec.Struct, tag_field="t", tag="cmd", forbid_unknown_fields=True, rename={"with_": "with"}
):
    """A command. `id` is the page's own number, given back in the reply."""

    id: int
    cmd: Command
    channel: str
    seconds: float | None = None  # of dump
    clip: str | None = None  # of backup; "" or none is the channel's first clip
    reason: str | None = None  # restore, stop, lift and uncut need one
    sense: Literal["picture", "sound"] | None = None  # of dump: whose reaction time is given back
    span: str | None = None  # of move and lift
    from_s: float | None = None  # of condemn, redact and move: seconds from now ...
    to_s: float | None = None
    from_at: float | None = None  # ... or wall clock at arrival
    to_at: float | None = None
    with_: Literal["mute", "bleep", "mosaic"] | None = None  # of redact
    box: tuple[float, float, float, float] | None = None  # of a mosaic: x, y, w, h in shares of the picture

    def details(self) -> dict[str, Any]:
        """Return what was sent beside the command and its channel, by the names of the wire."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return {name: value for name, value in plain.items() if name not in {"t", "id", "cmd", "channel"}}


class Active(msgspec.Struct, tag_field="t", tag="active", forbid_unknown_fields=True):
    """Somebody used keys or pointer: the session is not idle. Sent at most every 20 s."""


PageMessage = PageCommand | Active


# ---------------------------------------------------------------- console to page, pictures


class PreviewWait(Message, tag="wait"):
    """There is no feed for now: keep the last picture."""


class PreviewInit(Message, tag="init"):
    """Describes the init segment, the very next (binary) message."""

    mime: str
    codecs: str
    width: int
    height: int
    fps: float
    video: bool
    audio: bool


PreviewMessage = PreviewInit | PreviewWait


# ---------------------------------------------------------------- console to page, conveyor


class StripStill(msgspec.Struct, frozen=True):
    """A keyframe that came in at `at` (wall clock); `number` names its picture in its address.

    `change`: how much it differs from the one before, 0 to 100 percent.
    """

    at: float
    number: int
    change: int


class StripMessage(Message, tag="strip"):
    """What came in since the last message; the first holds the whole delay. At least once a second.

    `up`: the process that looks works. `level_at`, `level_db`: beginnings (wall clock) of tenths of a second,
    and the RMS of their sound, dBFS from -60 to 0.
    """

    server_time: float
    up: bool
    stills: list[StripStill]
    level_at: list[float]
    level_db: list[int]
