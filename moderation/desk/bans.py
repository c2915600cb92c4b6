"""Bans in force, kept in memory: they are looked up for every incoming comment."""

from collections.abc import Iterable

from moderation.desk.messages import BanView
from streamgate.store.bans import BanInForce

_Author = tuple[str, int, str]


class Bans:
    """Index of bans by channel, source and author. Times are seconds since the epoch."""

    def __init__(self, stored: Iterable[BanInForce] = ()) -> None:
        self._by_id = {one.id: one for one in stored}
        self._by_author: dict[_Author, list[BanInForce]] = {}
        for one in self._by_id.values():
            self._by_author.setdefault(_author(one), []).append(one)

    def add(self, one: BanInForce) -> None:
        self._by_id[one.id] = one
        self._by_author.setdefault(_author(one), []).append(one)

    def remove(self, ban_id: int) -> None:
        one = self._by_id.pop(ban_id, None)
        if one is not None:
            self._by_author[_author(one)].remove(one)

    def find(self, channel: str, source_id: int, author_id: str, now: float) -> BanInForce | None:
        """Return the ban of this author that lasts longest; None: the author is not banned."""
        known = self._by_author.get((channel, source_id, author_id))
        if not known:
            return None
        found = [one for one in known if _is_in_force(one, now)]
        return max(found, key=lambda one: float("inf") if one.ends_at is None else one.ends_at, default=None)

    def of(self, channel: str, now: float) -> list[BanInForce]:
        """Return the bans of a channel, the oldest first."""
        return [one for one in self._by_id.values() if one.channel == channel and _is_in_force(one, now)]


def view(one: BanInForce) -> BanView:
    return BanView(
        id=one.id,
        channel=one.channel,
        source=one.source,
        author_id=one.author_id,
        author=one.author,
        cause=one.cause,
        by=one.made_by,
        at=one.at,
        ends_at=one.ends_at,
    )


def _author(one: BanInForce) -> _Author:
    return one.channel, one.source_id, one.author_id


def _is_in_force(one: BanInForce, now: float) -> bool:
    return one.ends_at is None or one.ends_at > now
