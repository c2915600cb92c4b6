"""An act that two people must ask for, one after the other within a time. Pure: `now` in microseconds."""

from dataclasses import dataclass

from streamgate.core.actor import is_same_person

LAPSES_US = 60_000_000
PEOPLE = ("console:", "cli:")
"""How the actors begin that are people; a program with a token is none."""


@dataclass(frozen=True)
class Asked:
    """What the first person asked for."""

    actor: str
    reason: str
    at_us: int


class TwoPeople:
    """Remembers who asked first. What is asked for is to be done once `ask` returns that person's request."""

    def __init__(self) -> None:
        self._asked: Asked | None = None

    def ask(self, actor: str, reason: str, now_us: int) -> Asked | None:
        """Take a request. Returns the first person's request when this one completes it, else None: it waits.

        The same person again begins anew. `actor` must be a person, see `is_person`.
        """
        first = self.waiting(now_us)
        if first is not None and not is_same_person(first.actor, actor):
            self._asked = None
            return first
        self._asked = Asked(actor, reason, now_us)
        return None

    def waiting(self, now_us: int) -> Asked | None:
        """Return the request that waits for a second person."""
        if self._asked is not None and now_us - self._asked.at_us >= LAPSES_US:
            self._asked = None
        return self._asked

    def forget(self) -> None:
        self._asked = None


def is_person(actor: str) -> bool:
    return actor.startswith(PEOPLE) and actor not in PEOPLE
