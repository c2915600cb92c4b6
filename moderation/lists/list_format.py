"""The text format of word lists and its reader. The format's description: wordlists/README.md.

A list is refused whole, with every problem in it named.

The signs of the format may be typed full-width, as a Chinese keyboard gives them: ！ ＃ ＠ ｜ ＝, and between
names ， 、 ； too. In a term they would mean nothing, for the fold takes them away.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from moderation.errors import InputError
from moderation.lexicon import (
    CHOOSABLE,
    DEFAULT_CHANNELS,
    MAX_TERM,
    SEVERITIES,
    Allow,
    Channel,
    Entry,
    Severity,
    WordList,
)


class Problem(NamedTuple):
    """One thing wrong. `line`: from 1; 0 if it is about the file."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}" if self.line else f"{self.file}: {self.reason}"


class ListError(InputError):
    """A list, or a directory of lists, that is refused. `problems` has all that is wrong, in order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))

    @classmethod
    def one(cls, file: str, reason: str, line: int = 0) -> "ListError":
        """For a single thing wrong."""
        return cls([Problem(file, line, reason)])


_DIRECTIVES = {"category", "title-en", "title-zh", "version", "licence", "severity", "alias"}
_OPTION = re.compile(r"""([a-zａ-ｚ]+)[=＝]("(?:[^"\\]|\\.)*"|[“”](?:[^“”\\]|\\.)*[“”]|[^\s"“”]+)(?:\s+|$)""")
_FIELDS = "|｜"
_EQUALS = "=＝"
_COMMAS = ",，、；"
_ESCAPE = re.compile(rf"\\([\\{_FIELDS}{_EQUALS}{_COMMAS}#＃@＠!！])")
_FORMATTED = re.compile(r".*\S\s*[|｜]")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class _Reader:
    """Reads one list line by line and gathers what is wrong."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.header: dict[str, str] = {}
        self.severity: Severity | None = None
        self.entries: dict[str, Entry] = {}
        self.allows: dict[str, Allow] = {}
        self.substitutes: list[tuple[str, tuple[str, ...]]] = []

    def read(self, text: str) -> None:
        if "\n" not in text:
            text = text.replace("\r", "\n")  # line ends of the classic Mac
        for number, raw in enumerate(text.split("\n"), 1):
            line = raw.strip().removeprefix("\ufeff")
            if not line or line[0] in "#＃":
                continue
            try:
                if line[0] in "@＠":
                    self._directive(line[1:])
                elif line[0] in "!！":
                    self._allow(line[1:].strip(), number)
                else:
                    self._entry(line, number)
            except ValueError as error:
                self.problems.append(Problem(self.file, number, str(error)))
        if "category" not in self.header:
            self.problems.append(Problem(self.file, 0, "has no @category line"))

    def _directive(self, line: str) -> None:
        key, *rest = line.split(None, 1) or [""]
        key, value = _plain(key), "".join(rest).strip()
        if key not in _DIRECTIVES:
            raise ValueError(f"@{key} is not known; known are: {', '.join(sorted(_DIRECTIVES))}")
        if not value:
            raise ValueError(f"@{key} has no value")
        if self.entries and key != "alias":
            raise ValueError(f"@{key} must stand above the first term")
        if key == "alias":
            part, *others = _split(value, _EQUALS, most=1)
            names = _names("".join(others), "@alias")
            if not part.strip() or not names:
                raise ValueError("an alias for parts of terms is written: @alias 微信 = 薇信,威信")
            self.substitutes.append((_term(part, "the part"), names))
            return
        if key in self.header:
            raise ValueError(f"@{key} stands here twice")
        if key == "category" and not _NAME.fullmatch(value := _plain(value)):
            raise ValueError(f"@category is {value!r}; allowed are small letters, digits and -")
        if key == "severity":
            self.severity = _severity(value)
        self.header[key] = value

    def _allow(self, line: str, number: int) -> None:
        phrase = _term(line, "the allow-phrase")
        if (first := self.allows.get(phrase)) is not None:
            raise ValueError(f"allow-phrase {phrase!r} stands already in line {first.line}")
        self.allows[phrase] = Allow(phrase, number)

    def _entry(self, line: str, number: int) -> None:
        fields = [field.strip() for field in _split(line, _FIELDS)]
        if len(fields) > 3:
            raise ValueError(r"has more than term | severity | options; a | inside a term is written \|")
        term = _term(fields[0], "the term")
        given = fields[1] if len(fields) > 1 else ""
        severity = _severity(given) if given else self.severity
        if severity is None:
            raise ValueError(f"term {term!r} has no severity, and the list has no @severity line above it")
        if (first := self.entries.get(term)) is not None:
            raise ValueError(f"term {term!r} stands already in line {first.line}")
        options = _options(fields[2] if len(fields) > 2 else "")
        self.entries[term] = Entry(
            term=term,
            severity=severity,
            line=number,
            aliases=_names(options.get("alias", ""), "alias"),
            channels=_channels(options.get("channels", "")),
            expires=_day(options["expires"]) if "expires" in options else None,
            tags=_names(options.get("tags", ""), "tags"),
            note=options.get("note", ""),
        )


