"""What the writer is asked to commit: each a plan inside a group, and an answer after the commit."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Session

from moderation.desk.group import Candidate, Group
from moderation.desk.intake import Taken
from moderation.desk.judging import Judged
from moderation.review.events import Event, Step
from moderation.review.stages import Rules

T = TypeVar("T")

_SHOWN = {"blocked": "waiting", "approved": "waiting"}


def shown_state(state: str) -> str:
    """Return a state as the author of a comment is told of it: what the filter thinks is not said."""
    return _SHOWN.get(state, state)


class Job(Generic[T]):
    """Made in the event loop; `plan` runs in the writer's thread, `result` after the commit in the loop."""

    urgent = True
    """Whether it goes before comments that come in."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def plan(self, group: Group) -> None:
        """Put what is to be written into the group. Raises ReviewRefused, Later."""
        raise NotImplementedError

    def result(self, group: Group) -> T:
        raise NotImplementedError

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)

    def succeed(self, group: Group) -> None:
        if not self.answer.done():  # whoever asked has gone
            self.answer.set_result(self.result(group))


class TakeIn(Job[Taken]):
    """A comment that comes in."""

    urgent = False

    def __init__(self, candidate: Candidate) -> None:
        super().__init__()
        self.candidate = candidate
        self._number = 0

    def plan(self, group: Group) -> None:
        self._number = group.take_in(self.candidate)

    def result(self, group: Group) -> Taken:
        state = shown_state(group.states[self._number])
        return Taken(self.candidate.incoming.client_id, self._number, state)


class Act(Job[Step]):
    """An event on a card."""

    def __init__(self, channel: str, card_id: int, event: Event, rules: Rules) -> None:
        super().__init__()
        self._of = (channel, card_id, event, rules)
        self._step: Step | None = None

    def plan(self, group: Group) -> None:
        self._step = group.act(*self._of)

    def result(self, group: Group) -> Step:  # noqa: ARG002 - as all jobs
        assert self._step is not None
        return self._step


class JudgeAnew(Job[None]):
    """What the filter says now of comments of a card, by number."""

    urgent = False

    def __init__(self, channel: str, card_id: int, judged: Mapping[int, Judged], rules: Rules) -> None:
        super().__init__()
        self._of = (channel, card_id, judged, rules)

    def plan(self, group: Group) -> None:
        group.rejudge(*self._of)

    def result(self, group: Group) -> None:
        pass


class Call(Job[T]):
    """A function of the store."""

    def __init__(self, run: Callable[..., T], *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self._run = run
        self._given = (args, kwargs)
        self._returned: list[T] = []

    def plan(self, group: Group) -> None:
        args, kwargs = self._given
        session: Session = group.session
        self._returned = [self._run(session, *args, **kwargs)]

    def result(self, group: Group) -> T:  # noqa: ARG002 - as all jobs
        return self._returned[0]
