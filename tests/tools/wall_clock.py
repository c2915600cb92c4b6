"""A wall clock that a test may step while processes of its own run: a small library, preloaded into each."""

import shutil
import struct
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_suffix(".c")


class WallClock:
    """Off by nothing at first. Files keep the machine's times, as the kernel sets them."""

    def __init__(self, folder: Path) -> None:
        """`folder`: for its two files. Raises OSError: this machine has no C compiler."""
        if shutil.which("cc") is None:
            raise OSError("this machine has no C compiler (cc)")
        self._library, self._file = folder / "wall_clock.so", folder / "wall_clock"
        command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(self._library), str(_SOURCE), "-ldl"]
        subprocess.run(command, check=True, capture_output=True)
        self.step(0)

    @property
    def environment(self) -> dict[str, str]:
        """Return what a process must be started with to go by this clock. CLOCK_MONOTONIC stays as it is."""
        return {"LD_PRELOAD": str(self._library), "WALL_CLOCK_FILE": str(self._file)}

    def step(self, seconds: float) -> None:
        """Set the clock so many seconds off the machine's; all processes have it at once."""
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("=q", round(seconds * 1e9)))
