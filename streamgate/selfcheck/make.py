"""Makes the self-check as a file or as JSON.

As a child process it reads an order as JSON and prints: python -m streamgate.selfcheck.make
"""

import os
import resource
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from streamgate.clock import wall_s
from streamgate.errors import StreamgateError
from streamgate.reports.document import Language, Tongue
from streamgate.reports.html import to_html
from streamgate.reports.make import MEMORY, NICE, read_order
from streamgate.reports.pdf import print_pdf
from streamgate.selfcheck.document import selfcheck_document
from streamgate.selfcheck.judge import Finding, judge
from streamgate.selfcheck.observed import observe
from streamgate.store.location import Location
from streamgate.wording import both

Form = Literal["json", "html", "pdf", "docx"]
FORMS: tuple[Form, ...] = ("json", "html", "pdf", "docx")


class Order(msgspec.Struct):
    """`serving`: a gate answers for this directory. `options`: settings in force, see `observe`."""

    data_dir: str
    form: Form
    language: Language
    by: str
    serving: bool
    retention_days: int
    options: Mapping[str, float | str]
    database: Location | None = None


class Checked(msgspec.Struct):
    """`counts`: rules by how they stand."""

    at: float
    counts: Mapping[str, int]
    rules: list[Finding]


def check(order: Order) -> Checked:
    """Return the findings."""
    now = wall_s()
    seen = observe(
        Path(order.data_dir),
        order.database,
        now=now,
        serving=order.serving,
        retention_days=order.retention_days,
        options=order.options,
    )
    findings = judge(seen)
    counts = Counter(one.state for one in findings)
    return Checked(now, {state: counts[state] for state in ("met", "part", "gap", "unknown")}, findings)


def lay_out(checked: Checked, order: Order) -> bytes:
    """Return the findings in the form that is wanted. Raises MediaError: a library is missing."""
    if order.form == "json":
        return msgspec.json.encode(checked)
    made = selfcheck_document(checked.rules, Tongue(order.language), made_at=checked.at, made_by=order.by)
    if order.form == "docx":
        from streamgate.reports.docx import to_docx  # noqa: PLC0415 - PDF does not wait for it

        return to_docx(made)
    page = to_html(made)
    return page.encode() if order.form == "html" else print_pdf(page)


def main() -> int:
    """Return the exit code; the last line on standard error is JSON with the reason."""
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        order = read_order(sys.stdin.buffer.read(), Order)
        made = lay_out(check(order), order)
    except StreamgateError as error:
        sys.stderr.write(f"\n{msgspec.json.encode(both(error)).decode()}\n")
        return 1
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
