"""RTMP connection of a destination: asyncio protocol between a socket and a ClientSession. No rules."""

import asyncio
import socket
from collections.abc import Callable
from typing import NamedTuple

from streamgate.clock import now_us
from streamgate.errors import ProtocolError
from streamgate.rtmp.client import ClientSession, Publishing, Refused
from streamgate.wording import Words, system_error

HIGH_WATER = 32 * 1024
"""Bytes in the write buffer at which writing pauses. Bytes in it can no longer be withdrawn."""
LOW_WATER = 8 * 1024
UNSENT_IN_KERNEL = 16 * 1024
"""Limit of unsent bytes in the kernel, which could otherwise hold megabytes of condemned packets."""
USER_TIMEOUT_MS = 15_000


class End(NamedTuple):
    """Why a connection ended. `refused`: the server rejected the stream."""

    why: Words
    refused: bool = False


STOPPED = End(Words("stopped", "已停止"))


class PushLink(asyncio.Protocol):
    """Transfers bytes between a session and a socket. `on_writable` is called when writing can resume.

    `opened`: done when the server accepts the stream (None) or rejects it (End). `ended`: done when this link
    can no longer be used. `gone`: set when the socket is closed.
    """

    def __init__(self, session: ClientSession, on_writable: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        self.session = session
        self.writable = False
        self.opened: asyncio.Future[End | None] = loop.create_future()
        self.ended: asyncio.Future[End] = loop.create_future()
        self.gone = asyncio.Event()
        self._on_writable = on_writable
        self._transport: asyncio.Transport | None = None
        self._written = 0

    @property
    def drained(self) -> int:
        """Bytes handed to the kernel so far."""
        waiting = 0 if self._transport is None else self._transport.get_write_buffer_size()
        return self._written - waiting

    @property
    def empty(self) -> bool:
        return self.drained == self._written

    def flush(self) -> None:
        """Hand the session's bytes to the transport."""
        data = self.session.data_to_send()
        if data and self._transport is not None and not self.ended.done():
            self._written += len(data)
            self._transport.write(data)

    def end(self, end: End) -> None:
        """Mark the connection as ended; the first reason counts."""
        self.writable = False
        if not self.opened.done():
            self.opened.set_result(end)
        if not self.ended.done():
            self.ended.set_result(end)

    def say_goodbye(self) -> None:
        """Unpublish, and close once everything written is sent."""
        if self._transport is not None:
            self.session.close()
            self._transport.write(self.session.data_to_send())
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None and not self.gone.is_set():
            self._transport.abort()

    # ------------------------------------------------------------ asyncio.Protocol

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        transport.set_write_buffer_limits(HIGH_WATER, LOW_WATER)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for name, value in (("TCP_NOTSENT_LOWAT", UNSENT_IN_KERNEL), ("TCP_USER_TIMEOUT", USER_TIMEOUT_MS)):
            if hasattr(socket, name):  # Linux has both
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        self.writable = True
        self.flush()

    def data_received(self, data: bytes) -> None:
        if self.ended.done():
            return
        try:
            events = self.session.receive(data, now_us())
        except ProtocolError as error:
            self.end(End(Words(f"the server broke the protocol: {error}", f"对方服务器违反协议（{error}）")))
            self.abort()  # now: until the destination does it, this would go on reading a flood
            return
        self.flush()
        for event in events:
            if isinstance(event, Publishing):
                if not self.opened.done():
                    self.opened.set_result(None)
            elif isinstance(event, Refused):
                text = event.description or event.code
                why = Words(
                    f"the server refused the stream ({text}): check address and stream key",
                    f"对方服务器拒绝接收（{text}）：请核对地址和推流密钥",
                )
                self.end(End(why, refused=True))
            else:
                text = event.description or event.code
                why = Words(f"the server ended the stream ({text})", f"对方服务器结束了接收（{text}）")
                self.end(End(why))

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = not self.ended.done()
        self._on_writable()

    def connection_lost(self, exc: Exception | None) -> None:
        why = Words("the server closed the connection", "对方服务器关闭了连接")
        if isinstance(exc, OSError) and exc.strerror:
            why = Words(f"the connection was lost ({exc.strerror})", f"连接中断（{system_error(exc)}）")
        self.end(End(why))
        self.gone.set()
