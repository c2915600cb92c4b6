import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.errors import ProtocolError
from streamgate.ingest.admission import Limits
from streamgate.ingest.pace import Pace

S = 1_000_000


def test_real_encoders_never_wait():
    """1000 frames a second, sound every 2.5 ms, captions with each 30th; 60 Mb/s in chunks of 128 bytes."""
    pace, now = Pace(Limits(), 0), 0
    for n in range(10_000):
        now += 1000
        assert pace.on_read(7500, 60 + 3, 1 + (n % 5 < 2), 0, now) == 0
        if n % 30 == 0:
            assert pace.takes_script(100, now)
        if n % 1000 == 0:
            pace.on_read(16, 1, 0, 1, now)


def test_ten_seconds_of_20_mbps_that_were_held_back_come_through_at_once():
    pace = Pace(Limits(), 0)
    assert all(pace.on_read(42_000, 11, 1, 0, 0) == 0 for _ in range(60 * 10))
    assert all(pace.on_read(340, 1, 1, 0, 0) == 0 for _ in range(47 * 10))


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 300)), min_size=1, max_size=200))
def test_who_waits_as_told_stays_within_the_rate(reads):
    limits = Limits()
    pace, now, media, chunks = Pace(limits, 0), 0, 0, 0
    for more_media, more_chunks in reads * 20:
        assert media <= limits.messages_per_s * (2 + now / S) + 1
        assert chunks <= limits.chunks_per_s * (2 + now / S) + 1
        wait_us = pace.on_read(0, more_chunks, more_media, 0, now)
        media += more_media
        chunks += more_chunks
        if wait_us:
            media_before, chunks_before = media - more_media, chunks - more_chunks
            assert media_before <= limits.messages_per_s * (2 + now / S) + 1
            assert chunks_before <= limits.chunks_per_s * (2 + now / S) + 1
        now += wait_us


def test_messages_that_are_no_media_end_it():
    pace = Pace(Limits(others_per_s=50), 0)
    for _ in range(500):
        pace.on_read(16, 1, 0, 1, 0)
    with pytest.raises(ProtocolError, match="more than 50 RTMP messages a second that carry no media"):
        pace.on_read(16, 1, 0, 1, 0)


def test_script_data_has_a_share_by_size():
    pace = Pace(Limits(scripts_per_s=10), 0)
    assert [pace.takes_script(0, 0) for _ in range(21)] == [True] * 20 + [False]
    assert not pace.takes_script(256 * 10, S)
    assert pace.takes_script(256 * 9, S)
