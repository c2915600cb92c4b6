"""Intake of comments: checks sender and rates, passes comments to the desk, builds the response. No HTTP.

An accepted comment is committed. The desk decides whether comments are open. A comment that was stored before
they were closed is still accepted when it is handed in again.
"""

import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from moderation.desk.intake import ACCEPTED, BAD_COMMENT, IncomingComment, IntakeResult, SourceRef
from moderation.public.comment_body import Malformed, ViewerComment, read_comments
from moderation.public.desk_interface import DeskInterface
from moderation.public.own_comments import OwnComment, OwnComments, own_client_id
from moderation.public.problems import (
    BAD_REQUEST,
    CLOSED,
    SLOW_MODE,
    WHOLE_REQUEST_PROBLEMS,
    WRONG_CHANNEL,
    RequestRefused,
)
from moderation.public.rates import Rate, Rates
from moderation.public.source_keys import SourceKeys
from moderation.public.viewers import Viewer, guest_name
from streamgate.clock import wall_s
from streamgate.errors import StoreError

CLIENT_ID_CHARS = 64
"""Most characters of a viewer's `client_id`. The viewer's id is put before it."""


class Answer(NamedTuple):
    """The body of a response. `refused`: why the whole request was refused, with no comment accepted."""

    body: dict[str, Any]
    refused: RequestRefused | None


class Intake:
    def __init__(self, desk: DeskInterface, keys: SourceKeys, own: OwnComments, rates: Rates) -> None:
        self._desk, self._keys, self._own, self._rates = desk, keys, own, rates
        self._slow: dict[float, Rate] = {}

    def require_open(self, channel: str) -> None:
        """Raise RequestRefused when both comments and bullet comments are closed on a channel."""
        view = self._desk.interaction(channel)
        if not (view.comments or view.bullets):
            raise RequestRefused(CLOSED)

    async def take_source(self, source: SourceRef, channel: str, body: bytes) -> Answer:
        """Store the comments of a source's request. Raises RequestRefused."""
        if source.channel != channel:
            raise RequestRefused(WRONG_CHANNEL)
        comments = read_comments(body)
        self._rates.source_comments.take(source.name, len(comments))
        good = [one for one in comments if isinstance(one, IncomingComment)]
        taken = iter(await self._desk.store_comments(source, good) if good else [])
        return build_answer(
            [_malformed(one) if isinstance(one, Malformed) else next(taken) for one in comments]
        )

    async def take_viewer(self, viewer: Viewer, channel: str, address: str, comment: ViewerComment) -> Answer:
        """Store a comment from the watch page. Raises RequestRefused."""
        self.require_open(channel)
        if len(comment.client_id) > CLIENT_ID_CHARS:
            raise RequestRefused(BAD_REQUEST)
        slow_s = self._desk.interaction(channel).slow_s
        who = f"{channel}/{viewer.id}"
        self._rates.address_comments.take(address)
        self._rates.viewer_comments.take(viewer.id)
        if slow_s > 0:
            self._slow_mode(slow_s).take(who)
        try:
            source = await self._keys.watch_page(channel)
        except StoreError:
            raise _of_whole("database_away") from None
        name = comment.client_id or secrets.token_urlsafe(12)
        incoming = IncomingComment(
            client_id=own_client_id(viewer.id, name),
            author_id=viewer.id,
            author=viewer.nickname or guest_name(viewer),
            text=comment.text,
            at_media_s=self._moment(channel, comment),
            bullet=comment.bullet,
        )
        (taken,) = await self._desk.store_comments(source, [incoming])
        if taken.code == ACCEPTED and taken.id is not None:
            self._own.note(source.id, viewer.id, OwnComment(taken.id, comment.text, wall_s(), name))
        elif slow_s > 0:
            self._slow_mode(slow_s).give_back(who)
        return build_answer([msgspec.structs.replace(taken, client_id=name)])

    def _moment(self, channel: str, comment: ViewerComment) -> float | None:
        """Return the moment of the program that a viewer's comment is about; None: unknown."""
        if comment.at_media_s is not None or comment.seen_at is None:
            return comment.at_media_s
        return self._desk.moment_of(channel, comment.seen_at)

    def _slow_mode(self, slow_s: float) -> Rate:
        """Return the rate for this pace of slow mode. A changed pace starts with empty buckets."""
        if slow_s not in self._slow:
            self._slow = {slow_s: Rate((1 / slow_s, 1), SLOW_MODE)} | dict(list(self._slow.items())[:7])
        return self._slow[slow_s]


def _malformed(one: Malformed) -> IntakeResult:
    return IntakeResult(one.client_id, None, "", BAD_COMMENT, one.error, one.error_zh)


def build_answer(taken: Sequence[IntakeResult]) -> Answer:
    """Return the result of each comment. The whole request is refused only when all have the same refusal."""
    accepted = [
        {"client_id": one.client_id, "id": one.id, "state": one.state}
        for one in taken
        if one.code == ACCEPTED
    ]
    refused = [
        {"client_id": one.client_id, "code": one.code, "error": one.error, "error_zh": one.error_zh}
        for one in taken
        if one.code != ACCEPTED
    ]
    whole = None
    if not accepted and len({one.code for one in taken}) == 1 and taken[0].code in WHOLE_REQUEST_PROBLEMS:
        whole = _of_whole(taken[0].code, taken[0])
    return Answer({"accepted": accepted, "refused": refused}, whole)


def _of_whole(code: str, said: IntakeResult | None = None) -> RequestRefused:
    problem, wait_s = WHOLE_REQUEST_PROBLEMS[code]
    if said is not None and said.wait_s > 0:
        wait_s = said.wait_s
    if said is not None and said.error and said.error_zh:
        problem = problem._replace(error=said.error, error_zh=said.error_zh)
    return RequestRefused(problem, wait_s)
