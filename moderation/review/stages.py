"""Stages of review: how many a comment needs, and which role may decide which (R18, R23)."""

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from moderation.filter.policy import STAGES, Verdict

REVIEWER, SENIOR, CHIEF = "reviewer", "senior-reviewer", "chief-reviewer"


class Stage(enum.IntEnum):
    """One review. `word_zh` is what people call it."""

    FIRST = 1
    SECOND = 2
    THIRD = 3

    @property
    def word(self) -> str:
        return self.name.lower()

    @property
    def word_zh(self) -> str:
        return ("初审", "复审", "终审")[self - 1]


MOST = len(Stage)

ENTITLED: Mapping[Stage, tuple[str, ...]] = {
    Stage.FIRST: (REVIEWER, SENIOR, CHIEF),
    Stage.SECOND: (SENIOR, CHIEF),
    Stage.THIRD: (CHIEF,),
}
"""The roles that may decide a stage, the lowest first: who may decide a stage may decide those before it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a channel asks for. `window_s`: between the last approval and publication; 0: none.

    `stages`: the fewest stages of any comment. The verdict may ask for more.
    """

    window_s: float = 10.0
    stages: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.window_s <= 600:
            raise ValueError(f"the window for undo is {self.window_s:g} s; allowed are 0 to 600 s")
        if not 1 <= self.stages <= MOST:
            raise ValueError(f"the fewest stages of a channel are {self.stages}; allowed are 1 to {MOST}")


def entitling_role(stage: Stage, roles: Collection[str]) -> str | None:
    """Return the lowest of somebody's roles that may decide this stage; None: none may."""
    return next((role for role in ENTITLED[stage] if role in roles), None)


def stages_needed(verdict: Verdict, asked: int, rules: Rules) -> int:
    """Return how many stages a comment needs: never fewer than its verdict asks for.

    `asked`: by the filter's result, which wants all of them for what it could not check in full.
    """
    return min(MOST, max(STAGES[verdict], asked, rules.stages))
