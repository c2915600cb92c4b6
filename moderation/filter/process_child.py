"""The process behind `FilterProcess`: it builds the filter that it is told, and checks what it is sent.

    python -m moderation.filter.process_child DESCRIPTOR        of a connected socket

It ends when the other side does, also in the middle of a build.
"""

import contextlib
import os
import select
import signal
import socket
import sys
import threading

import msgspec

from moderation.filter.filter import Filter
from moderation.filter.process import Found, Request, Texts, read_frame, write_frame
from moderation.filter.recipe import Recipe

NICE = 5
"""It gives way to air and to the operators' page."""
_decoder: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_encoder = msgspec.msgpack.Encoder()


class _Checker:
    """`recipe`: of the filter that is there."""

    def __init__(self) -> None:
        self._recipe: Recipe | None = None
        self._filter: Filter

    def take(self, recipe: Recipe) -> Found:
        """Build the filter; where only terms were added, just these are compiled."""
        before = self._recipe
        if before is not None and recipe.goes_on_from(before):
            more = recipe.added[len(before.added) :]
        else:
            more = recipe.added
            self._filter = Filter(
                recipe.lists,
                policy=recipe.policy,
                channels=recipe.channels,
                engine=recipe.engine,
                today=recipe.day,
            )
        for one in more:
            self._filter.add(one)
        self._recipe = recipe
        return Found(self._filter.version, self._filter.day)

    def check(self, texts: list[str]) -> Found:
        filtered = self._filter
        clean = filtered.clean
        found = [(place, one) for place, one in enumerate(filtered.check_many(texts)) if one is not clean]
        return Found(clean.version, filtered.day, found)


def serve(asked: socket.socket) -> None:
    """Answer requests until the other side ends."""
    checker = _Checker()
    while True:
        match _decoder.decode(read_frame(asked)):
            case Recipe() as recipe:
                found = checker.take(recipe)
            case Texts(texts=texts):
                found = checker.check(texts)
        write_frame(asked, _encoder.encode(found))


def _end_with(other: socket.socket) -> None:
    poll = select.poll()
    poll.register(other, select.POLLRDHUP)
    poll.poll()
    os._exit(0)


def main() -> None:
    os.nice(NICE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a key in a terminal reaches all; the first process decides
    asked = socket.socket(fileno=int(sys.argv[1]))
    threading.Thread(target=_end_with, args=(asked,), daemon=True).start()
    with contextlib.suppress(Exception):  # on stderr its text might hold a comment; the first process logs it
        serve(asked)


if __name__ == "__main__":
    main()
