"""Settings as people and the ledger see them."""

from streamgate.playout.settings import Asker, differences
from streamgate.runtime.channels import ChannelStore


def test_those_who_ask_at_once_stand_together() -> None:
    ann, bob = Asker("console:ann", "operator", "192.0.2.1"), Asker("console:bob", "operator", "192.0.2.2")
    assert Asker.all([]) == Asker("gate")
    assert Asker.all([ann, ann]) == ann
    assert Asker.all([ann, bob, ann]) == Asker("console:ann, console:bob", "operator", "192.0.2.1, 192.0.2.2")
    setting = ann.setting("main", "delay_s", 30, 40)
    assert (setting.who, setting.role, setting.from_) == ("console:ann", "operator", "192.0.2.1")


def test_the_store_tells_what_each_change_was_before(tmp_path) -> None:
    seen = []
    store = ChannelStore(tmp_path, changed=lambda old, new: seen.extend(differences(old, new)))
    store.add("main", push=["tv=rtmp://host/app/KEY"])
    store.set("main", delay_s=40)
    store.rotate_key("main")
    store.set("main", remove_push=["tv"])
    store.seal(anew=True)
    store.remove("main")
    assert [name for name, _, _ in seen] == ["channel", "delay_s", "stream_key", "destinations", "channel"]
    assert (seen[0][1], seen[0][2]["delay_s"]) == (None, 30)
    assert seen[1] == ("delay_s", 30, 40)
    assert (seen[4][1]["delay_s"], seen[4][2]) == (40, None)
    assert "KEY" not in str(seen)
