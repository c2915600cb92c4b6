"""Text as it is drawn: an override turns what is behind it, up to its end or that of the line."""

import re

OVERRIDE = "\u202e"
_TURNED = re.compile(f"{OVERRIDE}[^\u202c\n]*")


def as_drawn(text: str) -> list[tuple[int, bool]]:
    """The places of a text in the order they are drawn, and whether each is turned."""
    order: list[tuple[int, bool]] = []
    at = 0
    for run in _TURNED.finditer(text):
        order += ((place, False) for place in range(at, run.start()))
        order += ((place, True) for place in range(run.end() - 1, run.start(), -1))
        at = run.end()
    return [*order, *((place, False) for place in range(at, len(text)))]
