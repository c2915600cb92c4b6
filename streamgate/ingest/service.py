"""The ingest process: the link to the gate and the RTMP server, until `stop` is set."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import structlog

from streamgate.errors import ConfigError
from streamgate.ingest.admission import Limits
from streamgate.ingest.link import GateLink
from streamgate.ingest.server import RtmpServer

_DRAIN_S = 1.0
_log = structlog.get_logger(__name__)

Address = tuple[str, int]


async def run(
    *,
    media_socket: Path,
    rtmp: Address | list[socket.socket],
    stop: asyncio.Event,
    rtmps: Address | list[socket.socket] | None = None,
    cert: Path | None = None,
    key: Path | None = None,
    limits: Limits | None = None,
    on_listening: Callable[[dict[str, int]], None] = lambda _: None,
) -> None:
    """Accept publishers until `stop` is set; return within 2 s after that.

    Args:
        media_socket: the gate's media socket; it may be missing at times.
        rtmp: host and port to listen on (port 0 for any free one), or sockets that listen; none: off.
        stop: set by the caller, on SIGTERM for instance.
        rtmps: the same over TLS; needs `cert` and `key` (PEM files).
        cert: certificate chain.
        key: its private key.
        limits: limits of encoders.
        on_listening: called once with {"rtmp": port, "rtmps": port} of those that listen.

    Raises:
        ConfigError: an address cannot be listened on, or the certificate cannot be used.
    """
    tls = _tls_context(cert, key) if rtmps else None
    link = GateLink(media_socket)
    try:
        async with asyncio.TaskGroup() as tasks:
            server = RtmpServer(link, tasks, limits or Limits())
            services = [tasks.create_task(link.run()), tasks.create_task(server.watch())]
            try:
                ports = {}
                for name, where, context in (("rtmp", rtmp, None), ("rtmps", rtmps, tls)):
                    for port in await _listen(server, where, context):
                        ports[name] = port
                on_listening(ports)
                await stop.wait()
            finally:
                server.close()
                await link.drain(_DRAIN_S)
                for service in services:
                    service.cancel()
    except* ConfigError as group:
        raise group.exceptions[0] from None
    _log.info("ingest stopped")


async def _listen(
    server: RtmpServer, where: Address | list[socket.socket] | None, tls: ssl.SSLContext | None
) -> list[int]:
    """Listen on an address or on sockets; return the ports."""
    if isinstance(where, tuple):
        return [await server.listen(*where, tls)]
    return [server.listen_on(one, tls) for one in where or ()]


def _tls_context(cert: Path | None, key: Path | None) -> ssl.SSLContext:
    if cert is None or key is None:
        raise ConfigError("RTMPS needs a certificate and its key: give both files")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # each costs a handshake that no limit counts
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"the certificate {cert} with the key {key} cannot be used: {error}") from error
    return context
