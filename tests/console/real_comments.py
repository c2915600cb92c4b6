"""The real desk of comments with its socket, in this process, on a data directory; no public side."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from console_stage import Stage

from moderation.desk import interactions, upkeep
from moderation.desk.desk import Desk
from moderation.desk.intake import IncomingComment, IntakeResult, SourceRef
from moderation.desk.messages import InteractionView
from moderation.desk.server import CommentsServer
from moderation.desk.wordlists import Wordlists
from moderation.lexicon import WordList
from streamgate.clock import wall_s
from streamgate.runtime.service import Services
from streamgate.store import settings, sources
from streamgate.store.database import Database

KEY_HASH = "hash of a key"


class OwnLists(Wordlists):
    """No lists but those that reviewers fill: they are built in a moment. Personal data is found without."""

    def load_shipped(self) -> tuple[WordList, ...]:
        return ()


class Comments:
    """`write` hands a comment in, as the watch page of the channel `main` does."""

    def __init__(self, desk: Desk, source: SourceRef) -> None:
        self.desk, self.source = desk, source
        self._number = 0

    async def write(self, text: str, author: str = "小明", author_id: str = "u1") -> IntakeResult:
        self._number += 1
        incoming = IncomingComment(f"c{self._number}", author_id, author, text, at_media_s=12.5)
        (taken,) = await self.desk.store_comments(self.source, [incoming])
        assert taken.code == "", taken
        return taken

    async def open_up(self, view: InteractionView) -> None:
        """Set the switches of the channel, as the console stores them."""
        key, at = f"{interactions.PREFIX}main", wall_s()
        await self.desk.call(settings.put, key, interactions.encode(view), by="console:olga", at=at)
        self.desk.own_changes += 1
        stored = interactions.decode(interactions.encode(view), "console:olga", at)
        self.desk.put_interaction("main", stored)

    async def ready(self) -> None:
        async with asyncio.timeout(20):
            while self.desk.filter is None or not (self.desk.loaded and self.desk.writer.ready):
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running_comments(stage: Stage, lists: Wordlists | None = None) -> AsyncIterator[Comments]:
    """Run a desk until left. `lists`: in the place of those that reviewers fill."""
    run = stage.data_dir / "run"
    run.mkdir(parents=True, exist_ok=True)
    with Database(stage.database) as database:
        source = await asyncio.to_thread(_source, database)
        desk = Desk(database)
        async with asyncio.TaskGroup() as group:
            services = Services(group)
            lists = lists or OwnLists(stage.data_dir / "wordlists")
            server = CommentsServer(desk, lists)
            upkeep.start(desk, services, lists=lists, gate_socket=None)
            listening = await server.listen(run / "comments.sock")
            services.start("changes", server.push_changes)
            comments = Comments(desk, source)
            try:
                await comments.ready()
                yield comments
            finally:
                listening.close()
                await listening.wait_closed()
                services.cancel()
        await desk.close()


def _source(database: Database) -> SourceRef:
    with database.write() as session:
        known = sources.find_by_key(session, KEY_HASH) or sources.add(
            session, "watch-main", KEY_HASH, channel="main", by="test", at=1.0
        )
        return SourceRef(known.id, known.name, known.channel)
