"""Bidirectional override (U+202E): it reverses what is behind it, up to its end or that of the line."""

import re

OVERRIDE = "\u202e"
_TURNED = re.compile(f"{OVERRIDE}[^\u202c\n]*")


def visual_order(text: str) -> list[tuple[int, bool]]:
    """Positions of a text in the order they are shown, and whether each is reversed."""
    order: list[tuple[int, bool]] = []
    at = 0
    for run in _TURNED.finditer(text):
        order += ((place, False) for place in range(at, run.start()))
        order += ((place, True) for place in range(run.end() - 1, run.start(), -1))
        at = run.end()
    return [*order, *((place, False) for place in range(at, len(text)))]
