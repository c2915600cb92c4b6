"""A word list as text: the writer to the reader in lists.py. What is written reads back as the same list."""

import re
from collections import Counter
from collections.abc import Sequence

from moderation.lexicon import DEFAULT_CHANNELS, SEVERITIES, Entry, Severity, WordList

_SPECIAL = re.compile(r"([\\|｜])")
_OPENING = re.compile(r"^([#＃@＠!！])")
_IN_NAMES = re.compile(r"([\\|｜,，、；=＝])")
_BACKSLASH = r"\\\1"
_NEEDS_QUOTES = re.compile(r'[\s"“”]')


def list_text(one: WordList) -> str:
    """The list's file. The severity most entries have stands once, above; the order of entries is kept."""
    counted = Counter(entry.severity for entry in one.entries)
    usual = counted.most_common(1)[0][0] if counted else SEVERITIES["sensitive"]
    header = {
        "category": one.category,
        "title-en": one.title_en,
        "title-zh": one.title_zh,
        "version": one.version,
        "licence": one.licence,
        "severity": usual.word,
    }
    lines = [f"@{key} {' '.join(value.split())}" for key, value in header.items() if value.strip()]
    lines += [
        f"@alias {_IN_NAMES.sub(_BACKSLASH, part)} = {_names(others)}" for part, others in one.substitutes
    ]
    lines += ["", *(_line(entry, usual) for entry in one.entries)]
    if one.allows:
        lines += ["", *(f"! {_escaped(allow.phrase)}" for allow in one.allows)]
    return "\n".join(lines) + "\n"


def _line(entry: Entry, usual: Severity) -> str:
    options = _options(entry)
    fields = [_OPENING.sub(r"\\\1", _escaped(entry.term))]
    if options or entry.severity is not usual:
        fields.append(entry.severity.word)
    if options:
        fields.append(options)
    return " | ".join(fields)


def _options(entry: Entry) -> str:
    given = []
    if entry.aliases:
        given.append(f"alias={_quoted(_names(entry.aliases))}")
    if entry.channels != DEFAULT_CHANNELS:
        signs = [f"+{one}" for one in sorted(entry.channels - DEFAULT_CHANNELS)]
        signs += [f"-{one}" for one in sorted(DEFAULT_CHANNELS - entry.channels)]
        given.append(f"channels={','.join(signs)}")
    if entry.expires is not None:
        given.append(f"expires={entry.expires.isoformat()}")
    if entry.tags:
        given.append(f"tags={_quoted(_names(entry.tags))}")
    if entry.note:
        given.append(f"note={_quoted(' '.join(entry.note.split()), always=True)}")
    return " ".join(given)


def _names(names: Sequence[str]) -> str:
    return ",".join(_IN_NAMES.sub(_BACKSLASH, name) for name in names)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(_BACKSLASH, text)


def _quoted(text: str, *, always: bool = False) -> str:
    """For options: bare where that can be read back, else in quotes with the special ones escaped."""
    if not always and not _NEEDS_QUOTES.search(text):
        return text
    return '"' + re.sub(r'([\\"|｜])', _BACKSLASH, text) + '"'
