"""Both engines, as the tests of the store have them; a real desk with the public address before it."""

from public_fixtures import database, engine, location, place, sqlite, stage

__all__ = ["database", "engine", "location", "place", "sqlite", "stage"]
