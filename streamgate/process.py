"""Entry of a child process: `python -m streamgate.process NAME`, its settings as JSON on standard input.

Apart from the command line's entry so that the gate process loads neither it nor the settings' machinery:
it starts quicker and is smaller.
"""

import os
import sys

from streamgate.app import run_process

if __name__ == "__main__":
    code = run_process(sys.argv[1], sys.stdin.read())
    sys.stderr.flush()
    os._exit(code)  # without waiting for threads: a disk may hold them up
