"""A report as office people know it: title, sections, facts, tables, pictures, places to sign. Pure.

What a document says is made once; `html` (for print and PDF) and `docx` lay it out.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


class Facts(NamedTuple):
    """Label and value, side by side."""

    rows: Sequence[tuple[str, str]]


class Table(NamedTuple):
    """`widths`: of the columns, in percent. `empty`: what stands there without rows."""

    heads: Sequence[str]
    widths: Sequence[int]
    rows: Sequence[Sequence[str]]
    empty: str
    left_out: str = ""


class Text(NamedTuple):
    text: str
    alarming: bool = False


class Picture(NamedTuple):
    """A JPEG; None: it cannot be had, and `caption` says which."""

    jpeg: bytes | None
    caption: str


class Pictures(NamedTuple):
    pictures: Sequence[Picture]
    none: str  # stands in the place of a picture that cannot be had


class Signatures(NamedTuple):
    places: Sequence[str]


Block = Facts | Table | Text | Pictures | Signatures


class Section(NamedTuple):
    title: str
    blocks: Sequence[Block]


class Document(NamedTuple):
    """`subtitle`: what it is about. `footer`: stands at the foot of each page, beside its number."""

    language: Language
    title: str
    subtitle: str
    sections: Sequence[Section]
    footer: str
    page: str  # "page {n} of {all}", with {n} and {all}


class Tongue:
    """Chooses one of two wordings: `say("Duration", "时长")`."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, english: str, chinese: str) -> str:
        return chinese if self.language == "zh" else english

    @property
    def page(self) -> str:
        return self("page {n} of {all}", "第 {n} 页，共 {all} 页")