def parse_list(text: str, name: str) -> WordList:
    """Read a list. `name`: the file's name, for messages; without `.txt` it is the list's name.

    Raises:
        ListError: with every problem of the list.
    """
    reader = _Reader(name)
    reader.read(text)
    if reader.problems:
        raise ListError(reader.problems)
    header = reader.header
    return WordList(
        name=name.removesuffix(".txt"),
        category=header["category"],
        title_en=header.get("title-en", ""),
        title_zh=header.get("title-zh", ""),
        version=header.get("version", ""),
        licence=header.get("licence", ""),
        entries=tuple(reader.entries.values()),
        allows=tuple(reader.allows.values()),
        substitutes=tuple(reader.substitutes),
    )


def plain_list(lines: Iterable[str], name: str, severity: Severity = Severity.SENSITIVE) -> WordList:
    """A list out of bare terms, one a line: no syntax, empty and repeated lines are passed over."""
    terms: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if term := line.strip().removeprefix("\ufeff").strip():
            terms.setdefault(term, number)
    if too_long := [
        Problem(
            name,
            number,
            f"term {term[:20] + '...'!r} has {len(term)} characters; allowed are {MAX_TERM}, so write the "
            "words that are meant",
        )
        for term, number in terms.items()
        if len(term) > MAX_TERM
    ]:
        raise ListError(too_long)
    return WordList(
        name=name.removesuffix(".txt"),
        category="terms",
        entries=tuple(Entry(term=term, severity=severity) for term in terms),
    )


def is_formatted(line: str) -> bool:
    """Whether a line has the syntax of the format, unlike bare terms: `# note`, `词 | block`, `! 短语`."""
    if len(line) < 2:
        return False
    if line[0] in "#＃":
        return line[1].isspace()
    if line[0] in "@＠":
        return _plain(line[1:].partition(" ")[0]) in _DIRECTIVES
    return line[0] in "!！" or bool(_FORMATTED.match(line))


def _term(text: str, what: str) -> str:
    term = _ESCAPE.sub(r"\1", text.strip())
    if not term:
        raise ValueError(f"{what} is empty")
    if len(term) > MAX_TERM:
        raise ValueError(f"{what} has {len(term)} characters; allowed are {MAX_TERM}")
    return term


def _plain(word: str) -> str:
    """A word of the format as it is meant, where it was typed full-width."""
    return unicodedata.normalize("NFKC", word)


def _split(text: str, signs: str, most: int = -1) -> list[str]:
    """Cut at each of the signs that has no backslash before it. `most`: cuts; -1 is all."""
    parts: list[str] = []
    begin = at = 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] in signs and most != len(parts):
            parts.append(text[begin:at])
            begin = at + 1
        at += 1
    return [*parts, text[begin:]]


def _severity(word: str) -> Severity:
    found = SEVERITIES.get(_plain(word))
    if found is None:
        raise ValueError(f"severity is {word!r}; allowed are {', '.join(SEVERITIES)}")
    return found


def _options(text: str) -> dict[str, str]:
    options: dict[str, str] = {}
    at = 0
    while at < len(text):
        found = _OPTION.match(text, at)
        if found is None:
            raise ValueError(f"options are written key=value, with spaces between; not: {text[at:]!r}")
        key, value = _plain(found[1]), found[2]
        if key not in ("alias", "channels", "expires", "tags", "note"):
            raise ValueError(f"option {key!r} is not known; known are alias, channels, expires, tags, note")
        if key in options:
            raise ValueError(f"option {key!r} stands here twice")
        options[key] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value[0] in '"“”' else value
        at = found.end()
    return options


def _names(text: str, what: str) -> tuple[str, ...]:
    if not text.strip():
        return ()
    return tuple(dict.fromkeys(_term(one, f"one of {what}") for one in _split(text, _COMMAS)))


def _channels(text: str) -> frozenset[Channel]:
    chosen = set(DEFAULT_CHANNELS)
    for word in _plain(text).replace("、", ",").split(",") if text else ():
        sign, name = word[:1], word[1:]
        if sign not in ("+", "-") or name not in {one.value for one in CHOOSABLE}:
            allowed = ", ".join(sorted(CHOOSABLE))
            raise ValueError(f"channels has {word!r}; allowed are + or - before one of {allowed}")
        (chosen.add if sign == "+" else chosen.discard)(Channel(name))
    return frozenset(chosen)


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(_plain(text))
    except ValueError as error:
        raise ValueError(f"expires is {text!r}; a day is written 2027-01-31") from error
