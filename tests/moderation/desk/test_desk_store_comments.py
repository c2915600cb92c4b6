"""Comments that come in: accepted means stored, each once, on a card with its equals."""

import asyncio
import time
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from desk_running import (
    BLOCKED,
    IMPORTANT,
    OPEN,
    REVIEWER,
    SENSITIVE,
    SOURCE,
    SUSPECTED,
    approve,
    card_of,
    comment,
    open_up,
    prepare,
    running,
    take,
    until,
)
from sqlalchemy.orm import Session

from moderation.desk import upkeep
from moderation.desk.desk import Desk
from moderation.desk.group import Group
from moderation.desk.intake import IntakeResult
from moderation.desk.jobs import StoreCall
from moderation.desk.messages import InteractionView
from moderation.filter.policy import Verdict
from moderation.review.card import State
from streamgate.errors import StoreConflictError, StoreError
from streamgate.store import bans, client_ids, comments, trusted
from streamgate.store.comment_models import Comment
from streamgate.store.database import Database
from streamgate.store.location import Location


def stored(location: Location) -> list[Comment]:
    with Database(location) as database, database.read() as session:
        return list(session.scalars(sa.select(Comment).order_by(Comment.id)))


# ---------------------------------------------------------------- accepted


async def test_an_accepted_comment_is_stored_with_its_judgement(desk: Desk, location: Location) -> None:
    taken = await take(desk, f"我说{SENSITIVE}", author="王五", client_id="c", sent_at=1.5, at_media_s=2.5)
    assert taken == IntakeResult("c", 1, "waiting")
    (one,) = stored(location)
    assert (one.text, one.author, one.sent_at, one.at_media_s) == (f"我说{SENSITIVE}", "王五", 1.5, 2.5)
    assert (one.verdict, one.lists) == (Verdict.SENSITIVE, desk.filter.version)
    assert [(hit["term"], hit["list"], hit["version"], hit["start"]) for hit in one.hits] == [
        (SENSITIVE, "words", "7", 2)
    ]
    assert SENSITIVE in one.cause_zh


async def test_the_verdict_decides_stages_and_pile(desk: Desk) -> None:
    for text, stages, state in (
        ("你好", 1, State.WAITING),
        (SUSPECTED, 1, State.WAITING),
        (SENSITIVE, 2, State.WAITING),
        (IMPORTANT, 3, State.WAITING),
        (BLOCKED, 3, State.BLOCKED),
    ):
        taken = await take(desk, text)
        assert taken.state == "waiting"  # what the filter thinks is not told
        card = card_of(desk, taken.id)
        assert (card.stages, card.state) == (stages, state)


async def test_an_author_name_is_filtered_like_a_text(desk: Desk) -> None:
    first = await take(desk, "你好", author=f"我是{SENSITIVE}")
    second = await take(desk, "你好", author=f"他是{SENSITIVE}")
    entry = desk.piles.get(card_of(desk, first.id).id)
    assert entry.card.stages == 2
    assert entry.members[0].judgement.hits[0]["in_author"]
    assert entry.members[0].judgement.cause_zh.startswith("昵称：")
    assert card_of(desk, second.id) != entry.card  # another name: to be seen, too


async def test_equal_texts_share_a_card_while_nobody_acted_on_it(desk: Desk) -> None:
    many = [comment(text, author=f"n{number}") for number, text in enumerate(["加油", "加油！", "加 油"] * 5)]
    taken = await desk.store_comments(SOURCE, many)
    assert [one.id for one in taken] == list(range(1, 16))
    later = await take(desk, "加油")
    card = card_of(desk, later.id)
    assert card.comments == tuple(range(1, 17))
    assert len(desk.piles) == 1
    await approve(desk, card, REVIEWER)
    another = await take(desk, "加油")
    assert another.id == 17
    await until(lambda: card.id not in desk.piles)
    assert card_of(desk, another.id).comments == (17,)


async def test_no_comment_joins_a_card_with_a_lease(desk: Desk) -> None:
    first = card_of(desk, (await take(desk, "加油")).id)
    desk.leases.claim(first.id, REVIEWER.id, time.monotonic())
    second = await take(desk, "加油")
    assert card_of(desk, second.id).id != first.id
    assert desk.piles.get(first.id).card == first


