import stat
from pathlib import Path

import pytest
from tools.disks import Disk

from console.auth.sessions import LIFETIME_S, Session, Sessions, load_secret
from streamgate.errors import ConfigError

NOW = 1_000_000.0


def test_a_cookie_says_who_and_until_when() -> None:
    cookie, session = Sessions(b"k" * 32).issue("operator", NOW)
    assert session == Session("operator", NOW + LIFETIME_S)
    assert Sessions(b"k" * 32).read(cookie, NOW + LIFETIME_S - 1) == session


def test_a_cookie_ends_after_12_hours() -> None:
    sessions = Sessions(b"k" * 32)
    cookie, _ = sessions.issue("operator", NOW)
    assert LIFETIME_S == 12 * 3600
    assert sessions.read(cookie, NOW + LIFETIME_S) is None


def test_a_cookie_from_far_ahead_is_refused() -> None:
    sessions = Sessions(b"k" * 32)
    cookie, _ = sessions.issue("operator", NOW + 3600)
    assert sessions.read(cookie, NOW) is None


def test_every_changed_character_spoils_it() -> None:
    sessions = Sessions(b"k" * 32)
    cookie, _ = sessions.issue("operator", NOW)
    for position, character in enumerate(cookie):
        forged = cookie[:position] + ("A" if character != "A" else "B") + cookie[position + 1 :]
        assert sessions.read(forged, NOW) is None


@pytest.mark.parametrize("value", [None, "", ".", "a.b", "x" * 600, "é.é", "a" * 40 + "." + "0" * 64])
def test_what_is_no_cookie_is_refused(value: str | None) -> None:
    assert Sessions(b"k" * 32).read(value, NOW) is None


def test_another_key_reads_nothing() -> None:
    cookie, _ = Sessions(b"k" * 32).issue("operator", NOW)
    assert Sessions(b"l" * 32).read(cookie, NOW) is None


def test_the_secret_is_made_once_and_private(tmp_path: Path) -> None:
    secret = load_secret(tmp_path)
    assert len(secret) == 32
    assert load_secret(tmp_path) == secret
    assert stat.S_IMODE((tmp_path / "console.secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["console.secret"]


def test_a_secret_others_could_read_is_made_private(tmp_path: Path) -> None:
    load_secret(tmp_path)
    (tmp_path / "console.secret").chmod(0o644)
    load_secret(tmp_path)
    assert stat.S_IMODE((tmp_path / "console.secret").stat().st_mode) == 0o600


def test_a_secret_that_is_there_is_only_read(tmp_path: Path) -> None:
    secret = load_secret(tmp_path)
    assert load_secret(tmp_path) == secret
    assert [path.name for path in tmp_path.iterdir()] == ["console.secret"]


def test_on_a_full_disk_the_page_starts_and_nothing_is_left_behind(tmp_path: Path) -> None:
    with Disk(tmp_path, 16) as disk:
        disk.fill()
        assert len(load_secret(disk.path)) == 32
        assert not list(disk.path.glob("console.secret*"))
        disk.free()
        kept = load_secret(disk.path)
        disk.fill()
        assert load_secret(disk.path) == kept
        assert [path.name for path in disk.path.glob("console.secret*")] == ["console.secret"]


def test_on_a_broken_disk_the_page_starts(tmp_path: Path) -> None:
    with Disk(tmp_path, 16) as disk:
        load_secret(disk.path)
        disk.fail()
        assert len(load_secret(disk.path)) == 32


def test_a_short_secret_is_named(tmp_path: Path) -> None:
    (tmp_path / "console.secret").write_bytes(b"short")
    with pytest.raises(ConfigError, match=r"console\.secret holds 5 bytes, 32 are needed"):
        load_secret(tmp_path)


def test_a_secret_that_is_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "console.secret").mkdir()
    with pytest.raises(ConfigError, match=r"console\.secret cannot be used"):
        load_secret(tmp_path)
