"""The channel store: one JSON file per channel under DATA_DIR/channels, so that a cut needs no database.

Push URLs hold the keys of platforms: they are encrypted in the files (`secret_box`).

Readers need no lock: files are replaced as a whole. Writers exclude each other with a lock file.
"""

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from streamgate.core.delay import MIN_DELAY_S, check_delay
from streamgate.errors import ConfigError, Refused, StreamgateError
from streamgate.rtmp.url import parse_url, redact
from streamgate.runtime.datadir import DataDir
from streamgate.runtime.secret_box import SecretBox

VERSION = 1
MAX_DESTINATIONS = 16
MAX_BACKUPS = 64
KEY_CHARS = 32
SEALED = "sealed:"
"""How an encrypted push URL begins in a channel file."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_DESTINATION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,79}")
_HASH = re.compile(r"[0-9a-f]{64}")
_NAMED_URL = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,31})=(?P<url>.+)", re.DOTALL)


class Destination(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the program is pushed. `url` holds its stream key: never print it, print `redacted`.

    `split_headers`: send a fresh codec header at each splice, for a platform that dislikes one for both.
    """

    name: str
    url: str
    split_headers: bool = False

    def __post_init__(self) -> None:
        if not _DESTINATION_NAME.fullmatch(self.name):
            raise ValueError(
                f"destination name {self.name!r} is not allowed; letters, digits and . _ : - are, at most 80"
            )
        check_url(self.url)

    def __repr__(self) -> str:
        return f"Destination(name={self.name!r}, url={self.redacted!r})"

    @property
    def redacted(self) -> str:
        """The URL with everything behind the application hidden."""
        return redact(self.url)


class ChannelConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One channel as it stands in its file. Cannot exist with a delay below the floor, however it was made.

    `key_hash`: hex SHA-256 of the stream key. `backups`: absolute paths. `created`: ISO 8601, UTC.
    `restore_needs_two`: a cut ends only when a second person asks for it, too.
    """

    name: str
    delay_s: float
    key_hash: str
    destinations: tuple[Destination, ...] = ()
    backups: tuple[str, ...] = ()
    created: str = ""
    v: int = VERSION
    restore_needs_two: bool = False

    def __post_init__(self) -> None:
        if self.v != VERSION:
            raise ValueError(f"v is {self.v}; this streamgate reads version {VERSION}; upgrade streamgate")
        check_name(self.name)
        try:
            check_delay(self.delay_s)
        except Refused as error:
            raise ValueError(str(error)) from error
        if not _HASH.fullmatch(self.key_hash):
            raise ValueError(
                "key_hash is not a hex SHA-256; make a new key with: streamgate channel rotate-key"
            )
        names = [one.name for one in self.destinations]
        if len(set(names)) != len(names):
            raise ValueError(f"two destinations have the same name ({', '.join(sorted(names))}); rename one")
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
    """Of a channel file what is looked at before the whole is checked."""

    destinations: list[dict[str, object]] = []


class BadChannel(msgspec.Struct, frozen=True):
    """A channel file that was not loaded. The texts are fit for an alarm: no key stands in them."""

    name: str
    text: str
    text_zh: str


class Loaded(msgspec.Struct, frozen=True):
    """`there`: the directory of channel files exists. Without it nothing is known of channels."""

    channels: list[ChannelConfig]
    errors: list[BadChannel]
    there: bool = True


def check_name(name: str) -> None:
    """Raise ValueError unless `name` may name a channel."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"channel name {name!r} is not allowed;"
            f" use 1 to 32 of a-z, 0-9, _ and -, beginning with a letter or digit"
        )


def check_url(url: str) -> None:
    """Raise ValueError unless `url` is one the push can use. The text never holds the key."""
    try:
        parse_url(url)
    except ConfigError as error:
        raise ValueError(f"push URL {redact(url)} is refused: {error}") from error


def hash_key(key: str) -> str:
    """Return how a stream key is stored: hex SHA-256. The keys are 192 random bits, so no salt is needed."""
    return hashlib.sha256(key.encode()).hexdigest()


