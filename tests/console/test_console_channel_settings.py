"""Channels, keys, destinations and undo through the API: on real channel files, with a real gate."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from console_stage import Stage
from fakes.rtmp_peer import Peer
from real_gate import running_gate

from console.api.channel_settings import ChannelList
from streamgate.errors import ConfigError
from streamgate.ledger.read import read
from streamgate.ledger.record import Refusal
from streamgate.playout.station import Station
from streamgate.runtime.channels import ChannelStore, hash_key

CHANNELS = "/api/v1/channels"
SECRET = "s3cret-key"


class Desk:
    """The console before a real gate, and people at it."""

    def __init__(self, stage: Stage, station: Station) -> None:
        self.stage, self.station = stage, station
        self.store = ChannelStore(stage.data_dir)

    @contextlib.asynccontextmanager
    async def person(self, name: str, *roles: str) -> AsyncIterator[httpx.AsyncClient]:
        """Somebody who is signed in; an administrator and director unless other roles are named."""
        cookie = await self.stage.sign_in(name, *roles)
        async with httpx.AsyncClient(
            base_url=self.stage.url, headers={"cookie": cookie}, trust_env=False
        ) as client:
            yield client

    def said(self) -> list[tuple[str, str]]:
        return [(line.code, line.actor) for line in self.station.log_since(0)]

    def states(self, channel: str = "main") -> dict[str, str]:
        return {one.name: one.state for one in self.station.channels[channel].status().destinations}


@pytest.fixture
async def desk(idle: Stage) -> AsyncIterator[Desk]:
    async with running_gate(idle.data_dir) as station, idle.console():
        await idle.sign_in()
        yield Desk(idle, station)


async def add(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post(CHANNELS, json={"name": "main"} | body)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_channel_is_made_with_a_key_that_is_shown_once(desk: Desk) -> None:
    async with desk.person("alice") as alice:
        made = await add(alice, delay_s=45)
        listed = (await alice.get(CHANNELS)).json()
    key = made["stream_key"]
    assert desk.store.get("main").key_hash == hash_key(key)
    assert desk.store.get("main").delay_s == 45
    assert made["qr"].startswith("data:image/svg+xml;base64,")
    assert made["not_in_force"] is None
    assert list(desk.station.channels) == ["main"]
    assert key not in str(listed)
    ChannelList.model_validate(listed)
    assert [one["name"] for one in listed["channels"]] == ["main"]


async def test_what_is_not_allowed_is_refused_in_both_languages_and_changes_nothing(desk: Desk) -> None:
    async with desk.person("alice") as alice:
        await add(alice)
        before = desk.store.get("main")
        for method, path, body, words, words_zh in (
            ("POST", CHANNELS, {"name": "main"}, "exists already", "已存在"),
            ("POST", CHANNELS, {"name": "Main Hall"}, "is not allowed", "不可用"),
            ("POST", CHANNELS, {"name": "b", "delay_s": 10}, "rule R1", "R1"),
            ("PATCH", f"{CHANNELS}/main", {"delay_s": 29.9}, "rule R1", "R1"),
            ("PATCH", f"{CHANNELS}/none", {"delay_s": 60}, "no channel none", "没有频道"),
            ("POST", f"{CHANNELS}/none/key", None, "no channel none", "没有频道"),
            ("DELETE", f"{CHANNELS}/none", None, "no channel none", "没有频道"),
            ("POST", f"{CHANNELS}/main/destinations", {"url": "http://x/y"}, "refused", "不可用"),
            ("POST", f"{CHANNELS}/main/destinations/none/approve", None, "no push destination", "没有"),
            ("DELETE", f"{CHANNELS}/main/destinations/none", None, "no push destination", "没有"),
        ):
            answer = await alice.request(method, path, json=body)
            said = answer.json()
            assert (path, answer.status_code, said["code"]) == (path, 409, "refused")
            assert words in said["error"]
            assert words_zh in said["error_zh"]
    assert desk.store.load_all().channels == [before]


async def test_the_delay_is_in_force_in_the_gate_and_the_change_bears_a_name(desk: Desk) -> None:
    async with desk.person("alice") as alice:
        await add(alice)
        answer = await alice.patch(f"{CHANNELS}/main", json={"delay_s": 60})
    assert (answer.status_code, answer.json()["channel"]["delay_s"]) == (200, 60)
    assert desk.station.channels["main"].status().delay_s == 60
    assert ("delay", "console:alice") in desk.said()


async def test_restore_by_two_is_set_by_an_administrator_and_not_dropped_on_air(desk: Desk) -> None:
    async with desk.person("alice") as alice:
        await add(alice)
        main = f"{CHANNELS}/main"
        answer = await alice.patch(main, json={"restore_needs_two": True})
        assert (answer.status_code, answer.json()["channel"]["restore_needs_two"]) == (200, True)
        assert desk.store.get("main").delay_s == 30
        assert desk.station.channels["main"].status().restore_needs_two
        assert (await alice.get(CHANNELS)).json()["channels"][0]["restore_needs_two"] is True
        desk.station.channels["main"].start("cli:root")
        await alice.patch(main, json={"delay_s": 60})
        assert desk.store.get("main").restore_needs_two
        refused = await alice.patch(main, json={"restore_needs_two": False})
        assert (refused.status_code, "on air" in refused.json()["error"]) == (409, True)
        desk.station.channels["main"].stop("cli:root")
        assert (await alice.patch(main, json={"restore_needs_two": False})).status_code == 200
        assert not desk.station.channels["main"].status().restore_needs_two
        async with desk.person("ben", "director") as ben:
            refused = await ben.patch(main, json={"restore_needs_two": True})
            assert refused.json()["code"] == "forbidden"


async def test_a_new_key_puts_the_old_one_out_of_use(desk: Desk) -> None:
    async with desk.person("alice") as alice:
        old = (await add(alice))["stream_key"]
        new = (await alice.post(f"{CHANNELS}/main/key")).json()["stream_key"]
    assert new != old
    assert desk.station.channels["main"].config.key_hash == hash_key(new)


async def test_a_channel_on_air_is_not_removed_and_one_off_air_can_be_had_back(desk: Desk) -> None:
    async with desk.person("alice") as alice, desk.person("bob") as bob:
        await add(alice)
        before = desk.store.get("main")
        await alice.post(f"{CHANNELS}/main/start")
        on_air = await alice.delete(f"{CHANNELS}/main")
        assert (on_air.status_code, on_air.json()["code"]) == (409, "refused")
        await alice.post(f"{CHANNELS}/main/stop", json={"reason": "over"})
        gone = await alice.delete(f"{CHANNELS}/main")
        undo = gone.json()["undo"]
        assert list(desk.station.channels) == []
        assert (await bob.post(f"/api/v1/undo/{undo}")).status_code == 404  # it is not his
        assert (await alice.post(f"/api/v1/undo/{undo}")).json() == {"channel": "main"}
        assert (await alice.post(f"/api/v1/undo/{undo}")).status_code == 404
    assert desk.store.get("main") == before
    assert list(desk.station.channels) == ["main"]


async def test_a_destination_waits_until_somebody_else_approves_it(desk: Desk) -> None:
    async with Peer() as peer, desk.person("alice") as alice, desk.person("bob") as bob:
        await add(alice)
        await alice.post(f"{CHANNELS}/main/start")
        entered = await alice.post(
            f"{CHANNELS}/main/destinations", json={"name": "yt", "url": peer.url(f"live/{SECRET}")}
        )
        (one,) = entered.json()["channel"]["destinations"]
        assert (one["approved"], one["yours"], one["entered_by"]) == (False, True, "console:alice")
        assert SECRET not in entered.text
        (his,) = (await bob.get(CHANNELS)).json()["channels"][0]["destinations"]
        assert his["yours"] is False

        own = await alice.post(f"{CHANNELS}/main/destinations/yt/approve")
        assert (own.status_code, own.json()["code"]) == (409, "refused")
        assert "R13" in own.json()["error_zh"]
        await asyncio.sleep(0.5)
        assert (desk.states(), peer.keys) == ({"yt": "waiting"}, [])

        approved = await bob.post(f"{CHANNELS}/main/destinations/yt/approve")
        (one,) = approved.json()["channel"]["destinations"]
        assert (one["approved"], one["approved_by"]) == (True, "console:bob")
        await desk.stage.until(lambda: desk.states() == {"yt": "live"})
        assert peer.keys == [SECRET]
        assert (await bob.post(f"{CHANNELS}/main/destinations/yt/approve")).status_code == 409
    said = desk.said()
    assert ("destination_waiting", "console:alice") in said
    assert ("destination_approved", "console:bob") in said


async def test_a_removed_destination_is_closed_and_comes_back_with_its_approval(desk: Desk) -> None:
    async with Peer() as peer, desk.person("alice") as alice, desk.person("bob") as bob:
        await add(alice)
        await alice.post(f"{CHANNELS}/main/start")
        await alice.post(f"{CHANNELS}/main/destinations", json={"name": "yt", "url": peer.url()})
        await bob.post(f"{CHANNELS}/main/destinations/yt/approve")
        await desk.stage.until(lambda: desk.states() == {"yt": "live"})
        undo = (await bob.delete(f"{CHANNELS}/main/destinations/yt")).json()["undo"]
        assert desk.states() == {}
        assert (await bob.post(f"/api/v1/undo/{undo}")).status_code == 200
        await desk.stage.until(lambda: desk.states() == {"yt": "live"})
        split = await bob.patch(f"{CHANNELS}/main/destinations/yt", json={"split_headers": True})
        (one,) = split.json()["channel"]["destinations"]
        assert (one["split_headers"], one["approved"]) == (True, True)


async def test_a_change_while_the_gate_is_away_is_stored_and_says_so(idle: Stage) -> None:
    async with idle.console():
        await idle.sign_in()
        async with idle.client() as client:
            made = await client.post(CHANNELS, json={"name": "main"})
            gone = await client.delete(f"{CHANNELS}/main")
    assert made.status_code == 200
    assert made.json()["not_in_force"]["code"] == "gate_down"
    assert (gone.status_code, gone.json()["code"]) == (503, "gate_down")
    assert [one.name for one in ChannelStore(idle.data_dir).load_all().channels] == ["main"]


async def test_a_broken_file_is_named_and_harms_no_other(desk: Desk) -> None:
    async with desk.person("alice") as alice:
        await add(alice)
        (desk.stage.data_dir / "channels" / "bad.json").write_text("{")
        listed = (await alice.get(CHANNELS)).json()
    assert [one["name"] for one in listed["channels"]] == ["main"]
    assert [one["name"] for one in listed["broken"]] == ["bad"]


async def test_a_disk_that_takes_nothing_is_answered_as_such(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise ConfigError("cannot be written (No space left on device)")

    monkeypatch.setattr(ChannelStore, "_write", full)
    async with desk.person("alice") as alice:
        answer = await alice.post(CHANNELS, json={"name": "main"})
    assert (answer.status_code, answer.json()["code"]) == (503, "not_stored")


async def test_a_role_shows_and_allows_what_it_is_for(desk: Desk) -> None:
    """An operator prepares a channel, a director enters destinations, an administrator makes keys."""
    desk.store.add("main")
    desk.store.add("hall")
    await desk.station.reload()
    destination = {"name": "yt", "url": "rtmp://127.0.0.1:1/live/k"}
    async with desk.person("olga", "operator@main") as olga, desk.person("dora", "director@main") as dora:
        assert [one["name"] for one in (await olga.get(CHANNELS)).json()["channels"]] == ["main"]
        for who, method, path, body, allowed in (
            (olga, "GET", "/api/v1/settings", None, False),
            (olga, "PUT", f"{CHANNELS}/main/backups/a.txt", None, True),
            (olga, "PUT", f"{CHANNELS}/hall/backups/a.txt", None, False),
            (olga, "PATCH", f"{CHANNELS}/main", {"delay_s": 60}, False),
            (olga, "POST", f"{CHANNELS}/main/destinations", destination, False),
            (dora, "POST", f"{CHANNELS}/main/destinations", destination, True),
            (dora, "POST", f"{CHANNELS}/hall/destinations", destination, False),
            (olga, "POST", f"{CHANNELS}/main/destinations/yt/approve", None, False),
            (dora, "POST", f"{CHANNELS}/main/key", None, False),
            (dora, "DELETE", f"{CHANNELS}/main", None, False),
        ):
            answer = await who.request(method, path, json=body)
            assert (answer.status_code != 403) == allowed, (path, answer.text)
    async with desk.person("iris", "auditor") as iris:
        assert len((await iris.get(CHANNELS)).json()["channels"]) == 2
        assert (await iris.get("/api/v1/settings")).status_code == 200
        assert (await iris.post(f"{CHANNELS}/main/destinations/yt/approve")).status_code == 403
    async with desk.person("rita", "reviewer") as rita:
        assert (await rita.get(CHANNELS)).status_code == 403


async def test_a_standby_camera_gets_a_key_a_new_one_and_is_removed_and_put_back(desk: Desk) -> None:
    async with desk.person("alice") as alice:
        await add(alice)
        first = (await alice.post(f"{CHANNELS}/main/standby/key")).json()
        assert (first["channel"], first["camera"]) == ("main", "standby")
        assert desk.store.get("main").standby_key_hash == hash_key(first["stream_key"])
        assert first["stream_key"] not in (await alice.get(CHANNELS)).text
        second = (await alice.post(f"{CHANNELS}/main/standby/key")).json()
        assert second["stream_key"] != first["stream_key"]
        assert (await alice.get(CHANNELS)).json()["channels"][0]["standby"] is True
        async with asyncio.timeout(10):
            while (state := (await alice.get("/api/v1/state")).json()["channels"][0])["standby"] is None:
                await asyncio.sleep(0.05)
        assert (state["camera"], state["standby"]["connected"]) == ("main", False)

        gone = (await alice.delete(f"{CHANNELS}/main/standby")).json()
        assert desk.store.get("main").standby_key_hash == ""
        again = await alice.delete(f"{CHANNELS}/main/standby")
        assert again.status_code == 409
        assert again.json()["error_zh"] == "频道 main 没有备用镜头"
        assert (await alice.post(f"/api/v1/undo/{gone['undo']}")).json() == {"channel": "main"}
        assert desk.store.get("main").standby_key_hash == hash_key(second["stream_key"])
    async with desk.person("olga", "operator") as olga:
        assert (await olga.post(f"{CHANNELS}/main/standby/key")).status_code == 403
        assert (await olga.delete(f"{CHANNELS}/main/standby")).status_code == 403
    await asyncio.wrap_future(desk.station.ledger.written(Refusal(who="test")))
    settings = [
        one for one in read(desk.stage.data_dir / "ledger", kind="setting") if one["name"] == "standby_key"
    ]
    assert [(one.get("old"), one.get("new")) for one in settings] == [
        (None, "(secret)"),
        ("(secret)", "(secret, changed)"),
        ("(secret)", None),
        (None, "(secret)"),
    ]
