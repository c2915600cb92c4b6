"""The thinnest asyncio shells around our RTMP sessions: a server that keeps all, a client that sends."""

import asyncio
import contextlib
import socket

from streamgate.errors import ProtocolError
from streamgate.rtmp.client import ClientSession, Publishing
from streamgate.rtmp.server import Media, PublishRequested, ServerSession
from streamgate.rtmp.url import parse_url


class Peer:
    """An RTMP server on a free port. `media` holds all it got, `keys` who asked, `errors` what was wrong.

    `reading`: clear it and the server reads no more. `refuse`: a code to refuse publishers with.
    """

    def __init__(self, *, refuse=None, tls=None, silent=False, receive_buffer=None):
        self.media = []
        self.keys = []
        self.errors = []
        self.reading = asyncio.Event()
        self.reading.set()
        self.gone = asyncio.Event()
        self._refuse = refuse
        self._tls = tls
        self._silent = silent
        self._receive_buffer = receive_buffer
        self._writers = set()

    async def __aenter__(self):
        sock = socket.socket()
        if self._receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        sock.bind(("127.0.0.1", 0))
        self.port = sock.getsockname()[1]
        self._server = await asyncio.start_server(self._serve, sock=sock, ssl=self._tls)
        return self

    async def __aexit__(self, *_):
        self.reading.set()
        self.hang_up()
        self._server.close()
        await asyncio.sleep(0.05)  # lets TLS transports finish: one left open is a warning

    def hang_up(self):
        for writer in self._writers:
            writer.transport.abort()

    def url(self, path="live/key", scheme="rtmp", host="127.0.0.1"):
        return f"{scheme}://{host}:{self.port}/{path}"

    async def _serve(self, reader, writer):
        self._writers.add(writer)
        try:
            await self._talk(ServerSession(), reader, writer)
        except ConnectionError:
            pass
        except ProtocolError as error:
            self.errors.append(str(error))
        finally:
            self.gone.set()
            self._writers.discard(writer)
            writer.close()

    async def _talk(self, session, reader, writer):
        while data := await reader.read(65536):
            if self._silent:
                continue
            for event in session.receive(data):
                if isinstance(event, Media):
                    self.media.append(event)
                elif isinstance(event, PublishRequested):
                    self.keys.append(event.key)
                    if self._refuse:
                        session.refuse_publish(self._refuse, f"no stream {event.key} here")
                    else:
                        session.accept_publish()
            writer.write(session.data_to_send())
            await writer.drain()
            if session.closing:
                break
            await self.reading.wait()


@contextlib.asynccontextmanager
async def publisher(url, feed):
    """Connect and publish; give (session, flush). Says goodbye at the end."""
    target = parse_url(url)
    reader, writer = await asyncio.open_connection(target.host, target.port)
    session = ClientSession(target, feed)

    async def flush():
        writer.write(session.data_to_send())
        await writer.drain()

    async def answer():
        while data := await reader.read(65536):
            session.receive(data)
            await flush()

    async with asyncio.timeout(5):
        while not session.publishing:
            await flush()
            events = session.receive(await reader.read(65536))
            assert events in ([], [Publishing()])
    async with asyncio.TaskGroup() as group:
        answering = group.create_task(answer())
        yield session, flush
        session.close()
        await flush()
        answering.cancel()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
