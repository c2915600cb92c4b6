"""Equality keys: comments with the same key may share a card. Pure.

The filter's fold unifies width, case, look-alikes and repeated characters. It also drops emoji, punctuation
inside numbers and marks on letters, and collapses repeated digits. Reviewers would not call such comments
equal: they see one of them and decide on all. So the key holds these as well.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

from moderation.text.fold import Folded

_COUNTED = frozenset({"Sc", "Sm", "So", "Mn", "Mc", "Me"})
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_RUNS = re.compile(r"(.)\1{3,}")
_NUMBERS = re.compile(r"-?\d(?:\d|[^\w\s](?=\d))*[%‰]?")
_ONE_DIGIT = re.compile(r"(\d)\1{3,}")


def keys(texts: Sequence[str], authors: Sequence[str]) -> list[str]:
    """Return a key for each text. `authors`: a name that must be equal as well; "" when it need not be.

    Texts must not contain line breaks.
    """
    if not texts:
        return []
    return [
        hashlib.sha256("\0".join((fold, _marks(text), author)).encode("utf-8", "replace")).hexdigest()
        for fold, text, author in zip(Folded(texts).lines(), texts, authors, strict=True)
    ]


def _marks(text: str) -> str:
    """Return the numbers of a text, its emoji, and its marks and signs that change how it looks.

    More than three equal signs in a row count as three. So do equal digits where there are no letters
    ("66666"); other numbers count as they are, with the punctuation inside them.
    """
    if text.isalpha():
        return ""
    plain = _SELECTORS.sub("", unicodedata.normalize("NFKC", text))
    signs = "".join(one for one in plain if unicodedata.category(one) in _COUNTED or one in _BIDI)
    numbers = _NUMBERS.findall(plain)
    if numbers and not any(map(str.isalpha, plain)):
        numbers = [one[:3] if _ONE_DIGIT.fullmatch(one) else one for one in numbers]
    return " ".join((_RUNS.sub(r"\1\1\1", signs), *numbers))
