"""Where the database stands: a SQLite file in the data directory, or a PostgreSQL server. Pure text, no I/O.

Imported by the settings, so it loads neither SQLAlchemy nor a driver.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

SQLITE = "sqlite"
FILE_NAME = "streamgate.sqlite"
BACKUPS_NAME = "database-backups"
ALLOWED = (
    "sqlite (a file in the data directory), or postgresql+psycopg://USER:PASSWORD@HOST:PORT/DATABASE"
    " (the password may also stand in ~/.pgpass)"
)
_SCHEMES = ("postgresql+psycopg", "postgresql")
_SHOWN_OPTIONS = ("host", "port", "sslmode")
_WORD = re.compile(r"[A-Za-z0-9._+-]{0,40}")


@dataclass(frozen=True)
class Location:
    """Where one database is. `url` holds its password: never print it, print `shown`."""

    kind: Literal["sqlite", "postgresql"]
    shown: str
    backups: Path
    path: Path | None = None  # of the SQLite file
    url: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def file(self) -> Path:
        """The SQLite file; only asked for where `kind` is sqlite."""
        assert self.path is not None
        return self.path


def locate(setting: str, data_dir: Path) -> Location:
    """Return where the database named by the setting `database` stands. Raises ValueError, see `check`."""
    check(setting)
    backups = data_dir / BACKUPS_NAME
    if setting == SQLITE:
        path = data_dir / FILE_NAME
        return Location("sqlite", str(path), backups, path=path)
    parts = urlsplit(setting)
    url = parts._replace(scheme="postgresql+psycopg").geturl()
    return Location("postgresql", redact(setting), backups, url=url, password=_password(parts))


def check(setting: str) -> None:
    """Raise ValueError unless `setting` names a database. The text never holds the password."""
    if setting == SQLITE:
        return
    try:
        parts = urlsplit(setting)
        _ = parts.port
    except ValueError:
        raise ValueError("the address cannot be read") from None
    if parts.scheme not in _SCHEMES:
        raise ValueError("it begins with neither sqlite nor postgresql+psycopg://")
    if "@" in parts.path:  # what is in front of it would be shown as host and port
        raise ValueError("a / in the password must be written %2F")
    if not parts.path.strip("/"):
        raise ValueError("it names no database behind the host")
    if parts.fragment:
        raise ValueError("a # in it must be written %23")


def holds_password(setting: str) -> bool:
    """Tell whether a password stands in the setting itself."""
    try:
        return bool(_password(urlsplit(setting)))
    except ValueError:
        return True  # unreadable: assume the worst


def redact(setting: str) -> str:
    """Return the setting without its password. Of what cannot be read only a harmless first word is left."""
    try:
        check(setting)
    except ValueError:
        scheme, separator, _ = setting.partition("://")
        if separator and _WORD.fullmatch(scheme):
            return f"{scheme}://***"
        return setting if _WORD.fullmatch(setting) else "***"
    if setting == SQLITE:
        return setting
    parts = urlsplit(setting)
    user, _, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    login = (f"{name}:***@" if ":" in user else f"{name}@") if user else ""
    options = "&".join(f"{key}={value}" for key, value in parse_qsl(parts.query) if key in _SHOWN_OPTIONS)
    return f"{parts.scheme}://{login}{host}{parts.path}{'?' if options else ''}{options}"


def _password(parts: SplitResult) -> str:
    return unquote(parts.password or "") or dict(parse_qsl(parts.query)).get("password", "")
