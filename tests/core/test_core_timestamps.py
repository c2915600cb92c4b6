from hypothesis import given, settings
from hypothesis import strategies as st

from streamgate.core.packet import Kind
from streamgate.core.timestamps import AHEAD_MS, TimelineMender

V, A, D = Kind.VIDEO, Kind.AUDIO, Kind.DATA


def run(mender, packets):
    """Mend (kind, raw) or (kind, raw, composition); return the decode times."""
    out = []
    for now, (kind, raw, *rest) in enumerate(packets):
        stamp = mender.mend(kind, raw, rest[0] if rest else 0, now * 20_000)
        out.append(None if stamp is None else stamp.dts)
    return out


def interleaved(start, seconds, shift=0):
    """A feed of 25 fps video and 20 ms audio, as (kind, raw), from raw `start` on."""
    packets = [(V, t) for t in range(0, seconds * 1000, 40)] + [
        (A, t + 7) for t in range(0, seconds * 1000, 20)
    ]
    packets.sort(key=lambda packet: packet[1])
    return [(kind, (start + t + shift) % 2**32) for kind, t in packets]


def test_a_healthy_feed_is_left_alone():
    mender = TimelineMender()
    packets = interleaved(500, 4)
    assert run(mender, packets) == [raw for _, raw in packets]
    assert (mender.mended, mender.dropped) == (0, 0)


def test_composition_offset_becomes_presentation_time():
    mender = TimelineMender()
    assert mender.mend(V, 1000, 80, 0) == (1000, 1080)


def test_absurd_composition_offsets_are_taken_as_none():
    mender = TimelineMender()
    assert mender.mend(V, 1000, -40, 0) == (1000, 1000)
    assert mender.mend(V, 1040, 5001, 0) == (1040, 1040)
    assert mender.mend(V, 1080, 5000, 0) == (1080, 6080)
    assert mender.mended == 2


def test_wraps_go_on():
    for bits in (24, 31, 32):
        mender = TimelineMender()
        true = interleaved(2**bits - 2000, 4)
        true = [(kind, raw if raw > 2**bits - 3000 else raw + 2**bits) for kind, raw in true]
        wrapped = [(kind, raw % 2**bits) for kind, raw in true]
        assert run(mender, wrapped) == [raw for _, raw in true], bits
        assert mender.mended == 0


def test_wraps_add_up():
    """Four times 24 bits (18 hours), in strides that are just no jump."""
    mender = TimelineMender()
    out = [mender.mend(V, raw % 2**24, 0, 0).dts for raw in range(0, 2**26, 9_999)]
    assert out[-1] == (len(out) - 1) * 9_999
    assert mender.mended == 0


def test_a_small_step_back_is_nudged():
    mender = TimelineMender()
    assert run(mender, [(V, 0), (V, 40), (V, 30), (V, 80), (V, 80), (V, 120)]) == [0, 40, 41, 80, 81, 120]
    assert mender.mended == 2


def test_a_nudged_frame_keeps_its_presentation_time():
    mender = TimelineMender()
    run(mender, [(V, 0), (V, 40)])
    assert mender.mend(V, 30, 90, 0) == (41, 120)


def test_a_reset_to_zero_moves_both_tracks_together():
    mender = TimelineMender()
    before, after = interleaved(3_600_000, 2), interleaved(0, 2)
    out = run(mender, before + after)
    last_video = max(t for (kind, _), t in zip(before, out, strict=False) if kind is V)
    moved = {stamp - raw for (_, raw), stamp in zip(after, out[len(before) :], strict=True)}
    assert len(moved) == 1  # one shift for both: sound and picture stay together
    assert last_video < out[len(before)] <= max(out[: len(before)]) + 40
    assert mender.mended == 1


def test_a_jump_ahead_moves_both_tracks_together():
    mender = TimelineMender()
    before, after = interleaved(0, 2), interleaved(50_000, 2)
    out = run(mender, before + after)
    assert len({stamp - raw for (_, raw), stamp in zip(after, out[len(before) :], strict=True)}) == 1
    assert out[len(before)] - out[len(before) - 1] <= 40


def test_a_gap_of_nine_seconds_stays_a_gap():
    mender = TimelineMender()
    assert run(mender, [(V, 0), (A, 5), (V, 40), (V, 9_040), (A, 9_005)]) == [0, 5, 40, 9_040, 9_005]
    assert mender.mended == 0


