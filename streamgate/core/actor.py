"""Actors: who does something, as files and journals name it: "cli:alice", "console:alice". Pure."""

import unicodedata

_PEOPLE = ("cli", "console")


def fold(name: str) -> str:
    """Return the form under which a person's name is unique: compatibility forms and case do not matter."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def person(actor: str) -> str:
    """Return who stands behind an actor, whichever door was taken; a program with a token is no person."""
    door, separator, name = actor.partition(":")
    return fold(name) if separator and door in _PEOPLE else fold(actor)


def is_same_person(one: str, other: str) -> bool:
    return person(one) == person(other)


def is_on_machine(actor: str) -> bool:
    """Whether the actor used the machine's command line; "" stands in files of before there were actors."""
    return actor == "" or actor.startswith("cli:")
