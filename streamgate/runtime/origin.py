"""Whether a request comes from a page of ours: how a web server refuses what another site's page sends."""

from collections.abc import Mapping


def is_ours(headers: Mapping[str, str], host: str, *, secure: bool) -> bool:
    """Say whether a request comes from a page of ours, or from a program: that tells of no page at all.

    `headers`: with lower-case names. `host`: as the request gives it. `secure`: we are asked by TLS.
    """
    if headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    return origin is None or is_same_origin(origin, host, secure=secure)


def is_same_origin(origin: str, host: str, *, secure: bool) -> bool:
    """Compare with the port: another port of this machine is another site's page for us, not for SameSite.

    `secure`: we are asked by TLS; a page that came without it may be anybody's who sits in between.
    """
    scheme, separator, authority = origin.lower().partition("://")
    if not separator or scheme not in ({"https"} if secure else {"http", "https"}):
        return False
    default = ":443" if scheme == "https" else ":80"
    return authority.removesuffix(default) == host.strip().lower().removesuffix(default)
