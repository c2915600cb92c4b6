"""What the setting `copy_to` means: a directory, or a bucket of an S3-compatible store."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from streamgate.archive.copy.directory import DirectoryTarget
from streamgate.core.retention import MIN_RETENTION_DAYS

if TYPE_CHECKING:
    from streamgate.archive.copy.target import Target

ALLOWED = "an absolute path of a directory that is there, or s3://BUCKET/PREFIX"
_S3 = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?P<prefix>/[^?#]*)?")


class Login(NamedTuple):
    """A key for the store. `token`: of a temporary one."""

    key_id: str
    secret: str
    token: str = ""


class CopySettings(msgspec.Struct, frozen=True):
    """What the copy process is told. `to`: "" when there is no second copy. `limit_mbps`: 0: no limit.

    `keep_days`: 0: copies are never removed. `login`: from the environment of `serve`.
    """

    to: str = ""
    endpoint: str = ""
    region: str = ""
    addressing: str = "auto"
    limit_mbps: float = 0.0
    keep_days: int = 0
    recheck_days: int = 30
    check: str = "read"
    login: Login | None = None


def check_place(value: str) -> str:
    """Return the value if it may be a setting. Raises ValueError."""
    if value and not _S3.fullmatch(value) and not Path(value).is_absolute():
        raise ValueError(f"not {ALLOWED}")
    return value


def open_target(settings: CopySettings, data_dir: Path, *, read_s: float | None = None) -> "Target":
    """Return the target, not asked anything yet. Raises ConfigError: the key that is kept cannot be used."""
    found = _S3.fullmatch(settings.to)
    if found is None:
        return DirectoryTarget(Path(settings.to))
    # botocore takes its time to load
    from streamgate.archive.copy.login import read_login  # noqa: PLC0415
    from streamgate.archive.copy.s3 import READ_S, Bucket, S3Target  # noqa: PLC0415

    bucket = Bucket(
        found["bucket"],
        (found["prefix"] or "").strip("/"),
        settings.endpoint,
        settings.region,
        settings.addressing,
    )
    login = settings.login or read_login(data_dir)
    return S3Target(
        bucket, login, lock_days=settings.keep_days or MIN_RETENTION_DAYS, read_s=read_s or READ_S
    )
