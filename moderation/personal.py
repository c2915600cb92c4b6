"""Personal data in a text: found in the same disguises as terms, and starred out (R21).

Candidates come cheap (counts of digits, an @, a word that announces an id); only they are read here.
"""

import datetime as dt
import functools
import itertools
import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from moderation.edges import with_marks
from moderation.fold import Folded
from moderation.lexicon import Severity
from moderation.tables import CODE_POINTS, Codes, Index, Kind, tables

MAX_READ = 20_000
"""Code points of one text that are searched; what is behind them is masked blind and goes to full review."""
MIN_DIGITS = 7
"""A text with fewer, no @, no plate's beginning and no word that announces an id has none of this."""
BORDER = 256
"""Code points before MAX_READ that are masked blind as well: a number may lie across."""

ANNOUNCING = (
    "微信", "薇信", "威信", "徽信", "维信", "微x", "薇x", "威x", "v信", "vx", "wx", "weixin", "wechat",
    "加v", "加微", "加薇", "卫星", "绿泡泡",
    "qq", "扣扣", "抠抠", "企鹅", "加q", "群号", "q群", "球球", "加群", "进群", "入群", "加裙", "进裙",
    "交流群", "粉丝群",
    "艾特", "爱特", "圈a", "小老鼠", "点com", "点cn", "点net", "dotcom", "educn", "edu点cn",
    "163com", "126com", "139com", "188com", "189cn", "qqcom", "21cncom", "sinacom", "sinacn", "sohucom",
    "yeahnet", "foxmail", "gmail", "hotmail", "outlook", "icloud", "yahoo", "aliyun", "protonmail",
)  # fmt: skip
"""What stands before an id, or in an address that hides its @. For `compiled.TRIGGERS`."""


class Personal(NamedTuple):
    """One find. `kind`: mobile, phone, resident-id, bank-card, e-mail, plate, wechat, qq. Code points."""

    kind: str
    start: int
    end: int
    severity: Severity


_KEEP = {"mobile": (3, 4), "phone": (4, 2), "resident-id": (3, 2), "bank-card": (4, 4), "plate": (2, 1)}
_SEVERITY = {"resident-id": Severity.IMPORTANT, "bank-card": Severity.IMPORTANT}

# ---------------------------------------------------------------- patterns, for text that `_soft` has read

_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"
_OPEN, _CLOSE = r"[(\[{<~]", r"[)\]}>~]"
_MARK = r"[^0-9a-z\u4e00-\u9fff]"
_GAP = r"[^0-9a-z\u4e00-\u9fff@]"
_LINK = rf"(?:{_MARK}|[号码账帐群是为的我加搜叫在找发]|id){{0,8}}"
_UNITS = "元块毛角分秒时点天日月年号楼层室岁人个次米克斤吨万亿千百只头名位条张件台瓶班级届章节页题步票赞粉%"

