"""Mobile and phone numbers, resident IDs, bank cards: recognised by their digits and groups.

All of it works on text that was read softly.
"""

import datetime as dt
import itertools
import re
import string
from collections.abc import Iterator

from moderation.personal.softread import LINK, MARK, Spot

MIN_DIGITS = 7
"""The digits of the shortest number, a phone without its area code."""
MAX_DIGITS = 19
MAX_GROUPS = 6
"""Groups of one number, unless each is a single digit."""

MAYBE_NUMBER = rf"\d(?>{MARK}{{0,8}}(?:[a-z\u4e00-\u9fff]{{1,2}}{MARK}{{0,2}})?\d){{4,}}+(?:{MARK}{{0,3}}x)?"
"""Five digits or more, whatever parts them: for text that nobody searches."""

_GAP = r"[^0-9a-z\u4e00-\u9fff@]"
_GAPS_THAT_MIX = set(" -~^_*()|")
_UNITS = "元块毛角分秒时点天日月年号楼层室岁人个次米克斤吨万亿千百只头名位条张件台瓶班级届章节页题步票赞粉%"
_COUNTS = re.compile(rf" ?(?:[{_UNITS}]|用户)|[.:,]\d")

_COUNTING = "个只条张件位次"
"""Units that nobody counts 138 of and then 1234."""
_LETTERS = frozenset(string.ascii_lowercase)

_DIGITS = re.compile(r"\d+")
_LATIN = re.compile("[a-z]")
# digits in groups, with signs or one letter between
_RUN = re.compile(rf"\d+(?>(?:{_GAP}{{1,8}}| ?[a-z\u4e00-\u9fff] ?)\d+)*")
# 24 hexadecimal digits or more, in which digits and letters take turns: a hash, no number
_HASH = re.compile(r"(?<![a-z0-9])(?=[a-f]*+(?:\d++[a-f]++){3})[0-9a-f]{24,}+(?![a-z0-9])")
# a word of digits and of letters that look like them; the x of a resident ID may follow
_LETTERED = re.compile(r"(?<![a-z0-9])(?=[oil]{0,4}\d)[0-9oil]*+(?!(?!x(?![a-z0-9]))[a-z0-9])")
_OIL = str.maketrans("oil", "011")

_MOBILE = re.compile(r"(?:0|86|0086)?(1[3-9]\d{9})")
_PHONE = re.compile(r"0(?:10|2\d)[1-9]\d{7}|0[3-9]\d{2}[1-9]\d{6,7}|400\d{7}|800[1-9]\d{6}")
_PHONE_ABROAD = re.compile(r"(?:86)?((?:10|2\d)[2-9]\d{7}|[3-9]\d{2}[2-9]\d{6,7})")
# without an area code; neither a day of this century nor a round number
_LOCAL = re.compile(r"(?!20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$)[2-8]\d{6,7}(?<!0000)")
_LOCAL_ANY = re.compile(r"[1-9]\d{6,7}")
# area (its first two digits are a province), year, month and day, serial number, check
_RESIDENT = re.compile(r"(?:[1-6]\d|71|8[1-3]|9\d)\d{4}(?:18|19|20)\d{9}[\dx]")
_LAST_X = re.compile(rf"{_GAP}{{0,3}}x(?!\d)")
# UnionPay, Discover and older Chinese cards, Visa, Mastercard, JCB, American Express, ICBC
_CARD = re.compile(
    r"62\d{14,17}|6[05]\d{14}(?:\d{3})?|4\d{15}(?:\d{3})?|5[1-5]\d{14}|35\d{14}|3[47]\d{13}|9558\d{15}"
)
# a resident ID of its word only: with any check digit, without one, or of the first generation
_MISTYPED = re.compile(r"[1-9]\d{14}(?:\d{2}[\dx]?)?")
_ANY_CARD = re.compile(r"[3-6]\d{14,18}|9558\d{15}")

_ANNOUNCING = {
    "phone": re.compile(
        rf"(?:手机|电话|座机|固话|热线|传真|致电|拨打|打给?我|联系(?:我|方式)?|号码|短信|tel|phone|mobile|call|fax){LINK}$"
    ),
    "local": re.compile(rf"(?:电话|座机|固话|热线|传真|致电|拨打|tel|phone|fax){LINK}$"),
    "card": re.compile(rf"(?:卡|账号|帐号|card){LINK}$"),
    "resident": re.compile(rf"(?:身份证|身份号|公民身份){LINK}$"),
    "behind area": re.compile(rf"区号{LINK}0\d{{2,3}}{MARK}{{0,3}}(?:电话|座机|固话|号码)?{LINK}$"),
}
"""What the words before a number say it is. "local": a phone without its area code."""
_TOLD_WITHIN = 24
_DECIMAL_OR_HEX = re.compile(r"(?<!\d)0[.x]$")

