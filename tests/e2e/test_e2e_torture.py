"""One short round of `make torture` (tests/torture): freezes, kills, a flood, a frozen disk, a cut in it."""

from broadcasts import Broadcasts


def test_a_round_of_faults_has_no_violations(broadcasts: Broadcasts) -> None:
    result = broadcasts.tortured()
    assert (result["failure"], result["violations"]) == ("", [])
