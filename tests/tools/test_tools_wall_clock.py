import os
import subprocess
import sys
import time

import pytest
from tools.wall_clock import WallClock

LOOK = """
import datetime, time
for _ in range(3):
    input()
    print(time.time(), datetime.datetime.now().timestamp(), time.monotonic(), flush=True)
    time.sleep(0.01)
"""


def test_a_running_process_goes_by_the_clock_and_time_goes_on(tmp_path):
    try:
        clock = WallClock(tmp_path)
    except OSError as why:
        pytest.skip(str(why))
    with subprocess.Popen(
        [sys.executable, "-c", LOOK],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | clock.environment,
    ) as process:
        for offset in (0, 3600, -86_400.5):
            clock.step(offset)
            process.stdin.write("\n")
            process.stdin.flush()
            wall, local, mono = map(float, process.stdout.readline().split())
            assert [wall, local] == pytest.approx([time.time() + offset] * 2, abs=0.5)
            assert mono == pytest.approx(time.monotonic(), abs=0.5)
        assert process.wait(5) == 0
