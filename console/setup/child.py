"""Children that read media: libav never runs in the console's process, and none of them runs for ever."""

import asyncio
import contextlib
import sys

import msgspec
import structlog

from streamgate.errors import MediaError

MAX_SAID = 4 * 1024 * 1024
_log = structlog.get_logger("console.child")


async def run_child(module: str, *arguments: str, given: bytes = b"", timeout_s: float) -> bytes:
    """Run a module of ours as a child; return what it printed.

    Raises:
        MediaError: with the child's own reason, or because it died or took too long.
    """
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # a terminal's Ctrl-C is for the supervisor
        limit=MAX_SAID,
    )
    try:
        async with asyncio.timeout(timeout_s):
            printed, said = await child.communicate(given)
    except TimeoutError:
        raise MediaError(
            f"it took longer than {timeout_s:g} s and was given up", f"超过 {timeout_s:g} 秒未完成，已放弃"
        ) from None
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    if child.returncode:
        raise _failed(said, module, child.returncode)
    return printed


def _failed(said: bytes, module: str, code: int) -> MediaError:
    """Return what the child's last line on stderr says."""
    lines = said.strip().splitlines()
    with contextlib.suppress(msgspec.MsgspecError, IndexError):
        told = msgspec.json.decode(lines[-1], type=dict[str, str])
        return MediaError(told["error"], told.get("error_zh", ""))
    _log.error("child_failed", module=module, exit=code, said=said[-4000:].decode(errors="replace"))
    return MediaError(
        f"the program that reads it failed (exit {code}); the log tells more",
        f"读取程序出错（退出码 {code}），详见日志",
    )