# numbers
_DIGITS = re.compile(r"\d+")
_RUN = re.compile(rf"\d+(?>(?:{_GAP}{{1,8}}| ?[a-z\u4e00-\u9fff] ?)\d+)*")
_LETTERED = re.compile(r"(?<![a-z0-9])(?=[oil]{0,4}\d)[0-9oil]*+(?!(?!x(?![a-z0-9]))[a-z0-9])")
_OIL = str.maketrans("oil", "011")
_HASH = re.compile(r"(?<![a-z0-9])(?=[a-f]*+(?:\d++[a-f]++){3})[0-9a-f]{24,}+(?![a-z0-9])")
_MOBILE = re.compile(r"(?:0|86|0086)?(1[3-9]\d{9})")
_PHONE = re.compile(r"0(?:10|2\d)[1-9]\d{7}|0[3-9]\d{2}[1-9]\d{6,7}|400\d{7}|800[1-9]\d{6}")
_PHONE_ABROAD = re.compile(r"(?:86)?((?:10|2\d)[2-9]\d{7}|[3-9]\d{2}[2-9]\d{6,7})")
_LOCAL = re.compile(r"(?!(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$)[2-8]\d{6,7}(?<!0000)")
_RESIDENT = re.compile(r"(?:[1-6]\d|71|8[1-3]|9\d)\d{4}(?:18|19|20)\d{9}[\dx]")
_LAST_X = re.compile(rf"{_GAP}{{0,3}}x(?!\d)")
_CARD = re.compile(
    r"62\d{14,17}|6[05]\d{14}(?:\d{3})?|4\d{15}(?:\d{3})?|5[1-5]\d{14}|35\d{14}|3[47]\d{13}|9558\d{15}"
)
_ANY_CARD = re.compile(r"[3-6]\d{14,18}|9558\d{15}")
_TOLD = {
    "phone": re.compile(
        rf"(?:手机|电话|座机|固话|热线|传真|致电|拨打|打给?我|联系(?:我|方式)?|号码|短信|tel|phone|mobile|call|fax){_LINK}$"
    ),
    "local": re.compile(rf"(?:电话|座机|固话|热线|传真|致电|拨打|tel|phone|fax){_LINK}$"),
    "card": re.compile(rf"(?:卡|账号|帐号|card){_LINK}$"),
}
_RANK = {"resident-id": 0, "bank-card": 1, "mobile": 2, "phone": 3}
_LATIN = re.compile("[a-z]")
_FRACTION = re.compile(r"(?<!\d)0[.x]$")
_UNIT = re.compile(f" ?(?:[{_UNITS}]|用户)|[.:,]\\d")
_LAYOUTS = {
    "mobile": {(3, 8), (3, 4, 4), (7, 4), (3, 3, 5), (4, 3, 4), (4, 4, 3), (3, 2, 2, 2, 2), (3, 4, 2, 2)},
    "phone": {(3, 3, 4), (3, 7), (4, 3, 3), (4, 6)}
    | {(area, *rest) for area in (2, 3, 4) for rest in ((8,), (7,), (4, 4), (3, 4), (4, 3), (2, 2, 2, 2))},
    "bank-card": {(6, 10), (6, 13), (4, 12), (4, 15), (8, 8), (8, 11), (4, 6, 5)}
    | {(4, 4, 4, *rest) for rest in ((4,), (4, 1), (4, 2), (4, 3), (3,))},
    "local": {(4, 4), (3, 4), (4, 3), (2, 2, 2, 2)},
}
MAX_GROUPS = 6
_GAPS_THAT_MIX = set(" -~_*()|")

# addresses
_DOT = r"(?:\.|点|dot| dot |[(\[~]dot[)\]~])"
_TLD = (
    r"(?:com|net|org|edu|gov|mil|info|biz|name|pro|mobi|asia|xyz|top|vip|club|site|online|tech|app|dev|wang|ltd|shop"
    r"|store|ink|fun|work|live|cloud|email|mail|school|(?!(?:js|ts|py|rb|go|md|sh|rs)(?![a-z0-9]))[a-z]{2})"
)
_MAILBOX = (
    rf"(?:vip{_DOT})?(?:(?:163|126|139|188|189|qq|21cn|sina|sohu|yeah|foxmail|gmail|hotmail|outlook|live|icloud|yahoo|"
    rf"aliyun|proton|protonmail)(?: ?\. ?|{_DOT})(?:com|cn|net|me)|[a-z0-9-]{{2,30}}{_DOT}edu)(?:{_DOT}cn)?"
)
_SURE_AT = rf"(?:@| @ | ?{_OPEN}\ ?at ?{_CLOSE} ?| ?(?:艾特|爱特|圈a|小老鼠) ?)"
_LIKELY_AT = r"(?: ?@ ?| ?[#*$&^!=] ?| at )"
_DOMAIN = (
    rf"(?!v?\d+\.\d)[a-z0-9-]{{1,63}}(?:{_DOT}[a-z0-9-]{{1,63}}){{0,3}}"
    rf"(?:\.{_TLD}|(?: ?\. ?|{_DOT})(?:com|cn|net|org|edu))"
)
_MAIL = re.compile(
    rf"(?<![a-z0-9._+-])(?<![/:])[a-z0-9][a-z0-9._+-]{{0,63}}(?:{_LIKELY_AT}{_MAILBOX}|{_SURE_AT}{_DOMAIN})"
    r"(?![a-z0-9-])(?!:[a-z0-9~._-]*/)"
    r"|(?<![a-z0-9._+-])\d{5,11}@qq(?![a-z0-9.])"
)

