"""Destinations and their approval (rule R13): who may approve, and what the file holds of it."""

import json
from pathlib import Path

import pytest

from streamgate.errors import Refused
from streamgate.runtime.channels import ChannelStore
from streamgate.runtime.destinations import Destination, Entry

URL = "rtmp://127.0.0.1:1936/app/k"


@pytest.fixture
def store(tmp_path: Path) -> ChannelStore:
    return ChannelStore(tmp_path)


def enter(store: ChannelStore, by: str, *, alone: bool = True) -> Destination:
    channel, _ = store.add("main", push=[f"yt={URL}"], entry=Entry(by, 5.0, alone=alone))
    return channel.destinations[0]


def test_an_entry_of_before_there_were_approvals_is_approved() -> None:
    assert Destination("yt", URL).approved


def test_what_is_entered_in_the_console_waits_whatever_the_setting_says(store: ChannelStore) -> None:
    one = enter(store, "console:alice", alone=True)
    assert (one.approved, one.entered_by, one.entered_at) == (False, "console:alice", 5.0)


def test_the_command_line_waits_only_with_two_person_approval(store: ChannelStore) -> None:
    assert enter(store, "cli:root").approved
    store.remove("main")
    assert not enter(store, "cli:root", alone=False).approved


@pytest.mark.parametrize(
    ("entered_by", "by", "alone", "allowed"),
    [
        ("console:alice", "console:bob", False, True),
        ("console:alice", "cli:bob", True, True),
        ("console:alice", "console:alice", True, False),
        ("console:alice", "cli:alice", True, False),
        ("cli:alice", "console:Alice", True, False),
        ("cli:alice", "cli:alice", False, False),
        ("cli:alice", "cli:alice", True, True),
    ],
)
def test_who_may_approve(store: ChannelStore, entered_by: str, by: str, alone: bool, allowed: bool) -> None:
    enter(store, entered_by, alone=False)
    if not allowed:
        with pytest.raises(Refused, match="somebody else must approve") as refused:
            store.approve("main", "yt", by=by, at=6.0, alone=alone)
        assert "R13" in refused.value.zh
        assert not store.get("main").destinations[0].approved
        return
    one = store.approve("main", "yt", by=by, at=6.0, alone=alone).destinations[0]
    assert (one.approved_by, one.approved_at, one.entered_by) == (by, 6.0, entered_by)
    with pytest.raises(Refused, match="does not wait"):
        store.approve("main", "yt", by=by, at=7.0, alone=alone)


def test_a_changed_address_is_a_new_entry(store: ChannelStore) -> None:
    enter(store, "cli:root")
    new = Entry("console:alice", 9.0, alone=False)
    changed = store.set("main", remove_push=["yt"], add_push=[f"yt={URL}2"], entry=new)
    assert not changed.destinations[0].approved


@pytest.mark.parametrize("by", ["console:alice", "cli:Alice"])
def test_a_file_in_which_somebody_approves_their_own_entry_is_not_loaded(
    store: ChannelStore, tmp_path: Path, by: str
) -> None:
    enter(store, "console:alice")
    path = tmp_path / "channels" / "main.json"
    content = json.loads(path.read_text())
    content["destinations"][0] |= {"approved_by": by, "approved_at": 6.0}
    path.write_text(json.dumps(content))

    loaded = store.load_all()

    assert loaded.channels == []
    assert "same person" in loaded.errors[0].text


def test_what_was_removed_is_put_back_with_its_approval(store: ChannelStore) -> None:
    one = enter(store, "cli:root")
    store.set("main", remove_push=["yt"])
    assert store.put_back_destination("main", one).destinations == (one,)
    with pytest.raises(Refused):
        store.put_back_destination("main", one)
    channel = store.get("main")
    store.remove("main")
    store.put_back(channel)
    assert store.get("main") == channel
    with pytest.raises(Refused, match="exists already"):
        store.put_back(channel)
