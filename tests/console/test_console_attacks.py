"""Attacks on the console, each by the wire: other sites' pages, guessing, floods, slowness, odd bytes."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil
import pytest
from console_stage import Stage, receive
from sqlalchemy import select
from test_console_tls import write_certificate
from websockets.exceptions import ConnectionClosed

from console import connections
from console.auth import accounts, guard, sessions, sign_in
from console.auth.passwords import Hashing
from console.auth.remembered import Memory
from console.auth.sessions import Rules, Sessions
from console.auth.tokens import Tries
from console.tls import Certificate
from streamgate.runtime import web
from streamgate.store import sign_ins, users
from streamgate.store.database import AsyncDatabase, Database

WRONG = "wrong wrong wrong"
NEW = "harbour lamp seven rivers"


async def raw(port: int, data: bytes, *, seconds: float = 5, source: str = "127.0.0.1") -> bytes:
    """Send bytes as they are; return what comes until the other side closes, or nothing more comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    writer.write(data)
    answer = b""
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(seconds):
            while piece := await reader.read(65_536):
                answer += piece
    writer.transport.abort()
    return answer


async def healthy(stage: Stage) -> bool:
    async with stage.client() as client:
        return (await client.get("/api/v1/session")).status_code == 200


# ---------------------------------------------------------------- other sites' pages (CSRF)

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain")


@pytest.mark.parametrize(
    "sent",
    [
        {"origin": "https://attacker.example"},
        {"origin": "null"},
        {"origin": ""},
        {"sec-fetch-site": "cross-site"},  # and no Origin
        {"sec-fetch-site": "same-site"},
        {"origin": "https://attacker.example", "sec-fetch-site": "same-origin"},
    ],
    ids=str,
)
async def test_another_sites_page_changes_nothing_in_its_visitors_name(
    stage: Stage, sent: dict[str, str]
) -> None:
    person = await stage.person("operator")
    async with stage.client() as client:
        for method, path, body in (
            ("POST", "channels/main/cut", b""),
            ("POST", "channels/main/stop", b'{"reason": "x"}'),
            ("POST", "session", json.dumps(person.credentials()).encode()),  # signing in as the attacker
            ("DELETE", "session", b""),
            ("POST", "invitations", b'{"username": "eve", "roles": ["administrator"]}'),
            ("PATCH", "users/operator", b'{"disabled": true}'),
            ("POST", "tokens", b'{"name": "eve", "scopes": ["channel:cut"]}'),
            ("PUT", "channels/main/backups/a.mp4", b"x"),
        ):
            for kind in (*FORMS, "application/json", ""):
                headers = sent | ({"content-type": kind} if kind else {})
                answer = await client.request(method, f"/api/v1/{path}", content=body, headers=headers)
                assert (path, kind, answer.status_code, answer.json()["code"]) == (
                    path,
                    kind,
                    403,
                    "bad_origin",
                )
                assert "set-cookie" not in answer.headers
        assert (await client.get("/api/v1/tokens")).json()["tokens"] == []
        assert len((await client.get("/api/v1/users")).json()["people"]) == 1
    assert stage.channel.requested == "live"


async def test_under_tls_a_page_without_it_is_another_site(idle: Stage, tmp_path: Path) -> None:
    certificate = Certificate(*write_certificate(tmp_path, "first"))
    ann = await idle.person("ann", "operator")
    async with idle.console(certificate=certificate):
        host = f"127.0.0.1:{idle.port}"
        async with httpx.AsyncClient(base_url=f"https://{host}", trust_env=False, verify=False) as client:
            for origin, status in ((f"http://{host}", 403), (f"https://{host}", 200)):
                answer = await client.post(
                    "/api/v1/session", json=ann.credentials(), headers={"origin": origin}
                )
                assert answer.status_code == status


async def test_no_answer_lets_another_origin_read_it(stage: Stage) -> None:
    async with stage.client() as client:
        asked = {
            "origin": "https://attacker.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type",
        }
        for method in ("OPTIONS", "GET", "POST"):
            answer = await client.request(method, "/api/v1/session", headers=asked)
            assert not [name for name in answer.headers if name.startswith("access-control-")]


# ---------------------------------------------------------------- guessing


