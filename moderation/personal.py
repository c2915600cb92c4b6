"""Personal data in a text: found in the same disguises as terms, and starred out (R21).

Candidates come cheap (counts of digits, an @, a word that announces an id); only they are read here.
"""

import datetime as dt
import functools
import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from moderation.fold import Folded
from moderation.lexicon import Severity
from moderation.tables import CODE_POINTS, Kind, tables

MAX_READ = 20_000
"""Code points of one text that are searched; a longer one goes to full review."""


def candidates(batch: Folded, text: str, announced: Collection[int]) -> list[int]:
    """The texts of a batch that may hold personal data. `text`: the first of them.

    `announced`: those with a word for WeChat or QQ.
    """
    codes = batch.kept_codes
    if len(batch.lengths) == 1:
        # the same questions, asked of one text: there an array costs more than it saves
        some = np.count_nonzero(codes - np.uint32(48) < 10) >= MIN_DIGITS
        return [0] if some or announced or _AT.search(text) or _PLATE_BEGINS.search(batch.text) else []
    digits = (codes - np.uint32(48) < 10).nonzero()[0]
    counts = np.bincount(batch.numbers(batch.kept.take(digits)))
    marks = ((batch.codes == 0x40) | (batch.codes == 0xFF20) | (batch.codes == 0xFE6B)).nonzero()[0]
    plates = ((codes[1:] - np.uint32(97) < 26) & (codes[:-1] >= 0x80)).nonzero()[0]
    plates = plates[_province().take(codes.take(plates), mode="clip")]
    told = np.concatenate([batch.numbers(marks), batch.numbers(batch.kept.take(plates))])
    return sorted({*announced, *(counts >= MIN_DIGITS).nonzero()[0].tolist(), *told.tolist()})


class Personal(NamedTuple):
    """One find. `kind`: mobile, phone, resident-id, bank-card, e-mail, plate, wechat, qq. Code points."""

    kind: str
    start: int
    end: int
    severity: Severity


_GAP = r"[^0-9a-z\u4e00-\u9fff@]{0,3}"
_DIGIT = rf"{_GAP}\d"
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"
_ID_WORD = r"(?:微信|薇信|威信|徽信|维信|微x|v信|vx|wx|weixin|wechat|加v|加微|加薇)"
_QQ_WORD = r"(?:qq|扣扣|抠抠|企鹅|加q|q群|群号|球球)"
_BETWEEN = r"[^0-9a-z]{0,6}(?:id|号码?|群)?[^0-9a-z]{0,4}"

_NUMBER = re.compile(rf"(?<!\d)\d(?:{_DIGIT}){{5,21}}x?(?!\d)")
_UNBROKEN = re.compile(r"(?<!\d)\d{7,21}x?(?!\d)")
_MOBILE = re.compile(r"(?:86)?(1[3-9]\d{9})")
_PHONE = re.compile(r"0(?:10|2\d|[3-9]\d{2})[1-9]\d{6,7}|400\d{7}")
_RESIDENT = re.compile(r"[1-9]\d{5}(?:18|19|20)\d{9}[\dx]")
_CARD = re.compile(r"[3-6]\d{15,18}")
_MAIL = re.compile(
    r"(?<![a-z0-9._+-])[a-z0-9][a-z0-9._+-]{0,63} ?@ ?[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4}"
)
_PLATE = re.compile(
    rf"[{_PROVINCES}][a-z][^0-9a-z\u4e00-\u9fff]{{0,2}}(?=[a-z0-9]{{0,5}}\d)[a-z0-9]{{5,6}}(?![a-z0-9])"
)
_PLATE_BEGINS = re.compile(f"[{_PROVINCES}][a-z]")
_AT = re.compile("[@\uff20\ufe6b]")
_WECHAT = re.compile(rf"{_ID_WORD}{_BETWEEN}([a-z][a-z0-9_-]{{5,19}}|[1-9]\d{{5,11}})(?![a-z0-9])")
_QQ = re.compile(rf"{_QQ_WORD}{_BETWEEN}([1-9]\d{{4,11}})(?!\d)")

_KEEP = {"mobile": (3, 4), "phone": (4, 2), "resident-id": (3, 2), "bank-card": (4, 4), "plate": (2, 1)}
_SEVERITY = {"resident-id": Severity.IMPORTANT, "bank-card": Severity.IMPORTANT}

MIN_DIGITS = 10
"""A text with fewer, no @, no plate's beginning and no word that announces an id has none of this."""


@functools.cache
def _province() -> npt.NDArray[np.bool_]:
    flags = np.zeros(1 << 16, np.bool_)
    flags[[ord(char) for char in _PROVINCES]] = True
    return flags


