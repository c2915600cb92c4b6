"""PostgreSQL's own programs: pg_dump, pg_restore, psql. They get the password in their environment only."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from streamgate.errors import Refused
from streamgate.store.engine import APPLICATION, CONNECT_S, open_engine
from streamgate.store.failures import failure, translated
from streamgate.store.location import Location

TIMEOUT_S = 3600
_DEBIAN = Path("/usr/lib/postgresql")


def dump(location: Location, target: Path) -> None:
    """Write the whole database into `target`, in pg_dump's custom format. Raises Refused, StoreError."""
    _run(location, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")


def version_in(source: Path, table: str) -> str | None:
    """Return the schema version inside a dump, None when it holds none. Raises Refused for other files."""
    lines = _run(None, "pg_restore", "--data-only", f"--table={table}", "--file=-", str(source)).splitlines()
    for number, line in enumerate(lines):
        if re.match(rf"COPY \S*\b{table} ", line):
            return lines[number + 1]
    return None


def refuse_in_use(location: Location) -> None:
    """Raise Refused when another streamgate is connected to the database, on whatever machine."""
    engine = open_engine(location)
    query = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND application_name = :name"
    )
    try:
        with translated(location), engine.connect() as connection:
            others = connection.scalar(query, {"name": APPLICATION})
    finally:
        engine.dispose()
    if others:
        raise Refused(
            f"the database {location.shown} is in use by serve or another streamgate command"
            f" ({others} connections); end it first, then restore"
        )


def restore(location: Location, source: Path, then: Sequence[str]) -> None:
    """Replace every table of the database by those of the dump, then run the statements `then`.

    One transaction: it is done as a whole or not at all. Raises Refused, StoreError.
    """
    with tempfile.TemporaryDirectory(dir=location.backups, prefix=".restore-") as name:
        script, ending = Path(name, "tables.sql"), Path(name, "then.sql")
        _run(None, "pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(source))
        ending.write_text("".join(f"{statement};\n" for statement in ["RESET search_path", *then]))
        tables = _tables(location)
        drop = f"DROP TABLE IF EXISTS {', '.join(tables)} CASCADE" if tables else "SELECT 1"
        _run(
            location,
            "psql",
            "--no-psqlrc",
            "--quiet",
            "--single-transaction",
            "--set=ON_ERROR_STOP=1",
            f"--command={drop}",
            f"--file={script}",
            f"--file={ending}",
        )


def _tables(location: Location) -> list[str]:
    engine = open_engine(location)
    try:
        with translated(location), engine.connect() as connection:
            quote = engine.dialect.identifier_preparer.quote_identifier
            return [quote(name) for name in sa.inspect(connection).get_table_names()]
    finally:
        engine.dispose()


def _run(location: Location | None, program: str, *arguments: str) -> str:
    """Run one of them; without a location it touches no server. Returns what it printed."""
    environment = {**os.environ, "PGCONNECT_TIMEOUT": str(CONNECT_S), "LC_ALL": "C"}
    if location is not None:
        arguments = (*arguments, f"--dbname={_conninfo(location)}")
        if location.password:
            environment["PGPASSWORD"] = location.password
    try:
        done = subprocess.run(
            [_find(program), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Refused(
            f"{program} did not end within {TIMEOUT_S} s; look at the server, then try again"
        ) from None
    if done.returncode == 0:
        return done.stdout
    words = done.stderr.strip() or f"exit code {done.returncode}"
    if location is None:
        raise Refused(f"{arguments[-1]} is no copy made by streamgate db backup ({words[:200]})")
    raise failure("other", location, f"{program}: {words}")


def _find(program: str) -> str:
    """Return the program's path: on the PATH, or the newest in Debian's directories."""
    found = shutil.which(program)
    if found is not None:
        return found
    installed = sorted(_DEBIAN.glob(f"*/bin/{program}"), key=lambda path: float(path.parts[-3]))
    if not installed:
        raise Refused(
            f"{program} is not installed; it comes with PostgreSQL's client programs"
            " (Debian: apt-get install postgresql-client)"
        )
    return str(installed[-1])


def _conninfo(location: Location) -> str:
    """Return libpq's connection string without the password: it stands in the process list."""
    import psycopg.conninfo  # noqa: PLC0415 - who keeps SQLite does not load it

    url = sa.make_url(location.url)
    query = {key: str(value) for key, value in url.query.items() if key != "password"}
    named: dict[str, str | int | None] = {
        "host": url.host,
        "port": url.port,
        "user": url.username,
        "dbname": url.database,
        "application_name": APPLICATION,
        **query,
    }
    return psycopg.conninfo.make_conninfo("", **{key: value for key, value in named.items() if value})