async def test_a_comment_handed_in_twice_is_stored_once(desk: Desk, location: Location) -> None:
    one = comment("你好", client_id="same")
    first, second = await desk.store_comments(SOURCE, [one, one])
    (third,) = await desk.store_comments(SOURCE, [msgspec.structs.replace(one, text="等等")])
    assert first == second == third == IntakeResult("same", 1, "waiting")
    await open_up(desk, InteractionView())  # closed meanwhile: it was accepted all the same
    assert await desk.store_comments(SOURCE, [one]) == [first]
    assert len(stored(location)) == 1


async def test_a_client_id_can_be_used_again_after_a_day(desk: Desk, location: Location) -> None:
    taken = await take(desk, "你好", client_id="same")
    await desk.call(lambda session: session.execute(sa.text("UPDATE client_ids SET at = at - 86401")))
    again = await take(desk, "再见", client_id="same")
    assert (taken.id, again.id) == (1, 2)
    await desk.call(client_ids.prune, at=0.0)
    assert len(stored(location)) == 2


async def test_concurrent_comments_share_commits(desk: Desk) -> None:
    before = desk.writer.commits
    taken = await asyncio.gather(*(take(desk, f"第{number}条") for number in range(300)))
    assert sorted(one.id for one in taken) == list(range(1, 301))
    assert desk.writer.commits - before < 60


# ---------------------------------------------------------------- refused


async def test_comments_are_closed_by_default_and_bullets_are_a_setting_of_their_own(
    location: Location, tmp_path: Path
) -> None:
    prepare(location)
    async with running(location, tmp_path / "lists") as desk:
        refused = await take(desk, "你好")
        assert (refused.id, refused.code) == (None, "interaction_closed")
        assert refused.error_zh
        await open_up(desk, InteractionView(comments=True))
        assert (await take(desk, "你好")).id == 1
        assert (await take(desk, "你好", bullet=True)).code == "interaction_closed"
        await open_up(desk, InteractionView(bullets=True))
        assert (await take(desk, "你好", bullet=True)).id == 2
    assert len(stored(location)) == 2


async def test_a_bad_comment_does_not_fail_its_batch(desk: Desk) -> None:
    taken = await desk.store_comments(
        SOURCE, [comment("好"), comment("a\0"), comment("长" * 201), comment("棒"), comment("\ud800")]
    )
    assert [one.code for one in taken] == ["", "bad_comment", "too_long", "", "bad_comment"]
    assert [one.id for one in taken] == [1, None, None, 2, None]


async def test_a_banned_author_is_refused_until_the_ban_ends(desk: Desk) -> None:
    plain = {"author": "小明", "card_id": None, "cause": "辱骂", "by": "console:a", "at": time.time()}
    await desk.call(bans.add, "main", SOURCE.id, "u1", **plain, ends_at=time.time() + 3.0)
    await until(lambda: desk.bans.of("main", time.time()))  # the desk looks every second
    refused = await take(desk, "你好")
    assert refused.code == "banned"
    assert "s more" in refused.error
    assert (await take(desk, "你好", author_id="u2")).code == ""
    await asyncio.sleep(3.0)
    assert (await take(desk, "你好")).code == ""


async def test_a_full_queue_refuses_and_says_so(location: Location, tmp_path: Path) -> None:
    prepare(location)
    async with running(location, tmp_path / "lists") as desk:
        await open_up(desk, msgspec.structs.replace(OPEN, queue_limit=5))
        taken = await desk.store_comments(SOURCE, [comment(f"第{number}条") for number in range(8)])
        assert [one.code for one in taken] == [""] * 5 + ["queue_full"] * 3
        assert len(stored(location)) == 5
        assert len(desk.piles) == 5


async def test_a_trusted_author_comes_earlier_in_the_queue_and_skips_no_stage(
    location: Location, tmp_path: Path
) -> None:
    prepare(location)
    async with running(location, tmp_path / "lists") as desk:
        await open_up(desk)
        await desk.call(trusted.add, SOURCE.id, "known", by="console:ann", at=1.0)
        await desk.call(trusted.add, SOURCE.id, "known", by="console:bea", at=2.0)  # it is so already
        await upkeep.reload_switches(desk)
        texts = (("u1", "一"), ("known", "二"), ("known", SENSITIVE), ("u1", "三"))
        taken = [await take(desk, text, author_id=author) for author, text in texts]
        cards = [card_of(desk, one.id) for one in taken]
        assert [(card.trusted, card.stages) for card in cards] == [
            (False, 1), (True, 1), (True, 2), (False, 1),
        ]  # fmt: skip
        ids = [card.id for card in cards]
        waiting = [ids[1], ids[2], ids[0], ids[3]]
        assert list(desk.piles.of("main").ids("waiting")) == waiting
        assert desk.piles.of("main").oldest("waiting") == cards[0].opened_at
        assert await desk.call(trusted.remove, SOURCE.id, "known", by="console:ann", at=3.0)
    async with running(location, tmp_path / "lists") as desk:
        assert list(desk.piles.of("main").ids("waiting")) == waiting  # as they were opened
        assert not card_of(desk, (await take(desk, "四", author_id="known")).id).trusted


