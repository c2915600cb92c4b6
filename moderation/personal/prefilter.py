"""Prefilter: selects the texts of a batch that may hold personal data (R21).

Cheaply: by counts of digits, an @, a plate's beginning, a word. Few do; only they are read.
"""

import functools
import re
from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from moderation.personal.numbers import MIN_DIGITS
from moderation.personal.plates import PROVINCES
from moderation.personal.softread import HEARTS
from moderation.text.fold import Folded
from moderation.text.tables import CODE_POINTS, Codes, Flags, Index, are_letters, looked_up, tables

Marks = npt.NDArray[np.uint8]

ANNOUNCING = (
    "微信", "薇信", "威信", "徽信", "维信", "微x", "薇x", "威x", "v信", "vx", "wx", "weixin", "wechat",
    "v芯", "微芯", "薇芯", "威芯", "徽芯", "维芯", "wei信", "wei芯", "微号", "薇号", "威号", "徽号", "维号",
    "加v", "加微", "加薇", "加威", "卫星", "绿泡泡",
    "qq", "扣扣", "抠抠", "叩叩", "蔻蔻", "秋秋", "企鹅", "加q", "群号", "q群", "扣群", "q裙", "扣裙", "球球",
    "加群", "进群", "入群", "加裙", "进裙", "入裙",
    "交流群", "粉丝群",
    "艾特", "爱特", "圈a", "小老鼠", "点com", "点cn", "点net", "dotcom", "educn", "edu点cn",
    "163com", "126com", "139com", "188com", "189cn", "qqcom", "21cncom", "sinacom", "sinacn", "sohucom",
    "yeahnet", "foxmail", "gmail", "hotmail", "outlook", "icloud", "yahoo", "aliyun", "protonmail",
    *(f"wj{province}" for province in PROVINCES),
)  # fmt: skip
"""What stands before an id, or in an address that hides its @; found by the matcher, see `compiled`."""

_SURE = "@＠﹫🐧ⅤⅴⅩⅹ\u202e"
_BESIDE = ":：﹕∶+＋➕﹢⁺([{<（【［〔^＾" + HEARTS
"""They count behind v, q and 群, and before v and "at"."""
_SIGNS = _SURE + _BESIDE
_BEHIND, _BEFORE = "vq群", "va"
_PREFIXES = PROVINCES + "微薇威徽维"
"""They count with a Latin letter, a digit or 牌 behind them: plates, and short words for WeChat."""
_DIGITS, _SIGN, _PREFIX = 0x0F, 0x10, 0x20
"""In `mark_flags`, which leaves the two highest bits to others."""
_ANY_SIGN = re.compile(f"[{re.escape(_SIGNS)}]")
_DIGIT = re.compile("[0-9]")
_BEGINS = re.compile(f"[{_PREFIXES}][a-z0-9牌]")


def prefilter(
    batch: Folded, text: str, announced: Collection[int], known_marks: tuple[Index, Marks] | None = None
) -> list[int]:
    """Select the texts of a batch that may hold personal data. `text`: the first of them.

    `announced`: those with a word of `ANNOUNCING`. `known_marks`: if the caller has them, the places of all
    that have a flag in `mark_flags`, in order, and the flags; others may stand among them.
    """
    if len(batch.lengths) == 1:
        # the same questions, asked of one text: there an array costs more than it saves
        some = (
            _DIGIT.search(batch.text)
            and np.count_nonzero(batch.kept_codes - np.uint32(48) < 10) >= MIN_DIGITS
        )
        return [0] if some or announced or _BEGINS.search(batch.text) or _is_signed(batch, text) else []
    if known_marks is None:
        marks = mark_flags().take(batch.codes)
        places = (marks != 0).nonzero()[0]
        marks = marks.take(places)
    else:
        places, marks = known_marks
    with_digits = _texts_with_digits(batch, places, marks)
    prefixes = _prefixes(batch, places[(marks & _PREFIX) != 0])
    signs = _signs(batch, places[(marks & _SIGN) != 0])
    more = batch.numbers(np.concatenate((prefixes, signs)))
    return sorted({*announced, *with_digits.tolist(), *more.tolist()})


def _texts_with_digits(batch: Folded, places: Index, marks: Marks) -> Index:
    """The texts with MIN_DIGITS digits. `marks`: as `mark_flags` has it, for each of the places."""
    digits = marks & np.uint8(_DIGITS)
    some = digits.nonzero()[0]
    each = np.repeat(places.take(some), digits.take(some))
    first, last = each[: 1 - MIN_DIGITS], each[MIN_DIGITS - 1 :]
    near = (last - first < batch.lengths.max()).nonzero()[0]  # most are not, and need not be asked more
    numbers = batch.numbers(first.take(near))
    same = (numbers == batch.numbers(last.take(near))).nonzero()[0]
    found: Index = numbers.take(same)
    return found


def _prefixes(batch: Folded, places: Index) -> Index:
    """Of the places of prefixes those that count."""
    behind = tables().fold.take(batch.codes.take(places + 1, mode="clip"))
    places = places[_counts_behind(behind) | (behind == 0) | (behind >= CODE_POINTS)]
    behind = looked_up(batch.kept_codes, batch.kept.searchsorted(places) + 1)
    return places.take(_counts_behind(behind).nonzero()[0])


def _counts_behind(folded: Codes) -> Flags:
    """Whether a prefix counts before these characters."""
    counts: Flags = are_letters(folded) | (folded - np.uint32(48) < 10) | (folded == ord("牌"))
    return counts


@functools.cache
def mark_flags() -> Marks:
    """By code point: how many digits it folds to, whether it is a sign, whether it is one of _PREFIXES."""
    table = tables()
    marks = (table.fold - np.uint32(48) < 10).astype(np.uint8)
    several = np.array([sum(map(str.isdecimal, each)) for each in table.several], np.uint8)
    many = (table.fold >= CODE_POINTS).nonzero()[0]
    marks[many] = several[table.fold[many] - CODE_POINTS]
    marks[list(map(ord, _SIGNS))] |= _SIGN
    marks[np.isin(table.fold, list(map(ord, _PREFIXES)))] |= _PREFIX
    return marks


def _signs(batch: Folded, places: Index) -> Index:
    """Of the places of signs those of @ and its like, and of others those beside certain letters."""
    if not len(places):
        return places
    sure = _flags(_SURE).take(batch.codes.take(places), mode="clip")
    at = batch.kept.searchsorted(places)
    before, after = looked_up(batch.kept_codes, at - 1), looked_up(batch.kept_codes, at)
    for letter in _BEHIND:
        sure |= before == ord(letter)
    for letter in _BEFORE:
        sure |= after == ord(letter)
    return places.compress(sure)


def _is_signed(batch: Folded, text: str) -> bool:
    """The same of one text: whether there are any."""
    places = [found.start() for found in _ANY_SIGN.finditer(text)]
    return bool(places) and len(_signs(batch, np.array(places))) > 0


@functools.cache
def _flags(chars: str) -> Flags:
    """Which code points up to 0x1FFFE are among some characters."""
    flags = np.zeros(1 << 17, np.bool_)
    flags[[ord(char) for char in chars]] = True
    return flags
