"""Reports upward: real mail and real HTTP on loopback, deadlines by a clock set by hand."""

import asyncio
import json
import threading
from contextlib import contextmanager

import pytest
from aiosmtpd.handlers import Message
from aiosmtpd.smtp import SMTP
from test_incidents_book import Clock, run
from test_incidents_incident import ANN, AT, completed, opened
from tools.hook import Hook

from streamgate.errors import ConfigError, Refused
from streamgate.incidents.book import Book
from streamgate.incidents.chain import Chain, ChainFile, ChainStep, Person
from streamgate.incidents.escalate import Escalator, report_of
from streamgate.incidents.escalation import (
    MAX_TRIES,
    WAITS_S,
    Acknowledged,
    Closed,
    Followed,
    Step,
    is_overdue,
)
from streamgate.incidents.incident import Dismissed
from streamgate.incidents.notify import NotSent, notify
from streamgate.ledger.read import read

# apprise asks for it as it loads
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
STEPS = (Step("值班 duty", ("李四",), 10.0), Step("主任 head", ("王五", "赵六"), 30.0))


class Mails(Message):
    def __init__(self):
        super().__init__()
        self.taken = []

    def handle_message(self, message):
        self.taken.append(message)


@contextmanager
def mail_server():
    mails = Mails()
    loop = asyncio.new_event_loop()
    serving = threading.Thread(target=loop.run_forever, daemon=True)
    serving.start()
    made = loop.create_server(lambda: SMTP(mails, loop=loop), "127.0.0.1", 0)
    server = asyncio.run_coroutine_threadsafe(made, loop).result(5)
    port = server.sockets[0].getsockname()[1]
    try:
        yield mails, f"mailto://127.0.0.1:{port}?from=gate@school.example&to=li@school.example&mode=insecure"
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        serving.join(5)
        loop.close()


@pytest.fixture
def web():
    server = Hook()
    yield server
    server.close()


@pytest.fixture
def data(tmp_path):
    place = tmp_path / "data"
    (place / "archive").mkdir(parents=True)
    (place / "channels").mkdir()
    (place / "channels" / "main.json").write_text('{"delay_s":45.0}')
    return place


def chain_of(first, *second, at_once=("serious", "grave")):
    return Chain(
        steps=(
            ChainStep("值班 duty", 10.0, (Person("李四", (first,)),)),
            ChainStep("主任 head", 30.0, tuple(Person(name, (url,)) for name, url in second)),
        ),
        institution="某某学院",
        at_once=at_once,
        page="https://gate.school.example",
    )


def incident(data, clock, *events):
    book = Book(data, clock=clock)
    book.add(opened())
    for event in events:
        book.add(event)
    return book


def states(book):
    found = book.read()["a"].escalation
    return [(one.person, one.state, one.tries) for one in found.notified]


# ---------------------------------------------------------------- the whole way


def test_a_grave_incident_goes_up_by_mail_then_http_until_somebody_answers(data, web):
    clock = Clock(AT)
    with mail_server() as (mails, address):
        ChainFile(data, clock=clock).store(chain_of(address, ("王五", web.url)), ANN)
        book = incident(data, clock, completed(at=AT))
        escalator = Escalator(data, book, notify)
        escalator.look()
        assert states(book) == [("李四", "delivered", 1)], book.read()["a"].escalation
        (mail,) = mails.taken
        assert mail["to"] == "li@school.example"
        text = mail.get_payload(decode=True) or mail.get_payload(0).get_payload(decode=True)
        assert "a stranger in the picture" in text.decode()
        assert "https://gate.school.example/incidents/a" in text.decode()
        clock.at = AT + 10 * 60 - 1
        escalator.look()
        assert len(mails.taken) == 1, "nobody is told twice"
        assert web.bodies == []
        clock.at = AT + 10 * 60
        escalator.look()
        assert states(book)[1:] == [("王五", "delivered", 1)]
        (body,) = map(json.loads, web.bodies)
        assert "某某学院" in body["title"]
        assert "step 2/2: 主任 head" in body["message"]
    book.add(Acknowledged(id="a", at=clock.at, by="console:wang", words="on my way"))
    clock.at += 86_400
    escalator.look()
    assert len(web.bodies) == 1
    book.add(Followed(id="a", at=clock.at, by="console:wang", words="the parents were told"))
    book.add(Closed(id="a", at=clock.at, by="console:wang", words="nothing aired"))
    found = Book(data).read()["a"].escalation
    assert (found.state, found.acknowledged_by, found.closed_by) == ("closed", "console:wang", "console:wang")
    assert [one.words for one in found.follow_up] == ["on my way", "the parents were told", "nothing aired"]
    assert found.steps == (*STEPS[:1], Step("主任 head", ("王五",), 30.0))


