import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the runtime directories in shared memory of data directories that this session made."""
    from streamgate.runtime.rundir import OWNER, SHARED_MEMORY

    factory = getattr(session.config, "_tmp_path_factory", None)
    if factory is None:
        return
    for mark in SHARED_MEMORY.glob(f"streamgate-*/{OWNER}"):
        if Path(mark.read_text().strip()).is_relative_to(factory.getbasetemp()):
            shutil.rmtree(mark.parent, ignore_errors=True)
