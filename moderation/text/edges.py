"""Edges of a match and gaps in it: whether it is a word of its own, or parts of others by chance."""

import re
import unicodedata

from moderation.text.boundary import SegmentedMatch
from moderation.text.fold import fold
from moderation.text.tables import Kind, tables

MAX_GAP = 8
"""Most visible characters between two letters of a match; with more it is no longer one word."""
MAX_SPAN = 4096
"""Most code points from the first letter of a match to its last."""


MAX_AGAIN = 64
"""How often a match may be repeated, one behind the other, and still be judged as one."""
MAX_DIGITS = 24
"""Digits of an exclamation before a match."""

_DIGITS = "[6６]{3,}|[8８]{3,}|[2２][3３]{2,}|(?:[5５][2２][0０])?[1１][3３][1１][4４]|[5５][2２][0０]"
_EXCLAIMED = re.compile(f"(?:{_DIGITS})(?![0-9０-９])")
_EXCLAIMED_BEFORE = re.compile(f"(?<![0-9０-９])(?:{_DIGITS})$")
"""Digits used as exclamations before or behind anything: well done (666), ha ha (233), love (520)."""
_PAIRS = frozenset(("（）", "()", "【】", "[]", "《》", "“”", '""', "「」", "『』"))
"""Brackets and quotes, those that end a clause."""
_PLACES = "十百千万亿"
_GOES_BEFORE = re.compile(r"\d[.,:]$")
_GOES_ON = re.compile(r"[,:]\d")


def _kind(char: str) -> int:
    return tables().kind[ord(char)]


def has_word_edges(text: str, start: int, end: int) -> bool:
    """Whether a span that begins or ends with a Latin letter or a digit has none of them beside it.

    Beside letters may stand the same again (nmslnmsl), and digits that are an exclamation (nmsl666).
    """
    before = _kind(text[start]) == Kind.ALNUM and neighbour(text, start - 1, -1) == Kind.ALNUM
    after = _kind(text[end - 1]) == Kind.ALNUM and neighbour(text, end, 1) == Kind.ALNUM
    return not (before or after) or _edges_of_several(text, start, end)


def _edges_of_several(text: str, start: int, end: int) -> bool:
    """Whether a span with the same again beside it, and with exclamations in digits, has edges."""
    if not (text[start].isalpha() and text[end - 1].isalpha()):
        return False
    length, letters = end - start, text[start:end].lower()
    if length > 1 and letters.isascii():
        for _ in range(MAX_AGAIN):
            if text[end : end + length].lower() != letters:
                break
            end += length
        for _ in range(MAX_AGAIN):
            if start < length or text[start - length : start].lower() != letters:
                break
            start -= length
    if exclaimed := _EXCLAIMED.match(text, end):
        end = exclaimed.end()
    if exclaimed := _EXCLAIMED_BEFORE.search(text, max(0, start - MAX_DIGITS), start):
        start = exclaimed.start()
    return not (
        (_kind(text[start]) == Kind.ALNUM and neighbour(text, start - 1, -1) == Kind.ALNUM)
        or (_kind(text[end - 1]) == Kind.ALNUM and neighbour(text, end, 1) == Kind.ALNUM)
    )


def part_of_number(text: str, start: int, end: int) -> bool:
    """Whether digits belong to a longer number: 九九八十一, 一六一八; 0.998, 1:618; 618,000."""
    beside = [(text[start - 1 : start], text[start]), (text[end : end + 1], text[end - 1])]
    for char, digit in beside:
        if char and (char in _PLACES or (_kind(char) == _kind(digit) and fold(char).isdecimal())):
            return True
    return bool(_GOES_BEFORE.search(text[max(0, start - 2) : start]) or _GOES_ON.match(text[end : end + 2]))


def neighbour(text: str, at: int, step: int) -> int:
    """The kind of the next character one sees."""
    for _ in range(32):
        if not 0 <= at < len(text):
            return Kind.SPACE
        kind = _kind(text[at])
        if kind != Kind.INVISIBLE:
            return kind
        at += step
    return Kind.SPACE


def has_stop(text: str, start: int, end: int) -> bool:
    """Whether a clause ends within a span."""
    return Kind.STOP in _kinds(text[start:end])


