"""Selects the spans that a channel's memory keeps, so that they survive the gate's process. Pure.

The memory has little room (`playout.memory.SLOT`). A span that does not fit still has an effect: packets
that arrived until its end do not return after a kill (`settled_us`, see `core.refill`).
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from streamgate.core.spans import Span

MAX_BYTES = 9 * 1024  # of the slot's 16 KiB; the feed's format and the rest need 3 KiB at most
MAX_REASON = 120  # characters; the ledger has the whole text


class Kept(NamedTuple):
    """`spans`: in order of creation. `settled_us`: the newest end of the spans left out, 0: none."""

    spans: list[Span]
    settled_us: int


def keep_spans(spans: Iterable[Span], past: int) -> Kept:
    """Return the spans to keep. Arrivals up to `past` have fallen due: spans that end there are left out."""
    kept: list[Span] = []
    settled_us, room = 0, MAX_BYTES
    for span in reversed(list(spans)):
        if span.end is not None and span.end <= past:
            continue
        short = msgspec.structs.replace(span, reason=span.reason[:MAX_REASON])
        room -= len(msgspec.json.encode(short)) + 1
        if room >= 0 or span.end is None:
            kept.append(short)
        else:
            settled_us = max(settled_us, span.end)
    return Kept(kept[::-1], settled_us)
