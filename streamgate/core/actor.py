"""Actor names ("cli:alice", "console:alice"): who did something, in files and journals. Pure."""

import unicodedata

_PEOPLE = ("cli", "console")


def fold(name: str) -> str:
    """Return a person's name normalized for comparison: Unicode NFKC and case folding."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def person(actor: str) -> str:
    """Return the person behind an actor, the same for "cli" and "console"; a program's token is none."""
    door, separator, name = actor.partition(":")
    return fold(name) if separator and door in _PEOPLE else fold(actor)


def is_same_person(one: str, other: str) -> bool:
    return person(one) == person(other)


def is_on_machine(actor: str) -> bool:
    """Whether the actor used the machine's command line. Files older than actors have ""."""
    return actor == "" or actor.startswith("cli:")