def test_what_is_not_delivered_is_tried_again_with_longer_pauses_and_shown(data, web):
    clock, web.status = Clock(AT), 503
    ChainFile(data, clock=clock).store(chain_of(web.url, ("王五", web.url)), ANN)
    book = incident(data, clock, completed(at=AT))
    escalator = Escalator(data, book, notify)
    escalator.look()
    (one,) = book.read()["a"].escalation.notified
    assert (one.state, one.tries, one.next_at) == ("failed", 1, AT + WAITS_S[0])
    assert "503" in one.error
    assert one.error_zh.startswith("json：对方服务器出错（"), "pages in Chinese say what it means"
    assert "127.0.0.1" not in one.error or "hook" not in one.error, "an address may hold a token"
    clock.at = one.next_at - 0.1
    escalator.look()
    assert states(book) == [("李四", "failed", 1)]
    clock.at = one.next_at
    escalator.look()
    (one,) = book.read()["a"].escalation.notified
    assert (one.tries, one.next_at) == (2, clock.at + WAITS_S[1])
    web.status = 200
    clock.at = one.next_at
    escalator.look()
    assert states(book) == [("李四", "delivered", 3)]


def test_tries_end_and_the_deadline_passes_all_the_same(data):
    clock = Clock(AT)
    ChainFile(data, clock=clock).store(chain_of("json://127.0.0.1:1", ("王五", "json://127.0.0.1:1")), ANN)
    book = incident(data, clock)
    one = book.read()["a"]
    book.add(report_of(one, ChainFile(data).read(), by=ANN, at=AT))
    escalator = Escalator(data, book, lambda *_: NotSent("refused", "被拒绝"))
    asked = 0
    while any(one.next_at for one in book.read()["a"].escalation.notified):
        clock.at = max(
            clock.at, min(one.next_at for one in book.read()["a"].escalation.notified if one.next_at)
        )
        escalator.look()
        asked += 1
        assert asked < 3 * MAX_TRIES
    found = book.read()["a"].escalation
    assert {one.state for one in found.notified} == {"undelivered"}
    assert {one.tries for one in found.notified} == {MAX_TRIES}
    assert is_overdue(found, found.due_at)
    assert not is_overdue(found, found.due_at - 1)


# ---------------------------------------------------------------- rules


def test_only_what_the_chain_says_is_reported_by_itself(data, web):
    clock = Clock(AT)
    book = incident(data, clock, completed(at=AT - 1))
    ChainFile(data, clock=clock).store(chain_of(web.url, ("王五", web.url), at_once=("grave",)), ANN)
    Escalator(data, book, notify).look()
    assert book.read()["a"].escalation is None, "serious is not grave"
    ChainFile(data, clock=clock).store(chain_of(web.url, ("王五", web.url)), ANN)
    Escalator(data, book, notify).look()
    assert book.read()["a"].escalation is None, "it was written up before the chain was set"


