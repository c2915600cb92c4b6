"""A private PostgreSQL for tests: Debian's programs, a data directory of its own, a unix socket only."""

import contextlib
import os
import pwd
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

PASSWORD = "s3cret pass@word/1"  # as awkward in a URL as passwords are


def programs() -> Path:
    """Return the directory with initdb and postgres of the newest version Debian has installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise RuntimeError("there is no PostgreSQL: apt-get install postgresql")
    return found[-1].parent


@dataclass
class Postgres:
    """A server in `directory`, a short path; root runs it as the user postgres, initdb refuses root.

    Over its socket everybody needs the password. `stop` and `start` take it away and bring it back.
    `durable`: commits wait for the disk, which tests need not.
    """

    directory: Path
    user: str = "streamgate"
    durable: bool = False
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        secret = self.directory / "password"
        secret.write_text(PASSWORD)
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            for path in (self.directory, secret):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        self._run(
            "initdb",
            "--no-sync",
            "--auth=scram-sha-256",
            f"--username={self.user}",
            f"--pwfile={secret}",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            f"--pgdata={self.directory / 'data'}",
        )
        self.start()

    def start(self) -> None:
        assert self._process is None
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.directory),
            "fsync": "on" if self.durable else "off",
            "max_connections": "60",
        }
        command = [str(programs() / "postgres"), "-D", str(self.directory / "data")]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **_as_postgres())
        end = time.monotonic() + 30
        while not (self.directory / ".s.PGSQL.5432").exists() or not self._answers():
            if time.monotonic() > end or self._process.poll() is not None:
                raise RuntimeError(f"PostgreSQL does not start: {(self.directory / 'log').read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it at once, as `pg_ctl stop -m immediate` does: open connections break."""
        if self._process is not None:
            self._process.send_signal(3)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
            self._process.kill()
            self._process.wait()
            self._process = None

    def new_database(self, name: str) -> str:
        """Make an empty database and return the setting `database` for it."""
        self._run("createdb", f"--host={self.directory}", f"--username={self.user}", name)
        return self.url(name)

    def url(self, database: str, *, user: str = "", password: str = PASSWORD) -> str:
        login = f"{user or self.user}:{quote(password, safe='')}"
        return f"postgresql+psycopg://{login}@/{database}?host={self.directory}"

    def sql(self, database: str, statement: str) -> str:
        """Run a statement as the server's owner; return what psql printed, without headings."""
        return self._run(
            "psql",
            f"--host={self.directory}",
            f"--username={self.user}",
            f"--dbname={database}",
            "--no-psqlrc",
            "--tuples-only",
            "--no-align",
            f"--command={statement}",
        ).strip()

    def _answers(self) -> bool:
        ready = [programs() / "pg_isready", f"--host={self.directory}", "--quiet"]
        return subprocess.run(ready, check=False).returncode == 0

    def _run(self, program: str, *arguments: str) -> str:
        return subprocess.run(
            [programs() / program, *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
            env={**os.environ, "PGPASSWORD": PASSWORD, "LC_ALL": "C.UTF-8"},
            cwd="/",
            **_as_postgres(),
        ).stdout

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


def _as_postgres() -> dict[str, object]:
    """Return what makes subprocess leave root behind."""
    if os.geteuid() != 0:
        return {}
    owner = pwd.getpwnam("postgres")
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
