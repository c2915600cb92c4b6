"""Signed session cookies: who is signed in, until when. Nothing is stored but the signing key.

The key lies in DATA_DIR/console.secret, so that sessions survive a restart of the console; removing the file
(and restarting) signs everybody out.
"""

import base64
import binascii
import errno
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import NamedTuple

import structlog

from streamgate.errors import ConfigError

COOKIE = "streamgate_session"
LIFETIME_S = 12 * 3600
_KEY_BYTES = 32
_MAX_LENGTH = 512
_log = structlog.get_logger("console")


class Session(NamedTuple):
    user: str
    expires_at: float  # wall clock, seconds


def load_secret(data_dir: Path) -> bytes:
    """Return the signing key of this data directory, made at first use, readable by its owner only.

    Raises:
        ConfigError: the file cannot be read or holds too few bytes.
    """
    path = data_dir / "console.secret"
    try:
        secret = path.read_bytes()
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except FileNotFoundError:
        secret = _make_secret(path)
    except OSError as error:
        if error.errno == errno.EIO:  # a broken disk: the page is needed now more than ever
            _log.error("secret_not_read", path=str(path), reason=error.strerror)
            return secrets.token_bytes(_KEY_BYTES)
        raise ConfigError(
            f"{path} cannot be used ({error.strerror}); it must be a file of this user"
        ) from error
    if len(secret) < _KEY_BYTES:
        raise ConfigError(
            f"{path} holds {len(secret)} bytes, {_KEY_BYTES} are needed; remove it and a new one is made"
        )
    return secret


def _make_secret(path: Path) -> bytes:
    """Make the key and return it. One that cannot be kept (a full disk) is good until this process ends."""
    secret = secrets.token_bytes(_KEY_BYTES)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Written under another name first: whoever finds the file finds all of it.
            with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(secret)
            os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except FileExistsError:  # another process was quicker
        return path.read_bytes()
    except OSError as error:
        _log.error("secret_not_kept", path=str(path), reason=error.strerror)
    return secret


class Sessions:
    """Makes and reads cookie values: base64url(`user NUL expiry NUL nonce`) and its HMAC-SHA256."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def issue(self, user: str, now_s: float) -> tuple[str, Session]:
        """Return the cookie's value and what it says."""
        expires = int(now_s) + LIFETIME_S
        payload = base64.urlsafe_b64encode(f"{user}\0{expires}\0{secrets.token_hex(8)}".encode())
        return f"{payload.decode()}.{self._mac(payload)}", Session(user, float(expires))

    def read(self, value: str | None, now_s: float) -> Session | None:
        """Return the session of a cookie's value; None when it is absent, forged or has run out."""
        if not value or len(value) > _MAX_LENGTH or not value.isascii():
            return None
        payload, _, mac = value.partition(".")
        if not hmac.compare_digest(mac, self._mac(payload.encode())):
            return None
        try:
            user, expires, _ = base64.urlsafe_b64decode(payload).decode().split("\0")
            session = Session(user, float(expires))
        except (binascii.Error, ValueError):
            return None
        return session if now_s < session.expires_at <= now_s + LIFETIME_S + 60 else None

    def _mac(self, payload: bytes) -> str:
        return hmac.new(self._secret, b"streamgate session v1\0" + payload, hashlib.sha256).hexdigest()
