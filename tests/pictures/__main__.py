"""`make pictures`: every picture of docs/pictures from the product as it is, in both languages."""

import argparse
import io
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pypdfium2
from PIL import Image
from playwright.sync_api import Page, expect
from tools.crowd_words import sayings

from pictures import words
from pictures.album import Album, side_by_side, stacked
from pictures.hall import draw_hall
from pictures.scene import LANGUAGES, Scene, open_scene

DOCS = Path(__file__).parents[2] / "docs" / "pictures"
PARTS = ("console", "empty", "watch", "archive", "incidents", "review", "crowd")
LARGE, PHONE, VIEWER = (1920, 1080), (390, 700), (1280, 640)
SOME, MANY = 200, 20_000
# Of each style, the rows of its picture where comments are.
STYLES = {"bullet": (0, 560), "list": (480, 1080), "ticker": (760, 1080)}
SHOWN = "() => document.querySelector('[data-testid=received] video')?.readyState >= 2"
STILLS = "() => document.querySelector('[data-testid=stills] img')?.naturalWidth > 0"
ALL_STILLS = "() => [...document.querySelectorAll('figure img')].filter((i) => i.naturalWidth).length > 2"
PLAYS = "(count) => [...document.querySelectorAll('video')].filter((v) => v.currentTime > 0).length >= count"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make pictures ARGS=...", description=__doc__)
    parser.add_argument("--to", type=Path, default=DOCS, help="the folder they go to [docs/pictures]")
    parser.add_argument("--cards", type=int, default=MANY, help="how many cards are a crowd [20000]")
    parser.add_argument(
        "parts", nargs="*", default=PARTS, metavar="PART", help=f"of {', '.join(PARTS)} [all]"
    )
    chosen = parser.parse_args()
    album = Album(chosen.to)
    with tempfile.TemporaryDirectory(prefix="streamgate-pictures-") as made:
        print("setting the scene; the program is live after the delay ...", flush=True)
        with open_scene(Path(made)) as scene:
            if "console" in chosen.parts:
                console(scene, album)
            if "empty" in chosen.parts:
                empty(scene, album)
            if "watch" in chosen.parts:
                for language in LANGUAGES:
                    watch(scene, album, language)
                    overlay(scene, album, language)
            if "archive" in chosen.parts:
                archive(scene, album)
            if "incidents" in chosen.parts:
                incidents(scene, album)
                reports(scene, album, Path(made))
            if "review" in chosen.parts:
                review(scene, album)
            if "crowd" in chosen.parts:
                crowd(scene, album, chosen.cards)
    return 0


# ---------------------------------------------------------------- viewers


def watch(scene: Scene, album: Album, language: str) -> None:
    """The program plays, comments stand beside it and cross it, one's own waits."""
    path = "/watch/main"
    pages = [
        scene.viewer(path, language, VIEWER),
        scene.viewer(path, language, PHONE, phone=True),
    ]
    for page in pages:
        expect(page.get_by_test_id("stage")).to_have_attribute("data-air", "on", timeout=30_000)
    scene.publish(words.VIEWERS[language])
    for page in pages:
        name, text = words.OWN[language]
        page.locator("form input").first.fill(name)
        page.locator("textarea").fill(text)
        page.locator("button[type=submit]").click()
        expect(page.get_by_test_id("own")).to_have_count(1)
    scene.publish(words.BULLETS[language], bullet=True)
    pages[0].wait_for_timeout(3500)
    album.keep("watch", language, side_by_side([shot(page) for page in pages]))
    scene.go_home()


