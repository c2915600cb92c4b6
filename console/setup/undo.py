"""Undo: what was removed on the page is kept for a few minutes and put back when its remover asks for it."""

import secrets
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from console.auth.rights import Right
from console.problems import Problem, Refused

UNDO_S = 300.0
MAX_KEPT = 100
GONE = Problem(
    404,
    "not_found",
    "There is nothing to undo any more: it is older than 5 minutes, or the console was restarted.",
    "无法撤销：已超过 5 分钟，或控制台已重启。",
    4404,
)
PutBack = Callable[[], Awaitable[None]]


class Removal(NamedTuple):
    """`right`: what its remover needed for it, and needs for putting it back. `at_s`: monotonic seconds."""

    actor: str
    right: Right
    channel: str
    put_back: PutBack
    at_s: float


class Undo:
    """Removals of the last minutes, in memory: at most `MAX_KEPT`, the oldest are forgotten."""

    def __init__(self) -> None:
        self._kept: dict[str, Removal] = {}

    def keep(self, removal: Removal) -> str:
        """Keep it; return under which name it can be undone."""
        name = secrets.token_urlsafe(12)
        self._kept[name] = removal
        while len(self._kept) > MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        return name

    def find(self, name: str, actor: str, now_s: float) -> Removal:
        """Return what this person removed under that name.

        Raises:
            Refused: there is no such thing, it is too old, or somebody else removed it.
        """
        removal = self._kept.get(name)
        if removal is None or removal.actor != actor or now_s - removal.at_s > UNDO_S:
            raise Refused(GONE)
        return removal

    def forget(self, name: str) -> None:
        self._kept.pop(name, None)