_RANK = {"resident-id": 0, "bank-card": 1, "mobile": 2, "phone": 3}
_LAYOUTS = {
    "mobile": {(3, 8), (3, 4, 4), (7, 4), (3, 3, 5), (4, 3, 4), (4, 4, 3), (3, 2, 2, 2, 2), (3, 4, 2, 2)}
    | {(3, 3, 3, 2)},
    "phone": {(3, 3, 4), (3, 7), (4, 3, 3), (4, 6)}
    | {(area, *rest) for area in (2, 3, 4) for rest in ((8,), (7,), (4, 4), (3, 4), (4, 3), (2, 2, 2, 2))},
    "bank-card": {(6, 10), (6, 13), (4, 12), (4, 15), (8, 8), (8, 11), (4, 6, 5)}
    | {(4, 4, 4, *rest) for rest in ((4,), (4, 1), (4, 2), (4, 3), (3,))},
    "local": {(4, 4), (3, 4), (4, 3), (2, 2, 2, 2)},
}
"""How many digits stand in each group where people part such a number."""


def numbers(soft: str) -> list[Spot]:
    """Numbers in digits, then those with o, i or l for some; each time the surest first. They may overlap."""
    if not _DIGITS.search(soft):
        return []
    plain = _HASH.sub(lambda found: "z" * len(found[0]), soft)
    lettered = _LETTERED.sub(lambda found: found[0].translate(_OIL), plain)
    return _in_digits(plain) if lettered == plain else _in_digits(plain) + _in_digits(lettered)


def counts_something(soft: str, end: int) -> bool:
    """Whether a number that ends here is so many of something, or goes on (.5, :30)."""
    return bool(_COUNTS.match(soft, end))


def groups_of(soft: str, start: int, end: int) -> list[tuple[int, int]]:
    """Where each group of digits begins and ends."""
    return [one.span() for one in _DIGITS.finditer(soft, start, end)]


def _in_digits(soft: str) -> list[Spot]:
    found: list[Spot] = []
    for run in _RUN.finditer(soft):
        start, end = run.span()
        if end - start >= MIN_DIGITS:
            found += _Run(soft, start, end).spots()
    found.sort(key=lambda spot: (_RANK[spot[0]], spot[1] - spot[2]))
    return found


class _Run:
    """Groups of digits in a row. What a piece of it is: by its digits, and by how they are parted.

    An array, a date, a score, a decimal fraction can have as many digits as a telephone number, but seldom
    in groups as people write those. Behind a word for telephone, grouping does not matter.
    """

    def __init__(self, soft: str, start: int, end: int) -> None:
        self.soft = soft
        self.groups = groups_of(soft, start, end)
        self.sizes = [b - a for a, b in self.groups]
        self.marks = [_mark(soft[a:b]) for (_, a), (b, _) in itertools.pairwise(self.groups)]
        before = soft[max(0, start - _TOLD_WITHIN) : start]
        self.announced = {kind for kind, words in _ANNOUNCING.items() if words.search(before)}
        code = soft[slice(*self.groups[0])]
        self.abroad = code == "0086" or (code.startswith("86") and before.endswith("+"))
        self.head = int(len(self.groups) > 1 and code in {"86", "0086"})
        """The first group behind the country's code; `announced` and `abroad` are about what begins there."""

    def spots(self) -> Iterator[Spot]:
        for first in range(len(self.groups)):
            total = 0
            for last in range(first, min(first + MAX_GROUPS, len(self.groups))):
                total += self.sizes[last]
                if total > MAX_DIGITS:
                    break
                if total >= MIN_DIGITS:
                    yield from self._piece(first, last + 1)
        if len(self.groups) > MAX_GROUPS:
            for single, stretch in itertools.groupby(range(len(self.groups)), lambda at: self.sizes[at] == 1):
                places = list(stretch)
                if single and MAX_GROUPS < len(places) <= MAX_DIGITS:
                    yield from self._piece(places[0], places[-1] + 1)

    def _piece(self, first: int, last: int) -> Iterator[Spot]:
        """What the groups from `first` to before `last` are, if anything."""
        end = self.groups[last - 1][1]
        digits = "".join(self.soft[a:b] for a, b in self.groups[first:last])
        if len(digits) == 17 and (tail := _LAST_X.match(self.soft, end)):
            digits, end = digits + "x", tail.end()
        announced = self.announced if first == self.head else set()
        kind, skip = _kind_of(digits, announced, abroad=self.abroad and first == self.head)
        if not kind:
            return
        while first < last and skip >= self.sizes[first]:
            skip -= self.sizes[first]
            first += 1
        if kind == "local" and counts_something(self.soft, end):
            return
        if self._fits(kind, first, last, skip, announced=bool(announced)):
            yield "phone" if kind == "local" else kind, self.groups[first][0] + skip, end

    def _fits(self, kind: str, first: int, last: int, skip: int, *, announced: bool) -> bool:
        """Whether people part such a number in this way: groups first to last, without `skip` digits."""
        soft, groups, marks = self.soft, self.groups[first:last], self.marks[first : last - 1]
        start, end = groups[0][0], groups[-1][1]
        if not marks:
            return announced or not _DECIMAL_OR_HEX.search(soft[max(0, start - 3) : start])
        sizes = (self.sizes[first] - skip, *self.sizes[first + 1 : last])
        usual = sizes in _LAYOUTS.get(kind, ()) or max(sizes) == 1
        if any(map(str.isalnum, marks)):
            return self._parted_by_letters(marks, sizes, start, end, usual=usual or kind == "resident-id")
        if announced or kind == "resident-id":
            return True
        if not _part_one_number(marks) or _are_several(kind, [soft[a:b] for a, b in groups], marks[0]):
            return False
        if usual:
            outside = {*self.marks[max(self.head, first - 1) : first], *self.marks[last - 1 : last]}
            return kind == "phone" or sizes == (3, 4, 4) or not outside & set(marks)
        whole = first <= self.head and last == len(self.groups)
        few = len(sizes) < 4 if marks[0] == " " else marks[0] not in set(",.:/;")
        return kind == "mobile" and whole and few and min(sizes[:-1]) > 1

    def _parted_by_letters(
        self, marks: list[str], sizes: tuple[int, ...], start: int, end: int, *, usual: bool
    ) -> bool:
        """The same of groups with letters between: one for all, or Latin ones in a mobile (138a1234b5678)."""
        soft, alike = self.soft, len(set(marks)) == 1 < len(marks)
        if _LATIN.search(soft[max(0, start - 1)] + soft[end : end + 1]) and not set(marks).isdisjoint(
            _LETTERS
        ):
            return False
        as_written = sizes == (3, 4, 4)
        if set(marks) <= _LETTERS and as_written:
            return True
        if alike and marks[0] in _COUNTING and as_written:
            return soft[end : end + 2].strip()[:1] != marks[0] and not counts_something(soft, end)
        return alike and marks[0] not in _UNITS and usual


