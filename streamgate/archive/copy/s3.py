"""An S3-compatible store as the place of second copies, through botocore.

A file that never changes and fits one piece is an object under the file's name. Everything else stands in
objects of its pieces, which are never written again, so that an object lock can hold them:

    PREFIX/archive/main/2026-11-29/120000.000Z-000001.mp4
    PREFIX/ledger/2026-11-29/gate.jsonl.pieces/1790000000000/000000000000-4096-<sha256>
"""

import base64
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, NamedTuple

import botocore.config
import botocore.exceptions
import botocore.session
import msgspec
import urllib3.exceptions

from streamgate.archive.copy.place import Login
from streamgate.archive.copy.target import MARKER, READ_BYTES, Form, Item, Marker, Piece, bad_marker
from streamgate.clock import wall_s
from streamgate.errors import CopyError, CopyLocked, CopyLost
from streamgate.wording import said_by_others, system_error

CONNECT_S, READ_S = 5.0, 30.0
PIECES = ".pieces/"
_PIECE = re.compile(
    r"(?P<key>.+)\.pieces/(?P<series>\d{13})/(?P<start>\d{12,})-(?P<size>\d+)-(?P<sha>[0-9a-f]{64})"
)
_MISSING = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchVersion"})
_EXISTS = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict"})
_NO_CONDITIONS = frozenset({"NotImplemented", "501"})
_LOCKED = frozenset({"AccessDenied", "403", "ObjectLocked", "InvalidRequest", "MethodNotAllowed"})
_NO_LOCK = frozenset(
    {"ObjectLockConfigurationNotFoundError", "NotImplemented", "501", "404", "MethodNotAllowed"}
)


class Bucket(NamedTuple):
    """Where in a store. `endpoint`: its URL, "" for Amazon's; `addressing`: auto, path or virtual."""

    name: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    addressing: str = "auto"


class Lock(NamedTuple):
    """How the bucket locks objects. `mode`: GOVERNANCE or COMPLIANCE."""

    mode: str
    days: int


