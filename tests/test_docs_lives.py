"""The page that newcomers read first names functions that exist, and its diagrams say what its tables say."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/developers/lives.md"
LINK = re.compile(r"\[`([\w.]+)`\]\((\.\./[\w./-]+\.py)\)")
HOP = re.compile(r"^\| (\d+) \| \[`[\w.]+`\]\((\S+?)\) \|", re.MULTILINE)
DRAWN = re.compile(r"(\d+) ([\w/]+\.py)")


def names_in(source: str) -> set[str]:
    """Return the qualified names of what a module defines at its top and in its classes."""
    found: set[str] = set()
    for node in ast.parse(source).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.ClassDef(name=name, body=body):
                found.add(name)
                found |= {
                    f"{name}.{one.name}"
                    for one in body
                    if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
                }
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                found.add(name)
    return found


def lives() -> list[str]:
    """Return the two chapters that follow something from hop to hop."""
    chapters = PAGE.read_text().split("\n## ")
    return [chapter for chapter in chapters if HOP.search(chapter)]


def test_every_function_that_the_page_names_exists() -> None:
    links = LINK.findall(PAGE.read_text())
    assert len(links) > 40
    missing = [
        f"{name} in {path}"
        for name, path in links
        if not (file := (PAGE.parent / path).resolve()).is_file() or name not in names_in(file.read_text())
    ]
    assert not missing


@pytest.mark.parametrize("life", lives(), ids=lambda life: life.partition("\n")[0])
def test_the_diagram_shows_the_hops_of_the_table(life: str) -> None:
    hops = {int(number): path for number, path in HOP.findall(life)}
    drawn = {int(number): path for number, path in DRAWN.findall(life.partition("\n| hop")[0])}
    assert list(hops) == list(range(1, len(hops) + 1))
    assert drawn.keys() == hops.keys()
    assert all(hops[number].endswith(f"/{path}") for number, path in drawn.items())
