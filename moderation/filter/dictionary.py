"""jieba's dictionary as data: words and how often they stand in running text. Only lint uses it.

It is read without importing jieba, which would build its segmenter.
"""

import functools
import importlib.util
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple


class Chance(NamedTuple):
    """How often a term comes about between two words. `example`: the likeliest two."""

    per_million: float
    example: tuple[str, str]


class _Edge(NamedTuple):
    """Words that end with something, or begin with it: how often together, and which most."""

    times: int
    most: str
    itself: int


class Dictionary:
    """`frequencies`: word -> times it was counted."""

    def __init__(self, frequencies: Mapping[str, int]) -> None:
        self._times = dict(frequencies)
        self.total = max(1, sum(self._times.values()))
        self.longest = max(map(len, self._times), default=0)
        self.by_frequency = sorted(self._times, key=lambda word: -self._times[word])

    def frequency(self, word: str) -> int:
        return self._times.get(word, 0)

    def is_part(self, word: str, start: int, end: int) -> bool:
        """Whether a slice of a word is one of its parts (赌博 in 赌博罪, not 口交 in 出口交易)."""
        edges = {0}
        at = 0
        for part in self.parts(word):
            at += len(part)
            edges.add(at)
        return start in edges and end in edges

    def parts(self, word: str) -> list[str]:
        """The likeliest cut of a word into shorter words."""
        floor = -math.log(self.total)
        best: list[tuple[float, int]] = [(0.0, 0)] * (len(word) + 1)
        for begin in range(len(word) - 1, -1, -1):
            best[begin] = max(
                (self._weight(word[begin:end], floor) + best[end][0], end)
                for end in range(begin + 1, min(len(word), begin + self.longest) + 1)
                if end - begin < len(word) and (end == begin + 1 or word[begin:end] in self._times)
            )
        at, parts = 0, []
        while at < len(word):
            parts.append(word[at : best[at][1]])
            at = best[at][1]
        return parts

    def _weight(self, part: str, floor: float) -> float:
        times = self._times.get(part, 0)
        return math.log(times) + floor if times else floor

    def chances(self, terms: Iterable[str]) -> dict[str, Chance]:
        """How often each term comes about where two words meet by chance, unless the two are its parts."""
        wanted = {term for term in terms if len(term) > 1 and term.isalpha() and not term.isascii()}
        ends = self._edges({term[:cut] for term in wanted for cut in range(1, len(term))}, at_end=True)
        begins = self._edges({term[cut:] for term in wanted for cut in range(1, len(term))}, at_end=False)
        chances = {}
        for term in wanted:
            found = []
            for cut in range(1, len(term)):
                left, right = ends.get(term[:cut]), begins.get(term[cut:])
                if left is not None and right is not None:
                    times = left.times * right.times - left.itself * right.itself
                    found.append((times / self.total**2 * 1e6, (left.most, right.most)))
            if found:
                chances[term] = Chance(sum(each for each, _ in found), max(found)[1])
        return chances

    def _edges(self, wanted: set[str], *, at_end: bool) -> dict[str, _Edge]:
        longest = max(map(len, wanted), default=0)
        edges: dict[str, _Edge] = {}
        for word in self.by_frequency:
            times = self._times[word]
            for length in range(1, min(longest, len(word)) + 1):
                edge = word[-length:] if at_end else word[:length]
                if edge in wanted:
                    known = edges.get(edge, _Edge(0, "", 0))
                    whole = times if edge == word else 0
                    most = known.most or ("" if whole else word)
                    edges[edge] = _Edge(known.times + times, most, known.itself + whole)
        return {edge: known._replace(most=known.most or edge) for edge, known in edges.items()}


@functools.cache
def dictionary() -> Dictionary | None:
    """Jieba's own dictionary; None where jieba is not installed. 0.4 s."""
    spec = importlib.util.find_spec("jieba")
    if spec is None or not spec.submodule_search_locations:
        return None
    file = Path(spec.submodule_search_locations[0]) / "dict.txt"
    rows = (line.split(" ") for line in file.read_text("utf-8").splitlines())
    return Dictionary({row[0]: int(row[1]) for row in rows})