async def sign_in_code(stage: Stage, name: str, password: str, source: str = "127.0.0.1") -> str:
    """Try to sign in from an address of this machine; return the code, "ok" for none."""
    transport = httpx.AsyncHTTPTransport(local_address=source)
    async with httpx.AsyncClient(transport=transport, base_url=stage.url) as client:
        answer = await client.post("/api/v1/session", json={"username": name, "password": password})
    return "ok" if answer.is_success else str(answer.json()["code"])


async def test_the_waiting_time_survives_a_restart(idle: Stage) -> None:
    ann = await idle.person("ann", "operator")
    async with idle.console():
        codes = [await sign_in_code(idle, "ann", WRONG) for _ in range(6)]
        assert codes == ["bad_credentials"] * 5 + ["rate_limited"]
    with Database(idle.database) as database, database.write() as session:
        last = session.scalars(select(sign_ins.SignIn).order_by(sign_ins.SignIn.at.desc())).first()
        assert last is not None
        for _ in range(5):  # the first wait is a second: less than a restart may take
            sign_ins.record(
                session,
                at=last.at,
                username="ann",
                address=last.address,
                result=last.result,
                user_id=last.user_id,
            )
    async with idle.console():
        assert await sign_in_code(idle, "ann", ann.password) == "rate_limited"


async def test_a_siege_from_elsewhere_does_not_last_for_the_person(idle: Stage) -> None:
    """Who signs in from the usual place is not kept out at all; from a new one the wait is bounded."""
    ann = await idle.person("ann", "operator")
    async with idle.console():
        assert await sign_in_code(idle, "ann", ann.password, "127.0.0.7") == "ok"
        with Database(idle.database) as database, database.write() as session:
            for _ in range(5000):
                sign_ins.record(
                    session, at=time.time(), username="ann", address="203.0.113.9", result="bad_password"
                )
        assert await sign_in_code(idle, "ann", ann.password, "127.0.0.8") == "rate_limited"
        assert await sign_in_code(idle, "ann", ann.password, "127.0.0.7") == "ok"
        assert sign_in.LONGEST_WAIT_S <= 300


@pytest.mark.alone  # it measures
async def test_a_hundred_thousand_invented_names_cost_bounded_memory_and_no_time(stage: Stage) -> None:
    with Database(stage.database) as database, database.write() as session:
        for number in range(100_000):
            session.execute(
                sign_ins.SignIn.__table__.insert(),
                {
                    "at": time.time(),
                    "username": f"name{number}",
                    "username_key": f"name{number}",
                    "user_id": None,
                    "address": f"198.51.{number // 256 % 256}.{number % 256}",
                    "result": "unknown",
                },
            )
    began = time.perf_counter()
    assert await sign_in_code(stage, "somebody else", WRONG) == "bad_credentials"
    assert time.perf_counter() - began < 2
    assert await healthy(stage)

    tries = Tries()
    for number in range(100_000):
        tries.failed(f"address {number}", 5)
    assert len(tries._failed) <= Tries.MAX_ADDRESSES
    store = AsyncDatabase(stage.database)
    known = Sessions(store, Rules(), lambda: True, Memory(stage.data_dir))
    for number in range(100_000):
        known._forget_unknown(f"cookie {number}", "")
    assert len(known._unknown) <= sessions.MAX_KEPT
    door = sign_in.SignIn(store, known, sign_in.Passwords(Hashing()), None)  # type: ignore[arg-type]
    for number in range(100_000):
        with door._under_way(sign_in.Credentials(f"name{number}", "", None, f"{number}", "")):
            pass
    assert (len(door._accounts), len(door._addresses)) == (0, 0)
    await store.close()


async def test_how_long_an_answer_takes_says_nothing_about_who_has_an_account(idle: Stage) -> None:
    async with idle.console():
        for number in range(4):
            await idle.person(f"known{number}", "operator")
            await idle.person(f"off{number}", "operator")
        with Database(idle.database) as database, database.write() as session:
            for number in range(4):
                accounts.disable(session, f"off{number}", at=time.time())
                users.add(session, f"invited{number}", by="test", at=1, grants=[users.Grant("operator")])
        took: dict[str, list[float]] = {}
        await sign_in_code(idle, "first", WRONG)  # what is loaded at the first try is loaded
        for number in range(4):
            for kind in ("known", "off", "invited", "nobody"):
                began = time.perf_counter()
                assert (
                    await sign_in_code(idle, f"{kind}{number}", WRONG, f"127.0.1.{number}")
                    == "bad_credentials"
                )
                took.setdefault(kind, []).append(time.perf_counter() - began)
    best = {kind: min(times) for kind, times in took.items()}
    assert max(best.values()) < 2 * min(best.values()), best


