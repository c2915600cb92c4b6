"""Viewers of the watch page, identified by a signed cookie. Only their comments are stored, not the viewers.

The cookie is `BODY.MAC`. BODY is the viewer's id, nickname and time of creation as JSON in base64url. MAC is
its HMAC-SHA256 with the secret of the data directory.
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
    """`id`: 16 random characters.

    `nickname`: "" for none. `since`: when the cookie was made, in epoch seconds.
    """

    id: str
    nickname: str
    since: int


_decoder = msgspec.json.Decoder(Viewer)


class Viewers:
    """Creates and checks cookies, and tokens of overlays."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def enter(self, nickname: str, before: Viewer | None, *, now: float) -> tuple[Viewer, str]:
        """Return the viewer with this nickname, and the value of the cookie. The id of `before` is kept.

        Raises RequestRefused when the nickname is not valid.
        """
        chosen = check_nickname(nickname)
        number = before.id if before is not None else secrets.token_urlsafe(12)
        viewer = Viewer(number, chosen, int(now))
        body = base64.urlsafe_b64encode(msgspec.json.encode(viewer)).rstrip(b"=").decode()
        return viewer, f"{body}.{self._mac('viewer', body)}"

    def recognise(self, cookie: str | None, *, now: float) -> Viewer | None:
        """Return the viewer of a cookie; None: it is forged, damaged or too old."""
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
    """Return the token in the address of a channel's overlay."""
    return _sign(secret, "overlay", channel)[:32]


def guest_name(viewer: Viewer) -> str:
    """Return the display name of a viewer without a nickname.

    It is derived from the id, so it stays the same.
    """
    number = int.from_bytes(hashlib.sha256(viewer.id.encode()).digest()[:4]) % 10_000
    return f"观众{number:04d}"


def _sign(secret: bytes, what: str, text: str) -> str:
    return hmac.new(secret, f"{what}/{text}".encode(), hashlib.sha256).hexdigest()


def check_nickname(nickname: str) -> str:
    """Normalise a nickname: NFC, one line, single spaces. Raises RequestRefused when it is too long.

    Its content is checked with each comment, as the author's name.
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
