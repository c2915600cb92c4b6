"""Owner of what is made: with root's command line, what it makes belongs to the owner of the place it is in.

Otherwise the processes of that user could not go on with it.
"""

import os
from pathlib import Path


def give_to_owner(made: int | Path, place: Path) -> None:
    """Give a file or directory, just made by root in `place`, to the owner of `place`. Raises OSError."""
    if os.geteuid() == 0:
        found = place.stat()
        if found.st_uid or found.st_gid:
            os.chown(made, found.st_uid, found.st_gid)
