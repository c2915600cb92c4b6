"""Databases of the newest schema. The migrations run once a session; of SQLite each test gets a copy."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from streamgate.store.location import Location, locate
from streamgate.store.upgrade import upgrade


def make_database(location: Location) -> None:
    """Leave at `location` what `upgrade` leaves. One that is there stays as it is."""
    if location.kind != "sqlite" or location.file.exists():
        upgrade(location)
        return
    for one in _made().iterdir():
        shutil.copy(one, location.file.with_name(one.name))


@cache
def _made() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="sgdb"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    upgrade(locate("sqlite", directory))
    return directory
