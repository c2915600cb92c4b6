"""Equality keys: comments with the same key may share a card. Pure.

The filter's fold unifies width, case, look-alikes and repeated characters. It also drops emoji and collapses
repeated digits. Reviewers would not call such comments equal, so the key holds emoji and digits as well.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

from moderation.text.fold import Folded

_COUNTED = frozenset({"Nd", "Sc", "Sm", "So"})
_RUNS = re.compile(r"(.)\1{3,}")


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
    """Return the digits and emoji of a text. More than three equal ones in a row count as three."""
    if text.isalpha():
        return ""
    plain = unicodedata.normalize("NFKC", text)
    return _RUNS.sub(r"\1\1\1", "".join(one for one in plain if unicodedata.category(one) in _COUNTED))
