from collections import Counter

import pytest
from torture import decisions

KILLS = 8


@pytest.mark.e2e
def test_what_was_answered_to_people_stands_in_the_ledger_whatever_is_killed(tmp_path):
    seen = decisions.run(tmp_path, KILLS, seed=20261128)
    assert seen.ok, (seen.verdict, seen.missing[:3], seen.twice[:3], seen.foreign[:3])
    assert sum(seen.kills.values()) == KILLS
    by_person = Counter(decision.who for decision in seen.answered)
    assert set(by_person) == set(decisions.PEOPLE)
    assert {200, 403} <= {
        decision.status for decision in seen.answered
    }  # done, and refused for want of a right
