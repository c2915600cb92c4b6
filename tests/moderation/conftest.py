"""The filter's tests: small lists and their helper module."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
