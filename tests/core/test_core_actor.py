"""Who stands behind an actor."""

import pytest

from streamgate.core.actor import is_on_machine, is_same_person, person


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("cli:alice", "console:alice", True),
        ("cli:Alice", "console:ALICE", True),
        ("console:\uff41lice", "console:alice", True),
        ("console:alice", "console:bob", False),
        ("token:alice", "console:alice", False),
    ],
)
def test_one_person_at_two_doors(one: str, other: str, same: bool) -> None:
    assert is_same_person(one, other) is same


def test_doors() -> None:
    assert person("cli:uid1000") == "uid1000"
    assert is_on_machine("cli:root")
    assert is_on_machine("")
    assert not is_on_machine("console:root")