def test_what_does_not_fit_is_refused(data):
    book = incident(data, Clock(AT))
    chain = chain_of("json://127.0.0.1:1", ("王五", "json://127.0.0.1:1"))
    for event, said in (
        (Acknowledged(id="a", at=AT, by=ANN), "not reported upward"),
        (Followed(id="a", at=AT, by=ANN, words="x"), "not reported upward"),
    ):
        with pytest.raises(Refused, match=said):
            book.add(event)
    report = report_of(book.read()["a"], chain, by=ANN, at=AT)
    book.add(report)
    for event, said in (
        (report, "already"),
        (Closed(id="a", at=AT, by=ANN, words="x"), "nobody has acknowledged"),
        (Followed(id="a", at=AT, by=ANN, words=" "), "words"),
        (Acknowledged(id="a", at=AT, by="token:deck"), "no person"),
        (Dismissed(id="a", at=AT, by=ANN, reason="x"), "close the report first"),
    ):
        with pytest.raises(Refused, match=said):
            book.add(event)
    book.add(Acknowledged(id="a", at=AT, by=ANN))
    with pytest.raises(Refused, match="has acknowledged it already"):
        book.add(Acknowledged(id="a", at=AT, by="console:bob"))


def test_addresses_stand_encrypted_and_a_bad_chain_is_said(data, tmp_path):
    file = tmp_path / "chain.json"
    whole = {
        "institution": "某某学院",
        "steps": [
            {
                "name": "值班",
                "within_min": 10,
                "persons": [{"name": "李四", "urls": ["json://user:SECRET@127.0.0.1:1/hook"]}],
            }
        ],
    }

    def answer(change, code=1):
        changed = json.loads(json.dumps(whole))
        change(changed)
        file.write_text(json.dumps(changed))
        found, said = run(data, "escalation", "set", str(file), "--json")
        assert found == code, said
        return said

    assert "SECRET" not in answer(lambda _: None, 0)
    assert "SECRET" not in ChainFile(data).path.read_text()
    assert ChainFile(data).read().urls_of("李四") == ("json://user:SECRET@127.0.0.1:1/hook",)
    assert ChainFile(data).path.stat().st_mode & 0o777 == 0o600
    assert "1 to 10 steps" in answer(lambda one: one.update(steps=[]))
    assert "within_min 0" in answer(lambda one: one["steps"][0].update(within_min=0))
    assert "stands in a chain once" in answer(lambda one: one["steps"].append(one["steps"][0]))
    assert "none that apprise" in answer(lambda one: one["steps"][0]["persons"][0].update(urls=["odd://x"]))
    assert "is no chain" in answer(lambda one: one.update(stepz=[]))
    shown = json.loads(run(data, "escalation", "show", "--json")[1])
    assert shown["steps"][0]["persons"] == [{"name": "李四", "by": ["json"]}]
    ChainFile(data).seal_anew()
    assert ChainFile(data).read().urls_of("李四")
    (data / "secrets.key").unlink()
    with pytest.raises(ConfigError):
        ChainFile(data).read()


def test_the_command_line_reports_acknowledges_follows_and_closes(data, web):
    Book(data).add(opened())
    assert "no chain is set" in run(data, "incident", "escalate", "a")[1]
    ChainFile(data).store(chain_of(web.url, ("王五", web.url)), ANN)
    assert run(data, "escalation", "test", "李四", "--json")[0] == 0
    assert len(web.bodies) == 1
    web.status = 500
    assert "cannot be notified" in run(data, "escalation", "test", "李四")[1]
    assert "is not in the chain; persons are: 李四, 王五" in run(data, "escalation", "test", "nobody")[1]
    for arguments in (
        ["escalate", "a"],
        ["acknowledge", "a"],
        ["follow", "a", "called"],
        ["close", "a", "done"],
    ):
        code, said = run(data, "incident", *arguments, "--json")
        assert code == 0, said
    assert json.loads(said)["escalation"]["state"] == "closed"
    done = [one["what"] for one in read(data / "ledger", kind="decision")]
    assert done[-4:] == ["incident.report", "incident.acknowledge", "incident.follow", "incident.close"]