def gaps_of(
    text: str, start: int, end: int, *, term: str = "", units: int = 0, strict: bool = False
) -> bool | None:
    """Judge what stands between the letters of a span.

    True: nothing, or disguise. False: what may be two words by chance. None: too much to be one word.

    A gap after every letter is disguise (微.信, f u c k). One gap of a stop, or in Latin of a space or an
    apostrophe, may be chance (参加，微信; the pen is here), unless `term` has a gap there too. `units`: how
    many pieces the span has, where they are not letters; spaces between pieces are then as good as none.
    `strict`: a space between Han characters may be chance too, and a gap after each letter is no excuse.
    """
    if end - start > MAX_SPAN:
        return None
    kinds = _kinds(text[start:end])
    letters = gaps = 0
    wide = 0
    loose: set[int] = set()
    latin = not units and Kind.HAN not in kinds and Kind.LETTER not in kinds
    for at, (char, kind) in enumerate(zip(text[start:end], kinds, strict=True), start):
        if kind <= Kind.ALNUM:
            letters += 1
            wide = 0
        elif kind != Kind.INVISIBLE:
            wide += 1
            if wide > MAX_GAP:
                return None
            gaps += wide == 1
            if (
                (kind == Kind.STOP and not (units and _parts_scripts(text, at)))
                or (strict and kind == Kind.SPACE)
                or (latin and (kind == Kind.SPACE or char in "'’-"))
            ):
                loose.add(letters)
    apart = any(gaps >= pieces - 1 and pieces > 2 for pieces in (letters, units))
    if not loose or (apart and not strict) or loose <= _own_gaps(term):
        return True
    return not strict and not latin and _enclosed(text, start, end, loose)


def _enclosed(text: str, start: int, end: int, gaps: set[int]) -> bool:
    """Whether gaps, told by how many letters stand before each, are brackets or quotes around one character.

    赌"博", 【赌】【博】; not of 参加（微信）.
    """
    places = [at for at, kind in enumerate(_kinds(text[start:end]), start) if kind <= Kind.ALNUM]
    for gap in gaps:
        if not 0 < gap < len(places):
            return False
        first, second = places[gap - 1], places[gap]
        between = [
            char for char in text[first + 1 : second] if _kind(char) not in (Kind.SPACE, Kind.INVISIBLE)
        ]
        if between and _is_around(text, second, between[-1]):
            between.pop()
        if between and _is_around(text, first, between[0]):
            between.pop(0)
        if any(_kind(char) == Kind.STOP for char in between):
            return False
    return True


def _is_around(text: str, at: int, mark: str) -> bool:
    """Whether a character, no Latin letter, has brackets or quotes around it; `mark` is one of the two."""
    pair = text[at - 1 : at] + text[at + 1 : at + 2]
    return len(pair) == 2 and mark in pair and pair in _PAIRS and _kind(text[at]) != Kind.ALNUM


def _parts_scripts(text: str, at: int) -> bool:
    """Whether a full stop of Latin stands bare between a Han character and a letter: no clause ends so."""
    if text[at] != "." or not 0 < at < len(text) - 1:
        return False
    return {_kind(text[at - 1]), _kind(text[at + 1])} == {Kind.HAN, Kind.ALNUM}


def _own_gaps(term: str) -> set[int]:
    """After how many letters a term has something that is none."""
    letters = 0
    found = set()
    for kind in _kinds(term):
        if kind <= Kind.ALNUM:
            letters += 1
        else:
            found.add(letters)
    return found


def _kinds(text: str) -> list[int]:
    kind = tables().kind
    return [kind[ord(char)] for char in text]


def with_marks(text: str, end: int) -> int:
    """The end of a span with the marks that are drawn on its last letter."""
    limit = min(len(text), end + 32)
    while end < limit and unicodedata.category(text[end])[0] == "M":
        end += 1
    return end


def straddles(text: str, start: int, end: int) -> bool:
    """Latin is judged by its edges; Han by the words it is part of."""
    if _kind(text[start]) != Kind.HAN and _kind(text[end - 1]) != Kind.HAN:
        return False
    if neighbour(text, start - 1, -1) >= Kind.SPACE and neighbour(text, end, 1) >= Kind.SPACE:
        return False  # nothing is beside it that a word could reach over to
    return SegmentedMatch(text, start, end).is_straddled
