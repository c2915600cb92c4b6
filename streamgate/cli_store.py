"""What commands that work straight in the database share: a transaction, and how answers are printed."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec
import typer

from streamgate.runtime.datadir import DataDir

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from streamgate.store.location import Location


@contextlib.contextmanager
def writing(places: DataDir) -> Iterator["Session"]:
    """A transaction of the database, which is made and upgraded first."""
    from streamgate.store.database import Database
    from streamgate.store.upgrade import upgrade

    places.create()
    location = locate_database(places)
    upgrade(location)
    with Database(location) as database, database.write() as session:
        yield session


def locate_database(places: DataDir) -> "Location":
    from streamgate.config import load
    from streamgate.store.location import locate

    return locate(load(places.root).database, places.root)


def print_answer(json: bool, answer: Mapping[str, object], text: str) -> None:
    """Print one JSON object, or the same in words."""
    typer.echo(msgspec.json.encode(answer).decode() if json else text)
