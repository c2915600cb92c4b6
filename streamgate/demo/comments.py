"""The demo's viewers may write from the beginning; elsewhere all is closed until somebody opens it (R5)."""

from pathlib import Path

from moderation.desk import broadcasts, interactions
from moderation.desk.messages import InteractionView
from streamgate.clock import wall_s
from streamgate.store import settings
from streamgate.store.database import Database
from streamgate.store.location import locate


def open_up(data_dir: Path, channel: str) -> None:
    """Open comments and bullets of a channel that is not on air. Raises StoreError."""
    opened = interactions.encode(InteractionView(comments=True, bullets=True))
    with Database(locate("sqlite", data_dir)) as database, database.write() as session:
        for key, value in (
            (interactions.PREFIX + channel, opened),
            (broadcasts.PREFIX + channel, broadcasts.encode(None)),  # of an earlier demo: its end closes all
        ):
            settings.put(session, key, value, by="demo", at=wall_s())
