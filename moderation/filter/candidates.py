"""Candidates: matches of terms in the original texts, before allow-phrases and the policy judge them."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

import msgspec

from moderation.lexicon import Channel

MAX_RAW = 2000
"""Raw matches of one text that are judged, for each reading; a text with more is held for full review."""
MAX_HITS = 1000
"""Hits of one text that a result lists."""
SURENESS = {channel: place for place, channel in enumerate(Channel)}
"""Channels in order, the surest first."""


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A match of one term that may become a hit. `start`, `end`: code points. `term`: as in Sense."""

    start: int
    end: int
    term: int
    channel: Channel
    clean: bool


class TextCandidates(msgspec.Struct, gc=False):
    """The candidates of one text, and the spans of its allow-phrases."""

    found: list[Candidate] = []
    allowed: list[tuple[int, int]] = []
    triggered: bool = False
    raw: int = 0

    @property
    def too_many(self) -> bool:
        return self.raw > MAX_RAW


class BatchCandidates:
    """The candidates of a batch, by number of the text.

    `lone`: texts with one exact match and nothing to compare it with, which most texts with a match are: its
    start, end and term, as in Candidate.
    `by_text`: the candidates of the others.
    """

    def __init__(self) -> None:
        self.lone: dict[int, tuple[int, int, int]] = {}
        self.by_text: dict[int, TextCandidates] = {}

    def of(self, number: int) -> TextCandidates:
        """The candidates of a text, to add to them."""
        candidates = self.by_text.get(number)
        if candidates is None:
            candidates = self.by_text[number] = TextCandidates()
            if lone := self.lone.pop(number, None):
                candidates.found.append(Candidate(*lone, Channel.EXACT, clean=True))
                candidates.raw = 1
        return candidates

    def more(self, number: int) -> TextCandidates:
        """The same, for one more raw match."""
        candidates = self.of(number)
        candidates.raw += 1
        return candidates


def drop_allowed(candidates: TextCandidates) -> Iterator[Candidate]:
    """Drop the candidates that lie in an allow-phrase."""
    if not candidates.allowed:
        yield from candidates.found
        return
    allowed = sorted(candidates.allowed)
    starts = [start for start, _ in allowed]
    reach = 0
    furthest = [reach := max(reach, end) for _, end in allowed]
    for candidate in candidates.found:
        at = bisect_right(starts, candidate.start) - 1
        if at < 0 or furthest[at] < candidate.end:
            yield candidate


def only_candidate(candidates: TextCandidates, *, is_complete: bool) -> Candidate | None:
    """Return the candidate of a text that has only one and nothing to compare it with; most have one.

    `is_complete`: the text is not too long to be checked in full.
    """
    if len(candidates.found) == 1 and not candidates.allowed and not candidates.too_many and is_complete:
        return candidates.found[0]
    return None


def drop_duplicates(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Keep one candidate of each term at a place: the one by the surest channel."""
    candidates = list(candidates)
    if len(candidates) < 2:
        return candidates
    best: list[Candidate] = []
    ends: dict[int, list[tuple[int, int]]] = {}
    for candidate in sorted(
        candidates, key=lambda one: (SURENESS[one.channel], not one.clean, one.start, -one.end)
    ):
        there = ends.setdefault(candidate.term, [])
        if candidate.channel is Channel.EXACT and candidate.clean:
            fits = (candidate.start, candidate.end) not in there[-1:]
        else:
            fits = len(there) < MAX_HITS and not any(
                a < candidate.end and candidate.start < b for a, b in there
            )
        if fits:
            there.append((candidate.start, candidate.end))
            best.append(candidate)
    return best
