import contextlib
import gc
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tools import lanes
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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out the work of several processes by lanes."""
    from xdist.scheduler import LoadScopeScheduling

    class Lanes(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return lanes.unit(nodeid)

    config.option.loadscopereorder = False  # the order of the collection is meant
    return Lanes(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # one of several processes
        measured = {item.path for item in items if item.get_closest_marker("alone") is not None}
        items.sort(key=lambda item: lanes.order(item.nodeid, measures=item.path in measured))


def pytest_collection_finish() -> None:
    _spare_old_objects()


def _spare_old_objects() -> None:
    """Keep the garbage collector away from what exists now: most of it stays to the end.

    Else each full collection walks 1.3 million objects after the tests are collected, and more with each
    file: 1.2 s and more in which no thread of the process runs. To the gate the taps of the end-to-end tests
    are a network that stands still then, and filler airs; a test that measures, measures the collector.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
    """Wait for the test's turn before its time limit begins to run."""
    if not hasattr(item.config, "workerinput"):
        return (yield)
    alone = item.get_closest_marker("alone") is not None
    lanes.take_rank(item.nodeid, alone=alone)
    shared = item.config._tmp_path_factory.getbasetemp().parent  # type: ignore[attr-defined]
    with lanes.turn(shared, alone=alone):
        report = yield
    if nextitem is None or nextitem.path != item.path:
        _spare_old_objects()
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the runtime directories in shared memory of data directories that this session made."""
    from streamgate.runtime.rundir import OWNER, SHARED_MEMORY

    factory = getattr(session.config, "_tmp_path_factory", None)
    if factory is None:
        return
    for mark in SHARED_MEMORY.glob(f"streamgate-*/{OWNER}"):
        with contextlib.suppress(OSError):  # another session removes its own
            if Path(mark.read_text().strip()).is_relative_to(factory.getbasetemp()):
                shutil.rmtree(mark.parent, ignore_errors=True)
