"""Typed, versioned messages between the processes. Pure.

Control (commands in, replies and states out): JSON over websockets on `run/gate.sock`.
Media (ingest to gate, gate to console): JSON messages between packets on `run/media.sock`, see `wire`.
"""

from typing import Literal

import msgspec

from streamgate.core.box import Box
from streamgate.core.packet import FeedFormat

VERSION = 1

State = Literal["live", "cut", "backup", "filling", "no_input", "stopped"]
Requested = Literal["live", "cut", "backup", "stopped"]
DestinationState = Literal["waiting", "idle", "connecting", "live", "behind", "backoff", "failed"]

# ---------------------------------------------------------------- state, as `status --json` prints it


class Warn(msgspec.Struct, frozen=True):
    """A warning for operators. `code` is stable, `text` and `text_zh` are for people."""

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
    """State of a destination. `waiting`: nobody has approved it yet (R13), so the gate does not connect."""

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
    error_zh: str = ""


class ArchiveStatus(msgspec.Struct):
    state: Literal["idle", "ok", "behind", "failed"] = "idle"
    path: str = ""
    parts: int = 0
    bytes: int = 0
    lost_packets: int = 0
    free_bytes: int | None = None
    retention_days: int = 60
    error: str = ""
    error_zh: str = ""


class ClipStatus(msgspec.Struct):
    name: str
    ready: bool = False
    duration_s: float | None = None
    error: str = ""
    error_zh: str = ""


class SpanStatus(msgspec.Struct):
    """A span whose end is not due yet, as the gate executes it: up to the keyframe at which live returns.

    `starts_in_s`, `ends_in_s`: seconds until its start and end are due; `ends_in_s` None: a cut in force.
    `kind`: cut, dump, condemn, mute, bleep or mosaic (of `box`; None: the whole picture). `from_at`, `to_at`:
    when its first and last packet arrived, wall clock. `open_end`: the keyframe after it has not arrived.
    `ready`: the replacement of redacted sound or pictures is there; until then filler would air.
    """

    starts_in_s: float
    ends_in_s: float | None
    actor: str = ""
    id: str = ""
    kind: str = "cut"
    reason: str = ""
    from_at: float = 0.0
    to_at: float | None = None
    open_end: bool = False
    ready: bool = True
    box: Box | None = None


class CutStatus(msgspec.Struct, frozen=True):
    """The cut in force. `since_s`: its age (None: it began before the gate restarted)."""

    actor: str
    since_s: float | None = None
    reason: str = ""


class WaitingRestore(msgspec.Struct, frozen=True):
    """A restore that waits for the same command from a second person; it lapses in `lapses_in_s`.

    `what`: restore, or lift, move (of `span`) or uncut, which follow the same rule. `from_at`, `to_at`: the
    ends that a move asks for, wall clock at arrival, seconds since the epoch; else None.
    """

    actor: str
    reason: str
    lapses_in_s: float
    what: str = "restore"
    span: str = ""
    from_at: float | None = None
    to_at: float | None = None


class OnDuty(msgspec.Struct, frozen=True):
    """A person on duty, as the console reports it. Times: wall clock, seconds since the epoch.

    `quiet_s`: seconds since the last key or pointer input on an open page; None: no page is open.
    `operates`: may cut, so their presence counts; a reviewer's does not. `to`, `note`: the person to whom
    they have offered to hand over, and their note.
    """

    user: str
    name: str = ""  # as it is shown; "" is the user name
    since: float = 0.0
    until: float = 0.0
    broadcast: str = ""
    operates: bool = True
    quiet_s: float | None = None
    to: str = ""
    note: str = ""


class NextDuty(msgspec.Struct, frozen=True):
    """The next shift: whose it is, and when it begins (wall clock, seconds since the epoch)."""

    user: str
    name: str
    at: float


class DutyStatus(msgspec.Struct):
    """Presence of people on duty (R25). `state`: off (not watched), there, asked, absent, covered.

    `gone_s`: seconds without anybody present. `alarm_in_s`: seconds until the alarm, unless somebody comes.
    `reported`: the console sends reports. `known`: it has read the roster; else anybody who may cut counts.
    """

    state: Literal["off", "there", "asked", "absent", "covered"] = "off"
    watch: Literal["off", "alarm", "backup"] = "alarm"
    people: list[OnDuty] = []
    next: NextDuty | None = None
    gone_s: float = 0.0
    alarm_in_s: float | None = None
    reported: bool = False
    known: bool = False


