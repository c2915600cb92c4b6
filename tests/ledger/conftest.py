import pytest

from streamgate.ledger.writer import Writer


@pytest.fixture
def writers(tmp_path):
    """Makes writers of a ledger; ends those that a test leaves open."""
    made = []

    def make(process="gate", root=tmp_path / "ledger", **options):
        writer = Writer(root, process, **options)
        made.append(writer)
        return writer

    yield make
    for writer in made:
        writer.close(5)
