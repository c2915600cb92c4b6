"""A ledger for the audit's tests, written by the real writer: several processes and days."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from console.audit.query import group_of
from streamgate.ledger.read import read
from streamgate.ledger.record import Command, Notice, Record, Refusal, Setting, SignIn
from streamgate.ledger.writer import Writer

DAY_S = 86_400.0
NOON = 1_741_953_600.0  # 2025-03-14 12:00 UTC: long before what the console itself records


class Clock:
    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


@contextmanager
def writing(root: Path, process: str, at: float) -> Iterator[Writer]:
    """A writer whose clock stands at `at`; what it was given is on disk when this ends."""
    writer = Writer(root, process, clock=Clock(at))
    try:
        yield writer
    finally:
        assert writer.close(30)


def write(root: Path, process: str, *records: Record) -> None:
    """Write records, each on the day of its own `at`."""
    for record in records:
        with writing(root, process, record.at) as writer:
            writer.written(record).result(30)


def own_decisions(root: Path) -> int:
    """Return how many decisions the console under test has recorded itself."""
    return sum(group_of(one["kind"]) == "decisions" for one in read(root, process="console"))


def cut(at: float, who: str = "console:alice", channel: str = "main", **more: Any) -> Command:
    fields = {"role": "operator", "from_": "192.0.2.7", "what": "cut", "answer": "cut", "latency_ms": 0.2}
    return Command(at=at, who=who, channel=channel, **{**fields, **more})


def fill(root: Path) -> None:
    """Three days, three processes, two channels. Not the console: that one writes its own file."""
    write(
        root,
        "gate",
        cut(NOON - 2 * DAY_S, reason="a stranger on the stage"),
        cut(NOON - DAY_S, "cli:root", "hall", what="dump", args={"seconds": 4.5}, answer="live"),
        cut(NOON, "token:deck"),
        Notice(at=NOON + 1, channel="main", who="token:deck", code="cut", text="CUT", text_zh="切断"),
        cut(NOON + 3, what="restore", answer="second_person", reason="=false alarm"),
        cut(NOON + 5, "console:bob", what="restore", error="no cut is in force", answer=""),
    )
    write(
        root,
        "desk",
        SignIn(at=NOON - 2 * DAY_S - 60, who="console:alice", answer="ok", factors=["password"]),
        Refusal(at=NOON + 2, who="console:eve", channel="main", what="cut", right="channel:cut"),
    )
    write(
        root, "cli", Setting(at=NOON + 4, who="cli:root", channel="main", name="delay_s", old=30.0, new=45.0)
    )
