"""Jobs of the writer. Each adds its changes to a group; it is answered after the group's commit."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Session

from moderation.desk.group import Candidate, Group
from moderation.desk.intake import IntakeResult
from moderation.desk.judging import JudgedComment
from moderation.desk.pending_answers import PendingAnswers
from moderation.review.events import Event, Step
from moderation.review.stages import Rules

T = TypeVar("T")

_SHOWN = {"blocked": "waiting", "approved": "waiting"}


def shown_state(state: str) -> str:
    """Return the state that an author may see. It hides what the filter decided."""
    return _SHOWN.get(state, state)


class Work:
    """Base of all jobs.

    `plan` runs in a thread, inside the transaction. After the commit `succeed` is called in the event loop;
    `fail` is called there instead when the job was refused or the commit failed.
    """

    __slots__ = ()
    urgent = True
    """Whether the job is committed before incoming comments."""

    def plan(self, group: Group) -> None:
        """Add the changes to the group. Raises ReviewRefused, RetryNextCommit."""
        raise NotImplementedError

    def succeed(self, group: Group) -> None:
        raise NotImplementedError

    def fail(self, error: Exception) -> None:
        raise NotImplementedError


class StoreComment(Work):
    """Stores an incoming comment. `place`: of its outcome in `answers`."""

    __slots__ = ("_answers", "_number", "_place", "candidate")
    urgent = False

    def __init__(self, candidate: Candidate, answers: PendingAnswers, place: int) -> None:
        self.candidate = candidate
        self._answers, self._place = answers, place
        self._number = 0

    def plan(self, group: Group) -> None:
        self._number = group.add_comment(self.candidate)

    def succeed(self, group: Group) -> None:
        state = shown_state(group.states[self._number])
        self._answers.set_outcome(
            self._place, IntakeResult(self.candidate.incoming.client_id, self._number, state)
        )

    def fail(self, error: Exception) -> None:
        self._answers.set_outcome(self._place, error)


class Job(Work, Generic[T]):
    """A job with a future of its own for its answer. Create it in the event loop."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def result(self, group: Group) -> T:
        raise NotImplementedError

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)

    def succeed(self, group: Group) -> None:
        if not self.answer.done():  # the caller was cancelled
            self.answer.set_result(self.result(group))


class ApplyEvent(Job[Step]):
    """Applies a review event to a card. The answer is the step."""

    def __init__(self, channel: str, card_id: int, event: Event, rules: Rules) -> None:
        super().__init__()
        self._of = (channel, card_id, event, rules)
        self._step: Step | None = None

    def plan(self, group: Group) -> None:
        self._step = group.act(*self._of)

    def result(self, group: Group) -> Step:  # noqa: ARG002 - the signature of all jobs
        assert self._step is not None
        return self._step


class RejudgeCard(Job[None]):
    """Replaces the filter's judgement on comments of a card, by comment number."""

    urgent = False

    def __init__(self, channel: str, card_id: int, judged: Mapping[int, JudgedComment], rules: Rules) -> None:
        super().__init__()
        self._of = (channel, card_id, judged, rules)

    def plan(self, group: Group) -> None:
        group.rejudge(*self._of)

    def result(self, group: Group) -> None:
        pass


class StoreCall(Job[T]):
    """Runs a function of the store, `run(session, ...)`, within the commit. The answer is what it returns."""

    def __init__(self, run: Callable[..., T], *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self._run = run
        self._given = (args, kwargs)
        self._returned: list[T] = []

    def plan(self, group: Group) -> None:
        args, kwargs = self._given
        session: Session = group.session
        self._returned = [self._run(session, *args, **kwargs)]

    def result(self, group: Group) -> T:  # noqa: ARG002 - the signature of all jobs
        return self._returned[0]
