"""WeChat and QQ ids in text that was read softly, where a word announces them."""

import itertools
import re
from collections.abc import Iterator

from moderation.personal.numbers import counts_something, groups_of
from moderation.personal.softread import LINK, MARK, Spot

# one character for WeChat at the beginning of a word, and a sign or a blank; 薇 needs none
_LONE = (
    r"(?:(?<![a-z0-9\u4e00-\u9fff])|(?<=[我的加私找是换留]))(?:[微威徽维](?=[ :^~号])|薇(?=[ :^~号a-z0-9]))"
    r"|(?<![a-z0-9])(?:\+ ?[v微薇威维]|v(?= ?[:^]))"
)
_SIGNS = r"[\^~*_|/ ]{0,2}"
"""What may be put between the characters of an announcing word: 卫♥星."""


def _loose(*words: str) -> str:
    """A pattern for words with signs between their characters."""
    return "|".join(_SIGNS.join(word) for word in words)


_OF_WECHAT, _OF_QQ = (
    _loose("卫星", "微号", "绿泡泡"),
    _loose("扣扣", "抠抠", "叩叩", "蔻蔻", "秋秋", "球球", "企鹅", "群号"),
)
# wxid_... by itself; else a word for WeChat, what may stand between, and letters or a number
_WECHAT = re.compile(
    r"(?<![a-z0-9])(?P<own>wxid_[a-z0-9_-]{5,20})"
    rf"|(?P<word>(?:我的|[我加搜])?{MARK}{{0,2}}(?:[微薇威徽维]{MARK}{{0,2}}[信芯]|[微薇威徽]{_SIGNS}x|v{MARK}{{0,2}}[信芯]"
    rf"|wei ?(?:xin|[信芯])|wechat|(?<![a-z0-9])[vw]\^{{0,2}}x|{_OF_WECHAT})|加{MARK}{{0,2}}[v微薇威]"
    rf"|(?<![a-z0-9])[vw][ .]x|{_LONE})"
    rf"(?P<link>{LINK})(?P<id>[a-z][a-z0-9_-]{{5,19}}|[1-9]\d{{5,11}}"
    r"|[a-z](?: [a-z0-9_]){5,19}|[a-z]{1,3} \d{4,12})(?![a-z0-9])"
)
_QQ = re.compile(
    rf"(?P<word>qq|(?<![a-z0-9])q {{1,2}}q|{_OF_QQ}|求求|加{_SIGNS}[q扣]|扣我"
    rf"|[q扣]{_SIGNS}[群裙]|[加进入]{_SIGNS}[群裙]|(?:交流|粉丝)群|群(?= ?:)|(?<![a-z0-9])q(?= ?:))"
    rf"(?P<link>{LINK})(?P<id>[1-9](?:[ ~*_.-]{{0,3}}\d){{4,10}})(?!\d)"
)
_IN_EVERY_WORD = re.compile("[qvw微薇威徽维卫绿加扣抠叩蔻秋球求企群裙]")
"""One of them is in every word above."""
_LEAST = {"q": 6, "群": 6, "求求": 7, "扣我": 7, "加扣": 7}
"""Digits behind words that mean other things too."""
_ROUND_OR_DAY = re.compile(r"000$|^20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$")
_SAID = re.compile(r"[号:=是叫搜]|id")
_NUMBER_OF = re.compile("号|id")
_BESIDE_LONE = re.compile(rf"号?{MARK}*")
_NO_ID = re.compile(
    r"(?:windows?|win\d|mac|linux|ubuntu|android|harmony|iphone|ipad|ios|python|java|node|server|sdk|api|app|web|http"
    r"|www|version|ver\d|beta|release|update|upgrade|download|login|pay|work|group|request|mini|chat|bot|team|read"
    r"|official|desktop|client|photo|message|video|voice|moments|channels?|please|welcome"
    r"|m?i?rna|pic\d|dspic|stm\d|atmega|(?:if|for|key|else|elif)-)"
)
_SENTENCE = re.compile(r" [a-z]{2}")
_SHORTCUT = re.compile(r"(?:ctrl|cmd|command|alt|shift|control)[ +-]*$")

