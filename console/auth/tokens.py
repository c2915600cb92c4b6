"""Links that the machine itself gives out: a token is a file named by its hash; using it removes the file.

The supervisor makes them and the console uses them up: the file system is all they share, and unlink decides
who was first. Two kinds: the set-up link for the first administrator, and, in the demo's own directory only,
links that sign a demo person in without a password.
"""

import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from streamgate.clock import wall_s
from streamgate.runtime.rundir import make_runtime_dir, runtime_dir

LIFETIME_S = 24 * 3600
SETUP = ""
"""Whom a set-up link is for: nobody yet."""
DEMO_MARK = ".streamgate-demo"
_CLOCK_SLACK_S = 60
_MAX_LENGTH = 200
_MAX_NAME = 1024


def _folder(data_dir: Path) -> Path:
    return runtime_dir(data_dir) / "console-tokens"


def _file(data_dir: Path, token: str) -> Path:
    return _folder(data_dir) / hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _fresh(path: Path) -> bool:
    """Say whether the token was made within its lifetime; a date in the future is not trusted."""
    return -_CLOCK_SLACK_S <= wall_s() - path.stat().st_mtime <= LIFETIME_S


def mint(data_dir: Path, user: str = SETUP) -> str:
    """Return a new token, good once within 24 h. Tokens that ran out are removed."""
    make_runtime_dir(data_dir)
    folder = _folder(data_dir)
    folder.mkdir(mode=0o700, exist_ok=True)
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            if not _fresh(path):
                path.unlink()
    token = secrets.token_urlsafe(32)
    with os.fdopen(
        os.open(_file(data_dir, token), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb"
    ) as file:
        file.write(user.encode())
    return token


def peek(data_dir: Path, token: str) -> str | None:
    """Return whom a token is for without using it; None when it is not good."""
    if not 0 < len(token) <= _MAX_LENGTH:
        return None
    path = _file(data_dir, token)
    try:
        return path.read_bytes()[:_MAX_NAME].decode() if _fresh(path) else None
    except (OSError, UnicodeDecodeError):
        return None


def consume(data_dir: Path, token: str) -> str | None:
    """Use a token up and return whom it is for.

    None: it never existed, was used before, or is older than 24 h.
    """
    user = peek(data_dir, token)
    if not 0 < len(token) <= _MAX_LENGTH:
        return None
    try:
        _file(data_dir, token).unlink()
    except FileNotFoundError:
        return None
    return user


def is_demo(data_dir: Path) -> bool:
    """Say whether this is the demo's own directory, where links sign in without a password."""
    return (data_dir / DEMO_MARK).is_file()


class Tries:
    """Counts tokens that did not work: at most `limit` per address and ten times that in all, per `window_s`.

    The tokens have 256 bits: this keeps the log and the disk quiet rather than the door shut.
    """

    MAX_ADDRESSES = 1024

    def __init__(self, limit: int = 10, window_s: float = 60.0) -> None:
        self._limit, self._window = limit, window_s
        self._failed: dict[str, list[float]] = {}

    def wait_s(self, address: str, now_s: float) -> float:
        """Return 0 when `address` may try, else the seconds until it may."""
        since = now_s - self._window
        self._failed = {
            key: kept for key, times in self._failed.items() if (kept := [t for t in times if t > since])
        }
        mine = self._failed.get(address, [])
        everyone = sorted(t for times in self._failed.values() for t in times)
        waits = [0.0]
        if len(mine) >= self._limit:
            waits.append(mine[-self._limit] - since)
        if len(everyone) >= 10 * self._limit:
            waits.append(everyone[-10 * self._limit] - since)
        return max(waits)

    def failed(self, address: str, now_s: float) -> None:
        if address in self._failed or len(self._failed) < self.MAX_ADDRESSES:
            self._failed.setdefault(address, []).append(now_s)
