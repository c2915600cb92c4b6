"""The simple RTMP handshake ("Adobe's Real Time Messaging Protocol" 1.0, section 5.2), both sides. Pure.

Only Flash players need the digest variant: encoders, nginx-rtmp and the platforms accept the simple one.
Its random bytes identify nothing, so this module sends zeros.
"""

from streamgate.errors import ProtocolError

VERSION = 3
SIZE = 1536
_HELLO = bytes(SIZE)


class _Handshake:
    """Reads C0, C1, C2 or S0, S1, S2 (`version | hello | echo`) from the peer. `done`: all were received."""

    def __init__(self) -> None:
        self.done = False
        self._buffer = bytearray()
        self._out = bytearray()
        self._answered = False

    def receive(self, data: bytes) -> bytes | None:
        """Parse bytes from the peer. Return None until the handshake is done, then the bytes after it.

        Raises ProtocolError on a first byte that is not RTMP's version 3.
        """
        buffer = self._buffer
        buffer += data
        if buffer and buffer[0] != VERSION:
            raise ProtocolError(_wrong_version(bytes(buffer[:4])))
        if not self._answered and len(buffer) > SIZE:
            self._answered = True
            self._answer(bytes(buffer[1 : 1 + SIZE]))
        if len(buffer) <= 2 * SIZE:
            return None
        self.done = True
        rest = bytes(buffer[1 + 2 * SIZE :])
        buffer.clear()
        return rest

    def data_to_send(self) -> bytes:
        out = bytes(self._out)
        self._out.clear()
        return out

    def _answer(self, hello: bytes) -> None:
        raise NotImplementedError


class ServerHandshake(_Handshake):
    """Answers C0 and C1 with S0, S1 and S2 (the echo of C1)."""

    def _answer(self, hello: bytes) -> None:
        self._out += bytes((VERSION,)) + _HELLO + hello


class ClientHandshake(_Handshake):
    """Opens with C0 and C1, answers S1 with C2 (its echo)."""

    def __init__(self) -> None:
        super().__init__()
        self._out += bytes((VERSION,)) + _HELLO

    def _answer(self, hello: bytes) -> None:
        self._out += hello


def _wrong_version(start: bytes) -> str:
    if start[0] == 0x16:
        return "the peer speaks TLS on a port for plain RTMP; use rtmps:// and the RTMPS port, or rtmp://"
    if start in (b"GET ", b"POST", b"HEAD", b"OPTI", b"HTTP"):
        return "the peer speaks HTTP on a port for RTMP"
    return f"an RTMP handshake of version {start[0]}; allowed is {VERSION}"
