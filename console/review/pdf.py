"""A child process: reads a page of HTML from standard input and prints it as PDF. Fetches nothing.

python -m console.review.pdf
"""

import os
import resource
import sys

import msgspec

from streamgate.errors import MediaError
from streamgate.reports.pdf import print_pdf
from streamgate.wording import both

NICE = 10  # whatever it makes can wait for a picture that is on air
MEMORY = 3 * 1024**3


def main() -> int:
    """Return the exit code; the last line on standard error is JSON with the reason."""
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        made = print_pdf(sys.stdin.buffer.read().decode())
    except MediaError as error:
        sys.stderr.write(f"\n{msgspec.json.encode(both(error)).decode()}\n")
        return 1
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
