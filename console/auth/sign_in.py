"""Signing in: a one-time token in, a session out."""

from pathlib import Path

import structlog

from console.auth import tokens
from console.auth.sessions import Session, Sessions
from console.problems import BAD_TOKEN, RATE_LIMITED, Refused
from streamgate.clock import now_us, wall_s

USER = "operator"  # accounts follow; until then the one-time link is the operator's

_log = structlog.get_logger("console.sign_in")


class SignIn:
    """Turns tokens into sessions; tries that fail are limited."""

    def __init__(self, data_dir: Path, sessions: Sessions) -> None:
        self._data_dir, self._sessions, self._tries = data_dir, sessions, tokens.Tries()

    def use(self, token: str, address: str) -> tuple[str, Session]:
        """Use a token up; return the cookie's value and the session. `address`: where the person comes from.

        Raises:
            Refused: the token is not good, or too many tries failed (with the seconds to wait).
        """
        now_s = now_us() / 1e6
        if wait := self._tries.wait_s(address, now_s):
            raise Refused(RATE_LIMITED, wait_s=int(wait) + 1)
        if not tokens.consume(self._data_dir, token):
            self._tries.failed(address, now_s)
            _log.warning("token_refused", address=address)
            raise Refused(BAD_TOKEN)
        _log.info("session_opened", address=address, user=USER)
        return self._sessions.issue(USER, wall_s())
