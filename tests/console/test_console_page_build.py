"""The build hook: when it builds the page, and what it says when it cannot. Real Node, no network."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

HOOK = Path(__file__).parents[2] / "console" / "web" / "hatch_build.py"
BUILD = """
import { mkdirSync, writeFileSync, readFileSync, rmSync } from "node:fs";
rmSync("../static", { recursive: true, force: true });
mkdirSync("../static");
writeFileSync("../static/index.html", readFileSync("src/page.txt"));
"""


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", HOOK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def web(tmp_path: Path, hook: ModuleType) -> Path:
    web = tmp_path / "web"
    (web / "src").mkdir(parents=True)
    (web / "public").mkdir()
    for name in hook.INPUT_FILES:
        (web / name).write_text("")
    package = {"name": "page", "version": "1.0.0", "scripts": {"build": "node build.mjs"}}
    lock = {"name": "page", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": package}}
    (web / "package.json").write_text(json.dumps(package))
    (web / "package-lock.json").write_text(json.dumps(lock))
    (web / "build.mjs").write_text(BUILD)
    (web / "src" / "page.txt").write_text("one")
    (web / "node_modules").mkdir()
    return web


def test_builds_only_when_the_sources_changed(hook: ModuleType, web: Path) -> None:
    static = web.parent / "static"
    assert hook.build_page(web, static)
    assert (static / "index.html").read_text() == "one"
    assert not hook.build_page(web, static)
    (web / "src" / "page.txt").write_text("two")
    assert hook.build_page(web, static)
    assert (static / "index.html").read_text() == "two"


def test_a_missing_output_is_built_again(hook: ModuleType, web: Path) -> None:
    static = web.parent / "static"
    hook.build_page(web, static)
    (static / "index.html").unlink()
    assert hook.build_page(web, static)


def test_a_failed_build_tells_npms_last_words_and_is_tried_again(hook: ModuleType, web: Path) -> None:
    static = web.parent / "static"
    hook.build_page(web, static)
    (web / "src" / "page.txt").write_text("two")
    (web / "build.mjs").write_text(f"{BUILD}\nconsole.error('the roof is leaking'); process.exit(3);")
    with pytest.raises(hook.PageBuildError, match=r"`npm run build` in .* ended with code 3") as failure:
        hook.build_page(web, static)
    assert "the roof is leaking" in str(failure.value)
    (web / "build.mjs").write_text(BUILD)
    assert hook.build_page(web, static)


def test_a_lock_file_that_does_not_fit_is_an_error(hook: ModuleType, web: Path) -> None:
    (web / "package-lock.json").write_text("{")
    with pytest.raises(hook.PageBuildError, match="npm ci"):
        hook.build_page(web, web.parent / "static")


def test_the_stamp_depends_on_names_and_contents_alone(hook: ModuleType, web: Path) -> None:
    files = list(hook.input_files(web))
    before = hook.stamp_of(files, web)
    assert before == hook.stamp_of(files[::-1], web)
    (web / "src" / "page.txt").rename(web / "src" / "other.txt")
    assert before != hook.stamp_of(list(hook.input_files(web)), web)


def test_the_lock_file_holds_no_address() -> None:
    lock = (HOOK.parent / "package-lock.json").read_text()
    assert "://" not in lock  # a package may be named https-proxy-agent
    assert "resolved" not in lock
