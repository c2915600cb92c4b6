"""What is found in texts, and how much of it is kept."""

from bisect import bisect_right
from collections.abc import Iterator

import msgspec

from moderation.lexicon import Channel

MAX_RAW = 2000
"""Raw matches of one text that are looked at, for each way of looking; a text with more is held for full
review."""


class Find(msgspec.Struct, frozen=True, gc=False):
    """One find. `start`, `end`: code points of the text. `term`: as in Sense."""

    start: int
    end: int
    term: int
    channel: Channel
    clean: bool


class Finds(msgspec.Struct, gc=False):
    """What was found in one text."""

    found: list[Find] = []
    allowed: list[tuple[int, int]] = []
    triggered: bool = False
    raw: int = 0

    @property
    def too_many(self) -> bool:
        return self.raw > MAX_RAW


class Found:
    """The finds of a batch, by number of the text.

    `lone`: texts with one exact match, of which nothing else is to be asked; most of those with any. Of each
    its start, end and term, as in Find.
    `by_text`: the finds of the others.
    """

    def __init__(self) -> None:
        self.lone: dict[int, tuple[int, int, int]] = {}
        self.by_text: dict[int, Finds] = {}

    def of(self, number: int) -> Finds:
        """What was found in a text, to add to it."""
        finds = self.by_text.get(number)
        if finds is None:
            finds = self.by_text[number] = Finds()
            if lone := self.lone.pop(number, None):
                finds.found.append(Find(*lone, Channel.EXACT, clean=True))
                finds.raw = 1
        return finds

    def more(self, number: int) -> Finds:
        """The same, for one more raw match."""
        finds = self.of(number)
        finds.raw += 1
        return finds


def suppressed(finds: Finds) -> Iterator[Find]:
    """The finds that no allow-phrase holds."""
    if not finds.allowed:
        yield from finds.found
        return
    allowed = sorted(finds.allowed)
    starts = [start for start, _ in allowed]
    reach = 0
    furthest = [reach := max(reach, end) for _, end in allowed]
    for find in finds.found:
        at = bisect_right(starts, find.start) - 1
        if at < 0 or furthest[at] < find.end:
            yield find
