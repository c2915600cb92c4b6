"""`make test`, after a run that failed: try what failed once more, one after another and nothing beside it.

Tests with real processes share the machine with those of the other process of pytest, and a bound in seconds
may break there. What fails alone, too, has failed. What passes is named, so that somebody looks at it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

FAILED = Path(".pytest_cache/v/cache/lastfailed")
MAX_AGAIN = 20  # more is no accident


def main(arguments: list[str]) -> int:
    """Run the tests that failed last again, with these arguments of pytest; return the exit status."""
    failed = sorted(json.loads(FAILED.read_text())) if FAILED.exists() else []
    if not 0 < len(failed) <= MAX_AGAIN or "CI" not in os.environ:
        return 1
    print(f"\n{len(failed)} failed; once more, alone:", *failed, sep="\n  ", flush=True)
    command = [sys.executable, "-m", "pytest", "--last-failed", "--last-failed-no-failures=none", *arguments]
    status = subprocess.run(command, check=False).returncode
    if status == 0:
        print("\npassed alone, failed beside others; look at them:", *failed, sep="\n  ")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
