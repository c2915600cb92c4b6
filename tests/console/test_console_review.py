"""Review through the console: who asks, what is answered with which status, and what the ledger says."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from console_stage import Stage
from httpx import Response
from pydantic import TypeAdapter
from tools.standin_comments import card
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from console.api.schema import model_of, socket_models
from console.auth.rights import API
from console.live.process_link import to_text
from console.review.link import MAX_WAITING, STATUSES, Subscription
from moderation.desk import messages
from moderation.desk.messages import Changed, Failure
from streamgate.ledger.read import read

REVIEW = f"{API}/review/main"
MESSAGE = TypeAdapter(next(one for one in socket_models() if one.__name__ == "ReviewMessage"))


async def ask(stage: Stage, method: str, path: str, body: object = None, **headers: str) -> Response:
    async with stage.client(signed_in=not headers) as client:
        return await client.request(method, f"{REVIEW}/{path}", json=body, headers=headers)


async def decisions(stage: Stage, count: int) -> list[dict[str, Any]]:
    """Return what the ledger says of review, once there are so many records."""
    async with asyncio.timeout(10):
        while True:
            records = list(read(stage.data_dir / "ledger", process="console"))
            found = [
                one for one in records if str(one.get("what", "")).startswith(("review.", "interaction."))
            ]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)


async def told(socket: ClientConnection, **wanted: Any) -> dict[str, Any]:
    """Return the next message whose members are as wanted; each is as the document describes it."""
    async with asyncio.timeout(5):
        while True:
            message = json.loads(await socket.recv())
            MESSAGE.validate_python(message)
            if all(message.get(name) == value for name, value in wanted.items()):
                return message


@pytest.fixture
async def office(stage: Stage) -> Stage:
    """A stage with a senior reviewer signed in."""
    await stage.person("sue", "senior-reviewer", "operator@hall")
    await stage.sign_in("sue")
    return stage


# ---------------------------------------------------------------- who asks


async def test_a_person_is_named_with_number_roles_and_address(office: Stage) -> None:
    assert (await ask(office, "GET", "cards/1")).status_code == 200
    (asked,) = office.comments.asked(messages.Get)
    by = asked.by
    assert (asked.channel, asked.cards, by.name, by.roles) == ("main", [1], "sue", ("senior-reviewer",))
    assert by.user_id > 0
    assert (by.actor, by.origin) == ("console:sue", "127.0.0.1")
    async with office.client() as client:
        assert (await client.get(f"{API}/review/hall/cards/1")).status_code == 200
    assert office.comments.asked(messages.Get)[-1].by.roles == ("senior-reviewer", "operator")


async def test_a_token_reads_and_never_decides(stage: Stage) -> None:
    async with stage.client() as client:
        body = {"name": "screen", "scopes": ["review:read"], "channel": "main"}
        token = (await client.post(f"{API}/tokens", json=body)).json()["token"]
        for scope in ("review:decide", "interaction:set", "terms:add"):
            refused = await client.post(f"{API}/tokens", json={"name": scope, "scopes": [scope]})
            assert refused.status_code == 409
    bearer = {"authorization": f"Bearer {token}"}
    assert (await ask(stage, "GET", "queue", **bearer)).json()["cards"][0]["id"] == 1
    by = stage.comments.asked(messages.Queue)[0].by
    assert (by.user_id, by.name, by.roles, by.actor) == (0, "screen", (), "token:screen")
    body = {"id": 1, "version": 1, "decision": "approve"}
    for method, path, given in (
        ("POST", "decisions", body),
        ("POST", "decisions/batch", {"cards": [[1, 1]], "decision": "approve"}),
        ("POST", "deal", {}),
        ("POST", "cards/1/claim", None),
        ("POST", "cards/1/reveal", None),
        ("PUT", "interaction", {"comments": True}),
        ("GET", "export?broadcast=x", None),
    ):
        answer = await ask(stage, method, path, given, **bearer)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
    stage.cookie = ""
    async with stage.socket(f"{REVIEW}/ws", headers=bearer) as socket:
        await told(socket, type="changed")
        await socket.send('{"claim": 1}')
        assert (await told(socket, type="not_claimed"))["code"] == "forbidden"
    assert not stage.comments.asked(messages.Decide) + stage.comments.asked(messages.Claim)


# ---------------------------------------------------------------- looking


async def test_the_queue_is_asked_for_as_it_was_wanted(office: Stage) -> None:
    page = (await ask(office, "GET", "queue?limit=2&order=gravest&stage=1&pile=waiting")).json()
    assert [one["id"] for one in page["cards"]] == [1, 2]
    assert (page["has_more"], page["counts"]["stages"]["1"]) == (True, 3)
    following = (await ask(office, "GET", "queue?limit=2&after=2")).json()
    assert ([one["id"] for one in following["cards"]], following["has_more"]) == ([3], False)
    first = office.comments.asked(messages.Queue)[0]
    assert (first.pile, first.stage, first.order, first.limit, first.after) == ("waiting", 1, "gravest", 2, 0)
    for wrong in ("limit=0", "limit=201", "stage=4", "pile=mine", "order=newest", "after=-1"):
        assert (await ask(office, "GET", f"queue?{wrong}")).status_code == 400, wrong


async def test_a_card_that_is_not_there_is_not_found(office: Stage) -> None:
    for method, path in (("GET", "cards/99"), ("POST", "cards/99/claim"), ("GET", "cards/99/author")):
        answer = await ask(office, method, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


async def test_an_author_is_trusted_and_no_longer(office: Stage) -> None:
    for trusted in (True, False):
        answer = await ask(office, "POST", "trust", {"card": 1, "trusted": trusted})
        assert (answer.status_code, answer.json()["trusted"]) == (200, trusted)
    yes, no, *_ = await decisions(office, 2)
    assert (yes["what"], yes["args"]) == ("review.trust", {"card": 1, "trusted": True})
    assert (no["what"], no["args"]) == ("review.trust", {"card": 1, "trusted": False})


async def test_the_author_and_the_bans(office: Stage) -> None:
    assert (await ask(office, "GET", "cards/1/author")).json()["author_id"] == "u1"
    made = await ask(office, "POST", "bans", {"card": 1, "cause": "spam", "minutes": 5})
    (ban,) = made.json()["bans"]
    assert (ban["cause"], ban["by"], ban["author_id"]) == ("spam", "console:sue", "u1")
    assert (await ask(office, "GET", "bans")).json()["bans"] == [ban]
    assert (await ask(office, "DELETE", f"bans/{ban['id']}")).json() == {"ok": True}
    assert (await ask(office, "DELETE", f"bans/{ban['id']}")).status_code == 404
    first, second, _ = await decisions(office, 3)
    assert (first["what"], first["args"]) == (
        "review.ban",
        {"card": 1, "cause": "spam", "minutes": 5, "ban_ids": [ban["id"]]},
    )
    assert (second["what"], second["args"]) == ("review.lift_ban", {"ban_id": str(ban["id"])})


# ---------------------------------------------------------------- decisions


async def test_a_decision_reaches_the_comments_process_and_the_ledger(office: Stage) -> None:
    body = {"id": 1, "version": 1, "decision": "reject", "reason": "spam", "note": "the number 13800138000"}
    answer = await ask(office, "POST", "decisions", body)
    assert answer.status_code == 200, answer.text
    assert {name: answer.json()[name] for name in ("id", "version", "state")} == {
        "id": 1,
        "version": 2,
        "state": "rejected",
    }
    assert answer.json()["card"]["decisions"][0]["by"] == "sue"
    (asked,) = office.comments.asked(messages.Decide)
    assert (asked.card, asked.version, asked.verb, asked.code) == (1, 1, "reject", "spam")
    assert asked.note == "the number 13800138000"
    (record,) = await decisions(office, 1)
    assert (record["kind"], record["what"], record["who"], record["channel"]) == (
        "decision",
        "review.decide",
        "console:sue",
        "main",
    )
    assert (record["args"], record["reason"]) == (
        {"id": 1, "version": 1, "decision": "reject", "stage": 1},
        "spam",
    )
    assert record["changes"] == [{"name": "state", "old": "waiting", "new": "rejected"}]
    assert "13800138000" not in json.dumps(record)


async def test_the_reason_of_what_is_no_rejection_is_the_persons_words(office: Stage) -> None:
    for verb in ("hold", "release", "restore", "undo", "escalate"):
        version = office.comments.cards[2].version
        body = {"id": 2, "version": version, "decision": verb, "reason": f"why {verb}"}
        assert (await ask(office, "POST", "decisions", body)).status_code == 200
        asked = office.comments.asked(messages.Decide)[-1]
        assert (asked.verb, asked.code, asked.note) == (verb, "", f"why {verb}")


async def test_a_stale_decision_is_a_conflict_with_the_card_as_it_is(office: Stage) -> None:
    body = {"id": 1, "version": 1, "decision": "approve"}
    assert (await ask(office, "POST", "decisions", body)).status_code == 200
    stale = await ask(office, "POST", "decisions", body)
    assert (stale.status_code, stale.json()["code"]) == (409, "stale")
    assert (stale.json()["card"]["version"], stale.json()["card"]["state"]) == (2, "approved")
    assert stale.json()["error_zh"] == "卡片已变化"
    done, refused = await decisions(office, 2)
    assert (done["answer"], refused["answer"]) == ("ok", "stale")


@pytest.mark.parametrize("code", [*STATUSES, "held", "closed", "too_late", "most_stages", "unreviewed"])
async def test_every_refusal_has_its_status(office: Stage, code: str) -> None:
    office.comments.failing = Failure(code, "no", "不")
    answer = await ask(office, "POST", "decisions", {"id": 1, "version": 1, "decision": "approve"})
    assert answer.status_code == STATUSES.get(code, 409)
    assert answer.json() == {"code": code, "error": "no", "error_zh": "不"}


async def test_a_batch_says_of_each_card_what_came_of_it(office: Stage) -> None:
    body = {"cards": [[1, 1], [2, 7], [99, 1]], "decision": "approve"}
    outcomes = (await ask(office, "POST", "decisions/batch", body)).json()["outcomes"]
    assert [(one["id"], one["state"], (one["failure"] or {}).get("code")) for one in outcomes] == [
        (1, "approved", None),
        (2, "waiting", "stale"),
        (99, "waiting", "not_found"),
    ]
    (record,) = await decisions(office, 1)
    assert record["args"] == {
        "decision": "approve",
        "cards": [1],
        "left_out": {"2": "stale", "99": "not_found"},
    }


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("decisions", {"id": 0, "version": 1, "decision": "approve"}),
        ("decisions", {"id": 2**53, "version": 1, "decision": "approve"}),
        ("decisions", {"id": 1, "version": 1, "decision": "publish"}),
        ("decisions", {"id": 1, "version": 1, "decision": "reject", "reason": "x" * 501}),
        ("decisions", {"id": "1", "version": 1, "decision": "approve"}),
        ("decisions/batch", {"cards": [], "decision": "approve"}),
        ("decisions/batch", {"cards": [[1]], "decision": "approve"}),
        ("decisions/batch", {"cards": [[1, 1]] * 501, "decision": "reject"}),
        ("decisions/batch", {"cards": [[1, 1]], "decision": "undo"}),
        ("retract", {"id": 1}),
        ("bans", {"card": 1, "cause": "x", "minutes": -1}),
        ("terms", {"term": "x"}),
        ("deal", {"stage": 9}),
    ],
)
async def test_what_cannot_be_meant_is_not_passed_on(office: Stage, path: str, body: object) -> None:
    answer = await ask(office, "POST", path, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert not office.comments.requests


async def test_what_was_published_is_taken_back(office: Stage) -> None:
    answer = await ask(office, "POST", "retract", {"id": 1, "reason": "a name", "comment": 1})
    assert answer.json()["card"]["retracted"] == [1]
    (asked,) = office.comments.asked(messages.Retract)
    assert (asked.card, asked.reason, asked.comment) == (1, "a name", 1)
    (record,) = await decisions(office, 1)
    assert (record["what"], record["reason"], record["args"]) == (
        "review.retract",
        "a name",
        {"id": 1, "comment": 1},
    )


async def test_to_reveal_is_on_record_and_what_is_revealed_is_not(office: Stage) -> None:
    answer = await ask(office, "POST", "cards/1/reveal")
    assert answer.json() == {"comments": [{"id": 1, "author": "小明", "text": "comment 1, revealed"}]}
    (record,) = await decisions(office, 1)
    assert (record["what"], record["args"], record["who"]) == (
        "review.reveal",
        {"card_id": "1", "comments": [1]},
        "console:sue",
    )
    assert "小明" not in json.dumps(record, ensure_ascii=False)


async def test_a_term_is_checked_and_added(office: Stage) -> None:
    body = {"term": "加微", "severity": "sensitive", "category": "advertising", "check_only": True}
    checked = (await ask(office, "POST", "terms", body)).json()
    assert (checked["added"], checked["findings"][0]["reason"]) == (False, "short")
    assert (await ask(office, "POST", "terms", {**body, "check_only": False})).json()["added"]
    assert [one.check_only for one in office.comments.asked(messages.AddTerm)] == [True, False]


async def test_interaction_is_changed_by_who_may_and_the_record_says_what_it_was(office: Stage) -> None:
    refused = await ask(office, "PUT", "interaction", {"comments": True})
    assert refused.json()["code"] == "forbidden"
    await office.sign_in("olga", "operator@main")
    changed = await ask(office, "PUT", "interaction", {"comments": True, "slow_s": 5})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["comments"], changed.json()["slow_s"], changed.json()["bullets"]) == (
        True,
        5,
        False,
    )
    assert (await ask(office, "GET", "interaction")).json() == changed.json()
    record = (await decisions(office, 2))[-1]
    assert (record["what"], record["args"]) == ("interaction.set", {"comments": True, "slow_s": 5})
    assert record["changes"] == [
        {"name": "comments", "old": False, "new": True},
        {"name": "slow_s", "old": 3, "new": 5},
    ]
    for wrong in ({"stages": 0}, {"window_s": 601}, {"max_chars": 2001}, {"comments": 1}):
        assert (await ask(office, "PUT", "interaction", wrong)).status_code == 400, wrong


# ---------------------------------------------------------------- the websocket


async def test_a_page_is_told_what_changes_as_it_was_said(office: Stage) -> None:
    async with office.socket(f"{REVIEW}/ws") as page, office.socket(f"{REVIEW}/ws") as other:
        first = await told(page, type="changed", many=True)
        assert (first["counts"]["stages"]["1"], first["interaction"]["comments"]) == (3, False)
        await told(other, type="changed", many=True)
        changed = Changed(channel="main", cards=[card(7, claimed_by="ann")], counts=office.comments.counts)
        await office.comments.push(changed)
        await office.comments.push(Changed(channel="hall", many=True))
        for socket in (page, other):
            assert json.loads(await socket.recv()) == msgspec.to_builtins(changed)
        assert len(office.comments.asked(messages.Watch)) == 1  # for both
    await office.until(lambda: office.comments.asked(messages.Unwatch))


async def test_a_card_claimed_over_the_websocket_is_let_go_with_it(office: Stage) -> None:
    async with office.socket(f"{REVIEW}/ws") as page:
        await told(page)
        await page.send('{"claim": 2}')
        await office.until(lambda: office.comments.claims == {2: "sue"})
        await page.send('{"claim": 3}')
        await office.until(lambda: office.comments.claims == {3: "sue"})
        await page.send('{"let_go": 3}')
        await office.until(lambda: not office.comments.claims)
        await page.send('{"claim": 1}')
        await office.until(lambda: office.comments.claims == {1: "sue"})
    await office.until(lambda: not office.comments.claims)


async def test_a_card_claimed_by_http_is_let_go_with_the_last_page(office: Stage) -> None:
    async with office.socket(f"{REVIEW}/ws") as page:
        await told(page)
        async with office.socket(f"{REVIEW}/ws") as second:
            await told(second)
            assert (await ask(office, "POST", "deal", {})).json()["card"]["id"] == 1
            assert (await ask(office, "POST", "cards/2/claim")).json()["card"]["claimed_by"] == "sue"
        await asyncio.sleep(0.2)
        assert office.comments.claims == {2: "sue"}
        assert not office.comments.asked(messages.ReleaseCard)
    await office.until(lambda: not office.comments.claims)
    assert [one.card for one in office.comments.asked(messages.ReleaseCard)] == [2]
    assert (await ask(office, "POST", "cards/2/claim")).status_code == 200  # no page: it lasts its time
    assert (await ask(office, "DELETE", "cards/2/claim")).json() == {"ok": True}
    assert not office.comments.claims


async def test_a_claim_that_is_refused_is_said_to_its_page(office: Stage) -> None:
    office.comments.claims[1] = "ann"
    async with office.socket(f"{REVIEW}/ws") as page:
        await told(page)
        await page.send('{"claim": 1}')
        assert (await told(page, type="not_claimed"))["code"] == "taken"
        for odd in ("{", '{"approve": 1}', "[1]", "[" * 10_000, '{"claim": "1"}'):
            await page.send(odd)
            assert (await told(page, type="not_claimed", card=0))["code"] == "bad_request"
    taken = await ask(office, "POST", "cards/1/claim")
    assert (taken.status_code, taken.json()["code"], taken.json()["card"]["claimed_by"]) == (
        409,
        "taken",
        "ann",
    )
    dealt = await ask(office, "POST", "deal", {"stage": 1, "order": "gravest"})
    assert dealt.json()["card"]["id"] == 2


async def test_a_page_whose_session_ends_is_closed_and_its_card_let_go(office: Stage) -> None:
    async with office.socket(f"{REVIEW}/ws") as page:
        await told(page)
        await page.send('{"claim": 1}')
        await office.until(lambda: office.comments.claims)
        async with office.client() as client:
            await client.delete(f"{API}/session")
        async with asyncio.timeout(5):
            await page.wait_closed()
        assert (page.close_code, page.close_reason) == (4401, "no_session")
    await office.until(lambda: not office.comments.claims)


async def test_a_page_that_does_not_read_is_told_to_ask_anew() -> None:
    slow = Subscription("main")
    for number in range(MAX_WAITING):
        assert slow.offer(f"change {number}")
    assert not slow.offer("one too many")
    assert slow.offer("ask anew")
    assert await slow.next() == "ask anew"


# ---------------------------------------------------------------- the comments process comes and goes


async def test_without_the_comments_process_it_says_so_at_once_and_goes_on_when_it_is_back(
    idle: Stage,
) -> None:
    async with idle.gate.running(), idle.console(comments=False):
        await idle.sign_in("sue", "senior-reviewer")
        async with asyncio.timeout(3):
            gone = await ask(idle, "GET", "queue")
        assert (gone.status_code, gone.json()["code"]) == (503, "comments_down")
        async with idle.socket(f"{REVIEW}/ws") as page:
            for _ in range(2):
                async with idle.comments.running():
                    assert (await told(page, many=True))["counts"]["stages"]["1"] == 3
                    assert (await ask(idle, "GET", "queue")).status_code == 200


async def test_who_waits_for_an_answer_learns_that_it_went_away(office: Stage) -> None:
    office.comments.mute = True
    waiting = asyncio.ensure_future(
        ask(office, "POST", "decisions", {"id": 1, "version": 1, "decision": "approve"})
    )
    await office.until(lambda: office.comments.asked(messages.Decide))
    for connection in list(office.comments._watchers):
        await connection.close()
    answer = await waiting
    assert (answer.status_code, answer.json()["code"]) == (503, "comments_down")
    assert "before it answered" in answer.json()["error"]
    assert [one["answer"] for one in await decisions(office, 1)] == ["comments_down"]


async def test_an_answer_that_does_not_come_is_not_waited_for(
    office: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.review.link.ANSWER_S", 0.3)
    office.comments.mute = True
    async with asyncio.timeout(2):
        answer = await ask(office, "GET", "cards/1")
    assert (answer.status_code, answer.json()["code"]) == (504, "comments_timeout")


async def test_another_version_is_no_comments_process(idle: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.review.link.VERSION", 2)
    async with idle.console():
        await idle.sign_in("sue", "senior-reviewer")
        await idle.until(lambda: idle.comments._watchers)
        answer = await ask(idle, "GET", "cards/1")
    assert (answer.status_code, answer.json()["code"]) == (503, "comments_down")


async def test_a_channel_that_cannot_be_watched_closes_its_page(
    office: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_channel = Failure("not_found", "there is no such channel", "没有该频道")
    monkeypatch.setattr(
        office.comments, "_answer", lambda request: messages.Reply(id=request.id, failure=no_channel)
    )
    async with office.socket(f"{REVIEW}/ws") as page:
        with pytest.raises(ConnectionClosed):
            await told(page)
        assert page.close_reason == "not_found"


def test_models_are_those_of_the_link() -> None:
    shown = model_of(messages.CardView)
    assert set(shown.model_fields) == set(messages.CardView.__struct_fields__)
    shown.model_validate_json(to_text(card(1)))


async def test_a_comments_process_that_hangs_is_away_until_it_goes_on(
    office: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.review.link.SILENCE_S", 0.2)
    for connection in office.comments._watchers:
        connection.transport.pause_reading()  # it is there, and reads nothing
    async with office.client() as client, asyncio.timeout(10):
        while "comments" not in (await client.get("/healthz")).json()["down"]:
            await asyncio.sleep(0.01)
        while "comments" in (await client.get("/healthz")).json()["down"]:
            await asyncio.sleep(0.05)
    assert (await ask(office, "GET", "cards/1")).status_code == 200
