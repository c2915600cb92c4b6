"""Duty alarms outside the browser: from the gate's ledger to a real HTTP server on loopback."""

import asyncio
import time

import pytest
from test_incidents_book import Clock, write_ledger
from test_incidents_incident import ANN, AT
from tools.hook import Hook

from streamgate.errors import ConfigError
from streamgate.incidents import duty_alarm
from streamgate.incidents.chain import Chain, ChainFile, ChainStep, Person
from streamgate.incidents.duty_alarm import MAX_AGE_S, MAX_ALARMS, DutyAlarms, carry_duty_alarms
from streamgate.incidents.escalation import WAITS_S
from streamgate.incidents.notify import notify
from streamgate.ledger.record import Notice
from streamgate.playout.texts import say

# apprise asks for it as it loads
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture
def hook():
    server = Hook()
    yield server
    server.close()


@pytest.fixture
def data(tmp_path):
    place = tmp_path / "data"
    place.mkdir()
    return place


def chain_of(*urls, head="json://127.0.0.1:1"):
    """Return a chain: the first step has a person an address, the second one more person."""
    first = tuple(Person(f"李{number}", (url,)) for number, url in enumerate(urls, 1))
    return Chain(
        steps=(ChainStep("值班 duty", 10.0, first), ChainStep("主任 head", 30.0, (Person("王五", (head,)),))),
        institution="某某学院",
        page="https://gate.school.example/",
    )


def noticed(code, at=AT, channel="main", who="duty", **params):
    told = say(code, **params)
    return Notice(
        at=at, channel=channel, who=who, code=code, text=told.text, text_zh=told.text_zh, level=told.level
    )


def absent(at=AT, channel="main"):
    return noticed("duty_absent", at, channel, seconds=120, names="Ann", names_zh="安娜")


def back(at, channel="main"):
    return noticed("duty_back", at, channel, seconds=130, names="Ann", names_zh="安娜")


class Desk:
    """A console's notifier that sends in this thread: `look` does all that is due."""

    def __init__(self, data, at=AT):
        self.data, self.clock, self.told = data, Clock(at), []
        self.alarms = DutyAlarms(data, self.told.append, self.clock)

    def look(self, at=None):
        self.clock.at = self.clock.at if at is None else at
        messages = self.alarms.look()
        for one in messages:
            self.alarms.note(one, notify(one.urls, one.title, one.body))
        return [one.person for one in messages]

    @property
    def codes(self):
        return [one.code for one in self.told]


def test_an_alarm_is_sent_at_once_in_both_languages_to_the_first_step_once(data, hook):
    ChainFile(data).store(chain_of(hook.url, hook.url, head=hook.url), ANN)
    desk = Desk(data)
    assert desk.look() == []
    write_ledger(data, noticed("duty_asked", AT - 60, names="Ann", names_zh="安娜", seconds=60), absent())
    assert desk.look() == ["李1", "李2"]
    assert len(hook.messages) == 2
    (title, text), again = hook.messages
    assert (title, text) == again
    assert title == "[某某学院 main] 无人值守 nobody on duty is there"
    for words in (
        "频道 main 正在播出，无人值守：值班人员已 120 秒无响应（安娜）",
        "请立即联系值班人员",
        "Channel main is on air and nobody watches it: nobody on duty has been there for 120 s (Ann)",
        "Call whoever is on duty now",
        "https://gate.school.example/live/main",
    ):
        assert words in text
    assert desk.codes == ["duty_notified", "duty_notified"]
    assert desk.told[0].text == "李1 was notified that nobody on duty is there"
    assert desk.look(AT + 3000) == []
    assert Desk(data, AT + 1).look() == [], "nor by a console that was restarted"
    write_ledger(data, back(AT + 10), absent(AT + 300))
    assert desk.look(AT + 300) == ["李1", "李2"], "the next alarm is another one"
    assert len(hook.bodies) == 4


def test_each_channel_has_its_own_alarm(data, hook):
    ChainFile(data).store(chain_of(hook.url), ANN)
    write_ledger(data, absent(), absent(channel="hall"), back(AT + 1, "hall"))
    assert Desk(data, AT + 2).look() == ["李1"]
    assert [title.partition("]")[0] for title, _ in hook.messages] == ["[某某学院 main"]


