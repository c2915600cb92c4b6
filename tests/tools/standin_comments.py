"""A stand-in for the comments process: its unix socket, and cards in memory that are decided in one stage.

For testing the console's end, and for developing the page, without a filter and a database; it holds no rule
of the real one but that a decision names the version it saw, and that a card is claimed by one person.
"""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from websockets.asyncio.server import ServerConnection, unix_serve
from websockets.exceptions import ConnectionClosed

from moderation.desk.messages import (
    AddTerm,
    AnyRequest,
    Author,
    Ban,
    BanView,
    CardView,
    Changed,
    Claim,
    Counts,
    Deal,
    Decide,
    DecideMany,
    DecisionView,
    Failure,
    Get,
    GetInteraction,
    InteractionView,
    LiftBan,
    ListBans,
    Outcome,
    Queue,
    ReleaseCard,
    Reply,
    Request,
    Retract,
    Reveal,
    SetInteraction,
    TrustAuthor,
    Unwatch,
    Watch,
)
from streamgate.clock import wall_s

STATES = {"approve": "approved", "reject": "rejected", "restore": "waiting", "undo": "waiting"}
NOT_FOUND = Failure("not_found", "there is no such card", "没有该卡片")


def card(number: int, **more: Any) -> CardView:
    plain: dict[str, Any] = {
        "id": number,
        "version": 1,
        "channel": "main",
        "broadcast": "main-20261128T200000Z",
        "state": "waiting",
        "stage": 1,
        "stages": 1,
        "text": f"comment {number}",
        "masked": False,
        "verdict": "clean",
        "hits": [],
        "why": "",
        "why_zh": "",
        "count": 1,
        "author": "小明",
        "author_id": "u1",
        "source": "watch-main",
        "received_at": 1.0,
        "waiting_s": 2.0,
        "comments": [number],
    }
    return CardView(**{**plain, **more})


class RefusedError(Exception):
    def __init__(self, failure: Failure, shown: CardView | None = None) -> None:
        super().__init__(failure.error)
        self.failure, self.shown = failure, shown


