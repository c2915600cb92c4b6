"""Digits and single Latin letters that stand for a syllable beside Han characters: 去4 (去死), d考 (代考).

A digit stands for what it sounds like, a letter for a syllable that begins with it. Both stand beside Han in
ordinary text too: what counts (4楼, 4个), what is one of several (D款, B站), and what has become a word with
its letter (T恤, K歌, i人) is left alone.
"""

import functools
import re
from collections.abc import Iterator, Sequence

import numpy as np

from moderation.filter.matcher import Match
from moderation.filter.readings.term_pairs import TermAt, TermLetters, TermPairs
from moderation.text.boundary import FUNCTION_WORDS
from moderation.text.fold import Folded
from moderation.text.lettered import COMPOUNDS, FIRST_LETTERS, KINDS
from moderation.text.tables import NEWLINE, Codes, Index, Kind, has_pair, keys_of, tables

MOST = 2
"""Characters of a term that may be written so; and half of them at most."""
DIGITS = {
    "ling": "0",
    "yi": "1",
    "yao": "1",
    "er": "2",
    "san": "3",
    "si": "4",
    "wu": "5",
    "liu": "6",
    "qi": "7",
    "ba": "8",
    "jiu": "9",
}
OTHER_LETTERS = {"wei": "v"}
"""What a syllable is written with besides its first letter."""
COUNTED = frozenset(
    "个位名人口号楼层栋座室班级年月日天时点分秒周岁次遍回场轮局届期节课章页行列排条只件张本份把台部辆套双对组队票元块角毛米厘里克斤吨升"
    "度倍折成门路站区环线街弄幢单教馆厅服机码寸英袋包盒瓶杯碗盘箱罐桶串颗粒根支枝束朵棵株匹峰户国省市县镇村校系院科道题篇首曲集季幕"
    "星代档类种样款色强胜平比连冠后前左右上下多几来余万千百十亿字学命刀手头食宿舍"
)
"""What a digit counts or numbers, where it stands before it."""
ORDINAL = frozenset("第周初高月年点星期大")
"""What makes the digit behind it a number of something."""
SCORE = frozenset("胜负平比")
CHOSEN = frozenset("选项答")
"""Before a letter: it is the answer to a question."""
OF_KINDS = ("系列", "字头", "模式", "计划")
"""Words that a letter names one of, as KINDS are."""
AT_BAR = ("吧台", "吧员", "吧椅")

_SIGN = re.compile("[a-z0-9]")


@functools.cache
def _signs_of() -> tuple[tuple[str, ...], ...]:
    """Syllable number -> the signs that may stand for it; none for 0."""
    return (
        (),
        *(
            tuple(
                dict.fromkeys((name[0], *(table[name] for table in (OTHER_LETTERS, DIGITS) if name in table)))
            )
            for name in tables().syllables
        ),
    )


def _signs(char: str) -> set[str]:
    table, code = tables(), ord(char)
    return {
        sign
        for syllable in (table.sound.item(code), table.sound_2.item(code))
        for sign in _signs_of()[syllable]
    }


