"""What a filter is built of, so that another process can build the same."""

import datetime as dt

import msgspec

from moderation.filter.policy import Policy
from moderation.lexicon import Channel, WordList


class Recipe(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """`lists`, and what was `added` to them one after the other; terms count on `day`.

    `version`: of a filter that is built so.
    """

    version: str
    day: dt.date
    lists: tuple[WordList, ...]
    added: tuple[WordList, ...]
    policy: Policy
    channels: frozenset[Channel]
    engine: str

    def goes_on_from(self, before: "Recipe") -> bool:
        """Whether it is an earlier one with nothing but more that was added."""
        added = self.added[: len(before.added)]
        return msgspec.structs.replace(self, version=before.version, added=added) == before
