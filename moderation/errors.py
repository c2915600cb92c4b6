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
