from console_stage import Stage

from console.auth import tokens


async def test_the_link_signs_in_once_and_leaves_the_address_bar(stage: Stage) -> None:
    token = tokens.mint(stage.data_dir)
    async with stage.client(signed_in=False) as client:
        first = await client.get("/", params={"token": token})
        assert (first.status_code, first.headers["location"]) == (303, "/")
        cookie = first.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=strict", "Max-Age=43200", "Path=/"} <= set(cookie.split("; "))
        assert (await client.get("/api/v1/session")).json()["user"] == "operator"
    async with stage.client(signed_in=False) as client:
        again = await client.get("/", params={"token": token})
        assert (again.status_code, again.headers["location"]) == (303, "/?login=bad_token")
        assert "set-cookie" not in again.headers


async def test_a_token_posted_signs_in_once(stage: Stage) -> None:
    token = tokens.mint(stage.data_dir)
    async with stage.client(signed_in=False) as client:
        assert (await client.post("/api/v1/session", json={"token": token})).status_code == 200
    async with stage.client(signed_in=False) as client:
        again = await client.post("/api/v1/session", json={"token": token})
        assert (again.status_code, again.json()["code"]) == (401, "bad_token")
        assert "streamgate console-link" in again.json()["error"]
        assert "streamgate console-link" in again.json()["error_zh"]


async def test_the_cookie_survives_a_restart_of_the_console(idle: Stage) -> None:
    async with idle.console():
        cookie = await idle.sign_in()
    async with idle.console(), idle.client(signed_in=False) as client:
        answer = await client.get("/api/v1/session", headers={"cookie": cookie})
        assert answer.status_code == 200


async def test_everything_under_api_needs_the_cookie(stage: Stage) -> None:
    async with stage.client(signed_in=False) as client:
        for cookie in ({}, {"cookie": "streamgate_session=forged.0"}):
            for method, path in (
                ("GET", "/api/v1/session"),
                ("DELETE", "/api/v1/session"),
                ("GET", "/api/v1/state"),
                ("POST", "/api/v1/channels/main/cut"),
                ("GET", "/api/no-such-thing"),
            ):
                answer = await client.request(method, path, headers=cookie)
                assert (path, answer.status_code, answer.json()["code"]) == (path, 401, "no_session")
                assert answer.json()["error_zh"].startswith("尚未登录")
    assert stage.channel.requested == "live"


async def test_signing_out_removes_the_cookie(stage: Stage) -> None:
    async with stage.client() as client:
        answer = await client.delete("/api/v1/session")
        assert answer.json() == {"ok": True}
        assert 'streamgate_session="";' in answer.headers["set-cookie"]


async def test_tries_are_limited(stage: Stage) -> None:
    async with stage.client(signed_in=False) as client:
        codes = [
            (await client.post("/api/v1/session", json={"token": f"wrong {number}"})).status_code
            for number in range(12)
        ]
        assert codes == [401] * 10 + [429] * 2
        late = await client.post("/api/v1/session", json={"token": "wrong"})
        assert 0 < int(late.headers["retry-after"]) <= 61
        link = await client.get("/", params={"token": "wrong"})
        assert link.headers["location"] == "/?login=rate_limited"


async def test_a_body_that_is_no_token_is_refused(stage: Stage) -> None:
    async with stage.client(signed_in=False) as client:
        for body in (b"", b"[]", b'{"token": 1}', b'{"token": "x", "more": 1}', b"\xff"):
            answer = await client.post("/api/v1/session", content=body)
            assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
