"""From hits to a verdict: a table, not code. What is not in the table cannot happen."""

import enum
from collections.abc import Mapping

import msgspec

from moderation.errors import InputError
from moderation.lexicon import Channel, Severity


class Verdict(enum.IntEnum):
    """Result of the filter for a text. The filter never publishes and never deletes: reviewers decide."""

    CLEAN = 0
    SUSPECTED = 1
    SENSITIVE = 2
    IMPORTANT = 3
    BLOCK = 4

    __hash__ = int.__hash__

    @property
    def word(self) -> str:
        return self.name.lower()


_S, _N, _I, _B = Verdict.SUSPECTED, Verdict.SENSITIVE, Verdict.IMPORTANT, Verdict.BLOCK

STRADDLING = "straddling"
"""The row for hits that share a character with a longer word (路口交通), where the channel's is not lower."""

ROWS: dict[str, tuple[Verdict, Verdict, Verdict, Verdict]] = {
    # term:            suspected, sensitive, important, block
    Channel.EXACT: (_S, _N, _I, _B),
    STRADDLING: (_S, _S, _S, _N),
    Channel.ALIAS: (_S, _N, _I, _I),
    Channel.SPLIT: (_S, _N, _N, _I),
    Channel.LEET: (_S, _N, _N, _I),
    Channel.EMOJI: (_S, _N, _N, _I),
    Channel.PINYIN: (_S, _N, _N, _I),
    Channel.HOMOPHONE: (_S, _S, _N, _I),
    Channel.LOOKALIKE: (_S, _S, _N, _I),
    Channel.ALNUM: (_S, _S, _N, _I),
    Channel.INITIALS: (_S, _S, _N, _N),
    Channel.REVERSAL: (_S, _S, _N, _N),
    Channel.PERSONAL: (_S, _N, _I, _I),
}
STAGES: dict[Verdict, int] = {
    Verdict.CLEAN: 1,
    Verdict.SUSPECTED: 1,
    Verdict.SENSITIVE: 2,
    Verdict.IMPORTANT: 3,
    Verdict.BLOCK: 3,
}
"""How many people see a comment before it may be published (R4, R18, R23). Never none."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Which verdict a hit gives and how many review stages a verdict asks for.

    `rows`: channel (or "straddling") -> verdict for a term that is suspected, sensitive, important, block.

    Raises:
        InputError: if a row is missing or not known, if it has not four verdicts, if another row than
        "exact" may give block, or if stages are not 1 to 3.
    """

    rows: Mapping[str, tuple[Verdict, Verdict, Verdict, Verdict]] = msgspec.field(
        default_factory=lambda: dict(ROWS)
    )
    stages: Mapping[Verdict, int] = msgspec.field(default_factory=lambda: dict(STAGES))

    def __post_init__(self) -> None:
        missing = set(ROWS) - set(self.rows)
        if missing or set(self.stages) != set(Verdict):
            raise InputError(f"the policy lacks rows: {', '.join(sorted(missing)) or 'a verdict in stages'}")
        if unknown := set(self.rows) - set(ROWS):
            raise InputError(
                f"the policy has rows that are not known: {', '.join(sorted(map(str, unknown)))}; allowed "
                f"are {', '.join(map(str, ROWS))}, so take the others away"
            )
        for name, row in self.rows.items():
            if len(row) != len(Severity) or not all(isinstance(one, Verdict) for one in row):
                raise InputError(
                    f"policy row {name} is {tuple(row)!r}; allowed are {len(Severity)} verdicts, for terms "
                    f"that are {', '.join(one.word for one in Severity)}"
                )
            if name != Channel.EXACT and Verdict.BLOCK in row:
                raise InputError(
                    f"policy row {name} gives block; only exact may, the other channels are not sure"
                )
            if min(row) < Verdict.SUSPECTED:
                raise InputError(f"policy row {name} gives clean; a hit is suspected or more")
        if not all(1 <= one <= 3 for one in self.stages.values()):
            raise InputError("policy stages are not all 1, 2 or 3")

    def verdict(self, severity: Severity, channel: Channel, clean: bool) -> Verdict:
        verdict = self.rows[channel][severity - 1]
        return verdict if clean else min(verdict, self.rows[STRADDLING][severity - 1])