# plates
_PLATE = re.compile(
    rf"(?<![更最全刷重创里讯为新])[{_PROVINCES}]{_MARK}?[a-hj-z]{_MARK}{{0,2}}(?:"
    rf"\d{{5}}[a-hjk]|[a-hjk][a-hj-np-z0-9]\d{{4}}"
    rf"|(?!(?:\d*[a-z]){{3}})[a-hj-np-z0-9]{{4}}(?:[a-hj-np-z0-9]|{_MARK}?(?:[港澳警挂]|学(?![校生院号习期科长])"
    r"|领(?![导带取先])|使(?![用命])|试(?![试卷题验])|超(?![市级过人])))"
    r"|[a-hj-np-z0-9](?: \d){4,5})(?![a-z0-9])"
)
_PLATE_BEGINS = re.compile(f"[{_PROVINCES}][a-z]")

# ids
_WECHAT = re.compile(
    r"(?<![a-z0-9])(?P<own>wxid_[a-z0-9_-]{5,20})"
    rf"|(?P<word>[我加搜]?{_MARK}{{0,2}}(?:[微薇威徽维]{_MARK}{{0,2}}信|[微薇威徽]x|v{_MARK}{{0,2}}信|weixin|wechat"
    rf"|(?<![a-z0-9])[vw]x|卫星|绿泡泡)|加{_MARK}{{0,2}}[v微薇]|(?<![a-z0-9])(?:\+ ?v|v(?= ?:)))"
    rf"(?P<link>{_LINK})(?P<id>[a-z][a-z0-9_-]{{5,19}}|[1-9]\d{{5,11}})(?![a-z0-9])"
)
_QQ = re.compile(
    rf"(?P<word>qq|扣扣|抠抠|企鹅|加q|[q扣][群裙]|群号|球球|[加进入][群裙]|(?:交流|粉丝)群|群(?= ?:)"
    rf"|(?<![a-z0-9])q(?= ?:))(?P<link>{_LINK})(?P<id>[1-9](?:[ ~*_.-]{{0,3}}\d){{4,10}})(?!\d)"
)
_SAID = re.compile(r"[号:=是叫搜]|id")
_NO_ID = re.compile(
    r"(?:windows?|win\d|mac|linux|ubuntu|android|harmony|iphone|ipad|ios|python|java|node|server|sdk|api|app|web|http"
    r"|www|version|ver\d|beta|release|update|upgrade|download|login|pay|work|group|request|mini|chat|bot|team|read"
    r"|official|desktop|client|photo|message|video|voice|moments|channels?|please|welcome|(?:if|for|key|else|elif)-)"
)
_SENTENCE = re.compile(r" [a-z]{2}")
_SHORTCUT = re.compile(r"(?:ctrl|cmd|command|alt|shift|control)[ +-]*$")

# what was not searched: everything that might be something
_BLIND = re.compile(
    rf"\d(?>{_MARK}{{0,8}}(?:[a-z\u4e00-\u9fff]{{1,2}}{_MARK}{{0,2}})?\d){{4,}}+(?:{_MARK}{{0,3}}x)?"
    r"|(?<![a-z0-9._+-])[a-z0-9._+-]++ ?(?:@|[#*$&^!=](?=[a-z0-9-]++\.)|[(\[{<~] ?at ?[)\]}>~]|艾特|爱特|圈a"
    rf"|小老鼠|at (?={_MAILBOX})) ?(?:[a-z0-9.点-]| ?[(\[~]dot[)\]~] ?| dot )*+"
    r"|(?<![a-z0-9_-])(?=[a-z_-]*+\d)[a-z0-9_-]{6,}+"
    rf"|(?<=[{_PROVINCES}])[ ~-]?[a-z]{_MARK}{{0,2}}[a-z0-9]{{4,6}}(?![a-z0-9])"
)


# ---------------------------------------------------------------- which texts to read


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
    plates = plates[_flags(_PROVINCES).take(codes.take(plates), mode="clip")]
    told = np.concatenate([batch.numbers(batch.kept.take(plates)), batch.numbers(_signs(batch.codes))])
    return sorted({*announced, *(counts >= MIN_DIGITS).nonzero()[0].tolist(), *told.tolist()})