class AlnumIndex:
    """Terms by the signs that may stand for their characters. `terms`: (folded, number), of Han only."""

    def __init__(self, terms: Sequence[tuple[str, int]]) -> None:
        self._letters = TermLetters(terms)
        codes, at = self._letters.codes, self._letters.neighbours()
        one, two = codes.take(at), codes.take(at + 1)
        keys: list[Codes] = []
        places: list[Index] = []
        for signs in _sign_columns():
            for sounds in (tables().sound, tables().sound_2):
                for first, second, shift, own in (
                    (signs.take(sounds.take(one)), two, 0, one),
                    (one, signs.take(sounds.take(two)), 1, two),
                ):
                    there = (signs.take(sounds.take(own)) != 0).nonzero()[0]
                    if sounds is tables().sound_2:
                        there = there[sounds.take(own.take(there)) != tables().sound.take(own.take(there))]
                    keys.append(keys_of(first.take(there), second.take(there)))
                    places.append(at.take(there) + shift)
        self._pairs = TermPairs(np.concatenate(keys), np.concatenate(places))

    def find(self, batch: Folded) -> list[Match]:
        """The terms with signs for some of their characters: start, end, term."""
        at = _lone_signs(batch)
        if not at:
            return []
        text, signs = batch.text, set(at)
        found: dict[TermAt, None] = {}
        for place in at:
            sign, before, behind = ord(text[place]), _code(text, place - 1), _code(text, place + 1)
            for key in (before << 16 | sign, sign << 16 | behind):
                for one in self._pairs.at(key):
                    found[self._letters.term_at(one, place)] = None
        return [
            (one.start, end, one.term)
            for one in found
            if self._reads_so(text, signs, one, end := one.start + len(one.text))
        ]

    def _reads_so(self, text: str, signs: set[int], one: TermAt, end: int) -> bool:
        if one.start < 0 or end > len(text):
            return False
        changed = [at for at, char in enumerate(one.text, one.start) if text[at] != char]
        return (
            0 < len(changed) <= min(MOST, len(one.text) // 2)
            and all(at in signs and text[at] in _signs(one.text[at - one.start]) for at in changed)
            and not any(is_ordinary(text, at, one.start, end) for at in changed)
        )


def _sign_columns() -> Iterator[Codes]:
    """The first sign of each syllable, then the second, then the third; 0 for none."""
    rows = _signs_of()
    for column in range(max(map(len, rows))):
        yield np.array([ord(row[column]) if column < len(row) else 0 for row in rows], np.uint32)


def _lone_signs(batch: Folded) -> list[int]:
    """Folded positions of letters and digits that stand by themselves beside Han, once."""
    if batch.is_small:
        return [found.start() for found in _SIGN.finditer(batch.text) if _is_lone(batch, found.start())]
    at: Index = (batch.folded - np.uint32(48) < 75).nonzero()[0]  # from 0 to z
    if not len(at):
        return []
    kinds = np.full(len(batch.folded) + 2, Kind.SPACE, np.uint8)
    kinds[1:-1] = tables().kinds.take(batch.codes.take(batch.kept.take(batch.runs)))
    before, behind = kinds.take(at), kinds.take(at + 2)
    lone = (kinds.take(at + 1) == Kind.ALNUM) & (before != Kind.ALNUM) & (behind != Kind.ALNUM)
    at = at[lone & ((before == Kind.HAN) | (behind == Kind.HAN))]
    once = batch.begins(at + 1) - batch.runs.take(at) == 1
    found: list[int] = at[once].tolist()
    return found


def _is_lone(batch: Folded, at: int) -> bool:
    """Whether a sign stands once, and nothing but Han or the end of the text beside it."""
    kept = batch.kept_of(at)
    if len(kept) != 1 or _kind(batch, at) != Kind.ALNUM:
        return False
    beside = (_kind(batch, at - 1), _kind(batch, at + 1))
    return Kind.HAN in beside and Kind.ALNUM not in beside


def _kind(batch: Folded, at: int) -> int:
    """The kind of a folded character as it is written; that of a space beyond the ends."""
    if not 0 <= at < len(batch.folded):
        return Kind.SPACE
    return tables().kind[batch.codes.item(batch.kept.item(batch.runs.item(at)))]


def _code(text: str, at: int) -> int:
    return ord(text[at]) if 0 <= at < len(text) else NEWLINE


def is_ordinary(text: str, at: int, start: int, end: int) -> bool:
    """Whether a sign within a match in folded text is what people write: a number, one of a kind, a word."""
    sign, before, behind = text[at], text[at - 1 : at], text[at + 1 : at + 2]
    if sign.isdecimal():
        return _is_number(text, at, start, end)
    return (
        sign + behind in COMPOUNDS
        or before + sign in COMPOUNDS
        or (behind in KINDS and (sign in FIRST_LETTERS if at + 1 < end else not _is_word(text, end)))
        or (at == start and before in CHOSEN)
    )


def _is_number(text: str, at: int, start: int, end: int) -> bool:
    before, behind = text[at - 1 : at], text[at + 1 : at + 2]
    outside = text[start - 1 : start] + text[end : end + 1]
    if behind in COUNTED or (at == start and before in ORDINAL):
        return True
    if any(one in SCORE or one.isdecimal() for one in outside):
        return True
    if at + 1 < end or not behind:
        return False
    return (behind not in FUNCTION_WORDS and _is_word(text, end)) or text[end : end + 2] in AT_BAR


def _is_word(text: str, at: int) -> bool:
    """Whether two characters are a frequent word (图纸 behind z, so that it is no z图)."""
    return (
        len(text) >= at + 2
        and text[at : at + 2] not in OF_KINDS
        and has_pair(tables().frequent_pairs, ord(text[at]), ord(text[at + 1]))
    )
