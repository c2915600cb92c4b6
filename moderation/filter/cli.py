"""`streamgate filter`: the keyword filter from the command line. Needs no running gate."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from moderation.errors import InputError
from moderation.filter.encoding import Lines
from moderation.filter.lines import JsonLines, as_text, batches, judged, writable, write

if TYPE_CHECKING:
    from moderation.filter.filter import Filter
    from moderation.lexicon import Entry, WordList
    from moderation.lists.findings import Finding
    from moderation.lists.importer import Imported
    from moderation.lists.versions import Diff

filter_app = typer.Typer(rich_markup_mode=None)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_NUMBERS = {"ignore_unknown_options": True}
"""So that -1 is a number that is refused, and no option."""
_Lists = Annotated[Path, typer.Option("--lists", metavar="DIR", help="Directory of lists.")]


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
    """Check every line of standard input and print its verdict, and under a hit two lines that say why.

    Lines are UTF-8, UTF-16 or GB 18030. One that cannot be read is named and held for full review. With
    --json one object a line.
    """
    if sys.stdin is None:
        raise InputError("standard input is closed; give the texts there, one a line")
    made = _filter(terms, lists)
    shown = JsonLines() if json else None
    lines = Lines()
    notices = _Notices()
    for read, doubtful in batches(sys.stdin.fileno(), lines):
        texts, results, held = judged(made, read, doubtful)
        notices.print(lines, held, len(texts))
        if shown is not None:
            write(shown.of(texts, results))
        else:
            write("".join(map(as_text, texts, results)).encode())
    notices.end()


@filter_app.command()
def lint(
    files: Annotated[list[Path], typer.Argument(metavar="LIST", help="Lists to look at.")],
    *,
    corpus: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Approved texts, one a line, in which nothing may hit."),
    ] = None,
    json: _Json = False,
) -> None:
    """Say what is wrong with lists. Exit code 1 when something must be fixed."""
    from moderation.filter.lint import lint_files
    from moderation.lists.findings import must_fix

    findings = lint_files(files, corpus)
    _print_all(msgspec.json.encode(one._asdict()).decode() if json else str(one) for one in findings)
    if must_fix(findings):
        raise typer.Exit(1)


@filter_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .csv, .txt or .xlsx file.")],
    *,
    category: Annotated[str, typer.Option(metavar="NAME", help="Category of the new list.")],
    to: Annotated[Path, typer.Option(metavar="DIR", help="Directory of lists.")],
    sheet: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The one sheet to read. [default: all that have headings]"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Leave out the rows that must be fixed and install the others.")
    ] = False,
    json: _Json = False,
) -> None:
    """Make a list out of a table or of plain lines, lint it and enter it in the manifest.

    Exit code 1, and nothing is installed, when something must be fixed.
    """
    from moderation.filter.lint import lint as look_over
    from moderation.lists.importer import UnfitError, import_list

    try:
        done = import_list(file, category=category, to=to, lint=look_over, sheet=sheet, force=force)
    except UnfitError as error:
        if json:
            _print_json({"list": category, "version": None, "terms": 0, **_findings(error.findings)})
        else:
            _print_all(error.findings)
        raise InputError(
            f"{file.name}: nothing was imported; mend the rows marked fix, or leave them out with --force"
        ) from error
    if json:
        _print_json(
            {
                "list": done.list.name,
                "version": done.list.version,
                "terms": len(done.list.entries),
                "repeated": done.repeated,
                **_findings(done.findings),
                "left_out": done.left_out,
                "notes": done.notes,
            }
        )
        return
    _print_all(done.findings)
    _print_all(done.notes)
    _print_all(f"left out: {one}" for one in done.left_out)
    _print(f"{done.list.name}: version {done.list.version}, {_terms(done)}")
    if done.diff:
        _print(str(done.diff))


@filter_app.command()
def history(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="LIST", help="Lists to tell of; by default all.")
    ] = None,
    *,
    lists: _Lists,
    json: _Json = False,
) -> None:
    """Tell which versions of lists are kept, and which one counts."""
    from moderation.lists import versions

    there = names or versions.names(lists)
    if not there:
        raise InputError(
            f"{lists}: has no list, nor a history of one; give a directory of lists, or make one with import"
        )
    for name in there:
        kept = versions.history(lists, name)
        now = next((one.number for one in kept if one.counts), None)
        if json:
            rows = [
                {"version": one.number, "saved": one.saved.isoformat(timespec="seconds"), "terms": one.terms}
                for one in kept
            ]
            _print_json({"list": name, "now": now, "versions": rows})
            continue
        _print(f"{name}:" if now else f"{name}: what counts now is no version that is kept")
        for one in kept:
            saved = one.saved.astimezone().strftime("%Y-%m-%d %H:%M")
            terms = "cannot be read" if one.terms is None else f"{one.terms} terms"
            _print(f"  {one.number:>4}  {saved}  {terms}{'  counts now' if one.counts else ''}")


@filter_app.command(context_settings=_NUMBERS)
def diff(
    name: Annotated[str, typer.Argument(metavar="LIST", help="Name of the list, without .txt.")],
    before: Annotated[
        int | None, typer.Argument(metavar="BEFORE", help="A version; by default the last that differs.")
    ] = None,
    after: Annotated[
        int | None, typer.Argument(metavar="AFTER", help="A version; by default what counts now.")
    ] = None,
    *,
    lists: _Lists,
    json: _Json = False,
) -> None:
    """Say what sets two versions of a list apart: - went, + came, ~ changed."""
    from moderation.lists import versions

    new = versions.now(lists, name) if after is None else versions.load_version(lists, name, after)
    if before is None:
        kept = [one.number for one in versions.history(lists, name) if not one.counts]
        if not kept:
            raise InputError(f"{name}: no other version is kept, so there is nothing to compare")
        before = kept[-1]
    difference = versions.diff(versions.load_version(lists, name, before), new)
    if json:
        _print_json({"list": name, "before": before, "after": after, **_differences(difference)})
        return
    _print(str(difference) or "no difference")


@filter_app.command(context_settings=_NUMBERS)
def rollback(
    name: Annotated[str, typer.Argument(metavar="LIST", help="Name of the list, without .txt.")],
    version: Annotated[
        int, typer.Argument(metavar="VERSION", help="The one whose words are to count again.")
    ],
    *,
    lists: _Lists,
    json: _Json = False,
) -> None:
    """Make an earlier version of a list count again, as a new version; what counted until now is kept."""
    from moderation.lists import versions

    file = lists / f"{name}.txt"
    wanted = versions.load_version(lists, name, version)
    had = (
        versions.now(lists, name) if file.exists() else msgspec.structs.replace(wanted, entries=(), allows=())
    )
    back = versions.roll_back(lists, name, version)
    difference = versions.diff(had, back)
    if json:
        _print_json({"list": name, "from": version, "version": back.version, **_differences(difference)})
        return
    _print(f"{name}: version {back.version} says what version {version} said, {len(back.entries)} terms")
    if difference:
        _print(str(difference))


@filter_app.command()
def bench(
    *,
    terms: Annotated[int, typer.Option(metavar="N", min=100, help="Made-up terms.")] = 100_000,
    comments: Annotated[int, typer.Option(metavar="N", min=1000, help="Made-up comments.")] = 50_000,
    json: _Json = False,
) -> None:
    """Measure comments per second, build time and memory of every matching engine here, on one core."""
    from moderation.filter import matcher, speed

    words = speed.make_terms(terms)
    texts = speed.make_comments(comments, words, ORDINARY)
    rows = [speed.measure_apart(engine, words, texts, ORDINARY) for engine in matcher.available()]
    if json:
        _print_json({"engines": rows})
        return
    _print(speed.table(rows))


MAX_HELD = 20
"""Lines held that are named one by one; the rest are counted."""


class _Notices:
    """Notices about standard input, printed to standard error."""

    def __init__(self) -> None:
        self._before = self._held = 0

    def print(self, lines: Lines, held: dict[int, str], count: int) -> None:
        """Print those of `count` more lines. `held`: place among them -> why."""
        for note in lines.notes:
            typer.echo(f"streamgate: standard input {note}", err=True)
        lines.notes.clear()
        for at in sorted(held):
            self._held += 1
            if self._held <= MAX_HELD:
                typer.echo(
                    f"streamgate: standard input, line {self._before + at + 1}: {held[at]}, so it is held "
                    "for full review; allowed are UTF-8, UTF-16 and GB 18030, so give it as UTF-8",
                    err=True,
                )
        self._before += count

    def end(self) -> None:
        if (more := self._held - MAX_HELD) > 0:
            typer.echo(f"streamgate: standard input: {more} more lines were held for full review", err=True)


ORDINARY = 0.03
"""Share of comments that hold a term."""


def _filter(terms: Path | None, lists: Path | None) -> "Filter":
    from moderation.filter.filter import Filter
    from moderation.lists.files import load_dir, load_terms

    if terms is not None and lists is not None:
        raise InputError("--terms and --lists exclude each other; give one of them")
    if terms is not None:
        read = load_terms(terms)
        _check_terms(terms, read)
        return Filter([read])
    where = lists or installed()
    read_all = load_dir(where)
    if not any(one.entries for one in read_all):
        raise InputError(
            f"{where}: its lists have no terms, so every text would pass; add one, or give --terms"
        )
    return Filter(read_all)


def _check_terms(file: Path, read: "WordList") -> None:
    """Say which terms can never be found, and refuse if none can."""
    from moderation.text.fold import Folded

    odd = [entry.term for entry in read.entries if not any(map(str.isalnum, entry.term))]
    empty = [term for term in odd if not Folded([term]).text]
    if not empty:
        return
    terms_shown = ", ".join(map(repr, empty[:4])) + (", ..." if len(empty) > 4 else "")
    if len(empty) == len(read.entries):
        raise InputError(
            f"{file}: none of its terms can ever be found: of {terms_shown} nothing is left when folded"
        )
    typer.echo(f"streamgate: {file}: {terms_shown} can never be found: nothing is left when folded", err=True)


def installed() -> Path:
    """The lists that came with the program."""
    import wordlists

    return Path(next(iter(wordlists.__path__)))


def _findings(findings: Iterable["Finding"]) -> dict[str, Any]:
    return {"findings": [finding._asdict() for finding in findings]}


def _terms(done: "Imported") -> str:
    return f"{len(done.list.entries)} terms" + (f", {done.repeated} rows joined" if done.repeated else "")


def _differences(difference: "Diff") -> dict[str, Any]:
    return {
        "added": [_shown(entry) for entry in difference.added],
        "removed": [_shown(entry) for entry in difference.removed],
        "changed": [{"before": _shown(one.before), "after": _shown(one.after)} for one in difference.changed],
        "allowed": difference.allowed,
        "disallowed": difference.disallowed,
        "head": difference.head,
    }


def _shown(entry: "Entry") -> dict[str, Any]:
    return {
        "term": entry.term,
        "severity": entry.severity.word,
        "aliases": entry.aliases,
        "channels": sorted(entry.channels),
        "expires": entry.expires,
        "tags": entry.tags,
        "note": entry.note,
    }


def _print_all(lines: Iterable[object]) -> None:
    if text := "".join(f"{line}\n" for line in lines):
        write(writable(text).encode())


def _print(text: str) -> None:
    _print_all([text])


def _print_json(value: object) -> None:
    write(msgspec.json.encode(value) + b"\n")
