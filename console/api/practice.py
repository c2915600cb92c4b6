"""Practices (演练): begin one, see how it goes, and what they showed (R28)."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from console.api.answers import GetParts, GetSession, Model, problems
from console.auth.rights import API, Right, require_everywhere
from console.duty.practice import CHANNEL, Practice
from streamgate.core.practice import MARKS, MAX_MARKS, MIN_MARKS
from streamgate.store.practices import PracticeResult
from streamgate.store.reactions import MarkKind

router = APIRouter(prefix=API, tags=["duty"])


class NewPractice(Model):
    """`marks`: how many, of both kinds."""

    marks: int = Field(default=MARKS, ge=MIN_MARKS, le=MAX_MARKS)


class MarkShown(Model):
    """A planted mark; `reaction_s` null: not answered with a cut or dump within 10 s."""

    number: int
    kind: MarkKind
    reaction_s: float | None
    command: str | None


class PracticeState(Model):
    """The practice that runs, or the last one; `channel`: to be watched. `marks`: those planted so far.

    `error`: why it broke off.
    """

    running: bool
    channel: str
    user: str
    started_at: float | None
    planned: int
    marks: list[MarkShown]
    false_presses: int
    error: str
    error_zh: str


class PracticeShown(Model):
    """A practice of `user`; `ended_at` null: broken off by a restart. `false_presses`: where no mark was."""

    id: int
    user: str
    display_name: str
    channel: str
    started_at: float
    ended_at: float | None
    false_presses: int
    marks: list[MarkShown]


class PracticeList(Model):
    """The newest first."""

    practices: list[PracticeShown]


@router.get("/practice")
async def show_practice(parts: GetParts) -> PracticeState:
    """Show the practice that runs, or the last one since the console started."""
    return _state(parts.duty.practices.last)


@router.post("/practice", responses=problems(400, 409, 503))
async def start_practice(body: NewPractice, parts: GetParts, session: GetSession) -> PracticeState:
    """Begin a practice: a made feed on a channel of its own, marks at random moments, answers are timed."""
    return _state(await parts.duty.practices.start(session, body.marks))


@router.delete("/practice")
async def end_practice(parts: GetParts, session: GetSession) -> PracticeState:
    """End one's own practice; what was counted so far is kept. Who edits rosters ends anybody's."""
    last = parts.duty.practices.last
    if last is not None and last.user_id != session.user_id:
        require_everywhere(session, Right.DUTY_ROSTER)
    await parts.duty.practices.cancel()
    return _state(parts.duty.practices.last)


@router.get("/practices", responses=problems(400, 503))
async def list_practices(
    parts: GetParts, session: GetSession, *, everybody: Annotated[bool, Query()] = False
) -> PracticeList:
    """List practices: one's own, or everybody's to who edits rosters on all channels."""
    if everybody:
        require_everywhere(session, Right.DUTY_ROSTER)
    found = await parts.duty.practices.results(None if everybody else session.user_id)
    return PracticeList(practices=[_shown(one) for one in found])


def _state(one: Practice | None) -> PracticeState:
    if one is None:
        return PracticeState(
            running=False,
            channel=CHANNEL,
            user="",
            started_at=None,
            planned=0,
            marks=[],
            false_presses=0,
            error="",
            error_zh="",
        )
    return PracticeState(
        running=one.running,
        channel=CHANNEL,
        user=one.user,
        started_at=one.started_at,
        planned=len(one.planned),
        marks=[
            MarkShown(
                number=mark.number,
                kind=mark.kind,
                reaction_s=None if mark.reaction_us is None else round(mark.reaction_us / 1e6, 3),
                command=mark.press,
            )
            for mark in one.tally.marks
        ],
        false_presses=one.tally.false_presses,
        error=one.error,
        error_zh=one.error_zh,
    )


def _shown(one: PracticeResult) -> PracticeShown:
    told = one._asdict()
    told["marks"] = [
        MarkShown(number=mark.number, kind=mark.kind, reaction_s=mark.reaction_s, command=mark.command)
        for mark in one.marks
    ]
    return PracticeShown(**told)
