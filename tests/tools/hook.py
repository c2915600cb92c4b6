"""An HTTP server on loopback that people are notified at."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Hook:
    """Takes notes of what it is sent, and answers with `status` after `hangs_s`.

    `bodies`: what came, with `came_s` (CLOCK_MONOTONIC) in the same order.
    """

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.came_s: list[float] = []
        self.status, self.hangs_s = 200, 0.0
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.came_s.append(time.monotonic())
                hook.bodies.append(body)
                time.sleep(hook.hangs_s)
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.server.server_address[1]}/hook"

    @property
    def messages(self) -> list[tuple[str, str]]:
        """Title and text of each notification."""
        told = [json.loads(body) for body in self.bodies]
        return [(one["title"], one["message"]) for one in told]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
