"""The channel store: what it keeps, what it refuses, what survives a hand-edited or half-written file."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from cryptography.fernet import Fernet

from streamgate.errors import ConfigError, Refused
from streamgate.rtmp.url import redact
from streamgate.runtime import channels
from streamgate.runtime.channels import ChannelConfig, ChannelStore, Destination, check_url, hash_key
from streamgate.runtime.destinations import Entry
from streamgate.runtime.secret_box import SecretBox

KEY = "s3cret-key"
URL = f"rtmp://127.0.0.1:1936/app/{KEY}"


@pytest.fixture
def store(tmp_path: Path) -> ChannelStore:
    return ChannelStore(tmp_path)


def edit(tmp_path: Path, name: str, /, **changes: object) -> None:
    """Change a channel's file as a hand with an editor would."""
    path = tmp_path / "channels" / f"{name}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


# ---------------------------------------------------------------- add


def test_add_keeps_a_hash_and_shows_the_key_once(store: ChannelStore, tmp_path: Path) -> None:
    backup = tmp_path / "standby.mp4"
    backup.write_bytes(b"x")

    channel, key = store.add("main", delay_s=45, push=[URL], backups=[backup])

    assert len(key) == 32
    assert channel.key_hash == hash_key(key)
    assert channel.delay_s == 45
    assert channel.destinations == (Destination("127.0.0.1", URL),)
    assert channel.backups == (str(backup),)
    assert store.load_all().channels == [channel]
    path = tmp_path / "channels" / "main.json"
    assert key not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_channels_come_oldest_first(store: ChannelStore) -> None:
    for name in ("b", "c", "a"):
        store.add(name)

    assert [one.name for one in store.load_all().channels] == ["b", "c", "a"]


def test_destinations_without_a_name_are_called_by_their_host(store: ChannelStore) -> None:
    channel, _ = store.add("main", push=["rtmp://h/a/1", "rtmps://h:443/a/2", "yt=rtmp://h/a/3"])

    assert [one.name for one in channel.destinations] == ["h", "h-2", "yt"]


@pytest.mark.parametrize("name", ["", "Main", "-main", "_x", "a" * 33, "../x", "a.b", "a/b", "主"])
def test_names_that_are_not_allowed(store: ChannelStore, name: str) -> None:
    with pytest.raises(Refused, match="is not allowed"):
        store.add(name)


def test_a_name_is_taken_once(store: ChannelStore) -> None:
    first, _ = store.add("main")
    with pytest.raises(Refused, match="exists already"):
        store.add("main")

    assert store.get("main") == first


@pytest.mark.parametrize("delay", [29.999, 10, 0, -30, float("nan"), float("-inf")])
def test_a_delay_below_the_floor_is_refused_by_rule_r1(store: ChannelStore, delay: float) -> None:
    with pytest.raises(Refused, match=r"rule R1 \(Art\. 16: at least 30 seconds\)"):
        store.add("main", delay_s=delay)

    assert store.load_all().channels == []


@pytest.mark.parametrize("delay", [600.1, float("inf")])
def test_a_delay_too_long_for_memory_is_refused(store: ChannelStore, delay: float) -> None:
    with pytest.raises(Refused, match="choose 600 or less"):
        store.add("main", delay_s=delay)


def test_no_channel_object_exists_below_the_floor() -> None:
    with pytest.raises(ValueError, match="R1"):
        ChannelConfig("main", 5, hash_key("k"))
    good = ChannelConfig("main", 30, hash_key("k"))
    with pytest.raises(ValueError, match="R1"):
        msgspec.structs.replace(good, delay_s=5)


