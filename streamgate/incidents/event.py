"""Base of the events that make up an incident. Pure."""

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """Something that happened to incident `id`. `by`: an actor ("console:alice"), or "incidents".

    `at`: wall clock, seconds since the epoch.
    """

    id: str
    at: float
    by: str
