"""obsctl.py PORT PASSWORD SECONDS PID: wait until OBS streams, let it, stop it (obs-websocket 5).

Exit 0: it streamed to the end and stopped; 3: it never did, or no longer did. OBS_CONNECT_WAIT: how
many seconds longer than SECONDS a first connection may take.
"""

import asyncio
import base64
import hashlib
import json
import os
import sys
import time
from typing import Any

import websockets

POLL_S = 0.2
START_S = 40


def digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


class Obs:
    """One identified session with OBS."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket
        self._requests = 0
        self.stopped = False

    @classmethod
    async def connect(cls, port: int, password: str, pid: int) -> "Obs":
        """Raises TimeoutError when OBS does not open its socket, or dies before."""
        end = time.monotonic() + START_S
        while time.monotonic() < end and alive(pid):
            try:
                socket = await websockets.connect(f"ws://127.0.0.1:{port}", max_size=None)
            except (OSError, websockets.WebSocketException):
                await asyncio.sleep(POLL_S)
                continue
            hello = json.loads(await socket.recv())["d"]
            identify: dict[str, Any] = {"rpcVersion": 1, "eventSubscriptions": 64}
            if auth := hello.get("authentication"):
                identify["authentication"] = digest(digest(password + auth["salt"]) + auth["challenge"])
            await socket.send(json.dumps({"op": 1, "d": identify}))
            await socket.recv()
            return cls(socket)
        raise TimeoutError("OBS did not open its websocket")

    async def ask(self, kind: str) -> dict[str, Any]:
        self._requests += 1
        number = str(self._requests)
        request = {"requestType": kind, "requestId": number, "requestData": {}}
        await self._socket.send(json.dumps({"op": 6, "d": request}))
        while True:
            message = json.loads(await self._socket.recv())
            data = message["d"]
            if message["op"] == 5:
                state = (data.get("eventData") or {}).get("outputState")
                self.stopped |= state == "OBS_WEBSOCKET_OUTPUT_STOPPED"
                print("event", data["eventType"], data.get("eventData"), flush=True)
            elif message["op"] == 7 and data["requestId"] == number:
                return data.get("responseData") or {}


async def main(port: int, password: str, seconds: float, pid: int) -> int:
    try:
        obs = await Obs.connect(port, password, pid)
    except TimeoutError as error:
        print(error)
        return 3
    give_up = time.monotonic() + seconds + float(os.environ.get("OBS_CONNECT_WAIT", "12"))
    end = None
    while True:
        status = await obs.ask("GetStreamStatus")
        active = bool(status.get("outputActive")) and not status.get("outputReconnecting")
        now = time.monotonic()
        if active and end is None:
            end = now + seconds
        if end is not None and now >= end:
            break
        if end is None and now > give_up:
            break
        if obs.stopped and not status.get("outputActive") and not status.get("outputReconnecting"):
            print("the stream ended by itself", flush=True)
            break
        await asyncio.sleep(POLL_S)
    print("final", json.dumps(status), flush=True)
    if status.get("outputActive") or status.get("outputReconnecting"):
        await obs.ask("StopStream")
        for _ in range(80):
            if not (await obs.ask("GetStreamStatus")).get("outputActive"):
                break
            await asyncio.sleep(0.1)
    return 0 if active else 3


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))))
