"""Encryption of secrets at rest, with keys from a file outside the database and the channel files.

The file, `secrets.key` in the data directory, holds one Fernet key a line (cryptography.fernet, AES-128-CBC
with HMAC-SHA256). The first encrypts, all decrypt. Rotation adds a new key at the front, encrypts everything
with it, and removes the other keys.
"""

import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from streamgate.disk import sync_directory
from streamgate.errors import ConfigError

FILE_NAME = "secrets.key"


class SecretBox:
    """Encrypts and decrypts. The key file is created at first use, and read again when it was replaced."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE_NAME
        self._read_as: tuple[int, int, int] | None = None
        self._keys: MultiFernet | None = None

    def encrypt(self, plain: bytes) -> bytes:
        """Return ASCII bytes. Raises ConfigError when the key file cannot be used."""
        return self._current().encrypt(plain)

    def decrypt(self, secret: bytes) -> bytes:
        """Raises ConfigError when the key file cannot be used, or holds no key for this secret."""
        try:
            return self._current(make=False).decrypt(secret)
        except InvalidToken:
            raise ConfigError(
                f"a secret cannot be decrypted: {self._path} does not hold its key; put the right file back,"
                " or enter the secret anew"
            ) from None

    def begin_rotation(self) -> None:
        """Add a new key at the front: `encrypt` uses it from now on."""
        self._write([Fernet.generate_key(), *self._lines()])

    def end_rotation(self) -> None:
        """Remove every key but the newest. Nothing may be left that the others encrypted."""
        self._write(self._lines()[:1])

    def _current(self, *, make: bool = True) -> MultiFernet:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            if not make:
                raise ConfigError(
                    f"{self._path} is gone, and with it the key of all secrets; put it back"
                ) from None
            self._create()
            found = self._path.stat()
        except OSError as error:
            raise self._unusable(error) from error
        seen = (found.st_ino, found.st_mtime_ns, found.st_size)
        if self._keys is None or seen != self._read_as:
            lines = self._lines()
            try:
                self._keys = MultiFernet([Fernet(line) for line in lines])
            except ValueError as error:
                raise ConfigError(
                    f"{self._path} holds something that is no key; put the right file back"
                ) from error
            self._read_as = seen
        return self._keys

    def _lines(self) -> list[bytes]:
        try:
            if self._path.stat().st_mode & 0o077:
                self._path.chmod(0o600)
            return self._path.read_bytes().split()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unusable(error) from error

    def _create(self) -> None:
        """Create the file with a first key; if another process was first, its file stays."""
        draft = self._draft([Fernet.generate_key()])
        try:
            os.link(draft, self._path)
        except FileExistsError:
            pass
        except OSError as error:
            raise self._unusable(error) from error
        finally:
            draft.unlink(missing_ok=True)
        sync_directory(self._path.parent)

    def _write(self, lines: list[bytes]) -> None:
        self._draft(lines).replace(self._path)
        sync_directory(self._path.parent)

    def _draft(self, lines: list[bytes]) -> Path:
        """Write a temporary file beside the key file, with access for this user only; return its path."""
        draft = self._path.with_name(f".{FILE_NAME}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(b"\n".join(lines) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._unusable(error) from error
        return draft

    def _unusable(self, error: OSError) -> ConfigError:
        return ConfigError(f"{self._path} cannot be used ({error.strerror}); it must be a file of this user")
