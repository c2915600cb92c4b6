"""What was condemned, and has aired as filler, while there was no comments process: the next one knows it."""

import asyncio
import json
import os
import signal
import socket
import time
from pathlib import Path

import httpx
import msgspec
from test_runtime_comments import ADDRESSES, pid_of, wait_for_line
from test_runtime_supervisor import begin, finish, streamgate
from websockets.asyncio.client import unix_connect

from moderation.desk.messages import AnyAnswer, Person, Queue, Reply

CHIEF = Person(1, "chief", ("chief-reviewer",), "console:chief")


async def _held(path: Path) -> Reply:
    async with asyncio.timeout(20), unix_connect(str(path), compression=None) as opened:
        request = Queue(id=1, channel="main", by=CHIEF, pile="held")
        await opened.send(msgspec.json.encode(request).decode())
        return msgspec.json.decode(await opened.recv(), type=AnyAnswer)


def test_comments_about_what_was_condemned_meanwhile_are_held(tmp_path: Path) -> None:
    assert streamgate(tmp_path, "channel", "add", "main").returncode == 0
    with socket.socket() as taken:  # so that there is no comments process
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        serve = begin(tmp_path, *ADDRESSES, address)
        try:
            wait_for_line(serve, "console: http://")
            assert streamgate(tmp_path, "start", "main").returncode == 0
            assert streamgate(tmp_path, "dump", "main", "--seconds", "5").returncode == 0
            dumped_s = _status(tmp_path)["on_air_s"]
            until = time.monotonic() + 40
            while _status(tmp_path)["spans"]:
                assert time.monotonic() < until
                time.sleep(2)
            os.kill(pid_of(tmp_path, "gate"), signal.SIGKILL)  # it remembers for itself
        except BaseException:
            finish(serve)
            raise
    try:
        wait_for_line(serve, "viewers: http://")
        made = streamgate(tmp_path, "source", "add", "hall", "--channel", "main", "--json")
        key = json.loads(made.stdout)["key"]
        assert streamgate(tmp_path, "interaction", "main", "--comments", "open").returncode == 0
        comments = [
            {"client_id": text, "author_id": "a", "author": "校友", "text": text, "at_media_s": at}
            for text, at in (("刚才那句不对", dumped_s + 27), ("开场很好", dumped_s + 10))
        ]
        url = f"http://{address}/api/v1/channels/main/comments"
        headers = {"authorization": f"Bearer {key}"}
        until = time.monotonic() + 30
        while httpx.post(url, json=comments, headers=headers).status_code != 202:
            assert time.monotonic() < until
            time.sleep(0.5)
        held = asyncio.run(_held(tmp_path / "run" / "comments.sock"))
        assert held.cards is not None, held
        assert [(card.text, "condemned" in card.held) for card in held.cards] == [("刚才那句不对", True)]
    finally:
        assert finish(serve) == 0


def _status(data_dir: Path) -> dict:
    (channel,) = json.loads(streamgate(data_dir, "status", "--json").stdout)["channels"]
    return channel
