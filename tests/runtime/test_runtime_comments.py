"""The comments process under the real supervisor: its socket, its end by kill -9, its address taken."""

import asyncio
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import msgspec
from test_runtime_supervisor import begin, finish
from websockets.asyncio.client import unix_connect

from moderation.desk.messages import AnyAnswer, GetInteraction, Person, Reply

ADDRESSES = ("--console", "127.0.0.1:0", "--public")


def wait_for_line(process: subprocess.Popen[str], start: str) -> str:
    assert process.stdout is not None
    for text in process.stdout:
        if text.startswith(start):
            return text.removeprefix(start).strip()
    raise AssertionError(f"serve ended before it said {start}")


async def _ask(path: Path) -> Reply:
    async with asyncio.timeout(20):
        while True:
            try:
                async with unix_connect(str(path), compression=None) as opened:
                    request = GetInteraction(id=1, channel="main", by=Person(0, "cli"))
                    await opened.send(msgspec.json.encode(request).decode())
                    return msgspec.json.decode(await opened.recv(), type=AnyAnswer)
            except OSError:
                await asyncio.sleep(0.1)


def ask(data_dir: Path) -> Reply:
    return asyncio.run(_ask(data_dir / "run" / "comments.sock"))


def pid_of(data_dir: Path, name: str) -> int:
    return int((data_dir / "run" / f"{name}.lock").read_text())


def test_it_answers_is_started_again_and_ends_nobody(tmp_path: Path) -> None:
    serve = begin(tmp_path, *ADDRESSES, "127.0.0.1:0")
    try:
        port = int(wait_for_line(serve, "viewers: http://127.0.0.1:").rstrip("/"))
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass
        assert not ask(tmp_path).interaction.comments  # closed by default
        before = {name: pid_of(tmp_path, name) for name in ("gate", "ingest", "console", "comments")}
        os.kill(before["comments"], signal.SIGKILL)
        end = time.monotonic() + 15
        while pid_of(tmp_path, "comments") == before["comments"]:
            assert time.monotonic() < end
            time.sleep(0.1)
        assert ask(tmp_path).failure is None
        after = {name: pid_of(tmp_path, name) for name in ("gate", "ingest", "console")}
        assert after == {name: before[name] for name in after}
        begun = time.monotonic()
    finally:
        assert finish(serve) == 0
    assert time.monotonic() - begun < 6


def test_an_address_that_is_taken_ends_nobody(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        serve = begin(tmp_path, *ADDRESSES, address)
        wait_for_line(serve, "console: http://")
    try:
        assert wait_for_line(serve, "viewers: http://").rstrip("/") == address  # it is free again
        assert ask(tmp_path).failure is None
    finally:
        assert finish(serve) == 0
