"""Legs and destinations that are started, stopped and replaced in the same turn of the loop."""

import asyncio

from fakes.media import AUDIO, AVCC, video_track
from fakes.rtmp_peer import Peer

from streamgate.core.packet import FeedFormat
from streamgate.link.messages import DestinationStatus
from streamgate.playout import push_link
from streamgate.playout.legs import Legs
from streamgate.playout.push import Destination
from streamgate.runtime.channels import Destination as Config
from streamgate.runtime.service import Services

FEED = FeedFormat(video_track(AVCC[0]), AUDIO)


async def test_started_and_stopped_in_one_turn_nothing_is_connected():
    async with Peer() as peer:
        destination = Destination("x", peer.url())
        task = asyncio.create_task(destination.run())
        await asyncio.sleep(0.05)
        destination.start(FEED)
        destination.stop()
        await asyncio.sleep(0.3)
        assert (destination.status().state, peer.keys) == ("idle", [])
        task.cancel()


async def test_a_stop_while_the_server_says_yes_is_not_lost(monkeypatch):
    async with Peer() as peer:
        destination = Destination("x", peer.url())
        received = push_link.PushLink.data_received

        def stop_at_yes(self, data):
            received(self, data)
            if self.opened.done():
                destination.stop()

        monkeypatch.setattr(push_link.PushLink, "data_received", stop_at_yes)
        task = asyncio.create_task(destination.run())
        destination.start(FEED)
        await asyncio.sleep(0.5)
        assert destination.status().state == "idle"
        task.cancel()


async def test_a_leg_added_and_removed_at_once_is_closed(tmp_path):
    async with Peer() as peer, asyncio.TaskGroup() as group:
        services = Services(group)
        legs = Legs("main", services=services, say_=lambda _what: None, hls=tmp_path)
        legs.set([Config("p", peer.url())], FEED)
        legs.set([], FEED)
        await asyncio.wait_for(legs.closed(), 2)
        services.cancel()


async def test_a_leg_that_replaces_one_to_the_same_address_waits_until_that_is_closed(tmp_path):
    async with Peer() as peer, asyncio.TaskGroup() as group:
        services = Services(group)
        legs = Legs("main", services=services, say_=lambda _what: None, hls=tmp_path)
        legs.set([Config("p", peer.url())], FEED)
        async with asyncio.timeout(5):
            while legs.statuses()[0].state != "live":
                await asyncio.sleep(0.01)
            legs.set([Config("p", peer.url(), split_headers=True)], FEED)
            while legs.statuses()[0].state != "live":
                assert legs.statuses()[0].state in ("idle", "connecting")
                await asyncio.sleep(0.01)
        legs.close()
        await asyncio.wait_for(legs.closed(), 3)
        services.cancel()


async def test_what_becomes_of_a_destination_is_said_once_each(monkeypatch, tmp_path):
    said = []
    async with asyncio.TaskGroup() as group:
        services = Services(group)
        legs = Legs("main", services=services, say_=said.append, hls=tmp_path)
        legs.set([Config("p", "rtmp://127.0.0.1:1/live/k")], None)
        changes = [
            ("live", "", "destination_live"),
            ("behind", "40% lost", "destination_behind"),
            ("live", "", "destination_caught_up"),
            ("backoff", "gone", "destination_lost"),
            ("connecting", "", None),
            ("live", "its address of 5 min ago was used", "destination_old_address"),
            ("idle", "", "destination_idle"),
        ]
        for state, error, code in changes:
            status = DestinationStatus("p", "rtmp://x", state, error=error, error_zh=f"中文 {error}")
            monkeypatch.setattr(Destination, "status", lambda _self, status=status: status)
            said.clear()
            legs.tell()
            legs.tell()
            assert [what.code for what in said] == ([code] if code else [])
            assert all(error in what.text and (not error or f"中文 {error}" in what.text_zh) for what in said)
        services.cancel()


async def test_nothing_connects_to_a_destination_before_it_is_approved(tmp_path):
    said = []
    async with Peer() as peer, asyncio.TaskGroup() as group:
        services = Services(group)
        legs = Legs("main", services=services, say_=said.append, hls=tmp_path)
        waiting = Config("p", peer.url(), entered_by="console:alice", entered_at=1.0)
        legs.set([waiting], FEED)
        await asyncio.sleep(0.5)
        legs.tell()
        assert (len(legs), legs.waiting, peer.keys, said) == (0, ["p"], [], [])
        assert [(one.name, one.state) for one in legs.statuses()] == [("p", "waiting")]

        approved = Config("p", peer.url(), False, "console:alice", 1.0, "console:bob", 2.0)
        legs.set([approved], FEED)
        async with asyncio.timeout(5):
            while legs.statuses()[0].state != "live":
                await asyncio.sleep(0.01)
        assert (len(legs), legs.waiting, len(peer.keys)) == (1, [], 1)
        legs.close()
        await asyncio.wait_for(legs.closed(), 3)
        services.cancel()
