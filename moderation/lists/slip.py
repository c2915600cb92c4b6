"""Typing slips: what stands in a term, alias or phrase and was probably meant as a sign of the format."""

import functools
import re

from moderation.lexicon import SEVERITIES, Severity
from moderation.text.fold import Folded

SEVERITY_ZH = {
    **dict.fromkeys(("疑似", "一般"), Severity.SUSPECTED),
    "敏感": Severity.SENSITIVE,
    **dict.fromkeys(("重要", "严重"), Severity.IMPORTANT),
    **dict.fromkeys(("拦截", "禁止", "屏蔽"), Severity.BLOCK),
}
"""Words for a severity that tables may use besides those of the format; 级 may follow."""
_LONGEST = 16
"""Characters that a severity has at most, in whichever width."""
_LIKE_OPENING = {"﹗": "!", "❗": "!", "❕": "!", "ǃ": "!", "﹫": "@", "﹟": "#", "♯": "#"}
_LIKE_BAR = re.compile(r"[丨│┃∣❘¦︱ǀ][ 　]*[a-zａ-ｚ疑敏重拦攔一严嚴禁屏]")
_SIGN = re.compile(r"[ 　]*[\t,，、;；:：][\s　]*")
"""What may stand for the bar behind a term of any script."""
_LOOSE = re.compile(r"[\s　]+|[ 　]*[-—–~(（\[【/／\\＼=＝][ 　]*")
"""The same behind Chinese characters, or before them: Latin terms have these in them (road block)."""
_HAN = re.compile(r"[\u3400-\u9fff]")
_CLOSING = ")）]】。.;；,，"


@functools.lru_cache(1024)
def plain(word: str) -> str:
    """Full-width, traditional, capital: all the same."""
    return Folded([word]).text


def severity_of(word: str) -> Severity | None:
    """The severity that a word of a table means, if any."""
    said = plain(word) if 0 < len(word) <= _LONGEST else ""
    return SEVERITIES.get(said) or _folded_zh().get(said.removesuffix("级"))


@functools.cache
def _folded_zh() -> dict[str, Severity]:
    return {plain(word): severity for word, severity in SEVERITY_ZH.items()}  # 一般 folds to 1般


def slip(text: str) -> str:
    """What a term, alias or phrase was probably meant to be; "" where nothing speaks for a slip."""
    if (sign := _LIKE_OPENING.get(text[:1])) and len(text) > 1:
        return f"begins with {text[0]!r}; type {sign!r} or its full-width form, or take it away"
    if found := _LIKE_BAR.search(text):
        return f"has {found[0][0]!r} in it; type | or ｜ between a term and its severity"
    if behind := severity_behind(text):
        return (
            f"ends in {behind!r}; type | or ｜ between a term and its severity, or in a table give "
            "that a column of its own"
        )
    return ""


def severity_behind(text: str) -> str:
    """A severity that stands behind the last sign, or between two; "" if there is none."""
    pieces = _SIGN.split(text)
    for piece in pieces[1:]:
        if severity_of(said := piece.strip(_CLOSING + " 　")):
            return said
    *_, last = pieces
    cuts = list(_LOOSE.finditer(last))
    if cuts and severity_of(said := last[cuts[-1].end() :].strip(_CLOSING)):
        before = text[: len(text) - len(last) + cuts[-1].start()]
        if before and (_HAN.search(before) or _HAN.search(said)):
            return said
    return ""
