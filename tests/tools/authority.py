"""A time stamping authority (RFC 3161) on loopback: `openssl ts` behind an HTTP server."""

import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

CONFIG = """
[tsa]
default_tsa = own
[own]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


class Authority:
    """`url`: where it answers; `root`: the certificate (PEM) that its own one leads to."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root.pem"
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
        (folder / "leaf.ext").write_text(
            "extendedKeyUsage=critical,timeStamping\nkeyUsage=digitalSignature\n"
        )
        new = ["req", "-newkey", "rsa:2048", "-nodes", "-keyout"]
        self._openssl(*new, "root.key", "-x509", "-days", "3", "-subj", "/CN=test root", "-out", "root.pem")
        self._openssl(*new, "tsa.key", "-subj", "/CN=test authority", "-out", "tsa.csr")
        signing = ["-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-days", "3"]
        self._openssl("x509", "-req", "-in", "tsa.csr", *signing, "-extfile", "leaf.ext", "-out", "tsa.pem")
        self._server = HTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/tsa"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def _openssl(self, *arguments: str) -> None:
        command = ["openssl", *arguments]
        subprocess.run(command, cwd=self._folder, check=True, capture_output=True, timeout=30)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = self.rfile.read(int(self.headers["Content-Length"]))
                with tempfile.TemporaryDirectory() as made:
                    query, answer = Path(made) / "query", Path(made) / "answer"
                    query.write_bytes(asked)
                    ours = ["-config", "tsa.cnf", "-section", "own"]
                    authority._openssl("ts", "-reply", *ours, "-queryfile", str(query), "-out", str(answer))
                    body = answer.read_bytes()
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
