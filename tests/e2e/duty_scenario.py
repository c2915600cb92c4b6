"""A broadcast that somebody watches, leaves, and comes back to: backup airs while nobody on duty is there."""

import contextlib
import json
import threading
import time

from stage import Stage
from tools.hook import Hook
from tools.people import sign_in
from tools.serve import Gate
from websockets.sync.client import connect

ABSENT_S = 20  # the least that is allowed
NOTIFIED_S = 15
PERSON = "watcher"


class OpenPage:
    """A page of somebody: its websocket, read all the time. `press`: a key."""

    def __init__(self, gate: Gate, cookie: str) -> None:
        address = gate.page_url.replace("http", "ws", 1) + "api/v1/ws"
        headers = {"cookie": cookie, "origin": gate.page_url.rstrip("/")}
        self._open = contextlib.ExitStack()
        opening = connect(address, additional_headers=headers, compression=None, proxy=None)
        self._socket = self._open.enter_context(opening)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(Exception):
            for _ in self._socket:
                pass

    def press(self) -> float:
        """Return when (CLOCK_MONOTONIC)."""
        self._socket.send('{"t":"active"}')
        return time.monotonic()

    def command(self, command: str, channel: str) -> None:
        self._socket.send(json.dumps({"t": "cmd", "id": 1, "cmd": command, "channel": channel}))

    def close(self) -> None:
        self._open.close()


def unattended(stage: Stage) -> None:
    """Twice nobody is there: a key of the page ends it, then a sign at the machine."""
    gate, name = stage.gate, stage.name
    cookie = "=".join(sign_in(gate.page_url.rstrip("/"), gate.person(PERSON, "operator")))
    stage.do("set", "duty", "set", name, "--watch", "backup", "--absent-s", str(ABSENT_S), "--json")
    stage.do("take", "duty", "take", name, PERSON, "--json")
    stage.seen["hook"] = hook = Hook()
    chain = stage.directory / "duty-chain.json"
    chain.write_text(json.dumps(_chain(hook.url)), "utf-8")
    stage.do("chain", "escalation", "set", str(chain), "--json")
    stage.publish()
    page = OpenPage(gate, cookie)
    while stage.now() < 36:
        page.press()
        time.sleep(1)
    stage.until_on_air(lambda frame: frame is not None)
    stage.look("there")
    page.close()
    stage.seen["left_s"] = time.monotonic()
    _until_covered(stage, "alone", count=1)
    page = OpenPage(gate, cookie)  # by itself, as after a restart of the console: nobody touched it
    time.sleep(4)
    stage.look("page without a hand")
    stage.seen["pressed_s"] = page.press()
    stage.until_on_air(lambda frame: frame is not None)
    stage.seen["back_s"] = time.monotonic()
    stage.look("back")
    page.close()
    stage.seen["left_again_s"] = time.monotonic()
    _until_covered(stage, "alone again", count=2)
    stage.do("sign", "duty", "sign", name, "--json")
    stage.until_on_air(lambda frame: frame is not None)
    stage.look("signed")
    stage.do("stop", "stop", name)
    hook.close()


def _chain(url: str) -> dict[str, object]:
    """Return a chain that is called for the duty alarm alone: no incident goes up by itself."""
    leader = {"name": "值班领导", "urls": [url]}
    return {"at_once": [], "steps": [{"name": "值班", "within_min": 10, "persons": [leader]}]}


def _until_covered(stage: Stage, name: str, *, count: int) -> None:
    """Wait until backup airs because nobody is there, and people were notified for the `count`th time."""
    stage.seen[name] = stage.gate.wait_for(
        stage.name, lambda status: status["duty"]["state"] == "covered", ABSENT_S + 15
    )
    stage.seen[f"{name} at"] = time.monotonic()
    stage.until_on_air(lambda frame: frame is None)
    end_s = time.monotonic() + NOTIFIED_S  # who is back sooner than a message is made gets none
    while len(alarms(stage)) < count and time.monotonic() < end_s:
        time.sleep(0.05)


def alarms(stage: Stage) -> list[tuple[str, str, float]]:
    """Return title, text and time (CLOCK_MONOTONIC) of each message about this channel."""
    hook = stage.seen["hook"]
    came = zip(hook.messages, hook.came_s, strict=False)  # one may be coming in
    return [(title, text, at) for (title, text), at in came if title.startswith(f"[{stage.name}]")]
