"""The HLS destination with real processes: read by ffmpeg while live, through a cut, kill -9 and an end.

One broadcast: feed on air from second 30 on, a cut, kill -9 of the gate, stop, start again.
"""

import re
import shutil
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tools import timecode
from tools.encoder import Encoder
from tools.recording import Recording, decode_errors
from tools.rtmpwire import Message
from tools.serve import Done, Gate
from tools.tap import Loop, Tap

from streamgate.core.hls_playlist import Playlist, parse


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Broadcast:
    """What was done and seen. `playlists`: every text of the playlist that a player could have read."""

    directory: Path
    done: dict[str, Done] = field(default_factory=dict)
    killed_s: float = 0
    sent: list[Message] = field(default_factory=list)
    frames: dict[str, int] = field(default_factory=dict)
    playlists: list[Playlist] = field(default_factory=list)
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    folder: Path = Path()
    player: Path = Path()
    player_said: str = ""

    def segments(self, *, first: int = 0) -> list[Recording]:
        """Return every segment ever offered from number `first` on, each with its init section before it."""
        entries = {entry.number: entry for playlist in self.playlists for entry in playlist.entries}
        made = []
        for number, entry in sorted(entries.items()):
            if number >= first:
                path = self.directory / f"whole-{number}.mp4"
                head = (self.folder / entry.init_name).read_bytes()
                path.write_bytes(head + (self.folder / entry.name).read_bytes())
                made.append(Recording(path))
        return made

    def numbers(self) -> list[int]:
        return [number for segment in self.segments() for number in segment.numbers(feed=1)]


class Watcher:
    """Polls the playlist over HTTP as a player does, and keeps every file that it names."""

    def __init__(self, url: str, keep: Path) -> None:
        self.playlists: list[Playlist] = []
        self._url, self._keep = url, keep
        keep.mkdir()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        text = ""
        while not self._stop.wait(0.1):
            try:
                with urllib.request.urlopen(f"{self._url}/index.m3u8", timeout=5) as answer:
                    now = answer.read().decode()
            except OSError:
                continue
            if now != text:
                text = now
                self.playlists.append(parse(text))
                for name in self.playlists[-1].files():
                    if not (self._keep / name).exists():
                        with urllib.request.urlopen(f"{self._url}/{name}", timeout=5) as answer:
                            (self._keep / name).write_bytes(answer.read())

    def wait_for(self, wanted: Callable[[Playlist], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not (self.playlists and wanted(self.playlists[-1])):
            shown = self.playlists[-1].render() if self.playlists else "no playlist"
            assert time.monotonic() < end, f"not within {seconds} s: {shown}"
            time.sleep(0.05)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)


@pytest.fixture(scope="module")
def broadcast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broadcast]:
    directory = tmp_path_factory.mktemp("hls")
    seen = Broadcast(directory, folder=directory / "kept", player=directory / "player.mp4")
    feed = timecode.make(directory / "feed.flv", feed=1, seconds=90)
    seen.frames = timecode.frames_by_payload(feed)
    loop = Loop()
    gate = Gate(directory / "gate")
    entry = Tap(loop, gate.rtmp)
    url = gate.add("main", "watch=hls:").replace(f":{gate.rtmp}/", f":{entry.port}/")
    gate.start()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(gate.directory / "hls")))
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    address = f"http://127.0.0.1:{server.server_address[1]}/main"
    watcher = Watcher(address, seen.folder)
    encoder = Encoder(feed, url, keep_trying=True)
    began = time.monotonic()
    player = None
    try:
        watcher.wait_for(lambda playlist: len(playlist.entries) >= 3, 30)
        time.sleep(max(0.0, began + 27 - time.monotonic()))
        command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", f"{address}/index.m3u8", "-map", "0"]
        command += ["-t", "16", "-c", "copy", str(seen.player)]
        player = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        time.sleep(max(0.0, began + 37.7 - time.monotonic()))
        seen.statuses["live"] = gate.status("main")
        seen.done["cut"] = gate.command("cut", "main", "--json")
        seen.player_said = player.communicate(timeout=30)[1]
        time.sleep(max(0.0, began + 44 - time.monotonic()))
        seen.killed_s = gate.kill("gate")
        before = watcher.playlists[-1].entries[-1].number
        watcher.wait_for(lambda playlist: playlist.entries[-1].number >= before + 3, 20)
        seen.statuses["after the kill"] = gate.status("main")
        seen.done["stop"] = gate.command("stop", "main", "--json")
        watcher.wait_for(lambda playlist: playlist.ended, 5)
        seen.statuses["stopped"] = gate.status("main")
        seen.done["start"] = gate.command("start", "main", "--json")
        watcher.wait_for(lambda playlist: not playlist.ended and len(playlist.entries) >= 2, 20)
        seen.sent = entry.of("video")
    finally:
        watcher.close()
        if player is not None and player.poll() is None:
            player.kill()
            player.wait()
        encoder.stop()
        gate.stop()
        server.shutdown()
        server.server_close()
        serving.join(5)
        entry.close()
        loop.close()
    seen.playlists = watcher.playlists
    yield seen
    shutil.rmtree(seen.folder)


