"""Signatures of seals (Ed25519): who can write the ledger's files, but not read the key, cannot forge them.

The key, `seal.key` in the data directory, is 64 hex digits; `seal.pub` beside it, the public one, is what to
keep elsewhere. A signature covers the seal and, by the hash in `own`, every record of its file before it.
"""

import os
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import Protocol

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from streamgate.disk import sync_directory
from streamgate.errors import LedgerError
from streamgate.ledger.chain import Head, canonical
from streamgate.ledger.owner import give_to_owner
from streamgate.ledger.record import Seal

KEY_FILE, PUBLIC_FILE = "seal.key", "seal.pub"
_KEY_BYTES = 32
_OUTSIDE = ("n", "prev", "hash", "signature")  # the line's place in the chain, which `own` says too


class Signed(Protocol):
    """A struct that is signed: a seal, or heads that are sent elsewhere."""

    key: str
    signature: str


class Signer:
    """Signs the seals of one process. The thread that writes reads the key at the first one, or makes it."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._key: Ed25519PrivateKey | None = None

    def sign(self, seal: Signed) -> None:
        """Fill in `key` and `signature`. Without a key that can be read or made the seal stays unsigned."""
        if self._key is None:
            try:
                self._key = _take_key(self._data_dir)
            except (OSError, ValueError):
                return
        seal.key = self._key.public_key().public_bytes_raw().hex()
        seal.signature = self._key.sign(_signed(msgspec.json.encode(seal))).hex()


def read_public(given: str) -> frozenset[str]:
    """Return public keys in hex: one given so, or those in a file, one a line. Raises LedgerError."""
    try:
        is_key = len(given) == 2 * _KEY_BYTES and not Path(given).is_file()
        keys = (given if is_key else Path(given).read_text("ascii")).lower().split()
        for key in keys:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    except (OSError, ValueError) as error:
        raise LedgerError(f"{given} is no public key; name {PUBLIC_FILE}, or the 64 digits in it") from error
    if not keys:
        raise LedgerError(f"{given} is empty; name {PUBLIC_FILE}, or the 64 digits in it")
    return frozenset(keys)


def check(line: bytes, seal: Seal, file: str, before: Head, keys: Collection[str]) -> str:
    """Say what is wrong with the signature of a seal, "" when nothing is.

    `line`: of the seal, in the file `file`; `before`: the head that it follows. `keys`: one of them must have
    signed; none: any may.
    """
    own = seal.own
    if own is None or (own.file, own.records, own.hash) != (file, *before):
        return "its signature is of another place in the ledger"
    if keys and seal.key not in keys:
        return f"it is signed with another key, {seal.key[:16]}…"
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(seal.key))
        public.verify(bytes.fromhex(seal.signature), _signed(line))
    except (ValueError, InvalidSignature):
        return "its signature does not hold: it was not sealed by who has the key"
    return ""


def _signed(line: bytes) -> bytes:
    record = msgspec.json.decode(line)
    return canonical({name: one for name, one in record.items() if name not in _OUTSIDE})


def _take_key(data_dir: Path) -> Ed25519PrivateKey:
    """Read the key; make it where there is none. Raises OSError, ValueError."""
    path, public = data_dir / KEY_FILE, data_dir / PUBLIC_FILE
    if not path.exists():
        _write(path, secrets.token_bytes(_KEY_BYTES), 0o600)
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text("ascii").strip()))
    if not public.exists():
        _write(public, key.public_key().public_bytes_raw(), 0o644)
    return key


def _write(path: Path, key: bytes, mode: int) -> None:
    """Put a key there whole or not at all; one that is there meanwhile stays."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        give_to_owner(descriptor, path.parent)
        os.write(descriptor, key.hex().encode() + b"\n")
        os.fsync(descriptor)
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        os.close(descriptor)
        draft.unlink()
    sync_directory(path.parent)
