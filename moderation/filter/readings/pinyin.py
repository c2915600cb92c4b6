"""Pinyin: toneless syllables of text, and an index of terms by them.

Two spellings of a sound: *exact* numbers the syllables as pypinyin writes them; *fuzzy* takes together what
speakers of southern Mandarin do not tell apart (zh z, ch c, sh s, n l, hu- f-, -ang -an, -eng -en, -ing -in,
-ue -ie).
Terms of two syllables are looked up in a flat table, without an automaton: of 100,000 terms a good part
of all syllable pairs is taken, and each pair of a text would be a match. For that reason they go by exact
sound where there are many of them (FUZZY_PAIRS); all longer ones go by fuzzy sound.
"""

import functools
import itertools
import re
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from moderation.filter.matcher import Match, build
from moderation.filter.pace import GiveWay, at_once, parts
from moderation.text.tables import Codes, Index, bits_of, has_key, in_keys, tables

Sounds = npt.NDArray[np.uint16]
"""Syllable numbers from 1; 0 is a character without sound and parts what stands on its two sides."""

_PRIVATE = 0xE000
_SILENT = 0xE1FF
_SILENCE = _SILENT & 0x1FF
Around = tuple[int, int, int, int]
"""See `SoundIndex.around`."""
SILENT: Around = (_SILENCE,) * 4
FUZZY_PAIRS = 5000
"""Terms of two syllables up to which they are matched by fuzzy sound: 5 % of the pairs there are."""
_BY_F = {"hu": "fu", "hui": "fei", "hun": "fen"}
MAX_READINGS = 4
"""Of a term, over all its characters."""


def fuzzy_spelling(syllable: str) -> str:
    """The spelling that stands for all that sound about the same."""
    letters = re.sub("^([zcs])h", r"\1", syllable)
    letters = re.sub("^n(?!g?$)", "l", letters)
    letters = re.sub("([aei])ng$", r"\1n", letters)
    letters = re.sub("^([jqx])ue$", r"\1ie", letters)
    return _BY_F.get(letters) or re.sub("^hu(?=a|o)", "f", letters)


@functools.cache
def _fuzzy() -> Codes:
    """Exact sound -> private character of its fuzzy sound."""
    names = [fuzzy_spelling(one) for one in tables().syllables]
    number = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([_SILENT, *(_PRIVATE + number[name] for name in names)], "<u2")


@functools.cache
def _same() -> Sounds:
    """Exact sound -> the first exact sound that has the same fuzzy sound."""
    fuzzy: list[int] = _fuzzy().tolist()
    first: dict[int, int] = {}
    return np.array([first.setdefault(sound, place) for place, sound in enumerate(fuzzy)], np.uint16)


@functools.cache
def _numbers() -> dict[str, int]:
    numbers = {name: i for i, name in enumerate(tables().syllables, 1)}
    return numbers | {"lue": numbers["lve"], "nue": numbers["nve"]}


@functools.cache
def _syllable() -> re.Pattern[str]:
    """Match the longest syllable that leaves a beginning to the next one: of jiangu it is jian.

    As a tree by letters: 400 branches would be tried one by one.
    """
    return re.compile(_tree(sorted(one for one in _numbers() if len(one) > 1 or one in "ae")) + "(?![iuv])")


def _tree(words: list[str]) -> str:
    by_letter = {
        letter: [one[1:] for one in rest] for letter, rest in itertools.groupby(words, lambda one: one[:1])
    }
    ends = by_letter.pop("", None) is not None
    branches = [letter + _tree(rest) for letter, rest in by_letter.items()]
    if not branches:
        return ""
    return f"(?:{'|'.join(branches)})" + ("?" if ends else "")


def parse_pinyin(letters: str) -> list[tuple[int, int, int]]:
    """Read Latin letters as syllables: (sound, start, end). The longest first, the others left out."""
    numbers = _numbers()
    return [(numbers[found[0]], *found.span()) for found in _syllable().finditer(letters)]


def fuzzy_codes(folded: Codes) -> Codes:
    """Folded characters as the private characters of their fuzzy sounds."""
    return _fuzzy().take(tables().sound.take(folded)).astype(np.uint32)