# ---------------------------------------------------------------- tokens in the wrong place or form


async def test_a_token_counts_in_its_header_alone(stage: Stage) -> None:
    body = {"name": "deck", "scopes": ["channel:cut", "channel:view"]}
    async with stage.client() as client:
        token = (await client.post("/api/v1/tokens", json=body)).json()["token"]
    session_cookie = stage.cookie.partition("=")[2]
    stage.cookie = ""
    async with stage.client(signed_in=False) as client:
        for query in ("token", "access_token", "authorization", "api_key"):
            answer = await client.get("/api/v1/state", params={query: token})
            assert (answer.status_code, answer.json()["code"]) == (401, "no_session")
            answer = await client.post("/api/v1/channels/main/cut", params={query: token})
            assert answer.status_code == 401
            async with stage.socket(f"/api/v1/ws?{query}={token}") as socket:
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
                assert socket.close_reason == "no_session"
        for headers in (
            {"cookie": f"streamgate_session={token}"},
            {"x-api-key": token},
            {"proxy-authorization": f"Bearer {token}"},
        ):
            assert (await client.get("/api/v1/state", headers=headers)).status_code == 401, headers
        for value in (
            *(token, f"Basic {token}", f"Token {token}", f"Bearer{token}", f"Bearer {token}x"),
            *(f"Bearer {token[:-1]}", f"Bearer {token.upper()}", f"Bearer {token} {token}", "Bearer"),
            *(f"Bearer {'x' * 5000}", "Bearer \xff\xfe", f"Bearer {session_cookie}"),
        ):
            answer = await client.get("/api/v1/state", headers=[(b"authorization", value.encode("latin-1"))])
            assert (answer.status_code, answer.json()["code"]) == (401, "bad_token"), value
        both = [(b"authorization", b"Bearer x"), (b"authorization", f"Bearer {token}".encode())]
        assert (await client.get("/api/v1/state", headers=both)).status_code == 401
        good = {"authorization": f"bearer {token}"}
        assert (await client.get("/api/v1/state", headers=good)).status_code == 200
    assert stage.channel.requested == "live"


async def test_the_cookie_of_tls_is_none_without_it(stage: Stage) -> None:
    stage.cookie = stage.cookie.replace("streamgate_session", "__Host-streamgate")
    assert not await healthy(stage)


async def test_the_policy_lets_no_script_in_but_the_pages_own(stage: Stage) -> None:
    async with stage.client(signed_in=False) as client:
        policy = dict(
            part.strip().partition(" ")[::2]
            for part in (await client.get("/")).headers["content-security-policy"].split(";")
        )
    assert policy["script-src"] == "'self'"
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert "unsafe-eval" not in str(policy)


# ---------------------------------------------------------------- names that lead elsewhere


async def test_no_name_of_channel_or_backup_leads_out_of_its_folder(stage: Stage) -> None:
    secret = stage.data_dir / "secret.mp4"
    secret.write_bytes(b"of somebody else")
    before = sorted(path for path in stage.data_dir.rglob("*") if "run" not in path.parts)
    up = (
        "..%2F..%2Fsecret.mp4",
        "%2e%2e%2f%2e%2e%2fsecret.mp4",
        "..%5C..%5Csecret.mp4",
        "%2Fetc%2Fhosts.mp4",
    )
    odd = ("secret.mp4%00.mp4", "%00", "..", ".", "...mp4", "%2e%2e", "a%2F..%2F..%2Fsecret.mp4", "~root.mp4")
    async with stage.client() as client:
        for name in (*up, *odd):
            for channel in ("main", "..%2Fmain", "..", "%2e%2e%2f%2e%2e", "main%00"):
                for method in ("PUT", "GET", "DELETE"):
                    answer = await client.request(
                        method, f"/api/v1/channels/{channel}/backups/{name}", content=b"x"
                    )
                    assert answer.status_code in {400, 404, 409}, (method, channel, name, answer.text)
        for path in (
            "/..%2f..%2fsecret.mp4",
            "/assets/..%2f..%2f..%2fdata%2fsecret.mp4",
            "/%2e%2e/secret.mp4",
        ):
            assert (await client.get(path)).status_code == 404
    assert secret.read_bytes() == b"of somebody else"
    assert sorted(path for path in stage.data_dir.rglob("*") if "run" not in path.parts) == before


