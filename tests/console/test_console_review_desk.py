"""Review through the console with the real desk behind it: people, stages, leases, undo, retraction."""

import asyncio
import contextlib
import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

from console_stage import Stage
from httpx import Response
from real_comments import Comments, running_comments
from test_console_review import REVIEW, told

from console.auth.rights import API

PHONE = "13800138000"
TERM = "测试暗号"


class Office:
    """People with their sessions, and the desk."""

    def __init__(self, stage: Stage, comments: Comments) -> None:
        self.stage, self.comments = stage, comments
        self.cookies: dict[str, str] = {}

    async def ask(self, who: str, method: str, path: str, body: object = None) -> Response:
        self.stage.cookie = self.cookies[who]
        async with self.stage.client() as client:
            return await client.request(method, f"{REVIEW}/{path}", json=body)

    async def queue(self, who: str, **wanted: str) -> list[dict[str, Any]]:
        query = "&".join(f"{name}={value}" for name, value in wanted.items())
        answer = await self.ask(who, "GET", f"queue?{query}")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["cards"]
        return found

    async def decide(self, who: str, card: dict[str, Any], decision: str, **more: str) -> Response:
        body = {"id": card["id"], "version": card["version"], "decision": decision, **more}
        return await self.ask(who, "POST", "decisions", body)

    async def until(self, who: str, card_id: int, **wanted: Any) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while True:
                card: dict[str, Any] = (await self.ask(who, "GET", f"cards/{card_id}")).json()["card"]
                if all(card[name] == value for name, value in wanted.items()):
                    return card
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def open_office(idle: Stage) -> AsyncIterator[Office]:
    """A desk that takes comments in, a console, and five people who are signed in."""
    async with running_comments(idle) as comments, idle.console(comments=False):
        opened = Office(idle, comments)
        for name, roles in (
            ("ann", ["reviewer"]),
            ("sue", ["senior-reviewer"]),
            ("chen", ["chief-reviewer"]),
            ("olga", ["operator"]),
            ("dora", ["director"]),
        ):
            opened.cookies[name] = await idle.sign_in(name, *roles)
        async with asyncio.timeout(5):
            while (await opened.ask("olga", "GET", "interaction")).status_code != 200:
                await asyncio.sleep(0.05)
        opened_up = await opened.ask("olga", "PUT", "interaction", {"comments": True, "window_s": 0})
        assert opened_up.json()["comments"] is True, opened_up.text
        yield opened


async def test_a_clean_comment_is_published_after_one_review_and_taken_back(idle: Stage) -> None:
    async with open_office(idle) as office:
        await office.comments.write("主持人讲得真好")
        await office.comments.write("主持人讲得真好", "小红", "u2")
        (card,) = await office.queue("ann")
        assert (card["text"], card["verdict"], card["stages"], card["count"]) == (
            "主持人讲得真好",
            "clean",
            1,
            2,
        )
        approved = await office.decide("ann", card, "approve")
        assert approved.json()["state"] in {"approved", "published"}, approved.text
        shown = await office.until("ann", card["id"], state="published")
        assert [one["by"] for one in shown["decisions"]] == ["ann"]
        back = await office.ask("ann", "POST", "retract", {"id": card["id"], "reason": "点名到人"})
        assert back.json()["card"]["retracted"] == shown["comments"]
        (again,) = await office.queue("ann", pile="published")
        assert again["retracted"] == shown["comments"]


async def test_two_stages_ask_for_two_people_and_new_terms_count(idle: Stage) -> None:
    async with open_office(idle) as office:
        body = {"term": TERM, "severity": "sensitive", "category": "tests"}
        assert (await office.ask("ann", "POST", "terms", body)).status_code == 403
        checked = (await office.ask("sue", "POST", "terms", {**body, "check_only": True})).json()
        assert checked["added"] is False
        added = await office.ask("sue", "POST", "terms", body)
        assert added.json()["added"] is True, added.text
        await office.comments.write(f"大家说{TERM}")
        (card,) = await office.queue("ann", stage="1")
        card = await office.until("ann", card["id"], verdict="sensitive")  # waiting cards are judged anew
        assert (card["stages"], card["hits"][0]["term"]) == (2, TERM)
        first = (await office.decide("ann", card, "approve")).json()
        assert (first["state"], first["card"]["stage"]) == ("waiting", 2)
        same = await office.decide("ann", first, "approve")
        assert (same.status_code, same.json()["code"]) == (403, "not_entitled")
        sue = (await office.decide("sue", first, "escalate", reason="不确定")).json()
        assert sue["card"]["stages"] == 3
        second = (await office.decide("sue", sue, "approve")).json()
        twice = await office.decide("sue", second, "approve")
        assert (twice.status_code, twice.json()["code"]) == (403, "not_entitled")
        stale = await office.decide("chen", sue, "approve")
        assert (stale.status_code, stale.json()["code"], stale.json()["card"]["version"]) == (
            409,
            "stale",
            second["version"],
        )
        assert (await office.decide("chen", second, "approve")).status_code == 200
        await office.until("chen", card["id"], state="published")


