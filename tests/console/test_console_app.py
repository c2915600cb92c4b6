import asyncio
import shutil

import pytest
from console_stage import Stage, receive

UP = {"ok": True, "console": True, "gate": True, "ingest": True, "comments": True, "down": []}


async def test_healthz_says_all_is_up(stage: Stage) -> None:
    async with stage.client(signed_in=False) as client:
        answer = await client.get("/healthz")
        assert (answer.status_code, answer.json()) == (200, UP)


async def test_healthz_names_ingest_when_it_is_gone(stage: Stage) -> None:
    stage.gate.ingest_up = False
    async with stage.client(signed_in=False) as client:
        answer = await client.get("/healthz")
        assert answer.status_code == 503
        assert answer.json()["down"] == ["ingest"]
        assert answer.json()["error"] == "ingest is not up"


async def test_healthz_names_the_gate_when_it_is_gone_and_sees_it_return(idle: Stage) -> None:
    async with idle.console(), idle.client(signed_in=False) as client:
        gone = await client.get("/healthz")
        assert (gone.status_code, gone.json()["down"]) == (503, ["gate", "ingest"])
        async with idle.gate.running(), asyncio.timeout(3):
            while (await client.get("/healthz")).json() != UP:
                await asyncio.sleep(0.05)
        async with asyncio.timeout(3):
            while (await client.get("/healthz")).status_code != 503:
                await asyncio.sleep(0.05)


async def test_healthz_and_state_say_when_comments_are_gone(idle: Stage) -> None:
    async with idle.gate.running(), idle.console(comments=False), idle.client() as client:
        await idle.sign_in()
        client.headers["cookie"] = idle.cookie
        await idle.until(lambda: idle.gate.requests)
        gone = await client.get("/healthz")
        assert (gone.status_code, gone.json()["down"]) == (503, ["comments"])
        assert gone.json()["error"] == "comments is not up"
        assert (await client.get("/api/v1/state")).json()["gate"]["comments_up"] is False
        async with idle.socket() as socket:
            assert (await receive(socket, "hello"))["gate"]["comments_up"] is False
            async with idle.comments.running():
                await receive(socket, "state", comments_up=True)
                assert (await client.get("/healthz")).json() == UP
            await receive(socket, "state", comments_up=False)


