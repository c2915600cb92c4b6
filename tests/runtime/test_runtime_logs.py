"""Log lines behind a reader that takes none."""

import os
import time

import pytest

from streamgate.runtime import logs
from streamgate.runtime.logs import LogWriter


def test_lines_arrive_in_order():
    reader, writer = os.pipe()
    out = LogWriter(writer)
    for number in range(1000):
        out.write(f"line {number}\n")
    out.drain(5)
    text = b""
    while text.count(b"\n") < 1000:
        text += os.read(reader, 65536)
    assert text.decode().split("\n")[:-1] == [f"line {number}" for number in range(1000)]


@pytest.mark.alone  # it measures
def test_a_reader_that_takes_nothing_holds_nobody_up_and_the_loss_is_counted(monkeypatch):
    monkeypatch.setattr(logs, "MAX_WAITING", 1000)
    reader, writer = os.pipe()
    out = LogWriter(writer)
    slowest = 0.0
    for _ in range(5000):
        begun = time.perf_counter()
        out.write("x" * 999 + "\n")
        slowest = max(slowest, time.perf_counter() - begun)
    assert slowest < 0.5  # nothing but this machine's other work
    begun = time.perf_counter()
    out.drain(0.2)
    assert time.perf_counter() - begun < 1

    end, text = time.monotonic() + 10, b""
    os.set_blocking(reader, False)
    while time.monotonic() < end and b"log_missed" not in text:
        try:
            text += os.read(reader, 1 << 20)
        except BlockingIOError:
            time.sleep(0.01)
    missed = int(text.partition(b'"lines": ')[2].partition(b"}")[0])
    assert 0 < missed < 5000


def test_a_reader_that_is_gone_costs_nothing():
    reader, writer = os.pipe()
    out = LogWriter(writer)
    os.close(reader)
    out.write("nobody reads this\n")
    out.drain(5)
    out.write("nor this\n")
    begun = time.perf_counter()
    out.drain(5)
    assert time.perf_counter() - begun < 4
