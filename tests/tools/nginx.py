"""A real nginx-rtmp as the streaming platform: records every publish and counts them."""

import contextlib
import os
import random
import socket
import subprocess
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_MODULES = ("/usr/lib/nginx/modules/ngx_rtmp_module.so", "/usr/share/nginx/modules/ngx_rtmp_module.so")


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 nobody listens on now.

    It is below 32768: no outgoing connection (Linux) takes it before it is listened on, or while a process
    that was killed is away.
    """
    while True:
        port = random.SystemRandom().randrange(10_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def wait_for_port(port: int, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on 127.0.0.1:{port} after {seconds} s")


@dataclass
class Publish:
    """What nginx said about one publish: the stream's name and when it began and ended (CLOCK_MONOTONIC)."""

    name: str
    began_s: float
    ended_s: float | None = None


@dataclass
class Platform:
    """nginx with the rtmp module on `port`: push to `rtmp://127.0.0.1:port/live/NAME`.

    Every publish is recorded to a file of its own unless `record` is false. `kill` takes it away as a crash
    does, `start` brings it back.
    """

    directory: Path
    port: int = field(default_factory=free_port)
    record: bool = True
    publishes: list[Publish] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._hooks = _hooks(self.publishes)
        module = next((path for path in _MODULES if Path(path).exists()), None)
        if module is None:
            raise RuntimeError("nginx lacks the rtmp module: apt-get install libnginx-mod-rtmp")
        hook = f"http://127.0.0.1:{self._hooks.server_address[1]}"
        (self.directory / "nginx.conf").write_text(f"""
load_module {module};
{"user root;" if os.geteuid() == 0 else ""}
worker_processes 1;
daemon off;
master_process off;
pid {self.directory}/nginx.pid;
error_log {self.directory}/error.log warn;
events {{ worker_connections 512; }}
rtmp {{
    access_log {self.directory}/access.log;
    server {{
        listen 127.0.0.1:{self.port};
        chunk_size 4096;
        application live {{
            live on;
            record {"all" if self.record else "off"};
            record_path {self.directory};
            record_unique on;
            on_publish {hook}/publish;
            on_publish_done {hook}/done;
        }}
        application relay {{ live on; }}
    }}
}}
""")
        self.start()

    def start(self) -> None:
        assert self._process is None
        self._process = subprocess.Popen(
            ["nginx", "-p", str(self.directory), "-e", str(self.directory / "start.log"), "-c", "nginx.conf"],
            env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"},
        )
        wait_for_port(self.port)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        self._hooks.shutdown()
        self._hooks.server_close()

    def url(self, name: str) -> str:
        return f"rtmp://127.0.0.1:{self.port}/live/{name}"

    def published(self, name: str) -> list[Publish]:
        return [publish for publish in self.publishes if publish.name == name]

    def recordings(self, name: str) -> list[Path]:
        """Return the recordings of a stream, oldest first."""
        return sorted(self.directory.glob(f"{name}-*.flv"), key=lambda path: path.name)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid


def _hooks(publishes: list[Publish]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            name = urllib.parse.parse_qs(body).get("name", [""])[0]
            if self.path == "/publish":
                publishes.append(Publish(name, time.monotonic()))
            else:
                for publish in publishes:
                    if publish.name == name and publish.ended_s is None:
                        publish.ended_s = time.monotonic()
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, name="nginx hooks", daemon=True).start()
    return server
