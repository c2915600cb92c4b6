"""The console's end of the socket of the comments process: requests in somebody's name, and what changes.

One connection for all pages. What a page holds at its end is let go by `pages.Pages`; what all of them hold
ends with the connection, when this process dies. A channel is watched while somebody looks at it.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import msgspec
import structlog
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from console.auth.principals import Principal, Session
from console.live.process_link import ProcessLink, Unanswered, to_text
from console.problems import (
    COMMENTS_BUSY,
    COMMENTS_DOWN,
    COMMENTS_LOST,
    COMMENTS_TIMEOUT,
    Problem,
    Refused,
)
from moderation.desk.messages import (
    VERSION,
    AddTerm,
    AnyAnswer,
    Changed,
    Failure,
    Person,
    Reply,
    Request,
    Unwatch,
    Watch,
)
from streamgate.errors import LinkError

ANSWER_S = 5.0
ADD_TERM_S = 15.0  # the automaton is built anew, the list is written
MAX_WAITING = 32
"""Messages that a page has not taken yet: three seconds of a busy channel."""
_MAX_MESSAGE = 32 * 1024 * 1024  # 200 cards of 500 comments
SILENCE_S = 2.0  # nothing is pushed while nothing changes: then it is asked whether it is there
_UNANSWERED = Unanswered(COMMENTS_DOWN, COMMENTS_LOST, COMMENTS_TIMEOUT, COMMENTS_BUSY)
STATUSES: Mapping[str, int] = {
    "same_person": 403,
    "not_entitled": 403,
    "not_found": 404,
    "reason": 422,
    "batch": 422,
    "bad_request": 422,
    "busy": 503,
    "database_away": 503,
}
"""Of the codes of `messages.Failure`; every other one is a conflict with what is: 409."""
_CONFLICT = 409
NOBODY = Person(0, "console")

_log = structlog.get_logger("console.comments_link")
_decoder: msgspec.json.Decoder[AnyAnswer] = msgspec.json.Decoder(AnyAnswer)


def person_of(who: Principal, channel: str) -> Person:
    """Return who asks, with the roles that count on this channel. A program has no number and no role."""
    if not isinstance(who, Session):
        return Person(0, who.name, (), who.actor, who.address)
    roles = tuple(dict.fromkeys(one.role for one in who.grants if one.channel in (None, channel)))
    return Person(who.user_id, who.display_name or who.user, roles, who.actor, who.address)


def problem_of(failure: Failure) -> Problem:
    status = STATUSES.get(failure.code, _CONFLICT)
    return Problem(status, failure.code, failure.error, failure.error_zh or failure.error)


class Subscription:
    """What one page has yet to be sent of a channel, as JSON.

    A page that falls behind loses what waits for it, and is told to ask anew (`many`). `ended`: why nothing
    more comes.
    """

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.ended: Problem | None = None
        self._waiting: deque[str] = deque()
        self._filled = asyncio.Event()

    async def next(self) -> str:
        """Return the next message. Raises Refused when nothing more comes."""
        while not self._waiting:
            if self.ended is not None:
                raise Refused(self.ended)
            self._filled.clear()
            await self._filled.wait()
        return self._waiting.popleft()

    def offer(self, text: str) -> bool:
        """Queue a message; False, and nothing waits any more, when there are too many."""
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.clear()
            return False
        self._waiting.append(text)
        self._filled.set()
        return True

    def end(self, problem: Problem) -> None:
        self.ended = problem
        self._filled.set()


class _Watched:
    """A channel that somebody looks at. `known`: counts and interaction as they were told last."""

    def __init__(self, channel: str) -> None:
        self.subscriptions: set[Subscription] = set()
        self.known = Changed(channel=channel, many=True)
        self.answered = False

    def take(self, changed: Changed, text: str) -> None:
        """Pass a message on as it came."""
        self.answered = True
        self.known = msgspec.structs.replace(
            self.known,
            counts=changed.counts or self.known.counts,
            interaction=changed.interaction or self.known.interaction,
        )
        for one in self.subscriptions:
            if not one.offer(text):
                one.offer(to_text(self.known))


class CommentsLink(ProcessLink[Request, Reply]):
    """See the module. `up`: the comments process answers."""

    def __init__(self, comments_socket: Path) -> None:
        super().__init__(comments_socket, "comments", _UNANSWERED, max_message=_MAX_MESSAGE)
        self._watched: dict[str, _Watched] = {}
        self._watches: dict[int, str] = {}

    async def ask(self, request: Request) -> Reply:
        """Send a request and return the answer.

        Raises:
            Refused: by the comments process, with its code, and the card as it is now where it gave one; no
                connection, or no answer in time.
        """
        reply = await self._ask(request, ADD_TERM_S if isinstance(request, AddTerm) else ANSWER_S)
        if reply.failure is not None:
            more = {} if reply.card is None else {"card": reply.card}
            raise Refused(problem_of(reply.failure), more=more)
        return reply

    @contextlib.asynccontextmanager
    async def watching(self, channel: str) -> AsyncIterator[Subscription]:
        """Subscribe to what changes on a channel. The first message has counts and interaction.

        After the comments process was away, one with `many` says that everything may have changed.
        """
        subscription = Subscription(channel)
        watched = self._watched.get(channel)
        if first := watched is None:
            watched = self._watched[channel] = _Watched(channel)
        elif watched.answered:
            subscription.offer(to_text(watched.known))
        watched.subscriptions.add(subscription)
        try:
            if first:
                await self._watch(channel)
            yield subscription
        finally:
            watched.subscriptions.discard(subscription)
            if not watched.subscriptions and self._watched.get(channel) is watched:
                del self._watched[channel]
                await self._tell(Unwatch(id=next(self._ids), channel=channel, by=NOBODY))

    # ------------------------------------------------------------ the connection

    async def _talk(self, connection: ClientConnection) -> None:
        self._found(connection)
        self._announce()
        for channel in list(self._watched):
            await self._watch(channel)
        while True:
            text = await _receive(connection)
            answer = _decoder.decode(text)
            if answer.v != VERSION:
                raise LinkError(
                    f"the comments process speaks version {answer.v}, this console {VERSION}; restart serve"
                )
            if isinstance(answer, Changed):
                self._take(answer, text)
            elif answer.id in self._watches:
                self._begin(self._watches.pop(answer.id), answer)
            else:
                self._answered(answer.id, answer)

    async def _watch(self, channel: str) -> None:
        number = next(self._ids)
        self._watches[number] = channel
        await self._tell(Watch(id=number, channel=channel, by=NOBODY))

    def _begin(self, channel: str, answer: Reply) -> None:
        """Take the answer to a Watch: pages ask for the queue now, whatever they know."""
        if answer.failure is None:
            counts, interaction = answer.counts, answer.interaction
            changed = Changed(channel=channel, many=True, counts=counts, interaction=interaction)
            self._take(changed, to_text(changed))
            return
        _log.warning("watch_refused", channel=channel, reason=answer.failure.error)
        watched = self._watched.pop(channel, None)
        for one in watched.subscriptions if watched is not None else ():
            one.end(problem_of(answer.failure))

    def _take(self, changed: Changed, text: str) -> None:
        watched = self._watched.get(changed.channel)
        if watched is not None:
            watched.take(changed, text)

    async def _tell(self, request: Request) -> None:
        """Send what nobody waits for. While there is no connection it is not needed: see `_talk`."""
        if self._connection is not None:
            with contextlib.suppress(WebSocketException, TimeoutError):
                async with asyncio.timeout(ANSWER_S):
                    await self._connection.send(to_text(request))

    def _lost(self) -> None:
        self._watches.clear()
        for one in self._watched.values():
            one.answered = False
        super()._lost()


async def _receive(connection: ClientConnection) -> str:
    """Return the next message. Raises TimeoutError when the other side does not even answer a ping."""
    while True:
        try:
            async with asyncio.timeout(SILENCE_S):
                return await connection.recv(decode=True)
        except TimeoutError:
            answered = await connection.ping(b"alive")
        async with asyncio.timeout(SILENCE_S):
            await answered
