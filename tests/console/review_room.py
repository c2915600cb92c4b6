"""Real comments for page tests: the desk and its socket over the console's own database, with a few words."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

from console_stage import Stage

from moderation.desk import interactions, upkeep
from moderation.desk.desk import Desk
from moderation.desk.intake import Incoming, SourceRef
from moderation.desk.messages import InteractionView
from moderation.desk.server import CommentsServer
from moderation.desk.wordlists import Wordlists
from moderation.lexicon import Entry, Severity, WordList
from moderation.review.card import Card
from streamgate.clock import wall_s
from streamgate.runtime.service import Services
from streamgate.store import settings, sources
from streamgate.store.database import Database

LISTS = (
    WordList(
        name="harassment",
        category="harassment",
        version="12",
        entries=(Entry(term="笨蛋", severity=Severity.SENSITIVE),),
    ),
    WordList(
        name="scams",
        category="scams",
        version="3",
        entries=(
            Entry(term="加微信", severity=Severity.IMPORTANT),
            Entry(term="刷单返利", severity=Severity.BLOCK),
        ),
    ),
)


class FewWords(Wordlists):
    """Lists that are built in a moment."""

    def load(self) -> tuple[WordList, ...]:
        return (*LISTS, *self._load_own())


class Comments:
    """The desk, and viewers who write."""

    def __init__(self, desk: Desk, source: SourceRef) -> None:
        self.desk, self.source = desk, source
        self._names = itertools.count(1)

    async def write(self, *texts: str, author: str = "校友", **more: float) -> list[int]:
        """Return the ids of the comments, which stand on open cards now."""
        made = [Incoming(f"c{next(self._names)}", f"id-{author}", author, text, **more) for text in texts]
        taken = await self.desk.take_in(self.source, made)
        assert [one.code for one in taken] == [""] * len(texts), taken
        return [one.id for one in taken if one.id is not None]

    def card(self, comment: int) -> Card:
        """Return the open card that a comment is on."""
        (found,) = [one.card for one in self.desk.piles.entries() if comment in one.card.comments]
        return found

    async def open_up(self, view: InteractionView) -> None:
        """Set the switches of the channel, as the console stores them."""
        key = f"{interactions.PREFIX}{self.source.channel}"
        await self.desk.call(settings.put, key, interactions.encode(view), by="console:olga", at=wall_s())
        self.desk.own_changes += 1
        stored = interactions.decode(interactions.encode(view), "console:olga", wall_s())
        self.desk.put_interaction(self.source.channel, stored)


@contextlib.asynccontextmanager
async def running_comments(stage: Stage, *, window_s: float = 10.0) -> AsyncIterator[Comments]:
    """Run a desk over the stage's database until left; comments are open on the channel `main`."""
    database = Database(stage.database)
    with database.write() as session:
        made = sources.add(session, "watch-main", "no key", channel="main", by="test", at=wall_s())
        source = SourceRef(made.id, made.name, made.channel)
    desk = Desk(database)
    lists = FewWords(Path(stage.data_dir) / "wordlists")
    server = CommentsServer(desk, lists)
    try:
        async with asyncio.TaskGroup() as group:
            services = Services(group)
            upkeep.start(desk, services, lists=lists, gate_socket=None)
            services.start("changes", server.push_changes)
            await stage.until(lambda: desk.loaded and desk.filter is not None, 30)
            comments = Comments(desk, source)
            await comments.open_up(InteractionView(comments=True, bullets=True, window_s=window_s))
            listening = await server.listen(stage.data_dir / "run" / "comments.sock")
            try:
                yield comments
            finally:
                listening.close()
                await listening.wait_closed()
                services.cancel()
    finally:
        desk.close()
        database.close()
