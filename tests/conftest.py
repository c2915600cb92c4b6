import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tools.postgres import Postgres

from streamgate.store.location import Location, locate


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--hostile",
        type=int,
        default=3000,
        help="How many hostile comments tests/moderation/public hands in.",
    )


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres(Path(tempfile.mkdtemp(prefix="sgpg")))  # a unix socket stands in it: a short path
    server.new_database("tests")
    yield server
    server.close()


@pytest.fixture
def postgresql(postgres: Postgres, tmp_path: Path) -> Location:
    """The one database of the private server, emptied: to make one for each test takes a second."""
    postgres.sql("tests", "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return locate(postgres.url("tests"), tmp_path)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the runtime directories in shared memory of data directories that this session made."""
    from streamgate.runtime.rundir import OWNER, SHARED_MEMORY

    factory = getattr(session.config, "_tmp_path_factory", None)
    if factory is None:
        return
    for mark in SHARED_MEMORY.glob(f"streamgate-*/{OWNER}"):
        if Path(mark.read_text().strip()).is_relative_to(factory.getbasetemp()):
            shutil.rmtree(mark.parent, ignore_errors=True)
