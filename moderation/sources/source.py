"""What a source of comments is. An adapter for a platform is a class with one method."""

from collections.abc import AsyncIterator
from typing import Protocol

from moderation.desk.intake import IncomingComment

__all__ = ["CommentSource", "IncomingComment"]


class CommentSource(Protocol):
    """`async for comment in source`: comments in the order they were written, until the source ends.

    - `client_id` names a comment for ever: the platform's own number, if it has one. A comment that is
      yielded again, because a connection broke or the program was started anew, must have the same one; the
      gate stores it once (within 24 hours).
    - `author_id` names a person for ever, `author` is what they are called now.
    - `text` is what they wrote, as it is. Nothing is to be filtered, masked or shortened here.
    - A source connects again by itself. An exception that it lets out ends the feeding.
    - It is asked for the next comment only when there is room: it must not read ahead without a bound.
    """

    def __aiter__(self) -> AsyncIterator[IncomingComment]: ...
