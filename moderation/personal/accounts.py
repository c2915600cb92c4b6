"""WeChat and QQ ids in text that was read softly, where a word announces them."""

import itertools
import re
from collections.abc import Iterator

from moderation.personal.numbers import counts_something, groups_of
from moderation.personal.softread import LINK, MARK, Spot

# wxid_... by itself; else a word for WeChat, what may stand between, and letters or a number
_WECHAT = re.compile(
    r"(?<![a-z0-9])(?P<own>wxid_[a-z0-9_-]{5,20})"
    rf"|(?P<word>[我加搜]?{MARK}{{0,2}}(?:[微薇威徽维]{MARK}{{0,2}}信|[微薇威徽]x|v{MARK}{{0,2}}信|weixin|wechat"
    rf"|(?<![a-z0-9])[vw]x|卫星|绿泡泡)|加{MARK}{{0,2}}[v微薇]|(?<![a-z0-9])(?:\+ ?v|v(?= ?:)))"
    rf"(?P<link>{LINK})(?P<id>[a-z][a-z0-9_-]{{5,19}}|[1-9]\d{{5,11}})(?![a-z0-9])"
)
_QQ = re.compile(
    rf"(?P<word>qq|扣扣|抠抠|企鹅|加q|[q扣][群裙]|群号|球球|[加进入][群裙]|(?:交流|粉丝)群|群(?= ?:)"
    rf"|(?<![a-z0-9])q(?= ?:))(?P<link>{LINK})(?P<id>[1-9](?:[ ~*_.-]{{0,3}}\d){{4,10}})(?!\d)"
)
_SAID = re.compile(r"[号:=是叫搜]|id")
_NO_ID = re.compile(
    r"(?:windows?|win\d|mac|linux|ubuntu|android|harmony|iphone|ipad|ios|python|java|node|server|sdk|api|app|web|http"
    r"|www|version|ver\d|beta|release|update|upgrade|download|login|pay|work|group|request|mini|chat|bot|team|read"
    r"|official|desktop|client|photo|message|video|voice|moments|channels?|please|welcome|(?:if|for|key|else|elif)-)"
)
_SENTENCE = re.compile(r" [a-z]{2}")
_SHORTCUT = re.compile(r"(?:ctrl|cmd|command|alt|shift|control)[ +-]*$")

MAYBE_ID = r"(?<![a-z0-9_-])(?=[a-z_-]*+\d)[a-z0-9_-]{6,}+"
"""A word with a digit in it: for text that nobody searches, beside `announced_ids`."""


def accounts(soft: str) -> list[Spot]:
    """WeChat before QQ."""
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
    alone = word.replace(" ", "") in {"v", "+v"}
    if alone and _SHORTCUT.search(soft, max(0, found.start() - 12), found.start()):
        return False
    if name.isdecimal():
        so_many = name.endswith("0000") or counts_something(soft, found.end())
        return not so_many and (not alone or len(name) > 6)
    if _NO_ID.match(name) or (link in {".", "_", "-", "("} and word.isascii()):
        return False
    if "_" in name or any(map(str.isdecimal, name)):
        return True
    said = word[0] in "我加搜+" or _SAID.search(link)
    return bool(said and not alone and not _SENTENCE.match(soft, found.end()))


def _qq_end(soft: str, found: re.Match[str]) -> int:
    """Where the number ends; 0 if it is a date, a version or so many of something."""
    start, end = found.span("id")
    groups = groups_of(soft, start, end)
    sizes = [b - a for a, b in groups]
    if len(sizes) > 1 and (sizes[0] >= 8 or (sizes[0] >= 5 and counts_something(soft, end))):
        end, sizes = groups[0][1], sizes[:1]  # the rest is another number: QQ 123456789 10点
    word = found["word"]
    vague = word in {"q", "群"} or (word == "企鹅" and not _SAID.search(found["link"]))
    if sum(sizes) < (6 if vague else 5) or counts_something(soft, end):
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
