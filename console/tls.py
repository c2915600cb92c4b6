"""The page's certificate: loaded at the start, and again whenever its files are replaced."""

import asyncio
import ssl
from pathlib import Path

import structlog

from streamgate.errors import ConfigError

LOOK_S = 2.0
_log = structlog.get_logger("console.tls")


class Certificate:
    """`context` serves connections. A replaced certificate counts for those that begin afterwards."""

    def __init__(self, cert: Path, key: Path) -> None:
        """Raise ConfigError when the files hold no certificate and its key."""
        self._cert, self._key = cert, key
        self.context = _new_context()
        self._seen = self._look()
        try:
            self._load()
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"console_cert {cert} and console_key {key} cannot be used ({error.strerror or error});"
                " they must be a certificate chain and its private key as PEM files"
            ) from error

    async def follow(self) -> None:
        """Until cancelled. Files that do not fit together (half replaced) are looked at again."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                now = await asyncio.to_thread(self._look)
                if now != self._seen:
                    await asyncio.to_thread(self._load)
                    self._seen = now
                    _log.info("certificate_loaded", file=str(self._cert))
            except (OSError, ssl.SSLError) as error:
                _log.warning("certificate_not_loaded", file=str(self._cert), reason=str(error))

    def _load(self) -> None:
        """Take the files over, tried on a context of their own first: one that fails is left half changed."""
        _new_context().load_cert_chain(self._cert, self._key)
        self.context.load_cert_chain(self._cert, self._key)

    def _look(self) -> list[tuple[int, int, int]]:
        try:
            found = [path.stat() for path in (self._cert, self._key)]
        except OSError:
            return []
        return [(one.st_ino, one.st_mtime_ns, one.st_size) for one in found]


def _new_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
