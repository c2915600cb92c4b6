"""What the filter knows about characters, as arrays. Made by make.py, read once a process (about 20 ms)."""

import enum
import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FILE = Path(__file__).parent / "tables.npz"
CODE_POINTS = 0x110000

Codes = npt.NDArray[np.uint32]


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
    `kind`: code point -> Kind. `sound`, `sound_2`: folded code point -> syllable number + 1, 0 without.
    `syllables`: their spellings. `splits`: first half << 21 | second half -> what they make.
    `emoji`: picture -> its readings, folded.
    """

    fold: Codes
    several: tuple[str, ...]
    kind: npt.NDArray[np.uint8]
    sound: npt.NDArray[np.uint16]
    sound_2: npt.NDArray[np.uint16]
    syllables: tuple[str, ...]
    splits: dict[int, str]
    emoji: dict[str, tuple[str, ...]]


@functools.cache
def tables() -> Tables:
    with np.load(FILE, allow_pickle=False) as made:
        fold = np.arange(CODE_POINTS, dtype=np.uint32)
        fold[made["fold_from"]] = made["fold_to"]
        spans = np.diff(np.append(made["kind_from"], np.uint32(CODE_POINTS)))
        kind = np.repeat(made["kind_is"], spans)
        sound = np.zeros(CODE_POINTS, np.uint16)
        sound[made["read_from"]] = made["read_first"] + 1
        sound_2 = np.zeros(CODE_POINTS, np.uint16)
        sound_2[made["read_from"]] = made["read_second"] + 1
        splits = {
            first << 21 | second: "".join(dict.fromkeys(map(chr, parts)))
            for first, second, *parts in made["split_pairs"].tolist()
        }
        emoji = {line[0]: tuple(line[2:].split(" ")) for line in str(made["emoji"]).split("\n")}
        return Tables(
            fold,
            tuple(str(made["fold_several"]).split("\n")),
            kind,
            sound,
            sound_2,
            tuple(str(made["syllables"]).split("\n")),
            splits,
            emoji,
        )
