"""The stage of the public address, for what hands comments in to it."""

from public.conftest import location, sqlite, stage

__all__ = ["location", "sqlite", "stage"]
