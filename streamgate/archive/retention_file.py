"""`archive/retention.json`: for how many days each channel's recordings are kept, as it was known last.

A channel's retention outlives the channel: its file may be removed, its recordings stay.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from streamgate.core.retention import MAX_RETENTION_DAYS
from streamgate.errors import ArchiveError

RETENTION = "retention.json"


def read_retention(root: Path) -> dict[str, int]:
    """Return days by channel; no file, no channels. Raises OSError; ArchiveError: nobody can read it."""
    path = root / RETENTION
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, int])
    except FileNotFoundError:
        return {}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ArchiveError(
            f"{path} cannot be read ({error}); put it right, or remove it",
            f"{path} 内容有误（{error}）；请改正或删除",
        ) from error


def settle_retention(known: Mapping[str, int], given: Mapping[str, int | None]) -> dict[str, int]:
    """Return days by channel. `given`: of the channels there are, None: unknown, so that all is kept."""
    told = {channel: days for channel, days in given.items() if days is not None}
    return {**dict.fromkeys(given, MAX_RETENTION_DAYS), **known, **told}
