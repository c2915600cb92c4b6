"""`python -m streamgate` is the same as `streamgate`."""

from streamgate.cli import main

main()
