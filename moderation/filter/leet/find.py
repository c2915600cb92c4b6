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
    is_disguise,
    is_in_code,
    matches_with_stars,
    may_join,
    read_stars,
    strip_wrapping,
)
from moderation.filter.leet.shapes import MADE, SIGNS, UNIT, find_suspicious, mask_addresses, shapes_of
from moderation.filter.leet.skeleton import Line, classes, skeleton_of
from moderation.filter.pace import GiveWay, at_once, parts
from moderation.text.edges import with_marks
from moderation.text.fold import Folded
from moderation.text.tables import Index, are_letters

MAX_READ = 20_000
"""Code points of a text that are read."""
MAX_UNITS = 160
"""Most units from the first of a match to its last."""

_STARRED = re.compile(f"[{UNIT}*]+")
_APART = re.compile(f"(?<![a-z0-9])[a-z0-9](?:[{re.escape(SIGNS)}][a-z0-9]){{2,}}(?![a-z0-9])")
"""Letters with one sign in each gap: f|r|3|3."""
_MODEL = re.compile("[A-Z]{2}[0-9]{3}")
"""A flight or a model, though its letters may be a term: BA115."""
_BARE = str.maketrans(dict.fromkeys(SIGNS, " "))

_LeetMatch = tuple[int, int, int]
"""Start, end, term number."""


class LeetMatcher:
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
        self._keep_longest = 0
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
        self._keep_longest = max(self._keep_longest, len(skeleton))
        self._words = max(self._words, len(words))
        for last in (letters[-1], "*"):
            self._by_outline.setdefault(_outline(words, last), []).append(place)

    def find_suspicious(self, batch: Folded) -> Index:
        """Return the numbers of the texts that may hold a match; `find` has none in the others."""
        return find_suspicious(batch) if self._terms else np.zeros(0, np.intp)

    def find(self, text: str) -> list[_LeetMatch]:
        """Return start, end and term number of each match, in code points of the text.

        Of matches of one term that overlap, the longest. At least half of the term's letters stand there as
        such, and one at least does not.
        """
        if not self._terms:
            return []
        read = text[:MAX_READ]
        shape, places = shapes_of(read)
        if not MADE.search(shape) and "*" not in shape:
            return []
        shape = mask_addresses(shape)
        found = list(self._match_skeletons(shape))
        if _APART.search(shape):
            found += self._match_skeletons(shape.translate(_BARE))
        if "*" in shape:
            found += self._match_stars(shape)
        spans = []
        for low, high, number in found:
            start, end = (low, high) if places is None else (places[low], places[high - 1] + 1)
            if (end < len(read) or len(read) == len(text)) and not _MODEL.fullmatch(text, start, end):
                spans.append((start, with_marks(text, end), number))
        return _keep_longest(spans)

    # ------------------------------------------------------------ by skeleton

    def _match_skeletons(self, shape: str) -> Iterator[_LeetMatch]:
        """Return matches by skeleton, as positions of the shape."""
        offset = 0
        for each in shape.split("\n"):
            if MADE.search(each):
                line = Line(each)
                for first, last, places in self._match_line(line):
                    stretch = line.stretch(first, last)
                    for place in places:
                        if is_disguise(self._terms[place], stretch):
                            yield stretch.low + offset, stretch.high + offset, self._terms[place].number
            offset += len(each) + 1

    def _match_line(self, line: Line) -> Iterator[tuple[int, int, tuple[int, ...]]]:
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
                if group[stop] - first >= self._keep_longest or stop - start >= MAX_UNITS:
                    break
                if places := self._by_skeleton.get(skeleton[first : group[stop] + 1]):
                    yield start, stop, places

    # ------------------------------------------------------------ by the lengths of words

    def _match_stars(self, shape: str) -> Iterator[_LeetMatch]:
        """Return matches with stars, as positions of the shape."""
        pieces = [strip_wrapping(shape, *each.span()) for each in _STARRED.finditer(shape)]
        for at, (start, _) in enumerate(pieces):
            words: list[str] = []
            end = start
            for low, high in pieces[at : at + self._words]:
                if not may_join(shape[end:low]):
                    break
                words.append(shape[low:high])
                end = high
                if any("*" in word for word in words):
                    for term in self._find_starred_terms(words):
                        if term.length > 3 or not is_in_code(shape, start, end):
                            yield start, end, term.number

    def _find_starred_terms(self, words: list[str]) -> Iterator[Term]:
        for way in read_stars(words):
            letters = "".join(way)
            for place in self._by_outline.get(_outline(way, letters[-1]), ()):
                if matches_with_stars(self._terms[place], letters):
                    yield self._terms[place]


def _outline(words: Sequence[str], last: str) -> str:
    """Lengths of words, and the classes of the first character and the last."""
    return ".".join([str(len(word)) for word in words]) + classes(words[0][0] + last)


def _keep_longest(spans: list[_LeetMatch]) -> list[_LeetMatch]:
    """Of spans of one term that overlap, the longest; in order."""
    best: list[_LeetMatch] = []
    for one in sorted(spans, key=lambda one: (one[2], one[0], -one[1])):
        if not best or best[-1][2] != one[2] or best[-1][1] <= one[0]:
            best.append(one)
        elif one[1] - one[0] > best[-1][1] - best[-1][0]:
            best[-1] = one
    return sorted(best)
