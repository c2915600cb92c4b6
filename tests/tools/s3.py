"""A real S3-compatible server in a process of its own, and a wire to it that may be slow, cut or dead."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

import botocore.config
import botocore.exceptions
import botocore.session

from streamgate.archive.copy.place import Login
from streamgate.archive.copy.s3 import Bucket, S3Target

LOGIN = Login("test-key-id", "test-secret-of-nobody")
BUCKET = "recordings"
_CHUNK = 16 * 1024


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class S3Server:
    """A server in a process of its own, asked past everything that is tested."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        """Start it and wait until it answers."""
        environment = {**os.environ, "AWS_ACCESS_KEY_ID": LOGIN.key_id, "AWS_SECRET_ACCESS_KEY": LOGIN.secret}
        self._process = subprocess.Popen(
            self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
        )
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                with self.client() as client:
                    client.list_buckets()
                break
            assert time.monotonic() < end, "the server did not come up"
            assert self._process.poll() is None, "the server ended"
            time.sleep(0.05)

    def make_bucket(self, name: str, *, lock: bool = False, days: int = 0) -> None:
        with self.client() as client:
            client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=lock)
            if days:
                rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": days}}
                client.put_object_lock_configuration(
                    Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
                )

    def freeze(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    @contextlib.contextmanager
    def client(self) -> Any:
        """Look at the server past everything that is tested."""
        session = botocore.session.Session()
        session.set_credentials(LOGIN.key_id, LOGIN.secret)
        client = session.create_client(
            "s3",
            "us-east-1",
            endpoint_url=self.url,
            config=botocore.config.Config(s3={"addressing_style": "path"}),
        )
        try:
            yield client
        finally:
            client.close()

    def objects(self, bucket: str = BUCKET, prefix: str = "") -> dict[str, bytes]:
        """Return everything there is, by key without the prefix."""
        with self.client() as client:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
            return {
                key.removeprefix(prefix): client.get_object(Bucket=bucket, Key=key)["Body"].read()
                for key in keys
            }


class Moto(S3Server):
    """moto's server, in memory: what `kill` ends has lost it all. It asks for no signature."""

    def command(self) -> list[str]:
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]


class SeaweedFS(S3Server):
    """A store as others run it, below a directory: it checks signatures, checksums, conditions, locks."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        names = ("master.port", "volume.port", "filer.port")
        self._ports = {name: free_port() for one in names for name in (one, f"{one}.grpc")}
        self._ports |= {"s3.port": self.port, "s3.port.grpc": free_port()}
        self._ports |= {"s3.port.iceberg": 0, "s3.port.lance": 0}  # not served: their ports are fixed

    def command(self) -> list[str]:
        self._directory.mkdir(exist_ok=True)
        return [
            str(Path(sys.executable).with_name("weed")),
            "server",
            f"-dir={self._directory}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-s3",
            "-master.volumeSizeLimitMB=64",
            "-volume.max=64",
            "-master.telemetry=false",
            "-master.electionTimeout=1s",
            *(f"-{name}={port}" for name, port in self._ports.items()),
        ]


def target(
    url: str, *, bucket: str = BUCKET, prefix: str = "gate", read_s: float = 30.0, **kwargs: Any
) -> S3Target:
    return S3Target(Bucket(bucket, prefix, url), LOGIN, read_s=read_s, **kwargs)


class Wire:
    """Connections to a server. `bytes_per_s`: None: no limit; `cut_after`: so many bytes, then an end.

    `dead`: nobody is let in, and who is in is put out.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.bytes_per_s: float | None = None
        self.cut_after: int | None = None
        self.cuts = 0
        self._open: set[socket.socket] = set()
        self._dead = False
        self._ending = False
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ending = True
        self.dead = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    @property
    def dead(self) -> bool:
        return self._dead

    @dead.setter
    def dead(self, dead: bool) -> None:
        self._dead = dead
        if dead:
            for one in list(self._open):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._ending:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._dead:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._port), 5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            self._open |= {near, far}
            for source, sink, out in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._carry, args=(source, sink, out), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, out: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                if out and self.cut_after is not None:
                    self.cut_after -= len(data)
                    if self.cut_after <= 0:
                        self.cut_after = None
                        self.cuts += 1
                        break
                if self.bytes_per_s is not None:
                    time.sleep(len(data) / self.bytes_per_s)
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
            self._open.discard(one)
