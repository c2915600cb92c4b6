"""The sources of comments by their keys, in memory, read from the database every second.

A local key is derived from the secret in the data directory. So a program that may read that file needs no
other key (`streamgate source feed`).
"""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from moderation.desk.intake import SourceRef
from moderation.public.problems import BAD_KEY, DATABASE_AWAY, RATE_LIMITED, RequestRefused
from streamgate.clock import now_us, wall_s
from streamgate.core.bucket import TokenBucket
from streamgate.errors import Refused, StoreError
from streamgate.store import sources
from streamgate.store.comment_models import Source
from streamgate.store.database import AsyncDatabase

REFRESH_S = 1.0
TOUCH_S = 60.0
KEY_CHARS = 200
LOCAL = "sgl_"
WATCH = "watch-"
_LOOKS_PER_S = 20.0  # for keys that are not in memory: the source may be new
Write = Callable[..., Awaitable[Any]]
_log = structlog.get_logger("comments")


def hash_key(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def local_key(secret: bytes, source_id: int) -> str:
    """Return the local key of a source, for programs with access to the data directory."""
    mac = hmac.new(secret, b"source/%d" % source_id, hashlib.sha256).hexdigest()
    return f"{LOCAL}{source_id}.{mac}"


def bearer_key(authorization: str) -> str | None:
    """Return the key that a header `Authorization: Bearer KEY` holds."""
    kind, _, key = authorization.partition(" ")
    return key.strip() if kind.lower() == "bearer" else None


class SourceKeys:
    """The table of sources. `run` refreshes it until it is cancelled.

    `write`: runs a function `f(session, ...)` within the desk's next commit. A transaction of its own would
    hold the database for several turns of a busy event loop, and with SQLite no comment is stored meanwhile.
    """

    def __init__(self, database: AsyncDatabase, secret: bytes, write: Write) -> None:
        self._database, self._secret, self._write = database, secret, write
        self._by_hash: dict[str, SourceRef] = {}
        self._by_id: dict[int, SourceRef] = {}
        self._watch: dict[str, SourceRef] = {}
        self._loaded = False
        self._looks = TokenBucket(_LOOKS_PER_S, _LOOKS_PER_S, now_us())
        self._used: set[int] = set()
        self._touched: dict[int, float] = {}
        self._making, self._looking = asyncio.Lock(), asyncio.Lock()
        self._reading = asyncio.Lock()  # a table read before a source was made never replaces one after

    async def run(self) -> None:
        away = False
        while True:
            try:
                await self.refresh()
                await self._touch()
                away = False
            except StoreError as error:
                if not away:
                    _log.warning("sources_unread", reason=str(error))
                away = True
            await asyncio.sleep(REFRESH_S)

    async def refresh(self) -> None:
        """Read all sources. Raises StoreError; the table is unchanged then."""
        async with self._reading:
            self._take(await self._database.read(sources.list_in_force))

    def _take(self, found: list[Source]) -> None:
        refs = [(one.key_hash, SourceRef(one.id, one.name, one.channel)) for one in found]
        self._by_hash = dict(refs)
        self._by_id = {ref.id: ref for _, ref in refs}
        self._watch = {ref.channel: ref for _, ref in refs if ref.name == f"{WATCH}{ref.channel}"}
        self._loaded = True

    def channels(self) -> set[str]:
        return {ref.channel for ref in self._by_id.values()}

    async def find(self, key: str) -> SourceRef:
        """Return the source with this key; read the database when it is not in memory.

        Raises RequestRefused.
        """
        if len(key) > KEY_CHARS:
            raise RequestRefused(BAD_KEY)
        found = self.known(key)
        if found is None:
            found = await self._look(key)
            self._used.add(found.id)
        return found

    def known(self, key: str) -> SourceRef | None:
        """Return the source with this key; None: it is not in memory."""
        found = self._in_memory(key) if len(key) <= KEY_CHARS else None
        if found is not None:
            self._used.add(found.id)
        return found

    def _in_memory(self, key: str) -> SourceRef | None:
        if not key.startswith(LOCAL):
            return self._by_hash.get(hash_key(key))
        number = key.removeprefix(LOCAL).partition(".")[0]
        if not (number.isascii() and number.isdecimal()) or len(number) > 18:
            return None
        good = hmac.compare_digest(key.encode(), local_key(self._secret, int(number)).encode())
        return self._by_id.get(int(number)) if good else None

    async def _look(self, key: str) -> SourceRef:
        """Read the table now, because the source may be new.

        A rate limits how often unknown keys cause that.
        """
        async with self._looking:
            found = self._in_memory(key)  # another request may have read it meanwhile
            if found is None and self._looks.try_take(1, now_us()):
                try:
                    await self.refresh()
                except StoreError as error:
                    raise RequestRefused(BAD_KEY if self._loaded else DATABASE_AWAY, 1) from error
                found = self._in_memory(key)
        if found is not None:
            return found
        raise RequestRefused(BAD_KEY) if self._loaded else RequestRefused(RATE_LIMITED, 1)

    def existing_watch_page(self, channel: str) -> SourceRef | None:
        """Return the source of a channel's watch page; None: nobody has written there yet."""
        return self._watch.get(channel)

    async def watch_page(self, channel: str) -> SourceRef:
        """Return the source of a channel's watch page; create it at first use. Raises StoreError."""
        if (found := self._watch.get(channel)) is not None:
            return found
        async with self._making:
            if (found := self._watch.get(channel)) is None:
                name = f"{WATCH}{channel}"
                nobody = hash_key(f"{name}/{self._secret.hex()}")  # a hash that no key has
                try:
                    async with self._reading:
                        made = await self._database.write(
                            sources.add, name, nobody, channel=channel, by="comments", at=wall_s()
                        )
                        found = self._watch[channel] = SourceRef(made.id, made.name, made.channel)
                except Refused:  # the command line, or an earlier run, was faster
                    await self.refresh()
                    found = self._watch.get(channel)
                    if found is None:
                        raise RequestRefused(DATABASE_AWAY, 1) from None
        return found

    async def _touch(self) -> None:
        now = wall_s()
        due = [one for one in self._used if now - self._touched.get(one, 0.0) >= TOUCH_S]
        if due:
            await self._write(sources.touch_many, due, at=now)
            self._used.difference_update(due)
            self._touched.update(dict.fromkeys(due, now))
