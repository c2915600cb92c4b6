"""One fold for terms and text, over whole batches, with the way back to every original character.

Width, case, compatibility forms, traditional to simplified, look-alikes and numerals go to one form; what is
drawn as nothing and what stands between letters goes away; a repeated character is kept once. How often it
stood there is kept aside: 哈哈哈镜 is more than 哈镜 (see `Folded.run_lengths`).
"""

import codecs
import itertools
from collections.abc import Sequence

import numpy as np

from moderation.text.tables import CODE_POINTS, NEWLINE, Codes, Flags, Index, tables

SMALL = 1000
"""Code points of a small text."""


class Folded:
    """A batch of texts after folding.

    Four spaces of positions, from left to right in the pipeline:

    - *original*: code points of the texts joined by one separator each;
    - *kept*: what the fold left, one for each folded character (`kept[i]` is its original position);
    - *folded*: kept with repeats taken once (`runs[j]` is the first kept position of folded character j);
    - `text` is the folded characters as a string, one line for each text, matched as one haystack.
    """

    __slots__ = (
        "codes",
        "folded",
        "kept",
        "kept_codes",
        "lengths",
        "original_begins",
        "runs",
        "text",
    )

    def __init__(self, texts: Sequence[str], joined: str | None = None) -> None:
        """Fold texts. `joined`: the same as lines, where the caller has them."""
        joined = "\n".join(texts) if joined is None else joined
        self.codes: Codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
        folded = tables().fold.take(self.codes)
        self.original_begins: Index
        self.lengths: Index
        if len(texts) == 1:
            self.original_begins, self.lengths = np.zeros(1, np.intp), np.array([len(self.codes)])
        else:
            ends = np.append((self.codes == NEWLINE).nonzero()[0], len(self.codes))
            if len(ends) != len(texts):  # some text has lines of its own
                ends = (np.fromiter(map(len, texts), np.intp, len(texts)) + 1).cumsum() - 1
            self.original_begins = _from_zero(ends[:-1])
            self.lengths = ends - self.original_begins
            folded[ends[:-1]] = NEWLINE
        self._settle(folded, tables().several)

    @classmethod
    def again(cls, batch: "Folded", places: Index, folded: Codes, several: tuple[str, ...]) -> "Folded":
        """Lines of a batch in another reading: the original position and the character of each.

        `several`: what a code point from CODE_POINTS on stands for. Texts are not counted.
        """
        self = cls.__new__(cls)
        self.lengths, self.codes, self.original_begins = batch.lengths, batch.codes, batch.original_begins
        self._settle(folded, several)
        self.kept = places[self.kept]
        return self

    def only(self, at: Index) -> "Folded":
        """The same with these kept characters only."""
        return self.reread(at, self.kept_codes.take(at))

    def reread(self, at: Index, folded: Codes) -> "Folded":
        """The same with these kept characters only, read as others; 0 takes one away."""
        return Folded.again(self, self.kept.take(at), folded, ())

    def _settle(self, folded: Codes, several: tuple[str, ...]) -> None:
        """Delete, put several for one, drop repeats."""
        kept = (folded != 0).nonzero()[0]
        folded = folded.take(kept)
        if len(folded) and folded.max() >= CODE_POINTS:
            kept, folded = _spread(kept, folded, several)
        self.kept: Index = kept
        self.kept_codes: Codes = folded
        first = np.empty(len(folded), np.bool_)
        first[:1] = True
        np.not_equal(folded[1:], folded[:-1], out=first[1:])
        first |= folded == NEWLINE
        self.runs: Index = first.nonzero()[0]
        self.folded: Codes = folded.take(self.runs)
        self.text = codecs.utf_32_le_decode(self.folded.data)[0]

    @property
    def is_small(self) -> bool:
        """Whether it is a single short text, for which loops are cheaper than arrays."""
        return len(self.lengths) == 1 and len(self.codes) <= SMALL

    def numbers(self, places: Index) -> Index:
        """Which text each of these original positions is in."""
        return self.original_begins.searchsorted(places, "right") - 1

    def number(self, place: int) -> int:
        """Which text one original position is in."""
        if len(self.lengths) == 1:
            return 0
        return int(self.original_begins.searchsorted(place, "right")) - 1

    def in_lines_of(self, kept: Index, least: int = 1) -> Flags:
        """Which kept positions are in a line that has at least so many of some of them."""
        begins, ends = self.kept_lines()
        counts = np.bincount(begins.searchsorted(kept, "right") - 1, minlength=len(begins))
        return np.repeat(counts >= least, ends - begins + 1)[: len(self.kept)]

    def kept_lines(self) -> tuple[Index, Index]:
        """First kept position of each line, and the one behind its last."""
        return _lines(self.kept_codes)

    def folded_lines(self) -> tuple[Index, Index]:
        """The same in folded positions."""
        return _lines(self.folded)

    def lines(self) -> list[str]:
        """The folded texts one by one."""
        return self.text.split("\n")

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Original positions of a folded range, its first and last characters with all their repeats.

        They lie `end - start` apart if nothing was taken out between them.
        """
        last = self.runs.item(end) if end < len(self.runs) else len(self.kept)
        return self.kept.item(self.runs.item(start)), self.kept.item(last - 1) + 1

    def begins(self, at: Index) -> Index:
        """Where folded characters begin, as kept positions; behind the last one, the end of all."""
        begins = self.runs.take(at, mode="clip")
        begins[at == len(self.runs)] = len(self.kept)
        return begins

    def kept_of(self, at: int) -> Index:
        """Original positions of one folded character with its repeats."""
        stop = self.runs.item(at + 1) if at + 1 < len(self.runs) else None
        return self.kept[self.runs.item(at) : stop]

    def run_lengths(self, start: int, end: int) -> list[int]:
        """How often each character of a folded range stood there."""
        edges: list[int] = self.runs[start : end + 1].tolist()
        if end == len(self.runs):
            edges.append(len(self.kept))
        return [b - a for a, b in itertools.pairwise(edges)]


def _lines(codes: Codes) -> tuple[Index, Index]:
    ends = (codes == NEWLINE).nonzero()[0]
    return _from_zero(ends), np.append(ends, len(codes))


def _from_zero(ends: Index) -> Index:
    """Where lines begin, of which all but the last end so."""
    begins = np.zeros(len(ends) + 1, np.intp)
    np.add(ends, 1, out=begins[1:])
    return begins


def _spread(kept: Index, folded: Codes, several: tuple[str, ...]) -> tuple[Index, Codes]:
    """Put several characters where one character stands for them (⑩, ㏂, ﬁ)."""
    which = np.flatnonzero(folded >= CODE_POINTS)
    counts = np.ones(len(folded), np.intp)
    inserted = [several[number] for number in (folded[which] - CODE_POINTS).tolist()]
    counts[which] = np.fromiter(map(len, inserted), np.intp, len(inserted))
    wide = np.repeat(folded, counts)
    wide[wide >= CODE_POINTS] = np.frombuffer("".join(inserted).encode("utf-32-le"), np.uint32)
    return np.repeat(kept, counts), wide


def fold(text: str) -> str:
    """Give one text folded. What is folded stays so when it is folded again."""
    return Folded([text]).text