def _mark(gap: str) -> str:
    """What parts two groups: without spaces beside it, and once."""
    mark = gap.strip() or " "
    if mark == "," and gap != mark:
        return ", "  # an array
    return mark[0] if mark == mark[0] * len(mark) else mark


def _part_one_number(marks: list[str]) -> bool:
    """Whether such marks stand in one number: alike, and neither its decimal point nor signs of reckoning."""
    if len(set(marks)) > 1 and not set("".join(marks)) <= _GAPS_THAT_MIX:
        return False
    return marks != ["."] and not any(mark == ", " or mark[0] in "=+%$<>" for mark in marks)


def _are_several(kind: str, groups: list[str], mark: str) -> bool:
    """Whether groups look like numbers of their own: round ones, years, or marks of 60 to 99.

    `mark`: what parts them.
    """
    zeros = "00" if kind == "phone" else "0"
    threes = list(map(len, groups)) == [3, 3, 3, 2]
    if threes and (mark not in " -" or sum(one.endswith("0") for one in groups) > 1):
        return True
    years = sum(len(one) == 4 and one[:2] in {"19", "20"} for one in groups)
    marks = len(groups) > 3 and all(len(one) == 2 and one >= "60" for one in groups[1:])
    return years > 1 or marks or all(one.endswith(zeros) for one in groups)


def _kind_of(digits: str, announced: set[str], *, abroad: bool) -> tuple[str, int]:
    """What such digits are, and how many of them come before it (86). `abroad`: behind +86."""
    if _is_resident(digits, announced):
        return "resident-id", 0
    if _is_card(digits, announced):
        return "bank-card", 0
    if mobile := _MOBILE.fullmatch(digits):
        return "mobile", mobile.start(1)
    if _PHONE.fullmatch(digits):
        return "phone", 0
    if abroad and (phone := _PHONE_ABROAD.fullmatch(digits)):
        return "phone", phone.start(1)
    local = _LOCAL_ANY if "behind area" in announced else _LOCAL if "local" in announced else None
    return ("local", 0) if local and local.fullmatch(digits) else ("", 0)


def _is_resident(digits: str, announced: set[str]) -> bool:
    """By its check digit; behind its word in any case, for a slip hides nothing of the rest."""
    if "resident" in announced and _MISTYPED.fullmatch(digits):
        return True
    return bool(_RESIDENT.fullmatch(digits)) and is_resident_id(digits)


def _is_card(digits: str, announced: set[str]) -> bool:
    """The same of the number of a card."""
    if "card" in announced and _CARD.fullmatch(digits):
        return True
    return bool((_ANY_CARD if "card" in announced else _CARD).fullmatch(digits)) and is_luhn(digits)


def is_resident_id(number: str) -> bool:
    """GB 11643, of 18 digits or 17 and an x: a day that existed, and ISO 7064 MOD 11-2."""
    try:
        dt.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    rest = sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False)) % 11
    return number[17] == "10x98765432"[rest]


def is_luhn(number: str) -> bool:
    """ISO/IEC 7812-1, annex B; digits that are all the same do not count."""
    odd = sum(map(int, number[-1::-2]))
    even = sum(sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (odd + even) % 10 == 0 and len(set(number)) > 1