class S3Target:
    """Copies below a prefix of a bucket. See `Target`. `lock_days`: how long an object lock holds them."""

    may_begin_anew = True

    def __init__(
        self,
        bucket: Bucket,
        login: Login | None = None,
        *,
        lock_days: int = 60,
        clock: Callable[[], float] = wall_s,
        read_s: float = READ_S,
    ) -> None:
        """`login`: None: what botocore finds by itself (an instance's role, a profile)."""
        prefix = bucket.prefix.strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._bucket = bucket.name
        self._lock_days, self._clock = lock_days, clock
        self._conditional = True
        self.lock: Lock | None = None
        where = f" at {bucket.endpoint}" if bucket.endpoint else ""
        self.shown = f"s3://{bucket.name}/{self._prefix}{where}"
        session = botocore.session.Session()
        if login is not None:
            session.set_credentials(login.key_id, login.secret, login.token or None)
        with self._translated():
            self._client = session.create_client(
                "s3",
                region_name=bucket.region or None if not bucket.endpoint else bucket.region or "us-east-1",
                endpoint_url=bucket.endpoint or None,
                config=botocore.config.Config(
                    connect_timeout=CONNECT_S,
                    read_timeout=read_s,
                    retries={"total_max_attempts": 1},  # the copier tries again, with pauses of its own
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                    # The checksum header is signed and says what the body must be; it need not be read twice.
                    s3={"addressing_style": bucket.addressing, "payload_signing_enabled": False},
                    user_agent_extra="streamgate",
                ),
            )

    def open(self) -> Marker | None:
        self.lock = self._find_lock()
        with self._translated():
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + MARKER)
            except botocore.exceptions.ClientError as error:
                if _code(error) in _MISSING:
                    return None
                raise
            data = answer["Body"].read(1 << 16)
        try:
            return msgspec.json.decode(data, type=Marker)
        except msgspec.DecodeError as error:
            raise bad_marker(f"{self.shown}{MARKER}", error) from error

    def _find_lock(self) -> Lock | None:
        """Return how objects are to be locked; None: the bucket has no object lock, or does not say."""
        with self._translated():
            try:
                answer = self._client.get_object_lock_configuration(Bucket=self._bucket)
            except botocore.exceptions.ClientError as error:
                if _code(error) in _NO_LOCK | {"AccessDenied", "403"}:
                    return None
                raise
        found = answer.get("ObjectLockConfiguration", {})
        if found.get("ObjectLockEnabled") != "Enabled":
            return None
        rule = found.get("Rule", {}).get("DefaultRetention", {})
        days = int(rule.get("Days") or 0) or 365 * int(rule.get("Years") or 0)
        return Lock(str(rule.get("Mode", "GOVERNANCE")), max(days, self._lock_days))

    def claim(self, marker: Marker) -> None:
        with self._translated():
            self._client.put_object(
                Bucket=self._bucket, Key=self._prefix + MARKER, Body=msgspec.json.encode(marker) + b"\n"
            )

    def put(self, item: Item, piece: Piece, data: BinaryIO, *, over: bool = False) -> None:
        given: dict[str, Any] = {
            "Bucket": self._bucket,
            "Key": self._name(item.form, piece),
            "ContentLength": piece.size,
            "ChecksumSHA256": _base64(piece.sha256),
        }
        if self.lock is not None:
            until = datetime.fromtimestamp(self._clock(), UTC) + timedelta(days=self.lock.days)
            given |= {"ObjectLockMode": self.lock.mode, "ObjectLockRetainUntilDate": until}
        with self._translated():
            if self._conditional and not over:
                try:
                    self._client.put_object(**given, Body=data, IfNoneMatch="*")
                except botocore.exceptions.ClientError as error:
                    if _code(error) in _EXISTS:
                        if self._is_there(item.form, piece):
                            return  # of a try whose answer was lost, or of an earlier journal
                    elif _code(error) in _NO_CONDITIONS:
                        self._conditional = False
                    else:
                        raise
                    data.seek(0)
                else:
                    return
            self._client.put_object(**given, Body=data)

    def _is_there(self, form: Form, piece: Piece) -> bool:
        """Say whether the object is as long as the piece, as far as one can tell without reading it."""
        answer = self._head(form, piece)
        told = answer.get("ChecksumSHA256")
        return answer["ContentLength"] == piece.size and told in (None, _base64(piece.sha256))

    def read(self, item_form: Form, piece: Piece) -> Iterator[bytes]:
        name = self._name(item_form, piece)
        with self._translated():
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=name)
            except botocore.exceptions.ClientError as error:
                if _code(error) in _MISSING:
                    raise self._gone(piece) from error
                raise
            if answer["ContentLength"] != piece.size:
                size = answer["ContentLength"]
                raise CopyLost(
                    f"{self.shown}{piece.key} has {size} of {piece.size} bytes",
                    f"{self.shown}{piece.key} 只有 {size} 字节，应为 {piece.size} 字节",
                )
            with closing(answer["Body"]) as body:
                yield from body.iter_chunks(READ_BYTES)

    def has_checksum(self, item_form: Form, piece: Piece) -> bool:
        with self._translated():
            return self._head(item_form, piece).get("ChecksumSHA256") == _base64(piece.sha256)

    def _head(self, form: Form, piece: Piece) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self._client.head_object(
                Bucket=self._bucket, Key=self._name(form, piece), ChecksumMode="ENABLED"
            )
        except botocore.exceptions.ClientError as error:
            if _code(error) in _MISSING:
                raise self._gone(piece) from error
            raise
        return answer

    def _gone(self, piece: Piece) -> CopyLost:
        return CopyLost(f"{self.shown}{piece.key} is gone", f"{self.shown}{piece.key} 已不存在")

    def sizes(self, folder: str) -> dict[str, int]:
        return {name: size for name, size in self._list(folder) if PIECES not in name}

    def series(self, key: str) -> list[Piece]:
        found: dict[int, list[Piece]] = {}
        for name, size in self._list(key + PIECES):
            match = _PIECE.fullmatch(name)
            if match is not None and match["key"] == key and int(match["size"]) == size:
                series = int(match["series"])
                found.setdefault(series, []).append(
                    Piece(key, series, int(match["start"]), size, match["sha"])
                )
        return _in_line(found[max(found)]) if found else []

    def keys(self, folder: str) -> set[str]:
        return {name.partition(PIECES)[0] for name, _ in self._list(folder)} - {MARKER}

    def remove(self, key: str) -> None:
        with self._translated():
            for name in [key, *(name for name, _ in self._list(key + PIECES))]:
                self._remove(self._prefix + name)

    def _remove(self, name: str) -> None:
        """Remove an object. Where the bucket keeps versions: this version, not only its name."""
        try:
            version = self._client.head_object(Bucket=self._bucket, Key=name).get("VersionId")
            kept = {} if version in (None, "null") else {"VersionId": version}
            self._client.delete_object(Bucket=self._bucket, Key=name, **kept)
        except botocore.exceptions.ClientError as error:
            if _code(error) in _MISSING:
                return
            if _code(error) in _LOCKED:
                raise CopyLocked(
                    f"the store keeps {name}: {_said(error)}", f"存储拒绝删除 {name}：{_said(error)}"
                ) from error
            raise

    def close(self) -> None:
        self._client.close()

    def _list(self, beginning: str) -> Iterator[tuple[str, int]]:
        """Yield name, without the prefix, and size of the objects whose names begin so."""
        asked = {"Bucket": self._bucket, "Prefix": self._prefix + beginning}
        with self._translated():
            for page in self._client.get_paginator("list_objects_v2").paginate(**asked):
                for one in page.get("Contents", ()):
                    yield one["Key"].removeprefix(self._prefix), one["Size"]

    def _name(self, form: Form, piece: Piece) -> str:
        if form is Form.WHOLE and piece.series == 0:
            return self._prefix + piece.key
        at = f"{piece.series:013d}/{piece.start:012d}-{piece.size}-{piece.sha256}"
        return f"{self._prefix}{piece.key}{PIECES}{at}"

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except botocore.exceptions.ClientError as error:
            said = _said(error)
            raise CopyError(f"{self.shown}: {said}", f"{self.shown}：{said_by_others(said)}") from error
        except (botocore.exceptions.BotoCoreError, urllib3.exceptions.HTTPError, OSError) as error:
            said = system_error(error) if isinstance(error, OSError) else said_by_others(str(error))
            raise CopyError(f"{self.shown}: {error}", f"{self.shown}：{said}") from error


def _in_line(pieces: list[Piece]) -> list[Piece]:
    """Return the pieces that follow one another from 0 on; of several at one place the longest."""
    line: list[Piece] = []
    at = 0
    for piece in sorted(pieces, key=lambda one: (one.start, -one.size)):
        if piece.start == at:
            line.append(piece)
            at = piece.end
    return line


def _code(error: botocore.exceptions.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _said(error: botocore.exceptions.ClientError) -> str:
    told = error.response.get("Error", {})
    return f"{error.operation_name} was answered {told.get('Code', '?')} {told.get('Message', '')}".strip()


def _base64(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()
