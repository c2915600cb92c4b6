"""Pages, assets, HLS files: right types and headers, and no way out of their directories."""

import os
from pathlib import Path

import httpx
import pytest
from public_stage import Stage

from moderation.public.viewers import overlay_token
from streamgate.runtime.key_file import read_or_make


@pytest.fixture
def built(stage: Stage) -> Stage:
    (stage.static / "assets").mkdir(parents=True)
    (stage.static / "watch.html").write_text("<!doctype html><title>watch</title>")
    (stage.static / "overlay.html").write_text("<!doctype html><title>overlay</title>")
    (stage.static / "index.html").write_text("the console's page")
    (stage.static / "favicon.svg").write_text("<svg/>")
    (stage.static / "assets" / "watch-AbC_1-2.js").write_text("1")
    (stage.static / "assets" / "style.css").write_text("a{}")
    folder = stage.data_dir / "hls" / "main"
    folder.mkdir(parents=True)
    (folder / "index.m3u8").write_text("#EXTM3U")
    (folder / "17.m4s").write_bytes(bytes(range(256)) * 1000)
    (folder / "init-17.mp4").write_bytes(b"ftyp")
    (stage.data_dir / "secrets.key").write_text("SECRET")
    (folder / "link.m4s").symlink_to(stage.data_dir / "secrets.key")
    os.mkfifo(folder / "fifo.m4s")
    return stage


def directives(page: httpx.Response) -> dict[str, list[str]]:
    """Return the Content-Security-Policy of a page: the sources of each directive."""
    parts = (part.split() for part in page.headers["content-security-policy"].split(";"))
    return {name: sources for name, *sources in parts}


async def test_the_watch_page_and_its_policy(built: Stage) -> None:
    async with built.client() as client:
        page = await client.get("/watch/main")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "watch" in page.text
        policy = directives(page)
        assert policy["default-src"] == ["'none'"]
        assert policy["media-src"] == ["'self'", "blob:"]
        for name in ("script-src", "style-src", "img-src", "connect-src"):
            assert policy[name] == ["'self'"], name
        for name in ("base-uri", "form-action", "frame-ancestors", "trusted-types"):
            assert policy[name] == ["'none'"], name
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["cache-control"] == "no-store"
        odd = await client.get("/watch/main", headers={"host": "evil.example; script-src *"})
        assert directives(odd) == policy
        for unknown in ("/watch/nowhere", "/watch/", "/watch", "/watch/main/more"):
            assert (await client.get(unknown)).status_code == 404


async def test_before_the_page_is_built(stage: Stage) -> None:
    async with stage.client() as client:
        page = await client.get("/watch/main")
        assert page.status_code == 200
        assert "页面尚未构建" in page.text


async def test_the_overlay_needs_its_token(built: Stage) -> None:
    token = overlay_token(read_or_make(built.data_dir / "viewers.key"), "main")
    async with built.client() as client:
        page = await client.get(f"/overlay/main?token={token}&style=list")
        assert (page.status_code, "overlay" in page.text) == (200, True)
        policy = directives(page)
        assert policy["default-src"] == ["'none'"]
        assert policy["script-src"] == policy["connect-src"] == policy["img-src"] == ["'self'"]
        assert policy["style-src"] == ["'self'", "'unsafe-inline'"]  # OBS's custom CSS
        for bad in ("", "?token=", f"?token={token[:-1]}", f"?token={token}0", "?token=%F0%9F%98%80"):
            refused = await client.get(f"/overlay/main{bad}")
            assert (refused.status_code, refused.json()["code"]) == (403, "bad_token")


async def test_assets(built: Stage) -> None:
    async with built.client() as client:
        script = await client.get("/assets/watch-AbC_1-2.js")
        assert (script.status_code, script.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
        assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert (await client.get("/assets/style.css")).headers["content-type"] == "text/css; charset=utf-8"
        assert (await client.get("/favicon.svg")).headers["content-type"] == "image/svg+xml"
        for path in ("/index.html", "/assets/", "/assets/missing.js", "/assets/README", "/"):
            assert (await client.get(path)).status_code == 404


async def test_hls(built: Stage) -> None:
    async with built.client() as client:
        playlist = await client.get("/hls/main/index.m3u8")
        assert playlist.headers["content-type"] == "application/vnd.apple.mpegurl"
        assert playlist.headers["cache-control"] == "no-cache"
        segment = await client.get("/hls/main/17.m4s")
        assert segment.content == bytes(range(256)) * 1000
        assert segment.headers["content-type"] == "video/iso.segment"
        assert "immutable" in segment.headers["cache-control"]
        assert (await client.get("/hls/main/init-17.mp4")).headers["content-type"] == "video/mp4"
        part = await client.get("/hls/main/17.m4s", headers={"range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, bytes(range(10, 20)))
        assert part.headers["content-range"] == "bytes 10-19/256000"
        rest = await client.get("/hls/main/17.m4s", headers={"range": "bytes=255990-"})
        assert (rest.status_code, len(rest.content)) == (206, 10)
        beyond = await client.get("/hls/main/17.m4s", headers={"range": "bytes=256000-"})
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */256000")
        head = await client.head("/hls/main/17.m4s")
        assert (head.headers["content-length"], head.content) == ("256000", b"")


async def test_a_new_playlist_is_seen_at_once(built: Stage) -> None:
    path = built.data_dir / "hls" / "main" / "index.m3u8"
    async with built.client() as client:
        assert (await client.get("/hls/main/index.m3u8")).text == "#EXTM3U"
        draft = path.with_name("draft")
        draft.write_text("#EXTM3U 2")
        draft.replace(path)

        async def newest() -> bool:
            return (await client.get("/hls/main/index.m3u8")).text == "#EXTM3U 2"

        import asyncio

        async with asyncio.timeout(1):
            while not await newest():
                await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "path",
    [
        "/hls/main/../../secrets.key",
        "/hls/main/..%2F..%2Fsecrets.key",
        "/hls/main/%2e%2e/%2e%2e/secrets.key",
        "/hls/main/..%5c..%5csecrets.key",
        "/hls/..%2Fmain/17.m4s",
        "/hls/../secrets.key",
        "/hls/main//etc/passwd",
        "/hls/main/17.m4s%00.m4s",
        "/hls/main/.hidden.m4s",
        "/hls/main/link.m4s",
        "/hls/main/fifo.m4s",
        "/hls/nowhere/17.m4s",
        "/hls/main/17.txt",
        "/hls/main/" + "a" * 300 + ".m4s",
        "/assets/../watch.html",
        "/assets/..%2Fwatch.html",
        "/assets/%2e%2e%2findex.html",
        "/watch/..%2f..%2fsecrets.key",
    ],
)
async def test_no_request_leaves_the_directory(built: Stage, path: str) -> None:
    """As bytes on the wire: a client would tidy the address."""
    import asyncio

    reader, writer = await asyncio.open_connection("127.0.0.1", built.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    status = int(answer.split(b" ")[1])
    assert status in {400, 404}
    assert b"SECRET" not in answer
    assert b"root:" not in answer


async def test_health(stage: Stage) -> None:
    async with stage.client() as client:
        answer = await client.get("/healthz")
        assert (answer.status_code, answer.json()["ok"]) == (200, True)
        assert answer.headers["cache-control"] == "no-store"


def test_the_secret_is_made_once_readable_by_this_user_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "viewers.key"
    key = read_or_make(path)
    assert len(key) == 32
    assert read_or_make(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["viewers.key"]
