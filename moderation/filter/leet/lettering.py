"""The lettering of a term: whether units are the term in disguise, letter by letter, or something ordinary.

Where digits and signs stand for letters (fr33, $ale, r.3.f.u.n.d) a term is held against a stretch of a
line; where stars do (f*ck), against words of the same lengths.
"""

import itertools
import re
from typing import NamedTuple

from moderation.filter.leet.shapes import (
    EURO,
    FITS,
    LEADING,
    MADE,
    MAX_SINGLE_GAP,
    PUNCTUATION,
    SIGNS,
    fold_units,
    has_letter,
)
from moderation.filter.leet.skeleton import Stretch
from moderation.text.edges import MAX_GAP

_QUIET = frozenset("_~*")
"""Gaps that are disguise wherever they stand: f_r3e."""
_TRAILING = LEADING.replace("*", "")
_OPERATORS = frozenset("=+-/*()[]{}<>^%_&|;")
_PRICE = re.compile(f"(?<![a-z0-9])[0-9]+[$£¢¥{EURO}]|[$£¢¥{EURO}][0-9]+(?![a-z0-9{re.escape(SIGNS)}])")
_MEASURES = re.compile(
    r"[0-9]+(st|nd|rd|th|[ap]m|k[gmb]|[cm]m|m[lbs]|[gt]b|ns|hz|ft|in|oz|lb|up|ds|x[ls]|p[cxt]|em)"
)
"""What stands behind a number: 8am, 7up."""
_DRAWN_OUT = re.compile(r"([^*])\1{2,}")

_DIGITS_FOR = {
    letter: [digit for digit in "0123456789" if letter in FITS[digit]]
    for letter in "abcdefghijklmnopqrstuvwxyz"
}

_Runs = list[tuple[str, int, bool]]
"""A letter of a term, how often it stands there, whether a word of the term begins with it."""


class Term(NamedTuple):
    """`words`: its letters, with a space between words. `length`: how many letters."""

    words: str
    length: int
    number: int


def is_disguise(term: Term, stretch: Stretch) -> bool:
    """Whether a stretch with the skeleton of a term is the term in disguise, and not something ordinary."""
    units, length = stretch.units, term.length
    loose = _find_word_begins(stretch, length)
    if loose is None:
        return False
    runs = _runs(term)
    letters = _letters(runs, units, loose)
    if letters < _count_needed_letters(runs, length, units) or not _needs_edges(runs, units):
        return False
    if letters == length and not any(each.isdecimal() for each in units):
        return False  # the fold takes the signs away
    if not _is_substituted([units] if stretch.apart else stretch.pieces):
        return False
    if _PRICE.search(stretch.line, stretch.low, stretch.high):
        return False
    return length > 3 or _is_short_disguise(units, letters)


def _find_word_begins(stretch: Stretch, length: int) -> list[bool] | None:
    """Before which units a word of the term must begin; None if the gaps are not of one term.

    Where each unit stands alone, any gap is disguise. Else each piece has some letter.
    """
    _, units, pieces, gaps, _, _ = stretch
    loose = [False] * len(units)
    if stretch.apart:
        # a term of three letters must be written as one: wait a 5 s
        far = any(len(gap) > MAX_SINGLE_GAP for gap in gaps)
        mixed = length == 3 and (len(set(gaps)) > 1 or " " in "".join(gaps))
        return None if far or mixed else loose
    if any(len(gap) > MAX_GAP for gap in gaps) or not all(map(has_letter, pieces)):
        return None
    for at, gap in zip(itertools.accumulate(map(len, pieces)), gaps, strict=False):
        loose[at] = not _QUIET.issuperset(gap)
    return loose


def _runs(term: Term) -> _Runs:
    return [
        (letter, len(list(run)), not at)
        for word in term.words.split(" ")
        for at, (letter, run) in enumerate(itertools.groupby(word))
    ]


def _letters(runs: _Runs, units: str, loose: list[bool]) -> int:
    """How many letters of a term the units have as letters, at best; -1 if they are not the term.

    A state is a run, how much of it there is, and how much of that as letters.
    """
    states = {(-1, 0, 0): 0}
    for unit, plain, gap in zip(units, fold_units(units), loose, strict=True):
        fits = FITS[unit]
        after: dict[tuple[int, int, int], int] = {}
        for (run, have, real), before in states.items():
            for step in (0, 1):
                if run + step < 0 or run + step >= len(runs):
                    continue
                letter, need, begins = runs[run + step]
                if letter not in fits or (gap and not (step and begins and run >= 0)):
                    continue
                as_letter = letter == plain
                if step == 0:
                    state = (run, min(have + 1, need), min(real + as_letter, need))
                    total = before
                elif run < 0 or have >= runs[run][1]:
                    state = (run + 1, 1, int(as_letter))
                    total = before + real
                else:
                    continue
                after[state] = max(after.get(state, 0), total)
        states = after
    ends = [
        before + real
        for (run, have, real), before in states.items()
        if run == len(runs) - 1 and have >= runs[run][1]
    ]
    return max(ends, default=-1)


