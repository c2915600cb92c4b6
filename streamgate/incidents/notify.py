"""Notifies one person through apprise: e-mail, webhook, WeCom, DingTalk, Feishu and what else it knows.

apprise and its services are loaded when they are needed first: a console that never reports has none of them.
"""

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from streamgate.wording import said_by_others

MAX_ERROR = 300
_TIMEOUTS = {"cto": "5", "rto": "10"}  # seconds to connect, and to be answered


def is_address(url: str) -> bool:
    """Whether apprise knows what to do with an address."""
    return _service(url) is not None


class NotSent(NamedTuple):
    """Why none of a person's addresses took a message, in both languages; both "": one did."""

    error: str = ""
    error_zh: str = ""


def notify(urls: Sequence[str], title: str, body: str) -> NotSent:
    """Send a message to the addresses of a person, until one takes it.

    Blocks for some seconds at most for each address. The reason holds no address: these hold secrets.
    """
    import apprise  # noqa: PLC0415

    reasons: list[tuple[str, str]] = []
    for url in urls:
        scheme = url.partition(":")[0]
        service = _service(_bounded(url))
        if service is None:
            reasons.append(
                (f"{scheme}: this is no address that apprise knows", f"{scheme}：apprise 不识别该地址")
            )
            continue
        sender = apprise.Apprise()
        sender.add(service)
        capture: Any = apprise.LogCapture(level=logging.WARNING, fmt="%(message)s")  # type: ignore[no-untyped-call]
        with capture as said:
            done = sender.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT)
            told = said.getvalue()
        if done:
            return NotSent()
        told = " ".join(told.split())
        reasons.append(
            (f"{scheme}: {told or 'it was not taken'}", f"{scheme}：{said_by_others(told) or '对方未接收'}")
        )
    if not reasons:
        return NotSent("the person has no address any more", "该人员已没有通知地址")
    return NotSent(*("; ".join(said)[:MAX_ERROR] for said in zip(*reasons, strict=True)))


def _service(url: str) -> Any:
    import apprise  # noqa: PLC0415

    return apprise.Apprise.instantiate(url, suppress_exceptions=True)


def _bounded(url: str) -> str:
    """Return the address with bounds on how long it may take, unless it names its own."""
    missing = [f"{name}={value}" for name, value in _TIMEOUTS.items() if f"{name}=" not in url]
    return url + ("&" if "?" in url else "?") + "&".join(missing) if missing else url
