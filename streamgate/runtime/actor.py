"""Name of the command line's user, for records."""

import os
import pwd


def cli_actor() -> str:
    """Return "cli:NAME", from the system's user list: anyone can set LOGNAME."""
    try:
        return f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:
        return f"cli:uid{os.getuid()}"
