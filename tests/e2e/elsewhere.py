"""Where a data directory is kept and vouched for: a receiver of heads, a time stamping authority, a store."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tools.authority import Authority
from tools.s3 import BUCKET, LOGIN, SeaweedFS
from tools.serve import Gate


class Receiver:
    """A second place for the ledger's heads: appends each line that is sent by POST to `heads`.

    The first one it refuses, as a server does that is being restarted.
    """

    def __init__(self, heads: Path) -> None:
        receiver = self
        self.heads = heads
        self.refused = 0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                line = self.rfile.read(int(self.headers["Content-Length"]))
                if not receiver.refused:
                    receiver.refused += 1
                    self.send_error(503)
                    return
                with heads.open("ab") as file:
                    file.write(line)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/heads"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Elsewhere:
    """All three, real ones, on loopback; `configure` has a gate use them from its next start on."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.receiver = Receiver(directory / "heads.jsonl")
        self.authority = Authority(directory / "authority")
        self.authority.__enter__()
        self.store = SeaweedFS(directory / "store")
        self.store.start()
        self.store.make_bucket(BUCKET)

    def configure(self, gate: Gate, prefix: str) -> None:
        (gate.directory / "streamgate.toml").write_text(
            f'ledger_copy = "{self.receiver.url}"\n'
            f'tsa = "{self.authority.url}"\n'
            f'copy_to = "s3://{BUCKET}/{prefix}"\n'
            f'copy_endpoint = "{self.store.url}"\n'
            'copy_addressing = "path"\n'
        )
        done = gate.command("archive", "copy", "key", LOGIN.key_id, typed=f"{LOGIN.secret}\n")
        assert done.code == 0, done.err

    def close(self) -> None:
        self.receiver.close()
        self.authority.__exit__(None, None, None)
        self.store.kill()