def test_what_is_not_delivered_is_tried_again_until_somebody_is_there(data, hook):
    ChainFile(data).store(chain_of(hook.url), ANN)
    hook.status = 503
    write_ledger(data, absent())
    desk = Desk(data)
    assert desk.look() == ["李1"]
    assert desk.codes == ["duty_not_notified"]
    assert "503" in desk.told[0].text
    assert "127.0.0.1" not in desk.told[0].text, "an address may hold a token"
    assert desk.look(AT + WAITS_S[0] - 0.1) == []
    desk = Desk(data, AT + WAITS_S[0])  # restarted meanwhile
    assert desk.look() == ["李1"]
    assert desk.codes == [], "what goes on failing is said once"
    hook.status = 200
    assert desk.look(AT + WAITS_S[0] + WAITS_S[1]) == ["李1"]
    assert desk.codes == ["duty_notified"]

    hook.status = 503
    write_ledger(data, absent(AT + 300))
    assert desk.look(AT + 300) == ["李1"]
    write_ledger(data, back(AT + 301))
    assert desk.look(AT + 400) == []


@pytest.mark.parametrize("over", ["duty_back", "duty_over", "stopped"])
def test_nobody_is_called_for_an_alarm_that_is_over_or_old(data, hook, over):
    ChainFile(data).store(chain_of(hook.url), ANN)
    ends = {"duty_back": back(AT + 5), "duty_over": noticed("duty_over", AT + 5)}
    write_ledger(
        data,
        absent(),
        ends.get(over, Notice(at=AT + 5, channel="main", who=ANN, code="stopped", text="stopped")),
    )
    assert Desk(data, AT + 10).look() == []
    write_ledger(data, absent(AT + 20))
    assert Desk(data, AT + 20 + MAX_AGE_S + 1).look() == []
    assert hook.bodies == []


def test_without_a_chain_that_is_said_once_an_alarm(data):
    write_ledger(data, absent())
    desk = Desk(data)
    assert desk.look() == desk.look() == []
    (notice,) = desk.told
    assert (notice.code, notice.level, notice.channel) == ("duty_nobody_to_notify", "warning", "main")
    assert "streamgate escalation set FILE" in notice.text
    assert "streamgate escalation set FILE" in notice.text_zh


def test_a_chain_that_cannot_be_read_holds_the_alarm_up_and_does_not_lose_it(data, hook):
    file = ChainFile(data)
    file.store(chain_of(hook.url), ANN)
    good = file.path.read_bytes()
    file.path.write_text("{")
    write_ledger(data, absent())
    desk = Desk(data)
    with pytest.raises(ConfigError):
        desk.look()
    file.path.write_bytes(good)
    assert desk.look() == ["李1"]


def test_a_disk_that_takes_nothing_does_not_keep_the_alarm_back(data, hook):
    ChainFile(data).store(chain_of(hook.url), ANN)
    for name in (duty_alarm.FILE, duty_alarm.FOLLOWED):
        (data / "incidents" / f".{name}.new").mkdir(parents=True)  # what is written first cannot be
    write_ledger(data, absent())
    desk = Desk(data)
    assert desk.look() == ["李1"]
    assert desk.look() == []


def test_the_file_keeps_the_newest_alarms_only(data):
    write_ledger(data, *(absent(AT + number) for number in range(MAX_ALARMS + 5)))
    desk = Desk(data, AT + 200)
    desk.look()
    assert len(desk.alarms._recall()) == MAX_ALARMS


async def test_a_server_that_hangs_holds_up_its_own_person_only(data, hook, monkeypatch):
    monkeypatch.setattr(duty_alarm, "LOOK_S", 0.05)
    slow = Hook()
    slow.hangs_s = 3.0
    now = time.time()
    ChainFile(data).store(chain_of(slow.url, hook.url), ANN)
    told = []
    carrying = asyncio.create_task(carry_duty_alarms(data, notify, told.append))
    try:
        await asyncio.to_thread(write_ledger, data, absent(now), clock=Clock(now))
        await until(lambda: hook.bodies and slow.bodies)
        await asyncio.to_thread(
            write_ledger, data, back(now + 0.1), absent(now + 0.2), clock=Clock(now + 0.2)
        )
        await until(lambda: len(hook.bodies) == len(told) == 2)
        assert {one.text.partition(" ")[0] for one in told} == {"李2"}, "the slow server has not answered"
    finally:
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)
        slow.close()


async def until(done, seconds=20):
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it does not happen"
        await asyncio.sleep(0.02)
