import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from console.auth import tokens
from console.auth.tokens import SETUP
from streamgate.runtime.rundir import runtime_dir


def token_files(data_dir: Path) -> list[Path]:
    return sorted((runtime_dir(data_dir) / "console-tokens").iterdir())


def test_a_token_works_once(tmp_path: Path) -> None:
    token = tokens.mint(tmp_path)
    assert [tokens.consume(tmp_path, token), tokens.consume(tmp_path, token)] == [SETUP, None]


def test_a_token_says_whom_it_is_for_and_looking_does_not_use_it_up(tmp_path: Path) -> None:
    token = tokens.mint(tmp_path, "王明")
    assert [tokens.peek(tmp_path, token), tokens.peek(tmp_path, token)] == ["王明", "王明"]
    assert [tokens.consume(tmp_path, token), tokens.peek(tmp_path, token)] == ["王明", None]


def test_of_many_who_try_at_once_one_gets_in(tmp_path: Path) -> None:
    token = tokens.mint(tmp_path)
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda _: tokens.consume(tmp_path, token), range(64)))
    assert outcomes.count(SETUP) == 1


def test_the_file_names_only_the_hash_and_is_private(tmp_path: Path) -> None:
    token = tokens.mint(tmp_path)
    (file,) = token_files(tmp_path)
    assert token not in file.name
    assert file.read_bytes() == b""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_token_ends_after_24_hours_and_one_from_the_future_is_not_trusted(tmp_path: Path) -> None:
    for age_s, works in ((24 * 3600 - 60, True), (24 * 3600 + 60, False), (-3600, False)):
        token = tokens.mint(tmp_path)
        made = time.time() - age_s
        os.utime(token_files(tmp_path)[0], (made, made))
        assert (tokens.consume(tmp_path, token) == SETUP) is works
        assert token_files(tmp_path) == []


def test_mint_clears_away_what_ran_out(tmp_path: Path) -> None:
    tokens.mint(tmp_path)
    old = token_files(tmp_path)[0]
    os.utime(old, (0, 0))
    tokens.mint(tmp_path)
    assert old not in token_files(tmp_path)
    assert len(token_files(tmp_path)) == 1


def test_strange_tokens_are_refused_and_touch_nothing(tmp_path: Path) -> None:
    good = tokens.mint(tmp_path)
    for token in ("", "x" * 10_000, "../console.secret", "\0", "\udc80", good[:-1]):
        assert tokens.peek(tmp_path, token) is None
        assert tokens.consume(tmp_path, token) is None
    assert tokens.consume(tmp_path, good) == SETUP


def test_tries_are_limited_by_address_and_come_back() -> None:
    tries = tokens.Tries(limit=3, window_s=60)
    for second in range(3):
        assert tries.wait_s("a", second) == 0
        tries.failed("a", second)
    assert tries.wait_s("a", 10) == 50
    assert tries.wait_s("b", 10) == 0
    assert tries.wait_s("a", 60.5) == 0


def test_tries_are_limited_in_all() -> None:
    tries = tokens.Tries(limit=2, window_s=60)
    for number in range(20):
        tries.failed(f"address {number}", 5)
    assert tries.wait_s("another", 6) == 59
