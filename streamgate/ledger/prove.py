"""Child that verifies a ledger at the lowest priority: `python -m streamgate.ledger.prove DIR`.

Takes what the check before left (`Known`, JSON) or nothing on its standard input; prints a `Proof`.
"""

import os
import sys
from pathlib import Path

import msgspec

from streamgate.errors import LedgerError
from streamgate.ledger.known import Known
from streamgate.ledger.verify import prove

UNREADABLE = 2


def main() -> int:
    os.nice(19)  # air and page first
    given = sys.stdin.buffer.read()
    known = msgspec.json.decode(given, type=Known) if given else None
    try:
        proof = prove(Path(sys.argv[1]), known)
    except LedgerError as error:
        sys.stderr.buffer.write(msgspec.json.encode({"error": str(error)}))
        return UNREADABLE
    sys.stdout.buffer.write(msgspec.json.encode(proof))
    return 0


if __name__ == "__main__":
    sys.exit(main())
