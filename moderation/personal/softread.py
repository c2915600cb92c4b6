"""How a text is read for personal data: folded like terms, but its punctuation and its repeats stay."""

import re
from collections.abc import Iterator, Sequence

from moderation.text.bidi import OVERRIDE, visual_order
from moderation.text.tables import CODE_POINTS, Kind, tables

Spot = tuple[str, int, int]
"""A kind of personal data, and where it begins and ends in a text that was read softly."""

MARK = r"[^0-9a-z\u4e00-\u9fff]"
"""Any one character that is no letter and no digit once it was read softly."""
LINK = rf"(?:{MARK}|[号码账帐群是为的我加搜叫在找发]|id){{0,8}}"
"""What stands between an announcing word and its number or id: 微信[号是：]..."""

HEARTS = "❤♥💓💕💖💗💘💙💚💛💜💝💞🖤🤍🤎🧡"
"""Read as ^: they stand for a letter (v❤)."""

ROUND_ZERO = "◯"
"""Read as a digit, though it is a sign."""

_READ_AS = {chr(ord(char) + 0xFEE0): char for char in "!#$%&'()*+,-./:;<=>?@[]^_{|}~"} | {
    char: read
    for read, chars in {
        "0": ROUND_ZERO, "1": "幺", "@": "﹫", "+": "➕﹢⁺",
        ":": "﹕∶", ",": "、﹐", ".": "。", "-": "－–—‐‑‒―−﹣➖",
        " ": "·", "^": HEARTS, "$": "¥￥€£", "%": "°％‰", "(": "【〔［『「", ")": "】〕］』」", "x": "×✕✖Ⅹⅹ",
        "=": "÷≈≠",
        "电话": "☎📞📱✆",
        "企鹅": "🐧", "id": "🆔",
    }.items()
    for char in chars
}  # fmt: skip
_LONE_V = re.compile("(?<![Ⅰ-ⅿ0-9])[Ⅴⅴ](?![Ⅰ-ⅿ0-9])")
"""The letter v; among other numerals it is a five."""


class _Readings(dict[str, str]):
    """What each character is read as; fills itself with what it is asked for."""

    def __missing__(self, char: str) -> str:
        read = self[char] = _reading(char)
        return read


def _reading(char: str) -> str:
    table = tables()
    code = int(table.fold[ord(char)])
    if char in _READ_AS:
        return _READ_AS[char]
    if code >= CODE_POINTS:
        return table.several[code - CODE_POINTS]
    if code:
        return chr(code)
    if table.kind[ord(char)] == Kind.INVISIBLE:
        return ""
    if char.isspace():
        return " "
    return char if char < "\x80" else "~"


_READINGS = _Readings()


def read_softly(text: str) -> tuple[str, Sequence[int]]:
    """The text as patterns read it, and for each character of that its place in the original.

    Letters are a-z, digits 0-9, Han simplified, blanks " ", punctuation that of ASCII, other signs "~".
    What is drawn as nothing is gone.
    """
    if "Ⅴ" in text or "ⅴ" in text:
        text = _LONE_V.sub("v", text)
    read = [_READINGS[char] for char in text]
    soft = "".join(read)
    if len(soft) == len(text) and "" not in read:
        return soft, range(len(text))
    return soft, [at for at, one in enumerate(read) for _ in one]


def readings(text: str) -> Iterator[tuple[str, Sequence[int]]]:
    """The text as it is stored; then as it is drawn, where an override turns some of it."""
    yield read_softly(text)
    if OVERRIDE in text:
        order = [at for at, _ in visual_order(text)]
        soft, places = read_softly("".join(map(text.__getitem__, order)))
        yield soft, list(map(order.__getitem__, places))
