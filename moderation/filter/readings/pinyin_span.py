"""Spans of pinyin: where Latin letters are cut into syllables, and whether they are ordinary words."""

import functools
from typing import NamedTuple

import numpy as np

from moderation.filter.readings.pinyin import read_pinyin, spell_pinyin
from moderation.text.fold import Folded
from moderation.text.tables import Codes, Flags, Index, Kind, tables, use_of

SPACES = 4
"""Code points from a span to the character that counts as beside it."""
SHORT = 256
"""Characters up to which a text is taken apart one by one."""
UNKNOWN = 8
"""Use, as in `Tables`, of a term that no dictionary has."""
RARER = 12
"""Steps of use that a term may be rarer than the ordinary word that is spelled like it: 64 times."""


@functools.cache
def _break_flags() -> Flags:
    """By code point: whether a syllable does not go on behind it."""
    kinds = tables().kinds
    flags: Flags = (kinds == Kind.SPACE) | (kinds == Kind.STOP)
    flags[[ord(char) for char in "-_/'’."]] = True
    return flags


class PinyinSpan(NamedTuple):
    """A span of text that is read as pinyin syllables.

    `word`: a character for each, any one where it is spelled, see `by_letters`. `pieces`: the letters between
    spaces and other characters. `noisy`: whether anything else stands within one.
    """

    word: str
    by_letters: list[bool]
    pieces: list[str]
    noisy: bool

    def keeps_to(self, term: str) -> bool:
        """Whether the characters that are not spelled are those of a term."""
        if all(self.by_letters):
            return True
        each = zip(self.word, term, self.by_letters, strict=False)
        return len(self.word) == len(term) and all(
            is_spelled or char == own for char, own, is_spelled in each
        )

    def is_ordinary(self, term: str, *, in_chinese: bool) -> bool:
        """Whether it is plain English, or in pinyin a word that is more frequent than a term.

        `in_chinese`: beside Han characters, where nobody spells without reason. There it must be much more
        frequent.
        """
        pieces = self.pieces
        if self.noisy:
            return False
        english = tables().english.issuperset(pieces)
        if not all(self.by_letters):
            return english and not self.keeps_to(term)
        if english or (len(pieces) > 1 and min(map(len, pieces)) == 1):
            return True
        letters = "".join(pieces)
        use = tables().spoken.get(letters, 0)
        if not use or letters.replace("v", "u") not in (
            spell_pinyin(one).replace("v", "u") for one in read_pinyin(term)
        ):
            return use > 0
        own = use_of(term)
        return use > (max(own, UNKNOWN) + RARER if in_chinese else own)


def is_beside_han(text: str, start: int, end: int) -> bool:
    """Whether a Han character stands beside a span, with spaces between or without."""
    before = text[max(0, start - SPACES) : start].rstrip()
    behind = text[end : end + SPACES].lstrip()
    kind = tables().kind
    return any(kind[ord(char)] == Kind.HAN for char in (before[-1:], behind[:1]) if char)


def is_continued(source: Folded, at: int) -> bool:
    """Whether a Latin letter or digit stands right before a kept position and in it: no word begins there."""
    kept, kinds, codes = source.kept, tables().kinds, source.codes
    if not 0 < at < len(kept) or kept.item(at) - kept.item(at - 1) != 1:
        return False
    return all(kinds.item(codes.item(kept.item(one))) == Kind.ALNUM for one in (at - 1, at))


def find_syllable_breaks(source: Folded, is_letter: Flags) -> Index:
    """Kept positions of letters that a space or a stop stands before, and a letter before that.

    Not where letters stand one by one: w e i.
    """
    kept, codes = source.kept, source.codes
    if len(kept) <= SHORT:
        return np.array(_find_few_breaks(kept.tolist(), codes, is_letter.tolist()), np.intp)
    at: Index = ((kept[1:] - kept[:-1] > 1) & is_letter[1:] & is_letter[:-1]).nonzero()[0] + 1
    if not len(at):
        return at
    parting = _break_flags()
    first, last = codes.take(kept.take(at - 1) + 1), codes.take(kept.take(at) - 1)
    at = at[parting.take(first) | parting.take(last)]
    around = np.zeros(len(kept) + 1, np.bool_)
    # whether a piece begins at each position
    around[0] = around[-1] = True
    around[1:-1] = ~(is_letter[1:] & is_letter[:-1])
    around[at] = True
    single = around[:-1] & around[1:]
    return at[~(single.take(at - 1) & single.take(at))]


def _find_few_breaks(kept: list[int], codes: Codes, is_letter: list[bool]) -> list[int]:
    """The same for a short text: for it, arrays cost more than they save."""
    parting = _break_flags()
    at = [
        place
        for place in range(1, len(kept))
        if kept[place] - kept[place - 1] > 1
        and is_letter[place]
        and is_letter[place - 1]
        and (parting.item(codes.item(kept[place - 1] + 1)) or parting.item(codes.item(kept[place] - 1)))
    ]
    there = {0, len(kept), *at}

    def begins(place: int) -> bool:
        return place in there or not (is_letter[place] and is_letter[place - 1])

    return [place for place in at if not (begins(place - 1) and begins(place + 1))]


def letter_runs(source: Folded, apart: Index, first: int, behind: int) -> tuple[list[str], bool]:
    """The runs of letters among some kept characters, and whether anything else stands within one."""
    codes, kept = source.kept_codes[first:behind].tolist(), source.kept[first:behind].tolist()
    begins = set((apart[apart.searchsorted(first) : apart.searchsorted(behind)] - first).tolist())
    pieces = [""]
    noisy = False
    for at, (code, place) in enumerate(zip(codes, kept, strict=True)):
        if not 97 <= code < 123:
            pieces.append("")
            continue
        if at in begins:
            pieces.append("")
        elif pieces[-1]:
            noisy |= place != kept[at - 1] + 1
        pieces[-1] += chr(code)
    return [piece for piece in pieces if piece], noisy
