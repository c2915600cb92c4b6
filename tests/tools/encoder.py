"""The real ffmpeg publishing a clip: paced, packets copied, so that it costs next to nothing."""

import subprocess
import threading
import time
from pathlib import Path


class Encoder:
    """`ffmpeg -re -c copy CLIP` to an RTMP URL.

    `start_s`: where in the clip to begin (a keyframe's time). `keep_trying`: like OBS, come back a second
    after the connection was lost, at the place in the clip where time has got to meanwhile.
    """

    def __init__(
        self,
        clip: Path,
        url: str,
        *,
        start_s: float = 0,
        loop: bool = False,
        keep_trying: bool = False,
        sound_filter: str = "",
        log: Path | None = None,
    ) -> None:
        self._sound_filter = sound_filter
        self._clip, self._url, self._loop, self._log = clip, url, loop, log
        self._keep_trying = keep_trying
        self._began_s = time.monotonic() - start_s
        self.starts: list[float] = []  # CLOCK_MONOTONIC of every start
        self._process = self._spawn(start_s)
        self._watcher = threading.Thread(target=self._watch, name="encoder", daemon=True)
        if keep_trying:
            self._watcher.start()

    def _spawn(self, start_s: float) -> subprocess.Popen[bytes]:
        command = ["ffmpeg", "-v", "error", "-nostdin", "-re"]
        command += ["-stream_loop", "-1"] if self._loop else []
        # a little later than asked: the seek goes back to the keyframe at or before it
        command += ["-ss", f"{start_s + 0.5:g}"] if start_s else []
        command += ["-i", str(self._clip), "-map", "0", "-c", "copy"]
        command += ["-bsf:a", self._sound_filter] if self._sound_filter else []
        command += ["-f", "flv", self._url]
        self.starts.append(time.monotonic())
        with (self._log or Path("/dev/null")).open("ab") as log:
            return subprocess.Popen(command, stderr=log)

    def _watch(self) -> None:
        while self._keep_trying:
            if self._process.poll() is None:
                time.sleep(0.1)
                continue
            time.sleep(1)
            if self._keep_trying:
                start_s = self.next_keyframe_s()
                self._process = self._spawn(start_s)
                self._began_s = time.monotonic() - start_s

    def next_keyframe_s(self) -> int:
        """Return the time in the clip of the first keyframe that was not sent yet: no frame is sent twice."""
        return (int(time.monotonic() - self._began_s) // 2 + 1) * 2

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """End it without a goodbye, as a power cut does."""
        self._keep_trying = False
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it the clean way; close the broadcast's stream as an encoder's stop button does."""
        self._keep_trying = False
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait(self, seconds: float) -> int:
        """Return ffmpeg's exit code once it has ended by itself."""
        return self._process.wait(seconds)
