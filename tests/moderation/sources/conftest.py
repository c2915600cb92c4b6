"""The stage of the public address, for what hands comments in to it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "public"))

from public_fixtures import engine, location, place, sqlite, stage

__all__ = ["engine", "location", "place", "sqlite", "stage"]