# ---------------------------------------------------------------- odd bytes


async def test_deep_and_huge_json_is_refused_and_ends_nothing(stage: Stage) -> None:
    deep = b'{"a":' * 2500 + b"1" + b"}" * 2500
    nested = b'{"username":' + b"[" * 8000 + b"]" * 8000 + b"}"
    async with stage.client() as client:
        for path in (
            "session",
            "channels/main/dump",
            "channels/main/restore",
            "users/operator/reset",
            "tokens",
        ):
            for body in (deep, nested, b"[" * 16_000, b"9" * 16_000, b'{"seconds": 1e999}', b'"\\ud800"'):
                answer = await client.post(f"/api/v1/{path}", content=body)
                assert (path, answer.status_code, answer.json()["code"]) == (path, 400, "bad_request")
                assert len(answer.content) < 2000
    assert stage.channel.requested == "live"


async def test_odd_messages_on_the_websocket_are_answered_and_end_nothing(stage: Stage) -> None:
    depth = 15_000
    async with stage.socket() as page:
        await receive(page, "hello")
        for text in (
            '{"a":' + "[" * depth + "]" * depth + ',"t":"cmd","id":1}',
            '{"id":' + '{"a":' * 8000 + "1" + "}" * 8000 + ',"t":"cmd"}',
            '{"t":"cmd","id":99999999999999999999999999,"cmd":"cut","channel":"nowhere"}',
            '{"t":"cmd","id":1e400,"cmd":"cut","channel":"main"}',
            '{"t":"cmd","id":5,"cmd":"dump","channel":"main","seconds":1e400}',
            '{"t":"cmd","id":5,"cmd":"cut","channel":"\\ud800"}',
            '{"t":"cmd","id":5,"cmd":"cut","channel":"main\\u0000"}',
            '{"t":"hello"}',
            "",
            "null",
        ):
            await page.send(text)
            assert (await receive(page, "reply"))["ok"] is False, text[:80]
        await page.send(b"\x00\xff")
        assert (await receive(page, "reply"))["ok"] is False
        await page.send('{"t":"cmd","id":7,"cmd":"cut","channel":"main"}')
        assert (await receive(page, "reply", id=7))["ok"] is True
        await page.send("x" * 70_000)
        with contextlib.suppress(ConnectionClosed):
            async with asyncio.timeout(5):
                while True:
                    await page.recv()
        assert page.close_code == 1009
    assert await healthy(stage)


async def test_a_host_is_named_once_and_by_its_own_header(stage: Stage) -> None:
    host = f"127.0.0.1:{stage.port}".encode()
    cookie = stage.cookie.encode()
    get = b"GET /api/v1/session HTTP/1.1\r\nCookie: " + cookie + b"\r\nConnection: close\r\n"
    for head, status in (
        (b"Host: " + host + b"\r\n", b"200"),
        (b"Host: " + host + b"\r\nX-Forwarded-Host: attacker.example\r\n", b"200"),
        (b"Host: attacker.example\r\nX-Forwarded-Host: " + host + b"\r\n", b"421"),
        (b"Host: attacker.example\r\nForwarded: host=" + host + b"\r\n", b"421"),
        (b"Host: " + host + b"\r\nHost: attacker.example\r\n", b"400"),
        (b"Host: attacker.example@" + host + b"\r\n", b"421"),
        (b"Host: " + host + b", attacker.example\r\n", b"421"),
        (b"Host: 127.0.0.1:99999999999999999999\r\n", b"200"),  # the port is the proxy's affair
        (b"Host: \r\n", b"421"),
        (b"", b"400"),
    ):
        answer = await raw(stage.port, get + head + b"\r\n")
        assert answer.split(b" ", 2)[1] == status, (head, answer[:200])
    absolute = get.replace(b"GET /", b"GET http://attacker.example/") + b"Host: " + host + b"\r\n\r\n"
    assert b" 200 " not in (await raw(stage.port, absolute)).split(b"\r\n")[0]


