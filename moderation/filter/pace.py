"""Long work done a part at a time, so that short work of other threads need not wait for all of it."""

import contextlib
import gc
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

PART = 1024
"""Items of a part: a few milliseconds of work."""

GiveWay = Callable[[], None]
"""Called between parts; it may wait for others."""

Item = TypeVar("Item")


def at_once() -> None:
    """Do not wait."""


def parts(items: Iterable[Item], give_way: GiveWay = at_once) -> Iterator[list[Item]]:
    """Hand out items in lists of PART at most, and give way before each."""
    rest = iter(items)
    while part := list(itertools.islice(rest, PART)):
        give_way()
        yield part


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Let the collector of cycles rest: a batch makes many small objects, and no cycles."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
