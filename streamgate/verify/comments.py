"""Checks publications of comments: each stage was approved, by entitled people, no two of them the same."""

from streamgate.core.actor import is_same_person
from streamgate.ledger.record import Publication, StageApproval
from streamgate.verify.facts import Facts, Said
from streamgate.verify.outcome import Notes
from streamgate.verify.scope import Scope

SLACK_S = 1.0  # a clock may be set back between an approval and the publication
RESTART_S = 60.0  # so soon a console that was killed is back
NEAR_S = 10.0  # so long the console may take to record what it was answered
STAGES = {0: 1, 1: 1, 2: 2, 3: 3, 4: 3}
"""How many stages a verdict asks for at least; what was blocked and restored needs all."""
ENTITLED = {
    1: ("reviewer", "senior-reviewer", "chief-reviewer"),
    2: ("senior-reviewer", "chief-reviewer"),
    3: ("chief-reviewer",),
}


class CommentCheck:
    def __init__(self, facts: Facts, notes: Notes, scope: Scope) -> None:
        self._facts, self._notes, self._scope = facts, notes, scope

    def run(self) -> None:
        for said in self._facts.publications:
            if self._scope.has_broadcast(said.record.broadcast):
                for why in self._doubts(said):
                    one = said.record
                    text = f"card {one.card} was published: {why}"
                    self._notes.find(said.file, said.line, text, one.broadcast)

    def _doubts(self, said: Said[Publication]) -> list[str]:
        """Return why a publication should not have been."""
        one = said.record
        found = []
        needed = STAGES.get(one.verdict, max(ENTITLED))
        if one.stages < needed:
            found.append(f"its verdict asks for {needed} stages, it had {one.stages}")
        if [approval.stage for approval in one.approvals] != list(range(1, one.stages + 1)):
            given = ", ".join(str(approval.stage) for approval in one.approvals) or "none"
            found.append(f"of {one.stages} stages these were approved: {given}")
        for number, approval in enumerate(one.approvals):
            if approval.role not in ENTITLED.get(approval.stage, ()):
                found.append(f"a {approval.role or 'nobody'} may not approve stage {approval.stage}")
            if any(_is_same(approval, other) for other in one.approvals[:number]):
                found.append(f"{approval.by} approved two of its stages")
            if approval.at > one.at + SLACK_S:
                found.append(f"stage {approval.stage} was approved after it")
            if not self._is_recorded(one.card, approval):
                found.append(f"the console has no record that {approval.by} approved stage {approval.stage}")
        return found

    def _is_recorded(self, card: int, approval: StageApproval) -> bool:
        """Whether the console recorded the approval, or was killed, or lost records, about then."""
        facts, at = self._facts, approval.at
        if any(is_same_person(one.who, approval.by) for one in facts.reviews.get(card, ())):
            return True
        if any(is_same_person(one.who, approval.by) and abs(one.at - at) < RESTART_S for one in facts.unsure):
            return True
        killed = any(process == "console" and 0 <= back - at < RESTART_S for process, back in facts.kills)
        lost = any(gap.since - NEAR_S <= at <= gap.until + NEAR_S for gap in facts.gaps)
        return killed or lost or facts.until.get("console", 0.0) < at + NEAR_S


def _is_same(one: StageApproval, other: StageApproval) -> bool:
    return one.person == other.person or is_same_person(one.by, other.by)
