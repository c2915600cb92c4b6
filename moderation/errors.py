"""Errors that the rooms of `moderation` raise on purpose, in one tree of their own.

A message names the thing, the value, what is allowed and what to do. `streamgate filter` turns each into an
error of streamgate; see `streamgate.cli`.
"""


class ModerationError(Exception):
    """Root of the tree. `str(error)` is fit to be shown to an operator."""


class InputError(ModerationError):
    """Something given that is not allowed or cannot be used: a list, a policy, an engine, standard input."""


class OutputError(ModerationError):
    """Results that cannot be written."""


class ReviewRefused(ModerationError):  # noqa: N818 - an answer, not a fault
    """An act on a card that the rules of review do not allow. `code` is stable; `zh`: the same in Chinese."""

    def __init__(self, code: str, text: str, zh: str) -> None:
        super().__init__(text)
        self.code = code
        self.zh = zh
