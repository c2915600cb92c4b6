"""Filters comments and author names in batches, with a cache for texts that repeat."""

from collections.abc import Sequence

from moderation.desk.judging import JudgedComment, judge
from moderation.filter.result import Result
from moderation.filter.service import FilterService

CACHED = 10_000
"""Results that a cache holds at least; at most twice as many. There is one cache for texts, one for names."""
CACHED_CHARS = 100


class _ResultCache:
    """Filter results by text. It has two halves; when the young one is full, the old one is dropped."""

    def __init__(self) -> None:
        self._young: dict[str, Result] = {}
        self._old: dict[str, Result] = {}

    def get(self, text: str) -> Result | None:
        found = self._young.get(text)
        if found is None and (found := self._old.get(text)) is not None:
            self.put(text, found)
        return found

    def put(self, text: str, result: Result) -> None:
        if len(self._young) >= CACHED:
            self._old, self._young = self._young, {}
        self._young[text] = result


class CommentFilter:
    """`version`: of the word lists. Comments that were judged with another version must be judged again."""

    def __init__(self, service: FilterService) -> None:
        self._service = service
        self._texts, self._names = _ResultCache(), _ResultCache()
        self._of = ""
        self._versions: dict[str, str] = {}

    @property
    def version(self) -> str:
        return self._service.filter.version

    @property
    def service(self) -> FilterService:
        return self._service

    async def judge(self, comments: Sequence[tuple[str, str]]) -> list[JudgedComment]:
        """Return a judgement for each pair of text and author's name."""
        self._follow_lists()
        found = [(self._texts.get(text), self._names.get(author)) for text, author in comments]
        asked: dict[str, None] = {}
        for (text, author), (of_text, of_author) in zip(comments, found, strict=True):
            if of_text is None:
                asked[text] = None
            if of_author is None:
                asked[author] = None
        checked = dict(zip(asked, await self._service.check_many(list(asked)), strict=True)) if asked else {}
        judged: list[JudgedComment] = []
        last_shared: tuple[Result, JudgedComment] | None = None
        for (text, author), (known_text, known_author) in zip(comments, found, strict=True):
            of_text = known_text or self._cache(self._texts, text, checked[text])
            of_author = known_author or self._cache(self._names, author, checked[author])
            if last_shared is not None and of_text is last_shared[0] is of_author:
                # most comments have no hits, and the filter returns one shared result for that
                judged.append(last_shared[1])
                continue
            one = judge(of_text, of_author, self._versions)
            if of_text is of_author:
                last_shared = of_text, one
            judged.append(one)
        return judged

    def _cache(self, cache: _ResultCache, text: str, result: Result) -> Result:
        if not result.late and result.version == self._of and len(text) <= CACHED_CHARS:
            cache.put(text, result)
        return result

    def _follow_lists(self) -> None:
        if self._of != self.version:
            self._of = self.version
            self._texts, self._names = _ResultCache(), _ResultCache()
            self._versions = {one.name: one.version for one in self._service.filter.lists}
