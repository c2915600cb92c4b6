import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from streamgate.errors import ConfigError
from streamgate.runtime.secret_box import FILE_NAME, SecretBox


def test_the_key_file_is_made_at_first_use_for_this_user_alone(tmp_path: Path) -> None:
    box = SecretBox(tmp_path)
    assert list(tmp_path.iterdir()) == []
    secret = box.encrypt(b"rtmp://host/app/key")
    assert b"key" not in secret
    assert SecretBox(tmp_path).decrypt(secret) == b"rtmp://host/app/key"
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_of_many_that_make_it_at_once_one_wins(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        secrets = list(pool.map(lambda _: SecretBox(tmp_path).encrypt(b"x"), range(32)))
    assert {SecretBox(tmp_path).decrypt(secret) for secret in secrets} == {b"x"}


def test_a_key_file_others_can_read_is_closed(tmp_path: Path) -> None:
    SecretBox(tmp_path).encrypt(b"x")
    (tmp_path / FILE_NAME).chmod(0o644)
    SecretBox(tmp_path).encrypt(b"x")
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_rotation_reads_old_and_new_until_it_ends(tmp_path: Path) -> None:
    box, other = SecretBox(tmp_path), SecretBox(tmp_path)
    old = other.encrypt(b"x")
    box.begin_rotation()
    new = other.encrypt(b"x")  # a process that goes on running takes the new key
    assert (box.decrypt(old), box.decrypt(new)) == (b"x", b"x")
    box.end_rotation()
    assert other.decrypt(new) == b"x"
    with pytest.raises(ConfigError, match="does not hold its key"):
        other.decrypt(old)


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    secret = SecretBox(tmp_path).encrypt(b"x")
    path = tmp_path / FILE_NAME
    path.unlink()
    with pytest.raises(ConfigError, match=r"secrets\.key is gone"):
        SecretBox(tmp_path).decrypt(secret)
    assert not path.exists()  # a new key would hide that the old one is lost
    path.write_bytes(b"no key\n")
    with pytest.raises(ConfigError, match="holds something that is no key"):
        SecretBox(tmp_path).decrypt(secret)
