"""Duty over HTTP and the page's websocket: roster, hand-over, signs of life that reach a real gate."""

import asyncio
from typing import Any

import pytest
from console_stage import Stage
from httpx import Response
from real_gate import running_gate
from store.conftest import on_both_engines

from console.auth.rights import ROLE_RIGHTS, Right
from console.duty import board
from console.duty.board import may_be_on_duty, may_watch
from streamgate.clock import wall_s
from streamgate.ledger.read import read
from streamgate.runtime.channels import ChannelStore
from streamgate.store import shifts
from streamgate.store.users import Grant

HOUR = 3600.0


async def ask(stage: Stage, method: str, path: str, body: object = None) -> Response:
    async with stage.client() as client:
        return await client.request(method, f"/api/v1/{path}", json=body)


async def done(stage: Stage, method: str, path: str, body: object = None) -> Any:
    answer = await ask(stage, method, path, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def shift(user: str, **changes: object) -> dict[str, object]:
    now = wall_s()
    return {"user": user, "starts_at": now - 60, "ends_at": now + HOUR, "broadcast": "晚会", **changes}


async def test_a_shift_of_a_number_that_no_database_holds_is_refused(stage: Stage) -> None:
    for number in (2**63, 10**30, 0):
        answer = await ask(stage, "DELETE", f"channels/main/duty/shifts/{number}")
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


@on_both_engines
async def test_the_roster_and_a_hand_over(idle: Stage, database_of_idle: object) -> None:
    from streamgate.store.upgrade import upgrade

    upgrade(idle.database)
    async with idle.gate.running(), idle.console():
        for name in ("ann", "ben"):
            await idle.person(name, "operator")
        await idle.sign_in("chief", "director")
        made = await done(idle, "POST", "channels/main/duty/shifts", shift("ann", note="主控室"))
        people = (await done(idle, "GET", "channels/main/duty/people"))["people"]
        assert [one["user"] for one in people] == ["ann", "ben", "chief"]
        refused = await ask(idle, "POST", "channels/main/duty/shifts", shift("nobody"))
        assert (refused.status_code, refused.json()["code"]) == (409, "refused")

        await idle.sign_in("ann")
        handed = {"to": "ben", "note": "话筒 2 有杂音"}
        await done(idle, "POST", "channels/main/duty/offer", handed)
        listed = await done(idle, "GET", "channels/main/duty")
        assert [(one["user"], one["to"], one["note"]) for one in listed["offers"]] == [
            ("ann", "ben", "话筒 2 有杂音")
        ]
        await idle.sign_in("ben")
        taken = await done(idle, "POST", "channels/main/duty/accept")
        assert (taken["user"], taken["note"]) == ("ann", "话筒 2 有杂音")
        await done(idle, "POST", "channels/main/duty/leave")
        await done(idle, "POST", "channels/main/duty/take", {"note": "临时"})
        listed = await done(idle, "GET", "channels/main/duty")
        told = [(one["user"], one["origin"], one["ended_why"]) for one in listed["shifts"]]
        assert told == [
            ("ann", "planned", "handed_over"),
            ("ben", "handed_over", "left"),
            ("ben", "taken", ""),
        ]
        await idle.sign_in("chief")
        again = await ask(idle, "DELETE", f"channels/main/duty/shifts/{made['shift']}")
        assert again.status_code == 409  # it has ended
        last = listed["shifts"][-1]["id"]
        await done(idle, "DELETE", f"channels/main/duty/shifts/{last}")
    told = [one for one in read(idle.data_dir / "ledger") if one.get("what", "").startswith("duty.")]
    assert [(one["who"], one["what"], one["answer"]) for one in told] == [
        ("console:chief", "duty.plan", "ok"),
        ("console:chief", "duty.plan", "refused"),
        ("console:ann", "duty.offer", "ok"),
        ("console:ben", "duty.accept", "ok"),
        ("console:ben", "duty.leave", "ok"),
        ("console:ben", "duty.take", "ok"),
        ("console:chief", "duty.remove", "refused"),
        ("console:chief", "duty.remove", "ok"),
    ]
    assert told[3]["args"]["from"] == "ann"
    assert told[-1]["args"]["user"] == "ben"


async def test_reaction_times_are_chosen_by_their_owner(idle: Stage) -> None:
    empty = {"measured_s": None, "marks": 0, "chosen_s": None, "in_force_s": None}
    async with idle.gate.running(), idle.console():
        await idle.sign_in()
        assert await done(idle, "GET", "me/reaction") == {"picture": empty, "sound": empty}
        chosen = await done(idle, "PUT", "me/reaction", {"kind": "sound", "chosen_s": 1.2})
        assert chosen["sound"] == {**empty, "chosen_s": 1.2, "in_force_s": 1.2}
        wrong = await ask(idle, "PUT", "me/reaction", {"kind": "sound", "chosen_s": 11})
        assert wrong.status_code == 400
        await done(idle, "PUT", "me/reaction", {"kind": "sound", "chosen_s": None})
    told = [one for one in read(idle.data_dir / "ledger") if one.get("what") == "own.reaction"]
    assert [one["answer"] for one in told] == ["ok", "bad_request", "ok"]
    assert told[0]["changes"] == [{"name": "reaction.sound", "new": 1.2}]


@pytest.mark.parametrize("role", sorted(ROLE_RIGHTS))
def test_who_may_be_on_duty(role: str) -> None:
    grants = [Grant(role, "main")]
    assert may_watch(grants, "main") == (Right.CHANNEL_CUT in ROLE_RIGHTS[role])
    assert may_be_on_duty(grants, "main") == (Right.DUTY_TAKE in ROLE_RIGHTS[role])
    assert not may_be_on_duty(grants, "hall")


@pytest.mark.alone
async def test_signs_of_life_reach_the_gate_and_a_closed_page_is_nobody(
    idle: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the page's own websocket: keys count at once, a page that connects again does not."""
    monkeypatch.setattr(board, "REPORT_S", 0.2)
    monkeypatch.setattr(board, "REFRESH_S", 0.2)
    store = ChannelStore(idle.data_dir)
    store.add("main")
    store.set("main", duty_watch="backup", duty_absent_s=20.0)
    async with running_gate(idle.data_dir) as station, idle.console():
        await idle.sign_in("ann", "director")
        channel = station.channels["main"]

        def duty() -> Any:
            return channel.status().duty

        await idle.until(lambda: duty().reported and duty().known)
        assert duty().people == []
        await done(idle, "POST", "channels/main/start", {})
        await done(idle, "POST", "channels/main/duty/take", {"note": ""})
        await idle.until(lambda: [one.user for one in duty().people] == ["ann"])
        assert duty().people[0].quiet_s is None  # no page is open
        async with idle.socket() as socket:
            await socket.send('{"t":"active"}')
            await idle.until(lambda: duty().people[0].quiet_s is not None)
            channel._duty._watch.there_at -= 30_000_000
            channel._duty._known.people.clear()  # what a lost person looks like
            channel.tick()
            await socket.send('{"t":"active"}')
            await idle.until(lambda: duty().state == "there")
        await idle.until(lambda: duty().people[0].quiet_s is None)
        channel._duty._watch.there_at -= 30_000_000
        channel.tick()
        assert (duty().state, channel.status().requested) == ("covered", "backup")
        async with idle.socket() as socket:
            await socket.send('{"t":"active"}')
            begun = asyncio.get_running_loop().time()
            await idle.until(lambda: channel.status().requested == "live")
            assert asyncio.get_running_loop().time() - begun < 2
            assert duty().state == "there"


async def test_without_the_database_whoever_may_cut_counts(
    idle: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ChannelStore(idle.data_dir).add("main")

    async with running_gate(idle.data_dir) as station, idle.console():
        await idle.sign_in("ann", "director")

        def fail(*_: object, **__: object) -> None:
            from streamgate.errors import StoreError

            raise StoreError("away")

        monkeypatch.setattr(shifts, "list_near", fail)
        made = board.DutyBoard.report

        def forget(self: board.DutyBoard, now: float) -> Any:
            self._roster = None  # as after a start without the database
            return made(self, now)

        monkeypatch.setattr(board.DutyBoard, "report", forget)
        async with idle.socket() as socket:
            await socket.send('{"t":"active"}')
            channel = station.channels["main"]
            await idle.until(lambda: [one.user for one in channel.status().duty.people] == ["ann"])
            assert not channel.status().duty.known