def fuzzy_code(char: str) -> int:
    """The same of one."""
    return _fuzzy().item(tables().sound.item(ord(char)))


def fuzzy_text(sounds: Sounds) -> str:
    return _fuzzy().take(sounds).tobytes().decode("utf-16-le")


def read_pinyin(term: str) -> list[tuple[int, ...]]:
    """The ways a folded term of Han characters and digits sounds; none where a character has no sound.

    A character with several readings has that of a word it stands in, or two where none is known that says
    so; in any case its first, which is how a text is read.
    """
    table = tables()
    each: list[tuple[int, ...]] = []
    for at, char in enumerate(term):
        code = ord(char)
        first, second = table.sound.item(code), table.sound_2.item(code)
        if not first:
            return []
        if first == second:
            each.append((first,))
        elif said := _sound_in_word(term, at):
            each.append((first,) if said in (first, 0) else (said, first))
        else:
            each.append((first, second))
    return list(itertools.islice(itertools.product(*each), MAX_READINGS))


def _sound_in_word(term: str, at: int) -> int:
    """Return the sound of a character by the longest word around it that has one for it; 0 without."""
    word_readings = tables().word_readings
    for length in (3, 2):
        for begin in range(max(0, at - length + 1), at + 1):
            if said := word_readings.get(term[begin : begin + length]):
                return said[at - begin]
    return 0


def resegment_pinyin(reading: Sequence[int]) -> tuple[int, ...]:
    """The syllables that come out where the letters of a reading are taken apart again (反感: fang an).

    The reading itself where letters would be left over.
    """
    ends, begins = _find_seams()
    if not any(ends[one] & begins[two] for one, two in itertools.pairwise(reading)):
        return tuple(reading)
    letters = spell_pinyin(reading)
    read = parse_pinyin(letters)
    if sum(end - start for _, start, end in read) != len(letters):
        return tuple(reading)
    return tuple(sound for sound, _, _ in read)


@functools.cache
def _find_seams() -> tuple[list[int], list[int]]:
    """The end and the beginning of each syllable, as bits. With one in common two can be parted otherwise.

    A vowel goes on with a vowel or n, an n with g, an e with r.
    """
    names = ["", *tables().syllables]
    ends = [
        (one[-1:] in set("aeiouv")) | (one.endswith("n") << 1) | (one.endswith("e") << 2) for one in names
    ]
    begins = [
        (one[:1] in set("aeon")) | (one.startswith("g") << 1) | (one.startswith("r") << 2) for one in names
    ]
    return ends, begins


def spell_pinyin(reading: Iterable[int]) -> str:
    """The letters of a reading."""
    names = tables().syllables
    return "".join(names[one - 1] for one in reading)


@functools.cache
def _without_dots() -> dict[int, int]:
    """The sounds with ü, and those with u that they are typed as: nv, nu."""
    numbers = _numbers()
    return {numbers[f"{one}v"]: numbers[f"{one}u"] for one in "nl"}


