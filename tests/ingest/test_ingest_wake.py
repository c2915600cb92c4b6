from hypothesis import given
from hypothesis import strategies as st

from streamgate.ingest.wake import CAP, WINDOW, WORTH_WAITING, WakeAt


def fed(*sizes: int) -> WakeAt:
    wake = WakeAt()
    for size in sizes:
        wake.saw_picture(size)
    return wake


def test_at_first_every_byte_wakes():
    assert WakeAt().bytes(0) == 1


def test_large_pictures_let_sound_wait_for_them():
    assert WORTH_WAITING < fed(*[9000] * WINDOW).bytes(0) == 4500


def test_small_pictures_are_never_waited_for():
    assert fed(*[900] * WINDOW * 3).bytes(0) == 1


def test_one_small_picture_ends_the_waiting_at_once():
    assert fed(*[9000] * WINDOW, 800).bytes(0) == 1


def test_the_rest_of_a_message_is_waited_for_whatever_the_pictures():
    assert fed().bytes(700) == 700
    assert fed().bytes(10**6) == CAP


@given(st.lists(st.integers(1, 10**6), max_size=300))
def test_no_picture_of_the_last_window_is_smaller_than_what_is_waited_for(sizes):
    wake = WakeAt()
    for size in sizes:
        wake.saw_picture(size)
        assert wake.bytes(0) <= max(1, size)
        assert 1 <= wake.bytes(0) <= CAP
