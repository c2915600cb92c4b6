"""The HLS playlist: its text, its window, and that a gate which comes back reads what it wrote."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.core.hls_playlist import Entry, Playlist, number_of, parse
from streamgate.errors import MediaError

AT_MS = 1_790_000_000_123  # 2026-09-21T14:13:20.123Z


def test_the_text_of_a_playlist():
    playlist = Playlist(discontinuities=3)
    playlist.append(Entry(12, 2000, AT_MS, 12))
    playlist.append(Entry(13, 2040, AT_MS + 2000, 12))
    playlist.append(Entry(14, 720, AT_MS + 9000, 14, discontinuity=True))
    playlist.ended = True
    assert playlist.render() == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-TARGETDURATION:2\n"
        "#EXT-X-MEDIA-SEQUENCE:12\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:3\n"
        '#EXT-X-MAP:URI="init-12.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:20.123Z\n"
        "#EXTINF:2.000,\n"
        "12.m4s\n"
        "#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:22.123Z\n"
        "#EXTINF:2.040,\n"
        "13.m4s\n"
        "#EXT-X-DISCONTINUITY\n"
        '#EXT-X-MAP:URI="init-14.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-09-21T14:13:29.123Z\n"
        "#EXTINF:0.720,\n"
        "14.m4s\n"
        "#EXT-X-ENDLIST\n"
    )


def test_the_window_holds_at_least_what_was_asked_for_and_not_a_segment_more():
    playlist = Playlist()
    left = [one for n in range(10) for one in playlist.append(Entry(n, 2000, AT_MS, 0), window_ms=5000)]
    assert [one.number for one in playlist.entries] == [7, 8, 9]
    assert [one.number for one in left] == list(range(7))


def test_an_init_section_is_offered_as_long_as_a_segment_needs_it():
    playlist = Playlist([Entry(1, 2000, AT_MS, 1), Entry(2, 2000, AT_MS, 2, discontinuity=True)])
    assert playlist.files() == {"1.m4s", "2.m4s", "init-1.mp4", "init-2.mp4"}
    playlist.drop_through(1)
    assert playlist.files() == {"2.m4s", "init-2.mp4"}
    assert playlist.render().count("EXT-X-MAP") == 1


def test_numbers_have_no_hole():
    playlist = Playlist([Entry(1, 2000, AT_MS, 1)])
    with pytest.raises(MediaError, match="numbers rise by one"):
        playlist.append(Entry(3, 2000, AT_MS, 1))


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("12.m4s", 12),
        ("init-12.mp4", 12),
        ("0.m4s", 0),
        ("index.m3u8", None),
        ("012.m4s", None),
        ("-1.m4s", None),
        (".12.m4s.7.new", None),
        ("12.m4s ", None),
        ("favicon.ico", None),
    ],
)
def test_names_of_our_own_files(name, number):
    assert number_of(name) == number


segments = st.tuples(
    st.integers(1, 12_000),  # ms
    st.booleans(),  # discontinuity
    st.booleans(),  # new init section
    st.integers(-5000, 5000),  # what the wall clock is off by
)


def play(steps, window_ms):
    """Append all, each followed by a look at the text; return the playlists as players read them."""
    playlist, init, at_ms, seen = Playlist(), 5, AT_MS, []
    for number, (duration_ms, jump, anew, off_ms) in enumerate(steps, 5):
        init = number if anew else init
        at_ms += duration_ms
        playlist.append(Entry(number, duration_ms, at_ms + off_ms, init, jump or anew), window_ms)
        seen.append(parse(playlist.render()))
    return playlist, seen


@given(st.lists(segments, min_size=1, max_size=30), st.integers(1, 60_000))
def test_what_players_see_only_ever_moves_on(steps, window_ms):
    playlist, seen = play(steps, window_ms)
    for one in seen:
        assert all((entry.duration_ms + 500) // 1000 <= one.target_s for entry in one.entries)
        assert sum(entry.duration_ms for entry in list(one.entries)[1:]) < window_ms
    for earlier, later in pairwise(seen):
        assert later.target_s >= earlier.target_s
        assert later.entries[0].number >= earlier.entries[0].number
        assert later.entries[-1].number == earlier.entries[-1].number + 1
    # RFC 8216, 6.2.2: a segment's discontinuity sequence number is the same in every playlist it stands in.
    counts = {(entry.number, count) for one in seen for entry, count in discontinuities(one)}
    assert max(Counter(number for number, _ in counts).values()) == 1
    assert playlist.count_discontinuities() == discontinuities(seen[-1])[-1][1]


def discontinuities(playlist):
    count, found = playlist.discontinuities, []
    for entry in playlist.entries:
        count += entry.discontinuity
        found.append((entry, count))
    return found


@given(st.lists(segments, max_size=20), st.integers(1, 60_000), st.booleans())
def test_a_playlist_is_read_as_it_was_written(steps, window_ms, ended):
    playlist, _ = play(steps, window_ms)
    playlist.ended = ended
    again = parse(playlist.render())
    assert again.render() == playlist.render()
    assert (list(again.entries), again.ended) == (list(playlist.entries), ended)


@given(st.lists(segments, min_size=1, max_size=4), st.data())
def test_a_damaged_playlist_is_refused_or_still_one(steps, data):
    text = play(steps, 60_000)[0].render()
    at = data.draw(st.integers(0, len(text) - 1))
    damaged = text[:at] + data.draw(st.text(max_size=3)) + text[at + data.draw(st.integers(0, 20)) :]
    try:
        again = parse(damaged)
    except MediaError:
        return
    assert parse(again.render()).render() == again.render()


@pytest.mark.parametrize(
    "missing", ["#EXT-X-TARGETDURATION", "#EXT-X-MEDIA-SEQUENCE", "#EXT-X-MAP", "#EXTINF", "#EXT-X-PROGRAM"]
)
def test_a_playlist_that_lacks_something_is_refused(missing):
    text = Playlist([Entry(1, 2000, AT_MS, 1)]).render()
    lines = [line for line in text.splitlines() if not line.startswith(missing)]
    with pytest.raises(MediaError):
        parse("\n".join(lines))