def overlay(scene: Scene, album: Album, language: str) -> None:
    """The three styles, each over the picture as OBS lays it there; the rest is cut off."""
    address = scene.gate.command("overlay", "main", "--json").json["overlay"]
    path = "/overlay/" + address.partition("/overlay/")[2].partition("&style")[0]
    pages = [scene.viewer(f"{path}&style={style}", language, LARGE) for style in STYLES]
    for page in pages:
        page.wait_for_selector("body[data-link=up]")
    scene.publish(words.VIEWERS[language][:6], bullet=True)
    pages[0].wait_for_timeout(4000)
    hall = draw_hall(3, LARGE).convert("RGBA")
    over = []
    for page, (top, bottom) in zip(pages, STYLES.values(), strict=True):
        over.append(
            Image.alpha_composite(hall, shot(page, see_through=True)).crop((0, top, LARGE[0], bottom))
        )
        page.wait_for_timeout(2500)  # the ticker comes last: it needs longest
    halved = [one.resize((one.width // 2, one.height // 2), Image.Resampling.LANCZOS) for one in over]
    album.keep("overlay", language, stacked(halved))
    scene.go_home()


# ---------------------------------------------------------------- reviewers


def empty(scene: Scene, album: Album) -> None:
    for language in LANGUAGES:
        page = scene.page("sunwei", "review/main", language)
        expect(page.get_by_test_id("empty")).to_be_visible()
        plays(page)
        album.keep("review-empty", language, shot(page))
        scene.go_home()


def review(scene: Scene, album: Album) -> None:
    """Two hundred cards, one of them in somebody else's hand; two decisions may still be undone."""
    scene.gate.command("interaction", "main", "--window", "30", "--json")
    scene.source.hand_in(words.CARDS)
    scene.source.hand_in({"author": name, "text": text} for name, text in sayings(SOME + 2 - waiting(scene)))
    for language in LANGUAGES:
        other = scene.page("zhaoting", "review/main", language)
        other.locator("[data-card]").nth(3).wait_for()
        page = scene.page("sunwei", "review/main", language)
        page.locator("[data-card]").nth(6).wait_for()
        for _ in range(2):
            page.wait_for_timeout(500)
            page.keyboard.press("a")
        page.wait_for_timeout(500)
        page.locator("[data-card]", has_text="abc88888").click()
        plays(page)
        album.keep("review", language, shot(page))
        page.keyboard.press("d")
        page.get_by_test_id("menu").wait_for()
        album.keep("review-reject", language, shot(page))
        scene.go_home()


def crowd(scene: Scene, album: Album, cards: int) -> None:
    rest = cards - waiting(scene, approved=True)  # the queue takes so many and no more
    scene.source.hand_in({"author": name, "text": text} for name, text in sayings(rest, SOME))
    for language in LANGUAGES:
        page = scene.page("sunwei", "review/main", language, LARGE)
        page.locator("[data-card]").nth(9).wait_for()
        if page.get_by_text(words.GRAVEST[language]).count() == 0:  # the browser of the one before chose it
            page.keyboard.press("o")
            expect(page.get_by_text(words.GRAVEST[language])).to_have_count(1)
        page.wait_for_timeout(1000)
        for _ in range(3):
            page.keyboard.press("j")
        page.get_by_test_id("author").wait_for()
        plays(page)
        album.keep("review-20000", language, shot(page))
        scene.go_home()


def waiting(scene: Scene, *, approved: bool = False) -> int:
    """Return how many cards wait; `approved`: those that may still be undone, too."""
    counts = scene.api("zhoumin").get("review/main/queue", params={"limit": 1}).json()["counts"]
    return sum(counts["stages"].values()) + (counts["approved"] if approved else 0)


# ---------------------------------------------------------------- the record


def archive(scene: Scene, album: Album) -> None:
    """The evening so far, around the cut: a span is marked, and about to be held."""
    cut = next(one["at"] for one in happened(scene) if one["code"] == "cut")
    for language in LANGUAGES:
        page = scene.page("chenyu", f"archive/main?t={cut - 4}", language, LARGE)
        page.wait_for_function(SHOWN)
        page.wait_for_function(STILLS)
        page.keyboard.press("i")
        page.keyboard.press("l")
        page.wait_for_timeout(1000)
        page.keyboard.press("o")
        page.keyboard.press("h")
        page.get_by_test_id("hold-form").wait_for()
        page.wait_for_timeout(2000)
        album.keep("archive", language, shot(page))
        scene.go_home()


def happened(scene: Scene) -> list[dict[str, Any]]:
    """Return what is on record of the channel, in order of time."""
    span = {"from": time.time() - 86_400, "to": time.time() + 60}
    found = scene.api("chenyu").get("archive/main/events", params=span).json()["events"]
    return [{"code": "", **json.loads(one["record"])} for one in found]


def incidents(scene: Scene, album: Album) -> None:
    """The draft that the cut opened, with the words that complete it and what came in then."""
    cut = incident(scene)
    for language in LANGUAGES:
        page = scene.page("chenyu", f"incidents/{cut}?channel=main", language, LARGE)
        page.wait_for_function(ALL_STILLS)
        page.get_by_test_id("write-up").locator("textarea").first.fill(words.INCIDENT[language])
        page.locator("section", has=page.locator("figure")).get_by_role("button").first.click()
        page.wait_for_function(PLAYS, arg=1, timeout=30_000)
        page.wait_for_timeout(1500)
        album.keep("incidents", language, shot(page))
        scene.go_home()


def reports(scene: Scene, album: Album, made: Path) -> None:
    """The report on an incident, and the first pages of the one on the broadcast so far, as PDF."""
    cut = incident(scene)
    broadcast = scene.gate.status("main")["broadcast"]
    scene.act(
        "chenyu",
        f"incidents/main/{cut}/complete",
        category="picture",
        level="minor",
        aired="no",
        words=words.INCIDENT["zh"],
    )
    for language in LANGUAGES:
        pages: list[Image.Image] = []
        for about, most in ((broadcast, 2), (cut, 1)):
            file = made / f"{about}-{language}.pdf"
            scene.gate.command("report", about, "--out", str(file), "--lang", language)
            with pypdfium2.PdfDocument(file) as pdf:
                pages += [pdf[number].render(scale=1.1).to_pil() for number in range(min(most, len(pdf)))]
        album.keep("reports", language, side_by_side(pages))


def incident(scene: Scene) -> str:
    """Return the id of the incident that the cut opened."""
    listed = scene.gate.command("incident", "list", "--channel", "main", "--json").json["incidents"]
    return next(str(one["id"]) for one in listed if one["kind"] == "cut")


# ---------------------------------------------------------------- the other screens


def console(scene: Scene, album: Album) -> None:
    screens = {
        "audit": ("liujie", "audit?channel=main"),
        "page": ("chenyu", "live/main"),
        "channels": ("wanghong", "channels/main"),
        "destinations": ("chenyu", "destinations"),
        "people": ("wanghong", "people"),
    }
    for language in LANGUAGES:
        for name, (person, path) in screens.items():
            page = scene.page(person, path, language)
            if name == "page":
                plays(page)
                mark(scene, language)
            if name == "audit":
                proof = page.get_by_test_id("proof")
                expect(proof).to_have_attribute("data-state", "whole", timeout=30_000)
            page.wait_for_timeout(1500)
            album.keep(name, language, shot(page))
            scene.go_home()


def mark(scene: Scene, language: str) -> None:
    """Let the conveyor show a span that does not air and one that airs without its sound."""
    stranger, named = words.SPANS[language]
    scene.act("lina", "channels/main/condemn", from_s=-22, to_s=-17, reason=stranger)
    scene.act("lina", "channels/main/redact", **{"from_s": -11, "to_s": -7, "with": "mute", "reason": named})


def plays(page: Page, videos: int = 2) -> None:
    """Wait until preview and program play."""
    page.wait_for_function(PLAYS, arg=videos, timeout=30_000)
    page.wait_for_timeout(1500)


def shot(page: Page, *, see_through: bool = False) -> Image.Image:
    """Return what a page shows; `see_through`: as OBS has it, without a background."""
    data = page.screenshot(omit_background=see_through)
    return Image.open(io.BytesIO(data)).convert("RGBA" if see_through else "RGB")


if __name__ == "__main__":
    sys.exit(main())
