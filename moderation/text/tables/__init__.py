"""Character tables of the filter, as arrays. Made by make.py, read once a process (about 20 ms)."""

import enum
import functools
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FILE = Path(__file__).parent / "tables.npz"
CODE_POINTS = 0x110000
NEWLINE = 10
PAIR_BITS = 23
USE_STEPS = 2
FREQUENT = 9
"""Use of a word from which on it counts as frequent: 20 times in 60 million words."""
_ONE, _TWO = 2654435761, 2246822519

Codes = npt.NDArray[np.uint32]
Flags = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]
Pairs = Codes
"""Two rows: characters, and what stands behind each of them."""
Bits = npt.NDArray[np.uint8]
"""A set of pairs of neighbours, see `in_bits`."""


class Kind(enum.IntEnum):
    """What a character is to the rules about gaps and edges. The first three stay in folded text."""

    LETTER = 0
    """A letter of a script that is neither Han nor folds to Latin; unassigned code points do not count."""
    HAN = 1
    ALNUM = 2
    """Folds to a-z or 0-9 and is not Han."""
    INVISIBLE = 3
    """Zero-width, combining, tag, control, half of a surrogate pair."""
    SPACE = 4
    MARK = 5
    """A symbol, or punctuation within a sentence."""
    STOP = 6
    """Punctuation that ends a clause."""


class Tables(NamedTuple):
    """Flat over all code points, so that one `take` does it.

    `fold`: code point -> folded code point, 0 for deleted, CODE_POINTS + i for `several[i]`.
    `kind`, `kinds`: code point -> Kind, as bytes, which are read one by one, and as an array. `sound`,
    `sound_2`: folded code point -> syllable number + 1, 0 without.
    `syllables`: their spellings. `word_readings`: words in which a character sounds
    otherwise -> their sounds.
    `splits`: first half << 21 | second half -> what they make. `emoji`: picture, or several with joiners ->
    its readings, folded.
    `pairs`, `frequent_pairs`: words of two characters, bit sets, see `is_pair`.
    `spoken`: spellings of ordinary words of two or three characters, and the words of three that are spelled
    so -> use. `char_use`: folded code point -> use as a word. `pair_keys`, `pair_use`: words of two
    characters, sorted, see `use_of`. Use: how often a word stands in running Chinese, USE_STEPS times the
    logarithm to the base of 2; 0 for what is none.
    `english`: common English words that can be read as pinyin.
    """

    fold: Codes
    several: tuple[str, ...]
    kind: bytes
    kinds: npt.NDArray[np.uint8]
    sound: npt.NDArray[np.uint16]
    sound_2: npt.NDArray[np.uint16]
    syllables: tuple[str, ...]
    word_readings: dict[str, tuple[int, ...]]
    splits: dict[int, str]
    emoji: dict[str, tuple[str, ...]]
    pairs: Bits
    frequent_pairs: Bits
    pair_keys: Codes
    pair_use: npt.NDArray[np.uint8]
    char_use: npt.NDArray[np.uint8]
    spoken: dict[str, int]
    english: frozenset[str]


@functools.cache
def tables() -> Tables:
    with np.load(FILE, allow_pickle=False) as made:
        fold = np.arange(CODE_POINTS, dtype=np.uint32)
        fold[np.cumsum(made["fold_steps"])] = made["fold_to"]
        spans = np.diff(np.append(made["kind_from"], np.uint32(CODE_POINTS)))
        kind = np.repeat(made["kind_is"], spans)
        read = made["read_steps"].cumsum()
        sound = np.zeros(CODE_POINTS, np.uint16)
        sound[read] = made["read_first"] + 1
        sound_2 = sound.copy()
        sound_2[made["read_second"][:, 0]] = made["read_second"][:, 1] + 1
        char_use = np.zeros(CODE_POINTS, np.uint8)
        char_use[read] = made["read_use"]
        splits = {
            first << 21 | second: "".join(dict.fromkeys(map(chr, parts)))
            for first, second, *parts in made["split_pairs"].tolist()
        }
        emoji = {one: tuple(read) for one, *read in map(str.split, str(made["emoji"]).split("\n"))}
        words = str(made["told"]).split("\n")
        syllables = iter((made["told_readings"] + 1).tolist())
        keys, use = np.asarray(made["pairs"].cumsum(), np.uint32), made["pair_use"]
        spoken = [line.split(" ") for line in str(made["spoken"]).split("\n")]
        return Tables(
            fold,
            tuple(str(made["fold_several"]).split("\n")),
            kind.tobytes(),
            kind,
            sound,
            sound_2,
            tuple(str(made["syllables"]).split("\n")),
            {word: tuple(itertools.islice(syllables, len(word))) for word in words},
            splits,
            emoji,
            bits_of(keys),
            bits_of(keys[use >= FREQUENT]),
            keys,
            use,
            char_use,
            {word: int(often) for often, *words in spoken for word in words},
            frozenset(str(made["english"]).split(" ")),
        )