_SIGNS = "@＠﹫🐧"
_SIGNS_BESIDE = ":：+＋➕﹢([{<（【［〔"
"""They count beside a v, and before "at"; one blank may stand between. See `_signs` and `_sign`."""


def _signs(codes: Codes) -> Index:
    """Places of @ and its like, among code points of texts with a line break between them."""
    places = _flags(_SIGNS + _SIGNS_BESIDE).take(codes, mode="clip").nonzero()[0]
    if not len(places):
        return places

    def folded(step: int) -> Codes:
        beside = codes.take(places + step, mode="clip")
        beside = np.where(beside == 0x20, codes.take(places + 2 * step, mode="clip"), beside)
        return np.where(beside & ~np.uint32(0x10) == 0x2164, ord("v"), tables().fold.take(beside))

    sure = _flags(_SIGNS).take(codes.take(places), mode="clip")
    before, after = folded(-1), folded(1)
    return places.compress(sure | (before == ord("v")) | (after == ord("v")) | (after == ord("a")))


def _is_signed(text: str) -> bool:
    """The same of one text: whether there are any."""
    return bool(_ANY_SIGN.search(text) and _sign().search(text))


_ANY_SIGN = re.compile(f"[{re.escape(_SIGNS + _SIGNS_BESIDE)}]")


@functools.cache
def _sign() -> re.Pattern[str]:
    fold = tables().fold
    v, a = ("".join(map(chr, (fold == ord(letter)).nonzero()[0].tolist())) for letter in "va")
    beside = f"[{re.escape(_SIGNS_BESIDE)}]"
    return re.compile(f"[{_SIGNS}]|[{v}Ⅴⅴ] ?{beside}|{beside} ?[{v}Ⅴⅴ{a}]")


@functools.cache
def _flags(chars: str) -> npt.NDArray[np.bool_]:
    """Which code points up to 0x1FFFE are among some characters."""
    flags = np.zeros(1 << 17, np.bool_)
    flags[[ord(char) for char in chars]] = True
    return flags


# ---------------------------------------------------------------- finds


def personal(text: str) -> list[Personal]:
    """All finds in the first MAX_READ code points, ordered, without overlaps. Time grows with the length."""
    text = text[:MAX_READ]
    soft, places = _soft(text)
    found: list[tuple[int, int, str]] = []
    taken = bytearray(len(soft))
    for kind, start, end in _matches(soft):
        if not any(taken[start:end]):
            taken[start:end] = b"\1" * (end - start)
            found.append((places[start], places[end - 1] + 1, kind))
    found.sort()
    limits = [*(start for start, _, _ in found[1:]), len(text)]
    return [
        Personal(kind, start, min(with_marks(text, end), limit), _SEVERITY.get(kind, Severity.SENSITIVE))
        for (start, end, kind), limit in zip(found, limits, strict=False)
    ]


def _matches(soft: str) -> Iterator[tuple[str, int, int]]:
    """Finds in order of precedence: the surest kinds first."""
    for mail in _MAIL.finditer(soft):
        yield "e-mail", mail.start(), mail.end()
    numbers = _HASH.sub(lambda found: "z" * len(found[0]), soft)
    yield from _numbers(numbers)
    lettered = _LETTERED.sub(lambda found: found[0].translate(_OIL), numbers)
    if lettered != numbers:
        yield from _numbers(lettered)
    for plate in _PLATE.finditer(soft):
        yield "plate", plate.start(), plate.end()
    for wechat in _WECHAT.finditer(soft):
        if wechat["own"]:
            yield "wechat", wechat.start(), wechat.end()
        elif _is_wechat(soft, wechat):
            yield "wechat", *wechat.span("id")
    for qq in _QQ.finditer(soft):
        if (end := _qq_end(soft, qq)) > 0:
            yield "qq", qq.start("id"), end


