"""The filter for comments and names: many at once, and what repeats itself is asked for once."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence

from moderation.desk.judging import Judged, judge
from moderation.filter.result import Result
from moderation.filter.service import FilterService

REMEMBERED = 20_000
"""Texts whose results are kept, as long as the lists stay the same: names, and what a flood repeats."""
REMEMBERED_CHARS = 100


class CommentFilter:
    """`version`: of the lists; comments with another one are to be judged anew."""

    def __init__(self, service: FilterService) -> None:
        self._service = service
        self._results: OrderedDict[str, Result] = OrderedDict()
        self._of = ""
        self._versions: dict[str, str] = {}

    @property
    def version(self) -> str:
        return self._service.filter.version

    @property
    def service(self) -> FilterService:
        return self._service

    async def judge(self, comments: Sequence[tuple[str, str]]) -> list[Judged]:
        """Return a judgement for each pair of text and author's name."""
        self._follow_lists()
        results = await self._results_of({one for pair in comments for one in pair})
        return [judge(results[text], results[author], self._versions) for text, author in comments]

    async def _results_of(self, texts: Iterable[str]) -> dict[str, Result]:
        known = {text: self._results[text] for text in texts if text in self._results}
        asked = [text for text in texts if text not in known]
        if len(asked) == 1:
            checked = [await self._service.check(asked[0])]
        else:
            checked = await asyncio.gather(*(self._service.check(text) for text in asked))
        for text, result in zip(asked, checked, strict=True):
            if not result.late and result.version == self._of and len(text) <= REMEMBERED_CHARS:
                self._results[text] = result
        while len(self._results) > REMEMBERED:
            self._results.popitem(last=False)
        return known | dict(zip(asked, checked, strict=True))

    def _follow_lists(self) -> None:
        if self._of != self.version:
            self._of = self.version
            self._results.clear()
            self._versions = {one.name: one.version for one in self._service.filter.lists}
