"""Shared by commands that work directly in the database: a transaction, and the output of answers."""

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
    """Yield a write transaction of the database, which is created and upgraded first."""
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


def reload_gate(places: DataDir) -> None:
    """Make a running gate read the channels again. Without one, do nothing."""
    import asyncio

    from streamgate.errors import StreamgateError
    from streamgate.link.client import NotRunningError, call
    from streamgate.link.messages import Reload
    from streamgate.runtime.actor import cli_actor

    try:
        asyncio.run(call(places.control_socket, Reload(id=1, actor=cli_actor())))
    except NotRunningError:
        return
    except StreamgateError as error:
        raise type(error)(
            f"the change is stored, but the running gate did not take it over: {error}"
        ) from error


def print_answer(json: bool, answer: Mapping[str, object], text: str) -> None:
    """Print one JSON object, or the same in words."""
    typer.echo(msgspec.json.encode(answer).decode() if json else text)
