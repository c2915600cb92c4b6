"""Both engines, as the tests of the store have them."""

from store.conftest import database, location, sqlite

__all__ = ["database", "location", "sqlite"]
