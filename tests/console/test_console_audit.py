"""The audit of a real ledger: what is found, in which order, within which bounds; exports and proofs."""

import asyncio
import contextlib
import csv
import io
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from audit_ledger import DAY_S, NOON, cut, fill, write, writing
from console_stage import Stage

from console.api.audit import AuditPage, AuditProof
from console.audit import audit as bounds
from console.audit import proofs, trail
from console.audit.export import harmless, to_csv
from console.audit.lines import BLOCK, Backwards, Line, line_number
from console.audit.trail import Budget, Cursor, Row
from streamgate.ledger.chain import MAX_LINE
from streamgate.ledger.read import read
from streamgate.ledger.record import Command, Notice
from streamgate.ledger.writer import MAX_RECORDS

AUDIT = "/api/v1/audit"


class Office(Stage):
    """A stage with a ledger; what its console records itself is much newer than what tests write."""

    @property
    def ledger(self) -> Path:
        return self.data_dir / "ledger"

    async def ask(self, **filters: Any) -> AuditPage:
        async with self.client() as client:
            answer = await client.get(AUDIT, params=filters)
        assert answer.status_code == 200, answer.text
        page = AuditPage.model_validate(answer.json())
        page.records = [one for one in page.records if one.at < NOON + 30 * DAY_S]
        return page

    async def found(self, **filters: Any) -> list[tuple[Any, ...]]:
        """Return (hours since NOON, who, what) of what is found."""
        return [told(json.loads(one.record)) for one in (await self.ask(**filters)).records]

    async def exported(self) -> dict[str, Any]:
        """Return the record of the last export, once it is on disk."""
        async with asyncio.timeout(10):
            while True:
                found = [one for one in read(self.ledger) if one.get("what") == "audit.export"]
                if found:
                    return found[-1]
                await asyncio.sleep(0.01)

    async def proven(self) -> AuditProof:
        """Return the result of the check that runs."""
        async with self.client() as client:
            async with asyncio.timeout(30):
                while True:
                    answer = await client.get(f"{AUDIT}/verified")
                    proof = AuditProof.model_validate(answer.json())
                    if not proof.running and proof.checked_at is not None:
                        return proof
                    await asyncio.sleep(0.05)


def told(record: dict[str, Any]) -> tuple[Any, ...]:
    what = record.get("what") or record.get("name") or record.get("code") or record["kind"]
    return round(record["at"] - NOON, 3), record.get("who", ""), what


@pytest.fixture
async def office(idle: Stage) -> AsyncIterator[Office]:
    idle.__class__ = Office
    assert isinstance(idle, Office)
    async with idle.console():
        await idle.sign_in("ann", "auditor")
        yield idle


# ---------------------------------------------------------------- what is found


async def test_records_of_all_processes_and_days_newest_first(office: Office) -> None:
    fill(office.ledger)
    assert await office.found(group="decisions") == [
        (5, "console:bob", "restore"),
        (4, "cli:root", "delay_s"),
        (3, "console:alice", "restore"),
        (2, "console:eve", "cut"),
        (0, "token:deck", "cut"),
        (-DAY_S, "cli:root", "dump"),
        (-2 * DAY_S, "console:alice", "cut"),
        (-2 * DAY_S - 60, "console:alice", "sign_in"),
    ]
    assert await office.found(group="events") == [(1, "token:deck", "cut")]
    everything = await office.ask(limit=200)
    old = [one for one in read(office.ledger) if one["at"] < NOON + DAY_S]
    assert len(everything.records) == len(old)
    assert everything.next is None
    assert everything.faults == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"person": "ALICE"}, [3, -2 * DAY_S, -2 * DAY_S - 60]),
        ({"person": "cli:root"}, [4, -DAY_S]),
        ({"person": "console:root"}, []),
        ({"person": "ali"}, []),
        ({"channel": "hall"}, [-DAY_S]),
        ({"kind": "refusal"}, [2]),
        ({"action": "restore"}, [5, 3]),
        ({"action": "delay_s"}, [4]),
        ({"action": "cut"}, [2, 1, 0, -2 * DAY_S]),
        ({"action": "sign_in"}, [-2 * DAY_S - 60]),
        ({"action": "rest."}, []),
        ({"outcome": "refused"}, [5, 2]),
        ({"outcome": "waiting"}, [3]),
        ({"from": NOON + 3}, [5, 4, 3]),
        ({"until": NOON - DAY_S, "group": "decisions"}, [-2 * DAY_S, -2 * DAY_S - 60]),
        ({"from": NOON - DAY_S, "until": NOON, "group": "decisions"}, [-DAY_S]),
        ({"text": "stranger STAGE"}, [-2 * DAY_S]),
        ({"text": "切断"}, [1]),
        ({"text": "4.5"}, [-DAY_S]),
        ({"text": "latency_ms"}, []),  # the name of a member is nothing that a record says
        ({"text": "cut", "person": "deck", "kind": "command"}, [0]),
        ({"text": '"'}, []),
        ({"text": "' OR 1=1 --"}, []),
        ({"person": "../../etc/passwd\u0000", "text": "{{7*7}}"}, []),
    ],
)
async def test_filters(office: Office, filters: dict[str, Any], expected: list[float]) -> None:
    fill(office.ledger)
    asked = {"group": "all", **filters}
    found = [row[0] for row in await office.found(**asked) if row[1] or asked.get("kind")]
    assert found == expected
    assert found == [row[0] for row in await office.found(**asked) if row[1] or asked.get("kind")]


