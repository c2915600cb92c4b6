"""Judges each rule R1 to R28 by what a system shows (R28, 自查表): met, in part, a gap, or unknown. Pure.

A rule is met only where the system itself shows it; what the software has no part for yet is a gap, whatever
the institution does on paper.
"""

from collections.abc import Callable

import msgspec

from streamgate.selfcheck import people_rules as people
from streamgate.selfcheck import program_rules as program
from streamgate.selfcheck.observed import Observed
from streamgate.selfcheck.rules import TITLES
from streamgate.selfcheck.said import Said, Standing


class Finding(msgspec.Struct, frozen=True):
    """A rule, how it stands, what shows it, and what is missing; sentences in both languages."""

    rule: str
    title: str
    title_zh: str
    state: Standing
    evidence: str
    evidence_zh: str
    gap: str = ""
    gap_zh: str = ""


def judge(seen: Observed) -> list[Finding]:
    """Return one finding a rule, R1 to R28."""
    findings = []
    for rule, (title, title_zh) in TITLES.items():
        said = _JUDGES[rule](seen)
        findings.append(Finding(rule, title, title_zh, said.state, *said.evidence, *said.gap))
    return findings


def _not_there(english: str, chinese: str) -> Callable[[Observed], Said]:
    def said(_: Observed) -> Said:
        return Said("gap", ("nothing in this system", "系统中没有记录"), (english, chinese))

    return said


_DOSSIER = (
    "dossiers (plans, assessments, filings, approvals) are not part of the software yet",
    "方案、评估、备案、审批档案尚未纳入系统",
)
_JUDGES: dict[str, Callable[[Observed], Said]] = {
    "R1": program.judge_delay,
    "R2": program.judge_cut,
    "R3": program.judge_backup,
    "R4": people.judge_reviewed,
    "R5": people.judge_interaction,
    "R6": program.judge_captions,
    "R7": program.judge_reaction,
    "R8": program.judge_recording,
    "R9": _not_there(*_DOSSIER),
    "R10": _not_there(*_DOSSIER),
    "R11": _not_there(*_DOSSIER),
    "R12": _not_there(*_DOSSIER),
    "R13": program.judge_destinations,
    "R14": people.judge_categories,
    "R15": people.judge_reviewed,
    "R16": program.judge_secrets,
    "R17": program.judge_traces,
    "R18": people.judge_stages,
    "R19": program.judge_monitoring,
    "R20": people.judge_passwords,
    "R21": people.judge_personal,
    "R22": people.judge_roles,
    "R23": people.judge_three,
    "R24": people.judge_leaving,
    "R25": people.judge_duty,
    "R26": people.judge_separate,
    "R27": program.judge_reports,
    "R28": program.judge_self,
}