def _is_wechat(soft: str, found: re.Match[str]) -> bool:
    """Whether an id follows the word, or only another word (微信 windows 版, wx.request)."""
    word, link, name = found.group("word", "link", "id")
    alone = word.replace(" ", "") in {"v", "+v"}
    if alone and _SHORTCUT.search(soft, max(0, found.start() - 12), found.start()):
        return False
    if name.isdecimal():
        return not name.endswith("0000") and not _has_unit(soft, found.end()) and (not alone or len(name) > 6)
    if _NO_ID.match(name) or (link in {".", "_", "-", "("} and word.isascii()):
        return False
    if "_" in name or any(map(str.isdecimal, name)):
        return True
    said = word[0] in "我加搜+" or _SAID.search(link)
    return bool(said and not alone and not _SENTENCE.match(soft, found.end()))


def _qq_end(soft: str, found: re.Match[str]) -> int:
    """Where the number ends; 0 if it is a date, a version or so many of something."""
    start, end = found.span("id")
    groups = [one.span() for one in _DIGITS.finditer(soft, start, end)]
    sizes = [b - a for a, b in groups]
    if len(sizes) > 1 and (sizes[0] >= 8 or (sizes[0] >= 5 and _has_unit(soft, end))):
        end, sizes = groups[0][1], sizes[:1]
    least = (
        6
        if found["word"] in {"q", "群"} or (found["word"] == "企鹅" and not _SAID.search(found["link"]))
        else 5
    )
    if sum(sizes) < least or _has_unit(soft, end):
        return 0
    if len(sizes) == 1:
        return end
    gaps = {soft[a:b] for (_, a), (b, _) in itertools.pairwise(groups)}
    rounds = all(soft[b - 1] == "0" for _, b in groups)
    if len(gaps) > 1 or rounds or (sizes[0] == 4 and set(sizes[1:]) <= {1, 2}):
        return 0
    if set(sizes) == {1}:
        return end if len(sizes) > 6 else 0
    return end if min(sizes) > 1 and len(sizes) < 5 and gaps != {"."} else 0


def _has_unit(soft: str, end: int) -> bool:
    """Whether a number that ends here counts something, or goes on."""
    return bool(_UNIT.match(soft, end))


# ---------------------------------------------------------------- numbers


def _numbers(soft: str) -> list[tuple[str, int, int]]:
    """Numbers in digits, with what stands between their groups, the surest first."""
    found = [
        one for run in _RUN.finditer(soft) if run.end() - run.start() >= MIN_DIGITS for one in _Run(soft, run)
    ]
    found.sort(key=lambda one: (_RANK[one[0]], one[1] - one[2]))
    return found


