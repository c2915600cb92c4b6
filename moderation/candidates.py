"""Which texts of a batch may hold personal data (R21).

Told cheaply: by counts of digits, an @, a plate's beginning, a word. Few do; only they are read.
"""

import functools
import re
from collections.abc import Collection

import numpy as np

from moderation.fold import Folded
from moderation.numbers import MIN_DIGITS
from moderation.plates import PROVINCES
from moderation.tables import Codes, Flags, Index, tables

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
_ANY_SIGN = re.compile(f"[{re.escape(_SIGNS)}]")
_PLATE_BEGINS = re.compile(f"[{PROVINCES}][a-z]")


def candidates(batch: Folded, text: str, announced: Collection[int]) -> list[int]:
    """The texts of a batch that may hold personal data. `text`: the first of them.

    `announced`: those with a word of `ANNOUNCING`.
    """
    codes = batch.kept_codes
    if len(batch.lengths) == 1:
        # the same questions, asked of one text: there an array costs more than it saves
        some = np.count_nonzero(codes - np.uint32(48) < 10) >= MIN_DIGITS
        return [0] if some or announced or _is_signed(text) or _PLATE_BEGINS.search(batch.text) else []
    digits = (codes - np.uint32(48) < 10).nonzero()[0]
    counts = np.bincount(batch.numbers(batch.kept.take(digits)))
    plates = ((codes[1:] - np.uint32(97) < 26) & (codes[:-1] >= 0x80)).nonzero()[0]
    plates = plates[_flags(PROVINCES).take(codes.take(plates), mode="clip")]
    told = np.concatenate([batch.numbers(batch.kept.take(plates)), batch.numbers(_signs(batch.codes))])
    return sorted({*announced, *(counts >= MIN_DIGITS).nonzero()[0].tolist(), *told.tolist()})


def _signs(codes: Codes) -> Index:
    """Places of @ and its like, among code points of texts with a line break between them."""
    places = _flags(_SIGNS).take(codes, mode="clip").nonzero()[0]
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
