"""The channel store: one JSON file per channel under DATA_DIR/channels, so that a cut needs no database.

Push URLs contain stream keys of platforms: they are encrypted in the files (`secret_box`).

Readers need no lock: files are replaced atomically. Writers exclude each other with a lock file.
"""

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from streamgate.core.channel_name import check_name, require_name
from streamgate.core.delay import MIN_DELAY_S, check_delay
from streamgate.core.duty import ABSENT_S, ASK_MIN, DutyRules, WatchMode, check_rules
from streamgate.core.retention import check_retention_days
from streamgate.core.standby import recording_of
from streamgate.disk import sync_directory
from streamgate.errors import ConfigError, Refused, StreamgateError
from streamgate.rtmp.url import HLS
from streamgate.runtime import destinations as dest
from streamgate.runtime.datadir import DataDir
from streamgate.runtime.destinations import UNSIGNED, Destination, Entry, check_url, refusing
from streamgate.runtime.secret_box import SecretBox

__all__ = ["ChannelConfig", "ChannelStore", "Destination", "check_url"]

VERSION = 1
MAX_DESTINATIONS = 16
MAX_BACKUPS = 64
KEY_CHARS = 32
MIN_DUMP_S, DEFAULT_DUMP_S = 1.0, 10.0
SEALED = "sealed:"
"""Prefix of an encrypted push URL in a channel file."""
_TOO_MANY_ZH = f"每个频道最多 {MAX_DESTINATIONS} 个推流目的地、{MAX_BACKUPS} 个备用文件"
_HASH = re.compile(r"[0-9a-f]{64}")


class ChannelConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of one channel, as in its file. The constructor refuses a delay below the floor.

    `key_hash`: hex SHA-256 of the stream key. `backups`: absolute paths. `created`: ISO 8601, UTC.
    `restore_needs_two`: a cut ends only when a second person sends restore, too. `retention_days`: how long
    its recordings are kept at least; None: the setting of that name. `dump_s`: length of a dump when none is
    given. `standby_key_hash`: as `key_hash`, of the standby camera; "": the channel has none.
    `duty_watch`, `duty_ask_min`, `duty_absent_s`: see `DutyRules`. `practice`: a channel for practice; it has
    no destinations, so that nothing leaves the machine.
    """

    name: str
    delay_s: float
    key_hash: str
    destinations: tuple[Destination, ...] = ()
    backups: tuple[str, ...] = ()
    created: str = ""
    v: int = VERSION
    restore_needs_two: bool = False
    retention_days: int | None = None
    dump_s: float = DEFAULT_DUMP_S
    standby_key_hash: str = ""
    duty_watch: WatchMode = "alarm"
    duty_ask_min: float = ASK_MIN
    duty_absent_s: float = ABSENT_S
    practice: bool = False

    @property
    def duty_rules(self) -> DutyRules:
        return DutyRules(self.duty_watch, self.duty_ask_min, self.duty_absent_s)

    def __post_init__(self) -> None:
        if self.v != VERSION:
            raise ValueError(f"v is {self.v}; this streamgate reads version {VERSION}; upgrade streamgate")
        check_name(self.name)
        try:
            check_delay(self.delay_s)
            if self.retention_days is not None:
                check_retention_days(self.retention_days)
            check_rules(self.duty_rules)
        except (Refused, ConfigError) as error:
            raise ValueError(str(error)) from error
        if not MIN_DUMP_S <= self.dump_s <= MIN_DELAY_S:
            raise ValueError(f"dump_s is {self.dump_s:g}; allowed are {MIN_DUMP_S:g} to {MIN_DELAY_S:g}")
        if self.practice and self.destinations:
            raise ValueError("it is a channel to practise on and pushes nowhere; remove its destinations")
        if not _HASH.fullmatch(self.key_hash):
            raise ValueError(
                "key_hash is not a hex SHA-256; make a new key with: streamgate channel rotate-key"
            )
        if self.standby_key_hash and not _HASH.fullmatch(self.standby_key_hash):
            raise ValueError(
                "standby_key_hash is not a hex SHA-256; make a new key with:"
                " streamgate channel set NAME --standby-key rotate"
            )
        if self.standby_key_hash == self.key_hash:
            raise ValueError("main and standby camera have the same stream key; make a new one for either")
        if self.standby_key_hash:
            check_name(recording_of(self.name))
        names = [one.name for one in self.destinations]
        if len(set(names)) != len(names):
            raise ValueError(f"two destinations have the same name ({', '.join(sorted(names))}); rename one")
        hls = [one.name for one in self.destinations if one.url == HLS]
        if len(hls) > 1:
            raise ValueError(f"{' and '.join(hls)} both write the channel's HLS files; remove all but one")
        if len(names) > MAX_DESTINATIONS:
            raise ValueError(
                f"{len(names)} destinations; at most {MAX_DESTINATIONS} are allowed; remove some"
            )
        if len(self.backups) > MAX_BACKUPS:
            raise ValueError(
                f"{len(self.backups)} backup files; at most {MAX_BACKUPS} are allowed; remove some"
            )
        for path in self.backups:
            if not os.path.isabs(path):  # noqa: PTH117 - a str stays a str here
                raise ValueError(f"backup {path!r} is not an absolute path; write it from the root on")


class _Sealed(msgspec.Struct):
    """The part of a channel file that is decrypted before the whole is checked."""

    destinations: list[dict[str, object]] = []


class BadChannel(msgspec.Struct, frozen=True):
    """A channel file that was not loaded. An alarm may show the texts: they contain no key."""

    name: str
    text: str
    text_zh: str


class Loaded(msgspec.Struct, frozen=True):
    """Result of `load_all`. `there`: the directory exists; without it the channels are unknown."""

    channels: list[ChannelConfig]
    errors: list[BadChannel]
    there: bool = True


def hash_key(key: str) -> str:
    """Return a stream key as it is stored: hex SHA-256. Keys are 192 random bits, so no salt is needed."""
    return hashlib.sha256(key.encode()).hexdigest()


Changed = Callable[["ChannelConfig | None", "ChannelConfig | None"], None]


class ChannelStore:
    """Reads and writes the channels of one data directory.

    Methods that change something raise Refused (with the reason, in plain words) when it is not allowed,
    ConfigError when the file on disk is broken or cannot be written.

    `changed` is called at each change with the channel before (None: there was none to be read) and after.
    """

    def __init__(self, data_dir: Path, *, changed: Changed | None = None) -> None:
        self._changed = changed
        self._places = DataDir(data_dir)
        self._dir = self._places.channels
        self._box = SecretBox(self._places.root)

    # ------------------------------------------------------------ reading

    def load_all(self) -> Loaded:
        """Return the valid channels, oldest first, and the errors of the others. Never raises for a bad file.

        Raises ConfigError when the directory itself cannot be read.
        """
        channels: list[ChannelConfig] = []
        errors: list[BadChannel] = []
        try:
            paths = sorted(path for path in self._dir.iterdir() if _is_channel_file(path))
        except FileNotFoundError:
            return Loaded([], [], there=False)
        except OSError as error:
            raise ConfigError(f"{self._dir} cannot be read ({error.strerror}); see to the disk") from error
        for path in paths:
            try:
                channels.append(self._read(path.stem))
            except StreamgateError as error:
                errors.append(_bad(path.stem, str(error)))
        channels.sort(key=lambda channel: (channel.created, channel.name))
        owners: dict[str, str] = {}
        for channel in tuple(channels):
            keys = [key for key in (channel.key_hash, channel.standby_key_hash) if key]
            owner = next(
                (one for key in keys if (one := owners.setdefault(key, channel.name)) != channel.name), ""
            )
            if owner:
                channels.remove(channel)
                text = (
                    f"channel {channel.name} is not loaded: it has the same stream key as {owner};"
                    f" make a new key with: streamgate channel rotate-key {channel.name}"
                )
                errors.append(_bad(channel.name, text))
        return Loaded(channels, errors)

    def get(self, name: str) -> ChannelConfig:
        """Return one channel. Raises Refused when there is none, ConfigError when its file is not usable."""
        require_name(name)
        return self._read(name)

    def retention(self, default: int) -> dict[str, int | None]:
        """Return for how many days each channel's recordings are kept; None: its file cannot be read.

        Raises ConfigError when the directory cannot be read.
        """
        loaded = self.load_all()
        known: dict[str, int | None] = {one.name: None for one in loaded.errors}
        standbys = {recording_of(one.name): one for one in loaded.channels if one.standby_key_hash}
        named = {one.name: one for one in loaded.channels}
        return known | {name: one.retention_days or default for name, one in (standbys | named).items()}

    # ------------------------------------------------------------ changing

    def add(
        self,
        name: str,
        *,
        delay_s: float = MIN_DELAY_S,
        push: Sequence[str] = (),
        backups: Sequence[str | Path] = (),
        entry: Entry = UNSIGNED,
        practice: bool = False,
    ) -> tuple[ChannelConfig, str]:
        """Create a channel; return it with its stream key, which is stored only as a hash.

        `push`: URLs, each optionally as NAME=URL. `backups`: readable files. `entry`: who enters `push`.
        `practice`: a channel for practice, with no destination.
        """
        require_name(name)
        check_delay(delay_s)
        destinations = dest.add_urls((), push, entry)
        paths = _with_backups((), backups)
        key = secrets.token_urlsafe(KEY_CHARS * 3 // 4)
        with self._locked():
            self._refuse_taken(name)
            self._refuse_shared(name, destinations)
            created = datetime.now(UTC).isoformat(timespec="microseconds")
            with refusing(_TOO_MANY_ZH):
                channel = ChannelConfig(
                    name, delay_s, hash_key(key), destinations, paths, created, practice=practice
                )
            self._write(channel)
        return channel, key

    def set(
        self,
        name: str,
        *,
        delay_s: float | None = None,
        add_push: Sequence[str] = (),
        remove_push: Sequence[str] = (),
        split_headers: Mapping[str, bool] | None = None,
        add_backups: Sequence[str | Path] = (),
        remove_backups: Sequence[str | Path] = (),
        entry: Entry = UNSIGNED,
        restore_needs_two: bool | None = None,
        retention_days: int | None = None,
        dump_s: float | None = None,
        duty_watch: WatchMode | None = None,
        duty_ask_min: float | None = None,
        duty_absent_s: float | None = None,
    ) -> ChannelConfig:
        """Change a channel and return it.

        `entry`: who enters `add_push`. A changed URL is a new entry: remove the old one, add the new one.
        `remove_push`: destination names or whole URLs; `remove_backups`: paths or file names.
        `split_headers`: destination names, and whether each gets a header of its own at each splice.
        """
        require_name(name)
        if delay_s is not None:
            check_delay(delay_s)
        if retention_days is not None:
            check_retention_days(retention_days)
        if dump_s is not None and not MIN_DUMP_S <= dump_s <= MIN_DELAY_S:
            raise Refused(
                f"a dump of {dump_s:g} s; allowed are {MIN_DUMP_S:g} to {MIN_DELAY_S:g} seconds",
                f"默认丢弃 {dump_s:g} 秒不允许，范围为 {MIN_DUMP_S:g} 至 {MIN_DELAY_S:g} 秒",
            )
        with self._locked():
            old = self._read(name)
            rules = check_rules(
                DutyRules(
                    old.duty_watch if duty_watch is None else duty_watch,
                    old.duty_ask_min if duty_ask_min is None else duty_ask_min,
                    old.duty_absent_s if duty_absent_s is None else duty_absent_s,
                )
            )
            kept = dest.remove_named(old.destinations, remove_push)
            destinations = dest.set_headers(dest.add_urls(kept, add_push, entry), split_headers or {})
            self._refuse_shared(name, destinations)
            _refuse_practice(old, destinations)
            paths = _with_backups(_without_backups(old.backups, remove_backups), add_backups)
            with refusing(_TOO_MANY_ZH):
                channel = msgspec.structs.replace(
                    old,
                    delay_s=old.delay_s if delay_s is None else delay_s,
                    destinations=destinations,
                    backups=paths,
                    restore_needs_two=old.restore_needs_two
                    if restore_needs_two is None
                    else restore_needs_two,
                    retention_days=old.retention_days if retention_days is None else retention_days,
                    dump_s=old.dump_s if dump_s is None else dump_s,
                    duty_watch=rules.watch,
                    duty_ask_min=rules.ask_min,
                    duty_absent_s=rules.absent_s,
                )
            self._write(channel)
        return channel

    def enter(
        self, name: str, destination: str, url: str, entry: Entry, *, split_headers: bool = False
    ) -> ChannelConfig:
        """Add one push destination. `destination` "": it is named after its host."""
        with self._locked():
            old = self.get(name)
            new = dest.enter(old.destinations, destination, url, entry, split_headers=split_headers)
            self._refuse_shared(name, (new,))
            _refuse_practice(old, (new,))
            with refusing(_TOO_MANY_ZH):
                channel = msgspec.structs.replace(old, destinations=(*old.destinations, new))
            self._write(channel)
        return channel

    def approve(self, name: str, destination: str, *, by: str, at: float, alone: bool) -> ChannelConfig:
        """Approve a destination that waits (rule R13). `alone`: see `destinations.may_approve`."""
        with self._locked():
            old = self.get(name)
            approved = dest.approve(old.destinations, destination, by=by, at=at, alone=alone)
            channel = msgspec.structs.replace(old, destinations=approved)
            self._write(channel)
        return channel

    def put_back(self, channel: ChannelConfig) -> None:
        """Undo `remove`: store the channel as it was, with its key and approvals."""
        with self._locked():
            self._refuse_taken(channel.name)
            self._refuse_shared(channel.name, channel.destinations)
            self._write(channel)

    def put_back_destination(self, name: str, destination: Destination) -> ChannelConfig:
        """Undo the removal of a destination: store it as it was, with its approval."""
        with self._locked():
            old = self.get(name)
            self._refuse_shared(name, (destination,))
            with refusing(f"频道 {name} 已有同名的推流目的地"):
                channel = msgspec.structs.replace(old, destinations=(*old.destinations, destination))
            self._write(channel)
        return channel

    def rotate_key(self, name: str) -> tuple[ChannelConfig, str]:
        """Give a channel a new stream key; return both. The old key is invalid from then on."""
        require_name(name)
        key = secrets.token_urlsafe(KEY_CHARS * 3 // 4)
        with self._locked():
            channel = msgspec.structs.replace(self._read(name), key_hash=hash_key(key))
            self._write(channel)
        return channel, key

    def rotate_standby_key(self, name: str) -> tuple[ChannelConfig, str]:
        """Give a channel's standby camera a stream key, the first or a new one; return channel and key.

        Raises Refused when the name for its recordings is taken or too long.
        """
        require_name(name)
        key = secrets.token_urlsafe(KEY_CHARS * 3 // 4)
        with self._locked():
            old = self._read(name)
            self._refuse_recorded_as(name)
            with refusing(f"频道名称 {name} 太长，不能设备用镜头"):
                channel = msgspec.structs.replace(old, standby_key_hash=hash_key(key))
            self._write(channel)
        return channel, key

    def remove_standby(self, name: str) -> ChannelConfig:
        """Remove a channel's standby camera: its key becomes invalid. Its recordings stay."""
        with self._locked():
            old = self.get(name)
            if not old.standby_key_hash:
                raise Refused(f"channel {name} has no standby camera", f"频道 {name} 没有备用镜头")
            channel = msgspec.structs.replace(old, standby_key_hash="")
            self._write(channel)
        return channel

    def put_back_standby(self, before: ChannelConfig) -> ChannelConfig:
        """Undo `remove_standby`: the key that the channel had `before` is valid again."""
        name = before.name
        with self._locked():
            old = self.get(name)
            if old.standby_key_hash:
                raise Refused(
                    f"the standby camera of {name} has a new key; it stays", f"{name} 的备用镜头已有新密钥"
                )
            self._refuse_recorded_as(name)
            channel = msgspec.structs.replace(old, standby_key_hash=before.standby_key_hash)
            self._write(channel)
        return channel

    def remove(self, name: str) -> None:
        """Remove a channel, even one whose file is broken. Its recordings stay."""
        require_name(name)
        with self._locked():
            before = self._before(name)
            try:
                self._path(name).unlink()
            except FileNotFoundError:
                raise self._unknown(name) from None
            sync_directory(self._dir)
            if self._changed is not None:
                self._changed(before, None)

    # ------------------------------------------------------------ files

    def _path(self, name: str) -> Path:
        return self._dir / f"{name}.json"

    def _unknown(self, name: str) -> Refused:
        names = ", ".join(path.stem for path in sorted(self._dir.glob("[!.]*.json"))) or "none yet"
        return Refused(f"there is no channel {name}; channels are: {names}", f"没有频道 {name}")

    def _read(self, name: str) -> ChannelConfig:
        path = self._path(name)
        try:
            channel = self._unseal(path.read_bytes())
        except FileNotFoundError:
            raise self._unknown(name) from None
        except ConfigError as error:
            raise ConfigError(f"channel {name} is not loaded: its push URL: {error}") from error
        except OSError as error:
            raise ConfigError(f"{path} cannot be read ({error.strerror}); correct its permissions") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:  # ValidationError is a DecodeError
            raise ConfigError(f"channel {name} is not loaded: {error}; correct {path}") from error
        if channel.name != name:
            raise ConfigError(
                f"channel {name} is not loaded: its file says name {channel.name!r}; correct {path}"
            )
        return channel

    def _refuse_taken(self, name: str) -> None:
        if self._path(name).exists():
            raise Refused(
                f"channel {name} exists already; change it with: streamgate channel set {name},"
                f" or choose another name",
                f"频道 {name} 已存在；请另选名称",
            )
        owner = name.removesuffix(recording_of(""))
        if owner and owner != name and self._path(owner).exists() and self._read(owner).standby_key_hash:
            raise Refused(
                f"{name} is what the standby camera of {owner} is recorded as; choose another name",
                f"{name} 是频道 {owner} 备用镜头的录像名称；请另选名称",
            )

    def _refuse_recorded_as(self, name: str) -> None:
        """Refuse a standby camera whose recordings would have another channel's name."""
        recording = recording_of(name)
        if self._path(recording).exists():
            raise Refused(
                f"the standby camera of {name} would be recorded as {recording}, which is another channel",
                f"{name} 的备用镜头将录制为 {recording}，但已有同名频道",
            )

    def seal(self, *, anew: bool = False) -> int:
        """Encrypt plain-text push URLs in channel files; `anew`: all push URLs, with the newest key.

        Returns how many files were written. Files that cannot be read stay as they are. Raises ConfigError.
        """
        if not self._dir.is_dir():
            return 0
        written = 0
        with self._locked():
            for channel in self.load_all().channels:
                plain = SEALED.encode() not in self._path(channel.name).read_bytes()
                if channel.destinations and (anew or plain):
                    self._write(channel)
                    written += 1
        return written

    def _unseal(self, data: bytes) -> ChannelConfig:
        """Decode a channel file; its push URLs are encrypted, or plain text in old files."""
        raw = msgspec.json.decode(data, type=_Sealed)
        for one in raw.destinations:
            url = one.get("url")
            if isinstance(url, str) and url.startswith(SEALED):
                one["url"] = self._box.decrypt(url.removeprefix(SEALED).encode()).decode()
        whole = msgspec.json.decode(data, type=dict[str, object])
        return msgspec.convert({**whole, "destinations": raw.destinations}, ChannelConfig)

    def _sealed(self, channel: ChannelConfig) -> bytes:
        whole = msgspec.to_builtins(channel)
        for one in whole["destinations"]:
            one["url"] = SEALED + self._box.encrypt(one["url"].encode()).decode()
        return msgspec.json.format(msgspec.json.encode(whole)) + b"\n"

    def _refuse_shared(self, name: str, destinations: tuple[Destination, ...]) -> None:
        """Refuse an address that another channel pushes to: a platform takes one connection per key."""
        urls = {one.url: one for one in destinations if one.url != HLS}  # each channel has its own files
        for other in self.load_all().channels:
            shared = [urls[one.url] for one in other.destinations if one.url in urls and other.name != name]
            if shared:
                raise Refused(
                    f"push URL {shared[0].redacted} is channel {other.name}'s already;"
                    " a platform takes one connection per key; use another key",
                    f"推流地址 {shared[0].redacted} 已由频道 {other.name} 使用；请换用其他密钥",
                )

    def _write(self, channel: ChannelConfig) -> None:
        path, before = self._path(channel.name), self._before(channel.name)
        temporary = path.with_name(f".{path.name}.tmp")
        data = self._sealed(channel)
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:  # noqa: PTH123 - os.open sets the mode at creation
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            temporary.replace(path)
            sync_directory(self._dir)
        except OSError as error:
            raise ConfigError(
                f"{path} cannot be written ({error.strerror}); free the disk or correct its permissions"
            ) from error
        if self._changed is not None:
            self._changed(before, channel)

    def _before(self, name: str) -> ChannelConfig | None:
        """Return the channel as stored, for `changed`."""
        if self._changed is None:
            return None
        try:
            return self._read(name)
        except StreamgateError:
            return None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock file against other writers, in this process and in others."""
        self._places.create()
        try:
            self._dir.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(self._dir / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(
                f"{self._dir} cannot be written ({error.strerror}); correct its permissions"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _refuse_practice(channel: ChannelConfig, destinations: Sequence[Destination]) -> None:
    if channel.practice and destinations:
        raise Refused(
            f"channel {channel.name} is there to practise on: it has no destinations",
            f"频道 {channel.name} 用于演练，不能设置推流目的地",
        )


def _is_channel_file(path: Path) -> bool:
    return path.suffix == ".json" and not path.name.startswith(".")


def _bad(name: str, text: str) -> BadChannel:
    return BadChannel(name, text, f"频道 {name} 未载入：{text}")


def _with_backups(present: tuple[str, ...], files: Sequence[str | Path]) -> tuple[str, ...]:
    """Add backup files by absolute path. Raise Refused for one that is missing or not readable."""
    paths = list(present)
    for given in files:
        path = Path(given).expanduser().absolute()
        if not os.access(path, os.F_OK):
            raise Refused(
                f"backup file {path} does not exist; correct the path", f"备用文件 {path} 不存在；请改正路径"
            )
        if not os.access(path, os.R_OK) or not path.is_file():
            raise Refused(
                f"backup file {path} is not a readable file; name a video or picture this user may read",
                f"备用文件 {path} 不是可读文件；请指定当前用户可读的视频或图片",
            )
        try:
            str(path).encode()
        except UnicodeEncodeError:
            raise Refused(
                f"backup file {str(path)!r} has a name that is not UTF-8; rename it",
                f"备用文件 {str(path)!r} 的文件名不是 UTF-8；请改名",
            ) from None
        if str(path) not in paths:
            paths.append(str(path))
    return tuple(paths)


def _without_backups(present: tuple[str, ...], unwanted: Sequence[str | Path]) -> tuple[str, ...]:
    """Remove backup files by path or by file name."""
    kept = present
    for given in unwanted:
        path = Path(given)
        rest = tuple(
            one for one in kept if str(path.expanduser().absolute()) != one and Path(one).name != str(path)
        )
        if len(rest) == len(kept):
            raise Refused(
                f"there is no backup file {path}; backup files are: {', '.join(kept) or 'none'}",
                f"没有备用文件 {path}；现有：{'、'.join(kept) or '无'}",
            )
        kept = rest
    return kept