class ChannelStore:
    """Reads and writes the channels of one data directory.

    Methods that change something raise Refused (with the reason, in plain words) when it is not allowed,
    ConfigError when the file on disk is broken or cannot be written.
    """

    def __init__(self, data_dir: Path) -> None:
        self._places = DataDir(data_dir)
        self._dir = self._places.channels
        self._box = SecretBox(self._places.root)

    # ------------------------------------------------------------ reading

    def load_all(self) -> Loaded:
        """Return the good channels by age and what is wrong with the others. Never raises for a bad file.

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
            owner = owners.setdefault(channel.key_hash, channel.name)
            if owner != channel.name:
                channels.remove(channel)
                text = (
                    f"channel {channel.name} is not loaded: it has the same stream key as {owner};"
                    f" make a new key with: streamgate channel rotate-key {channel.name}"
                )
                errors.append(_bad(channel.name, text))
        return Loaded(channels, errors)

    def get(self, name: str) -> ChannelConfig:
        """Return one channel. Raises Refused when there is none, ConfigError when its file is not usable."""
        with _refusing():
            check_name(name)
        return self._read(name)

    # ------------------------------------------------------------ changing

    def add(
        self,
        name: str,
        *,
        delay_s: float = MIN_DELAY_S,
        push: Sequence[str] = (),
        backups: Sequence[str | Path] = (),
    ) -> tuple[ChannelConfig, str]:
        """Make a channel and return it with its stream key, stored only as a hash and shown this once.

        `push`: URLs, each optionally as NAME=URL. `backups`: readable files.
        """
        with _refusing():
            check_name(name)
        check_delay(delay_s)
        destinations = _with_pushes((), push)
        paths = _with_backups((), backups)
        key = secrets.token_urlsafe(KEY_CHARS * 3 // 4)
        with self._locked():
            if self._path(name).exists():
                raise Refused(
                    f"channel {name} exists already; change it with: streamgate channel set {name},"
                    f" or choose another name"
                )
            self._refuse_shared(name, destinations)
            created = datetime.now(UTC).isoformat(timespec="microseconds")
            with _refusing():
                channel = ChannelConfig(name, delay_s, hash_key(key), destinations, paths, created)
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
        restore_needs_two: bool | None = None,
    ) -> ChannelConfig:
        """Change a channel and return it.

        `remove_push`: destination names or whole URLs; `remove_backups`: paths or file names.
        `split_headers`: destination names, and whether each gets a header of its own at each splice.
        """
        with _refusing():
            check_name(name)
        with self._locked():
            old = self._read(name)
            destinations = _with_pushes(_without_pushes(old.destinations, remove_push), add_push)
            destinations = _with_headers(destinations, split_headers or {})
            self._refuse_shared(name, destinations)
            paths = _with_backups(_without_backups(old.backups, remove_backups), add_backups)
            with _refusing():
                channel = msgspec.structs.replace(
                    old,
                    delay_s=old.delay_s if delay_s is None else delay_s,
                    destinations=destinations,
                    backups=paths,
                    restore_needs_two=old.restore_needs_two
                    if restore_needs_two is None
                    else restore_needs_two,
                )
            self._write(channel)
        return channel

    def rotate_key(self, name: str) -> tuple[ChannelConfig, str]:
        """Give a channel a new stream key and return both. The old key is worth nothing from then on."""
        with _refusing():
            check_name(name)
        key = secrets.token_urlsafe(KEY_CHARS * 3 // 4)
        with self._locked():
            channel = msgspec.structs.replace(self._read(name), key_hash=hash_key(key))
            self._write(channel)
        return channel, key

    def remove(self, name: str) -> None:
        """Forget a channel, also one whose file is broken. Its recordings stay."""
        with _refusing():
            check_name(name)
        with self._locked():
            try:
                self._path(name).unlink()
            except FileNotFoundError:
                raise self._unknown(name) from None
            _sync(self._dir)

    # ------------------------------------------------------------ files

    def _path(self, name: str) -> Path:
        return self._dir / f"{name}.json"

    def _unknown(self, name: str) -> Refused:
        names = ", ".join(path.stem for path in sorted(self._dir.glob("[!.]*.json"))) or "none yet"
        return Refused(f"there is no channel {name}; channels are: {names}")

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

    def seal(self, *, anew: bool = False) -> int:
        """Encrypt push URLs that stand plain in channel files; `anew`: all of them, with the newest key.

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
        """Read a channel file, whether its push URLs are encrypted or plain, as they once were."""
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
        """Refuse an address that another channel pushes to: on the platform the two would fight for it."""
        urls = {one.url: one for one in destinations}
        for other in self.load_all().channels:
            shared = [urls[one.url] for one in other.destinations if one.url in urls and other.name != name]
            if shared:
                raise Refused(
                    f"push URL {shared[0].redacted} is channel {other.name}'s already;"
                    " a platform takes one connection per key; use another key"
                )

    def _write(self, channel: ChannelConfig) -> None:
        path = self._path(channel.name)
        temporary = path.with_name(f".{path.name}.tmp")
        data = self._sealed(channel)
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:  # noqa: PTH123 - opened with its mode from the first byte on
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            temporary.replace(path)
            _sync(self._dir)
        except OSError as error:
            raise ConfigError(
                f"{path} cannot be written ({error.strerror}); free the disk or correct its permissions"
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other writers out, in this process and in others."""
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


def _is_channel_file(path: Path) -> bool:
    return path.suffix == ".json" and not path.name.startswith(".")


def _bad(name: str, text: str) -> BadChannel:
    return BadChannel(name, text, f"频道 {name} 未载入：{text}")


def _sync(directory: Path) -> None:
    """Make a rename or an unlink in `directory` last."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn a failed check of what somebody asked for into a refusal."""
    try:
        yield
    except ValueError as error:
        raise Refused(str(error)) from error


def _with_pushes(present: tuple[Destination, ...], urls: Sequence[str]) -> tuple[Destination, ...]:
    """Add destinations given as URL or NAME=URL. One without a name is called by its host."""
    destinations = list(present)
    for text in urls:
        named = _NAMED_URL.fullmatch(text)
        url = named["url"] if named else text
        with _refusing():
            check_url(url)
        taken = {one.name for one in destinations}
        if named:
            name = named["name"]
            if name in taken:
                raise Refused(f"there is a push destination {name} already; choose another name before the =")
        else:
            host = parse_url(url).host
            name = next(
                name
                for name in (host, *(f"{host}-{n}" for n in range(2, len(taken) + 3)))
                if name not in taken
            )
        if any(one.url == url for one in destinations):
            raise Refused(
                f"push URL {redact(url)} is there twice; a platform takes one connection per key; remove one"
            )
        with _refusing():
            destinations.append(Destination(name, url))
    return tuple(destinations)


def _with_headers(
    present: tuple[Destination, ...], split_headers: Mapping[str, bool]
) -> tuple[Destination, ...]:
    """Set how headers are sent. Raise Refused for a name that is not there."""
    names = [one.name for one in present]
    for name in split_headers:
        if name not in names:
            raise Refused(
                f"there is no push destination {name}; destinations are: {', '.join(names) or 'none'}"
            )
    return tuple(
        msgspec.structs.replace(one, split_headers=split_headers.get(one.name, one.split_headers))
        for one in present
    )


def _with_backups(present: tuple[str, ...], files: Sequence[str | Path]) -> tuple[str, ...]:
    """Add backup files by absolute path. Raise Refused for one that is missing or not readable."""
    paths = list(present)
    for given in files:
        path = Path(given).expanduser().absolute()
        if not os.access(path, os.F_OK):
            raise Refused(f"backup file {path} does not exist; correct the path")
        if not os.access(path, os.R_OK) or not path.is_file():
            raise Refused(
                f"backup file {path} is not a readable file; name a video or picture this user may read"
            )
        try:
            str(path).encode()
        except UnicodeEncodeError:
            raise Refused(f"backup file {str(path)!r} has a name that is not UTF-8; rename it") from None
        if str(path) not in paths:
            paths.append(str(path))
    return tuple(paths)


def _without_pushes(present: tuple[Destination, ...], unwanted: Sequence[str]) -> tuple[Destination, ...]:
    """Remove destinations by name or whole URL."""
    kept = present
    for text in unwanted:
        rest = tuple(one for one in kept if text not in (one.name, one.url))
        if len(rest) == len(kept):
            shown = redact(text) if "://" in text else text
            names = ", ".join(one.name for one in kept) or "none"
            raise Refused(f"there is no push destination {shown}; destinations are: {names}")
        kept = rest
    return kept


def _without_backups(present: tuple[str, ...], unwanted: Sequence[str | Path]) -> tuple[str, ...]:
    """Remove backup files by path or by file name."""
    kept = present
    for given in unwanted:
        path = Path(given)
        rest = tuple(
            one for one in kept if str(path.expanduser().absolute()) != one and Path(one).name != str(path)
        )
        if len(rest) == len(kept):
            raise Refused(f"there is no backup file {path}; backup files are: {', '.join(kept) or 'none'}")
        kept = rest
    return kept
