from streamgate.core.wrong_keys import EVERY_US, LINES, MAX_ADDRESSES, WrongKeys

S = 1_000_000


def test_the_first_try_is_told_at_once_and_then_a_line_a_minute_with_the_count():
    keys = WrongKeys(0)
    assert [keys.note("a", at * 5 * S) for at in range(26)] == [1, *[0] * 11, 12, *[0] * 11, 12, 0]
    assert keys.note("b", 130 * S) == 1


def test_lines_are_bounded_over_all_addresses_and_nothing_is_forgotten_for_it():
    keys = WrongKeys(0)
    assert sum(keys.note(str(n), 0) for n in range(100)) == LINES
    assert keys.note("99", 10 * S) == 2


def test_the_memory_is_bounded():
    keys = WrongKeys(0)
    for n in range(3 * MAX_ADDRESSES):
        keys.note(str(n), n * EVERY_US)
    assert len(keys._tries) == MAX_ADDRESSES
