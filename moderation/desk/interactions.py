"""Interaction settings of channels (R5): what viewers may do. All closed by default and after a broadcast."""

import functools
from collections.abc import Callable
from typing import Any

import msgspec

from moderation.desk.messages import InteractionView, SetInteraction
from moderation.errors import ReviewRefused
from moderation.review.stages import MAX_STAGES, Rules
from streamgate.store.comment_models import TEXT_CHARS

PREFIX = "interaction/"
"""Prefix of a key in the table of settings; the channel's name follows."""
MOST_WAITING = 50_000
"""Upper bound of `queue_limit`. Each comment on a waiting card takes 2 KB of memory."""
_LIMITS: dict[str, tuple[float, float]] = {
    "max_chars": (1, TEXT_CHARS),
    "slow_s": (0, 3600),
    "window_s": (0, 600),
    "stages": (1, MAX_STAGES),
    "queue_limit": (1, MOST_WAITING),
}
_CHANGED = ("changed_by", "changed_at")
Listener = Callable[[str, InteractionView], None]


def decode(value: Any, by: str, at: float) -> InteractionView:
    """Return the stored settings; everything closed when they cannot be decoded or are out of range."""
    try:
        view = msgspec.convert(value, InteractionView)
        _check(view)
    except (msgspec.ValidationError, ReviewRefused):
        view = InteractionView()
    return msgspec.structs.replace(view, changed_by=by, changed_at=at)


def encode(view: InteractionView) -> dict[str, Any]:
    """Return the settings as they are stored. Who changed them and when is stored in columns of its own."""
    plain: dict[str, Any] = msgspec.to_builtins(view)
    return {name: value for name, value in plain.items() if name not in _CHANGED}


def change(view: InteractionView, asked: SetInteraction) -> InteractionView:
    """Return the settings with the requested changes. Raises ReviewRefused (`bad_request`)."""
    given = {name: getattr(asked, name) for name in InteractionView.__struct_fields__ if name not in _CHANGED}
    changed = msgspec.structs.replace(
        view, **{name: value for name, value in given.items() if value is not None}
    )
    _check(changed)
    return changed


def close(view: InteractionView) -> InteractionView:
    """Return the same settings with everything closed."""
    return msgspec.structs.replace(view, comments=False, bullets=False, sharing=False)


def rules(view: InteractionView) -> Rules:
    """Return the part of the settings that the review machine needs."""
    return _rules(view.window_s, view.stages)


@functools.lru_cache(256)  # called for every comment
def _rules(window_s: float, stages: int) -> Rules:
    return Rules(window_s=window_s, stages=stages)


def _check(view: InteractionView) -> None:
    for name, (low, high) in _LIMITS.items():
        value = getattr(view, name)
        if not low <= value <= high:
            raise ReviewRefused(
                "bad_request",
                f"{name} is {value:g}; allowed are {low:g} to {high:g}",
                f"{name} 为 {value:g}；允许 {low:g} 至 {high:g}",
            )


class Interactions:
    """The interaction settings of all channels, in memory, with listeners for changes."""

    def __init__(self) -> None:
        self._views: dict[str, InteractionView] = {}
        self._listeners: list[Listener] = []

    def get(self, channel: str) -> InteractionView:
        return self._views.get(channel) or InteractionView()

    def channels(self) -> list[str]:
        return list(self._views)

    def listen(self, call: Listener) -> None:
        """Call `call` with channel and settings at every change, in the event loop."""
        self._listeners.append(call)

    def put(self, channel: str, view: InteractionView) -> None:
        if view == self.get(channel):
            return
        self._views[channel] = view
        for call in self._listeners:
            call(channel, view)
