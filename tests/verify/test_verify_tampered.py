"""Random damage to a data directory is found and named. 500 of them: `python -m torture.tamper`."""

import pytest
from torture.tamper import KINDS, Vandal, try_one

TRIES = 12


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_found_and_named(copy, dice, kind):
    vandal = Vandal(copy, dice)
    assert vandal.targets[kind]
    told = [try_one(vandal, kind)[0] for _ in range(TRIES)]
    assert [one for one in told if one] == []