def use_of(word: str) -> int:
    """How often a folded word of one to three characters is used, see `Tables`; 0 for what is none.

    Words of three are known only where others are spelled like them.
    """
    table = tables()
    if len(word) == 1:
        return table.char_use.item(ord(word))
    if len(word) != 2:
        return table.spoken.get(word, 0)
    key = ord(word[0]) << 16 | ord(word[1])
    at = int(table.pair_keys.searchsorted(key))
    return table.pair_use.item(at) if table.pair_keys[at : at + 1].tolist() == [key] else 0


def uses_of(first: Codes, second: Codes) -> Index:
    """How often pairs of folded characters are used as words, see `use_of`."""
    table, keys = tables(), keys_of(first, second)
    at = table.pair_keys.searchsorted(keys).clip(max=len(table.pair_keys) - 1)
    return np.where(table.pair_keys.take(at) == keys, table.pair_use.take(at), 0).astype(np.intp)


def is_pair(first: Codes, second: Codes, *, frequent: bool) -> npt.NDArray[np.bool_]:
    """Whether two folded neighbours are a word, or a frequent one. Wrongly true about once in 2,000 times."""
    return in_bits(tables().frequent_pairs if frequent else tables().pairs, first, second)


def in_bits(bits: Bits, first: Codes, second: Codes) -> npt.NDArray[np.bool_]:
    """Whether two neighbours are in a bit set. Wrongly true at times, never wrongly false."""
    return in_keys(bits, keys_of(first, second))


def in_keys(bits: Bits, keys: Codes) -> npt.NDArray[np.bool_]:
    """The same for keys that are made already."""
    one, two = _places(keys)
    both = bits.take(one >> 3) >> (one & 7) & bits.take(two >> 3) >> (two & 7) & 1
    return np.asarray(both, np.bool_)


def few_in_keys(bits: Bits, keys: Codes) -> Index:
    """Which keys are in a bit set, where few are: most fall at the first of their two places."""
    one = keys * np.uint32(_ONE) >> np.uint32(32 - PAIR_BITS)
    some = (bits.take(one >> 3) >> (one & 7).astype(np.uint8) & 1).nonzero()[0]
    return some[in_keys(bits, keys.take(some))]


def has_pair(bits: Bits, first: int, second: int) -> bool:
    """The same for one pair: for a few, arrays cost more than they save."""
    return has_key(bits, (first << 16 | second & 0xFFFF) & 0xFFFFFFFF)


def has_key(bits: Bits, key: int) -> bool:
    one = (key * _ONE & 0xFFFFFFFF) >> (32 - PAIR_BITS)
    two = ((key ^ key >> 15) * _TWO & 0xFFFFFFFF) >> (32 - PAIR_BITS)
    return bool(bits.item(one >> 3) >> (one & 7) & bits.item(two >> 3) >> (two & 7) & 1)


def keys_of(first: Codes, second: Codes) -> Codes:
    """Neighbours as keys of a bit set; code points beyond 16 bits share theirs."""
    return np.asarray(first << 16 | second & 0xFFFF, np.uint32)


def _places(keys: Codes) -> tuple[Codes, Codes]:
    """Two places in the bit set for each key (a Bloom filter; products modulo 2^32)."""
    one = keys * np.uint32(_ONE)
    two = (keys ^ keys >> np.uint32(15)) * np.uint32(_TWO)
    return one >> np.uint32(32 - PAIR_BITS), two >> np.uint32(32 - PAIR_BITS)


def looked_up(codes: Codes, places: Index) -> Codes:
    """What stands at some places of folded text; beyond its ends, the end of a line."""
    if not len(codes):
        return np.full(places.shape, NEWLINE, np.uint32)
    found: Codes = codes.take(places, mode="clip")
    found[(places < 0) | (places >= len(codes))] = NEWLINE
    return found


def are_letters(codes: Codes) -> Flags:
    """Whether folded characters are Latin letters."""
    return codes - np.uint32(97) < 26


def neighbours(texts: Iterable[str]) -> Pairs:
    """Every character of some texts that has one behind it, and that one."""
    codes = np.frombuffer("\n".join(texts).encode("utf-32-le"), np.uint32)
    first, second = codes[:-1], codes[1:]
    within = (first != NEWLINE) & (second != NEWLINE)
    return np.stack((first[within], second[within]))


def bits_of(keys: Codes) -> Bits:
    """A bit set of pairs, see `keys_of`."""
    if len(keys) > 50_000:
        return bits_of_all([keys])
    bits = np.zeros(1 << PAIR_BITS - 3, np.uint8)
    for places in _places(keys):
        np.bitwise_or.at(bits, places >> 3, (1 << (places & 7)).astype(np.uint8))
    return bits


def bits_of_all(parts: Iterable[Codes]) -> Bits:
    """The same of many, which need not all be there at once."""
    flags = np.zeros(1 << PAIR_BITS, np.uint8)
    for keys in parts:
        for places in _places(keys):
            flags[places] = 1
    return np.packbits(flags, bitorder="little")
