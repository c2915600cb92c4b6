"""Segmentation: whether a match stands where a word stands. Only texts with a match are segmented."""

import functools
import importlib
from collections.abc import Callable

from moderation.text.tables import CODE_POINTS, Kind, has_pair, tables, use_of

WINDOW = 8
"""Code points on each side of a match that are segmented. More cost time and change no cut beside it."""

FUNCTION_WORDS = frozenset(
    "的了是不我你他她它在有就都也还和吧吗呢啊哦呀嘛啦这那个们要会能去来说看到上下大小多少很好人没对吃可得着过给让把被"
    "为什么啥怎谁哪太真最再又才只但而与及或从向以一二三四五六七八九十"
)
"""Two of them side by side are grammar: no disguise is read into their sound."""


GRAMMAR = frozenset("的了是不就这那有又已在也都还和吗吧呢嘛啦啊呀我你他她它去要够把被将很些")
"""Words of grammar that hardly anybody writes for a character that sounds alike."""

MOST_USED = 52
"""Use, as in `Tables`, of a word that would make up the whole corpus."""
EVIDENCE = 13
"""Least evidence for a disguise, for each of its characters, in steps of use; see `is_likelier_ordinary`."""
PLAIN = 66
"""Use, of two characters together, above which they sound like a term by chance, whichever the term."""
CHANGED = 8
"""Evidence that a character without meaning in its place gives by itself: one of 16 of the same sound."""
UNLIKELY = 18
"""Evidence against a disguise for a grammar word."""
PLAINER = 8
"""Steps of use that a disguise may be more ordinary than the term: 16 times."""


@functools.lru_cache(maxsize=8192)
def is_likelier_ordinary(there: str, term: str, plainer: int = PLAINER) -> bool:
    """Whether folded characters that sound like a term are likelier ordinary language than a disguise of it.

    Ordinary language is made of frequent words; a disguise is made of characters that have nothing to do with
    each other, and seldom more ordinary than the term itself: by `plainer` steps of use at most. The term's
    own characters count too.
    """
    rare = evidence = rarity(there)
    for char, own in zip(there, term, strict=True):
        if char != own:
            evidence -= CHANGED
            evidence -= UNLIKELY * (char in GRAMMAR)
    return evidence < EVIDENCE * len(term) or rare + plainer < rarity(term)


def rarity(text: str) -> int:
    """How rare folded characters are as ordinary language, cut the likeliest way into ones and twos."""
    use, pairs = tables().char_use, tables().pairs
    rare = before = 0
    last = ""
    for char in text:
        least = rare + MOST_USED - use.item(ord(char))
        if last and has_pair(pairs, ord(last), ord(char)) and (often := use_of(last + char)):
            least = min(least, before + MOST_USED - often)
        before, rare, last = rare, least, char
    return rare


@functools.cache
def segmenter() -> tuple[str, Callable[[str], list[str]]]:
    """The segmenter and its name: rjieba, 15 times faster, or jieba where that has no wheel."""
    try:
        rjieba = importlib.import_module("rjieba")
    except ImportError:
        jieba = importlib.import_module("jieba")
        jieba.setLogLevel(60)
        return "jieba", lambda text: jieba.lcut(text, HMM=False)
    return "rjieba", lambda text: rjieba.cut(text, False)


@functools.lru_cache(maxsize=8192)
def _words(
    cut: Callable[[str], list[str]], window: str, left: int, right: int
) -> tuple[tuple[int, int], ...]:
    """The words that share a character with a part of a window. Floods repeat themselves: a few are kept."""
    words: list[tuple[int, int]] = []
    at = 0
    for word in cut(window):
        if at >= right:
            break
        end = at + len(word)
        if end > left:
            words.append((at, end))
        at = end
    return tuple(words)


class SegmentedMatch:
    """A match and the text around it, segmented. `words`: those that share a character with the match."""

    __slots__ = ("left", "right", "words")

    def __init__(self, text: str, start: int, end: int) -> None:
        low = start - WINDOW if start > WINDOW else 0
        window = text[low : end + WINDOW]
        read = window.translate(_WITH_MARKS)
        inside = text[start:end].translate(_WITHOUT)
        if len(read) == len(window) and len(inside) == end - start:  # nothing goes away: nearly always
            self.left, self.right = start - low, end - low
        else:
            before = plain(text[low:start], keep_marks=True)
            read = before + inside + plain(text[end : end + WINDOW], keep_marks=True)
            self.left, self.right = len(before), len(before) + len(inside)
        self.words = _words(segmenter()[1], read, self.left, self.right)

    @property
    def is_straddled(self) -> bool:
        """Whether a word holds a part of the match and goes beyond it.

        A longer word that begins or ends with the whole match (赌博罪) is about the same thing, unless the
        match is a single character.
        """
        for begin, end in self.words:
            whole = begin <= self.left and end >= self.right
            if whole and self.right - self.left > 1 and (begin == self.left or end == self.right):
                continue
            if begin < self.left or end > self.right:
                return True
        return False

    @property
    def is_covered(self) -> bool:
        """Whether a word goes beyond the match, or is exactly the match."""
        return any(
            begin < self.left or end > self.right or (begin == self.left and end == self.right)
            for begin, end in self.words
        )

    @property
    def is_word(self) -> bool:
        """Whether the match is exactly one word."""
        return self.words == ((self.left, self.right),)

    @property
    def is_scattered(self) -> bool:
        """Whether no word holds two characters of the match."""
        return all(end - begin == 1 for begin, end in self.words)


class _Plain(dict[int, str | None]):
    """Table for str.translate that computes an entry at its first use."""

    def __init__(self, *, keep_marks: bool) -> None:
        super().__init__()
        self._keep_marks = keep_marks

    def __missing__(self, code: int) -> str | None:
        table = tables()
        folded, kind = int(table.fold[code]), table.kind[code]
        read: str | None = chr(code)
        if not folded:
            read = read if self._keep_marks and kind != Kind.INVISIBLE else None
        elif code >= 0x80 and folded < CODE_POINTS and not (folded < 0x80 and kind == Kind.HAN):
            read = chr(folded)
        self[code] = read
        return read


_WITH_MARKS = _Plain(keep_marks=True)
_WITHOUT = _Plain(keep_marks=False)


def plain(text: str, *, keep_marks: bool) -> str:
    """Text for the segmenter: folded, except that number words stay words. Lone surrogates go."""
    return text.translate(_WITH_MARKS if keep_marks else _WITHOUT)