def _count_needed_letters(runs: _Runs, length: int, units: str) -> int:
    """Half of the letters; a doubled one counts once where it is a doubled digit: he110, not ba5s0."""
    if length == 3:
        return 1
    doubled = [letter for letter, need, _ in runs if need == 2]
    once = sum(any(2 * digit in units for digit in _DIGITS_FOR[letter]) for letter in doubled)
    return (length - once + 1) // 2


def _needs_edges(runs: _Runs, units: str) -> bool:
    """Whether what stands for letters at the two ends is needed there: not of sale3, ki11!, $sale."""
    return _is_needed(runs[-1], units[::-1], PUNCTUATION) and _is_needed(runs[0], units, LEADING)


def _is_needed(run: tuple[str, int, bool], units: str, signs: str) -> bool:
    """Whether the first of some units is needed for a run. `signs`: what means something else there."""
    letter, need, _ = run
    if fold_units(units[0]) == letter:
        return True
    there = list(itertools.takewhile(lambda unit: letter in FITS[unit], units))
    return there.count(letter) < need and (units[0] not in signs or len(there) <= need)


def _is_substituted(pieces: list[str]) -> bool:
    """Whether something stands for a letter that is not just a sign at the edge of a word."""
    return any(MADE.search(piece.lstrip(LEADING).rstrip(PUNCTUATION)) for piece in pieces)


def _is_short_disguise(units: str, letters: int) -> bool:
    """Of terms of three letters: no room numbers, measures, prices, models or sums.

    A55, as5, 8am, $3x, A5s, a<t.
    """
    if letters == 3 or any(each in "|(<#+" for each in units):
        return False
    digits = [at for at, each in enumerate(units) if each.isdecimal()]
    if letters == 1 or not digits:
        return not digits
    if digits[0] == 0:
        return not _MEASURES.fullmatch(units)
    return digits[-1] < len(units) - 1 and units[-1] != "s"


# ---------------------------------------------------------------- stars


def strip_wrapping(shape: str, start: int, end: int) -> tuple[int, int]:
    """Give the place of a piece without the stars and signs around it: **bold**, f*ck!, note*."""
    word = shape[start:end].lstrip(LEADING)
    begin = end - len(word)
    word = word.rstrip(_TRAILING)
    bare = word.rstrip("*")
    # stars at the end are letters where more stars or signs are inside, or about as many as letters: fu**
    inside = "*" in bare or MADE.search(bare.rstrip(PUNCTUATION))
    many = len(word) - len(bare) >= max(2, len(bare) - 1) and has_letter(bare[-1:])
    if begin > start or not (inside or many):
        word = bare
    return begin, begin + len(word)


def may_join(gap: str) -> bool:
    """Whether two pieces with this gap may be words of one term."""
    return len(gap) <= MAX_GAP and "\n" not in gap


def read_stars(words: list[str]) -> list[list[str]]:
    """Give the ways to read words with stars: as they are, then what is drawn out (fuuu*k) twice, and once.

    There are none for sums: 5*3, sa*3.
    """
    written = " ".join(words)
    if not all(words) or any(part.isdecimal() for part in re.split("[* ]", written)):
        return []
    ways = [written]
    if _DRAWN_OUT.search(written):
        ways += [_DRAWN_OUT.sub(r"\1\1", written), _DRAWN_OUT.sub(r"\1", written)]
    return [way.split(" ") for way in ways]


def matches_with_stars(term: Term, units: str) -> bool:
    """Whether as many units as a term has letters, stars among them, are the term."""
    real = stars = 0
    for letter, unit, plain in zip(term.words.replace(" ", ""), units, fold_units(units), strict=True):
        if unit == "*":
            stars += 1
        elif letter not in FITS[unit]:
            return False
        else:
            real += letter == plain
    return 2 * real >= term.length and 0 < 2 * stars <= term.length


def is_in_code(shape: str, start: int, end: int) -> bool:
    """Whether an operator stands beside a span: y = s*x."""
    before, after = shape[max(0, start - 8) : start].rstrip(" "), shape[end : end + 8].lstrip(" ")
    return before[-1:] in _OPERATORS or after[:1] in _OPERATORS