def test_the_feed_is_seen_a_delay_later_and_nothing_of_it_is_missing_or_twice(broadcast: Broadcast) -> None:
    numbers = broadcast.numbers()
    assert len(numbers) > 3 * 30
    assert numbers == list(range(len(numbers)))
    assert broadcast.statuses["live"]["destinations"][0]["state"] == "live"
    assert broadcast.statuses["live"]["destinations"][0]["url"] == "hls:"


def test_what_the_cut_condemned_is_in_no_segment(broadcast: Broadcast) -> None:
    """Everything that had not aired when the cut came: what had arrived in the 30 s before it."""
    due_s = broadcast.done["cut"].ended_s - 30
    condemned = {broadcast.frames[one.digest] for one in broadcast.sent if one.last_s > due_s}
    assert len(condemned) > 25 * 30
    assert condemned.isdisjoint(broadcast.numbers())


def test_a_cut_takes_back_at_most_a_segment_of_what_aired(broadcast: Broadcast) -> None:
    due_s = broadcast.done["cut"].began_s - 30
    aired = {broadcast.frames[one.digest] for one in broadcast.sent if one.last_s < due_s}
    assert len(aired) - len(broadcast.numbers()) < 2.5 * 30


def test_ffmpeg_plays_it_while_it_is_live_and_through_the_cut(broadcast: Broadcast) -> None:
    assert broadcast.player_said == ""
    assert decode_errors(broadcast.player) == ""
    numbers = Recording(broadcast.player).numbers(feed=1)
    assert len(numbers) > 2 * 30
    assert numbers == sorted(set(numbers))
    condemned_s = broadcast.done["cut"].ended_s - 30
    condemned = {broadcast.frames[one.digest] for one in broadcast.sent if one.last_s > condemned_s}
    assert condemned.isdisjoint(numbers)


def test_every_segment_decodes_by_itself(broadcast: Broadcast) -> None:
    for segment in broadcast.segments():
        assert decode_errors(segment.path) == ""
        assert segment.frames  # few, where the broadcast was stopped


def test_a_player_is_never_told_anything_that_goes_back(broadcast: Broadcast) -> None:
    for earlier, later in pairwise(broadcast.playlists):
        assert later.entries[0].number >= earlier.entries[0].number
        assert later.entries[-1].number >= earlier.entries[-1].number
        assert later.discontinuities >= earlier.discontinuities
    for playlist in broadcast.playlists:
        assert all(entry.duration_ms < (playlist.target_s + 0.5) * 1000 for entry in playlist.entries)
        for earlier_one, later_one in pairwise(playlist.entries):
            assert later_one.at_ms > earlier_one.at_ms


def test_a_killed_gate_goes_on_with_the_playlist_after_a_discontinuity(broadcast: Broadcast) -> None:
    last = next(playlist for playlist in broadcast.playlists if playlist.ended)
    numbers = [entry.number for entry in last.entries]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    jumps = [entry for entry in last.entries if entry.discontinuity]
    assert len(jumps) == 2  # the cut, which took back what no player had been offered; the kill
    assert jumps[-1].init == jumps[-1].number
    assert broadcast.statuses["after the kill"]["state"] == "cut"


def test_the_end_stands_in_the_playlist_and_the_next_broadcast_begins_anew(broadcast: Broadcast) -> None:
    ended = next(index for index, playlist in enumerate(broadcast.playlists) if playlist.ended)
    old, new = broadcast.playlists[ended], broadcast.playlists[-1]
    assert broadcast.statuses["stopped"]["destinations"][0]["state"] == "idle"
    assert new.entries[0].number > old.entries[-1].number
    assert new.discontinuities > old.discontinuities
    assert not any(playlist.ended for playlist in broadcast.playlists[ended + 1 : -1])


def test_nothing_but_what_players_need_is_in_the_folder(broadcast: Broadcast) -> None:
    names = [path.name for path in (broadcast.directory / "gate" / "hls" / "main").iterdir()]
    assert "index.m3u8" in names
    assert [name for name in names if not re.fullmatch(r"index\.m3u8|\d+\.m4s|init-\d+\.mp4", name)] == []
