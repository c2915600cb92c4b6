"""Han characters that are taken for each other (形近字), as arrays. Made by make_lookalikes.py."""

import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from moderation.text.tables import Bits, Codes, Index, bits_of, keys_of

FILE = Path(__file__).parent / "lookalikes.npz"


class Lookalikes(NamedTuple):
    """Pairs: a character as it is written, and a folded one that it may be meant for.

    `begins`: by written code point below 0x10000, where its row in `meant` begins; one more behind the last.
    """

    begins: npt.NDArray[np.int32]
    meant: Codes

    def of(self, code: int) -> list[int]:
        """What one written character may be meant for."""
        if code >= 0x10000:
            return []
        found: list[int] = self.meant[self.begins.item(code) : self.begins.item(code + 1)].tolist()
        return found

    def among(self, there: npt.NDArray[np.bool_]) -> "Lookalikes":
        """The same with only what is meant that is `there`, by code point."""
        keeps = there.take(self.meant)
        kept_before = np.append(0, keeps.cumsum()).astype(np.int32)
        return Lookalikes(kept_before.take(self.begins), self.meant[keeps])

    def rows(self, codes: Codes) -> tuple[Index, Codes]:
        """For many: a row for each pair, with the place in `codes` and what is meant."""
        low = codes & 0xFFFF
        counts = np.where(codes < 0x10000, self.begins.take(low + 1) - self.begins.take(low), 0)
        which = np.repeat(np.arange(len(codes)), counts)
        within = np.arange(len(which)) - np.repeat(counts.cumsum() - counts, counts)
        return which, self.meant.take(self.begins.take(low.take(which)) + within)


@functools.cache
def lookalikes() -> Lookalikes:
    with np.load(FILE, allow_pickle=False) as made:
        counts = np.bincount(made["written"], minlength=0x10000)
        begins = np.append(0, counts.cumsum()).astype(np.int32)
        return Lookalikes(begins, made["meant"].astype(np.uint32))


@functools.cache
def _by_meant() -> Lookalikes:
    """The pairs the other way round: by what is meant, what may be written for it."""
    table = lookalikes()
    counts = np.bincount(table.meant, minlength=0x10000)
    written = np.repeat(np.arange(0x10000, dtype=np.uint32), np.diff(table.begins))
    begins = np.append(0, counts.cumsum()).astype(np.int32)
    return Lookalikes(begins, written.take(table.meant.argsort(kind="stable")))


def written_for(codes: Codes) -> tuple[Index, Codes]:
    """For many folded characters: a row for each one that looks like them, with the place in `codes`."""
    return _by_meant().rows(codes)


@functools.cache
def lookalike_bits() -> Bits:
    """All pairs, the written character first, as a bit set."""
    table = lookalikes()
    written = np.repeat(np.arange(0x10000, dtype=np.uint32), np.diff(table.begins))
    return bits_of(keys_of(written, table.meant))
