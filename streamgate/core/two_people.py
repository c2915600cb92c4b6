"""Two-person rule: two people must request an act within LAPSES_US. Pure: `now` in microseconds."""

from dataclasses import dataclass

from streamgate.core.actor import is_same_person

LAPSES_US = 60_000_000
PEOPLE = ("console:", "cli:")
"""Prefixes of actors that are people; a program with a token is not one."""


@dataclass(frozen=True)
class Asked:
    """A person's request. `what`: the act. `span`: that it concerns, if any. `to`: new ends, of a move."""

    actor: str
    reason: str
    at_us: int
    what: str = "restore"
    span: str = ""
    to: tuple[int, int] = (0, 0)

    def is_same_act(self, other: "Asked") -> bool:
        return (self.what, self.span) == (other.what, other.span)


class TwoPeople:
    """Holds the first person's request. The caller carries it out once `ask` returns it."""

    def __init__(self) -> None:
        self._asked: Asked | None = None

    def ask(
        self,
        actor: str,
        reason: str,
        now_us: int,
        *,
        what: str = "restore",
        span: str = "",
        to: tuple[int, int] = (0, 0),
    ) -> Asked | None:
        """Take a request. Returns the first person's request if this one completes it; None: it waits.

        A request by the same person, or for another act, replaces the first. `actor`: see `is_person`.
        """
        asked = Asked(actor, reason, now_us, what, span, to)
        first = self.waiting(now_us)
        if first is not None and first.is_same_act(asked) and not is_same_person(first.actor, actor):
            self._asked = None
            return first
        self._asked = asked
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
