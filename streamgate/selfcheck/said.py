"""What a judge says of one rule. Pure."""

from typing import Literal

import msgspec

Standing = Literal["met", "part", "gap", "unknown"]


class Said(msgspec.Struct, frozen=True):
    """How a rule stands, what shows it, and what is missing; each in English and Chinese."""

    state: Standing
    evidence: tuple[str, str]
    gap: tuple[str, str] = ("", "")
