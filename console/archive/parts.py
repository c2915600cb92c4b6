"""What the routes of the Archive screen work with."""

from typing import NamedTuple

from console.archive.exports import Exports
from console.archive.records import Records
from console.archive.stills import Stills
from console.archive.storage import Storage
from streamgate.store.database import AsyncDatabase


class Archive(NamedTuple):
    """`comments`: the database with the comments."""

    records: Records
    stills: Stills
    exports: Exports
    comments: AsyncDatabase
    storage: Storage
