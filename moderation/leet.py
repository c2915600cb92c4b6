"""Latin terms written with digits and signs for letters, or starred: fr33, $ale, c@shb@ck, f*ck.

A text is read as *shapes*: one byte for each code point, a-z and 0-9 as the fold has them, the signs that
may stand for letters, and a few bytes for the rest. Shapes that may be letters are *units*; units side by
side are a *piece*. What stands between pieces is a gap. Shapes that may be the same letter are of one class;
terms and texts are compared by their *skeletons*, the classes with repeats taken once, and what has the
skeleton of a term is read letter by letter.
"""

import functools
import itertools
import operator
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from moderation.edges import MAX_GAP, with_marks
from moderation.fold import CHUNK, Folded
from moderation.tables import CODE_POINTS, Codes, Index, Kind, tables

MAX_READ = 20_000
"""Code points of a text that are read."""
MAX_UNITS = 160
"""Units from the first of a find to its last."""
MAX_SINGLE_GAP = 4
"""Characters one sees between two letters that stand alone: r . 3 . f . u . n . d."""

_EURO, _MICRO, _SEVERAL = "\x80", "µ", "\x01"
_STANDS = {
    "0": "o", "1": "il", "2": "z", "3": "e", "4": "a", "5": "s", "6": "gb", "7": "t", "8": "b", "9": "gp",
    "$": "s", "@": "a", "!": "il", "|": "il", _EURO: "e", "£": "l", "¢": "c", "(": "c", "<": "c", "+": "t",
    "¥": "y", _MICRO: "u", "#": "h",
}  # fmt: skip
"""Shape -> the letters it may stand for. The micro sign and mu are an m to the fold."""
_FITS = {letter: letter for letter in "abcdefghijklmnopqrstuvwxyz"} | _STANDS | {_MICRO: "mu"}
_PUNCTUATION = "!|(<#*"
"""Signs that mean something else at the edge of a word."""
_LEADING = _PUNCTUATION + "+"
_SAME = {"l": "i", "g": "b", "p": "b", "u": "m"}
_CLASS = str.maketrans({shape: _SAME.get(letters[0], letters[0]) for shape, letters in _FITS.items()})
_SIGNS = "".join(shape for shape in _STANDS if not shape.isdecimal())
_UNIT = "a-z0-9" + re.escape(_SIGNS)
_START = re.compile(f"(?<![a-z0-9{_MICRO}])[{_UNIT}]")
_STOP = re.compile(f"[{_UNIT}](?![a-z0-9{_MICRO}])")
_RUNS = re.compile(r"(.)\1+")
_PIECE = re.compile(f"[{_UNIT}]+")
_STARRED = re.compile(f"[{_UNIT}*]+")
_MADE = re.compile(f"[0-9{re.escape(_SIGNS)}]")
_APART = re.compile(f"(?<![a-z0-9])[a-z0-9](?:[{re.escape(_SIGNS)}][a-z0-9]){{2,}}(?![a-z0-9])")
_QUIET = "_~*"
"""Gaps that are disguise wherever they stand: f_r3e."""
_PRICE = re.compile(f"(?<![a-z0-9])[0-9]+[$£¢¥{_EURO}]|[$£¢¥{_EURO}][0-9]+(?![a-z0-9{re.escape(_SIGNS)}])")
_MEASURES = re.compile(
    r"[0-9]+(st|nd|rd|th|[ap]m|k[gmb]|[cm]m|m[lbs]|[gt]b|ns|hz|ft|in|oz|lb|up|ds|x[ls]|p[cxt]|em)"
)
"""What stands behind a number: 8am, 7up."""
_REPEATS = re.compile(r"([^*])\1{2,}")
_TOPS = (
    "com|net|org|edu|gov|info|io|cn|co|me|tv|cc|dev|app|ai|uk|us|de|fr|jp|hk|tw|xyz|top|vip|site|club|shop"
)
_ADDRESS = re.compile(
    r"[a-z]+://[^\s]*+"
    r"|(?<![a-z0-9_.+-])[a-z0-9_.+-]++@[a-z0-9-]++(?:\.[a-z0-9-]++)*\.[a-z]{2,}(?![a-z0-9@])"
    rf"|(?<![a-z0-9.@-])(?:www\.[^\s]*+|(?:[a-z0-9-]++\.)+(?:{_TOPS})(?![a-z0-9{re.escape(_SIGNS)}])(?:[/:?#][^\s]*+)?)"
)
_BRACKETS = (re.compile(r"\(([^()\n]{0,80}+)\)"), re.compile(r"<([^<>\n]{0,80}+)>"))
_OPERATORS = "=+-/*()[]{}<>^%_&|;"

