"""Channels as they are set: list, make, change, remove, and a new stream key."""

from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from console.api import qr
from console.api.answers import (
    EMPTY_BODY,
    GetParts,
    GetSession,
    Model,
    Parts,
    ProblemBody,
    problems,
)
from console.auth.principals import Session
from console.auth.rights import API, Right, rights_of
from console.problems import Problem
from console.setup.undo import PutBack, Removal
from console.trace import current
from streamgate.clock import now_us
from streamgate.core.actor import is_same_person
from streamgate.core.delay import MIN_DELAY_S
from streamgate.core.duty import WatchMode
from streamgate.playout.fillers import clip_names
from streamgate.runtime.channels import ChannelConfig
from streamgate.runtime.destinations import Destination

router = APIRouter(prefix=f"{API}/channels", tags=["channel settings"])
ERRORS = problems(400, 409, 503)


class DestinationSettings(Model):
    """A push destination. `url` without its key. Times: seconds since the epoch, None: not known.

    `yours`: the person who asks entered it and may not approve it. `entered_by` "": of before there were
    approvals.
    """

    name: str
    url: str
    split_headers: bool
    approved: bool
    yours: bool
    entered_by: str
    entered_at: float | None
    approved_by: str
    approved_at: float | None


class BackupFile(Model):
    """A backup clip. `uploaded`: it came through the page, and its removal takes the file away."""

    name: str
    path: str
    uploaded: bool


class ChannelSettings(Model):
    """A channel as it is set. `standby`: it has a stream key for a standby camera."""

    name: str
    delay_s: float
    restore_needs_two: bool
    dump_s: float
    duty_watch: WatchMode
    duty_ask_min: float
    duty_absent_s: float
    practice: bool
    standby: bool
    created: str
    destinations: list[DestinationSettings]
    backups: list[BackupFile]


class BrokenChannel(Model):
    """A channel file that is not loaded, and why."""

    name: str
    error: str
    error_zh: str


class ChannelList(Model):
    """`rtmp_server`: where encoders publish; "" while nothing serves. `rtmps_server` None: off."""

    rtmp_server: str
    rtmps_server: str | None
    channels: list[ChannelSettings]
    broken: list[BrokenChannel]


class NewChannel(Model):
    name: str
    delay_s: float = MIN_DELAY_S


class ChannelChange(Model):
    """What is left out stays as it is.

    `delay_s`: 30 to 600. On air it can be raised at once; it is lowered with the next broadcast.
    `restore_needs_two`: a second person must confirm each restore. On air it can be demanded, not dropped.
    `dump_s`: what a dump condemns when nobody says how much, 1 to 30.
    `duty_watch`, `duty_ask_min` (minutes, 1 to 60), `duty_absent_s` (seconds, 20 to 3600): what happens when
    nobody on duty is there.
    """

    delay_s: float | None = None
    restore_needs_two: bool | None = None
    dump_s: float | None = None
    duty_watch: WatchMode | None = None
    duty_ask_min: float | None = None
    duty_absent_s: float | None = None


class Changed(Model):
    """`channel`: as it is stored now. `not_in_force`: why the gate has not taken it over yet; it will."""

    channel: ChannelSettings
    not_in_force: ProblemBody | None = None


class Removed(Model):
    """`undo`: with it `POST /api/v1/undo/{undo}` puts back what was removed, for 5 minutes."""

    undo: str
    not_in_force: ProblemBody | None = None


class StreamKey(Model):
    """A new stream key of a channel's `camera`: stored as a hash only, shown this once."""

    channel: str
    camera: Literal["main", "standby"] = "main"
    rtmp_server: str
    rtmps_server: str | None
    stream_key: str
    qr: str = Field(description="data:image/svg+xml of the whole address, SERVER/KEY")
    not_in_force: ProblemBody | None = None


@router.get("", responses=problems(503))
async def list_channels(parts: GetParts, session: GetSession) -> ChannelList:
    """Show all channels as they are set."""
    files = parts.setup.files
    servers, loaded = await files.servers(), await files.load()
    return ChannelList(
        rtmp_server=servers.rtmp,
        rtmps_server=servers.rtmps,
        channels=[
            shown(parts, one, session.actor) for one in loaded.channels if _may_read(session, one.name)
        ],
        broken=[
            BrokenChannel(name=one.name, error=one.text, error_zh=one.text_zh)
            for one in loaded.errors
            if _may_read(session, one.name)
        ],
    )


@router.post("", responses=ERRORS)
async def add_channel(body: NewChannel, parts: GetParts, session: GetSession) -> StreamKey:
    """Make a channel; its stream key is in this answer and nowhere else."""
    (channel, key), late = await parts.setup.files.change(
        session, lambda store: store.add(body.name, delay_s=body.delay_s)
    )
    return await _stream_key(parts, channel.name, key, late)


