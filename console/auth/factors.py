"""Second factors: a code generator (TOTP, RFC 6238) with recovery codes. Others can come behind `Factor`."""

import base64
import hashlib
import secrets
from collections import OrderedDict
from typing import NamedTuple, Protocol

import pyotp
from sqlalchemy.orm import Session

from streamgate.errors import ConfigError, Refused
from streamgate.runtime.secret_box import SecretBox
from streamgate.store import factors
from streamgate.store.models import User

ISSUER = "streamgate"
RECOVERY_CODES = 10
RENEWAL_S = 900.0  # a secret that is to take the place of another waits so long for its first code
MAX_RENEWALS = 256
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
    """The code generator. Its secrets are encrypted at rest; a code is good once, so is a recovery code.

    A new secret counts from its first code on. Until then the one in use goes on, and the new one is kept in
    this process only.
    """

    def __init__(self, box: SecretBox) -> None:
        self._box = box
        self._renewals: OrderedDict[int, tuple[str, float]] = OrderedDict()  # by person: secret, made at

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

    def begin(self, session: Session, user: User, *, at: float, renew: bool = False) -> NewSecret:
        """Make a secret that does not count until `confirm`.

        Raises errors.Refused while one is in use, unless it is to be renewed.
        """
        secret = pyotp.random_base32()
        if not self.is_set_up(session, user.id):
            factors.set_totp(session, user.id, self._box.encrypt(secret.encode()), at=at)
        elif renew:
            self._renewals[user.id] = (secret, at)
            self._renewals.move_to_end(user.id)
            while len(self._renewals) > MAX_RENEWALS:
                self._renewals.popitem(last=False)
        else:
            raise Refused(
                "a code generator is set up already; renew it, or remove it first",
                "已设置动态验证码；请更换，或先移除再重新设置",
            )
        return NewSecret(secret, pyotp.TOTP(secret).provisioning_uri(name=user.username, issuer_name=ISSUER))

    def confirm(self, session: Session, user_id: int, code: str, *, at: float) -> list[str] | None:
        """Take the newest secret into use by a first code.

        Returns new recovery codes; None when the code is wrong, or no secret waits for one.
        """
        row = factors.totp(session, user_id)
        if row is None:
            return None
        secret = row.secret
        if row.confirmed_at is not None:
            plain, made_at = self._renewals.get(user_id, ("", 0.0))
            if not plain or at >= made_at + RENEWAL_S or _step_of(plain, code, at) is None:
                return None
            secret = self._box.encrypt(plain.encode())
            factors.set_totp(session, user_id, secret, at=at)
        if not self._matches(session, user_id, secret, code, at):
            return None
        factors.confirm_totp(session, user_id, at=at)
        self._renewals.pop(user_id, None)
        return self.renew_recovery_codes(session, user_id)

    def renew_recovery_codes(self, session: Session, user_id: int) -> list[str]:
        """Replace all recovery codes; they are shown once, only their hashes are kept."""
        codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
        factors.set_recovery_codes(session, user_id, [_hash_recovery(code) for code in codes])
        return codes

    def _matches(self, session: Session, user_id: int, secret: bytes, code: str, at: float) -> bool:
        try:
            plain = self._box.decrypt(secret).decode()
        except ConfigError:  # the key file is gone; recovery codes still work
            return False
        step = _step_of(plain, code, at)
        return step is not None and factors.use_step(session, user_id, step)


def _step_of(secret: str, code: str, at: float) -> int | None:
    """Return the time step of a code of this secret; None when it is no code of about now."""
    code = code.replace(" ", "")
    if len(code) != _DIGITS or not code.isascii() or not code.isdecimal():
        return None
    generator, now = pyotp.TOTP(secret), int(at) // _STEP_S
    for step in range(now - _WINDOW, now + _WINDOW + 1):
        if secrets.compare_digest(generator.generate_otp(step), code):
            return step
    return None


def _new_recovery_code() -> str:
    """Return 80 random bits as four groups of four letters and digits."""
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def _hash_recovery(code: str) -> str:
    """80 random bits need neither salt nor a slow hash."""
    return hashlib.sha256(code.strip().lower().replace("-", "").encode("utf-8", "replace")).hexdigest()