async def test_nobody_decides_two_stages_whatever_their_role(idle: Stage) -> None:
    async with open_office(idle) as office:
        await office.ask("sue", "POST", "terms", {"term": TERM, "severity": "important", "category": "tests"})
        await office.comments.write(TERM)
        (card,) = await office.queue("chen")
        card = await office.until("chen", card["id"], verdict="important")
        first = (await office.decide("chen", card, "approve")).json()
        same = await office.decide("chen", first, "approve")
        assert (same.status_code, same.json()["code"]) == (403, "same_person")
        undone = (await office.decide("chen", first, "undo")).json()
        assert (undone["state"], undone["card"]["stage"], undone["card"]["decisions"]) == ("waiting", 1, [])


async def test_an_operator_reads_and_does_not_decide(idle: Stage) -> None:
    async with open_office(idle) as office:
        await office.comments.write("你好")
        (card,) = await office.queue("olga")
        refused = await office.decide("olga", card, "approve")
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        odd = await office.decide("ann", card, "reject", reason="because")
        assert (odd.status_code, odd.json()["code"]) == (422, "reason")
        many = [[card["id"], card["version"]]] * 21
        batch = await office.ask("ann", "POST", "decisions/batch", {"cards": many, "decision": "reject"})
        assert batch.status_code == 200, batch.text


async def test_each_is_dealt_a_card_of_their_own_and_sees_who_has_which(idle: Stage) -> None:
    async with open_office(idle) as office:
        for text in ("一号", "二号"):
            await office.comments.write(text)
        stage = office.stage
        stage.cookie = office.cookies["ann"]
        async with stage.socket(f"{REVIEW}/ws") as page:
            await told(page, type="changed")
            ann = (await office.ask("ann", "POST", "deal", {})).json()["card"]
            sue = (await office.ask("sue", "POST", "deal", {})).json()["card"]
            assert {ann["text"], sue["text"]} == {"一号", "二号"}
            taken = await office.ask("sue", "POST", f"cards/{ann['id']}/claim")
            assert (taken.status_code, taken.json()["code"]) == (409, "taken")
            assert taken.json()["card"]["claimed_by"] == "ann"
            changed = await told(page, type="changed")
            assert changed["counts"]["stages"]["1"] == 2
        await office.until("sue", ann["id"], claimed_by=None)  # the page is gone, and so is its lease


async def test_personal_data_is_starred_out_and_to_reveal_it_is_an_act(idle: Stage) -> None:
    async with open_office(idle) as office:
        await office.comments.write(f"打我电话 {PHONE}", "小明")
        (card,) = await office.queue("ann")
        assert (card["masked"], PHONE in json.dumps(card)) == (True, False)
        revealed = await office.ask("ann", "POST", f"cards/{card['id']}/reveal")
        assert PHONE in revealed.json()["comments"][0]["text"]
        author = (await office.ask("ann", "GET", f"cards/{card['id']}/author")).json()
        assert (author["author_id"], author["states"]) == ("u1", {"waiting": 1})
        ban = await office.ask("ann", "POST", "bans", {"card": card["id"], "cause": "广告", "minutes": 5})
        assert ban.json()["bans"][0]["author_id"] == "u1", ban.text
        assert (await office.ask("ann", "DELETE", f"bans/{ban.json()['bans'][0]['id']}")).status_code == 200
        export = await office.ask("dora", "GET", "export?broadcast=")
        (row,) = csv.DictReader(io.StringIO(export.content.decode("utf-8-sig"), newline=""))
        assert (row["state"], row["masked"], PHONE in row["text"]) == ("waiting", "yes", False)


async def test_a_comments_process_that_comes_back_has_what_it_had(idle: Stage) -> None:
    async with idle.console(comments=False):
        async with running_comments(idle) as comments:
            office = Office(idle, comments)
            for name, role in (("ann", "reviewer"), ("olga", "operator")):
                office.cookies[name] = await idle.sign_in(name, role)
            async with asyncio.timeout(5):
                while (await office.ask("olga", "PUT", "interaction", {"comments": True})).status_code != 200:
                    await asyncio.sleep(0.05)
            await comments.write("还在吗")
            (card,) = await office.queue("ann")
        async with idle.client() as client:
            gone = await client.get(f"{API}/review/main/queue")
        assert gone.json()["code"] == "comments_down"
        async with running_comments(idle):
            async with asyncio.timeout(5):
                while (await office.ask("ann", "GET", "queue")).status_code != 200:
                    await asyncio.sleep(0.05)
            (again,) = await office.queue("ann")
            assert (again["id"], again["version"], again["text"]) == (card["id"], card["version"], "还在吗")
            assert (await office.decide("ann", again, "approve")).status_code == 200
