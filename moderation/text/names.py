"""Personal names: whether a match takes a part of one (刘思|菲祝: 死肥猪 by sound)."""

import functools
import importlib
from collections.abc import Callable, Iterator

from moderation.text.boundary import WINDOW, plain

SURNAMES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜"
    "范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦"
    "申尤毕聂丛焦向柳邢路岳齐沿梅莫庄辛管祝左涂谷祁时舒耿牟卜路詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司"
    "柏宁柯阮桂闵解强柴华车冉房边辜吉饶刁瞿戚丘古米池滕晋苑邬臧畅宫来嵺苟全褚廉简娄盖符奚木穆党燕郎邸冀谈姬屠连郜晏栾郁商蒙计喻"
    "揭窦迟宇敖糜鄢冷卓花仇艾蓝都巩稽井练仲乐虞卞封竺冼原官衣楚佟栗匡宗应台巫鞠僧桑荆谌银扬明沙薄伏岑习胥保和蔺"
)
"""The more frequent surnames of one character, by hand."""
FREQUENT = frozenset(
    "王李张刘陈杨赵吴周徐孙朱胡郭何林罗郑梁谢宋唐许邓韩冯曹彭曾肖田董潘袁蔡蒋余杜叶程魏苏吕丁任沈姚卢姜崔钟谭陆汪范廖韦贾邹"
)
"""Those that are seldom anything else where they stand by themselves."""
TWO = frozenset(
    (
        "欧阳",
        "上官",
        "司马",
        "诸葛",
        "司徒",
        "皇甫",
        "尉迟",
        "公孙",
        "慕容",
        "令狐",
        "夏侯",
        "东方",
        "独孤",
        "南宫",
        "端木",
    )
)
GIVEN = 2
"""Characters of a given name, at most."""


@functools.cache
def _names_cut() -> Callable[[str], list[str]]:
    """Return the segmenter with its model of unknown words, which recognises names."""
    try:
        rjieba = importlib.import_module("rjieba")
    except ImportError:
        jieba = importlib.import_module("jieba")
        jieba.setLogLevel(60)
        return lambda text: jieba.lcut(text, HMM=True)
    return lambda text: rjieba.cut(text, True)


def crosses_name(text: str, start: int, end: int) -> bool:
    """Whether a name begins before a span and goes into it, or begins in it and ends behind it."""
    low = max(0, start - WINDOW)
    before = plain(text[low:start], keep_marks=True)
    inside = plain(text[start:end], keep_marks=False)
    behind = plain(text[end : end + WINDOW], keep_marks=True)
    left, right = len(before), len(before) + len(inside)
    if SURNAMES.isdisjoint(before[-GIVEN - 1 :] + inside[1:]):
        return False
    at = 0
    for word in _joined(_names_cut()(before + inside + behind)):
        begin, at = at, at + len(word)
        # a model without the name 刘思菲 cuts 刘思菲祝 as one word: a name may include the verb behind it
        if begin < left < at and _is_name(word, more=1):
            return True
        if left < begin < right < at and _is_name(word):
            return True
    return False


def _joined(words: list[str]) -> Iterator[str]:
    """The words, a frequent surname with the given name that stands behind it as one."""
    last = ""
    for word in words:
        if last and 1 < len(word) <= 1 + GIVEN:
            yield last + word
            last = ""
            continue
        if last:
            yield last
        last = word if word in FREQUENT or word in TWO else ""
        if not last:
            yield word
    if last:
        yield last


def _is_name(word: str, more: int = 0) -> bool:
    """Whether a word may be a surname with a given name, and so many characters more."""
    if word[:2] in TWO:
        return 2 < len(word) <= 2 + GIVEN + more
    return word[:1] in SURNAMES and 1 < len(word) <= 1 + GIVEN + more
