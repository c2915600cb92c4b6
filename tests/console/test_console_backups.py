"""Backups through the API: uploaded, checked in a child, given to a real gate, rehearsed, removed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from console_stage import Stage
from fakes import clips_media
from real_gate import running_gate

from console.auth import guard
from console.setup import backups as uploads
from streamgate.playout.memory import read_records
from streamgate.playout.station import Station
from streamgate.runtime.channels import ChannelStore

BACKUPS = "/api/v1/channels/main/backups"
REHEARSAL = "/api/v1/channels/main/rehearsal"


@pytest.fixture
async def gate(idle: Stage) -> AsyncIterator[Station]:
    async with running_gate(idle.data_dir) as station, idle.console():
        await idle.sign_in()
        ChannelStore(idle.data_dir).add("main")
        await station.reload()
        yield station


@pytest.fixture
async def client(idle: Stage, gate: Station) -> AsyncIterator[httpx.AsyncClient]:
    async with idle.client() as client:
        client.timeout = httpx.Timeout(60)
        yield client


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clips_media.write_movie(tmp_path_factory.mktemp("film") / "film.mp4", seconds=2)


def folder(stage: Stage) -> list[str]:
    return sorted(path.name for path in (stage.data_dir / "backups" / "main").glob("*"))


async def test_a_file_is_received_checked_and_used(
    idle: Stage, gate: Station, client: httpx.AsyncClient, film: Path
) -> None:
    answer = await client.put(f"{BACKUPS}/开场 片头.mp4", content=film.read_bytes())
    assert answer.status_code == 200, answer.text
    (one,) = answer.json()["channel"]["backups"]
    assert (one["name"], one["uploaded"]) == ("开场 片头.mp4", True)
    path = idle.data_dir / "backups" / "main" / "开场 片头.mp4"
    assert path.read_bytes() == film.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [clip.name for clip in gate.channels["main"].status().clips] == ["开场 片头.mp4"]

    shown = (await client.get(f"{BACKUPS}/开场 片头.mp4")).json()
    assert (shown["kind"], shown["width"], shown["size"]) == ("video", 96, film.stat().st_size)
    assert shown["still"].startswith("data:image/jpeg;base64,")


async def test_what_is_no_media_is_refused_and_leaves_nothing(idle: Stage, client: httpx.AsyncClient) -> None:
    for name, content, status, code in (
        ("notes.mp4", b"no film" * 100, 400, "not_media"),
        ("empty.mp4", b"", 400, "not_media"),
        ("notes.txt", b"x", 400, "bad_request"),
        (".hidden.mp4", b"x", 400, "bad_request"),
        ("a%0ab.mp4", b"x", 400, "bad_request"),
        ("a%5Cb.mp4", b"x", 400, "bad_request"),
        (f"{'x' * 150}.mp4", b"x", 400, "bad_request"),
        ("..%2F..%2Fx.mp4", b"x", 404, "not_found"),
    ):
        answer = await client.put(f"{BACKUPS}/{name}", content=content)
        assert (name, answer.status_code, answer.json()["code"]) == (name, status, code)
        assert answer.json()["error_zh"]
    missing = await client.put("/api/v1/channels/none/backups/a.mp4", content=b"x")
    assert missing.status_code == 409
    assert folder(idle) == []


async def test_a_name_is_taken_once_and_other_requests_stay_small(
    client: httpx.AsyncClient, film: Path
) -> None:
    assert (await client.put(f"{BACKUPS}/a.mp4", content=film.read_bytes())).status_code == 200
    again = await client.put(f"{BACKUPS}/a.mp4", content=film.read_bytes())
    assert (again.status_code, again.json()["code"]) == (409, "refused")
    large = await client.post("/api/v1/channels", content=b"x" * (guard.MAX_BODY + 1))
    assert (large.status_code, large.json()["code"]) == (413, "too_large")


async def test_a_file_that_is_too_large_is_refused_before_it_is_sent_and_while_it_is(
    idle: Stage, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_UPLOAD", 100_000)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 50_000

    streamed = await client.put(f"{BACKUPS}/a.mp4", content=pieces())
    assert (streamed.status_code, streamed.json()["code"]) == (413, "too_large")
    monkeypatch.setattr(guard, "MAX_UPLOAD", 100_000)
    whole = await client.put(f"{BACKUPS}/a.mp4", content=b"x" * 200_000)
    assert (whole.status_code, whole.json()["code"]) == (413, "too_large")
    assert "4 GiB" in whole.json()["error"]
    assert folder(idle) == []


async def test_a_full_disk_refuses_uploads_and_keeps_room_for_recordings(
    idle: Stage, client: httpx.AsyncClient, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "SPARE_BYTES", 1 << 60)
    full = await client.put(f"{BACKUPS}/a.mp4", content=film.read_bytes())
    assert (full.status_code, full.json()["code"]) == (507, "no_room")
    monkeypatch.undo()

    def no_space(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(uploads, "_append", no_space)
    while_writing = await client.put(f"{BACKUPS}/a.mp4", content=film.read_bytes())
    assert (while_writing.status_code, while_writing.json()["code"]) == (507, "no_room")
    assert folder(idle) == []


async def test_an_upload_that_breaks_off_leaves_nothing(idle: Stage, client: httpx.AsyncClient) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", idle.port)
    head = (
        f"PUT {BACKUPS}/a.mp4 HTTP/1.1\r\nHost: 127.0.0.1:{idle.port}\r\nCookie: {idle.cookie}\r\n"
        "Content-Length: 100000\r\n\r\n"
    )
    writer.write(head.encode() + b"x" * 1000)
    await writer.drain()
    await idle.until(lambda: [name for name in folder(idle) if name.startswith(".upload-")])
    writer.close()
    await idle.until(lambda: folder(idle) == [])
    del reader
    assert (await client.get(f"{BACKUPS}/a.mp4")).status_code == 404


async def test_a_removed_backup_is_put_back_and_anothers_file_is_left_alone(
    idle: Stage, client: httpx.AsyncClient, film: Path
) -> None:
    await client.put(f"{BACKUPS}/a.mp4", content=film.read_bytes())
    store = ChannelStore(idle.data_dir)
    store.set("main", add_backups=[film])
    undo = (await client.delete(f"{BACKUPS}/a.mp4")).json()["undo"]
    assert [Path(path).name for path in store.get("main").backups] == ["film.mp4"]
    assert not (idle.data_dir / "backups" / "main" / "a.mp4").exists()
    assert (await client.post(f"/api/v1/undo/{undo}")).status_code == 200
    assert (idle.data_dir / "backups" / "main" / "a.mp4").read_bytes() == film.read_bytes()
    assert {Path(path).name for path in store.get("main").backups} == {"film.mp4", "a.mp4"}

    assert (await client.delete(f"{BACKUPS}/film.mp4")).status_code == 200
    assert film.exists()
    assert (await client.delete(f"{BACKUPS}/film.mp4")).status_code == 404


async def test_a_rehearsal_says_of_each_backup_whether_it_splices(
    idle: Stage, gate: Station, client: httpx.AsyncClient, film: Path
) -> None:
    never = (await client.get(REHEARSAL)).json()
    assert (never["running"], never["started_at"], never["clips"]) == (False, None, [])
    await client.put(f"{BACKUPS}/good.mp4", content=film.read_bytes())
    bad = idle.data_dir / "bad.mp4"
    bad.write_bytes(b"no film" * 100)
    ChannelStore(idle.data_dir).set("main", add_backups=[bad])
    format_, _ = clips_media.feed(frames=4)
    channel = gate.channels["main"]
    channel._feed = format_  # the feed of an encoder that was here
    channel._remember()
    kept = idle.data_dir / "state"
    await idle.until(lambda: (record := read_records(kept).get("main")) is not None and record.feed)

    begun = (await client.post(REHEARSAL)).json()
    assert (begun["running"], begun["started_by"], begun["feed_known"]) == (True, "console:operator", True)
    assert begun["against"] == "96x64 30 fps h264, aac 48 kHz"
    busy = await client.post(REHEARSAL)
    assert (busy.status_code, busy.json()["code"]) == (503, "busy")
    async with asyncio.timeout(60):
        while (state := (await client.get(REHEARSAL)).json())["running"]:
            await asyncio.sleep(0.1)
    found = {clip["name"]: (clip["state"], clip["feed"]) for clip in state["clips"]}
    assert found == {"slate": ("ok", "made"), "good.mp4": ("ok", "made"), "bad.mp4": ("failed", None)}
    (why,) = [clip for clip in state["clips"] if clip["name"] == "bad.mp4"]
    assert "not a media file" in why["error"]
    assert why["error_zh"] == "无法衔接：bad.mp4 不是可读取的媒体文件"
    assert all(clip["pictures"] > 900 for clip in state["clips"] if clip["state"] == "ok")


async def test_a_rehearsal_can_be_cancelled(client: httpx.AsyncClient) -> None:
    assert (await client.delete(REHEARSAL)).status_code == 404
    await client.post(REHEARSAL)
    ended = (await client.delete(REHEARSAL)).json()
    assert ended["running"] is False
    assert {clip["state"] for clip in ended["clips"]} == {"cancelled"}
