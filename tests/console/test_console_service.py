import asyncio
import socket as sockets
import time

import pytest
from console_stage import Stage, receive

from console.service import bind
from streamgate.errors import ConfigError


async def test_an_address_in_use_is_named(stage: Stage) -> None:
    with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{stage.port} cannot be used: .*--console"):
        bind("127.0.0.1", stage.port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-name.invalid"])
def test_an_address_that_is_not_ours_is_named(host: str) -> None:
    with pytest.raises(ConfigError, match=rf"console address {host}:8080 cannot be used"):
        bind(host, 8080)


async def test_it_also_listens_on_ipv6(idle: Stage) -> None:
    if not sockets.has_ipv6:
        pytest.skip("this machine has no IPv6")
    async with idle.console(host="::1"):
        reader, writer = await asyncio.open_connection("::1", idle.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 503")
        writer.close()
        await writer.wait_closed()


async def test_it_ends_in_bounded_time_with_pages_open_and_tells_them(idle: Stage) -> None:
    async with idle.gate.running():
        async with idle.console():
            await idle.sign_in()
            page = await idle.socket()
            viewer = await idle.socket("/api/v1/preview/main/pgm", max_queue=1)
            await receive(page, "hello")
            started = time.monotonic()
        assert time.monotonic() - started < 2.5
        await asyncio.gather(page.wait_closed(), viewer.wait_closed())
        assert page.close_code == 1012


async def test_services_run_beside_it_until_the_end(idle: Stage) -> None:
    events: list[str] = []

    async def lasting() -> None:
        events.append("began")
        try:
            await asyncio.Event().wait()
        finally:
            events.append("ended")

    async def short() -> None:
        events.append("short")

    async with idle.console(background=[lasting, short]):
        await idle.until(lambda: sorted(events) == ["began", "short"])
    assert events[-1] == "ended"


async def test_a_service_that_fails_ends_the_console(idle: Stage) -> None:
    async def failing() -> None:
        await asyncio.sleep(0.2)
        raise OSError("the disk is gone")

    with pytest.raises(ExceptionGroup) as caught:
        async with idle.console(background=[failing]), asyncio.timeout(3):
            await asyncio.Event().wait()
    assert caught.group_contains(OSError, match="the disk is gone", depth=None)
