from collections.abc import Iterator
from pathlib import Path

import pytest
from broadcasts import Broadcasts
from stage import Stage


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def broadcasts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broadcasts]:
    running = Broadcasts(tmp_path_factory.mktemp("e2e"))
    yield running
    running.close()


@pytest.fixture(scope="session")
def clean(broadcasts: Broadcasts) -> Stage:
    return broadcasts.result("clean")


@pytest.fixture(scope="session")
def operated(broadcasts: Broadcasts) -> Stage:
    return broadcasts.result("operated")


@pytest.fixture(scope="session")
def changed(broadcasts: Broadcasts) -> Stage:
    return broadcasts.result("changed")


@pytest.fixture(scope="session")
def killed(broadcasts: Broadcasts) -> Stage:
    return broadcasts.result("killed")


@pytest.fixture(scope="session")
def watched(broadcasts: Broadcasts) -> Stage:
    return broadcasts.result("page")


@pytest.fixture(scope="session")
def idle(broadcasts: Broadcasts) -> Stage:
    return broadcasts.result("idle")