MAYBE_ID = r"(?<![a-z0-9_-])(?=[a-z_-]*+\d)[a-z0-9_-]{6,}+"
"""A word with a digit in it: for text that nobody searches, beside `announced_ids`."""


def accounts(soft: str) -> list[Spot]:
    """WeChat before QQ."""
    if not _IN_EVERY_WORD.search(soft):
        return []
    return [
        ("wechat", *_id_span(wechat))
        for wechat in _WECHAT.finditer(soft)
        if wechat["own"] or _is_wechat(soft, wechat)
    ] + [("qq", qq.start("id"), end) for qq in _QQ.finditer(soft) if (end := _qq_end(soft, qq))]


def announced_ids(soft: str) -> Iterator[tuple[int, int]]:
    """Start and end of all that follows a word for WeChat, id or not."""
    return map(_id_span, _WECHAT.finditer(soft))


def _id_span(wechat: re.Match[str]) -> tuple[int, int]:
    return wechat.span("own" if wechat["own"] else "id")


def _is_wechat(soft: str, found: re.Match[str]) -> bool:
    """Whether an id follows the word, or only another word (微信 windows 版, wx.request)."""
    word, link, name = found.group("word", "link", "id")
    alone = len(word.strip("+ ")) == 1 or (word[-1] == "x" and word[-2] in " .")
    before = soft[max(0, found.start() - 12) : found.start()]
    if alone and (not _BESIDE_LONE.fullmatch(link) or _SHORTCUT.search(before)):
        return False
    if name.isdecimal() or " " in name:
        return not counts_something(soft, found.end()) and _is_announced(word, link, name, alone=alone)
    if _NO_ID.match(name) or (link in {".", "_", "-", "("} and word.isascii()):
        return False
    if "_" in name or any(map(str.isdecimal, name)):
        return True
    said = word[0] in "我加搜+" or _SAID.search(link)
    return bool(said and not alone and not _SENTENCE.match(soft, found.end()))


def _is_announced(word: str, link: str, name: str, *, alone: bool) -> bool:
    """Whether digits, or letters and digits with blanks between, are an id."""
    if name.isdecimal():
        unsaid = alone and (len(name) <= 6 or (word in "微威徽维" and not _SAID.search(link)))
        return not name.endswith("0000") and not unsaid
    announced = _SAID if name[1::2].isspace() else _NUMBER_OF
    return bool(announced.search(link)) and any(map(str.isdecimal, name))


def _qq_end(soft: str, found: re.Match[str]) -> int:
    """Where the number ends; 0 if it is a date, a version or so many of something."""
    start, end = found.span("id")
    groups = groups_of(soft, start, end)
    sizes = [b - a for a, b in groups]
    if len(sizes) > 1 and (sizes[0] >= 8 or (sizes[0] >= 5 and counts_something(soft, end))):
        end, sizes = groups[0][1], sizes[:1]  # the rest is another number: QQ 123456789 10点
    word = re.sub(_SIGNS, "", found["word"])
    least = _LEAST.get(word, 6 if word == "企鹅" and not _SAID.search(found["link"]) else 5)
    if sum(sizes) < least or counts_something(soft, end):
        return 0
    if least > 6 and _ROUND_OR_DAY.search(soft, start, end):
        return 0
    if len(sizes) == 1:
        return end
    gaps = {soft[a:b] for (_, a), (b, _) in itertools.pairwise(groups)}
    rounds = all(soft[b - 1] == "0" for _, b in groups)
    dated = sizes[0] == 4 and set(sizes[1:]) <= {1, 2}
    if len(gaps) > 1 or rounds or dated:
        return 0
    if set(sizes) == {1}:
        return end if len(sizes) > 6 else 0
    return end if min(sizes) > 1 and len(sizes) < 5 and gaps != {"."} else 0
