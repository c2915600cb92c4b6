"""Texts with personal data starred out (R21); they keep their length, so that spans stay true."""

import re
from collections.abc import Sequence

from moderation.personal.accounts import MAYBE_ID, announced_ids
from moderation.personal.addresses import MAYBE_ADDRESS
from moderation.personal.find import MAX_READ, Personal
from moderation.personal.numbers import MAYBE_NUMBER
from moderation.personal.plates import MAYBE_PLATE
from moderation.personal.softread import ROUND_ZERO, readings
from moderation.text.bidi import visual_order
from moderation.text.edges import with_marks
from moderation.text.tables import Kind, tables

BORDER = 256
"""Code points before MAX_READ that are masked blind as well: a number may lie across."""

_KEEP = {"mobile": (3, 4), "phone": (4, 2), "resident-id": (3, 2), "bank-card": (4, 4), "plate": (2, 1)}
"""Letters and digits that stay to be seen at the beginning and at the end; of others one each."""
_KEEP_LOCAL = (2, 2)
_BLIND = re.compile(f"{MAYBE_NUMBER}|{MAYBE_ADDRESS}|{MAYBE_ID}|{MAYBE_PLATE}")


def masked(text: str, matches: Sequence[Personal]) -> str:
    """Return the text with stars for the middle of every match; of the same length.

    What is behind MAX_READ was not searched: there `masked_blind` does it, from BORDER before it on.
    """
    out = list(text)
    rank: dict[int, int] = {}
    if any(one.turned for one in matches):
        rank = {at: place for place, (at, _) in enumerate(visual_order(text[:MAX_READ]))}
    for one in matches:
        span: Sequence[int] = range(one.start, one.end)
        if one.turned:
            span = sorted(filter(rank.__contains__, span), key=rank.__getitem__)
        if hidden := _places_to_hide(text, one, span):
            low, last = min(hidden), max(hidden)
            end = min(with_marks(text, last + 1), one.end)
            out[low:end] = "*" * (end - low)
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
    out = list(text)
    for soft, places in readings(text):
        for low, high in (*(found.span() for found in _BLIND.finditer(soft)), *announced_ids(soft)):
            there = places[low:high]
            start, end = min(there), max(there) + 1
            out[start:end] = "*" * (end - start)
    return "".join(out)


def _places_to_hide(text: str, match: Personal, span: Sequence[int]) -> Sequence[int]:
    """Places of the letters and digits that are not to be seen; of an address only what is before the @.

    `span`: the positions of the match in the order of display.
    """
    kind_of = tables().kind
    shown = [at for at in span if kind_of[ord(text[at])] <= Kind.ALNUM or text[at] == ROUND_ZERO]
    if match.kind == "e-mail" and (signs := [at for at in span if text[at] in "@＠﹫"]):
        name = [at for at in span[: span.index(signs[0])] if kind_of[ord(text[at])] <= Kind.ALNUM]
        return name[1:] or name
    local = match.kind == "phone" and len(shown) < 9
    head, tail = _KEEP_LOCAL if local else _KEEP.get(match.kind, (1, 1))
    return shown[head : len(shown) - tail]
