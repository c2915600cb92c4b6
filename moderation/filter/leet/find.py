"""Latin terms written with digits and signs for letters, or starred: fr33, $ale, c@shb@ck, f*ck.

A text is read as shapes. Where a line has the skeleton of a term, and where words with stars have the lengths
of its words, it is read letter by letter.
"""

import itertools
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from moderation.filter.leet.lettering import (
    Term,
    holds,
    in_code,
    may_join,
    starred_as,
    starred_ways,
    unwrapped,
)
from moderation.filter.leet.shapes import MADE, SIGNS, UNIT, masked, maybe, shapes_of
from moderation.filter.leet.skeleton import Line, classes, skeleton_of
from moderation.filter.pace import GiveWay, at_once, parts
from moderation.text.edges import with_marks
from moderation.text.fold import Folded
from moderation.text.tables import Index, are_letters

MAX_READ = 20_000
"""Code points of a text that are read."""
MAX_UNITS = 160
"""Units from the first of a find to its last."""

_STARRED = re.compile(f"[{UNIT}*]+")
_APART = re.compile(f"(?<![a-z0-9])[a-z0-9](?:[{re.escape(SIGNS)}][a-z0-9]){{2,}}(?![a-z0-9])")
"""Letters with one sign in each gap: f|r|3|3."""
_MODEL = re.compile("[A-Z]{2}[0-9]{3}")
"""A flight or a model, though its letters may be a term: BA115."""
_BARE = str.maketrans(dict.fromkeys(SIGNS, " "))

_Find = tuple[int, int, int]
"""Start, end, term number."""


class Leet:
    """Latin terms, found where digits, signs or stars stand for letters.

    `terms`: each as its list writes it, and its number. Taken are those that are a-z after folding, three
    letters or more; the rest is passed over.
    """

    def __init__(self, terms: Iterable[tuple[str, int]], give_way: GiveWay = at_once) -> None:
        self._terms: list[Term] = []
        self._by_skeleton: dict[str, tuple[int, ...]] = {}
        self._by_outline: dict[str, list[int]] = {}
        self._openings: set[str] = set()
        """How skeletons begin: three classes, or all of a shorter one."""
        self._longest = 0
        self._words = 1
        for part in parts(terms, give_way):
            self._add(part)

    def _add(self, part: list[tuple[str, int]]) -> None:
        batch = Folded([text.replace("\n", " ") for text, _ in part])
        begins, ends = batch.kept_lines()
        foreign = np.cumsum(np.append(0, ~are_letters(batch.kept_codes)))
        good = (foreign.take(ends) == foreign.take(begins)) & (ends - begins >= 3)
        for which in good.nonzero()[0].tolist():
            begin, end = int(begins[which]), int(ends[which])
            letters = batch.kept_codes[begin:end].tobytes().decode("utf-32-le")
            cuts = (np.diff(batch.kept[begin:end]) > 1).nonzero()[0] + 1
            self._take(letters, [0, *cuts.tolist(), len(letters)], part[which][1])

    def _take(self, letters: str, cuts: list[int], number: int) -> None:
        words = [letters[low:high] for low, high in itertools.pairwise(cuts)]
        place = len(self._terms)
        self._terms.append(Term(" ".join(words), len(letters), number))
        skeleton = skeleton_of(classes(letters))
        self._by_skeleton[skeleton] = (*self._by_skeleton.get(skeleton, ()), place)
        self._openings.add(skeleton[:3])
        self._longest = max(self._longest, len(skeleton))
        self._words = max(self._words, len(words))
        for last in (letters[-1], "*"):
            self._by_outline.setdefault(_outline(words, last), []).append(place)

    def maybe(self, batch: Folded) -> Index:
        """Numbers of the texts worth reading: in all others `find` finds nothing."""
        return maybe(batch) if self._terms else np.zeros(0, np.intp)

    def find(self, text: str) -> list[_Find]:
        """Start, end and term number of each find, in code points of the text.

        Of finds of one term that overlap, the longest. At least half of the term's letters stand there as
        such, and one at least does not.
        """
        if not self._terms:
            return []
        read = text[:MAX_READ]
        shape, places = shapes_of(read)
        if not MADE.search(shape) and "*" not in shape:
            return []
        shape = masked(shape)
        found = list(self._spelled(shape))
        if _APART.search(shape):
            found += self._spelled(shape.translate(_BARE))
        if "*" in shape:
            found += self._starred(shape)
        spans = []
        for low, high, number in found:
            start, end = (low, high) if places is None else (places[low], places[high - 1] + 1)
            if (end < len(read) or len(read) == len(text)) and not _MODEL.fullmatch(text, start, end):
                spans.append((start, with_marks(text, end), number))
        return _longest(spans)

    # ------------------------------------------------------------ by skeleton

    def _spelled(self, shape: str) -> Iterator[_Find]:
        """Finds by skeleton, in places of the shape."""
        offset = 0
        for each in shape.split("\n"):
            if MADE.search(each):
                line = Line(each)
                for first, last, places in self._alike(line):
                    stretch = line.stretch(first, last)
                    for place in places:
                        if holds(self._terms[place], stretch):
                            yield stretch.low + offset, stretch.high + offset, self._terms[place].number
            offset += len(each) + 1

    def _alike(self, line: Line) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """First unit, last unit and terms of what has the skeleton of terms."""
        skeleton, group, made, stops = line.skeleton, line.group, line.made, line.stops
        openings = self._openings
        for start in line.starts:
            following = bisect_left(made, start)
            if following == len(made):
                return
            first = group[start]
            if not (
                skeleton[first : first + 3] in openings
                or skeleton[first : first + 2] in openings
                or skeleton[first] in openings
            ):
                continue
            for stop in itertools.islice(stops, bisect_left(stops, made[following]), None):
                if group[stop] - first >= self._longest or stop - start >= MAX_UNITS:
                    break
                if places := self._by_skeleton.get(skeleton[first : group[stop] + 1]):
                    yield start, stop, places

    # ------------------------------------------------------------ by the lengths of words

    def _starred(self, shape: str) -> Iterator[_Find]:
        """Finds with stars, in places of the shape."""
        pieces = [unwrapped(shape, *each.span()) for each in _STARRED.finditer(shape)]
        for at, (start, _) in enumerate(pieces):
            words: list[str] = []
            end = start
            for low, high in pieces[at : at + self._words]:
                if not may_join(shape[end:low]):
                    break
                words.append(shape[low:high])
                end = high
                if any("*" in word for word in words):
                    for term in self._by_stars(words):
                        if term.length > 3 or not in_code(shape, start, end):
                            yield start, end, term.number

    def _by_stars(self, words: list[str]) -> Iterator[Term]:
        for way in starred_ways(words):
            letters = "".join(way)
            for place in self._by_outline.get(_outline(way, letters[-1]), ()):
                if starred_as(self._terms[place], letters):
                    yield self._terms[place]


def _outline(words: Sequence[str], last: str) -> str:
    """Lengths of words, and the classes of the first character and the last."""
    return ".".join([str(len(word)) for word in words]) + classes(words[0][0] + last)


def _longest(spans: list[_Find]) -> list[_Find]:
    """Of spans of one term that overlap, the longest; in order."""
    best: list[_Find] = []
    for one in sorted(spans, key=lambda one: (one[2], one[0], -one[1])):
        if not best or best[-1][2] != one[2] or best[-1][1] <= one[0]:
            best.append(one)
        elif one[1] - one[0] > best[-1][1] - best[-1][0]:
            best[-1] = one
    return sorted(best)