async def test_healthz_does_not_wait_for_a_gate_that_hangs(stage: Stage) -> None:
    stage.gate.mute = True
    async with stage.client(signed_in=False) as client, asyncio.timeout(1.9):
        answers = await asyncio.gather(*(client.get("/healthz") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {503}
    probes = [request for request in stage.gate.requests if type(request).__name__ == "GetStatus"]
    assert len(probes) == 1  # however often it is asked


async def test_one_http_call_is_one_command(stage: Stage) -> None:
    async with stage.client() as client:
        for command, body, requested in (
            ("cut", None, "cut"),
            ("restore", {"reason": "false alarm"}, "live"),
            ("backup", {"clip": "pause.mp4"}, "backup"),
            ("live", None, "live"),
            ("backup", None, "backup"),
            ("live", {}, "live"),
            ("dump", {"seconds": 5}, "live"),
            ("stop", {"reason": "the show is over"}, "stopped"),
            ("start", None, "live"),
        ):
            answer = await client.post(f"/api/v1/channels/main/{command}", json=body)
            assert answer.status_code == 200, (command, answer.text)
            told = {"channel", "state", "took_ms", "waiting"}
            assert answer.json().keys() == told or (command == "dump" and answer.json().keys() > told)
            assert (answer.json()["channel"], answer.json()["state"]) == ("main", stage.channel.state())
            assert stage.channel.requested == requested
            request = stage.gate.requests[-1]
            assert (type(request).__name__.lower(), request.actor) == (command, "console:operator")
            assert request.reason == (body or {}).get("reason", "")
            if command == "dump":
                assert request.seconds == 5
            if command == "backup":
                assert request.clip == (body or {"clip": ""})["clip"]


async def test_a_wrong_command_gets_a_reason_and_changes_nothing(stage: Stage) -> None:
    async with stage.client() as client:
        for path, content, status, code in (
            ("main/restore", b'{"reason": "why not"}', 409, "refused"),  # it is not cut
            ("main/restore", b"", 400, "reason_needed"),
            ("main/stop", b"{}", 400, "reason_needed"),
            ("main/stop", b'{"reason": " \\n "}', 400, "reason_needed"),
            ("main/stop", b'{"reason": "%s"}' % (b"x" * 501), 400, "reason_needed"),
            ("nowhere/cut", b"", 409, "refused"),
            ("main/dump", b'{"seconds": 0}', 400, "bad_request"),
            ("main/dump", b'{"seconds": 1e9}', 400, "bad_request"),
            ("main/dump", b'{"seconds": "5"}', 400, "bad_request"),
            ("main/dump", b'{"second": 5}', 400, "bad_request"),
            ("main/cut", b'{"seconds": 5}', 400, "bad_request"),
            ("main/cut", b"{", 400, "bad_request"),
            ("main/explode", b"", 404, "not_found"),
        ):
            answer = await client.post(f"/api/v1/channels/{path}", content=content)
            assert (path, answer.status_code, answer.json()["code"]) == (path, status, code)
            assert answer.json()["error"]
    assert stage.channel.requested == "live"
    assert stage.channel.spans == []


@pytest.mark.alone
async def test_a_command_without_a_gate_fails_at_once(idle: Stage) -> None:
    async with idle.console():
        await idle.sign_in()
        async with idle.client() as client, asyncio.timeout(0.5):
            answer = await client.post("/api/v1/channels/main/cut")
        assert (answer.status_code, answer.json()["code"]) == (503, "gate_down")


async def test_state_for_scripts(stage: Stage) -> None:
    async with stage.client() as client:
        state = (await client.get("/api/v1/state")).json()
    assert state["gate"] == {"up": True, "ingest_up": True, "warnings": [], "comments_up": True}
    assert [channel["name"] for channel in state["channels"]] == ["main"]


async def test_the_page_is_never_cached_and_its_assets_always(stage: Stage) -> None:
    async with stage.client(signed_in=False) as client:
        page = await client.get("/")
        assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
        assert "<title>streamgate</title>" in page.text
        asset = await client.get("/assets/app-1a2b.js")
        assert asset.status_code == 200
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert asset.headers["content-type"].startswith(("text/javascript", "application/javascript"))
        for path in ("/assets/app-0000.js", "/index.html", "/../data/console.secret", "/%2e%2e/x", "/docs"):
            missing = await client.get(path)
            assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_the_address_of_a_screen_opens_the_page(stage: Stage) -> None:
    browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with stage.client(signed_in=False) as client:
        for path in ("/live", "/live/main", "/live/%E4%B8%BB.main", "/nothing", "/index.html"):
            page = await client.get(path, headers=browser)
            assert (page.status_code, page.headers["cache-control"]) == (200, "no-store"), path
            assert "<title>streamgate</title>" in page.text
        for path in ("/assets/app-0000.js", "/api/nothing"):
            assert "<title>" not in (await client.get(path, headers=browser)).text


async def test_the_viewers_pages_are_not_served_to_operators(stage: Stage) -> None:
    browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with stage.client(signed_in=False) as client:
        for path in ("/watch.html", "/overlay.html"):
            (stage.static / path[1:]).write_text("for viewers")
            assert (await client.get(path)).status_code == 404
            page = await client.get(path, headers=browser)
            assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
            assert "<title>streamgate</title>" in page.text


async def test_without_a_build_it_says_how_to_make_one(stage: Stage) -> None:
    shutil.rmtree(stage.static)
    async with stage.client(signed_in=False) as client:
        page = await client.get("/")
        assert page.status_code == 200
        assert "npm run build" in page.text
        assert "页面尚未构建" in page.text
        assert (await client.get("/assets/app-1a2b.js")).status_code == 404
