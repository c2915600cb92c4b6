"""Stages of review: how many a comment needs, and which roles may decide each (R18, R23)."""

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from moderation.filter.policy import STAGES, Verdict

REVIEWER, SENIOR, CHIEF = "reviewer", "senior-reviewer", "chief-reviewer"


class Stage(enum.IntEnum):
    """A stage of review. `word_zh`: its Chinese name."""

    FIRST = 1
    SECOND = 2
    THIRD = 3

    @property
    def word(self) -> str:
        return self.name.lower()

    @property
    def word_zh(self) -> str:
        return ("初审", "复审", "终审")[self - 1]


MAX_STAGES = len(Stage)

ENTITLED: Mapping[Stage, tuple[str, ...]] = {
    Stage.FIRST: (REVIEWER, SENIOR, CHIEF),
    Stage.SECOND: (SENIOR, CHIEF),
    Stage.THIRD: (CHIEF,),
}
"""The roles that may decide each stage, the lowest first.

A role for one stage may decide all stages before it.
"""


@dataclass(frozen=True, slots=True)
class Rules:
    """The review rules of a channel. `window_s`: seconds between the last approval and publication, for undo.

    `stages`: the minimum of stages for any comment. The verdict may ask for more.
    """

    window_s: float = 10.0
    stages: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.window_s <= 600:
            raise ValueError(f"the window for undo is {self.window_s:g} s; allowed are 0 to 600 s")
        if not 1 <= self.stages <= MAX_STAGES:
            raise ValueError(
                f"the fewest stages of a channel are {self.stages}; allowed are 1 to {MAX_STAGES}"
            )


def entitling_role(stage: Stage, roles: Collection[str]) -> str | None:
    """Return the lowest of these roles that may decide the stage; None: none of them may."""
    return next((role for role in ENTITLED[stage] if role in roles), None)


def stages_needed(verdict: Verdict, asked: int, rules: Rules) -> int:
    """Return how many stages a comment needs: at least as many as its verdict requires.

    `asked`: how many the filter asks for; it asks for all when it could not check the comment completely.
    """
    return min(MAX_STAGES, max(STAGES[verdict], asked, rules.stages))
