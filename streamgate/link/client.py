"""Control client for one request to the gate: connect, send, receive the reply. Used by the command line.

Imports stay few: the time from the key press to the cut includes loading this module.
"""

import asyncio
from pathlib import Path

import msgspec
from websockets.asyncio.client import unix_connect
from websockets.exceptions import WebSocketException

from streamgate.errors import LinkError, Refused
from streamgate.link.messages import VERSION, AnyAnswer, AnyRequest, Reply

OPEN_TIMEOUT_S = 1.0
CLOSE_TIMEOUT_S = 0.1  # the reply is here: do not wait for a busy gate to close its side
REPLY_TIMEOUT_S = 5.0
MAX_MESSAGE = 16 * 1024 * 1024
_ANSWER = msgspec.json.Decoder(AnyAnswer)


class NotRunningError(LinkError):
    """No `serve` runs on this data directory."""


def not_running(data_dir: Path) -> NotRunningError:
    return NotRunningError(
        f"streamgate is not running in {data_dir}; start it with: streamgate --data-dir {data_dir} serve"
    )


async def call(control_socket: Path, request: AnyRequest) -> Reply:
    """Send `request` to the gate and return its reply; pushed states in between are skipped.

    Raises NotRunningError when nothing listens there, Refused with the reason when the gate refuses,
    LinkError when the gate does not answer in time, closes the connection, or has another version.
    """
    body = msgspec.json.encode(request).decode()
    try:
        async with (
            asyncio.timeout(OPEN_TIMEOUT_S + REPLY_TIMEOUT_S),
            unix_connect(
                str(control_socket),
                uri="ws://localhost/",
                compression=None,
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=CLOSE_TIMEOUT_S,
                ping_interval=None,
                max_size=MAX_MESSAGE,
                proxy=None,
            ) as socket,
        ):
            await socket.send(body)
            async for message in socket:
                answer = _ANSWER.decode(message)
                if isinstance(answer, Reply) and answer.id in (request.id, 0):  # 0: it was unreadable
                    break
            else:
                raise LinkError("the gate hung up without an answer; look at its log, then try again")
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NotRunningError("streamgate is not running here; start it with: streamgate serve") from error
    except PermissionError as error:
        raise LinkError(f"{control_socket} belongs to another user; run this command as that user") from error
    except TimeoutError as error:
        raise LinkError(
            f"the gate did not answer within {REPLY_TIMEOUT_S:g} s; look at: streamgate status"
        ) from error
    except (OSError, WebSocketException) as error:
        raise LinkError(f"the link to the gate broke ({error}); try again") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LinkError(
            f"the gate's answer is not understood ({error}); command line and serve must be the same version"
        ) from error
    if answer.v != VERSION:
        raise LinkError(
            f"the gate speaks version {answer.v}, this command {VERSION}; use the same streamgate for both"
        )
    if answer.error:
        raise Refused(answer.error)
    return answer
