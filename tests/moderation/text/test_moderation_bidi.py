"""Text as an override has it drawn."""

import pytest

from moderation.text.bidi import visual_order


@pytest.mark.parametrize(
    ("text", "order"),
    {
        "abc": [0, 1, 2],
        "a\u202ebc": [0, 3, 2],
        "\u202eab\u202cc": [2, 1, 3, 4],
        "\u202eab\nc": [2, 1, 3, 4],
        "\u202ea\u202eb\u202cc\u202ed": [3, 2, 1, 4, 5, 7],
    }.items(),
)
def test_an_override_turns_what_is_behind_it_up_to_its_end(text: str, order: list[int]) -> None:
    drawn = visual_order(text)
    assert [at for at, _ in drawn] == order
    assert {at for at, turned in drawn if turned} == turned_places(text)


def turned_places(text: str) -> set[int]:
    """By hand: behind an override, until its end or that of the line."""
    turned, within = set(), False
    for at, char in enumerate(text):
        if char == "\u202e":
            turned |= {at} if within else set()
            within = True
        elif char in "\u202c\n":
            within = False
        elif within:
            turned.add(at)
    return turned