def test_packets_from_before_the_reset_may_come_late():
    mender = TimelineMender()
    run(mender, interleaved(100_000, 1))
    out = run(mender, [(V, 0), (A, 101_007), (V, 40), (A, 27)])
    assert out[1] == 101_007  # still on the old clock
    assert out[3] - out[2] == 27 - 40  # now on the new one, in step with the picture


def test_one_missing_timestamp_is_filled_in():
    mender = TimelineMender()
    assert run(mender, [(V, 5000), (V, 5040), (V, 0), (V, 5120), (V, 5160)]) == [5000, 5040, 5080, 5120, 5160]
    assert mender.mended == 1


def test_a_clock_that_stands_still_is_replaced_by_arrival():
    mender = TimelineMender()
    stamps = [mender.mend(V, 0, 0, 40_000 * n).dts for n in range(100)]
    assert stamps[-1] - stamps[3] == 40 * 96


def test_sound_that_starts_late_from_zero_joins_the_picture():
    mender = TimelineMender()
    run(mender, [(V, t) for t in range(3_600_000, 3_601_000, 40)])
    out = run(mender, [(A, 0), (V, 3_601_000), (A, 21), (V, 3_601_040), (A, 42)])
    assert out == [3_600_960, 3_601_000, 3_600_981, 3_601_040, 3_601_002]


def test_data_is_placed_near_the_media_and_never_moves_it():
    mender = TimelineMender()
    assert mender.mend(D, 0, 0, 0) == (0, 0)
    run(mender, [(V, 60_000)])
    assert mender.mend(D, 0, 0, 0) == (60_000, 60_000)
    assert mender.mend(D, 60_500, 0, 0) == (60_500, 60_500)
    assert run(mender, [(V, 60_040)]) == [60_040]


def test_data_that_cannot_be_placed_is_dropped_and_counted():
    mender = TimelineMender()
    run(mender, [(V, 0)])
    stamps = [mender.mend(D, 0, 0, 0) for _ in range(AHEAD_MS + 5)]
    assert stamps[AHEAD_MS] is not None
    assert stamps[AHEAD_MS + 1] is None
    assert mender.dropped == 4


raws = st.one_of(
    st.integers(0, 2**32 - 1),
    st.integers(0, 3000),
    st.integers(2**24 - 3000, 2**24 + 3000),
    st.integers(2**32 - 3000, 2**32 - 1),
    st.integers(-(2**70), 2**70),
)
anything = st.lists(
    st.tuples(st.sampled_from(Kind), raws, st.integers(-(2**33), 2**33), st.integers(0, 10**12)), max_size=60
)


@given(anything)
@settings(max_examples=300, deadline=None)
def test_whatever_comes_time_increases_and_never_leaps(packets):
    mender = TimelineMender()
    last = {}
    newest = None
    for kind, raw, composition, now in packets:
        stamp = mender.mend(kind, raw, composition, now)
        if stamp is None:
            assert kind is D
            continue
        assert 0 <= stamp.dts <= stamp.pts
        if kind is D:
            if newest is not None:
                assert stamp.dts <= newest + AHEAD_MS
                assert stamp.dts > last.get(D, -1)
                last[D] = stamp.dts
            continue
        assert stamp.dts > last.get(kind, -1)
        assert newest is None or stamp.dts <= newest + AHEAD_MS
        last[kind] = stamp.dts
        newest = max(newest or 0, stamp.dts)


@given(
    st.lists(st.one_of(st.integers(0, 2**32 - 1), st.just(0)), min_size=1, max_size=6),
    st.integers(-200, 200),
)
@settings(max_examples=200, deadline=None)
def test_sound_stays_with_the_picture_across_any_jumps(starts, skew):
    """Between a jump's own unrest and the next jump, audio minus video is what the encoder said."""
    mender = TimelineMender()
    for start in starts:
        packets = [(kind, raw if kind is V else (raw + skew) % 2**32) for kind, raw in interleaved(start, 4)]
        out = run(mender, packets)
        settled = list(zip(packets, out, strict=True))[len(packets) // 2 :]
        assert len({(stamp - raw) % 2**24 for (_, raw), stamp in settled}) == 1