class _Run:
    """Groups of digits in a row. What a piece of it is: by its digits, and by how they are parted.

    An array, a date, a score, a decimal fraction can have as many digits as a telephone number, but seldom
    in groups as people write those. Behind a word for telephone, grouping does not matter.
    """

    def __init__(self, soft: str, run: re.Match[str]) -> None:
        self.soft = soft
        self.groups = [one.span() for one in _DIGITS.finditer(soft, *run.span())]
        self.sizes = [b - a for a, b in self.groups]
        self.marks = [_mark(soft[a:b]) for (_, a), (b, _) in itertools.pairwise(self.groups)]
        before = soft[max(0, run.start() - 16) : run.start()]
        self.told = {kind for kind, words in _TOLD.items() if words.search(before)}
        lead = soft[slice(*self.groups[0])]
        self.plus = lead == "0086" or (lead.startswith("86") and before.endswith("+"))
        self.first = int(len(self.groups) > 1 and (lead in {"86", "0086"}))

    def __iter__(self) -> Iterator[tuple[str, int, int]]:
        for first in range(len(self.groups)):
            total = 0
            for last in range(first, min(first + MAX_GROUPS, len(self.groups))):
                total += self.sizes[last]
                if total > 19:
                    break
                if total >= MIN_DIGITS:
                    yield from self._piece(first, last + 1, total)
        for single, stretch in itertools.groupby(range(len(self.groups)), lambda at: self.sizes[at] == 1):
            places = list(stretch)
            if single and MAX_GROUPS < len(places) <= 19:
                yield from self._piece(places[0], places[-1] + 1, len(places))

    def _piece(self, first: int, last: int, total: int) -> Iterator[tuple[str, int, int]]:
        end = self.groups[last - 1][1]
        digits = "".join(self.soft[a:b] for a, b in self.groups[first:last])
        if total == 17 and (tail := _LAST_X.match(self.soft, end)):
            digits, end = digits + "x", tail.end()
        told = self.told if first == self.first else set()
        kind, skip = _kind_of(digits, told, abroad=self.plus and first == self.first)
        if not kind:
            return
        while first < last and skip >= self.sizes[first]:
            skip -= self.sizes[first]
            first += 1
        if kind == "local" and _has_unit(self.soft, end):
            return
        if self._fits(kind, first, last, skip, told=bool(told)):
            yield "phone" if kind == "local" else kind, self.groups[first][0] + skip, end

    def _fits(self, kind: str, first: int, last: int, skip: int, *, told: bool) -> bool:
        """Whether people part such a number in this way: groups first to last, without `skip` digits."""
        soft, groups, marks = self.soft, self.groups[first:last], self.marks[first : last - 1]
        start, end = groups[0][0], groups[-1][1]
        if not marks:
            return told or not _FRACTION.search(soft[max(0, start - 3) : start])
        sizes = (self.sizes[first] - skip, *self.sizes[first + 1 : last])
        usual = sizes in _LAYOUTS.get(kind, ()) or max(sizes) == 1
        if any(map(str.isalnum, marks)):
            beside = soft[max(0, start - 1)] + soft[end : end + 1]
            one = len(set(marks)) == 1 < len(marks) and not (marks[0].isascii() and _LATIN.search(beside))
            return one and marks[0] not in _UNITS and (usual or kind == "resident-id")
        if told or kind == "resident-id":
            return True
        if not _part_one_number(marks) or _are_several(kind, [soft[a:b] for a, b in groups]):
            return False
        if usual:
            edges = {*self.marks[max(self.first, first - 1) : first], *self.marks[last - 1 : last]}
            return kind == "phone" or sizes == (3, 4, 4) or not edges & set(marks)
        whole = first <= self.first and last == len(self.groups)
        few = len(sizes) < 4 if marks[0] == " " else marks[0] not in set(",.:/;")
        return kind == "mobile" and whole and few and min(sizes[:-1]) > 1


def _part_one_number(marks: list[str]) -> bool:
    """Whether such marks stand in one number: alike, and neither its decimal point nor signs of reckoning."""
    if len(set(marks)) > 1 and not set("".join(marks)) <= _GAPS_THAT_MIX:
        return False
    return marks != ["."] and not any(mark == ", " or mark[0] in "=+%$<>" for mark in marks)


def _are_several(kind: str, groups: list[str]) -> bool:
    """Whether groups look like numbers of their own: all round, years, or marks of 60 to 99."""
    zeros = "00" if kind == "phone" else "0"
    years = sum(len(one) == 4 and one[:2] in {"19", "20"} for one in groups)
    marks = len(groups) > 3 and all(len(one) == 2 and one >= "60" for one in groups[1:])
    return years > 1 or marks or all(one.endswith(zeros) for one in groups)


def _mark(gap: str) -> str:
    """What parts two groups: without spaces beside it, and once."""
    mark = gap.strip() or " "
    if mark == "," and gap != mark:
        return ", "  # an array
    return mark[0] if mark == mark[0] * len(mark) else mark


def _kind_of(digits: str, told: set[str], *, abroad: bool) -> tuple[str, int]:
    """What such digits are, and how many of them come before it (86). `abroad`: behind +86."""
    if _RESIDENT.fullmatch(digits) and is_resident_id(digits):
        return "resident-id", 0
    if (_ANY_CARD if "card" in told else _CARD).fullmatch(digits) and is_luhn(digits):
        return "bank-card", 0
    if mobile := _MOBILE.fullmatch(digits):
        return "mobile", mobile.start(1)
    if _PHONE.fullmatch(digits):
        return "phone", 0
    if abroad and (phone := _PHONE_ABROAD.fullmatch(digits)):
        return "phone", phone.start(1)
    return ("local", 0) if "local" in told and _LOCAL.fullmatch(digits) else ("", 0)


def is_resident_id(number: str) -> bool:
    """GB 11643: a day that existed, and ISO 7064 MOD 11-2 over 17 digits."""
    try:
        dt.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    rest = sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False)) % 11
    return number[17] == "10x98765432"[rest]


