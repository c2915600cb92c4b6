"""Push addresses of destinations: parse RTMP URLs, redact any address for display. Pure."""

import re
from urllib.parse import SplitResult, urlsplit

import msgspec

from streamgate.errors import ConfigError

HLS = "hls:"
"""The address of the channel's own HLS files; nothing follows the colon."""
_FORM = "allowed is rtmp://HOST[:PORT]/APP/KEY, rtmps://HOST[:PORT]/APP/KEY or hls: alone"
_PORTS = {"rtmp": 1935, "rtmps": 443}
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9.])?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_MAX = 2048


class Target(msgspec.Struct, frozen=True):
    """Parsed address of an RTMP server. `key` is a secret: only RTMP commands contain it."""

    host: str
    port: int
    tls: bool
    app: str
    key: str
    tc_url: str

    def __repr__(self) -> str:
        return f"Target({self.tc_url}/***)"

    @property
    def shown(self) -> str:
        """The address without the key."""
        return f"{self.tc_url}/***"


def parse_url(url: str) -> Target:
    """Parse a push address. The key is everything after the last slash before any `?`, query included.

    Raises ConfigError; its text names what is allowed and never contains the key.
    """
    if len(url) > _MAX:
        raise ConfigError(f"a push address of {len(url)} characters; allowed are {_MAX}")
    if any(character <= " " or character == "\x7f" for character in url):
        raise ConfigError(f"a push address with a space or control character in it; {_FORM}")
    parts, port = _split(url)
    if parts is None:
        raise ConfigError(f"a push address that cannot be read; {_FORM}")
    default_port = _PORTS.get(parts.scheme)
    if default_port is None:
        raise ConfigError(f"a push address that does not start with rtmp:// or rtmps://; {_FORM}")
    host = parts.hostname or ""
    if "@" in parts.netloc:
        raise ConfigError(f"a push address with a user name in it, which is not supported; {_FORM}")
    if not _HOST.fullmatch(host):
        raise ConfigError(f"a push address without a valid host name; {_FORM}")
    if port == 0:
        raise ConfigError(f"a push address with port 0; allowed are 1 to 65535; {_FORM}")
    app, _, key = parts.path.lstrip("/").rpartition("/")
    app = app.strip("/")
    if parts.query:
        key = f"{key}?{parts.query}"
    if not app or not key:
        raise ConfigError(
            f"a push address without {'a stream key' if app else 'an application or a key'}; {_FORM}"
        )
    shown_host = f"[{host}]" if ":" in host else host
    authority = shown_host if port is None else f"{shown_host}:{port}"
    tc_url = f"{parts.scheme}://{authority}/{app}"
    return Target(host, port or default_port, parts.scheme == "rtmps", app, key, tc_url)


def redact(url: str) -> str:
    """Return `url` with scheme, host and first path part kept and everything else as `***`. Never raises."""
    if url == HLS:
        return HLS
    parts, _ = _split(url)
    if parts is None or parts.scheme not in _PORTS or not parts.hostname:
        return "***"
    authority = parts.netloc.rpartition("@")[2]
    app, slash, _ = parts.path.lstrip("/").partition("/")
    return f"{parts.scheme}://{authority}/{app}/***" if slash else f"{parts.scheme}://{authority}/***"


def _split(url: str) -> tuple[SplitResult | None, int | None]:
    try:
        # A stream key may contain "#": it does not begin a fragment here.
        parts = urlsplit(url, allow_fragments=False)
        port = parts.port
    except ValueError:
        return None, None
    return parts, port
