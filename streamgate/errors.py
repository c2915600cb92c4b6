"""Every error streamgate raises on purpose, in one tree.

A message names the thing, the value, what is allowed and what to do. Secrets (stream keys, the last
part of a push URL) never stand in one.
"""


class StreamgateError(Exception):
    """Root of the tree. `str(error)` is fit to be shown to an operator."""


class Retryable(StreamgateError):  # noqa: N818 - a kind of error, not one
    """The same act may succeed later without anyone changing anything."""


class Fatal(StreamgateError):  # noqa: N818 - a kind of error, not one
    """The same act will fail again until somebody changes something."""


class Refused(Fatal):
    """A command or a request that the present state or the rules do not allow. `zh`: the same in Chinese."""

    def __init__(self, text: str, zh: str = "") -> None:
        super().__init__(text)
        self.zh = zh


class ConfigError(Fatal):
    """A setting that is unknown or has a value that is not allowed."""


class ProtocolError(Fatal):
    """Bytes from a peer that break a protocol or one of its limits. The connection ends."""


class LinkError(Retryable):
    """Another streamgate process cannot be reached or hung up."""


class DestinationError(Retryable):
    """A push destination refused, vanished or stalled."""


class MediaError(Fatal):
    """A media file or feed that cannot be used."""


class ArchiveError(Retryable):
    """The archive cannot be written or read."""


class CatalogDamaged(ArchiveError):  # noqa: N818 - a kind of error, not one
    """The archive's catalog is no database, a torn one or one of another version; it can be made anew."""


class LedgerError(StreamgateError):
    """A record of the ledger that could not be written, or a ledger that cannot be read."""


class ChainError(LedgerError, Fatal):
    """A line of the ledger that is not what must stand there. The text says why."""


class StoreError(StreamgateError):
    """The database cannot be used. `kind` is stable; `zh`: the same in Chinese."""

    def __init__(self, kind: str, text: str, zh: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.zh = zh


class StoreAwayError(StoreError, Retryable):
    """The database is locked, full, restored at the moment, or its server does not answer."""


class StoreBrokenError(StoreError, Fatal):
    """The database is corrupt, gone, read-only, of another schema, or its server refuses us."""


class StoreConflictError(StoreError, Fatal):
    """A constraint of the database forbids what was to be stored."""
