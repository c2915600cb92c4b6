"""The filter: reads a text and judges it. `Filter` checks texts against word lists (docs/filter.md).

The names below are loaded when they are first used, so that the command line's `--help` needs no numpy.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moderation.filter.filter import EVERY_CHANNEL, EXACT_CHANNELS, Filter
    from moderation.filter.policy import Policy, Verdict
    from moderation.filter.result import Hit, Result
    from moderation.filter.service import FilterService

__all__ = [
    "EVERY_CHANNEL",
    "EXACT_CHANNELS",
    "Filter",
    "FilterService",
    "Hit",
    "Policy",
    "Result",
    "Verdict",
]

_MODULES = {
    "EVERY_CHANNEL": "filter",
    "EXACT_CHANNELS": "filter",
    "Filter": "filter",
    "FilterService": "service",
    "Hit": "result",
    "Policy": "policy",
    "Result": "result",
    "Verdict": "policy",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value