async def test_no_comment_is_accepted_before_the_filter_is_built(desk: Desk) -> None:
    built, desk.filter = desk.filter, None
    assert (await take(desk, "你好")).code == "starting"
    desk.filter = built
    assert (await take(desk, "你好")).id == 1


async def test_a_comment_the_filter_did_not_check_in_time_needs_all_stages(desk: Desk) -> None:
    service = desk.filter.service
    await service.__aexit__()  # its worker is gone: every answer is the late one
    desk.unjudged.clear()
    taken = await take(desk, "你好 13800138000")
    card = card_of(desk, taken.id)
    assert (card.stages, card.verdict) == (3, Verdict.IMPORTANT)
    assert card.id in desk.unjudged  # it is looked at again


# ---------------------------------------------------------------- the writer


async def test_a_job_the_database_refuses_fails_alone(desk: Desk, location: Location) -> None:
    wrong = StoreCall(
        bans.add, "main", 99, "u", author="", card_id=None, cause="c", by="x", at=1.0, ends_at=None
    )
    desk.writer.submit(wrong)
    taken = await asyncio.gather(*(take(desk, f"第{number}条") for number in range(20)))
    assert {one.code for one in taken} == {""}
    with pytest.raises(StoreConflictError):
        await wrong.answer
    assert len(stored(location)) == 20


async def test_a_job_that_raises_fails_alone(desk: Desk) -> None:
    def mistake(_session: object) -> None:
        raise ZeroDivisionError

    wrong = StoreCall(mistake)
    desk.writer.submit(wrong)
    taken = await asyncio.gather(*(take(desk, f"第{number}条") for number in range(5)))
    assert {one.code for one in taken} == {""}
    with pytest.raises(Exception, match="the log of the comments process says why"):
        await wrong.answer


async def test_a_database_that_is_away_loses_nothing_and_acknowledges_nothing(
    location: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(location)
    async with running(location, tmp_path / "lists") as desk:
        await open_up(desk)
        assert (await take(desk, "之前")).id == 1
        write = Group.write

        def away(self: Group, session: Session) -> None:
            write(self, session)
            session.execute(sa.text("SELECT 1 FROM no_such_table"))

        monkeypatch.setattr(Group, "write", away)
        taken = await asyncio.gather(
            *(take(desk, f"其间{number}", client_id=f"d{number}") for number in range(3))
        )
        assert {one.code for one in taken} == {"database_away"}
        monkeypatch.setattr(Group, "write", write)
        await until(lambda: desk.writer.ready)
        again = await asyncio.gather(
            *(take(desk, f"其间{number}", client_id=f"d{number}") for number in range(3))
        )
        assert sorted(one.id for one in again) == [2, 3, 4]
        assert len(desk.piles) == 4
    assert len(stored(location)) == 4


async def test_a_change_by_another_writer_is_noticed_and_memory_is_reloaded(
    desk: Desk, location: Location
) -> None:
    card = card_of(desk, (await take(desk, "你好")).id)
    with Database(location) as other, other.write() as session:
        session.execute(sa.text("UPDATE cards SET revision = 9"))
    step_card = await approve_stale(desk, card)
    assert step_card == "stale"
    assert desk.piles.get(card.id).card.revision == 9


async def approve_stale(desk: Desk, card: object) -> str:
    try:
        await approve(desk, card, REVIEWER)
    except StoreError as error:
        return error.kind
    except Exception as error:  # noqa: BLE001 - the code is looked at
        return error.code
    return ""


async def test_authors_see_states_without_the_filter_verdict(desk: Desk) -> None:
    numbers = [(await take(desk, text)).id for text in ("你好", BLOCKED, "再见")]
    await approve(desk, card_of(desk, numbers[0]), REVIEWER)
    await until(lambda: len(desk.piles) == 2)
    assert await desk.states_of(numbers) == {1: "published", 2: "waiting", 3: "waiting"}
    assert (await desk.reader.read(comments.last_id)) == 3
