import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.errors import ConfigError
from streamgate.rtmp.url import Target, parse_url, redact


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rtmp://h/app/key", Target("h", 1935, False, "app", "key", "rtmp://h/app")),
        ("rtmps://h/app/key", Target("h", 443, True, "app", "key", "rtmps://h/app")),
        (
            "rtmp://h:1936/a/b/key?x=1/2&y=3",
            Target("h", 1936, False, "a/b", "key?x=1/2&y=3", "rtmp://h:1936/a/b"),
        ),
        (
            "RTMP://127.0.0.1/live/k#y",
            Target("127.0.0.1", 1935, False, "live", "k#y", "rtmp://127.0.0.1/live"),
        ),
        ("rtmp://[::1]:1935/live/k", Target("::1", 1935, False, "live", "k", "rtmp://[::1]:1935/live")),
        (
            "rtmp://live-push.example.com/live-bvc/?streamname=a&key=b",
            Target(
                "live-push.example.com",
                1935,
                False,
                "live-bvc",
                "?streamname=a&key=b",
                "rtmp://live-push.example.com/live-bvc",
            ),
        ),
        (
            "rtmps://live-api-s.example.com:443/rtmp/FB-1-0?s_bl=1",
            Target(
                "live-api-s.example.com",
                443,
                True,
                "rtmp",
                "FB-1-0?s_bl=1",
                "rtmps://live-api-s.example.com:443/rtmp",
            ),
        ),
    ],
)
def test_addresses_as_platforms_give_them(url, expected):
    assert expected == parse_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "SECRET",
        "http://h/app/SECRET",
        "rtmp:///app/SECRET",
        "rtmp://h/SECRET",
        "rtmp://h/",
        "rtmp://h/app/",
        "rtmp://h",
        "rtmp://h:0/app/SECRET",
        "rtmp://h:99999/app/SECRET",
        "rtmp://h:x/app/SECRET",
        "rtmp://user:SECRET@h/app/SECRET",
        "rtmp://h/app/SEC RET",
        "rtmp://h/app/SECRET\n",
        "rtmp://[::1/app/SECRET",
        "rtmp://h_!/app/SECRET",
        "hls:SECRET",
        "rtmp://h/app/SECRET" + "x" * 3000,
    ],
)
def test_a_refusal_names_what_is_allowed_and_never_the_key(url):
    with pytest.raises(ConfigError) as refusal:
        parse_url(url)
    assert "SEC" not in str(refusal.value)
    assert "allowed" in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtmp://h:1936/app/more/SECRET?x=1", "rtmp://h:1936/app/***"),
        ("rtmps://h/app/SECRET", "rtmps://h/app/***"),
        ("rtmp://h/SECRET", "rtmp://h/***"),
        ("rtmp://user:SECRET@h/app/SECRET", "rtmp://h/app/***"),
        ("SECRET", "***"),
        ("rtmp://[bad/SECRET", "***"),
        ("", "***"),
        ("hls:", "hls:"),
        ("hls:SECRET", "***"),
    ],
)
def test_redact_keeps_what_is_no_secret(url, shown):
    assert shown == redact(url)


@given(st.text(max_size=60))
def test_redact_never_raises_and_parse_url_only_refuses(text):
    redact(text)
    redact("rtmp://" + text)
    with contextlib.suppress(ConfigError):
        parse_url("rtmp://" + text)


def test_no_text_of_a_target_holds_the_key():
    target = parse_url("rtmp://h/app/SECRET")
    assert "SECRET" not in f"{target!r} {target} {target.shown}"
