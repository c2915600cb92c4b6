"""`streamgate report`: a broadcast or an incident as an office document, with serve running or not."""

from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from streamgate.cli_record import decided
from streamgate.cli_store import locate_database, print_answer
from streamgate.errors import ArchiveError, Refused
from streamgate.runtime.actor import cli_actor
from streamgate.runtime.datadir import DataDir


class _Lang(StrEnum):
    ZH = "zh"
    EN = "en"


def report(
    ctx: typer.Context,
    about: Annotated[
        str, typer.Argument(metavar="BROADCAST", help="As in: main-20260928T120000Z; or an incident's id.")
    ],
    *,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="FILE.pdf, FILE.docx or FILE.html, not there yet.")
    ],
    lang: Annotated[_Lang, typer.Option("--lang", help="Its language.")] = _Lang.ZH,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="A data directory or a copy of one; this one if left out."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write the report on a broadcast or an incident: certificate, people, actions, comments, recording."""
    places: DataDir = ctx.obj
    if data is not None:
        digest, size = _write(data, about, out, lang)
    else:
        with decided(
            places, "report.make", about=about, out=str(out.absolute()), lang=lang.value
        ) as deciding:
            digest, size = _write(places.root, about, out, lang, places)
            deciding.args["sha256"] = digest
    answer = {"file": str(out.absolute()), "bytes": size, "sha256": digest}
    print_answer(json, answer, f"{out}: {size} bytes, SHA-256 {digest}")


def selfcheck(
    ctx: typer.Context,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="FILE.pdf, FILE.docx or FILE.html.")
    ] = None,
    lang: Annotated[_Lang, typer.Option("--lang", help="Its language.")] = _Lang.ZH,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="A data directory or a copy of one; this one if left out."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check each rule R1 to R28 against this system: met, in part, a gap, or not visible from here."""
    from streamgate.config import load
    from streamgate.selfcheck.make import FORMS, Order, check, lay_out
    from streamgate.store.location import locate

    places: DataDir = ctx.obj
    root = data or places.root
    settings = load(places.root)
    suffix = out.suffix.removeprefix(".").lower() if out is not None else "json"
    form = next((one for one in FORMS if one == suffix), None)
    if form is None or (out is not None and (form == "json" or out.exists())):
        raise Refused(f"--out {out}: its name must end with .pdf, .docx or .html, and it must not be there")
    order = Order(
        data_dir=str(root),
        form=form,
        language=lang.value,
        by=cli_actor().partition(":")[2],
        serving=data is None and places.serving() is not None,
        retention_days=settings.retention_days,
        options={
            "idle_logout_min": settings.idle_logout_min,
            "password_max_age_days": settings.password_max_age_days,
            "approval": settings.approval,
        },
        database=locate_database(places) if data is None else locate("sqlite", root),
    )
    if out is None or data is not None:
        found = check(order)
        if out is not None:
            _store_new(out, lay_out(found, order))
    else:
        with decided(places, "selfcheck.make", out=str(out.absolute()), lang=lang.value) as deciding:
            found = check(order)
            made = lay_out(found, order)
            _store_new(out, made)
            deciding.args["sha256"] = sha256(made).hexdigest()
    zh = lang is _Lang.ZH
    lines = []
    for one in found.rules:
        said = (one.title_zh, one.evidence_zh, one.gap_zh) if zh else (one.title, one.evidence, one.gap)
        lines.append(f"{one.rule:4}{one.state:8} {said[0]}: {said[1]}{f' [{said[2]}]' if said[2] else ''}")
    print_answer(json, msgspec.to_builtins(found), "\n".join(lines))


def _write(root: Path, about: str, out: Path, lang: _Lang, places: DataDir | None = None) -> tuple[str, int]:
    from streamgate.incidents.book import Book
    from streamgate.reports.make import FORMS, Order, make
    from streamgate.store.location import locate

    form = out.suffix.removeprefix(".").lower()
    if form not in FORMS:
        raise Refused(f"--out {out}: its name must end with .pdf, .docx or .html")
    if out.exists():
        raise Refused(f"{out} is there already; choose another file")
    order = Order(
        data_dir=str(root),
        about="incident" if about in Book(root).read() else "broadcast",
        id=about,
        form=next(one for one in FORMS if one == form),
        language=lang.value,
        by=cli_actor().partition(":")[2],
        database=locate_database(places) if places is not None else locate("sqlite", root),
    )
    made = make(order)
    _store_new(out, made)
    return sha256(made).hexdigest(), len(made)


def _store_new(out: Path, made: bytes) -> None:
    try:
        with out.open("xb") as file:
            file.write(made)
    except OSError as error:
        raise ArchiveError(f"{out} cannot be written ({error.strerror})") from error
