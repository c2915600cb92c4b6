"""Key file: random bytes, created once and then only read. They sign cookies and tokens."""

import os
import secrets
from pathlib import Path

from streamgate.disk import sync_directory
from streamgate.errors import ConfigError

KEY_BYTES = 32


def read_or_make(path: Path) -> bytes:
    """Return the key, 32 bytes; create it first if missing. Processes that do so at once get the same key.

    It may wait for the disk. Raises ConfigError when the file cannot be used.
    """
    try:
        if not path.exists():
            _make(path)
        key = bytes.fromhex(path.read_text("ascii").strip())
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be used ({error.strerror}); it must be a file of this user"
        ) from error
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError(f"{path} holds no key; put the right file back, or remove it for a new one")
    return key


def _make(path: Path) -> None:
    """Write the key to a temporary file, with access for this user only, then give it its name."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(secrets.token_hex(KEY_BYTES).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(path.parent)