class SoundIndex:
    """Terms by their sound. `terms`: (reading, number). An odd number: by Latin letters only, as 2 t + 1.

    Of those with ü it makes the odd ones with u itself: nuyou, lushi.
    """

    def __init__(
        self,
        terms: Iterable[tuple[tuple[int, ...], int]],
        engine: str | None,
        give_way: GiveWay = at_once,
    ) -> None:
        self._pairs = np.zeros(1 << 18, np.bool_)
        self._by_pair: dict[int, tuple[int, ...]] = {}
        dotted = _without_dots()
        every: list[tuple[tuple[int, ...], int]] = []
        for part in parts(terms, give_way):
            every += part
            every += [
                (tuple(dotted.get(one, one) for one in reading), number | 1)
                for reading, number in part
                if not dotted.keys().isdisjoint(reading)
            ]
        many = sum(len(reading) == 2 for reading, _ in every) > FUZZY_PAIRS
        same = self._same = np.arange(len(_same()), dtype=np.uint32) if many else _same().astype(np.uint32)
        longer: dict[str, tuple[int, ...]] = {}
        for part in parts(every, give_way):
            for reading, number in part:
                if len(reading) == 2:
                    key = int(same[reading[0]]) << 9 | int(same[reading[1]])
                    self._by_pair[key] = (*self._by_pair.get(key, ()), number)
                elif len(reading) > 2:
                    pattern = _fuzzy_pattern(reading)
                    longer[pattern] = (*longer.get(pattern, ()), number)
        self._pairs[list(self._by_pair)] = True
        self._longer = list(longer.values())
        give_way()
        self._matcher = build(list(longer), engine)
        give_way()
        fuzzy_sounds = np.frombuffer("\n".join(longer).encode("utf-16-le"), "<u2")
        rows = _sound_row(fuzzy_sounds[:-2], fuzzy_sounds[1:-1], fuzzy_sounds[2:])
        self._rows = bits_of(rows[(fuzzy_sounds[1:-1] != 10) & (fuzzy_sounds[2:] != 10)])

    def pairs(self, sounds: Sounds) -> Index:
        """Positions where two neighbours sound like a term of two syllables."""
        same = self._same.take(sounds)
        return self._pairs.take(same[:-1] << 9 | same[1:]).nonzero()[0]

    def are_pairs(self, sounds: Sounds, places: Index) -> npt.NDArray[np.bool_]:
        """Whether two neighbours sound so, at some places."""
        same = self._same
        keys = same.take(sounds.take(places)) << 9 | same.take(sounds.take(places + 1))
        return self._pairs.take(keys)

    def at_pair(self, first: int, second: int) -> tuple[int, ...]:
        same = self._same
        return self._by_pair.get(same.item(first) << 9 | same.item(second), ())

    def joins(self, rows: Codes) -> npt.NDArray[np.bool_]:
        """Whether a term of three syllables or more may hold what sounds like three folded characters.

        `rows`: (n, 3, m); the answer is (n, m).
        """
        fuzzy_sounds = _fuzzy().take(tables().sound.take(rows)).astype(np.uint16)
        joins = in_keys(self._rows, _sound_row(fuzzy_sounds[:, 0], fuzzy_sounds[:, 1], fuzzy_sounds[:, 2]))
        return np.asarray(joins & (fuzzy_sounds != _SILENT).all(axis=1), np.bool_)

    @staticmethod
    def around(chars: tuple[str, str, str, str]) -> Around:
        """How two folded characters and two more sound, with something between; line ends for none."""
        one, two, three, four = map(_fuzzy_sound, chars)
        return one, two, three, four

    def joins_around(self, reading: Around, around: Around) -> bool:
        """Do what `joins` does for a reading between such characters: its first two, and its last two."""
        two_before, before, after, two_behind = around
        first, second, last_but_one, last = reading
        if second == _SILENCE:
            second, last_but_one = after, before
        return (
            before != _SILENCE
            and (self._sound_row(two_before, before, first) or self._sound_row(before, first, second))
        ) or (
            after != _SILENCE
            and (self._sound_row(last_but_one, last, after) or self._sound_row(last, after, two_behind))
        )

    def _sound_row(self, one: int, two: int, three: int) -> bool:
        return _SILENCE not in (one, two, three) and has_key(self._rows, one << 18 | two << 9 | three)

    def longer(self, sounds: Sounds) -> list[Match]:
        """Matches of terms with three syllables or more, by fuzzy sound."""
        return [
            (start, end, number)
            for start, end, which in self._matcher.find(fuzzy_text(sounds))
            for number in self._longer[which]
        ]


@functools.lru_cache(maxsize=8192)
def _fuzzy_sound(char: str) -> int:
    """The fuzzy sound of a folded character as `_sound_row` has it."""
    return fuzzy_code(char) & 0x1FF


def _sound_row(first: Sounds, second: Sounds, third: Sounds) -> Codes:
    """Three sounds as private characters in one number."""
    one, two = first.astype(np.uint32) & 0x1FF, second.astype(np.uint32) & 0x1FF
    return np.asarray(one << 18 | two << 9 | third & 0x1FF, np.uint32)


def _fuzzy_pattern(reading: Sequence[int]) -> str:
    return "".join(map(_private, reading))


@functools.lru_cache(maxsize=1024)
def _private(sound: int) -> str:
    return chr(int(_fuzzy()[sound]))
