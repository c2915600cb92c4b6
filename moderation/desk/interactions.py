"""Interaction switches of channels (R5): what viewers may do. Closed by default, and after a broadcast."""

from collections.abc import Callable
from typing import Any

import msgspec

from moderation.desk.messages import InteractionView, SetInteraction
from moderation.errors import ReviewRefused
from moderation.review.stages import MOST, Rules
from streamgate.store.comment_models import TEXT_CHARS

PREFIX = "interaction/"
"""Of the keys in the table of settings; the channel's name follows."""
MOST_WAITING = 50_000
"""Cards that a channel may have waiting, whatever is set: 2 KB of memory for each comment on them."""
_LIMITS: dict[str, tuple[float, float]] = {
    "max_chars": (1, TEXT_CHARS),
    "slow_s": (0, 3600),
    "window_s": (0, 600),
    "stages": (1, MOST),
    "queue_limit": (1, MOST_WAITING),
}
_CHANGED = ("changed_by", "changed_at")
Listener = Callable[[str, InteractionView], None]


def decode(value: Any, by: str, at: float) -> InteractionView:
    """Return the switches that are stored; what is not understood, or not allowed, is closed."""
    try:
        view = msgspec.convert(value, InteractionView)
        _check(view)
    except (msgspec.ValidationError, ReviewRefused):
        view = InteractionView()
    return msgspec.structs.replace(view, changed_by=by, changed_at=at)


def encode(view: InteractionView) -> dict[str, Any]:
    """Return what is stored; who changed it and when stands beside it."""
    plain: dict[str, Any] = msgspec.to_builtins(view)
    return {name: value for name, value in plain.items() if name not in _CHANGED}


def change(view: InteractionView, asked: SetInteraction) -> InteractionView:
    """Return the switches as they are asked for. Raises ReviewRefused (`bad_request`)."""
    given = {name: getattr(asked, name) for name in InteractionView.__struct_fields__ if name not in _CHANGED}
    changed = msgspec.structs.replace(
        view, **{name: value for name, value in given.items() if value is not None}
    )
    _check(changed)
    return changed


def close(view: InteractionView) -> InteractionView:
    """Return the same with everything closed."""
    return msgspec.structs.replace(view, comments=False, bullets=False, sharing=False)


def rules(view: InteractionView) -> Rules:
    """Return what the review machine needs of it."""
    return Rules(window_s=view.window_s, stages=view.stages)


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
    """The switches of all channels, in memory, and who wants to hear of changes."""

    def __init__(self) -> None:
        self._views: dict[str, InteractionView] = {}
        self._listeners: list[Listener] = []

    def get(self, channel: str) -> InteractionView:
        return self._views.get(channel) or InteractionView()

    def channels(self) -> list[str]:
        return list(self._views)

    def listen(self, call: Listener) -> None:
        """Call with channel and switches at every change, in the event loop."""
        self._listeners.append(call)

    def put(self, channel: str, view: InteractionView) -> None:
        if view == self.get(channel):
            return
        self._views[channel] = view
        for call in self._listeners:
            call(channel, view)