class ChannelStatus(msgspec.Struct):
    name: str
    state: State
    requested: Requested
    delay_s: float
    lead_s: float | None = None
    returns_in_s: float | None = None
    filler: str = ""  # name of the clip that airs, or would air: "slate" or a clip
    on_air_s: float | None = None
    broadcast: str = ""  # id of the broadcast on air, as in the records
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
    dump_s: float = 10.0  # length of a dump when none is given
    keyframes_at: list[float] = []  # arrivals of those in the ring, wall clock, oldest first; at most 512
    duty: DutyStatus = msgspec.field(default_factory=DutyStatus)
    practice: bool = False  # a channel for practice: nothing of it leaves the machine
    camera: Literal["main", "standby"] = "main"  # which is selected for air; PVW shows it
    standby: IngestStatus | None = None  # the standby camera; None: the channel has none

    @property
    def wanted(self) -> IngestStatus:
        """Return the input that is selected for air."""
        return self.standby if self.camera == "standby" and self.standby is not None else self.ingest


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
    """Base of all requests. The ledger records the fields after `v`.

    `actor`: who sends it ("console:alice", "cli:root"). `role`: in which role.
    `origin`: from which address.
    """

    id: int
    v: int = VERSION
    actor: str = ""
    role: str = ""
    origin: str = ""


class ChannelRequest(Request):
    """Base of requests about one channel. `reason`: why, in the person's words; it is logged."""

    channel: str = ""
    reason: str = ""


class Start(ChannelRequest, tag="start"): ...


class Cut(ChannelRequest, tag="cut"): ...


class Restore(ChannelRequest, tag="restore"): ...


class Live(ChannelRequest, tag="live"): ...


class Stop(ChannelRequest, tag="stop"): ...


class Dump(ChannelRequest, tag="dump"):
    """Condemn the newest `seconds`; None: the channel's length plus `reaction_s`, the person's reaction."""

    seconds: float | None = None
    reaction_s: float = 0.0


class SpanRequest(ChannelRequest):
    """Base of requests about a span: ends in seconds from now, 0 or negative, or in wall clock at arrival."""

    from_s: float | None = None
    to_s: float | None = None
    from_at: float | None = None
    to_at: float | None = None


class Condemn(SpanRequest, tag="condemn"):
    """Condemn these arrivals: they never air."""


class Redact(SpanRequest, tag="redact", rename={"with_": "with"}):
    """Replace the sound of these arrivals (mute, bleep) or cover their pictures (mosaic).

    `box`: what a mosaic covers, as in `core.box`; None: the whole picture.
    """

    with_: Literal["mute", "bleep", "mosaic"] = "mute"
    box: Box | None = None


class Move(SpanRequest, tag="move"):
    """Change the ends of `span`. `may_uncover`: the sender has the right to uncover what it covered."""

    span: str = ""
    may_uncover: bool = False


class Lift(ChannelRequest, tag="lift"):
    """Lift `span`: packets in it that are not due yet air after all."""

    span: str = ""


class Uncut(ChannelRequest, tag="uncut"):
    """Lift the cut in force, or else the newest cut."""


class Backup(ChannelRequest, tag="backup"):
    clip: str = ""  # "" is the channel's first clip


class Sign(ChannelRequest, tag="sign"):
    """Report that somebody is present (R25), from the gate's machine."""


class ChannelDuty(msgspec.Struct):
    """Duty state of a channel, as the console reports it. `declared`: it has a roster. See `DutyStatus`."""

    people: list[OnDuty] = []
    next: NextDuty | None = None
    declared: bool = False
    known: bool = True


class DutyReport(Request, tag="duty"):
    """Who is on duty and their last input, by channel: at least every 2 s, at once when somebody comes.

    A channel that is left out has no roster and nobody on duty. Without reports the gate counts nobody as
    present. `at_us`: when it was written, CLOCK_MONOTONIC in microseconds; `quiet_s` counts from then.
    """

    at_us: int | None = None
    channels: dict[str, ChannelDuty] = {}


class GetStatus(Request, tag="status"): ...


class Watch(Request, tag="watch"):
    """Subscribe to states: answered like `status`, then a `Push` at every change, at least every 500 ms."""


