"""Time stamps (RFC 3161): an authority elsewhere signs that the ledger's heads existed at a time.

    DATA/stamps/YYYY-MM-DD.jsonl     one line a stamp: the heads as they were sent, and the authority's answer

Through `rfc3161-client`: requests, answers and the check of their signatures and certificates, on the
`cryptography` that is here already. (`asn1crypto` would leave that check to be written here; `rfc3161ng`
needs pyasn1 and checks no chain of certificates.)
"""

import base64
import urllib.request
from collections.abc import Sequence
from datetime import UTC
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from streamgate.errors import LedgerError
from streamgate.ledger.heads import HTTP_S, Heads, append_line, check_kept, open_url, read_heads
from streamgate.ledger.places import STAMPS as FOLDER
from streamgate.ledger.places import utc_day
from streamgate.ledger.signing import Signer
from streamgate.ledger.verdict import Finding

MAX_ANSWER = 64 * 1024


class Stamp(msgspec.Struct, frozen=True):
    """`heads`: a line as `heads.Heads`; `answer`: the authority's to it (TimeStampResp, DER, base64)."""

    heads: str
    answer: str


class Stamped(NamedTuple):
    """Stamps that were checked. `until`: the newest time that was signed, wall clock; None: none."""

    number: int
    until: float | None
    findings: list[Finding]


def stamp(data_dir: Path, authority: str, heads: Heads, signer: Signer) -> None:
    """Have heads stamped and keep the answer. Raises OSError: the authority does not answer as it should."""
    signer.sign(heads)
    line = msgspec.json.encode(heads)
    request = TimestampRequestBuilder().data(line).hash_algorithm(HashAlgorithm.SHA256).build()
    asked = urllib.request.Request(  # noqa: S310 - an http or https address, by the settings
        authority, request.as_bytes(), {"Content-Type": "application/timestamp-query"}, method="POST"
    )
    answer = open_url(asked, HTTP_S, MAX_ANSWER)
    try:
        response = decode_timestamp_response(answer)
        granted = PKIStatus(response.status) == PKIStatus.GRANTED
        fits = granted and _is_of(response, line) and response.tst_info.nonce == request.nonce
    except ValueError as error:
        raise OSError(f"{authority} sent no time stamp: {error}") from error
    if not fits:
        raise OSError(f"{authority} did not stamp what it was asked to")
    folder = data_dir / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    kept = msgspec.json.encode(Stamp(line.decode(), base64.b64encode(answer).decode()))
    append_line(folder / f"{utc_day(heads.at)}.jsonl", kept + b"\n")


def read_roots(path: Path) -> list[x509.Certificate]:
    """Read the certificates (PEM) that an authority's chain must end with. Raises LedgerError."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise LedgerError(f"{path} holds no certificates (PEM): {error}") from error


def check_stamps(data_dir: Path, ledger: Path, roots: Sequence[x509.Certificate]) -> Stamped:
    """Compare the ledger with stamped heads. `roots`: see `read_roots`; none: signatures are not checked.

    Raises OSError.
    """
    findings: list[Finding] = []
    times: list[float] = []
    for path in sorted((data_dir / FOLDER).glob("*.jsonl")):
        name = f"{FOLDER}/{path.name}"
        heads: list[tuple[int, Heads]] = []
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            try:
                found = msgspec.json.decode(line, type=Stamp)
                response = decode_timestamp_response(base64.b64decode(found.answer, validate=True))
                times.append(_check(response, found.heads.encode(), roots))
                heads += read_heads([(number, found.heads.encode())])
            except (ValueError, VerificationError) as error:  # DecodeError is a ValueError
                findings.append(Finding(name, number, f"this time stamp does not hold: {error}"))
        findings += check_kept(ledger, heads, name)
    return Stamped(len(times), max(times, default=None), findings)


def _check(response: TimeStampResponse, line: bytes, roots: Sequence[x509.Certificate]) -> float:
    """Return the time that was signed. Raises VerificationError, ValueError."""
    if not _is_of(response, line):
        raise ValueError("it is of other heads")
    if roots:
        builder = VerifierBuilder()
        for root in roots:
            builder = builder.add_root_certificate(root)
        builder.build().verify_message(response, line)
    return response.tst_info.gen_time.astimezone(UTC).timestamp()


def _is_of(response: TimeStampResponse, line: bytes) -> bool:
    return response.tst_info.message_imprint.message == sha256(line).digest()
