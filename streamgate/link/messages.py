"""Typed, versioned messages between the processes. Pure.

Control (commands in, replies and states out): JSON over websockets on `run/gate.sock`.
Media (ingest to gate, gate to console): JSON messages between packets on `run/media.sock`, see `wire`.
"""

from typing import Literal

import msgspec

from streamgate.core.packet import FeedFormat

VERSION = 1

State = Literal["live", "cut", "backup", "filling", "no_input", "stopped"]
Requested = Literal["live", "cut", "backup", "stopped"]
DestinationState = Literal["waiting", "idle", "connecting", "live", "behind", "backoff", "failed"]

# ---------------------------------------------------------------- state, as `status --json` prints it


class Warn(msgspec.Struct, frozen=True):
    """Something an operator should know. `code` is stable, `text` and `text_zh` are for people."""

    code: str
    text: str
    text_zh: str
    level: Literal["info", "warning", "alarm"] = "warning"


class IngestStatus(msgspec.Struct):
    connected: bool = False
    encoder: str = ""
    peer: str = ""
    video_codec: str = ""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    audio_codec: str = ""
    sample_rate: int = 0
    channels: int = 0
    bitrate_bps: int = 0
    keyframe_interval_s: float | None = None
    packets: int = 0
    bytes: int = 0
    mended: int = 0
    dropped: int = 0
    since_s: float | None = None  # seconds since it connected, or since it was lost
    warnings: list[Warn] = []


class DestinationStatus(msgspec.Struct):
    """`state` waiting: nobody has approved it yet (rule R13), so the gate does not connect to it."""

    name: str
    url: str  # redacted: the stream key never leaves the gate
    state: DestinationState = "idle"
    bitrate_bps: int = 0
    bytes: int = 0
    packets: int = 0
    dropped: int = 0
    reconnects: int = 0
    queue_ms: int = 0
    retry_in_s: float | None = None
    error: str = ""


class ArchiveStatus(msgspec.Struct):
    state: Literal["idle", "ok", "behind", "failed"] = "idle"
    path: str = ""
    parts: int = 0
    bytes: int = 0
    lost_packets: int = 0
    free_bytes: int | None = None
    retention_days: int = 60
    error: str = ""


class ClipStatus(msgspec.Struct):
    name: str
    ready: bool = False
    duration_s: float | None = None
    error: str = ""


class SpanStatus(msgspec.Struct):
    """A condemned span that is still on its way to air: seconds from now until its start and end are due."""

    starts_in_s: float
    ends_in_s: float | None  # None: still open (a cut in force)
    actor: str = ""


class CutStatus(msgspec.Struct, frozen=True):
    """The cut in force: who began it, how long ago (None: before the gate restarted), why if they said."""

    actor: str
    since_s: float | None = None
    reason: str = ""


class WaitingRestore(msgspec.Struct, frozen=True):
    """A restore that a second person must ask for, too; else it lapses in `lapses_in_s`."""

    actor: str
    reason: str
    lapses_in_s: float


class ChannelStatus(msgspec.Struct):
    name: str
    state: State
    requested: Requested
    delay_s: float
    lead_s: float | None = None
    returns_in_s: float | None = None
    filler: str = ""  # name of the clip that airs, or would air: "slate" or a clip
    on_air_s: float | None = None
    broadcast: str = ""  # what the record calls what is on air
    ingest: IngestStatus = msgspec.field(default_factory=IngestStatus)
    destinations: list[DestinationStatus] = []
    archive: ArchiveStatus = msgspec.field(default_factory=ArchiveStatus)
    clips: list[ClipStatus] = []
    spans: list[SpanStatus] = []
    warnings: list[Warn] = []
    ring_bytes: int = 0
    cut: CutStatus | None = None
    restore_needs_two: bool = False
    waiting_restore: WaitingRestore | None = None
    delay_error_ms: dict[str, float] = {}  # p50, p99, max over the last minutes; never negative


class LogLine(msgspec.Struct, frozen=True):
    """One line of the operators' log. `seq` rises by one per line of a gate process."""

    seq: int
    at: float  # wall clock, seconds since the epoch
    channel: str
    actor: str
    code: str
    text: str
    text_zh: str
    level: Literal["info", "warning", "alarm"] = "info"


# ---------------------------------------------------------------- control: requests


class Request(msgspec.Struct, tag_field="cmd", forbid_unknown_fields=True):
    """Every request. What follows `v` stands in the ledger.

    `actor` names who asks ("console:alice", "cli:root"), `role` in which role,
    `origin` from where (an address).
    """

    id: int
    v: int = VERSION
    actor: str = ""
    role: str = ""
    origin: str = ""


class ChannelRequest(Request):
    """`reason`: why, in the person's words; it stands in the log."""

    channel: str = ""
    reason: str = ""


class Start(ChannelRequest, tag="start"): ...


