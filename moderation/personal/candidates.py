"""Which texts of a batch may hold personal data (R21).

Told cheaply: by counts of digits, an @, a plate's beginning, a word. Few do; only they are read.
"""

import functools
import re
from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from moderation.personal.numbers import MIN_DIGITS
from moderation.personal.plates import PROVINCES
from moderation.tables import CODE_POINTS, Codes, Flags, Index, are_letters, looked_up, tables
from moderation.text.fold import Folded

Marks = npt.NDArray[np.uint8]

ANNOUNCING = (
    "微信", "薇信", "威信", "徽信", "维信", "微x", "薇x", "威x", "v信", "vx", "wx", "weixin", "wechat",
    "加v", "加微", "加薇", "卫星", "绿泡泡",
    "qq", "扣扣", "抠抠", "企鹅", "加q", "群号", "q群", "球球", "加群", "进群", "入群", "加裙", "进裙",
    "交流群", "粉丝群",
    "艾特", "爱特", "圈a", "小老鼠", "点com", "点cn", "点net", "dotcom", "educn", "edu点cn",
    "163com", "126com", "139com", "188com", "189cn", "qqcom", "21cncom", "sinacom", "sinacn", "sohucom",
    "yeahnet", "foxmail", "gmail", "hotmail", "outlook", "icloud", "yahoo", "aliyun", "protonmail",
)  # fmt: skip
"""What stands before an id, or in an address that hides its @; found by the matcher, see `compiled`."""

_SURE = "@＠﹫🐧"
_BESIDE = ":：+＋➕﹢([{<（【［〔"
"""They count beside a v, and before "at"; one blank may stand between."""
_SIGNS = _SURE + _BESIDE
_DIGITS, _SIGN, _PROVINCE = 0x0F, 0x10, 0x20
"""In `telling`, which leaves the two highest bits to others."""
_ANY_SIGN = re.compile(f"[{re.escape(_SIGNS)}]")
_DIGIT = re.compile("[0-9]")
_PLATE_BEGINS = re.compile(f"[{PROVINCES}][a-z]")


def candidates(
    batch: Folded, text: str, announced: Collection[int], marked: tuple[Index, Marks] | None = None
) -> list[int]:
    """The texts of a batch that may hold personal data. `text`: the first of them.

    `announced`: those with a word of `ANNOUNCING`. `marked`: if the caller has them, the places of all that
    `telling` tells of, in order, and what it tells; others may stand among them.
    """
    codes = batch.kept_codes
    if len(batch.lengths) == 1:
        # the same questions, asked of one text: there an array costs more than it saves
        some = _DIGIT.search(batch.text) and np.count_nonzero(codes - np.uint32(48) < 10) >= MIN_DIGITS
        return [0] if some or announced or _is_signed(text) or _PLATE_BEGINS.search(batch.text) else []
    if marked is None:
        told = telling().take(batch.codes)
        places = (told != 0).nonzero()[0]
        told = told.take(places)
    else:
        places, told = marked
    digits = told & _DIGITS
    counted = digits.nonzero()[0]
    enough = np.bincount(batch.numbers(places.take(counted)), digits.take(counted)) >= MIN_DIGITS
    plates = places[(told & _PROVINCE) != 0]
    behind = looked_up(codes, batch.kept.searchsorted(plates) + 1)
    plates = plates[are_letters(behind)]
    signs = _signs(batch.codes, places[(told & _SIGN) != 0])
    more = batch.numbers(np.concatenate((plates, signs)))
    return sorted({*announced, *enough.nonzero()[0].tolist(), *more.tolist()})


@functools.cache
def telling() -> Marks:
    """By code point: how many digits it folds to, whether it is a sign, whether a plate may begin with it."""
    table = tables()
    told = (table.fold - np.uint32(48) < 10).astype(np.uint8)
    several = np.array([sum(map(str.isdecimal, each)) for each in table.several], np.uint8)
    many = (table.fold >= CODE_POINTS).nonzero()[0]
    told[many] = several[table.fold[many] - CODE_POINTS]
    told[list(map(ord, _SIGNS))] |= _SIGN
    told[np.isin(table.fold, list(map(ord, PROVINCES)))] |= _PROVINCE
    return told


def _signs(codes: Codes, places: Index) -> Index:
    """Of the places of signs among code points of texts, those of @ and its like; others stand beside a v."""
    if not len(places):
        return places

    def folded(step: int) -> Codes:
        beside = codes.take(places + step, mode="clip")
        beside = np.where(beside == 0x20, codes.take(places + 2 * step, mode="clip"), beside)
        is_roman_v = beside & ~np.uint32(0x10) == 0x2164
        return np.where(is_roman_v, ord("v"), tables().fold.take(beside))

    sure = _flags(_SURE).take(codes.take(places), mode="clip")
    before, after = folded(-1), folded(1)
    return places.compress(sure | (before == ord("v")) | (after == ord("v")) | (after == ord("a")))


def _is_signed(text: str) -> bool:
    """The same of one text: whether there are any."""
    return bool(_ANY_SIGN.search(text) and _sign().search(text))


@functools.cache
def _sign() -> re.Pattern[str]:
    fold = tables().fold
    v, a = ("".join(map(chr, (fold == ord(letter)).nonzero()[0].tolist())) for letter in "va")
    beside = f"[{re.escape(_BESIDE)}]"
    return re.compile(f"[{_SURE}]|[{v}Ⅴⅴ] ?{beside}|{beside} ?[{v}Ⅴⅴ{a}]")


@functools.cache
def _flags(chars: str) -> Flags:
    """Which code points up to 0x1FFFE are among some characters."""
    flags = np.zeros(1 << 17, np.bool_)
    flags[[ord(char) for char in chars]] = True
    return flags
