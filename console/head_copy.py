"""Has the ledger's heads kept elsewhere: sent (`--ledger-copy`) or stamped (`--tsa`)."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import structlog

from streamgate.clock import now_us, wall_s
from streamgate.core.backoff import Backoff
from streamgate.ledger.heads import Gathered, Heads, gather, send
from streamgate.ledger.record import FileHead
from streamgate.ledger.signing import Signer
from streamgate.ledger.stamps import stamp
from streamgate.link.messages import Warn
from streamgate.runtime.apart import DaemonThreads

LOOK_S = 5.0
SEND_EVERY_S, STAMP_EVERY_S = 60.0, 3600.0
RETRY_S, MAX_RETRY_S = 5.0, 300.0
_log = structlog.get_logger("console.head_copy")


class Place(NamedTuple):
    """Where heads go. `deliver`: blocks, raises OSError; `at_seals`: soon after each seal, too.

    `failed`: English and Chinese, with {error}; `kept`: that it works again.
    """

    deliver: Callable[[Heads], None]
    every_s: float
    at_seals: bool
    code: str
    failed: tuple[str, str]
    kept: tuple[str, str]


def second_place(target: str, signer: Signer) -> Place:
    """Return a file or an HTTP address."""
    return Place(
        lambda heads: send(target, heads, signer),
        SEND_EVERY_S,
        True,
        "ledger_copy",
        (
            f"The ledger's heads cannot be copied to {target} ({{error}}). All else goes on.",
            f"操作记录的校验头无法外送到 {target}（{{error}}）。其他不受影响，系统会自动重试。",
        ),
        ("The ledger's heads are copied again.", "操作记录的校验头已恢复外送。"),
    )


def authority(data_dir: Path, url: str, signer: Signer) -> Place:
    """Return a time stamping authority (RFC 3161)."""
    return Place(
        lambda heads: stamp(data_dir, url, heads, signer),
        STAMP_EVERY_S,
        False,
        "ledger_stamp",
        (
            f"The ledger gets no time stamps from {url} ({{error}}). All else goes on; it is tried again.",
            f"无法从 {url} 取得操作记录的时间戳（{{error}}）。其他不受影响，系统会自动重试。",
        ),
        ("The ledger gets time stamps again.", "操作记录已恢复取得时间戳。"),
    )


async def keep(
    root: Path, place: Place, *, tell: Callable[[Warn], Awaitable[None]], look_s: float = LOOK_S
) -> None:
    """Deliver heads that have grown, until cancelled.

    `root`: the ledger's. `tell`: brings a failure, and the end of it, before the operators; it costs nothing
    else, and is tried again after ever longer pauses.
    """
    threads = DaemonThreads(place.code, 1)  # not waited for: a share may hold it up
    backoff = Backoff(RETRY_S, MAX_RETRY_S, stable_s=0)
    sent: list[FileHead] = []
    sent_us, failed = 0, False
    while True:
        try:
            found = await threads.call(gather, root)
            if _is_due(place, found, sent, now_us() - sent_us):
                await threads.call(place.deliver, Heads(round(wall_s(), 6), found.heads))
                sent, sent_us = found.heads, now_us()
        except OSError as error:
            if not failed:
                failed = True
                _log.warning(f"{place.code}_failed", reason=str(error))
                text, text_zh = (words.format(error=error) for words in place.failed)
                await tell(Warn(f"{place.code}_failed", text, text_zh, "warning"))
            await asyncio.sleep(backoff.failed(now_us(), jitter=0.5))
            continue
        backoff.succeeded(now_us())
        if failed:
            failed = False
            await tell(Warn(f"{place.code}_kept", *place.kept, "info"))
        await asyncio.sleep(look_s)


def _is_due(place: Place, found: Gathered, sent: list[FileHead], since_us: int) -> bool:
    if found.heads == sent:
        return False
    return not sent or (place.at_seals and found.sealed) or since_us >= place.every_s * 1e6