@pytest.mark.parametrize(
    "url",
    [
        f"http://h/app/{KEY}",
        f"rtmp://h/{KEY}",
        f"rtmp:///app/{KEY}",
        KEY,
        f"rtmp://h/app/{KEY} x",
        f"rtmp://u:p@h/app/{KEY}",
        f"hls:{KEY}",
        f"hls://{KEY}",
    ],
)
def test_unusable_urls_are_refused_without_showing_their_key(store: ChannelStore, url: str) -> None:
    with pytest.raises(Refused, match="push URL") as caught:
        store.add("main", push=[url])

    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "url", [URL, f"rtmps://[::1]:443/app/{KEY}", f"rtmp://h/app/inst/{KEY}?auth={KEY}&x=1"]
)
def test_usable_urls(url: str) -> None:
    check_url(url)

    assert redact(url).startswith(url.partition("/app/")[0] + "/app/")
    assert KEY not in redact(url)


def test_the_same_url_twice_is_refused(store: ChannelStore) -> None:
    with pytest.raises(Refused, match="is there twice") as caught:
        store.add("main", push=[URL, f"again={URL}"])

    assert KEY not in str(caught.value)


def test_repr_hides_the_key(store: ChannelStore) -> None:
    channel, _ = store.add("main", push=[URL])

    assert KEY not in repr(channel)


def test_backup_files_must_be_readable_files(store: ChannelStore, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="does not exist"):
        store.add("main", backups=[tmp_path / "none.mp4"])
    with pytest.raises(Refused, match="is not a readable file"):
        store.add("main", backups=[tmp_path])


def test_backup_paths_become_absolute(
    store: ChannelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)

    channel, _ = store.add("main", backups=["a.png"])

    assert channel.backups == (str(tmp_path / "a.png"),)


# ---------------------------------------------------------------- change


def test_set_changes_what_is_named_and_keeps_the_rest(store: ChannelStore, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    (tmp_path / "b.mp4").write_bytes(b"x")
    before, _ = store.add("main", push=["one=rtmp://h/a/1", "two=rtmp://h/a/2"], backups=[tmp_path / "a.mp4"])

    after = store.set(
        "main",
        delay_s=60,
        add_push=["three=rtmp://h/a/3"],
        remove_push=["one"],
        add_backups=[tmp_path / "b.mp4"],
        remove_backups=["a.mp4"],
    )

    assert [one.name for one in after.destinations] == ["two", "three"]
    assert after.backups == (str(tmp_path / "b.mp4"),)
    assert after.delay_s == 60
    assert (after.key_hash, after.created) == (before.key_hash, before.created)
    assert store.get("main") == after


def test_set_refuses_and_leaves_the_file_alone(store: ChannelStore) -> None:
    before, _ = store.add("main", push=[URL])

    with pytest.raises(Refused, match="R1"):
        store.set("main", delay_s=10)
    with pytest.raises(Refused, match=r"no push destination nope; destinations are: 127\.0\.0\.1"):
        store.set("main", remove_push=["nope"])
    with pytest.raises(Refused, match="no backup file nope"):
        store.set("main", remove_backups=["nope"])
    with pytest.raises(Refused, match="there is no channel other; channels are: main"):
        store.set("other", delay_s=60)
    assert store.get("main") == before


def test_rotate_key(store: ChannelStore) -> None:
    old, old_key = store.add("main", push=[URL])

    new, new_key = store.rotate_key("main")

    assert new_key != old_key
    assert new == msgspec.structs.replace(old, key_hash=hash_key(new_key))
    assert store.get("main") == new


def test_remove(store: ChannelStore, tmp_path: Path) -> None:
    store.add("main")
    edit(tmp_path, "main", delay_s=1)  # a broken one goes too

    store.remove("main")

    assert store.load_all() == channels.Loaded([], [])
    with pytest.raises(Refused, match="there is no channel main; channels are: none yet"):
        store.remove("main")


# ---------------------------------------------------------------- files changed by hand


def test_a_hand_edited_delay_below_the_floor_is_not_loaded(store: ChannelStore, tmp_path: Path) -> None:
    store.add("good")
    store.add("main")
    edit(tmp_path, "main", delay_s=5)

    loaded = store.load_all()

    assert [one.name for one in loaded.channels] == ["good"]
    (error,) = loaded.errors
    assert error.name == "main"
    assert "rule R1 (Art. 16: at least 30 seconds)" in error.text
    assert "main.json" in error.text
    assert "未载入" in error.text_zh


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"delay": 40}, "delay"),
        ({"delay_s": "40"}, "delay_s"),
        ({"delay_s": True}, "delay_s"),
        ({"v": 2}, "upgrade streamgate"),
        ({"name": "other"}, "its file says name 'other'"),
        ({"key_hash": "abc"}, "key_hash"),
        ({"destinations": [{"name": "x", "url": f"http://{KEY}"}]}, "push URL"),
        (
            {"destinations": [{"name": "x", "url": "rtmp://h/a/1"}, {"name": "x", "url": "rtmp://h/a/2"}]},
            "same name",
        ),
        ({"backups": ["relative.mp4"]}, "absolute"),
    ],
)
def test_broken_files_are_reported_and_the_rest_loads(
    store: ChannelStore, tmp_path: Path, changes: dict[str, object], expected: str
) -> None:
    store.add("good")
    store.add("main")
    edit(tmp_path, "main", **changes)

    loaded = store.load_all()

    assert [one.name for one in loaded.channels] == ["good"]
    assert expected in loaded.errors[0].text
    assert KEY not in loaded.errors[0].text
    with pytest.raises(ConfigError):
        store.get("main")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null"])
