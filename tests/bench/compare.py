"""Another column beside the results: an earlier commit, measured by this code, or an earlier result."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
Key = tuple[str, str, int]
Values = dict[Key, str]
"""Values of a table by `keys`."""
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_SAMPLE = re.compile(r"(?<=p99 of )[\d,]+(?: \| [\d,]+)?")


class NoBaseError(Exception):
    """There is nothing to compare with: no such file or commit, or today's bench cannot measure it."""


def values_of(base: str, arguments: Sequence[str]) -> Values:
    """Return the values of `base`.

    `base`: a file that an earlier run wrote (`--json`), or a commit, which is checked out aside and measured
    with `arguments`: its product, today's measuring code and page, and the packages that are installed now.

    Raises:
        NoBaseError: there is none of that name, or it cannot be measured.
    """
    if Path(base).is_file():
        return _read(Path(base))
    found = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "--verify", "--quiet", f"{base}^{{commit}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode:
        raise NoBaseError(f"{base}: neither a result file nor a commit; give either")
    return _measure(found.stdout.strip(), arguments)


def keys(rows: Sequence[Sequence[object]]) -> list[Key]:
    """Return what names a row in every run: the row it is indented under, its name, its place among equals.

    Sizes of samples in names do not count: they differ from run to run.
    """
    made: list[Key] = []
    seen: Counter[tuple[str, str]] = Counter()
    heading = ""
    for name, *_ in rows:
        plain = _SAMPLE.sub("", str(name))
        if not plain.startswith(" "):
            heading = plain
        made.append((heading, plain, seen[heading, plain]))
        seen[heading, plain] += 1
    return made


def ratio(value: str, before: str) -> str:
    """Return by how much the numbers of a value differ from those before, as "1.20 x" or "1.20, 0.90 x".

    It is "" where either has no numbers, or they have not as many; "-" stands for a number beside 0.
    """
    now, then = _numbers(value), _numbers(before)
    if not now or len(now) != len(then):
        return ""
    return ", ".join(f"{a / b:.2f}" if b else "-" for a, b in zip(now, then, strict=True)) + " x"


def _measure(commit: str, arguments: Sequence[str]) -> Values:
    tree = ROOT / ".bench" / "base" / commit[:12]
    result = tree.with_suffix(".json")
    git = ["git", "-C", ROOT, "worktree"]
    if tree.exists():
        subprocess.run([*git, "remove", "--force", tree], check=True)
    subprocess.run([*git, "add", "--quiet", "--detach", tree, commit], check=True)
    try:
        if (ROOT / "console/static").is_dir():  # the page is built, not committed
            shutil.copytree(ROOT / "console/static", tree / "console/static", dirs_exist_ok=True)
        print(f"measuring {commit[:12]} ...", flush=True)
        # the product comes first from the tree, whatever is installed; all else is today's
        path = [tree, ROOT / "tests", ROOT / "tests/fakes"]
        done = subprocess.run(
            [sys.executable, "-m", "bench", *arguments, "--json", result],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
            check=False,
        )
        if done.returncode:
            raise NoBaseError(
                f"{commit[:12]}: today's bench ended with code {done.returncode} on it (see above); "
                "name parts that both have, or an earlier result file"
            )
    finally:
        subprocess.run([*git, "remove", "--force", tree], check=True)
    return _read(result)


def _read(path: Path) -> Values:
    rows: list[list[str]] = json.loads(path.read_text()).get("rows", [])
    return {key: row[1] for key, row in zip(keys(rows), rows, strict=True)}


def _numbers(value: str) -> list[float]:
    return [float(found.replace(",", "")) for found in _NUMBER.findall(value)]
