"""Texts as hostile viewers write them: markup, SQL, bidi, zero width, controls, halves of characters."""

import random

PIECES = (
    "\ud800", "\udfff", "\ud83d", "\x00", "\x1b[2J", "\x7f", "\u202e", "\u2066", "\u2069", "\u200b",
    "\u200d", "\ufeff", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "&lt;", "</style>",
    "' OR 1=1 --", '"; DROP TABLE comments;', "{{7*7}}", "${jndi:ldap://x}", "%n%s", "../../etc/passwd",
    "javascript:alert(1)", "\n", "\r\n", "\u2028", "é", "e\u0301" * 20, "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467", "data: x", "id: 99\n\n", "13800138000", "forbidden",
    "哈" * 50, "\U000e0001", "</bdi></p><h1>broken</h1>", "<svg/onload=alert(1)>", "&#x41;", "\u061c",
    "\u115f", "\u3164", "\ufffe", "<a href=javascript:alert(1)>x</a>", "<!--", "]]>", "\u0600", "ﷺ",
)  # fmt: skip
ELEMENTS = ("img", "script", "style", "h1", "svg", "a", "b", "p p")
"""Selectors of what would stand in a page where a text of these was taken for markup."""


def text(dice: random.Random) -> str:
    return "".join(dice.choice(PIECES) for _ in range(dice.randint(0, 8)))


def unlike_any_other(number: int) -> str:
    """Return a text that the filter folds to no other's: equal ones would share a card."""
    return "".join("ka" if number & (1 << bit) else "to" for bit in range(12))
