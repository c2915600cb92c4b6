"""Viewers: who writes on the watch page, known by a signed cookie. Only their comments are stored.

The cookie is `BODY.MAC`: BODY the viewer's number, nickname and birth as JSON in base64url, MAC an
HMAC-SHA256 of it. It can be neither made nor changed without the data directory's secret.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import unicodedata

import msgspec

from moderation.public.comment_body import clean_text
from moderation.public.problems import RequestRefused, bad_comment

COOKIE = "sg_viewer"
KEPT_S = 7 * 86400
NICKNAME_CHARS = 20
_MAX_COOKIE = 1024


class Viewer(msgspec.Struct, frozen=True, array_like=True):
    """`id`: 16 characters by chance. `nickname`: "" without one. `since`: seconds since the epoch."""

    id: str
    nickname: str
    since: int


_decoder = msgspec.json.Decoder(Viewer)


class Viewers:
    """Makes and checks cookies, and the tokens of overlays."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def enter(self, nickname: str, before: Viewer | None, *, now: float) -> tuple[Viewer, str]:
        """Return a viewer with this nickname, the same as before where there was one, and the cookie's value.

        Raises RequestRefused when the nickname cannot be one.
        """
        chosen = check_nickname(nickname)
        number = before.id if before is not None else secrets.token_urlsafe(12)
        viewer = Viewer(number, chosen, int(now))
        body = base64.urlsafe_b64encode(msgspec.json.encode(viewer)).rstrip(b"=").decode()
        return viewer, f"{body}.{self._mac('viewer', body)}"

    def recognise(self, cookie: str | None, *, now: float) -> Viewer | None:
        """Return whose cookie that is; None when it is forged, spoiled or too old."""
        if not cookie or len(cookie) > _MAX_COOKIE or not cookie.isascii():
            return None
        body, _, mac = cookie.partition(".")
        if not hmac.compare_digest(mac.encode(), self._mac("viewer", body).encode()):
            return None
        try:
            viewer = _decoder.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        except (binascii.Error, ValueError, msgspec.DecodeError):
            return None
        return viewer if -60 <= now - viewer.since <= KEPT_S else None

    def overlay_token(self, channel: str) -> str:
        return overlay_token(self._secret, channel)

    def _mac(self, what: str, text: str) -> str:
        return _sign(self._secret, what, text)


def overlay_token(secret: bytes, channel: str) -> str:
    """Return what stands in the address of a channel's overlay."""
    return _sign(secret, "overlay", channel)[:32]


def guest_name(viewer: Viewer) -> str:
    """Return what a viewer without a nickname is called: a number that stays the same."""
    number = int.from_bytes(hashlib.sha256(viewer.id.encode()).digest()[:4]) % 10_000
    return f"观众{number:04d}"


def _sign(secret: bytes, what: str, text: str) -> str:
    return hmac.new(secret, f"{what}/{text}".encode(), hashlib.sha256).hexdigest()


def check_nickname(nickname: str) -> str:
    """Return a nickname as it is shown: NFC, one line, single spaces. Raises RequestRefused for a long one.

    What it says is checked with each comment, as its author, by filter and reviewers.
    """
    text = unicodedata.normalize("NFC", clean_text(nickname[:1000]))
    shown = "".join(" " if unicodedata.category(one) in {"Cc", "Zl", "Zp"} else one for one in text)
    chosen = " ".join(shown.split())
    if len(chosen) > NICKNAME_CHARS:
        raise RequestRefused(
            bad_comment(
                f"a nickname has at most {NICKNAME_CHARS} characters, not {len(chosen)}",
                f"昵称最多 {NICKNAME_CHARS} 个字符，当前为 {len(chosen)} 个",
            )
        )
    return chosen
