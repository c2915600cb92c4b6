"""Latin letters beside Han characters as people write them: words with a letter (T恤), kinds (B座)."""

from moderation.text.fold import fold
from moderation.text.tables import Kind, tables

KINDS = frozenset(
    "班款座区组队站口馆栋楼级类型档项卷面盘门栏位版轮场票线轴值点码股图群字端角形片杯单号路房厅桌席岗牌照证本系星大司模计"
)
"""Nouns behind a letter that names one of a kind (D款)."""
FIRST_LETTERS = "abcdefgh"
"""With these a choice begins: A款, B款."""
_BEHIND = {
    "a": "站股轮",
    "b": "站端股超",
    "c": "位盘端罗语",
    "d": "盘",
    "e": "人家时盘",
    "f": "人值检",
    "g": "点端",
    "h": "值股",
    "i": "人",
    "j": "人罗",
    "k": "书值房歌线金",
    "l": "型码",
    "m": "码记",
    "n": "个人倍多天年次遍",
    "o": "型",
    "p": "主人值图站",
    "q": "弹版群",
    "r": "级语",
    "s": "人型弯曲码",
    "t": "人值台型恤检",
    "u": "型盘",
    "v": "值博型字形",
    "x": "人光射档码轴钱",
    "y": "轴",
    "z": "世轴",
}
_BEFORE = {
    "q": "卡手",
    "v": "大小红蓝黄",
}
COMPOUNDS = frozenset(letter + han for letter, every in _BEHIND.items() for han in every) | frozenset(
    han + letter for letter, every in _BEFORE.items() for han in every
)
"""Letters that are words with a Han character beside them."""


def cuts_compound(text: str, start: int, end: int) -> bool:
    """Whether a span ends in a single letter that is a word with the Han character behind it (加V|值)."""
    kind = tables().kind
    if end - start < 2 or end >= len(text) or kind[ord(text[end - 1])] != Kind.ALNUM:
        return False
    if kind[ord(text[end])] != Kind.HAN or kind[ord(text[end - 2])] == Kind.ALNUM:
        return False
    return fold(text[end - 1 : end + 1]) in COMPOUNDS