class Cut(ChannelRequest, tag="cut"): ...


class Restore(ChannelRequest, tag="restore"): ...


class Live(ChannelRequest, tag="live"): ...


class Stop(ChannelRequest, tag="stop"): ...


class Dump(ChannelRequest, tag="dump"):
    seconds: float = 10.0


class Backup(ChannelRequest, tag="backup"):
    clip: str = ""  # "" is the channel's first clip


class GetStatus(Request, tag="status"): ...


class Watch(Request, tag="watch"):
    """Answered like `status`; afterwards a `Push` follows at every change and at least every 500 ms."""


class Reload(Request, tag="reload"):
    """The channel files changed: read them again."""


class Note(Request, tag="note"):
    """Something another process has to tell the operators; it goes into the log and the ledger."""

    what: Warn = Warn("", "", "")


class Standing(Request, tag="standing"):
    """A warning that stands in every status under `key`, until `what` None takes it back."""

    key: str = ""
    what: Warn | None = None


AnyRequest = (
    Start | Cut | Restore | Live | Stop | Dump | Backup | GetStatus | Watch | Reload | Note | Standing
)


# ---------------------------------------------------------------- control: answers


class Reply(msgspec.Struct, tag_field="type", tag="reply", omit_defaults=True):
    """Answer to the request with the same `id`. `error` is set when it was refused or failed."""

    id: int
    v: int = VERSION
    error: str = ""
    error_zh: str = ""
    channel: str = ""
    state: State | None = None
    took_ms: float | None = None
    waiting: Literal["", "second_person"] = ""  # it is carried out when another person asks for it, too
    channels: list[ChannelStatus] | None = None
    log: list[LogLine] | None = None
    ingest_up: bool | None = None  # status and watch: an ingest process is connected to the media link
    warnings: list[Warn] = []  # status and watch: what is wrong with streamgate itself, not with one channel


class Push(msgspec.Struct, tag_field="type", tag="push"):
    """State pushed to watchers; `log` holds the lines since the last push."""

    channels: list[ChannelStatus]
    log: list[LogLine] = []
    v: int = VERSION
    ingest_up: bool = False  # an ingest process is connected to the media link
    warnings: list[Warn] = []


AnyAnswer = Reply | Push


# ---------------------------------------------------------------- media link: ingest -> gate


class Hello(msgspec.Struct, tag_field="t", tag="hello"):
    """First message on a media link, both ways. The gate hangs up on a version it does not know."""

    role: Literal["ingest", "console", "gate"]
    v: int = VERSION


class Publish(msgspec.Struct, tag_field="t", tag="publish"):
    """An encoder wants to publish, or (resumed) publishes since before the link was made anew.

    `key_hash`: hex SHA-256 of the stream key. `fresh`: false when a dead session's encoder came back or
    the link was made anew, so that a stopped broadcast is not started by it.
    """

    stream: int
    key_hash: str
    peer: str
    encoder: str
    fresh: bool = True


class Format(msgspec.Struct, tag_field="t", tag="format"):
    """Parameters of the stream; sent before its first packet and again whenever they change."""

    stream: int
    format: FeedFormat


class Health(msgspec.Struct, tag_field="t", tag="health"):
    """About once a second while a stream is published.

    `encoder`: what it calls itself in its metadata (OBS does so only there); empty when it does not say.
    `declared`: what its metadata promises, until a picture has come.
    """

    stream: int
    mended: int
    dropped: int
    warnings: list[Warn]
    encoder: str = ""
    declared: FeedFormat | None = None


class Gone(msgspec.Struct, tag_field="t", tag="gone"):
    """The encoder is gone. `clean`: it said goodbye."""

    stream: int
    reason: str
    clean: bool


# ---------------------------------------------------------------- media link: gate -> ingest


class PublishReply(msgspec.Struct, tag_field="t", tag="publish_reply"):
    """`code`: ok, unknown_key, busy."""

    stream: int
    code: Literal["ok", "unknown_key", "busy"]
    channel: str = ""
    reason: str = ""


class Kick(msgspec.Struct, tag_field="t", tag="kick"):
    """Disconnect this encoder (its channel was removed or its key changed)."""

    stream: int
    reason: str


# ---------------------------------------------------------------- media link: console -> gate -> console


class Subscribe(msgspec.Struct, tag_field="t", tag="subscribe"):
    """Ask for a channel's undelayed feed (pvw) or its program (pgm) under the number `stream`.

    The gate answers with a `Format` when it is known and at every change, then packets, the first a keyframe.
    When the console reads too slowly packets are dropped up to the next keyframe.
    """

    stream: int
    channel: str
    feed: Literal["pvw", "pgm"]


class Unsubscribe(msgspec.Struct, tag_field="t", tag="unsubscribe"):
    stream: int


AnyMedia = Hello | Publish | Format | Health | Gone | PublishReply | Kick | Subscribe | Unsubscribe
