"""Who uses the command line, for the record."""

import os
import pwd


def cli_actor() -> str:
    """Return "cli:NAME". From the system's user list: LOGNAME can be set by anyone."""
    try:
        return f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:
        return f"cli:uid{os.getuid()}"
