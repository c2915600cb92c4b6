import asyncio
import time

import pytest

from console.auth import passwords
from console.auth.passwords import Hashing, PasswordRefused, check_password
from console.problems import Refused

GOOD = "harbour lamp seven rivers"


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short-pass1", "12 to 256"),
        ("x" * 257, "12 to 256"),
        ("password1234", "too common"),
        ("qwertyuiop12", "too common"),
        ("aaaaaaaaaaaaaaaa", "too common"),
        ("woaini123456", "too common"),
        ("Streamgate2026!", "too common"),
        ("the lamp of ALICE rivers", "your own name"),
        ("王明 harbour lamp seven", "your own name"),
    ],
)
def test_weak_passwords_are_refused_with_what_to_do(password: str, why: str) -> None:
    with pytest.raises(PasswordRefused, match=why) as refused:
        check_password(password, "alice", "王明")
    assert refused.value.zh


@pytest.mark.parametrize(
    "password", [GOOD, "x7#kQ9!mZ2@p", "四条江上的灯塔与七个苹果", "Maple-river-42-lamp"]
)
def test_good_passwords_are_taken(password: str) -> None:
    check_password(password, "alice", "al", "")


def test_a_hash_is_argon2id_and_salted() -> None:
    one, other = passwords.hash_password(GOOD), passwords.hash_password(GOOD)
    assert one.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert one != other
    assert passwords.matches(one, GOOD)
    assert not passwords.matches(one, GOOD + " ")


def test_a_letter_composed_in_another_way_is_the_same() -> None:
    assert passwords.matches(passwords.hash_password("caf\u00e9 lamp seven"), "cafe\u0301 lamp seven")


def test_nobody_and_somebody_without_a_password_match_nothing() -> None:
    for stored in (None, "", "not a hash"):
        assert not passwords.verify(stored, GOOD)
    assert not passwords.matches(passwords.nobodys_hash(), "\0 nobody has this" + "x" * 2000)


def test_a_wrong_password_for_nobody_costs_the_same_time() -> None:
    hashed = passwords.hash_password(GOOD)
    passwords.nobodys_hash()

    def best_of(stored: str | None) -> float:
        times = []
        for _ in range(5):
            began = time.perf_counter()
            passwords.verify(stored, "something else entirely")
            times.append(time.perf_counter() - began)
        return min(times)

    known, unknown = best_of(hashed), best_of(None)
    assert 0.5 < unknown / known < 2


def test_the_last_passwords_are_refused() -> None:
    used = [passwords.hash_password(f"{GOOD} {number}") for number in range(5)]
    with pytest.raises(PasswordRefused, match="your last 5"):
        passwords.choose(f"{GOOD} 4", (), used)
    assert passwords.matches(passwords.choose(f"{GOOD} 5", (), used), f"{GOOD} 5")


async def test_too_many_at_once_are_refused_not_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MAX_WAITING", 3)
    hashing = Hashing()
    outcomes = await asyncio.gather(*(hashing.verify(None, GOOD) for _ in range(6)), return_exceptions=True)
    assert [isinstance(one, Refused) for one in outcomes] == [False] * 3 + [True] * 3
    assert await hashing.verify(None, GOOD) is False
    hashing.close()
