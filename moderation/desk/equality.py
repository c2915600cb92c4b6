"""Keys of comments: comments with the same key may share a card. Pure.

The filter's fold does most of it: width, case, look-alikes, repeated characters. It drops pictures and takes
a repeated digit once, which reviewers would not call the same: these count beside it.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

from moderation.text.fold import Folded

_COUNTED = frozenset({"Nd", "Sc", "Sm", "So"})
_RUNS = re.compile(r"(.)\1{3,}")


def keys(texts: Sequence[str], authors: Sequence[str]) -> list[str]:
    """Return a key for each text. `authors`: names that must be equal, too; "" where they need not.

    Texts hold no line breaks.
    """
    if not texts:
        return []
    return [
        hashlib.sha256("\0".join((fold, _marks(text), author)).encode("utf-8", "replace")).hexdigest()
        for fold, text, author in zip(Folded(texts).lines(), texts, authors, strict=True)
    ]


def _marks(text: str) -> str:
    """Digits and pictures of a text; more than three equal ones in a row are three."""
    if text.isalpha():
        return ""
    plain = unicodedata.normalize("NFKC", text)
    return _RUNS.sub(r"\1\1\1", "".join(one for one in plain if unicodedata.category(one) in _COUNTED))