async def test_a_hash_finds_its_record(office: Office) -> None:
    fill(office.ledger)
    (record, *_) = read(office.ledger, process="cli", kind="setting")
    page = await office.ask(text=record["hash"])
    (one,) = [one for one in page.records if one.file.endswith("/cli.jsonl") and '"setting"' in one.record]
    line = (office.ledger / one.file).read_text("utf-8").splitlines()[one.n - 1]
    assert one.record == line


async def test_pages_follow_each_other_while_the_ledger_grows(office: Office) -> None:
    fill(office.ledger)
    whole = [(one.file, one.n) for one in (await office.ask(limit=200)).records]
    rest, cursor = [], ""
    while True:
        page = await office.ask(limit=3, cursor=cursor)
        rest += [(one.file, one.n) for one in page.records]
        if page.next is None:
            break
        cursor = page.next
        if len(rest) == 3:
            write(office.ledger, "gate", cut(NOON + 60))  # newer than what was shown: not in these pages
            write(office.ledger, "extra", cut(NOON + 61))
    assert rest == whole


async def test_without_a_ledger_there_is_nothing(office: Office, tmp_path: Path) -> None:
    page = await office.ask()
    assert (page.records, page.next, page.faults) == ([], None, [])
    checks = proofs.Proofs(tmp_path / "nowhere")
    checks.ask()
    await office.until(lambda: not checks.running, 30)
    assert checks.last.proof is None
    assert "cannot be read" in checks.last.error


async def test_a_record_that_was_written_late_is_found_by_its_own_time(office: Office) -> None:
    with writing(office.ledger, "gate", NOON + 3 * DAY_S) as writer:
        writer.write(cut(NOON, reason="its disk hung for three days"))
    window = {"from": NOON - 1, "until": NOON + 1}
    for _ in range(2):  # the second time from what is remembered about the file
        assert await office.found(**window) == [(0, "console:alice", "cut")]
    assert await office.found(**{"from": NOON + 10, "until": NOON + 20}) == []


# ---------------------------------------------------------------- who sees what


async def test_a_right_on_one_channel_shows_that_channels_records(office: Office) -> None:
    fill(office.ledger)
    await office.sign_in("dora", "director@hall")
    assert await office.found() == [(-DAY_S, "cli:root", "dump")]
    assert await office.found(channel="hall") == [(-DAY_S, "cli:root", "dump")]
    async with office.client() as client:
        for path in (AUDIT, f"{AUDIT}/export"):
            refused = await client.get(path, params={"channel": "main"})
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        rows = parse((await client.get(f"{AUDIT}/export")).content)
    assert [row["channel"] for row in rows] == ["hall"]
    assert (await office.exported())["args"] == {"only_channels": ["hall"]}


