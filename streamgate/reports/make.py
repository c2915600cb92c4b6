"""Makes reports as files.

As a child process it reads an order as JSON and prints the file: python -m streamgate.reports.make
"""

import os
import resource
import sys
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from streamgate.clock import wall_s
from streamgate.errors import StoreError, StreamgateError
from streamgate.incidents.book import Book
from streamgate.incidents.evidence import recordings_on_air
from streamgate.incidents.incident import STILLS, stills_due
from streamgate.reports.broadcast import broadcast_report
from streamgate.reports.document import Document, Language, Tongue
from streamgate.reports.facts import catalog_of, read_broadcast, still_of
from streamgate.reports.html import to_html
from streamgate.reports.incident import IncidentFacts, incident_report
from streamgate.reports.pdf import print_pdf
from streamgate.store import published
from streamgate.store.database import Database
from streamgate.store.location import Location
from streamgate.store.published import Item
from streamgate.wording import both

Form = Literal["pdf", "docx", "html"]
FORMS: tuple[Form, ...] = ("pdf", "docx", "html")
NICE = 10
MEMORY = 3 * 1024**3
_MAX_COMMENTS = 200
T = TypeVar("T")


class Order(msgspec.Struct):
    """`about`: "broadcast" or "incident", of which `id`. `by`: who wants it, as it stands on each page.

    `channel`: what is about another one is refused; "": any.
    """

    data_dir: str
    about: Literal["broadcast", "incident"]
    id: str
    form: Form
    language: Language
    by: str
    database: Location | None = None
    channel: str = ""


def make(order: Order) -> bytes:
    """Return the file.

    Raises:
        Refused: there is no such broadcast or incident.
        ArchiveError, MediaError: the record cannot be read, or a library is missing.
    """
    made = _document(order)
    if order.form == "docx":
        from streamgate.reports.docx import to_docx  # noqa: PLC0415 - PDF does not wait for it

        return to_docx(made)
    page = to_html(made)
    return page.encode() if order.form == "html" else print_pdf(page, pictures=True)


def _document(order: Order) -> Document:
    data_dir, say = Path(order.data_dir), Tongue(order.language)
    if order.about == "broadcast":
        facts = read_broadcast(data_dir, order.id, order.database, channel=order.channel)
        return broadcast_report(facts, say, made_at=wall_s(), made_by=order.by)
    told = read_incident(data_dir, order.id, order.database)
    return incident_report(told, say, made_at=wall_s(), made_by=order.by)


def read_incident(data_dir: Path, number: str, database: Location | None) -> IncidentFacts:
    """Return what is on record of an incident. Raises Refused, ArchiveError."""
    one = Book(data_dir).get(number)
    stills: list[tuple[float, bytes | None]] = [(one.happened + seconds, None) for seconds in STILLS]
    archive = data_dir / "archive"
    if archive.is_dir():
        with catalog_of(data_dir) as catalog:
            names = recordings_on_air(archive, one.channel, one.broadcast, stills_due(one))
            stills = [
                (at, still_of(archive, catalog, name, at))
                for name, (at, _) in zip(names, stills, strict=True)
            ]
    return IncidentFacts(one, _read_comments(database, one.channel, one.pgm.start, one.pgm.end), stills)


def _read_comments(database: Location | None, channel: str, start: float, end: float) -> list[Item] | None:
    if database is None or (database.path is not None and not database.path.exists()):
        return None
    try:
        with Database(database) as opened, opened.read() as session:
            return published.list_between(session, channel, start, end, limit=_MAX_COMMENTS)
    except StoreError:
        return None


def read_order(data: bytes, kind: type[T]) -> T:
    """Return an order as a child process is given it: JSON, paths as strings."""
    return msgspec.json.decode(data, type=kind, dec_hook=lambda wanted, text: wanted(text))


def main() -> int:
    """Return the exit code; the last line on standard error is JSON with the reason."""
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        made = make(read_order(sys.stdin.buffer.read(), Order))
    except StreamgateError as error:
        sys.stderr.write(f"\n{msgspec.json.encode(both(error)).decode()}\n")
        return 1
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
