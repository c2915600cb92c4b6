"""Rehearsals: proof that the slate and each backup of a channel splice with its feed."""

from typing import Literal

from fastapi import APIRouter

from console.api.answers import EMPTY_BODY, GetParts, GetSession, Model, problems
from console.auth.rights import API
from console.problems import NOT_FOUND, Refused
from console.setup.rehearsals import Rehearsal, Turn
from streamgate.core.packet import FeedFormat
from streamgate.playout.fillers import clip_names

router = APIRouter(prefix=f"{API}/channels/{{channel}}/rehearsal", tags=["backups"])


class RehearsedClip(Model):
    """`state` ok: feed, backup and feed again aired on one rising timeline and were decoded without an error.

    `feed`: the channel's own recording, or a picture made like it. `error`: why it does not splice.
    """

    name: str
    state: Literal["waiting", "running", "ok", "failed", "cancelled"]
    error: str
    error_zh: str
    feed: Literal["recorded", "made"] | None
    pictures: int
    sounds: int
    one_header: bool


class RehearsalState(Model):
    """The last rehearsal of a channel; `started_at` None: there was none since the console started.

    `against`: the feed's parameters in words. `feed_known`: this channel's feed has been seen.
    """

    running: bool
    started_at: float | None
    started_by: str
    against: str
    feed_known: bool
    clips: list[RehearsedClip]


@router.post("", responses=problems(409, 503), openapi_extra=EMPTY_BODY)
async def start_rehearsal(channel: str, parts: GetParts, session: GetSession) -> RehearsalState:
    """Begin a rehearsal; it takes some seconds a clip. Air is not touched."""
    config = await parts.setup.files.get(channel)
    names = clip_names(config.backups)
    return _state(await parts.setup.rehearsals.start(channel, names, session.actor))


@router.get("")
async def show_rehearsal(channel: str, parts: GetParts) -> RehearsalState:
    """Show the last rehearsal, or how far the present one is."""
    return _state(parts.setup.rehearsals.last(channel))


@router.delete("", responses=problems(404))
async def cancel_rehearsal(channel: str, parts: GetParts) -> RehearsalState:
    """End a rehearsal that is running."""
    last = parts.setup.rehearsals.last(channel)
    if last is None:
        raise Refused(NOT_FOUND)
    await parts.setup.rehearsals.cancel(channel)
    return _state(last)


def _state(one: Rehearsal | None) -> RehearsalState:
    if one is None:
        return RehearsalState(
            running=False, started_at=None, started_by="", against="", feed_known=False, clips=[]
        )
    return RehearsalState(
        running=one.running,
        started_at=one.started_at,
        started_by=one.started_by,
        against=_words(one.format),
        feed_known=one.known,
        clips=[_clip(turn) for turn in one.turns],
    )


def _clip(turn: Turn) -> RehearsedClip:
    proof = turn.proof
    return RehearsedClip(
        name=turn.name,
        state=turn.state,
        error=turn.error,
        error_zh=f"无法衔接：{turn.error_zh}" if turn.error_zh else "",
        feed=proof.feed if proof else None,
        pictures=proof.pictures if proof else 0,
        sounds=proof.sounds if proof else 0,
        one_header=proof.one_header if proof else False,
    )


def _words(format_: FeedFormat) -> str:
    """Return the parameters as an operator reads them: 1280x720 30 fps h264, aac 48 kHz."""
    said = []
    if format_.video is not None:
        video = format_.video
        said.append(f"{video.width}x{video.height} {1000 / video.frame_ms:.4g} fps {video.codec}")
    if format_.audio is not None:
        said.append(f"{format_.audio.codec} {format_.audio.sample_rate / 1000:g} kHz")
    return ", ".join(said)