@pytest.mark.parametrize("role", ["operator", "reviewer", "chief-reviewer", "operator@main"])
async def test_others_see_nothing(office: Office, role: str) -> None:
    fill(office.ledger)
    await office.sign_in("otto", role)
    async with office.client() as client:
        for method, path in (("GET", ""), ("GET", "/export"), ("GET", "/verified"), ("POST", "/verified")):
            answer = await client.request(method, AUDIT + path)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path


# ---------------------------------------------------------------- hostile questions and files


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "many"},
        {"from": "nan"},
        {"from": "-1"},
        {"until": "1e300"},
        {"until": "inf"},
        {"text": "x" * 201},
        {"person": "x" * 129},
        {"group": "others"},
        {"kind": "../x"},
        {"outcome": "perhaps"},
        {"cursor": "AAAA"},
        {"cursor": "é"},
        {"cursor": "W1tb" * 500},
        {"cursor": "x" * 8193},
        {"cursor": Cursor("../..", {"etc/passwd": 5}).text()},
        {"cursor": Cursor("2025-03-14", {"2025-03-14/gate.jsonl": 7}).text()},
        {"cursor": Cursor("2025-03-14", {"2025-03-14/gate.jsonl": 10**12}).text()},
        {"cursor": Cursor("2025-03-14", {"2025-03-14/gate.jsonl": -5}).text()},
        {"cursor": Cursor("2025-03-14", {"2025-03-14/gate.jsonl": 2**70}).text()},
    ],
)
async def test_what_is_no_question_is_refused(office: Office, params: dict[str, str]) -> None:
    fill(office.ledger)
    async with office.client() as client:
        answer = await client.get(AUDIT, params=params)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


async def test_a_cursor_reads_no_other_file(office: Office) -> None:
    fill(office.ledger)
    (office.data_dir / "secret.jsonl").write_text('{"kind":"command","who":"a secret"}\n')
    for name in ("../secret.jsonl", "2025-03-14/../../secret.jsonl", "/etc/passwd"):
        page = await office.ask(cursor=Cursor("2025-03-14", {name: 5}).text())
        assert "secret" not in page.model_dump_json()
        assert all(one.file.startswith("2025-03-1") for one in page.records)


async def test_broken_lines_are_named_and_passed_over(office: Office) -> None:
    fill(office.ledger)
    path = office.ledger / "2025-03-14" / "gate.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    number = next(i for i, line in enumerate(lines) if b'"what":"restore"' in line)
    lines[number] = b'{"kind":"command","at":' + b"[" * 5000 + b"\n"
    lines.insert(1, b"x" * (3 * MAX_LINE) + b"\n")
    lines.insert(2, b"\xff\xfe\n")
    lines.append(b'{"kind":"command","what":"half')
    path.write_bytes(b"".join(lines))
    page = await office.ask(limit=200)
    assert [(one.file, one.line) for one in page.faults] == [
        ("2025-03-14/gate.jsonl", number + 3),
        ("2025-03-14/gate.jsonl", 3),
        ("2025-03-14/gate.jsonl", 2),
    ]
    assert all(one.error and one.error_zh for one in page.faults)
    assert sum('"kind":"command"' in one.record for one in page.records) == 4
    async with office.client() as client:
        text = (await client.get(f"{AUDIT}/export")).content.decode("utf-8-sig")
    assert "Not whole: something could not be read: 2025-03-14/gate.jsonl:3" in text


async def test_a_file_that_cannot_be_opened_is_named(office: Office) -> None:
    fill(office.ledger)
    path = office.ledger / "2025-03-14" / "cli.jsonl"
    path.unlink()
    path.mkdir()
    page = await office.ask(limit=200)
    assert [(one.file, one.line) for one in page.faults] == [("2025-03-14/cli.jsonl", 0)]
    assert page.records


async def test_kinds_and_members_of_later_versions_are_found(office: Office) -> None:
    fill(office.ledger)
    path = office.ledger / "2025-03-14" / "cli.jsonl"
    with path.open("ab") as file:
        file.write(
            b'{"at":1741953700,"kind":"person","who":"console:ann, cli:root",'
            b'"answer":{"made":["bob"]},"n":99}\n'
        )
    (found,) = (await office.ask(text="bob", kind="person", person="root")).records
    assert (found.at, found.n) == (NOON + 100, 99)


