"""The stream key of a standby camera, in the channel file."""

from pathlib import Path

import pytest

from streamgate.errors import Refused
from streamgate.runtime.channels import ChannelStore, hash_key


@pytest.fixture
def store(tmp_path: Path) -> ChannelStore:
    return ChannelStore(tmp_path)


def test_a_channel_has_none_until_it_is_made_and_then_a_new_one_each_time(store: ChannelStore) -> None:
    made, main_key = store.add("main")
    assert made.standby_key_hash == ""
    first = store.rotate_standby_key("main")[1]
    channel, second = store.rotate_standby_key("main")
    assert len({main_key, first, second}) == 3
    assert (channel.key_hash, channel.standby_key_hash) == (hash_key(main_key), hash_key(second))
    assert store.load_all().channels == [channel]
    assert store.remove_standby("main").standby_key_hash == ""
    with pytest.raises(Refused, match="main has no standby camera"):
        store.remove_standby("main")


def test_a_removed_one_is_put_back_with_its_key(store: ChannelStore) -> None:
    store.add("main")
    before, key = store.rotate_standby_key("main")
    store.remove_standby("main")
    assert store.put_back_standby(before).standby_key_hash == hash_key(key)
    with pytest.raises(Refused, match="it stays"):
        store.put_back_standby(before)
    store.remove_standby("main")
    store.add("main-standby")
    with pytest.raises(Refused, match="another channel"):
        store.put_back_standby(before)


def test_its_recordings_have_a_name_that_no_channel_has(store: ChannelStore) -> None:
    store.add("main")
    store.add("hall")
    store.add("hall-standby")
    with pytest.raises(Refused, match="hall-standby"):
        store.rotate_standby_key("hall")
    store.rotate_standby_key("main")
    with pytest.raises(Refused, match="standby camera of main"):
        store.add("main-standby")
    store.add("other-standby")


def test_a_name_without_room_for_it_is_refused(store: ChannelStore) -> None:
    store.add("n" * 25)
    with pytest.raises(Refused, match="not allowed"):
        store.rotate_standby_key("n" * 25)
    store.add("n" * 24)
    store.rotate_standby_key("n" * 24)


def test_two_cameras_never_have_the_same_key(store: ChannelStore, tmp_path: Path) -> None:
    store.add("main")
    _, hall_key = store.add("hall")
    channel, _ = store.rotate_standby_key("main")
    path = tmp_path / "channels" / "main.json"
    path.write_text(path.read_text().replace(channel.standby_key_hash, hash_key(hall_key)))
    loaded = store.load_all()
    assert [one.name for one in loaded.channels] == ["main"]
    assert [(bad.name, "same stream key" in bad.text) for bad in loaded.errors] == [("hall", True)]


def test_its_recordings_are_kept_as_long_as_the_channels(store: ChannelStore) -> None:
    store.add("main")
    store.set("main", retention_days=365)
    store.rotate_standby_key("main")
    assert store.retention(60) == {"main": 365, "main-standby": 365}
