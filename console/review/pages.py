"""The websockets of pages that review: what changes on a channel, and the card under each reviewer's hand."""

import contextlib
from collections import Counter

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from console.auth.principals import Principal, Session
from console.auth.rights import Right, require
from console.live.page_socket import close, read, send, until_first, watch_rights
from console.live.process_link import to_text
from console.problems import BUSY, Problem, Refused, unreadable
from console.review.link import CommentsLink, Subscription, person_of
from console.review.messages import NotClaimed, Touch
from moderation.desk.messages import Claim, ReleaseCard
from streamgate.clock import wall_s

MAX_PAGES = 64
_decoder: msgspec.json.Decoder[Touch] = msgspec.json.Decoder(Touch)


class Pages:
    """Serves pages. A person has one lease at most; it is let go when the person's last page is gone.

    That is so however the card was claimed: over the websocket, or by an HTTP request beside it (`note`).
    """

    def __init__(self, link: CommentsLink) -> None:
        self._link = link
        self._pages: Counter[tuple[int, str]] = Counter()  # open ones, of a person on a channel
        self._held: dict[tuple[int, str], int] = {}

    def note(self, who: Principal, channel: str, card: int | None) -> None:
        """Note that somebody holds a card now. Without a page open, the lease ends by its time."""
        key = (_number(who), channel)
        if card is not None and key in self._pages:
            self._held[key] = card

    async def page(self, websocket: WebSocket, channel: str) -> None:
        """Serve the websocket until the page leaves, or may not see the channel's comments any more."""
        who: Principal = websocket.scope["principal"]
        await websocket.accept()
        if self._pages.total() >= MAX_PAGES:
            await close(websocket, BUSY, code=BUSY.close_code)
            return
        key = (_number(who), channel)
        self._pages[key] += 1
        try:
            async with self._link.watching(channel) as subscription:
                await until_first(
                    _tell(websocket, subscription),
                    self._listen(websocket, who, channel),
                    watch_rights(websocket, who, channel, Right.REVIEW_READ),
                )
        finally:
            self._pages[key] -= 1
            if not self._pages[key]:
                del self._pages[key]
                await self._let_go(who, channel, self._held.pop(key, None))

    async def _let_go(self, who: Principal, channel: str, card: int | None) -> None:
        if card is not None:
            with contextlib.suppress(Refused):  # it ends by its time, or has
                await self._link.ask(
                    ReleaseCard(id=0, channel=channel, by=person_of(who, channel), card=card)
                )

    async def _listen(self, websocket: WebSocket, who: Principal, channel: str) -> None:
        while (text := await read(websocket)) is not None:
            refusal = await self._touch(who, channel, text)
            if refusal is not None:
                with contextlib.suppress(WebSocketDisconnect):
                    await send(websocket, to_text(refusal))

    async def _touch(self, who: Principal, channel: str, text: str) -> NotClaimed | None:
        try:
            touch = _decoder.decode(text)
        except (msgspec.MsgspecError, RecursionError) as error:
            return _refusal(0, unreadable(str(error)))
        by = person_of(who, channel)
        try:
            require(who, Right.REVIEW_DECIDE, channel)
            who.touch(wall_s())
            if touch.let_go is not None:
                self._held.pop((_number(who), channel), None)
                await self._link.ask(ReleaseCard(id=0, channel=channel, by=by, card=touch.let_go))
            if touch.claim is not None:
                await self._link.ask(Claim(id=0, channel=channel, by=by, card=touch.claim))
                self.note(who, channel, touch.claim)
        except Refused as error:
            return _refusal(touch.claim or touch.let_go or 0, error.problem)
        return None


def _number(who: Principal) -> int:
    """Return the number of a person's account; 0 for a program, which claims nothing."""
    return who.user_id if isinstance(who, Session) else 0


async def _tell(websocket: WebSocket, subscription: Subscription) -> None:
    try:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await send(websocket, await subscription.next())
    except Refused as error:
        await close(websocket, error.problem)


def _refusal(card: int, problem: Problem) -> NotClaimed:
    return NotClaimed(card, problem.code, problem.error, problem.error_zh)
