"""Findings of lint: what a list's author must mend, or should look at. The filter's `lint` makes them."""

import enum
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from moderation.lexicon import WordList


class Level(enum.StrEnum):
    FIX = "fix"
    NOTE = "note"


class Finding(NamedTuple):
    """One finding for the author of a list. `line`: from 1; 0 if it is about the file.

    `reason`: in English. `values`: what stands in it, by name, for pages that have words of their own.
    """

    file: str
    line: int
    level: Level
    rule: str
    reason: str
    values: dict[str, str] = {}  # noqa: RUF012 - nobody changes it

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.level}: {self.reason} [{self.rule}]"


def must_fix(findings: Iterable[Finding]) -> bool:
    return any(finding.level is Level.FIX for finding in findings)


Lint = Callable[[Sequence[WordList], Sequence[str]], list[Finding]]
"""What is wrong with lists that are installed together, and with approved texts in which nothing may hit."""
