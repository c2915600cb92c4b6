from streamgate.core.health import Concern, FeedHealth
from streamgate.core.packet import Kind

V, A = Kind.VIDEO, Kind.AUDIO
S = 1_000_000


def codes(health, now_us):
    return [concern.code for concern in health.concerns(now_us)]


def play(health, start_s, seconds, *, fps=25, gop_s=2.0, size=1000, audio=True, video=True):
    """Feed a publisher's packets from `start_s` on."""
    for frame in range(int(seconds * fps)):
        now = int((start_s + frame / fps) * S)
        ms = now // 1000
        if video:
            key = frame % round(fps * gop_s) == 0
            health.on_packet(V, size, now)
            health.on_picture(ms, ms, keyframe=key, clean=key, now_us=now)
        if audio:
            health.on_packet(A, 100, now)


def test_a_healthy_feed_has_no_concern_and_is_measured():
    health = FeedHealth(0)
    health.declared_fps = 25.0
    play(health, 0, 8)
    assert health.concerns(8 * S) == []
    assert health.fps(8 * S) == 25.0
    assert health.bitrate_bps(8 * S) == 25 * 1100 * 8
    assert health.keyframe_interval_s == 2.0


def test_silence_is_told_after_five_seconds():
    health = FeedHealth(0)
    assert codes(health, 4_999_999) == []
    assert health.concerns(5 * S) == [
        Concern("no_video", "alarm", {"seconds": 5}),
        Concern("no_audio", "warning", {"seconds": 5}),
    ]


def test_missing_audio_is_told_declared_or_not():
    health = FeedHealth(0)
    play(health, 0, 6, audio=False)
    assert codes(health, 6 * S) == ["no_audio"]
    play(health, 6, 1)
    assert codes(health, 7 * S) == []


def test_no_keyframe_for_ten_seconds():
    health = FeedHealth(0)
    play(health, 0, 11, gop_s=100)
    assert health.concerns(11 * S) == [Concern("no_keyframe", "alarm", {"seconds": 11})]


def test_a_keyframe_that_is_not_clean_is_an_open_gop():
    health = FeedHealth(0)
    play(health, 0, 1)
    health.on_picture(1000, 1000, keyframe=True, clean=False, now_us=S)
    assert codes(health, S) == ["open_gop"]


def test_leading_pictures_are_an_open_gop_for_half_a_minute():
    health = FeedHealth(0)
    health.on_picture(0, 80, keyframe=True, clean=True, now_us=0)
    health.on_picture(40, 120, keyframe=False, clean=False, now_us=40_000)
    assert "open_gop" not in codes(health, S)
    health.on_picture(80, 79, keyframe=False, clean=False, now_us=80_000)
    assert "open_gop" in codes(health, S)
    assert "open_gop" not in codes(health, 31 * S)


def test_long_gop_is_an_info():
    health = FeedHealth(0)
    play(health, 0, 9, gop_s=8)
    assert health.concerns(9 * S) == [Concern("long_gop", "info", {"seconds": 8.0})]


def test_codecs():
    health = FeedHealth(0)
    health.on_unsupported(A, "opus")
    health.hevc = True
    assert health.concerns(0) == [
        Concern("codec_unsupported", "alarm", {"kind": "audio", "codec": "opus"}),
        Concern("codec_hevc", "info"),
    ]
    health.on_supported(A)
    assert codes(health, 0) == ["codec_hevc"]


def test_bitrate_over_the_limit():
    health = FeedHealth(0, max_bitrate_bps=1_000_000)
    play(health, 0, 8, size=5400)
    assert health.concerns(8 * S) == [
        Concern("bitrate_high", "warning", {"mbps": 1.1, "limit_mbps": 1.0}),
    ]


def test_frame_rate_far_from_declared():
    health = FeedHealth(0)
    health.declared_fps = 50.0
    play(health, 0, 5)
    assert codes(health, 5 * S) == []  # too early to say
    play(health, 5, 3)
    assert health.concerns(8 * S) == [
        Concern("fps_mismatch", "warning", {"measured": 25.0, "declared": 50.0}),
    ]
