"""`streamgate filter`: the keyword filter from the command line. Needs no running gate."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from streamgate.errors import ConfigError

if TYPE_CHECKING:
    from moderation.filter import Filter
    from moderation.result import Result

filter_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Check texts against word lists; lint and import lists."
)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AT_ONCE = 1024
"""Lines read before they are checked, where they come from a file; from a terminal each one is answered
at once."""


@filter_app.command()
def check(
    *,
    terms: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="One term a line, used instead of the installed lists."),
    ] = None,
    lists: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Directory of lists with a manifest.json.")
    ] = None,
    json: _Json = False,
) -> None:
    """Check every line of standard input and print one verdict a line."""
    made = _filter(terms, lists)
    for texts in _lines():
        for text, result in zip(texts, made.check_many(texts), strict=True):
            _print(_as_json(text, result) if json else _as_text(text, result))
        sys.stdout.flush()


@filter_app.command()
def lint(
    files: Annotated[list[Path], typer.Argument(metavar="LIST...", help="Lists to look at.")],
    *,
    corpus: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Approved texts, one a line, in which nothing may hit."),
    ] = None,
    json: _Json = False,
) -> None:
    """Say what is wrong with lists. Exit code 1 when something must be fixed."""
    from moderation.lint import lint_files, must_fix

    findings = lint_files(files, corpus)
    for finding in findings:
        _print(msgspec.json.encode(finding._asdict()).decode() if json else str(finding))
    if must_fix(findings):
        raise typer.Exit(1)


@filter_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .csv, .txt or .xlsx file.")],
    *,
    category: Annotated[str, typer.Option(metavar="NAME", help="Category of the new list.")],
    to: Annotated[Path, typer.Option(metavar="DIR", help="Directory of lists.")],
    json: _Json = False,
) -> None:
    """Make a list out of a table or of plain lines, lint it and enter it in the manifest."""
    from moderation.importer import import_list

    done = import_list(file, category=category, to=to)
    if json:
        told = {
            "list": done.list.name,
            "version": done.list.version,
            "terms": len(done.list.entries),
            "repeated": done.repeated,
            "findings": [finding._asdict() for finding in done.findings],
        }
        _print(msgspec.json.encode(told).decode())
        return
    for finding in done.findings:
        _print(str(finding))
    _print(f"{done.list.name}: version {done.list.version}, {len(done.list.entries)} terms")
    if done.diff:
        _print(str(done.diff))


@filter_app.command()
def bench(
    *,
    terms: Annotated[int, typer.Option(metavar="N", min=100, help="Made-up terms.")] = 100_000,
    comments: Annotated[int, typer.Option(metavar="N", min=1000, help="Made-up comments.")] = 50_000,
    json: _Json = False,
) -> None:
    """Measure comments per second, build time and memory of every matching engine here, on one core."""
    from moderation import matcher, speed

    words = speed.make_terms(terms)
    texts = speed.make_comments(comments, words, ORDINARY)
    rows = [speed.measure_apart(engine, words, texts, ORDINARY) for engine in matcher.available()]
    if json:
        _print(msgspec.json.encode({"engines": rows}).decode())
        return
    _print(speed.table(rows))


ORDINARY = 0.03
"""Share of comments that hold a term."""


def _filter(terms: Path | None, lists: Path | None) -> "Filter":
    from moderation.filter import Filter
    from moderation.lists import load_dir, load_terms

    if terms is not None and lists is not None:
        raise ConfigError("--terms and --lists exclude each other; give one of them")
    if terms is not None:
        return Filter([load_terms(terms)])
    return Filter(load_dir(lists or installed()))


def installed() -> Path:
    """The lists that came with the program."""
    import wordlists

    return Path(next(iter(wordlists.__path__)))


def _lines() -> Iterator[list[str]]:
    """Lines of standard input. What is no UTF-8 is kept as lone surrogates: the filter has to see it too."""
    at_once = 1 if sys.stdin.isatty() else AT_ONCE
    batch: list[str] = []
    for line in sys.stdin.buffer:
        batch.append(line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "surrogateescape"))
        if len(batch) >= at_once:
            yield batch
            batch = []
    if batch:
        yield batch


def _as_json(text: str, result: "Result") -> str:
    """One line. Lone surrogates are written as U+FFFD; positions stay right."""
    severity = result.severity
    shown = {
        "text": _writable(text),
        "verdict": result.verdict.word,
        "severity": severity.word if severity is not None else None,
        "stages": result.stages,
        "masked": _writable(result.masked if result.masked is not None else text),
        "reason": {"zh": result.reason_zh, "en": result.reason_en},
        "hits": [
            {
                "term": hit.term,
                "list": hit.list,
                "category": hit.category,
                "severity": hit.severity.word,
                "channel": hit.channel.value,
                "start": hit.start,
                "end": hit.end,
            }
            for hit in result.hits
        ],
        "version": result.version,
    }
    return msgspec.json.encode(shown).decode()


def _as_text(text: str, result: "Result") -> str:
    return f"{result.verdict.word:<10}{_writable(result.masked or text)}" + (
        f"\n          {result.reason_zh}\n          {result.reason_en}" if result.hits else ""
    )


_SURROGATE = re.compile("[\ud800-\udfff]")


def _writable(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text)


def _print(text: str) -> None:
    sys.stdout.buffer.write(text.encode() + b"\n")
