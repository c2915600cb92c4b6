"""Which tests run side by side, and that a test which is alone has no neighbour."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tools import lanes

WAITS_S = 0.3


@pytest.mark.parametrize(
    ("nodeid", "unit", "order", "measured"),
    [
        ("tests/e2e/test_e2e_clean.py::test_it", "air", 0, 0),
        ("tests/ingest/test_ingest_flood.py::test_it[connects]", "air", 1, 1),
        ("tests/test_cli.py::test_it", "tests/test_cli.py", 2, 4),
        ("tests/moderation/text/test_x.py::test_it[a::b/c]", "tests/moderation/text/test_x.py", 2, 4),
        ("tests/console/test_console_app.py::test_it", "tests/console/test_console_app.py", 3, 4),
        ("tests/console/test_console_page_x.py::test", "tests/console/test_console_page_x.py::test", 5, 5),
        (
            "tests/console/test_console_page_conveyor.py::test",
            "tests/console/test_console_page_conveyor.py",
            5,
            5,
        ),
    ],
)  # fmt: skip
def test_units_of_work_and_their_order(nodeid: str, unit: str, order: int, measured: int) -> None:
    assert (lanes.unit(nodeid), lanes.order(nodeid, measures=False)) == (unit, order)
    assert lanes.order(nodeid, measures=True) == measured


class Turns:
    """Tests of other processes: each waits for its turn, says that it runs, and runs until it is let go."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._threads: list[threading.Thread] = []
        self._ends: list[threading.Event] = []

    def begin(self, *, alone: bool = False) -> tuple[threading.Event, Callable[[], None]]:
        """Return what is set when it runs, and what ends it."""
        runs, ends = threading.Event(), threading.Event()

        def run() -> None:
            with lanes.turn(self._directory, alone=alone):
                runs.set()
                ends.wait(20)

        thread = threading.Thread(target=run)
        thread.start()
        self._threads.append(thread)
        self._ends.append(ends)
        return runs, ends.set

    def close(self) -> None:
        for ends in self._ends:
            ends.set()
        for thread in self._threads:
            thread.join(20)


@pytest.fixture
def turns(tmp_path: Path) -> Iterator[Turns]:
    made = Turns(tmp_path)
    yield made
    made.close()


def test_others_run_side_by_side(turns: Turns) -> None:
    assert [turns.begin()[0].wait(10) for _ in range(3)] == [True] * 3


def test_one_that_is_alone_waits_for_the_others_and_they_for_it(turns: Turns) -> None:
    first, end_first = turns.begin()
    assert first.wait(10)
    alone, end_alone = turns.begin(alone=True)
    assert not alone.wait(WAITS_S)
    late, _ = turns.begin()
    assert not late.wait(WAITS_S)  # it does not slip past the one that waits
    end_first()
    assert alone.wait(10)
    assert not late.wait(WAITS_S)
    end_alone()
    assert late.wait(10)
