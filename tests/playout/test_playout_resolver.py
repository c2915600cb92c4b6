"""Names: looked up apart and once for all, good addresses kept; connections to any of several."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tools.nginx import free_port

import streamgate
from streamgate.errors import DestinationError
from streamgate.playout import dialer, resolver
from streamgate.playout.dialer import Dialer
from streamgate.playout.resolver import Addresses, Resolver
from streamgate.runtime.apart import DaemonThreads

V4, V6 = socket.AF_INET, socket.AF_INET6


def rows(*found):
    return [(family, socket.SOCK_STREAM, 6, "", (host, 0)) for family, host in found]


class Names:
    """A name server: `known` answers, `failing` fails, `hanging` answers nothing until `let_go`."""

    def __init__(self):
        self.known = {}
        self.hanging = set()
        self.asked = []
        self.let_go = threading.Event()

    def __call__(self, host, port, **_):
        self.asked.append(host)
        if host in self.hanging:
            self.let_go.wait(30)
        if host not in self.known:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return rows(*self.known[host])


@pytest.fixture
def names():
    names = Names()
    yield names
    names.let_go.set()


@contextlib.contextmanager
def within(seconds):
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


async def test_numbers_and_localhost_need_no_look_up(names):
    resolver_ = Resolver(names)
    assert await resolver_.resolve("192.0.2.7") == Addresses(((V4, "192.0.2.7"),))
    assert await resolver_.resolve("2001:db8::1") == Addresses(((V6, "2001:db8::1"),))
    both = ((V4, "127.0.0.1"), (V6, "::1"))
    assert await resolver_.resolve("localhost") == await resolver_.resolve("a.LOCALHOST.") == Addresses(both)
    assert names.asked == []


async def test_the_families_are_tried_in_turn_the_systems_choice_first(names):
    names.known["p.test"] = [(V6, "::1"), (V6, "::2"), (V6, "::3"), (V4, "127.0.0.1"), (V6, "::1")]
    found = (await Resolver(names).resolve("p.test")).found
    assert found == ((V6, "::1"), (V4, "127.0.0.1"), (V6, "::2"), (V6, "::3"))
    names.known["p.test"] = [(V4, f"127.0.0.{n}") for n in range(1, 100)]
    assert len((await Resolver(names).resolve("p.test")).found) == resolver.MAX_ADDRESSES


async def test_names_that_hang_hold_up_no_other(names, monkeypatch):
    monkeypatch.setattr(resolver, "ANSWER_S", 0.3)
    resolver_ = Resolver(names)
    names.hanging = {f"hang{n}.test" for n in range(resolver.MAX_LOOKUPS - 1)}
    names.known["good.test"] = [(V4, "127.0.0.1")]
    hanging = [asyncio.ensure_future(resolver_.resolve(host)) for host in names.hanging]
    await asyncio.sleep(0.05)
    with within(0.2):
        assert await resolver_.resolve("good.test") == Addresses(((V4, "127.0.0.1"),))
    errors = await asyncio.gather(*hanging, return_exceptions=True)
    assert {type(error) for error in errors} == {DestinationError}
    assert "cannot be looked up: no answer within 0.3 s" in str(errors[0])


async def test_a_name_is_asked_for_once_however_many_wait_and_come_again(names, monkeypatch):
    monkeypatch.setattr(resolver, "ANSWER_S", 0.1)
    resolver_ = Resolver(names)
    names.hanging = {"slow.test"}
    names.known["slow.test"] = [(V4, "127.0.0.1")]
    for _ in range(3):
        waiting = [resolver_.resolve(host) for host in ("slow.test", "SLOW.test", "slow.test.")]
        errors = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(error, DestinationError) for error in errors)
    assert names.asked == ["slow.test"]
    names.let_go.set()  # the answer comes late: it serves whoever comes next
    await asyncio.sleep(0.1)
    names.let_go.clear()
    monkeypatch.setattr(resolver, "ANSWER_KNOWN_S", 0.1)
    assert (await resolver_.resolve("slow.test")).found == ((V4, "127.0.0.1"),)
    assert names.asked == ["slow.test"] * 2


@pytest.mark.parametrize("how", ["hangs", "fails"])
async def test_the_last_good_addresses_are_kept_for_hours(names, monkeypatch, how):
    monkeypatch.setattr(resolver, "ANSWER_S", 0.1)
    monkeypatch.setattr(resolver, "ANSWER_KNOWN_S", 0.1)
    now_s = 1000.0
    monkeypatch.setattr(resolver, "now_us", lambda: round(now_s * 1e6))
    resolver_ = Resolver(names)
    names.known["p.test"] = [(V4, "192.0.2.1"), (V4, "192.0.2.2")]
    assert (await resolver_.resolve("p.test")).old == ("", "")
    before = names.known.pop("p.test")
    if how == "hangs":
        names.hanging = {"p.test"}
    now_s += 300
    found, old = await resolver_.resolve("p.test")
    assert found == tuple(before)
    reason = "Temporary failure in name resolution"
    reason_zh = f"无法解析主机名（{reason}）"
    if how == "hangs":
        reason, reason_zh = "no answer within 0.1 s", "0.1 秒内没有应答"
    assert old == (
        f"the name p.test could not be looked up ({reason}); its address of 5 min ago was used",
        f"域名 p.test 解析失败（{reason_zh}），使用了 5 分钟前的地址",
    )
    now_s += resolver.KEPT_S
    with pytest.raises(DestinationError, match="cannot be looked up"):
        await resolver_.resolve("p.test")


async def test_calls_beyond_the_limit_wait_and_those_given_up_are_not_made():
    threads, gate, called = DaemonThreads("test", 2), threading.Event(), []

    def work(number):
        called.append(number)
        gate.wait(10)
        return number

    calls = [threads.call(work, number) for number in range(4)]
    await asyncio.sleep(0.05)
    assert called == [0, 1]
    calls[2].cancel()
    gate.set()
    assert [await calls[n] for n in (0, 1, 3)] == [0, 1, 3]
    assert called == [0, 1, 3]
    with pytest.raises(OSError, match="no disk"):
        await threads.call(raise_, OSError("no disk"))


def raise_(error):
    raise error


# ---------------------------------------------------------------- one of several addresses


def deaf(host, port):
    """A listener whose queue is full: SYNs to it stay unanswered."""
    listener = socket.create_server((host, port), backlog=0)
    full = [listener]
    for _ in range(3):
        client = socket.socket()
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            client.connect((host, port))
        full.append(client)
    return full


class Accepting(asyncio.Protocol):
    def __init__(self):
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport


async def test_addresses_that_refuse_or_say_nothing_cost_a_head_start_each(names):
    port = free_port()
    names.known["p.test"] = [(V6, "::1"), (V4, "127.0.0.2"), (V4, "127.0.0.1"), (V4, "127.0.0.3")]
    sockets = deaf("127.0.0.2", port)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)
    protocol = Accepting()
    with within(dialer.HEAD_START_S + 0.5):
        assert await Dialer(Resolver(names)).open(protocol, "p.test", port, None) == ("", "")
    assert protocol.transport.get_extra_info("peername")[0] == "127.0.0.1"
    protocol.transport.abort()
    server.close()
    for sock in sockets:
        sock.close()
    await asyncio.sleep(0)


async def test_nobody_there(names):
    names.known["p.test"] = [(V4, "127.0.0.1"), (V4, "127.0.0.2")]
    with pytest.raises(ConnectionRefusedError):
        await Dialer(Resolver(names)).open(Accepting(), "p.test", free_port(), None)


async def test_the_systems_certificates_are_read_once(monkeypatch):
    dialer_ = Dialer()
    assert await dialer_.context() is await dialer_.context()
    broken = Dialer()
    monkeypatch.setattr(dialer.ssl, "create_default_context", lambda: raise_(OSError("no disk")))
    with pytest.raises(OSError, match="no disk"):
        await broken.context()
    monkeypatch.undo()
    assert await broken.context()


# ---------------------------------------------------------------- a real name server that falls silent


def test_destinations_live_on_while_their_name_server_is_silent(tmp_path):
    unshare = [shutil.which("unshare"), "-m", "-n"]
    if (
        None in (unshare[0], shutil.which("ip"))
        or os.geteuid()
        or subprocess.run([*unshare, "true"], check=False).returncode
    ):
        pytest.skip("needs root, unshare and ip: a name server is set up in namespaces of its own")
    script = Path(__file__).with_name("dns_that_hangs.py")
    done = subprocess.run(
        [*unshare, sys.executable, script, tmp_path],
        env=os.environ | {"PYTHONPATH": str(Path(streamgate.__file__).parents[1])},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    ended = time.monotonic()
    *_, seen, ending = done.stdout.strip().splitlines() or ["", ""]
    assert ending.startswith("ending "), done.stdout + done.stderr
    seen = json.loads(seen)
    assert all(seconds is not None and seconds < 2 for seconds in seen["at first"].values())
    assert all(seconds is not None and seconds < 6 for seconds in seen["again"].values())
    assert "its address of" in seen["platform"]
    assert "cannot be looked up: no answer within 5 s" in seen["hanging"]
    assert len(seen["said"]) == 1
    assert "its address of" in seen["said"][0]
    assert ended - float(ending.split()[1]) < 2  # no thread that hangs was waited for
