"""The data directory of one streamgate: its paths, and which process serves it at the moment."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from streamgate.errors import ConfigError
from streamgate.runtime.rundir import link_from, make_runtime_dir, runtime_dir

# sun_path of a unix socket holds 107 bytes (unix(7)), with "/run/media.sock" where there is no shared memory
# for the runtime directory.
MAX_PATH_BYTES = 90


class ServeInfo(msgspec.Struct, frozen=True):
    """Contents of `run/serve.json`, written by the supervisor. Addresses: HOST:PORT as bound; None: off.

    `console` is "" while another program uses the page's address. `page`: its URL for browsers, without a
    slash at the end. `public`: address for viewers and sources of comments; `viewers`: its URL for browsers.
    """

    pid: int
    rtmp: str
    console: str
    rtmps: str | None = None
    page: str = ""
    public: str | None = None
    viewers: str = ""


class DataDir:
    """Paths inside one data directory. The constructor creates nothing."""

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
        """Create the directory, with access for this user only. Raise ConfigError when that fails."""
        try:
            if not self.root.is_dir():  # checked first: mkdir waits for a frozen disk even if it exists
                self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"the data directory {self.root} cannot be made ({error.strerror});"
                f" choose one you may write with --data-dir or STREAMGATE_DATA_DIR"
            ) from error

    def create_run(self) -> None:
        """Create the runtime directory, with access for this user only. Raise ConfigError when that fails."""
        try:
            make_runtime_dir(self.root)
        except OSError as error:
            raise ConfigError(
                f"the runtime directory {self.run} cannot be made ({error.strerror});"
                f" make room in {self.run.parent}"
            ) from error

    def link_run(self) -> None:
        """Make `run` a symbolic link to the runtime directory. Raises OSError; may wait for the disk."""
        link_from(self.root, self.run)

    def write_serve(self, info: ServeInfo) -> None:
        """Write `run/serve.json` for other programs. `clear_serve` removes it."""
        temporary = self.serve_json.with_name(".serve.json.tmp")
        temporary.write_bytes(msgspec.json.encode(info))
        temporary.replace(self.serve_json)

    def clear_serve(self) -> None:
        self.serve_json.unlink(missing_ok=True)

    def serving(self) -> ServeInfo | None:
        """Return the process that serves this directory; None when there is none, or it is dead."""
        try:
            info = msgspec.json.decode(self.serve_json.read_bytes(), type=ServeInfo)
        except (OSError, msgspec.DecodeError):
            return None
        return info if _is_alive(info.pid) else None


def default_root(environ: Mapping[str, str]) -> Path:
    """Return STREAMGATE_DATA_DIR, or the user's data directory (XDG Base Directory Specification 0.8)."""
    if chosen := environ.get("STREAMGATE_DATA_DIR"):
        return Path(chosen)
    if base := environ.get("XDG_DATA_HOME"):
        return Path(base) / "streamgate"
    return Path("~/.local/share/streamgate").expanduser()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
