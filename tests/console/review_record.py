"""A broadcast's comments in a real database, reviewed by the real machine: for tests of exports and forms."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from moderation.desk import card_records
from moderation.filter.policy import STAGES, Verdict
from moderation.review.card import Card, open_card
from moderation.review.events import (
    Approve,
    Escalate,
    Event,
    Expire,
    Hold,
    Publish,
    Reject,
    Restore,
    Retract,
    Reviewer,
)
from moderation.review.machine import apply
from moderation.review.reasons import RejectCode
from moderation.review.stages import Rules
from streamgate.store import comments, sources, users
from streamgate.store.comments import Judgement, NewComment

NOON = 1_764_331_200.0  # 2025-11-28 12:00:00 UTC
BROADCAST = "main-20251128T115500Z"
RULES = Rules(window_s=0)
CLEAN = Judgement(0, "starter 1", [], "", "", None, None)
PHONE = "13800138000"


def hit(term: str) -> dict[str, Any]:
    return {
        "term": term,
        "list": "ads",
        "version": "3",
        "category": "advertising",
        "severity": "sensitive",
        "channel": "exact",
        "start": 0,
        "end": len(term),
        "in_author": False,
    }


class Record:
    """Fills a database; numbers of cards and comments rise. Events come ten seconds after one another."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._source = sources.find(session, "watch-main") or sources.add(
            session, "watch-main", "hash", channel="main", by="cli:root", at=NOON
        )
        self.cards = self.comments = 0

    def reviewer(self, name: str, role: str) -> Reviewer:
        person = users.find(self._session, name)
        assert person is not None, name
        return Reviewer(person.id, frozenset({role}))

    def card(
        self,
        texts: Sequence[str],
        events: Iterable[Event] = (),
        *,
        author: str = "小明",
        judgement: Judgement = CLEAN,
        broadcast: str = BROADCAST,
        at: float | None = None,
    ) -> Card:
        """Put texts on a new card. `at`: when they came, later than those before."""
        self.cards += 1
        at = NOON + 100 * self.cards if at is None else at
        verdict = Verdict(judgement.verdict)
        numbers = [self.comments + 1 + place for place in range(len(texts))]
        card = open_card(
            self.cards,
            numbers[0],
            channel="main",
            broadcast=broadcast,
            key=f"key{self.cards}",
            verdict=verdict,
            stages=STAGES[verdict],
            now=at,
            rules=RULES,
        )
        card_records.add_many(self._session, [card])
        comments.add_many(
            self._session,
            [
                NewComment(
                    number,
                    card.id,
                    self._source.id,
                    f"c{number}",
                    "u1",
                    author,
                    text,
                    at,
                    None,
                    12.5,
                    judgement,
                )
                for number, text in zip(numbers, texts, strict=True)
            ],
        )
        self.comments += len(texts)
        card = card_records.load_many(self._session, [card.id])[card.id]
        for place, event in enumerate(events, 1):
            step = apply(card, event, at + 10 * place, RULES)
            card_records.save(self._session, step)
            card = step.card
        return card


def fill(session: Session) -> None:
    """Ann reviews first, Sue second: what a broadcast has of everything."""
    record = Record(session)
    ann, sue = record.reviewer("ann", "reviewer"), record.reviewer("sue", "senior-reviewer")
    record.card(
        ["主持人讲得真好", "主持人讲得真好"],
        [Approve(ann, 1), Publish(), Retract(sue, "点名到人", 2)],
    )
    record.card(
        ["加微信领资料"],
        [Approve(ann, 1), Reject(sue, 2, RejectCode.ADVERTISING, "=cmd|' /C calc'!A0")],
        judgement=Judgement(2, "starter 1", [hit("加微信")], "命中“加微信”", "It hits 加微信", None, None),
    )
    record.card(
        [f"我的电话 {PHONE}"],
        [Escalate(ann, 1, "含电话"), Hold(ann, "等老师确认"), Expire()],
        judgement=CLEAN._replace(masked="我的电话 138****8000"),
    )
    record.card(
        ['<script>alert(1)</script> "quoted", and\nmore 🎉'],
        [Reject(ann, 1, RejectCode.SPAM), Restore(sue, 2, "误判"), Approve(sue, 3), Publish()],
        author='=HYPERLINK("http://evil.example")',
    )
    record.card(["还没有人看"])
    record.card(["平时的评论"], [Expire()], broadcast="")
