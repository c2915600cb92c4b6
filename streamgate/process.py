"""Entry point of a child process: `python -m streamgate.process NAME`, settings as JSON on standard input.

It is separate from the command line's entry point, so that the gate process loads neither that nor `config`:
it starts faster and is smaller. The garbage collector is off while modules load: it took a fifth of the
console's start and freed nothing. `streamgate.app` turns it on again.
"""

import gc
import os
import sys

gc.disable()

from streamgate.app import run_process  # noqa: E402

if __name__ == "__main__":
    code = run_process(sys.argv[1], sys.stdin.read())
    sys.stderr.flush()
    os._exit(code)  # without waiting for threads: a disk may block them
