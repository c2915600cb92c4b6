"""Second factors: a code generator (TOTP, RFC 6238) with recovery codes. Others can come behind `Factor`."""

import base64
import hashlib
import secrets
from typing import NamedTuple, Protocol

import pyotp
from sqlalchemy.orm import Session

from streamgate.errors import ConfigError, Refused
from streamgate.runtime.secret_box import SecretBox
from streamgate.store import factors
from streamgate.store.models import User

ISSUER = "streamgate"
RECOVERY_CODES = 10
_STEP_S = 30
_WINDOW = 1  # clocks may be one step apart, RFC 6238 5.2
_DIGITS = 6


class Factor(Protocol):
    """A second proof of who somebody is. The methods run in a transaction that writes."""

    def is_set_up(self, session: Session, user_id: int) -> bool:
        """Say whether this person uses the factor, so that signing in asks for it."""

    def check(self, session: Session, user_id: int, proof: str, *, at: float) -> bool:
        """Check what the person gave as proof, and use it up."""


class NewSecret(NamedTuple):
    """A secret on its way to the person's code generator: as text, and as address for a QR code."""

    secret: str
    uri: str


class Totp:
    """The code generator. Its secrets are encrypted at rest; a code is good once, so is a recovery code."""

    def __init__(self, box: SecretBox) -> None:
        self._box = box

    def is_set_up(self, session: Session, user_id: int) -> bool:
        row = factors.totp(session, user_id)
        return row is not None and row.confirmed_at is not None

    def check(self, session: Session, user_id: int, proof: str, *, at: float) -> bool:
        row = factors.totp(session, user_id)
        if row is None or row.confirmed_at is None:
            return False
        if self._matches(session, user_id, row.secret, proof, at):
            return True
        return factors.use_recovery_code(session, user_id, _hash_recovery(proof), at=at)

    def begin(self, session: Session, user: User, *, at: float) -> NewSecret:
        """Make a secret that does not count until `confirm`. Raises errors.Refused while one is in use."""
        if self.is_set_up(session, user.id):
            raise Refused(
                "a code generator is set up already; remove it first", "已设置动态验证码；请先移除再重新设置"
            )
        secret = pyotp.random_base32()
        factors.set_totp(session, user.id, self._box.encrypt(secret.encode()), at=at)
        return NewSecret(secret, pyotp.TOTP(secret).provisioning_uri(name=user.username, issuer_name=ISSUER))

    def confirm(self, session: Session, user_id: int, code: str, *, at: float) -> list[str] | None:
        """Take the secret into use by a first code; return recovery codes, None when the code is wrong."""
        row = factors.totp(session, user_id)
        if row is None or row.confirmed_at is not None:
            return None
        if not self._matches(session, user_id, row.secret, code, at):
            return None
        factors.confirm_totp(session, user_id, at=at)
        return self.renew_recovery_codes(session, user_id)

    def renew_recovery_codes(self, session: Session, user_id: int) -> list[str]:
        """Replace all recovery codes; they are shown once, only their hashes are kept."""
        codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
        factors.set_recovery_codes(session, user_id, [_hash_recovery(code) for code in codes])
        return codes

    def _matches(self, session: Session, user_id: int, secret: bytes, code: str, at: float) -> bool:
        code = code.replace(" ", "")
        if len(code) != _DIGITS or not code.isascii() or not code.isdecimal():
            return False
        try:
            generator = pyotp.TOTP(self._box.decrypt(secret).decode())
        except ConfigError:  # the key file is gone; recovery codes still work
            return False
        now = int(at) // _STEP_S
        for step in range(now - _WINDOW, now + _WINDOW + 1):
            if secrets.compare_digest(generator.generate_otp(step), code):
                return factors.use_step(session, user_id, step)
        return False


def _new_recovery_code() -> str:
    """Return 80 random bits as four groups of four letters and digits."""
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def _hash_recovery(code: str) -> str:
    """80 random bits need neither salt nor a slow hash."""
    return hashlib.sha256(code.strip().lower().replace("-", "").encode("utf-8", "replace")).hexdigest()
