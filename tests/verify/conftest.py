"""Data directories that the tests of the verifier share: each is made once."""

import random
import shutil

import pytest
from fakes.kept_data import KeptData
from tiny_media import make_feed

from streamgate.verify import verifier


@pytest.fixture(scope="session")
def feed():
    return make_feed(seconds=20)


@pytest.fixture(scope="session")
def ended(tmp_path_factory, feed):
    """A directory whose processes have ended in order."""
    return KeptData(tmp_path_factory.mktemp("kept") / "data", feed).fill().close().root


@pytest.fixture
def copy(tmp_path, ended, monkeypatch):
    monkeypatch.setattr(verifier, "PAUSE_S", 0)
    return shutil.copytree(ended, tmp_path / "copy", symlinks=True)


@pytest.fixture
def dice():
    return random.Random(12)