# ---------------------------------------------------------------- floods and slowness


async def test_a_flood_of_headers_is_cut_off(stage: Stage) -> None:
    begin = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{stage.port}\r\n".encode()
    many = begin + b"".join(b"X-%d: y\r\n" % number for number in range(20_000))
    long = begin + b"X-Long: " + b"y" * 1_000_000
    for flood in (many, long, b"\r\n" * 200_000, b"\x16\x03\x01" * 1000):
        answer = await raw(stage.port, flood)
        assert answer == b"" or answer.split(b" ", 2)[1] == b"400", answer[:200]
    assert await healthy(stage)


async def test_a_head_that_does_not_come_is_not_waited_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "HEAD_S", 0.5)

    async def seconds_open(pieces: AsyncIterator[bytes]) -> float:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        began = time.monotonic()

        async def drip() -> None:
            async for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0.1)

        dripping = asyncio.ensure_future(drip())
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(5):
                while await reader.read(1000):
                    pass
        dripping.cancel()
        writer.transport.abort()
        return time.monotonic() - began

    async def nothing() -> AsyncIterator[bytes]:
        for piece in ():
            yield piece

    async def drops() -> AsyncIterator[bytes]:
        yield b"GET / HTTP/1.1\r\n"
        for number in range(100):
            yield b"X-%d: y\r\n" % number

    async def after_a_request() -> AsyncIterator[bytes]:
        yield f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{stage.port}\r\n\r\n".encode()
        async for piece in drops():
            yield piece

    took = await asyncio.gather(*(seconds_open(one()) for one in (nothing, drops, after_a_request)))
    assert max(took) < 2, took
    async with stage.client() as client:  # a connection that rests between requests is left in peace
        assert (await client.get("/healthz")).status_code == 200
        await asyncio.sleep(1)
        assert (await client.get("/healthz")).status_code == 200


async def test_a_body_that_does_not_come_is_not_waited_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "BODY_S", 0.5)
    head = f"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1:{stage.port}\r\nContent-Length: 50\r\n\r\n"
    began = time.monotonic()
    answer = await raw(stage.port, head.encode() + b'{"username"')
    assert 0.4 < time.monotonic() - began < 3  # and it was closed
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"too_slow"' in answer
    async with stage.client() as client:

        async def slow() -> AsyncIterator[bytes]:
            yield b'{"reason"'
            await asyncio.sleep(0.2)
            yield b': "x"}'

        assert (await client.post("/api/v1/channels/main/cut", content=slow())).status_code == 200


async def test_a_stranger_with_many_connections_keeps_nobody_out(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Idle ones, half requests, and answers that are not read; the good person comes from another address."""
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 20)
    (stage.static / "assets" / "large.js").write_bytes(b"x" * 20_000_000)
    get = f"GET /assets/large.js HTTP/1.1\r\nHost: 127.0.0.1:{stage.port}\r\n\r\n".encode()
    begun = (
        f"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1:{stage.port}\r\nContent-Length: 9\r\n\r\n".encode()
    )
    async with stage.socket() as page:
        await receive(page, "hello")
        held = []
        for number in range(90):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", stage.port, local_addr=("127.0.0.66", 0), limit=1024
            )
            writer.write((b"", get, begun)[number % 3])
            held.append((reader, writer))
        await asyncio.sleep(0.5)
        ours = [
            one for one in psutil.Process().net_connections() if one.raddr and one.laddr.port == stage.port
        ]
        assert len([one for one in ours if one.raddr.ip == "127.0.0.66"]) <= 20
        transport = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
        headers = {"cookie": stage.cookie}
        async with httpx.AsyncClient(transport=transport, base_url=stage.url, headers=headers) as client:
            for _ in range(5):
                assert (await client.get("/api/v1/session")).status_code == 200
                assert (await client.post("/api/v1/channels/main/cut")).status_code == 200
        await receive(page, "ping", timeout_s=4)  # a page that is open stays
        for _, writer in held:
            writer.transport.abort()
