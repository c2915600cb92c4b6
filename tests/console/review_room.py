"""A room of reviewers for page tests: the real desk of comments with a few words, people on Review."""

import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

from page_desk import Desk, open_desk
from playwright.async_api import Locator, Page
from real_comments import Comments, running_comments
from tools.testfeed import Feed

from moderation.desk.intake import IncomingComment
from moderation.desk.messages import InteractionView
from moderation.desk.wordlists import Wordlists
from moderation.lexicon import Entry, Severity, WordList
from moderation.review.card import Card
from moderation.review.events import Reviewer
from streamgate.store import users
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

    def load_shipped(self) -> tuple[WordList, ...]:
        return LISTS


class Room:
    """`key`: the stream key of the channel `main`."""

    def __init__(self, desk: Desk, comments: Comments, key: str) -> None:
        self.desk, self.comments, self.key = desk, comments.desk, key
        self.source = comments.source
        self._names = itertools.count(1)

    async def reviewer(
        self, name: str = "ann", *roles: str, language: str = "en", size: str = "desk", cards: int = 1
    ) -> Page:
        """Return the Review screen of somebody, once it shows at least so many cards."""
        page = await self.desk.person(name, language, size, roles or ("reviewer",))
        await self.desk.open(page, "/review/main")
        if cards:
            await page.locator("[data-card]").nth(cards - 1).wait_for()
        return page

    async def colleague(self, name: str, role: str = "senior-reviewer") -> Reviewer:
        """Return somebody who decides without a page."""
        await self.desk.stage.person(name, role)
        with Database(self.desk.stage.database) as database, database.read() as session:
            found = users.find(session, name)
            assert found is not None
            return Reviewer(found.id, frozenset({role}))

    async def write(self, *texts: str, author: str = "校友", **more: float) -> list[int]:
        """Write comments, as the watch page of the channel does. Returns their ids."""
        made = [
            IncomingComment(f"w{next(self._names)}", f"id-{author}", author, text, **more) for text in texts
        ]
        taken = await self.comments.store_comments(self.source, made)
        assert [one.code for one in taken] == [""] * len(texts), taken
        return [one.id for one in taken if one.id is not None]

    def card(self, comment: int) -> Card:
        """Return the open card that a comment is on."""
        (found,) = [one.card for one in self.comments.piles.entries() if comment in one.card.comments]
        return found


@contextlib.asynccontextmanager
async def open_room(data_dir: Path, feed: Feed, filler: Feed, window_s: float = 10.0) -> AsyncIterator[Room]:
    """Open a room on this data directory; comments are open on the channel `main`."""
    async with open_desk(data_dir, feed, filler, comments=False) as desk:
        _, key = desk.store.add("main")
        await desk.station.reload()
        async with running_comments(desk.stage, FewWords(data_dir / "wordlists")) as comments:
            room = Room(desk, comments, key)
            await comments.open_up(InteractionView(comments=True, bullets=True, window_s=window_s))
            yield room


def hand(page: Page) -> Locator:
    """Return the card under the hand."""
    return page.locator("[data-card][aria-current=true]")


def notice(page: Page) -> Locator:
    return page.get_by_test_id("notice")


async def press(page: Page, *keys: str) -> None:
    """Press keys as somebody does who looks before each."""
    for key in keys:
        await page.wait_for_timeout(200)
        await page.keyboard.press(key)
