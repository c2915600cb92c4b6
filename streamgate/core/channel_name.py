"""Check of channel names, as used in files, URLs, rights and tokens."""

import re

from streamgate.errors import Refused

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_ZH = "频道名称不可用；请用 1 至 32 个小写字母、数字、_ 或 -，以字母或数字开头"


def check_name(name: str) -> None:
    """Raise ValueError unless `name` is a valid channel name."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"channel name {name!r} is not allowed;"
            f" use 1 to 32 of a-z, 0-9, _ and -, beginning with a letter or digit"
        )


def require_name(name: str) -> None:
    """Raise Refused unless `name` is a valid channel name; the channel need not exist."""
    try:
        check_name(name)
    except ValueError as error:
        raise Refused(str(error), _ZH) from error