class Reload(Request, tag="reload"):
    """Read the channel files again: they changed."""


class Note(Request, tag="note"):
    """A message of another process to the operators; the gate writes it to the log and the ledger."""

    what: Warn = Warn("", "", "")


class Standing(Request, tag="standing"):
    """A warning that every status shows under `key`, until `what` None removes it."""

    key: str = ""
    what: Warn | None = None


Marking = Condemn | Redact | Move | Lift | Uncut
AnyRequest = (
    Start
    | Cut
    | Restore
    | Live
    | Stop
    | Dump
    | Backup
    | Marking
    | Sign
    | DutyReport
    | GetStatus
    | Watch
    | Reload
    | Note
    | Standing
)


# ---------------------------------------------------------------- control: answers


class Marked(msgspec.Struct, frozen=True, omit_defaults=True):
    """A span as the gate executes it. Ends in seconds from now (negative), and in wall clock at arrival.

    `to_s`, `to_at` None: a cut in force. `open_end`: the keyframe at which live returns has not arrived.
    `first_us`, `last_us`: its first and last arrival, monotonic; `past_us`: its newest arrival that was due
    already, so that the ledger proves what was undone. `seconds`, of a dump: `channel_s` (the channel's
    length) plus `reaction_s` (the person's reaction).
    """

    span: str
    kind: str
    from_s: float
    from_at: float
    first_us: int
    past_us: int
    to_s: float | None = None
    to_at: float | None = None
    last_us: int | None = None
    open_end: bool = False
    seconds: float | None = None
    channel_s: float | None = None
    reaction_s: float | None = None


class Reply(msgspec.Struct, tag_field="type", tag="reply", omit_defaults=True):
    """Answer to the request with the same `id`. `error` is set when it was refused or failed."""

    id: int
    v: int = VERSION
    error: str = ""
    error_zh: str = ""
    channel: str = ""
    state: State | None = None
    took_ms: float | None = None
    waiting: Literal["", "second_person"] = ""  # executed once a second person sends it, too
    marked: Marked | None = None  # the span that cut, dump or a span command condemned, moved or lifted
    channels: list[ChannelStatus] | None = None
    log: list[LogLine] | None = None
    condemned: dict[str, list[tuple[float, float]]] = {}  # watch: by channel, as seconds of its broadcast
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
    """First message on a media link, both ways. The gate closes the link on an unsupported version."""

    role: Literal["ingest", "console", "gate"]
    v: int = VERSION


class Publish(msgspec.Struct, tag_field="t", tag="publish"):
    """Publish request of an encoder, sent again for each published stream after the link was re-established.

    `key_hash`: hex SHA-256 of the stream key. `fresh`: false when an encoder came back after its connection
    broke, or the link was re-established; then the gate does not start a stopped broadcast.
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
    """Health of a published stream, sent about once a second.

    `encoder`: its name in its metadata (OBS gives it only there); empty when missing.
    `declared`: the format in its metadata, until a picture has arrived.
    """

    stream: int
    mended: int
    dropped: int
    warnings: list[Warn]
    encoder: str = ""
    declared: FeedFormat | None = None


class Gone(msgspec.Struct, tag_field="t", tag="gone"):
    """The stream has ended. `clean`: the encoder ended it itself."""

    stream: int
    reason: str
    clean: bool


# ---------------------------------------------------------------- media link: gate -> ingest


class PublishReply(msgspec.Struct, tag_field="t", tag="publish_reply"):
    """Answer to `Publish`. `code`: ok, unknown_key, busy."""

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
    """Subscribe to a channel's undelayed feed (pvw) or its program (pgm) under the number `stream`.

    The gate sends a `Format` once it is known and at every change, then packets, the first one a keyframe.
    When the console reads too slowly, the gate drops packets up to the next keyframe.

    "keys": only the keyframes and the sound of the undelayed feed. DTS is then the packet's arrival,
    CLOCK_MONOTONIC in microseconds, not a timestamp of the feed.
    """

    stream: int
    channel: str
    feed: Literal["pvw", "pgm", "keys"]


class Unsubscribe(msgspec.Struct, tag_field="t", tag="unsubscribe"):
    stream: int


AnyMedia = Hello | Publish | Format | Health | Gone | PublishReply | Kick | Subscribe | Unsubscribe
