"""The runtime directory of a data directory: on a tmpfs, so that no access to it waits for the disk.

It holds what air and commands need at any moment: sockets, lock files, the states of the channels, copies of
their settings, the slate. It survives every process (kill -9 of all of them), but no reboot. Its path follows
from that of the data directory alone, which may be frozen, full, read-only or gone.
"""

import hashlib
import os
import stat
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a tmpfs on every Linux; each directory in it is checked for its owner
FOLDER = "run"
OWNER = "data-directory"  # names the data directory


def runtime_dir(root: Path) -> Path:
    """Return the runtime directory of the data directory `root`; it need not exist, and neither need `root`.

    Without shared memory, or when another user has taken the name in it, it is `root/run`: then a frozen disk
    can block commands.
    """
    beside = root / FOLDER
    if not os.access(SHARED_MEMORY, os.W_OK | os.X_OK) or not _in_memory(SHARED_MEMORY):
        return beside
    name = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:20]
    place = SHARED_MEMORY / f"streamgate-{name}"
    return place if _trusted(place, root) else beside


def make_runtime_dir(root: Path) -> Path:
    """Create the runtime directory, with access for this user only, and return it. Raises OSError."""
    place = runtime_dir(root)
    if not place.is_dir():  # checked first: mkdir waits for a frozen disk even if the directory exists
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        (place / OWNER).write_bytes(os.fsencode(os.path.realpath(root)) + b"\n")
    return place


def link_from(root: Path, place: Path) -> None:
    """Make `root/run` a link to the runtime directory, for people. Raises OSError; may wait for the disk."""
    link = root / FOLDER
    if place == link or (link.is_symlink() and link.readlink() == place):
        return
    if link.is_symlink():
        link.unlink()
    elif link.is_dir():
        for left in link.iterdir():  # left by a version that kept its sockets here
            if left.is_socket() or left.suffix in {".lock", ".json"}:
                left.unlink()
        if any(link.iterdir()):
            link.rename(link.with_name(f"{FOLDER}.old"))
        else:
            link.rmdir()
    link.symlink_to(place)


def _trusted(place: Path, root: Path) -> bool:
    """Whether `place` is free, or a directory of this user, of root or of the data directory's owner."""
    try:
        found = place.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    me = os.geteuid()
    owners = {me, 0}
    try:
        owners.add(root.stat().st_uid)
    except OSError:  # the data directory is gone; root may still command its gate
        if me == 0:
            owners.add(found.st_uid)
    closed = not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(found.st_mode) and closed and found.st_uid in owners


def _in_memory(place: Path) -> bool:
    """Whether `place` is the mount point of a tmpfs: any other file system may need a disk."""
    try:
        mounts = Path("/proc/self/mounts").read_text("utf-8", "replace")
    except OSError:
        return False
    return any(
        fields[1] == str(place) and fields[2] == "tmpfs"
        for fields in (line.split() for line in mounts.splitlines())
        if len(fields) > 2
    )
