"""Takes comments in: who hands them in, whether that is allowed now, and what became of each. No HTTP.

What is answered as accepted was committed. The desk says whether comments are open: what was stored before
they were closed, and is handed in again, is accepted still.
"""

import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from moderation.desk.intake import ACCEPTED, BAD_COMMENT, Incoming, SourceRef, Taken
from moderation.public.comment_body import Malformed, ViewerComment, read_comments
from moderation.public.desk_side import DeskSide
from moderation.public.own_comments import Own, OwnComments, own_client_id
from moderation.public.problems import (
    BAD_REQUEST,
    CLOSED,
    OF_WHOLE_REQUEST,
    SLOW_MODE,
    WRONG_CHANNEL,
    RequestRefused,
)
from moderation.public.rates import Rate, Rates
from moderation.public.source_keys import SourceKeys
from moderation.public.viewers import Viewer, guest_name
from streamgate.clock import wall_s
from streamgate.errors import StoreError

CLIENT_ID_CHARS = 64
"""Of a viewer's comment; the viewer's number comes before it."""


class Answer(NamedTuple):
    """`refused`: why the whole request was; then nothing of it was accepted."""

    body: dict[str, Any]
    refused: RequestRefused | None


class Intake:
    def __init__(self, desk: DeskSide, keys: SourceKeys, own: OwnComments, rates: Rates) -> None:
        self._desk, self._keys, self._own, self._rates = desk, keys, own, rates
        self._slow: dict[float, Rate] = {}

    def require_open(self, channel: str) -> None:
        """Raise RequestRefused when viewers can write neither comments nor bullets on a channel."""
        view = self._desk.interaction(channel)
        if not (view.comments or view.bullets):
            raise RequestRefused(CLOSED)

    async def take_source(self, source: SourceRef, channel: str, body: bytes) -> Answer:
        """Take in what a source hands in for a channel. Raises RequestRefused."""
        if source.channel != channel:
            raise RequestRefused(WRONG_CHANNEL)
        comments = read_comments(body)
        self._rates.source_comments.take(source.name, len(comments))
        good = [one for one in comments if isinstance(one, Incoming)]
        taken = iter(await self._desk.take_in(source, good) if good else [])
        return _answer([_malformed(one) if isinstance(one, Malformed) else next(taken) for one in comments])

    async def take_viewer(self, viewer: Viewer, channel: str, address: str, comment: ViewerComment) -> Answer:
        """Take in what a viewer of the watch page wrote. Raises RequestRefused."""
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
        incoming = Incoming(
            client_id=own_client_id(viewer.id, name),
            author_id=viewer.id,
            author=viewer.nickname or guest_name(viewer),
            text=comment.text,
            at_media_s=self._moment(channel, comment),
            bullet=comment.bullet,
        )
        (taken,) = await self._desk.take_in(source, [incoming])
        if taken.code == ACCEPTED and taken.id is not None:
            self._own.note(source.id, viewer.id, Own(taken.id, comment.text, wall_s(), name))
        elif slow_s > 0:
            self._slow_mode(slow_s).give_back(who)
        return _answer([msgspec.structs.replace(taken, client_id=name)])

    def _moment(self, channel: str, comment: ViewerComment) -> float | None:
        """Return the moment of the program that a viewer's comment speaks of, as far as it tells."""
        if comment.at_media_s is not None or comment.seen_at is None:
            return comment.at_media_s
        return self._desk.moment_of(channel, comment.seen_at)

    def _slow_mode(self, slow_s: float) -> Rate:
        """Return the rate of slow mode with that pace; a new pace begins anew, so that it counts at once."""
        if slow_s not in self._slow:
            self._slow = {slow_s: Rate((1 / slow_s, 1), SLOW_MODE)} | dict(list(self._slow.items())[:7])
        return self._slow[slow_s]


def _malformed(one: Malformed) -> Taken:
    return Taken(one.client_id, None, "", BAD_COMMENT, one.error, one.error_zh)


def _answer(taken: Sequence[Taken]) -> Answer:
    """Say what became of each. A whole request is refused only when the same thing stops all of it."""
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
    codes = Counter(one.code for one in taken)
    whole = None
    if len(codes) == 1 and (code := next(iter(codes))) in OF_WHOLE_REQUEST:
        whole = _of_whole(code, taken[0])
    return Answer({"accepted": accepted, "refused": refused}, whole)


def _of_whole(code: str, said: Taken | None = None) -> RequestRefused:
    problem, wait_s = OF_WHOLE_REQUEST[code]
    if said is not None and said.wait_s > 0:
        wait_s = said.wait_s
    if said is not None and said.error and said.error_zh:
        problem = problem._replace(error=said.error, error_zh=said.error_zh)
    return RequestRefused(problem, wait_s)
