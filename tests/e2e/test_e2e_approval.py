"""Rule R13 over the running program: what one person enters waits for another one's approval."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fakes.rtmp_peer import Peer
from tools.serve import Gate

KEY = "S3CRET-key"


@contextlib.asynccontextmanager
async def serving(directory: Path, toml: str = "") -> AsyncIterator[tuple[Gate, httpx.AsyncClient]]:
    """A running `streamgate serve` and somebody who is signed in to its console."""
    gate = Gate(directory / "gate")
    (gate.directory / "streamgate.toml").write_text(toml)
    await asyncio.to_thread(gate.start)
    try:
        ann = await asyncio.to_thread(gate.person, "ann", "administrator", "director")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{gate.console}", trust_env=False) as client:
            answer = await client.post("/api/v1/session", json=ann.credentials())
            client.headers["cookie"] = answer.headers["set-cookie"].partition(";")[0]
            yield gate, client
    finally:
        await asyncio.to_thread(gate.stop)


async def command(gate: Gate, *arguments: str) -> tuple[int, str]:
    done = await asyncio.to_thread(gate.command, *arguments)
    return done.code, done.out + done.err


async def state(client: httpx.AsyncClient) -> str:
    (channel,) = (await client.get("/api/v1/state")).json()["channels"]
    (destination,) = channel["destinations"]
    return str(destination["state"])


async def until_live(client: httpx.AsyncClient, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while await state(client) != "live":
            await asyncio.sleep(0.1)


def record(gate: Gate) -> list[tuple[str, str | None, str | None]]:
    """What the database says of approvals: entered by, approved by, how."""
    with contextlib.closing(sqlite3.connect(gate.directory / "streamgate.sqlite")) as database:
        rows = database.execute("SELECT entered_by, approved_by, via FROM destination_approvals ORDER BY id")
        return list(rows)


async def until_recorded(gate: Gate, *, approved: bool) -> tuple[str, str | None, str | None]:
    """Return the one row there is once it is as wanted; the record follows within seconds."""
    async with asyncio.timeout(20):
        while True:
            found = await asyncio.to_thread(record, gate)
            if [row[1] is not None for row in found] == [approved]:
                return found[0]
            await asyncio.sleep(0.2)


async def test_entered_on_the_page_it_waits_for_another_person(tmp_path: Path) -> None:
    async with Peer() as peer, serving(tmp_path) as (gate, client):
        me = (await client.get("/api/v1/session")).json()["user"]
        await client.post("/api/v1/channels", json={"name": "main"})
        entered = await client.post(
            "/api/v1/channels/main/destinations", json={"name": "yt", "url": peer.url(f"live/{KEY}")}
        )
        assert entered.json()["not_in_force"] is None
        assert (await client.post("/api/v1/channels/main/start")).status_code == 200
        own = await client.post("/api/v1/channels/main/destinations/yt/approve")
        assert (own.status_code, own.json()["code"]) == (409, "refused")
        await asyncio.sleep(4)
        assert (await state(client), peer.keys) == ("waiting", [])
        assert await until_recorded(gate, approved=False) == (f"console:{me}", None, None)

        code, said = await command(gate, "channel", "approve", "main", "yt")
        assert code == 0, said
        await until_live(client)
        assert peer.keys == [KEY]
        entered_by, approved_by, via = await until_recorded(gate, approved=True)
        assert (entered_by, via) == (f"console:{me}", "command-line")
        assert (approved_by or "").startswith("cli:")

        await asyncio.to_thread(gate.kill, "gate")  # it comes back with what the file says
        await until_live(client)
        assert KEY not in gate.log
        for path in (gate.directory / "ledger").rglob("*.jsonl"):
            assert KEY not in path.read_text("utf-8")
        assert KEY not in (gate.directory / "channels" / "main.json").read_text("utf-8")


@pytest.mark.parametrize("approval", ["one-person", "two-person"])
async def test_entered_on_the_machine_it_waits_only_if_two_people_are_demanded(
    tmp_path: Path, approval: str
) -> None:
    async with Peer() as peer, serving(tmp_path, f'approval = "{approval}"\n') as (gate, client):
        code, said = await command(gate, "channel", "add", "main", "--push", f"yt={peer.url(f'live/{KEY}')}")
        assert code == 0, said
        assert (await client.post("/api/v1/channels/main/start")).status_code == 200
        if approval == "two-person":
            assert (await command(gate, "channel", "approve", "main", "yt"))[0] == 1
            await asyncio.sleep(4)
            assert (await state(client), peer.keys) == ("waiting", [])
            approved = await client.post("/api/v1/channels/main/destinations/yt/approve")
            assert approved.status_code == 200, approved.text
        await until_live(client)
        assert peer.keys == [KEY]
        entered_by, approved_by, via = await until_recorded(gate, approved=True)
        assert entered_by.startswith("cli:")
        assert (via == "command-line") == (approval == "one-person")
        assert (approved_by == entered_by) == (approval == "one-person")
        shown = (await client.get("/api/v1/settings")).json()["settings"]
        assert [(one["value"], one["source"]) for one in shown if one["name"] == "approval"] == [
            (approval, "file")
        ]
