"""What the tests of the ledger share."""

import time

from streamgate.ledger.record import Command


class Clock:
    """A wall clock that is set by hand."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def command(number: int, **fields) -> Command:
    return Command(who="console:alice", channel="main", what="dump", args={"number": number}, **fields)


def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)