def is_luhn(number: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    odd = sum(map(int, number[-1::-2]))
    even = sum(sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (odd + even) % 10 == 0 and len(set(number)) > 1


# ---------------------------------------------------------------- masks


def masked(text: str, finds: Sequence[Personal]) -> str:
    """The text with the middle of every find starred out; of the same length.

    What is behind MAX_READ was not searched: there `masked_blind` does it, from BORDER before it on.
    """
    out = list(text)
    kind_of = tables().kind
    for one in finds:
        shown = [at for at in range(one.start, one.end) if kind_of[ord(text[at])] <= Kind.ALNUM]
        signs = [at for at in range(one.start, one.end) if text[at] in "@＠﹫"]
        if one.kind == "e-mail" and signs:
            before = [at for at in shown if at < signs[0]]
            hidden = before[1:] or before
        else:
            local = one.kind == "phone" and len(shown) < 9
            head, tail = (2, 2) if local else _KEEP.get(one.kind, (1, 1))
            hidden = shown[head : len(shown) - tail]
        if hidden:
            end = min(with_marks(text, hidden[-1] + 1), one.end)
            out[hidden[0] : end] = "*" * (end - hidden[0])
    if len(text) > MAX_READ:
        cut = MAX_READ - BORDER
        behind = masked_blind(text[cut:])
        out[cut:] = [one if star != "*" else star for one, star in zip(out[cut:], behind, strict=True)]
    return "".join(out)


def masked_blind(text: str) -> str:
    """A text nobody has searched, with everything starred out that may be personal data.

    Five digits or more, addresses, words with digits in them, plates. Of the same length; half a second
    for a megabyte.
    """
    soft, places = _soft(text)
    out = list(text)
    spans = [found.span() for found in _BLIND.finditer(soft)]
    spans += [found.span("own" if found["own"] else "id") for found in _WECHAT.finditer(soft)]
    for low, high in spans:
        start, end = places[low], places[high - 1] + 1
        out[start:end] = "*" * (end - start)
    return "".join(out)


# ---------------------------------------------------------------- how a text is read


class _Soft(dict[str, str]):
    """What each character is read as; fills itself with what it is asked for."""

    def __missing__(self, char: str) -> str:
        table = tables()
        code = int(table.fold[ord(char)])
        if char in _READ_AS:
            read = _READ_AS[char]
        elif code >= CODE_POINTS:
            read = table.several[code - CODE_POINTS]
        elif code:
            read = chr(code)
        elif table.kind[ord(char)] == Kind.INVISIBLE:
            read = ""
        elif char.isspace():
            read = " "
        else:
            read = char if char < "\x80" else "~"
        self[char] = read
        return read


def _soft(text: str) -> tuple[str, Sequence[int]]:
    """The text folded with its punctuation kept, and for each character its place in the original.

    Punctuation is that of ASCII, other signs are "~".
    """
    if "Ⅴ" in text or "ⅴ" in text:
        text = _LONE_V.sub("v", text)
    read = [_READ[char] for char in text]
    soft = "".join(read)
    if len(soft) == len(text) and "" not in read:
        return soft, range(len(text))
    return soft, [at for at, one in enumerate(read) for _ in one]


_LONE_V = re.compile("(?<![Ⅰ-ⅿ0-9])[Ⅴⅴ](?![Ⅰ-ⅿ0-9])")
_READ_AS = {chr(ord(char) + 0xFEE0): char for char in "!#$%&'()*+,-./:;<=>?@[]^_{|}~"} | {
    char: read
    for read, chars in {
        "1": "幺", "@": "﹫", "+": "➕﹢⁺", ":": "﹕∶", ",": "、﹐", ".": "。", "-": "－–—‐‑‒―−﹣➖",
        " ": "·", "$": "¥￥€£", "%": "°％‰", "(": "【〔［『「", ")": "】〕］』」", "x": "×✕✖Ⅹⅹ", "=": "÷≈≠",
        "电话": "☎📞📱✆",
        "企鹅": "🐧", "id": "🆔",
    }.items()
    for char in chars
}  # fmt: skip
_READ = _Soft()
