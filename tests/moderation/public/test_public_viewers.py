"""Cookies that cannot be forged, nicknames, overlay tokens, and how addresses count."""

import base64
import json

import pytest

from moderation.public.problems import RequestRefused
from moderation.public.rates import MAX_KEYS, Rate, address_key
from moderation.public.source_keys import local_key
from moderation.public.viewers import KEPT_S, Viewers, check_nickname, guest_name

SECRET = b"s" * 32
NOW = 1_000_000.0


def test_a_cookie_comes_back_as_the_viewer() -> None:
    viewers = Viewers(SECRET)
    viewer, cookie = viewers.enter("  安  Ann ", None, now=NOW)
    assert viewer.nickname == "安 Ann"
    assert viewers.recognise(cookie, now=NOW + 5) == viewer
    again, other = viewers.enter("Ben", viewer, now=NOW + 5)
    assert (again.id, again.nickname) == (viewer.id, "Ben")
    assert viewers.recognise(other, now=NOW + 6) == again
    assert viewers.recognise(cookie, now=NOW + KEPT_S + 1) is None
    assert viewers.enter("", None, now=NOW)[0].id != viewer.id


def test_no_part_of_a_cookie_can_be_changed() -> None:
    viewers = Viewers(SECRET)
    viewer, cookie = viewers.enter("Ann", None, now=NOW)
    body, _, mac = cookie.partition(".")
    other = (
        base64.urlsafe_b64encode(json.dumps([viewer.id, "Chief", int(NOW)]).encode()).rstrip(b"=").decode()
    )
    forged = [
        f"{other}.{mac}",
        body,
        f"{body}.",
        f".{mac}",
        f"{body}.{mac[:-1]}",
        f"{cookie}0",
        "",
        None,
        "é.a",
    ]
    forged += [
        cookie[:place] + ("A" if cookie[place] != "A" else "B") + cookie[place + 1 :]
        for place in range(len(cookie))
    ]
    forged.append(Viewers(b"t" * 32).enter("Ann", viewer, now=NOW)[1])
    forged.append(f"{viewers.overlay_token('main')}.{mac}")
    for one in forged:
        assert viewers.recognise(one, now=NOW) is None


def test_a_cookie_mac_is_not_valid_as_an_overlay_token() -> None:
    viewers = Viewers(SECRET)
    assert viewers.overlay_token("main") != viewers.overlay_token("hall")
    assert viewers.overlay_token("main") != Viewers(b"t" * 32).overlay_token("main")
    assert local_key(SECRET, 1) != local_key(SECRET, 2)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        (" a\n\tb ", "a b"),
        ("é", "é"),
        ("\x00x\x07", "x"),
        ("a\u2028b", "a b"),
        ("字" * 20, "字" * 20),
    ],
)
def test_nicknames_are_one_short_line(given: str, kept: str) -> None:
    assert check_nickname(given) == kept


@pytest.mark.parametrize("given", ["a" * 21, "字" * 21, "a" * 10_000])
def test_long_nicknames_are_refused(given: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        check_nickname(given)
    assert refused.value.problem.status == 400


def test_a_guest_has_a_name_that_stays() -> None:
    viewer, _ = Viewers(SECRET).enter("", None, now=NOW)
    assert guest_name(viewer) == guest_name(viewer)
    assert guest_name(viewer).startswith("观众")


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_addresses_count_by_what_a_subscriber_gets(host: str, key: str) -> None:
    assert address_key(host) == key


def test_a_rate_says_how_long_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0
    monkeypatch.setattr("moderation.public.rates.now_us", lambda: now)
    rate = Rate((0.5, 2))
    rate.take("a")
    rate.take("a")
    rate.take("b")
    with pytest.raises(RequestRefused) as refused:
        rate.take("a")
    assert refused.value.problem.status == 429
    assert refused.value.wait_s == pytest.approx(2.0)
    now = 2_000_000
    rate.take("a")
    with pytest.raises(RequestRefused):
        rate.take("a")
    rate.give_back("a")
    rate.take("a")


def test_rates_drop_the_least_recently_used_key() -> None:
    rate = Rate((0.001, 1))
    for number in range(MAX_KEYS + 1):
        rate.take(str(number))
    rate.take("0")  # forgotten, so it begins anew
    with pytest.raises(RequestRefused):
        rate.take(str(MAX_KEYS))
