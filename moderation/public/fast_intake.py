"""Fast intake: accepts single comments of sources without ASGI, when a plain request arrives in one read.

The routing, middleware, task and messages of an ASGI request cost more CPU than the comment (ADR 30). A
request that the desk would refuse is left alone; `CommentsApi` answers it. Comments that arrive together are
passed to the desk together.
"""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from moderation.desk.intake import CheckedComment
from moderation.public import problems
from moderation.public.answers import Reply, json_reply, problem_reply
from moderation.public.comment_body import read_plain
from moderation.public.desk_interface import DeskInterface
from moderation.public.intake import build_answer
from moderation.public.plain_head import Header, PlainHead, read_plain_head
from moderation.public.problems import RequestRefused
from moderation.public.rates import Rates
from moderation.public.source_keys import SourceKeys

MAX_HEADS = 4096
"""Most heads in the cache. A source has one for each length of a body."""
SendAnswer = Callable[[Reply], None]
_log = structlog.get_logger("comments")


class FastIntake:
    """Accepts comments. `run` passes them to the desk until it is cancelled."""

    def __init__(self, desk: DeskInterface, keys: SourceKeys, rates: Rates) -> None:
        self._desk, self._keys, self._rates = desk, keys, rates
        self._heads: dict[bytes, PlainHead] = {}
        self._coming: list[tuple[CheckedComment, SendAnswer]] = []
        self._there = asyncio.Event()
        self.taken = 0
        """Number of comments that were accepted this way."""

    def find_head(self, raw: bytes) -> PlainHead | None:
        """Return the parsed form of a cached head; None: it is not in the cache."""
        return self._heads.get(raw)

    def remember_head(self, raw: bytes, url: bytes, headers: Sequence[Header]) -> None:
        """Cache a head that the HTTP parser has read, if it is plain and has the key of a source."""
        head = read_plain_head(raw, url, headers)
        if head is None or self._keys.known(head.key) is None:
            return
        if len(self._heads) >= MAX_HEADS:
            self._heads.clear()
        self._heads[raw] = head

    def try_take(self, head: PlainHead, body: bytes, send_answer: SendAnswer) -> bool:
        """Accept a comment and call `send_answer` later. False: nothing was done; use ASGI."""
        source = self._keys.known(head.key)
        if source is None or source.channel != head.channel:
            return False
        comment = read_plain(body)
        fit = None if comment is None else self._desk.check_comment(source, comment, len(self._coming))
        if fit is None or not self._rates.source_comments.try_take(source.name):
            return False
        self._coming.append((fit, send_answer))
        self._there.set()
        return True

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                await self._there.wait()
                self._there.clear()
                coming, self._coming = self._coming, []
                group.create_task(self._hand_over(coming))

    async def _hand_over(self, coming: Sequence[tuple[CheckedComment, SendAnswer]]) -> None:
        try:
            taken = await self._desk.store_checked([fit for fit, _ in coming])
        except Exception as error:  # noqa: BLE001 - the request is answered 500; the process goes on
            _log.error("public_failed", reason=repr(error))
            for _, send_answer in coming:
                send_answer(problem_reply(RequestRefused(problems.FAILED)))
            return
        self.taken += len(taken)
        for (_, send_answer), one in zip(coming, taken, strict=True):
            answer = build_answer((one,))
            if answer.refused is None:
                send_answer(json_reply(202, answer.body))
            else:
                send_answer(problem_reply(answer.refused, answer.body))