def test_garbage_is_an_error_not_a_crash(store: ChannelStore, tmp_path: Path, content: bytes) -> None:
    store.add("main")
    (tmp_path / "channels" / "main.json").write_bytes(content)

    assert [error.name for error in store.load_all().errors] == ["main"]


def test_a_missing_backup_file_does_not_keep_a_channel_off(store: ChannelStore, tmp_path: Path) -> None:
    backup = tmp_path / "a.mp4"
    backup.write_bytes(b"x")
    channel, _ = store.add("main", backups=[backup])
    backup.unlink()

    assert store.load_all().channels == [channel]  # the slate airs; conforming tells what is missing


def test_a_copied_file_cannot_share_a_stream_key(store: ChannelStore, tmp_path: Path) -> None:
    store.add("main")
    directory = tmp_path / "channels"
    (directory / "zwei.json").write_bytes((directory / "main.json").read_bytes())
    edit(tmp_path, "zwei", name="zwei")

    loaded = store.load_all()

    assert [one.name for one in loaded.channels] == ["main"]
    assert "same stream key as main" in loaded.errors[0].text


def test_an_empty_data_directory_has_no_channels(tmp_path: Path) -> None:
    assert ChannelStore(tmp_path / "new").load_all() == channels.Loaded([], [], there=False)


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "channels").write_text("a file where the directory should be")

    with pytest.raises(ConfigError, match="channels cannot be written"):
        ChannelStore(tmp_path).add("main")


def test_writers_in_several_processes_lose_nothing(store: ChannelStore, tmp_path: Path) -> None:
    store.add("main")
    script = (
        "import sys; from pathlib import Path; from streamgate.runtime.channels import ChannelStore\n"
        "for n in range(5):\n"
        "    ChannelStore(Path(sys.argv[1])).set('main', add_push=[f'p{sys.argv[2]}-{n}=rtmp://h/a/{sys.argv[2]}{n}'])\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), str(number)]) for number in range(3)
    ]

    assert [writer.wait(20) for writer in writers] == [0, 0, 0]
    assert {one.name for one in store.get("main").destinations} == {
        f"p{number}-{n}" for number in range(3) for n in range(5)
    }
    assert [path.name for path in (tmp_path / "channels").iterdir() if path.suffix == ".tmp"] == []


