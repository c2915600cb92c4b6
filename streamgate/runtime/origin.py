"""Origin check: web servers refuse requests that a page of another site sends (CSRF)."""

from collections.abc import Mapping


def is_ours(headers: Mapping[str, str], host: str, *, secure: bool) -> bool:
    """Whether a request comes from a page of ours, or from a program, which sends no Origin at all.

    `headers`: with lower-case names. `host`: as in the request. `secure`: the request came over TLS.
    """
    if headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    return origin is None or is_same_origin(origin, host, secure=secure)


def is_same_origin(origin: str, host: str, *, secure: bool) -> bool:
    """Whether `origin` is `host`, port included: another port is another site here, unlike for SameSite.

    `secure`: the request came over TLS; then a page without TLS is refused: it may have been altered.
    """
    scheme, separator, authority = origin.lower().partition("://")
    if not separator or scheme not in ({"https"} if secure else {"http", "https"}):
        return False
    default = ":443" if scheme == "https" else ":80"
    return authority.removesuffix(default) == host.strip().lower().removesuffix(default)
