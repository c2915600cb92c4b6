"""The data directory: where everything of one streamgate stands, and who serves it at the moment."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from streamgate.errors import ConfigError
from streamgate.runtime.rundir import link_from, make_runtime_dir, runtime_dir

# sun_path of a unix socket holds 107 bytes (unix(7)); "/run/media.sock" comes off that where there is no
# shared memory for the runtime directory.
MAX_PATH_BYTES = 90


class ServeInfo(msgspec.Struct, frozen=True):
    """Written by the supervisor as `run/serve.json`. Addresses are HOST:PORT as really bound; None: off.

    `console` is "" while the page has no address, because another program holds it. `page`: how a browser
    reaches it, without a slash at the end. `public`: for viewers and sources of comments; `viewers`: how a
    browser reaches it.
    """

    pid: int
    rtmp: str
    console: str
    rtmps: str | None = None
    page: str = ""
    public: str | None = None
    viewers: str = ""


class DataDir:
    """Names of the places inside one data directory. Creates nothing unless asked to."""

    def __init__(self, root: Path) -> None:
        """Raise ConfigError when the path is too long for the unix sockets inside it."""
        self.root = Path(root).expanduser().absolute()
        size = len(os.fsencode(self.root))
        if size > MAX_PATH_BYTES:
            raise ConfigError(
                f"the data directory's path is {size} bytes long; at most {MAX_PATH_BYTES} are allowed,"
                f" because unix sockets stand in it; choose a shorter --data-dir"
            )
        self.channels = self.root / "channels"
        self.archive = self.root / "archive"
        self.hls = self.root / "hls"
        self.cache = self.root / "cache"
        self.run = runtime_dir(self.root)
        self.control_socket = self.run / "gate.sock"
        self.media_socket = self.run / "media.sock"
        self.serve_json = self.run / "serve.json"
        self.toml = self.root / "streamgate.toml"

    def create(self) -> None:
        """Make the directory, for this user alone. Raise ConfigError when that fails."""
        try:
            if not self.root.is_dir():  # asked first: mkdir waits for a frozen disk with nothing to make
                self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"the data directory {self.root} cannot be made ({error.strerror});"
                f" choose one you may write with --data-dir or STREAMGATE_DATA_DIR"
            ) from error

    def create_run(self) -> None:
        """Make the runtime directory, for this user alone. Raise ConfigError when that fails."""
        try:
            make_runtime_dir(self.root)
        except OSError as error:
            raise ConfigError(
                f"the runtime directory {self.run} cannot be made ({error.strerror});"
                f" make room in {self.run.parent}"
            ) from error

    def link_run(self) -> None:
        """Let `run` in the data directory lead to the runtime directory. OSError; may wait for the disk."""
        link_from(self.root, self.run)

    def write_serve(self, info: ServeInfo) -> None:
        """Tell other programs who serves here and where. Removed again by `clear_serve`."""
        temporary = self.serve_json.with_name(".serve.json.tmp")
        temporary.write_bytes(msgspec.json.encode(info))
        temporary.replace(self.serve_json)

    def clear_serve(self) -> None:
        self.serve_json.unlink(missing_ok=True)

    def serving(self) -> ServeInfo | None:
        """Return who serves this directory; a file left behind by a dead process counts as nobody (None)."""
        try:
            info = msgspec.json.decode(self.serve_json.read_bytes(), type=ServeInfo)
        except (OSError, msgspec.DecodeError):
            return None
        return info if _alive(info.pid) else None


def default_root(environ: Mapping[str, str]) -> Path:
    """Return STREAMGATE_DATA_DIR, or the user's data directory (XDG Base Directory Specification 0.8)."""
    if chosen := environ.get("STREAMGATE_DATA_DIR"):
        return Path(chosen)
    if base := environ.get("XDG_DATA_HOME"):
        return Path(base) / "streamgate"
    return Path("~/.local/share/streamgate").expanduser()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