def test_two_channels_may_not_push_to_the_same_address(tmp_path: Path) -> None:
    store = ChannelStore(tmp_path)
    store.add("main", push=["yt=rtmp://127.0.0.1/app/s3cret"])
    with pytest.raises(Refused, match="is channel main's already") as refused:
        store.add("aula", push=["rtmp://127.0.0.1/app/s3cret"])
    assert "s3cret" not in str(refused.value)
    store.add("aula")
    with pytest.raises(Refused, match="another key"):
        store.set("aula", add_push=["rtmp://127.0.0.1/app/s3cret"])
    store.set("main", delay_s=40)


def test_each_channel_may_have_one_destination_that_writes_its_own_hls(tmp_path: Path) -> None:
    store = ChannelStore(tmp_path)
    for name in ("main", "aula"):
        store.add(name, push=["watch=hls:"])
    assert [(one.name, one.redacted) for one in store.get("aula").destinations] == [("watch", "hls:")]
    with pytest.raises(Refused, match="writes HLS already") as refused:
        store.set("main", add_push=["again=hls:"])
    assert "HLS" in refused.value.zh
    store.set("main", remove_push=["watch"], add_push=["hls:"])
    assert [one.name for one in store.get("main").destinations] == ["hls"]
    with pytest.raises(Refused, match="both write"):
        store.put_back_destination("main", Destination("watch", "hls:"))


def test_a_destination_that_writes_hls_waits_for_approval_like_any_other(tmp_path: Path) -> None:
    store = ChannelStore(tmp_path)
    store.add("main")
    entered = store.enter("main", "watch", "hls:", Entry("console:alice", 5.0, alone=False))
    assert not entered.destinations[0].approved
    approved = store.approve("main", "watch", by="console:bob", at=6.0, alone=False)
    assert approved.destinations[0].approved


# ---------------------------------------------------------------- secrets at rest

SECRET_URL = "rtmp://platform.example/app/a-key-nobody-may-see"


def test_push_urls_are_encrypted_in_the_file(tmp_path: Path) -> None:
    store = ChannelStore(tmp_path)
    store.add("main", push=[f"one={SECRET_URL}"])
    text = (tmp_path / "channels" / "main.json").read_text()
    assert "a-key-nobody-may-see" not in text
    assert "platform.example" not in text
    assert ChannelStore(tmp_path).get("main").destinations[0].url == SECRET_URL


def test_a_plain_file_of_an_older_streamgate_is_read_and_encrypted(tmp_path: Path) -> None:
    store = ChannelStore(tmp_path)
    channel, _ = store.add("main", push=[f"one={SECRET_URL}"])
    path = tmp_path / "channels" / "main.json"
    path.write_bytes(msgspec.json.encode(channel))
    assert store.get("main") == channel
    assert [store.seal(), store.seal()] == [1, 0]
    assert "a-key-nobody-may-see" not in path.read_text()
    assert store.get("main") == channel


def test_without_its_key_a_channel_is_bad_and_says_why(tmp_path: Path) -> None:
    store = ChannelStore(tmp_path)
    store.add("main", push=[f"one={SECRET_URL}"])
    store.add("plain")
    (tmp_path / "secrets.key").unlink()
    loaded = ChannelStore(tmp_path).load_all()
    assert [channel.name for channel in loaded.channels] == ["plain"]
    assert "secrets.key is gone" in loaded.errors[0].text
    (tmp_path / "secrets.key").write_bytes(Fernet.generate_key())
    loaded = ChannelStore(tmp_path).load_all()
    assert "does not hold its key" in loaded.errors[0].text


def test_urls_are_encrypted_anew_with_a_new_key(tmp_path: Path) -> None:
    store, box = ChannelStore(tmp_path), SecretBox(tmp_path)
    store.add("main", push=[f"one={SECRET_URL}"])
    before = (tmp_path / "channels" / "main.json").read_text()
    box.begin_rotation()
    assert store.seal(anew=True) == 1
    box.end_rotation()
    assert (tmp_path / "channels" / "main.json").read_text() != before
    assert ChannelStore(tmp_path).get("main").destinations[0].url == SECRET_URL
