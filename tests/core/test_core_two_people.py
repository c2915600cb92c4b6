import pytest

from streamgate.core.two_people import LAPSES_US, Asked, TwoPeople, is_person


def test_the_second_person_completes_what_the_first_asked_for() -> None:
    two = TwoPeople()
    assert two.ask("console:ann", "false alarm", 0) is None
    assert two.waiting(1) == Asked("console:ann", "false alarm", 0)
    assert two.ask("cli:root", "", 1) == Asked("console:ann", "false alarm", 0)
    assert two.waiting(2) is None


def test_the_same_person_twice_is_one_person() -> None:
    two = TwoPeople()
    assert two.ask("console:ann", "a", 0) is None
    assert two.ask("console:ann", "b", 5) is None
    assert two.waiting(6) == Asked("console:ann", "b", 5)


def test_the_same_person_by_another_way_is_one_person() -> None:
    two = TwoPeople()
    assert two.ask("console:Ann", "a", 0) is None
    assert two.ask("cli:ann", "b", 5) is None
    assert two.ask("cli:root", "", 6) == Asked("cli:ann", "b", 5)


def test_a_request_lapses() -> None:
    two = TwoPeople()
    two.ask("console:ann", "a", 0)
    assert two.waiting(LAPSES_US - 1) is not None
    assert two.ask("console:ben", "b", LAPSES_US) is None  # the first of a new pair
    two.forget()
    assert two.waiting(LAPSES_US + 1) is None


@pytest.mark.parametrize(
    ("actor", "person"),
    [
        ("console:ann", True),
        ("cli:root", True),
        ("token:deck", False),
        ("console:", False),
        ("gate", False),
        ("", False),
    ],
)
def test_who_is_a_person(actor: str, person: bool) -> None:
    assert is_person(actor) is person
