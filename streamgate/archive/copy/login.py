"""The key for the store of the second copy: from the environment, or encrypted in the data directory.

The environment counts first: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. Never on a command
line, in a log or in an answer.
"""

from collections.abc import MutableMapping
from pathlib import Path

import msgspec

from streamgate.archive.copy.place import Login
from streamgate.disk import replace_file
from streamgate.errors import ConfigError
from streamgate.ledger.owner import give_to_owner
from streamgate.runtime.secret_box import SecretBox

FILE = "copy.secret"
_NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def take_login(environ: MutableMapping[str, str]) -> Login | None:
    """Take the key out of the environment, which other processes inherit. None: there is none."""
    key_id, secret, token = (environ.pop(name, "") for name in _NAMES)
    return Login(key_id, secret, token) if key_id and secret else None


def store_login(data_dir: Path, login: Login, box: SecretBox | None = None) -> None:
    """Keep the key in the data directory, encrypted. Raises ConfigError."""
    path = data_dir / FILE
    data = (box or SecretBox(data_dir)).encrypt(msgspec.json.encode(login))
    try:
        replace_file(path, data + b"\n")
        give_to_owner(path, data_dir)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror})") from error


def read_login(data_dir: Path, box: SecretBox | None = None) -> Login | None:
    """Return the key that is kept in the data directory; None: there is none. Raises ConfigError."""
    path = data_dir / FILE
    try:
        data = path.read_bytes().strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror})") from error
    try:
        return msgspec.json.decode((box or SecretBox(data_dir)).decrypt(data), type=Login)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path} holds no key; enter it anew with: streamgate archive copy key") from error


def forget_login(data_dir: Path) -> bool:
    """Remove the key from the data directory. False: there was none. Raises ConfigError."""
    try:
        (data_dir / FILE).unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigError(f"{data_dir / FILE} cannot be removed ({error.strerror})") from error
    return True
