from collections.abc import Iterator
from pathlib import Path

import pytest
from broadcasts import Broadcasts
from stage import Stage
from tools import lanes

pytest.register_assert_rewrite("redaction")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = [place for place, item in enumerate(items) if Path(__file__).parent in item.path.parents]
    ours = [items[place] for place in places]
    for item in ours:
        item.add_marker(pytest.mark.e2e)
        item.add_marker(pytest.mark.timeout(900))
    for place, item in zip(places, sorted(ours, key=_order), strict=True):
        items[place] = item


def _order(item: pytest.Item) -> int:
    """What runs beside the broadcasts comes first, then what judges them, what is heavy, what runs alone."""
    if item.get_closest_marker("alone") is not None:
        return 3
    if item.get_closest_marker("heavy") is not None:
        return 2
    return 1 if _judges_broadcasts(item) else 0


def _judges_broadcasts(item: pytest.Item) -> bool:
    return "broadcasts" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session")
def broadcasts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broadcasts]:
    running = Broadcasts(tmp_path_factory.mktemp("e2e"))
    yield running
    running.close()


@pytest.fixture(scope="session", autouse=True)
def _begun(request: pytest.FixtureRequest) -> None:
    """Begin the broadcasts before the first test here: they take minutes, whatever runs beside them."""
    if any(_judges_broadcasts(item) for item in request.session.items):
        request.getfixturevalue("broadcasts")
        lanes.step_back()


@pytest.fixture(scope="session")
def clean(broadcasts: Broadcasts) -> Stage:
    return broadcasts.result("clean")


@pytest.fixture(scope="session")
def operated(broadcasts: Broadcasts) -> Stage:
    return broadcasts.result("operated")


@pytest.fixture(scope="session")
def spare(broadcasts: Broadcasts) -> Stage:
    return broadcasts.result("spare")


@pytest.fixture(scope="session")
def cameras(broadcasts: Broadcasts) -> Stage:
    return broadcasts.result("cameras")


@pytest.fixture(scope="session")
def marked(broadcasts: Broadcasts) -> Stage:
    return broadcasts.result("marked")


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
def unattended(broadcasts: Broadcasts) -> Stage:
    return broadcasts.result("unattended")


@pytest.fixture(scope="session")
def idle(broadcasts: Broadcasts) -> Stage:
    return broadcasts.result("idle")