_Runs = list[tuple[str, int, bool]]
"""A letter of a term, how often it stands there, whether a word of the term begins with it."""

_NONE, _LETTER, _DIGIT, _SIGN, _EDGY, _UNSEEN, _NOISE = range(7)


class _Shapes(NamedTuple):
    """Flat over all code points. `shape`: its byte, in Latin-1. `sort`, `hot`: what `maybe` goes by."""

    shape: npt.NDArray[np.uint8]
    sort: npt.NDArray[np.uint8]
    hot: npt.NDArray[np.bool_]


@functools.cache
def _shapes() -> _Shapes:
    table = tables()
    kind = table.kinds
    shape = np.full(CODE_POINTS, ord("~"), np.uint8)
    shape[(kind == Kind.HAN) | (kind == Kind.LETTER)] = ord("\n")
    shape[kind == Kind.INVISIBLE] = 0
    shape[kind == Kind.SPACE] = ord(" ")
    shape[kind == Kind.STOP] = ord(";")
    plain = ((kind == Kind.ALNUM) & (table.fold < 0x80)).nonzero()[0]
    shape[plain] = table.fold[plain]
    several = ((kind == Kind.ALNUM) & (table.fold >= CODE_POINTS)).nonzero()[0]
    shape[several] = ord(_SEVERAL)
    shape[0x21:0x7F] = [ord(chr(code).lower()) for code in range(0x21, 0x7F)]
    for code in (*range(0xA0, 0x100), 0x3BC, 0x20AC, *range(0xFE50, 0xFE70), *range(0xFF01, 0xFFE7)):
        sign = unicodedata.normalize("NFKC", chr(code)).replace("μ", _MICRO).replace("€", _EURO)
        if sign in _SIGNS or sign in "*_)>":
            shape[code] = ord(sign)
    shape[ord("\n")] = ord("\n")
    sorts = np.full(256, _NOISE, np.uint8)
    sorts[0], sorts[ord("\n")] = _UNSEEN, _NONE
    for sort, shapes in (
        (_LETTER, "abcdefghijklmnopqrstuvwxyz" + _MICRO + _SEVERAL),
        (_DIGIT, "0123456789"),
        (_SIGN, "".join(set(_SIGNS) - set(_PUNCTUATION + _MICRO))),
        (_EDGY, _PUNCTUATION),
    ):
        sorts[[ord(each) for each in shapes]] = sort
    hots = np.isin(sorts, (_DIGIT, _SIGN, _EDGY))
    hots[ord(_MICRO)] = True
    hot = hots[shape]
    for code in several.tolist():
        hot[code] = not table.several[table.fold[code] - CODE_POINTS].isalpha()
    return _Shapes(shape, sorts[shape], hot)


class _Term(NamedTuple):
    """`words`: its letters, with a space between words. `length`: how many letters."""

    words: str
    length: int
    number: int


class _Reading(NamedTuple):
    """Units of a stretch of text without a break.

    `skeleton`, `group`: the classes without repeats, and the place of each unit there. `made`: units that may
    not be what they seem. `starts`, `stops`: units with no letter or digit before or after.
    """

    shape: str
    units: str
    skeleton: str
    group: Sequence[int]
    made: list[int]
    starts: list[int]
    stops: list[int]


class _Stretch(NamedTuple):
    """Units that have the skeleton of a term; `low`, `high`: their places in the line.

    `pieces`, `gaps`: what they are in, and what is between.
    """

    line: str
    units: str
    pieces: list[str]
    gaps: list[str]
    low: int
    high: int