def personal(text: str) -> list[Personal]:
    """All finds, ordered, without overlaps. Time grows with the length of the text only."""
    soft, places = _soft(text[:MAX_READ])
    found: list[Personal] = []
    taken = [False] * (len(soft) + 1)
    for kind, start, end in _matches(soft):
        if any(taken[start:end]):
            continue
        taken[start:end] = [True] * (end - start)
        found.append(
            Personal(kind, places[start], places[end - 1] + 1, _SEVERITY.get(kind, Severity.SENSITIVE))
        )
    return sorted(found, key=lambda one: one.start)


def masked(text: str, finds: list[Personal]) -> str:
    """The text with the middle of every find starred out; of the same length."""
    out = list(text)
    kind_of = tables().kind
    for one in finds:
        shown = [at for at in range(one.start, one.end) if kind_of[ord(text[at])] <= Kind.ALNUM]
        if one.kind == "e-mail":
            at_sign = next(at for at in range(one.start, one.end) if text[at] in "@＠﹫")
            before = [at for at in shown if at < at_sign]
            hidden = before[1:] or before
        else:
            head, tail = _KEEP.get(one.kind, (1, 1))
            hidden = shown[head : len(shown) - tail]
        if hidden:
            out[hidden[0] : hidden[-1] + 1] = "*" * (hidden[-1] + 1 - hidden[0])
    return "".join(out)


def _matches(soft: str) -> Iterator[tuple[str, int, int]]:
    """Finds in order of precedence: the surest kinds first."""
    for mail in _MAIL.finditer(soft):
        yield "e-mail", mail.start(), mail.end()
    for number in _UNBROKEN.finditer(soft):
        yield from _numbers(number[0], number.start())
    for number in _NUMBER.finditer(soft):
        yield from _numbers(number[0], number.start())
    for plate in _PLATE.finditer(soft):
        yield "plate", plate.start(), plate.end()
    for wechat in _WECHAT.finditer(soft):
        yield "wechat", wechat.start(1), wechat.end(1)
    for qq in _QQ.finditer(soft):
        yield "qq", qq.start(1), qq.end(1)


def _numbers(text: str, begin: int) -> Iterator[tuple[str, int, int]]:
    """What a run of digits with gaps is: as a whole, or the part of it between its gaps."""
    places = [at for at, char in enumerate(text) if char.isdecimal() or char == "x"]
    pieces = [(0, len(places))]
    cuts = [i for i in range(1, len(places)) if places[i] - places[i - 1] > 1]
    if cuts:
        bounds = [0, *cuts, len(places)]
        pieces += [(a, b) for i, a in enumerate(bounds) for b in bounds[i + 1 :] if b - a >= 10]
    for low, high in sorted(pieces, key=lambda one: one[0] - one[1]):
        digits = "".join(text[at] for at in places[low:high])
        if kind := _kind_of(digits):
            first = places[low + 2 * (kind == "mobile" and len(digits) == 13)]  # not the 86
            yield kind, begin + first, begin + places[high - 1] + 1
        elif digits.endswith("x") and (kind := _kind_of(digits[:-1])):
            yield kind, begin + places[low], begin + places[high - 2] + 1


def _kind_of(digits: str) -> str:
    if _MOBILE.fullmatch(digits):
        return "mobile"
    if _RESIDENT.fullmatch(digits) and is_resident_id(digits):
        return "resident-id"
    if _CARD.fullmatch(digits) and is_luhn(digits):
        return "bank-card"
    return "phone" if _PHONE.fullmatch(digits) else ""


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


class _Soft(dict[str, str]):
    """What each character is read as; fills itself with what it is asked for."""

    def __missing__(self, char: str) -> str:
        table = tables()
        code = int(table.fold[ord(char)])
        if code >= CODE_POINTS:
            read = table.several[code - CODE_POINTS]
        elif code:
            read = "1" if char == "幺" else chr(code)
        elif table.kind[ord(char)] == Kind.INVISIBLE:
            read = ""
        else:
            read = _PUNCTUATION.get(char, char if char < "\x80" and not char.isspace() else " ")
        self[char] = read
        return read


_READ = _Soft()


def _soft(text: str) -> tuple[str, Sequence[int]]:
    """The text folded with its punctuation kept, and for each character its place in the original."""
    read = [_READ[char] for char in text]
    soft = "".join(read)
    if len(soft) == len(text) and "" not in read:
        return soft, range(len(text))
    return soft, [at for at, one in enumerate(read) for _ in one]


_PUNCTUATION = {chr(ord(char) + 0xFEE0): char for char in "@.-_+"} | {"。": ".", "﹫": "@", "·": " "}
