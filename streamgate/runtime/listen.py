"""Listening sockets that the supervisor holds open and passes to the process that serves them.

When that process dies, its address stays bound: no other program can take it, and a client that connects
meanwhile waits a second instead of being refused.
"""

import socket
from collections.abc import Iterable
from typing import NamedTuple

from streamgate.errors import ConfigError

BACKLOG = 128


class Address(NamedTuple):
    """Address to listen on: a protocol (`name`) of a process. `option`: the option that sets it."""

    name: str
    process: str
    host: str
    port: int
    option: str


def bind(address: Address) -> list[socket.socket]:
    """Listen on every address that the host's name resolves to; port 0: any free one, the same for all.

    Raises ConfigError when one of them cannot be used.
    """
    port = address.port
    sockets: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(
            address.host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, kind, protocol, _, where in dict.fromkeys(found):
            listener = socket.socket(family, kind, protocol)
            sockets.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((where[0], port, *where[2:]))
            listener.listen(BACKLOG)
            listener.setblocking(False)
            port = listener.getsockname()[1]
    except OSError as error:
        close(sockets)
        raise ConfigError(
            f"the {address.name} address {address.host}:{address.port} cannot be used: {error.strerror};"
            f" end what uses it, or choose another with {address.option}"
        ) from error
    return sockets


def adopt(descriptors: Iterable[int]) -> list[socket.socket]:
    """Return the sockets of file descriptors that were inherited from the supervisor."""
    sockets = []
    for descriptor in descriptors:
        listener = socket.socket(fileno=descriptor)
        listener.set_inheritable(False)
        listener.setblocking(False)
        sockets.append(listener)
    return sockets


def close(sockets: Iterable[socket.socket]) -> None:
    for listener in sockets:
        listener.close()