class Leet:
    """Latin terms, found where digits, signs or stars stand for letters.

    `terms`: each as its list writes it, and its number. Taken are those that are a-z after folding, three
    letters or more; the rest is passed over.
    """

    def __init__(self, terms: Iterable[tuple[str, int]]) -> None:
        self._terms: list[_Term] = []
        self._by_skeleton: dict[str, tuple[int, ...]] = {}
        self._by_lengths: dict[str, list[int]] = {}
        self._openings: set[str] = set()
        self._longest = 0
        self._words = 1
        rest = iter(terms)
        while part := list(itertools.islice(rest, CHUNK)):
            self._add(part)

    def _add(self, part: list[tuple[str, int]]) -> None:
        batch = Folded([text.replace("\n", " ") for text, _ in part])
        begins, ends = batch.kept_lines()
        foreign = np.cumsum(np.append(0, batch.kept_codes - np.uint32(97) >= 26))
        good = (foreign.take(ends) == foreign.take(begins)) & (ends - begins >= 3)
        for which in good.nonzero()[0].tolist():
            begin, end = int(begins[which]), int(ends[which])
            letters = batch.kept_codes[begin:end].tobytes().decode("utf-32-le")
            cuts = (np.diff(batch.kept[begin:end]) > 1).nonzero()[0] + 1
            self._take(letters, [0, *cuts.tolist(), len(letters)], part[which][1])

    def _take(self, letters: str, cuts: list[int], number: int) -> None:
        words = [letters[low:high] for low, high in itertools.pairwise(cuts)]
        place = len(self._terms)
        self._terms.append(_Term(" ".join(words), len(letters), number))
        skeleton = _once(letters.translate(_CLASS))
        self._by_skeleton[skeleton] = (*self._by_skeleton.get(skeleton, ()), place)
        self._openings.add(skeleton[:3])
        self._longest = max(self._longest, len(skeleton))
        self._words = max(self._words, len(words))
        key = ".".join(str(len(word)) for word in words) + letters[0].translate(_CLASS)
        for last in (letters[-1].translate(_CLASS), "*"):
            self._by_lengths.setdefault(key + last, []).append(place)

    # ------------------------------------------------------------ which texts to read

    def maybe(self, batch: Folded) -> Index:
        """Numbers of the texts worth reading: in all others `find` finds nothing."""
        if not self._terms or not len(batch.codes):
            return np.zeros(0, np.intp)
        shapes = _shapes()
        at = shapes.hot.take(batch.codes).nonzero()[0]
        if not len(at):
            return at
        around = _Around(batch.codes, shapes.sort)
        here, before, after = around(at), around(at - 1), around(at + 1)
        unseen = (before == _UNSEEN) | (after == _UNSEEN) | (here == _LETTER)
        tight = (here != _EDGY) & ((before == _LETTER) | (after == _LETTER))
        inside = (
            (here == _EDGY) & (before - _LETTER <= _EDGY - _LETTER) & (after - _LETTER <= _SIGN - _LETTER)
        )
        trailing = (before == _LETTER) & (after == _EDGY)
        trailing[trailing] = batch.codes.take(at[trailing]) != ord("!")
        sure = unseen | tight | inside | trailing
        alone = ~sure & (before - _LETTER > _DIGIT - _LETTER) & (after - _LETTER > _DIGIT - _LETTER)
        rest = at[alone]
        found = [at[sure]] + [rest[around.single(rest, step)] for step in (-1, 1)]
        return np.unique(batch.numbers(np.concatenate(found)))

    # ------------------------------------------------------------ reading one

    def find(self, text: str) -> list[tuple[int, int, int]]:
        """Start, end and term number of each find, in code points of the text.

        Of finds of one term that overlap, the longest. At least half of the term's letters stand there as
        such, and one at least does not.
        """
        if not self._terms:
            return []
        read = text[:MAX_READ]
        shape, places = _shape_of(read)
        if not _MADE.search(shape) and "*" not in shape:
            return []
        shape = _masked(shape)
        found = list(self._spelled(shape))
        if _APART.search(shape):
            bare = re.sub(f"[{re.escape(_SIGNS)}]", " ", shape)
            found += self._spelled(bare)
        if "*" in shape:
            found += self._starred(shape)
        spans = []
        for low, high, number in found:
            start, end = (low, high) if places is None else (places[low], places[high - 1] + 1)
            if end < len(read) or len(read) == len(text):
                spans.append((start, with_marks(text, end), number))
        return _longest(spans)

    def _spelled(self, shape: str) -> Iterator[tuple[int, int, int]]:
        """Finds by skeleton: places in the shape, term number."""
        offset = 0
        for line in shape.split("\n"):
            if _MADE.search(line):
                for start, end, number in self._line(line):
                    yield start + offset, end + offset, number
            offset += len(line) + 1

    def _line(self, line: str) -> Iterator[tuple[int, int, int]]:
        read = _reading(line)
        at: list[int] = []
        apart: list[int] = []
        for start, stop, places in self._alike(read):
            if not at:
                at, apart = _places(line)
            stretch = _stretch(read, at, apart, start, stop + 1)
            for place in places:
                if _holds(self._terms[place], stretch):
                    yield stretch.low, stretch.high, self._terms[place].number

    def _alike(self, read: _Reading) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """First unit, last unit and terms of what has the skeleton of terms."""
        skeleton, group, made, stops, openings = (
            read.skeleton,
            read.group,
            read.made,
            read.stops,
            self._openings,
        )
        for start in read.starts:
            following = bisect_left(made, start)
            if following == len(made):
                return
            first = group[start]
            if (
                skeleton[first : first + 3] not in openings
                and skeleton[first : first + 2] not in openings
                and skeleton[first] not in openings
            ):
                continue
            for stop in itertools.islice(stops, bisect_left(stops, made[following]), None):
                if group[stop] - first >= self._longest or stop - start >= MAX_UNITS:
                    break
                if places := self._by_skeleton.get(skeleton[first : group[stop] + 1]):
                    yield start, stop, places

    def _starred(self, shape: str) -> Iterator[tuple[int, int, int]]:
        """Finds with stars, by the lengths of the words: places in the shape, term number."""
        pieces = [_unwrapped(shape, *each.span()) for each in _STARRED.finditer(shape)]
        for at in range(len(pieces)):
            for count in range(1, self._words + 1):
                window = pieces[at : at + count]
                if len(window) < count or (count > 1 and not _joins(shape, window[-2][1], window[-1][0])):
                    break
                words = [shape[low:high] for low, high in window]
                if any("*" in word for word in words):
                    start, end = window[0][0], window[-1][1]
                    for number in self._by_stars(words, shape, start, end):
                        yield start, end, number

    def _by_stars(self, words: list[str], shape: str, start: int, end: int) -> Iterator[int]:
        written = " ".join(words)
        if not all(words) or any(part.isdecimal() for part in re.split("[* ]", written)):
            return  # 5*3, sa*3
        ways = [written]
        if _REPEATS.search(written):
            ways += [_REPEATS.sub(r"\1\1", written), _REPEATS.sub(r"\1", written)]
        for way in ways:
            key = ".".join(str(len(word)) for word in way.split(" "))
            letters = way.replace(" ", "")
            for place in self._by_lengths.get(
                key + letters[0].translate(_CLASS) + letters[-1].translate(_CLASS), ()
            ):
                term = self._terms[place]
                if _starred_as(term.words.replace(" ", ""), letters) and not (
                    len(letters) == 3 and _in_code(shape, start, end)
                ):
                    yield term.number


