"""Finding many fixed strings in a text at once: all occurrences, overlapping ones too.

Two engines behind one interface. `daachorse` is several times faster and is taken where it can be
imported (it has no wheels for musl and for Linux on ARM); `pyahocorasick` is always there and is the
reference in tests.
"""

import importlib.util
from collections.abc import Sequence
from typing import Any, Protocol

from moderation.errors import InputError

Match = tuple[int, int, int]
"""Start and end in code points, number of the pattern."""


class Matcher(Protocol):
    """Patterns are distinct, not empty and hold no lone surrogates; neither does the text."""

    name: str

    def find(self, text: str) -> list[Match]:
        """All matches. In order of their ends; matches with one end in any order."""


class _Daachorse:
    name = "daachorse"

    def __init__(self, patterns: Sequence[str]) -> None:
        import daachorse  # noqa: PLC0415 - not everywhere

        self._automaton = daachorse.CharwiseDoubleArrayAhoCorasick(list(patterns)) if patterns else None
        self.find = self._automaton.find_overlapping if self._automaton else _nothing

    find: Any


class _Pyahocorasick:
    name = "pyahocorasick"

    def __init__(self, patterns: Sequence[str]) -> None:
        import ahocorasick  # noqa: PLC0415 - not everywhere

        self._automaton = ahocorasick.Automaton()
        for number, pattern in enumerate(patterns):
            self._automaton.add_word(pattern, (len(pattern), number))
        self._automaton.make_automaton()
        self._empty = not patterns

    def find(self, text: str) -> list[Match]:
        if self._empty:
            return []
        return [
            (last + 1 - length, last + 1, number) for last, (length, number) in self._automaton.iter(text)
        ]


ENGINES: dict[str, type[_Daachorse | _Pyahocorasick]] = {
    "daachorse": _Daachorse,
    "pyahocorasick": _Pyahocorasick,
}
_MODULES = {"daachorse": "daachorse", "pyahocorasick": "ahocorasick"}


def available() -> tuple[str, ...]:
    """The engines that can be used here, the best first."""
    return tuple(name for name in ENGINES if importlib.util.find_spec(_MODULES[name]) is not None)


def build(patterns: Sequence[str], engine: str | None = None) -> Matcher:
    """A matcher for the patterns; its numbers are their places. `engine`: a name of `available()`.

    Raises:
        InputError: for an engine that is not here.
    """
    here = available()
    name = engine or here[0]
    if name not in here:
        raise InputError(f"there is no matching engine {name} here; there is: {', '.join(here)}")
    return ENGINES[name](patterns)


def _nothing(_text: str) -> list[Match]:
    return []
