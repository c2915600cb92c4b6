"""Notes: somebody writes down what is going on, and that is a draft."""

import contextlib
import secrets
from pathlib import Path

from streamgate.archive.parts import check_channel
from streamgate.errors import ArchiveError, ConfigError, Refused
from streamgate.incidents import evidence
from streamgate.incidents.book import Book
from streamgate.incidents.incident import Incident, Opened
from streamgate.incidents.triggers import incident_id


def take_note(book: Book, data_dir: Path, channel: str, text: str, by: str) -> Incident:
    """Open a draft with somebody's words about this moment, its recordings on hold.

    Where the archive cannot be held now, the console holds it as soon as it can.

    Raises:
        Refused: no such channel, no words.
        ArchiveError: the book cannot be written.
    """
    _require_channel(data_dir, channel)
    now = book.clock()
    opened = Opened(
        id=incident_id(now, f"{by} {now} {secrets.token_hex(8)}"),
        at=now,
        by=by,
        kind="note",
        channel=channel,
        happened=now,
        actor=by,
        broadcast=evidence.find_broadcast(data_dir / "archive", channel, now),
        delay_s=evidence.read_delay(data_dir, channel),
        words=" ".join(text.split()),
    )
    one = book.add(opened)
    with contextlib.suppress(ArchiveError, Refused):
        one = evidence.keep(book, data_dir / "archive", one)
    return one


def _require_channel(data_dir: Path, channel: str) -> None:
    try:
        known = (data_dir / "channels" / f"{check_channel(channel)}.json").is_file()
    except ConfigError as error:
        raise Refused(str(error), f"频道名 {channel!r} 不符合规则") from error
    if not known and not (data_dir / "archive" / channel).is_dir():
        raise Refused(f"there is no channel {channel}; see: streamgate channel list", f"没有频道 {channel}")