class _Around:
    """Sorts of the code points at places that may lie outside."""

    def __init__(self, codes: Codes, sort: npt.NDArray[np.uint8]) -> None:
        self._codes, self._sort = codes, sort

    def __call__(self, at: Index) -> npt.NDArray[np.uint8]:
        found = self._sort.take(self._codes.take(at, mode="clip"))
        found[(at < 0) | (at >= len(self._codes))] = _NONE
        return found

    def single(self, at: Index, step: int) -> npt.NDArray[np.bool_]:
        """Whether the next letter on one side, over a gap, stands alone."""
        found = np.zeros(len(at), np.bool_)
        going = np.arange(len(at))
        for distance in range(1, MAX_SINGLE_GAP + 2):
            if not len(going):
                break
            places = at.take(going) + step * distance
            sort = self(places)
            beyond = self(places + step)
            alone = (sort == _LETTER) & (beyond - _LETTER > _DIGIT - _LETTER)
            found[going[alone | (sort == _UNSEEN)]] = True
            going = going[sort >= _SIGN]
        return found


# ---------------------------------------------------------------- shapes


def _shape_of(text: str) -> tuple[str, list[int] | None]:
    """The shapes one sees of a text, and the place of each in it; None where each is at its own."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    raw = _shapes().shape.take(codes)
    shape = raw.tobytes().decode("latin-1")
    if "\0" not in shape and _SEVERAL not in shape:
        return shape, None
    table = tables()
    parts, places = [], []
    for at, each in enumerate(shape):
        if each == _SEVERAL:
            each = table.several[table.fold.item(ord(text[at])) - CODE_POINTS]  # noqa: PLW2901 - what it stands for
        elif each == "\0":
            continue
        parts.append(each)
        places += [at] * len(each)
    return "".join(parts), places


def _masked(shape: str) -> str:
    """Without addresses, and with what stands in brackets no longer in them."""
    if "@" in shape or "." in shape or "://" in shape:
        shape = _ADDRESS.sub(lambda found: "\n" * len(found[0]), shape)
    for opening, brackets in zip("(<", _BRACKETS, strict=True):
        for _ in range(3):
            if opening in shape:
                shape = brackets.sub(r";\1;", shape)
    return shape.replace("<3", ";;")


def _once(classes: str) -> str:
    """Repeats taken once."""
    return "".join([each for each, _ in itertools.groupby(classes)]) if _RUNS.search(classes) else classes


def _reading(line: str) -> _Reading:
    pieces = _PIECE.findall(line)
    units = "".join(pieces)
    starts: list[int] = []
    stops: list[int] = []
    offset = 0
    for piece in pieces:
        if piece.isalnum():
            starts.append(offset)
            stops.append(offset + len(piece) - 1)
        else:
            starts += [offset + found.start() for found in _START.finditer(piece)]
            stops += [offset + found.start() for found in _STOP.finditer(piece)]
        offset += len(piece)
    classes = units.translate(_CLASS)
    skeleton = _once(classes)
    group: Sequence[int] = range(len(units))
    if len(skeleton) < len(units):
        group = list(itertools.accumulate(map(operator.ne, classes, classes[1:]), initial=0))
    made = [found.start() for found in _MADE.finditer(units)]
    return _Reading(line, units, skeleton, group, made, starts, stops)


def _places(line: str) -> tuple[list[int], list[int]]:
    """The place of each unit of a line, and how many pieces ended before it."""
    at: list[int] = []
    apart: list[int] = []
    for number, piece in enumerate(_PIECE.finditer(line)):
        start, end = piece.span()
        at += range(start, end)
        apart += [number] * (end - start)
    return at, apart


def _joins(shape: str, end: int, start: int) -> bool:
    """Whether two pieces may be words of one term."""
    return start - end <= MAX_GAP and "\n" not in shape[end:start]


# ---------------------------------------------------------------- letter by letter


def _holds(term: _Term, stretch: _Stretch) -> bool:
    """Whether units with the skeleton of a term are the term in disguise, and not something ordinary."""
    line, units, pieces, gaps, low, high = stretch
    length = term.length
    loose = _loose(pieces, gaps, length)
    runs = _runs(term)
    letters = -1 if loose is None else _letters(runs, units, loose)
    if letters < (1 if length == 3 else (length + 1) // 2) or not _edges_needed(runs, units):
        return False
    if letters == length and not any(each.isdecimal() for each in units):
        return False  # the fold takes the signs away
    singles = len(pieces) == len(units)
    if not _earnest([units] if singles else pieces):
        return False
    if _PRICE.search(line, low, high):
        return False
    return length > 3 or _short_holds(units, letters)


def _loose(pieces: list[str], gaps: list[str], length: int) -> list[bool] | None:
    """Before which units a word of the term must begin; None if the gaps are not of one term.

    Where each unit stands alone, any gap is disguise. Else each piece has some letter.
    """
    loose = [False] * sum(map(len, pieces))
    if len(pieces) == len(loose):
        # a term of three letters must be written as one: wait a 5 s
        far = any(len(gap) > MAX_SINGLE_GAP for gap in gaps)
        mixed = length == 3 and (len(set(gaps)) > 1 or " " in "".join(gaps))
        return None if far or mixed else loose
    if any(len(gap) > MAX_GAP for gap in gaps) or not all(map(_has_letter, pieces)):
        return None
    for at, gap in zip(itertools.accumulate(map(len, pieces)), gaps, strict=False):
        loose[at] = not set(gap) <= set(_QUIET)
    return loose


def _stretch(read: _Reading, at: list[int], apart: list[int], start: int, end: int) -> _Stretch:
    same = itertools.groupby(range(start, end), apart.__getitem__)
    pieces = ["".join([read.units[place] for place in places]) for _, places in same]
    cuts = [(at[place], at[place + 1]) for place in range(start, end - 1) if apart[place] < apart[place + 1]]
    gaps = [read.shape[low + 1 : high] for low, high in cuts]
    return _Stretch(read.shape, read.units[start:end], pieces, gaps, at[start], at[end - 1] + 1)


def _runs(term: _Term) -> _Runs:
    return [
        (letter, len(list(run)), not at)
        for word in term.words.split(" ")
        for at, (letter, run) in enumerate(itertools.groupby(word))
    ]


def _has_letter(piece: str) -> bool:
    return any("a" <= each <= "z" or each == _MICRO for each in piece)


def _letters(runs: _Runs, units: str, loose: list[bool]) -> int:
    """How many letters of a term the units have as letters, at best; -1 if they are not the term.

    A state is a run, how much of it there is, and how much of that as letters.
    """
    states = {(-1, 0, 0): 0}
    for unit, gap in zip(units, loose, strict=True):
        fits = _FITS[unit]
        after: dict[tuple[int, int, int], int] = {}
        for (run, have, real), before in states.items():
            for step in (0, 1):
                if run + step < 0 or run + step >= len(runs):
                    continue
                letter, need, begins = runs[run + step]
                if letter not in fits or (gap and not (step and begins and run >= 0)):
                    continue
                as_letter = letter == unit or (unit == _MICRO and letter == "m")
                if step == 0:
                    state = (run, min(have + 1, need), min(real + as_letter, need))
                    total = before
                elif run < 0 or have >= runs[run][1]:
                    state = (run + 1, 1, int(as_letter))
                    total = before + real
                else:
                    continue
                after[state] = max(after.get(state, 0), total)
        states = after
    ends = [
        before + real
        for (run, have, real), before in states.items()
        if run == len(runs) - 1 and have >= runs[run][1]
    ]
    return max(ends, default=-1)


def _edges_needed(runs: _Runs, units: str) -> bool:
    """Whether what stands for letters at the two ends is needed there: not of sale3, ki11!, $sale."""
    for run, side, signs in ((runs[-1], units[::-1], _PUNCTUATION), (runs[0], units, _LEADING)):
        letter, need, _ = run
        if side[0] == letter or (side[0] == _MICRO and letter == "m"):
            continue
        there = list(itertools.takewhile(lambda each: letter in _FITS[each], side))  # noqa: B023 - used at once
        if there.count(letter) >= need or (side[0] in signs and len(there) > need):
            return False
    return True


def _earnest(pieces: list[str]) -> bool:
    """Whether something stands for a letter that is not just a sign at the edge of a word."""
    return any(_MADE.search(piece.lstrip(_LEADING).rstrip(_PUNCTUATION)) for piece in pieces)


def _short_holds(units: str, letters: int) -> bool:
    """Of terms of three letters: no room numbers, measures, prices, models or sums.

    A55, as5, 8am, $3x, A5s, a<t.
    """
    if letters == 3 or any(each in "|(<#+" for each in units):
        return False
    digits = [at for at, each in enumerate(units) if each.isdecimal()]
    if letters == 1 or not digits:
        return not digits
    if digits[0] == 0:
        return not _MEASURES.fullmatch(units)
    return digits[-1] < len(units) - 1 and units[-1] != "s"


# ---------------------------------------------------------------- stars


def _unwrapped(shape: str, start: int, end: int) -> tuple[int, int]:
    """A piece without the stars and signs around it: **bold**, f*ck!, note*."""
    word = shape[start:end]
    leading = len(word) - len(word.lstrip(_LEADING))
    word = word[leading:].rstrip("!|(<#+")
    bare = word.rstrip("*")
    # stars at the end are letters where more stars or signs are inside, or about as many as letters: fu**
    inside = "*" in bare or _MADE.search(bare.rstrip(_PUNCTUATION))
    many = len(word) - len(bare) >= 2 and len(word) - len(bare) >= len(bare) - 1 and _has_letter(bare[-1:])
    if leading or not (inside or many):
        word = bare
    return start + leading, start + leading + len(word)


def _starred_as(term: str, units: str) -> bool:
    """Whether units with stars among them are a term, one for each letter."""
    real = stars = 0
    for letter, unit in zip(term, units, strict=True):
        if unit == "*":
            stars += 1
        elif letter not in _FITS[unit]:
            return False
        else:
            real += letter == unit or (unit == _MICRO and letter == "m")
    return 2 * real >= len(term) and 0 < 2 * stars <= len(term)


def _in_code(shape: str, start: int, end: int) -> bool:
    """Whether an operator stands beside a span: y = s*x."""
    before, after = shape[max(0, start - 8) : start].rstrip(" "), shape[end : end + 8].lstrip(" ")
    return before[-1:] in set(_OPERATORS) or after[:1] in set(_OPERATORS)


def _longest(spans: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Of spans of one term that overlap, the longest; in order."""
    best: list[tuple[int, int, int]] = []
    for _, same in itertools.groupby(sorted(spans, key=lambda one: one[2]), key=lambda one: one[2]):
        reach = -1
        for one in sorted(same, key=lambda one: (one[0], -one[1])):
            if one[0] < reach:
                if one[1] - one[0] > best[-1][1] - best[-1][0]:
                    best[-1] = one
                    reach = one[1]
                continue
            best.append(one)
            reach = one[1]
    return sorted(best)