@router.patch("/{channel}", responses=ERRORS)
async def change_channel(channel: str, body: ChannelChange, parts: GetParts, session: GetSession) -> Changed:
    """Change a channel's delay, dump, watch over duty, and whether two people must ask for a restore."""
    files = parts.setup.files
    if body.restore_needs_two is False and (await files.get(channel)).restore_needs_two:
        await files.refuse_on_air(channel)  # else one person could end by it what two must end
    changed, late = await files.change(
        session,
        lambda store: store.set(
            channel,
            delay_s=body.delay_s,
            restore_needs_two=body.restore_needs_two,
            dump_s=body.dump_s,
            duty_watch=body.duty_watch,
            duty_ask_min=body.duty_ask_min,
            duty_absent_s=body.duty_absent_s,
        ),
    )
    return changed_to(parts, changed, late, session.actor)


@router.delete("/{channel}", responses=ERRORS)
async def remove_channel(channel: str, parts: GetParts, session: GetSession) -> Removed:
    """Forget a channel that is not on air. Its recordings and backup files stay."""
    files, who = parts.setup.files, session.actor
    await files.refuse_on_air(channel)
    before = await files.get(channel)
    _, late = await files.change(session, lambda store: store.remove(channel))

    async def put_back() -> None:
        await files.change(session, lambda store: store.put_back(before))

    return removed(parts, who, Right.CHANNEL_SETTINGS, channel, put_back, late)


@router.post("/{channel}/key", responses=ERRORS, openapi_extra=EMPTY_BODY)
async def rotate_key(channel: str, parts: GetParts, session: GetSession) -> StreamKey:
    """Give a channel a new stream key; whoever publishes with the old one is disconnected."""
    (_, key), late = await parts.setup.files.change(session, lambda store: store.rotate_key(channel))
    return await _stream_key(parts, channel, key, late)


@router.post("/{channel}/standby/key", responses=ERRORS, openapi_extra=EMPTY_BODY)
async def rotate_standby_key(channel: str, parts: GetParts, session: GetSession) -> StreamKey:
    """Give a channel's standby camera a stream key, the first or a new one; the old one is worth nothing."""
    current().args["change"] = "rotate"
    (_, key), late = await parts.setup.files.change(session, lambda store: store.rotate_standby_key(channel))
    made = await _stream_key(parts, channel, key, late)
    made.camera = "standby"
    return made


@router.delete("/{channel}/standby", responses=ERRORS)
async def remove_standby(channel: str, parts: GetParts, session: GetSession) -> Removed:
    """Let no standby camera publish any more: its encoder is disconnected, its recordings stay."""
    current().args["change"] = "remove"
    before = await parts.setup.files.get(channel)
    _, late = await parts.setup.files.change(session, lambda store: store.remove_standby(channel))

    async def put_back() -> None:
        await parts.setup.files.change(session, lambda store: store.put_back_standby(before))

    return removed(parts, session.actor, Right.CHANNEL_SETTINGS, channel, put_back, late)


# ---------------------------------------------------------------- for this and its neighbours


def shown(parts: Parts, channel: ChannelConfig, who: str) -> ChannelSettings:
    """Return a channel for people: without key hash, URLs without keys."""
    return ChannelSettings(
        name=channel.name,
        delay_s=channel.delay_s,
        restore_needs_two=channel.restore_needs_two,
        dump_s=channel.dump_s,
        duty_watch=channel.duty_watch,
        duty_ask_min=channel.duty_ask_min,
        duty_absent_s=channel.duty_absent_s,
        practice=channel.practice,
        standby=bool(channel.standby_key_hash),
        created=channel.created,
        destinations=[_destination(one, who) for one in channel.destinations],
        backups=[
            BackupFile(name=name, path=str(path), uploaded=parts.setup.backups.is_ours(channel.name, path))
            for name, path in clip_names(channel.backups).items()
        ],
    )


def changed_to(parts: Parts, channel: ChannelConfig, late: Problem | None, who: str) -> Changed:
    return Changed(channel=shown(parts, channel, who), not_in_force=_body(late))


def removed(  # noqa: PLR0917
    parts: Parts, who: str, right: Right, channel: str, put_back: PutBack, late: Problem | None
) -> Removed:
    """Keep what was removed for undo; return the answer."""
    undo = parts.setup.undo.keep(Removal(who, right, channel, put_back, now_us() / 1e6))
    return Removed(undo=undo, not_in_force=_body(late))


def _may_read(session: Session, channel: str) -> bool:
    return Right.SETTINGS_READ in rights_of(session, channel)


def _body(problem: Problem | None) -> ProblemBody | None:
    return None if problem is None else ProblemBody(**problem.body())


def _destination(one: Destination, who: str) -> DestinationSettings:
    return DestinationSettings(
        name=one.name,
        url=one.redacted,
        split_headers=one.split_headers,
        approved=one.approved,
        yours=bool(one.entered_by) and is_same_person(one.entered_by, who),
        entered_by=one.entered_by,
        entered_at=one.entered_at or None,
        approved_by=one.approved_by,
        approved_at=one.approved_at or None,
    )


async def _stream_key(parts: Parts, channel: str, key: str, late: Problem | None) -> StreamKey:
    servers = await parts.setup.files.servers()
    return StreamKey(
        channel=channel,
        rtmp_server=servers.rtmp,
        rtmps_server=servers.rtmps,
        stream_key=key,
        qr=qr.draw(f"{servers.rtmp}/{key}"),
        not_in_force=_body(late),
    )
