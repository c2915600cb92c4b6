"""The evening that the pictures show: the installed program, a feed on air, a platform, people at work.

Nothing is a stand-in: `serve` with its processes and shipped wordlists, ffmpeg as encoder, nginx as platform.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright
from tools.encoder import Encoder
from tools.hand_in import Source
from tools.nginx import Platform
from tools.people import Person, sign_in
from tools.serve import Gate

from pictures.hall import make_hall, make_pause

LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
PEOPLE = {
    "wanghong": ("administrator",),
    "chenyu": ("director",),
    "lina": ("operator",),
    "zhaoting": ("reviewer",),
    "sunwei": ("senior-reviewer", "operator"),
    "zhoumin": ("chief-reviewer",),
    "liujie": ("auditor",),
    "guest": ("operator@hall",),
}
_ON_AIR_S = 60  # until the program is live: the delay, and some seconds for everybody to start


class Scene:
    def __init__(self, gate: Gate, browser: Browser) -> None:
        self.gate, self.browser = gate, browser
        self.source = Source(gate)
        self.people: dict[str, Person] = {name: gate.person(name, *roles) for name, roles in PEOPLE.items()}
        self._clients: dict[str, httpx.Client] = {}

    def page(self, name: str, path: str, language: str, size: tuple[int, int] = (1280, 720)) -> Page:
        """Return a page of the console of somebody who is signed in."""
        page = self._page(language, size)
        cookie, value = sign_in(self.gate.page_url.rstrip("/"), self.people[name])
        page.context.add_cookies([{"name": cookie, "value": value, "url": self.gate.page_url}])
        page.goto(f"{self.gate.page_url}{path}", wait_until="commit")
        page.wait_for_selector("h1, video")
        return page

    def viewer(self, path: str, language: str, size: tuple[int, int], *, phone: bool = False) -> Page:
        """Return a page of the public address."""
        page = self._page(language, size, has_touch=phone, is_mobile=phone)
        page.goto(f"http://127.0.0.1:{self.gate.public}{path}", wait_until="commit")
        return page

    def _page(self, language: str, size: tuple[int, int], **more: Any) -> Page:
        viewport = {"width": size[0], "height": size[1]}
        return self.browser.new_context(viewport=viewport, locale=LANGUAGES[language], **more).new_page()

    def go_home(self) -> None:
        """Close all pages: they play no pictures during the next scene."""
        for context in self.browser.contexts:
            context.close()

    def api(self, name: str) -> httpx.Client:
        """Return the console's interface with somebody's session."""
        if name not in self._clients:
            cookie, value = sign_in(self.gate.page_url.rstrip("/"), self.people[name])
            base = f"{self.gate.page_url}api/v1/"
            headers = {"cookie": f"{cookie}={value}"}
            self._clients[name] = httpx.Client(base_url=base, headers=headers, trust_env=False, timeout=30)
        return self._clients[name]

    def act(self, who: str, path: str, /, **body: Any) -> None:
        answer = self.api(who).post(path, json=body)
        assert answer.status_code < 300, f"{path}: {answer.text}"

    def cards(self) -> dict[int, dict[str, Any]]:
        """Return the first cards that wait, by the id of their first comment."""
        answer = self.api("zhoumin").get("review/main/queue", params={"limit": 200})
        assert answer.status_code == 200, answer.text
        return {card["comments"][0]: card for card in answer.json()["cards"]}

    def publish(self, comments: list[tuple[str, str]], *, bullet: bool = False) -> None:
        """Hand comments in and approve each as often as it needs, each time somebody else."""
        given = ({"author": author, "text": text, "bullet": bullet} for author, text in comments)
        for one in self.source.hand_in(given):
            card = self.cards()[one]
            for reviewer in ("zhaoting", "sunwei", "zhoumin")[: card["stages"]]:
                self.act(
                    reviewer,
                    "review/main/decisions",
                    id=card["id"],
                    version=card["version"],
                    decision="approve",
                )
                card = self.cards().get(one, card)

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


@contextmanager
def open_scene(directory: Path) -> Iterator[Scene]:
    """Open the scene: the program is live, comments and bullet comments are open, nobody has written yet."""
    clip = make_hall(directory / "hall.flv")
    pause = make_pause(directory / "pause.mp4")
    with ExitStack() as stack:
        platform = Platform(directory / "platform", record=False)
        stack.callback(platform.close)
        gate = Gate(directory / "gate")
        url = gate.add("main", f"platform={platform.url('main')}", "watch=hls:", backups=(pause,))
        gate.add("hall", delay=45)
        key = gate.command("channel", "set", "main", "--standby-key", "rotate", "--json").json["standby_key"]
        gate.start()
        stack.callback(gate.stop)
        encoder = Encoder(clip, url)
        stack.callback(encoder.stop)
        standby = Encoder(clip, f"rtmp://127.0.0.1:{gate.rtmp}/live/{key}", start_s=20)
        stack.callback(standby.stop)
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"],
        )
        stack.callback(browser.close)
        gate.wait_for("main", lambda status: status["ingest"]["connected"], 20)
        scene = Scene(gate, browser)
        stack.callback(scene.close)
        _prepare(scene)
        gate.wait_for("main", lambda status: status["state"] == "live", _ON_AIR_S)
        opened = ("--comments", "open", "--bullets", "open", "--sharing", "open", "--window", "0")
        gate.command("interaction", "main", *opened, "--slow", "3", "--json")
        time.sleep(8)  # what was dumped has passed
        yield scene


def _prepare(scene: Scene) -> None:
    """What people decided before air: the audit shows it."""
    scene.act("lina", "channels/main/cut", reason="a stranger on the stage")
    scene.act("chenyu", "channels/main/restore", reason="the stage is clear")
    scene.act("lina", "channels/main/dump", seconds=1)
    now = time.strftime("%Y-%m-%d %H:%M")
    later = time.strftime("%Y-%m-%d %H:%M", time.localtime(time.time() + 4 * 3600))
    scene.gate.command("duty", "set", "main", "--watch", "off", "--json")  # no alarm over other screens
    scene.gate.command("duty", "add", "main", "lina", "--from", now, "--to", later, "--json")
    scene.act("chenyu", "channels/main/destinations", name="second", url="rtmp://127.0.0.1:1/live/second")
