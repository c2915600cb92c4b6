"""Personal data in a text, found in the same disguises as terms (R21): every kind, in order."""

from typing import NamedTuple

from moderation.lexicon import Severity
from moderation.personal.accounts import accounts
from moderation.personal.addresses import addresses
from moderation.personal.numbers import numbers
from moderation.personal.plates import plates
from moderation.personal.softread import Spot, readings
from moderation.text.edges import with_marks

MAX_READ = 20_000
"""Code points of one text that are searched; what is behind them is masked blind and goes to full review."""

_SEVERITY = {"resident-id": Severity.IMPORTANT, "bank-card": Severity.IMPORTANT}


class Personal(NamedTuple):
    """One match. `kind`: mobile, phone, resident-id, bank-card, e-mail, plate, wechat, qq. Code points.

    `turned`: an override draws it from the right.
    """

    kind: str
    start: int
    end: int
    severity: Severity
    turned: bool = False


def personal(text: str) -> list[Personal]:
    """Return all matches in the first MAX_READ code points, ordered, without overlaps, in linear time."""
    text = text[:MAX_READ]
    (soft, places), *reordered = readings(text)
    found: list[tuple[int, int, str, bool]] = []
    covered = bytearray(len(text))
    for read, order in reordered:
        for kind, low, high in _spots(read):
            there = order[low:high]
            start, end = min(there), max(there) + 1
            if list(there) != sorted(there) and not any(covered[start:end]):
                covered[start:end] = b"\1" * (end - start)
                found.append((start, end, kind, True))
    taken = bytearray(map(covered.__getitem__, places)) if found else bytearray(len(soft))
    for kind, start, end in _spots(soft):
        if not any(taken[start:end]):
            taken[start:end] = b"\1" * (end - start)
            found.append((places[start], places[end - 1] + 1, kind, False))
    found.sort()
    limits = [*(start for start, *_ in found[1:]), len(text)]
    return [
        Personal(
            kind, start, min(with_marks(text, end), limit), _SEVERITY.get(kind, Severity.SENSITIVE), turned
        )
        for (start, end, kind, turned), limit in zip(found, limits, strict=False)
    ]


def _spots(soft: str) -> list[Spot]:
    """In order of precedence: the surest kinds first."""
    return [*addresses(soft), *numbers(soft), *plates(soft), *accounts(soft)]
