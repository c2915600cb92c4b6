from collections import Counter

import pytest
from torture import comments

KILLS = 3
SEED = 2


@pytest.mark.e2e
def test_nothing_acknowledged_is_lost_and_nothing_unreviewed_goes_out_whatever_is_killed(tmp_path):
    seen = comments.run(tmp_path, KILLS, SEED)
    assert seen.ok, list(seen.lines())
    assert sum(seen.kills.values()) == KILLS
    assert {name for names in seen.kills for name in names.split("+")} == {"comments", "console"}
    results = seen.results()
    assert {"approve done", "reject done", "retract done", "approve refused"} <= set(results)
    assert {one.who for one in seen.told.done()} == set(comments.PEOPLE)
    assert Counter(source for source, _, _ in seen.told.accepted).keys() == comments.SOURCES.keys()
    assert seen.repeated > 0
    assert all(len(one.connections) > 1 for one in seen.told.readers[: comments.READERS])
    assert {item.kind for item in seen.stored.feed} == {"publish", "retract"}