class DevComments:
    """Serves `comments.sock` in `run_dir` while `running()` is entered.

    `requests`: all that were asked, in order. `mute`: it takes requests and never answers. `claims`: who has
    which card. `failing`: answered to every request but `Watch`.
    """

    def __init__(self, run_dir: Path) -> None:
        self.path = run_dir / "comments.sock"
        self.cards = {number: card(number) for number in (1, 2, 3)}
        self.claims: dict[int, str] = {}
        self.bans: dict[int, BanView] = {}
        self.trusted = False
        self.interaction = InteractionView()
        self.requests: list[Request] = []
        self.mute = False
        self.failing: Failure | None = None
        self.watched: Counter[str] = Counter()
        self._watchers: dict[ServerConnection, set[str]] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        async with unix_serve(
            self._serve, str(self.path), compression=None, ping_interval=None, close_timeout=0.2
        ):
            yield

    def asked(self, kind: type[Request]) -> list[Any]:
        return [one for one in self.requests if isinstance(one, kind)]

    @property
    def counts(self) -> Counts:
        waiting = sum(one.state == "waiting" for one in self.cards.values())
        return Counts(
            stages={"1": waiting, "2": 0, "3": 0},
            blocked=0,
            held=0,
            approved=0,
            oldest_waiting_s=2.0,
            came_per_minute=0,
            decided_per_minute=0,
            mine_per_minute=0,
        )

    async def push(self, changed: Changed) -> None:
        for connection, channels in list(self._watchers.items()):
            if changed.channel in channels:
                with contextlib.suppress(ConnectionClosed):
                    await connection.send(msgspec.json.encode(changed).decode())

    # ------------------------------------------------------------ the socket

    async def _serve(self, connection: ServerConnection) -> None:
        channels = self._watchers.setdefault(connection, set())
        try:
            async for message in connection:
                request = msgspec.json.decode(message, type=AnyRequest)
                self.requests.append(request)
                if self.mute:
                    continue
                if isinstance(request, Watch):
                    channels.add(request.channel)
                elif isinstance(request, Unwatch):
                    channels.discard(request.channel)
                reply = self._answer(request)
                await connection.send(msgspec.json.encode(reply).decode())
        except ConnectionClosed:
            pass
        finally:
            self._watchers.pop(connection, None)
            self.claims.clear()  # leases end with the connection

    def _answer(self, request: Request) -> Reply:
        if self.failing is not None and not isinstance(request, Watch):
            return Reply(id=request.id, failure=self.failing)
        try:
            return msgspec.structs.replace(self._carry_out(request), id=request.id)
        except RefusedError as error:
            return Reply(id=request.id, failure=error.failure, card=error.shown)

    def _carry_out(self, request: Request) -> Reply:  # noqa: PLR0911 - one table of requests
        match request:
            case Watch():
                return Reply(id=0, counts=self.counts, interaction=self.interaction)
            case Queue(pile=pile, limit=limit, after=after):
                found = [one for one in self.cards.values() if one.state == pile and one.id > after]
                shown = [self._seen(one) for one in found[:limit]]
                return Reply(id=0, cards=shown, counts=self.counts, has_more=len(found) > limit)
            case Get(cards=numbers):
                return Reply(id=0, cards=[self._seen(self._card(number)) for number in numbers])
            case Deal():
                free = [one for one in self.cards.values() if one.id not in self.claims]
                dealt = next((one for one in free if one.state == "waiting"), None)
                return Reply(id=0, card=None if dealt is None else self._claim(dealt.id, request))
            case Claim(card=number):
                return Reply(id=0, card=self._claim(number, request))
            case ReleaseCard(card=number):
                if self.claims.get(number) == request.by.name:
                    del self.claims[number]
                return Reply(id=0)
            case Decide():
                return Reply(id=0, card=self._decide(request))
            case DecideMany():
                return Reply(id=0, outcomes=[self._outcome(request, *one) for one in request.cards])
            case Retract(card=number):
                return Reply(id=0, card=self._put(number, state="published", retracted=[number]))
            case Reveal(card=number):
                one = self._card(number)
                found = {"comments": [{"id": number, "author": one.author, "text": f"{one.text}, revealed"}]}
                return Reply(id=0, found=found)
            case Author(card=number):
                return Reply(id=0, found=self._author(self._card(number)))
            case TrustAuthor(card=number):
                self.trusted = request.trusted
                return Reply(id=0, found=self._author(self._card(number)))
            case _:
                return self._settings(request)

    def _settings(self, request: Request) -> Reply:  # noqa: PLR0911
        match request:
            case Ban(card=number):
                return Reply(id=0, bans=[self._ban(request, self._card(number))])
            case LiftBan(ban=number):
                if self.bans.pop(number, None) is None:
                    raise RefusedError(Failure("not_found", "there is no such ban", "没有该禁言"))
                return Reply(id=0)
            case ListBans():
                return Reply(id=0, bans=list(self.bans.values()))
            case AddTerm(check_only=check_only):
                finding = {"file": "own.txt", "line": 0, "level": "note", "rule": "x", "reason": "short"}
                added = "" if check_only else "2"
                return Reply(id=0, found={"findings": [finding], "added": not check_only, "version": added})
            case GetInteraction():
                return Reply(id=0, interaction=self.interaction)
            case SetInteraction():
                names = [name for name in InteractionView.__struct_fields__ if hasattr(request, name)]
                asked = {name: getattr(request, name) for name in names}
                given = {name: value for name, value in asked.items() if value is not None}
                self.interaction = msgspec.structs.replace(
                    self.interaction, **given, changed_by=request.by.actor, changed_at=wall_s()
                )
                return Reply(id=0, interaction=self.interaction)
            case _:
                return Reply(id=0)

    # ------------------------------------------------------------ cards

    def _card(self, number: int) -> CardView:
        if number not in self.cards:
            raise RefusedError(NOT_FOUND)
        return self.cards[number]

    def _seen(self, one: CardView) -> CardView:
        return msgspec.structs.replace(one, claimed_by=self.claims.get(one.id))

    def _put(self, number: int, **changes: Any) -> CardView:
        before = self._card(number)
        self.cards[number] = msgspec.structs.replace(before, version=before.version + 1, **changes)
        self.claims.pop(number, None)
        return self.cards[number]

    def _claim(self, number: int, request: Request) -> CardView:
        one, name = self._card(number), request.by.name
        if self.claims.get(number, name) != name:
            taken = Failure("taken", f"{self.claims[number]} works on card {number}", "他人正在处理")
            raise RefusedError(taken, self._seen(one))
        for other in [held for held, who in self.claims.items() if who == name]:
            del self.claims[other]
        self.claims[number] = name
        return self._seen(one)

    def _decide(self, request: Decide) -> CardView:
        one = self._card(request.card)
        if one.version != request.version:
            raise RefusedError(Failure("stale", f"card {one.id} has changed", "卡片已变化"), self._seen(one))
        made = list(one.decisions)
        if request.verb in {"approve", "reject"}:
            by = request.by.name
            made.append(DecisionView(1, request.verb, by, wall_s(), request.code, request.note))
        return self._put(one.id, state=STATES.get(request.verb, one.state), decisions=made)

    def _outcome(self, request: DecideMany, number: int, version: int) -> Outcome:
        single = Decide(
            id=0, channel=request.channel, by=request.by, card=number, version=version, verb=request.verb
        )
        try:
            one = self._decide(single)
        except RefusedError as error:
            return Outcome(number, version, "waiting", error.failure)
        return Outcome(one.id, one.version, one.state)

    def _author(self, of: CardView) -> dict[str, Any]:
        return {
            "source": of.source,
            "author_id": of.author_id,
            "author": of.author,
            "states": {"waiting": 1},
            "retracted": 0,
            "first_at": of.received_at,
            "bans": list(self.bans.values()),
            "trusted": self.trusted,
            "comments": [{"id": of.id, "text": of.text, "state": of.state, "at": of.received_at}],
        }

    def _ban(self, request: Ban, of: CardView) -> BanView:
        ends_at = wall_s() + request.minutes * 60 if request.minutes else None
        made = BanView(
            id=len(self.bans) + 1,
            channel=request.channel,
            source=of.source,
            author_id=of.author_id,
            author=of.author,
            cause=request.cause,
            by=request.by.actor,
            at=wall_s(),
            ends_at=ends_at,
        )
        self.bans[made.id] = made
        return made