def test_lines_backwards_are_the_lines(tmp_path: Path) -> None:
    path = tmp_path / "lines"

    def backwards(end: int | None = None) -> list[Line]:
        with contextlib.closing(Backwards(path, end)) as reader:
            return list(iter(reader.next, None))

    lines = [b"%d:" % i + b"x" * (i * 7919 % 3000) + b"\n" for i in range(400)]
    lines[200] = b"y" * (MAX_LINE - 1) + b"\n"
    path.write_bytes(b"".join(lines) + b"half a line")
    assert path.stat().st_size > 4 * BLOCK
    found = backwards()
    assert [line.data for line in found] == lines[::-1]
    assert [line_number(path, line.start) for line in found[:3]] == [400, 399, 398]
    assert backwards(found[150].start) == found[151:]
    assert line_number(path, found[-1].start) == 1
    path.write_bytes(b"")
    assert backwards() == []
    path.write_bytes(b"z" * (3 * MAX_LINE))
    assert backwards() == [(0, b"")]


# ---------------------------------------------------------------- bounds


async def test_a_search_that_reads_much_goes_on_by_its_cursor(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(office.ledger)
    with writing(office.ledger, "gate", NOON + 10) as writer:
        for number in range(3000):
            writer.write(cut(NOON + 10 + number / 1000, reason="one of very many " * 5))
    monkeypatch.setattr(bounds, "READ_BYTES", BLOCK)
    rows, cursor, pages = [], "", 0
    while pages < 50:
        page = await office.ask(text="stranger", cursor=cursor)
        rows += page.records
        pages += 1
        if page.next is None:
            break
        assert page.day
        cursor = page.next
    assert [told(json.loads(one.record))[0] for one in rows] == [-2 * DAY_S]
    assert pages > 5


@pytest.mark.alone  # it measures
async def test_too_many_searches_at_once_are_refused_and_the_loop_goes_on(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(office.ledger)
    monkeypatch.setattr(bounds, "WAIT_S", 0.2)
    monkeypatch.setattr(bounds, "ANSWER_S", 0.5)
    original = Backwards.next

    def hang(self: Backwards) -> Any:  # a disk that does not answer
        time.sleep(1.5)
        return original(self)

    monkeypatch.setattr(Backwards, "next", hang)
    async with office.client() as client:
        asked = [asyncio.ensure_future(client.get(AUDIT)) for _ in range(4)]
        begun = time.monotonic()
        assert (await client.get("/api/v1/session")).status_code == 200
        assert time.monotonic() - begun < 0.5
        codes = sorted((answer.status_code, answer.json()["code"]) for answer in await asyncio.gather(*asked))
    assert codes == [(503, "busy"), (503, "busy"), (503, "ledger_away"), (503, "ledger_away")]
    monkeypatch.setattr(Backwards, "next", original)
    monkeypatch.setattr(bounds, "WAIT_S", 10.0)
    assert await office.found(person="deck", kind="command") == [(0, "token:deck", "cut")]


async def test_100_000_records_of_a_day(office: Office) -> None:
    """First page under a second; a rare word too, in as many requests as that takes."""
    with writing(office.ledger, "gate", NOON) as writer:
        for number in range(100_000):
            writer.write(cut(NOON + number / 10, reason="needle" if number == 7 else "hay"))
            if number % (MAX_RECORDS // 2) == 0:
                writer.written(Command(at=NOON, who="bench")).result(60)
    begun = time.perf_counter()
    page = await office.ask()
    first_s = time.perf_counter() - begun
    assert len(page.records) > 90  # and what the console has recorded itself
    worst = 0.0

    async def watch() -> None:
        nonlocal worst
        while True:
            asleep = time.perf_counter()
            await asyncio.sleep(0.005)
            worst = max(worst, time.perf_counter() - asleep - 0.005)

    watching = asyncio.ensure_future(watch())
    begun, cursor, rows = time.perf_counter(), "", []
    while cursor is not None:
        found = await office.ask(text="needle", cursor=cursor)
        rows += found.records
        cursor = found.next
    rare_s = time.perf_counter() - begun
    watching.cancel()
    print(f"first page {first_s:.3f} s, rare word {rare_s:.3f} s, loop late by {worst * 1000:.1f} ms at most")
    assert len(rows) == 1
    assert first_s < 1


def test_a_budget_ends_by_bytes_time_and_stop() -> None:
    budget = Budget(10, 60)
    budget.spend(9)
    assert not budget.over
    budget.spend(1)
    assert budget.over
    budget = Budget(10, 0)
    for _ in range(200):
        budget.step()
    assert budget.over


async def test_more_files_than_a_day_can_have_are_told(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(office.ledger)
    monkeypatch.setattr(trail, "MAX_FILES", 2)
    page = await office.ask(limit=200)
    assert "1 more files of this day are not shown" in [one.error for one in page.faults]


# ---------------------------------------------------------------- export


def parse(content: bytes) -> list[dict[str, str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


async def test_the_export_holds_what_the_filters_find(office: Office) -> None:
    fill(office.ledger)
    async with office.client() as client:
        answer = await client.get(f"{AUDIT}/export", params={"group": "decisions", "channel": "main"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    rows = [row for row in parse(answer.content) if row["what"] != "audit.export"]  # its own record
    assert [
        (row["time_utc"][11:], row["who"], row["what"], row["answer"] or row["error"]) for row in rows
    ] == [
        ("12:00:05.000Z", "console:bob", "restore", "no cut is in force"),
        ("12:00:04.000Z", "cli:root", "delay_s", ""),
        ("12:00:03.000Z", "console:alice", "restore", "second_person"),
        ("12:00:02.000Z", "console:eve", "cut", ""),
        ("12:00:00.000Z", "token:deck", "cut", "cut"),
        ("12:00:00.000Z", "console:alice", "cut", "cut"),
    ]
    assert (rows[1]["old"], rows[1]["new"]) == ("30", "45")
    assert rows[2]["reason"] == "'=false alarm"
    assert rows[3]["more"].find('"right":"channel:cut"') > 0
    known = {record["hash"]: record for record in read(office.ledger)}
    assert all(str(known[row["hash"]]["n"]) == row["n"] for row in rows)
    record = await office.exported()
    assert (record["who"], record["role"], record["from"]) == ("console:ann", "auditor", "127.0.0.1")
    assert (record["channel"], record["args"]) == ("main", {"group": "decisions", "channel": "main"})


def test_no_cell_is_a_formula() -> None:
    for cell in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "＠x", "\n=cmd|' /C calc'!A0"):
        assert harmless(cell) == f"'{cell}"
    for cell in ("", "a=1", "2025-03-14", "delay -> 45", "切断"):
        assert harmless(cell) == cell
    line = json.dumps(
        {"kind": "x", "who": "=who", "reason": "-2", "args": {"a": "=1"}, "odd": ["=2"]}
    ).encode()
    (cells,) = csv.reader([to_csv([Row(NOON, "f", 1, line)]).decode()])
    assert not any(cell[:1] in set("=+-@") for cell in cells)


async def test_an_export_streams_many_records_and_says_where_it_ends(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with writing(office.ledger, "gate", NOON) as writer:
        for number in range(2500):
            writer.write(
                Notice(at=NOON + number / 10, channel="main", code="cut", text="CUT", text_zh="切断")
            )
    async with office.client() as client:
        rows = parse((await client.get(f"{AUDIT}/export", params={"kind": "notice"})).content)
        assert len(rows) == 2500
        assert rows[0]["text_zh"] == "切断"
        monkeypatch.setattr(bounds, "EXPORT_ROWS", 1200)
        rows = parse((await client.get(f"{AUDIT}/export", params={"kind": "notice"})).content)
    assert len(rows) == 1201
    assert "The export ends here" in rows[-1]["time_utc"]


async def test_exports_at_once_are_bounded_and_places_come_back(office: Office) -> None:
    with writing(office.ledger, "gate", NOON) as writer:
        for number in range(9000):
            writer.write(cut(NOON + number / 10, reason="x" * 3000))
    async with office.client() as client:
        async with (
            client.stream("GET", f"{AUDIT}/export") as one,
            client.stream("GET", f"{AUDIT}/export") as two,
        ):
            assert (one.status_code, two.status_code) == (200, 200)
            third = await client.get(f"{AUDIT}/export")
            assert (third.status_code, third.json()["code"]) == (503, "busy")
        for _ in range(100):  # the two went away in the middle
            answer = await client.get(f"{AUDIT}/export", params={"until": NOON})
            if answer.status_code == 200:
                break
            await asyncio.sleep(0.05)
        assert answer.status_code == 200


async def test_an_export_ends_when_the_person_is_out(office: Office) -> None:
    with writing(office.ledger, "gate", NOON) as writer:
        for number in range(9000):
            writer.write(cut(NOON + number / 10, reason="x" * 3000))
    got = 0
    async with office.client() as client, client.stream("GET", f"{AUDIT}/export") as export:
        async for piece in export.aiter_raw():
            if got == 0:
                assert (await client.delete("/api/v1/session")).status_code == 200
            got += len(piece)
    assert 0 < got < 9000 * 3000


# ---------------------------------------------------------------- proof


async def test_the_proof_is_that_of_verify_and_says_until_when(office: Office) -> None:
    fill(office.ledger)
    proof = await office.proven()
    records = list(read(office.ledger))
    assert (proof.records, proof.first_bad, proof.error) == (len(records), None, "")
    assert proof.files == len(list(office.ledger.rglob("*.jsonl")))
    assert proof.verified_until == max(record["at"] for record in records)


async def test_a_changed_byte_is_found_by_the_next_check(office: Office) -> None:
    fill(office.ledger)
    assert (await office.proven()).first_bad is None
    path = office.ledger / "2025-03-12" / "gate.jsonl"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"stranger", b"Stranger"))
    async with office.client() as client:
        begun = (await client.post(f"{AUDIT}/verified")).json()
    assert begun["running"]
    proof = await office.proven()
    assert proof.first_bad is not None
    number = next(i for i, line in enumerate(data.splitlines(), 1) if b"stranger" in line)
    assert (proof.first_bad.file, proof.first_bad.line) == ("2025-03-12/gate.jsonl", number)
    before = next(one for one in read(office.ledger, process="gate") if one["n"] == number - 1)
    assert proof.verified_until == before["at"]
    page = await office.ask(text="stranger")  # it is shown all the same
    assert len(page.records) == 1
    path.write_bytes(data)
    async with office.client() as client:
        await client.post(f"{AUDIT}/verified")
    assert (await office.proven()).first_bad is None


async def test_a_fresh_result_is_kept_and_an_older_one_renewed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(office.ledger)
    first = await office.proven()
    assert (await office.proven()).checked_at == first.checked_at
    monkeypatch.setattr(proofs, "FRESH_S", 0.0)
    async with office.client() as client:
        answer = (await client.get(f"{AUDIT}/verified")).json()
    assert (answer["running"], answer["checked_at"]) == (True, first.checked_at)
    monkeypatch.setattr(proofs, "FRESH_S", 60.0)
    later = await office.proven()
    assert later.checked_at is not None
    assert first.checked_at is not None
    assert later.checked_at > first.checked_at


async def test_a_ledger_that_cannot_be_read_is_an_error_in_words(office: Office) -> None:
    (office.ledger / "2025-03-14").mkdir(parents=True)
    (office.ledger / "2025-03-14" / "gate.jsonl").mkdir()
    proof = await office.proven()
    assert proof.verified_until is None
    assert "cannot be read" in proof.error
    assert proof.error_zh.startswith("核验未能完成")


async def test_the_console_ends_while_a_check_runs(idle: Stage) -> None:
    root = idle.data_dir / "ledger"
    fill(root)
    async with idle.console():
        await idle.sign_in("ann", "auditor")
        async with idle.client() as client:
            await client.post(f"{AUDIT}/verified")
        begun = time.monotonic()
    assert time.monotonic() - begun < 5
    assert not [one for one in children(os.getpid()) if "streamgate.ledger.prove" in one]


def children(pid: int) -> list[str]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [Path(f"/proc/{one}/cmdline").read_bytes().decode() for one in found]
