"""Every error streamgate raises on purpose, in one tree.

A message names the thing, the value, what is allowed and what to do. It never contains a secret (stream
keys, the last part of a push URL).
"""


class StreamgateError(Exception):
    """Root of the tree. `str(error)` may be shown to an operator; `zh` is the same text in Chinese.

    `zh` is "" for errors that reach only the command line and the log.
    """

    def __init__(self, text: str = "", zh: str = "") -> None:
        super().__init__(text)
        self.zh = zh


class Retryable(StreamgateError):  # noqa: N818 - a kind of error, not one
    """The same act may succeed later without anyone changing anything."""


class Fatal(StreamgateError):  # noqa: N818 - a kind of error, not one
    """The same act will fail again until somebody changes something."""


class Refused(Fatal):
    """A command or a request that the present state or the rules do not allow."""


class ConfigError(Fatal):
    """A setting that is unknown or has a value that is not allowed."""


class ProtocolError(Fatal):
    """Bytes from a peer that break a protocol or one of its limits. The connection ends."""


class LinkError(Retryable):
    """Another streamgate process cannot be reached, or closed the connection."""


class DestinationError(Retryable):
    """A push destination refused the stream, disconnected or stalled."""


class MediaError(Fatal):
    """A media file or feed that cannot be used."""


class ArchiveError(Retryable):
    """The archive cannot be written or read."""


class CatalogDamaged(ArchiveError):  # noqa: N818 - a kind of error, not one
    """The archive's catalog is no database, or damaged, or of another version; it can be rebuilt."""


class LedgerError(StreamgateError):
    """A record of the ledger that could not be written, or a ledger that cannot be read."""


class ChainError(LedgerError, Fatal):
    """A line of the ledger that is invalid at its place. The text says why."""


class StoreError(StreamgateError):
    """The database cannot be used. `kind` is stable."""

    def __init__(self, kind: str, text: str, zh: str) -> None:
        super().__init__(text, zh)
        self.kind = kind


class StoreAwayError(StoreError, Retryable):
    """The database is locked, full, being restored, or its server does not answer."""


class StoreBrokenError(StoreError, Fatal):
    """The database is corrupt, gone, read-only, of another schema, or its server refuses us."""


class StoreConflictError(StoreError, Fatal):
    """A constraint of the database forbids the change."""


class CopyError(Retryable):
    """The store of the second copy does not answer, refuses, or cannot be used as it is."""


class CopyLost(CopyError):  # noqa: N818 - a kind of error, not one
    """A file in the second copy is missing or changed."""


class CopyLocked(CopyError):  # noqa: N818 - a kind of error, not one
    """The store of the second copy refuses to remove a copy: an object lock or its rights forbid it."""
