"""Opens connections to destinations: name lookup, TCP, TLS. No destination waits for another one."""

import asyncio
import socket
import ssl
from collections.abc import Sequence

from streamgate.playout.resolver import Address, Resolver
from streamgate.runtime.apart import DaemonThreads
from streamgate.wording import Words

HEAD_START_S = 0.3
"""Head start of an address before the next one is tried in parallel (RFC 8305, 5: 0.25 s)."""


class Dialer:
    """Opens connections for all destinations of a process, so that a name is looked up only once."""

    def __init__(self, resolver: Resolver | None = None) -> None:
        self._resolver = resolver or Resolver()
        self._threads = DaemonThreads("certificates", 1)
        self._context: asyncio.Future[ssl.SSLContext] | None = None

    async def open(
        self, protocol: asyncio.Protocol, host: str, port: int, context: ssl.SSLContext | None
    ) -> Words:
        """Connect `protocol`, by TLS if there is a context. Return why old addresses were used, usually "".

        Raises OSError (of the address tried last), ssl.SSLError; DestinationError when there is no address.
        """
        addresses = await self._resolver.resolve(host)
        sock = await _connect_first(addresses.found, port)
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: protocol, sock=sock, ssl=context, server_hostname=host if context else None
            )
        except BaseException:
            sock.close()
            raise
        return addresses.old

    async def context(self) -> ssl.SSLContext:
        """Return the TLS context with the system's certificates, which are read once per process."""
        if self._context is None or (self._context.done() and self._context.exception() is not None):
            self._context = self._threads.call(ssl.create_default_context)
        return await asyncio.shield(self._context)


async def _connect_first(addresses: Sequence[Address], port: int) -> socket.socket:
    """Connect to the first address that answers (happy eyeballs); each has HEAD_START_S before the next."""
    tries: set[asyncio.Task[socket.socket]] = set()
    failure = OSError("no address answers")
    ahead = list(addresses)
    try:
        while ahead or tries:
            if ahead:
                tries.add(asyncio.create_task(_connect(ahead.pop(0), port)))
            done, _ = await asyncio.wait(
                tries, timeout=HEAD_START_S if ahead else None, return_when=asyncio.FIRST_COMPLETED
            )
            for one in done:
                error = one.exception()
                if error is None:
                    tries.discard(one)
                    return one.result()
                tries.discard(one)
                failure = error if isinstance(error, OSError) else failure
        raise failure
    finally:
        for one in tries:
            one.cancel()
        for late in await asyncio.gather(*tries, return_exceptions=True):
            if isinstance(late, socket.socket):
                late.close()


async def _connect(address: Address, port: int) -> socket.socket:
    family, host = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (host, port))
    except BaseException:
        sock.close()
        raise
    return sock
