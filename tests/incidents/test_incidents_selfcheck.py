"""The self-check: each rule has a finding, and what a system shows turns it."""

import json

import msgspec
import pytest
from test_incidents_book import broadcast, command, run, write_ledger
from test_incidents_incident import AT

from streamgate.archive.edit_list import End
from streamgate.core.edits import Held, Piece
from streamgate.ledger.record import Decision, Publication, StageApproval
from streamgate.selfcheck.judge import judge
from streamgate.selfcheck.observed import DAY_S, Acts, Air, Observed, Opened, Store, observe
from streamgate.selfcheck.rules import TITLES
from streamgate.store import api_tokens, sessions, settings, users
from streamgate.store.database import Database
from streamgate.store.location import locate
from streamgate.store.upgrade import upgrade

WHOLE = Observed(
    at=AT,
    serving=True,
    channels=1,
    least_delay_s=30.0,
    with_backup=1,
    with_standby=1,
    retention={"main": 60},
    recorded=2,
    air=Air(broadcasts=2, packets=100, least_s=30.001),
    watched=1,
    store=Store(
        people=3, roles={"reviewer": 1, "senior-reviewer": 1, "chief-reviewer": 1}, shifts=2, practised=1
    ),
    ledger_whole=True,
    ledger_records=9,
    chain_steps=2,
    idle_logout_min=15.0,
    acts=Acts(reports=1, checks=1, sensitive=3, opened=[("main", AT - 60)]),
)
OPEN = Opened("main", "console:an", AT - 60, on_air=True)


def states(seen):
    return {one.rule: one.state for one in judge(seen)}


def but(**changes):
    return states(msgspec.structs.replace(WHOLE, **changes))


def store(**changes):
    return msgspec.structs.replace(WHOLE.store, **changes)


def acts(**changes):
    return msgspec.structs.replace(WHOLE.acts, **changes)


def opened(**changes):
    return store(interaction_open=(msgspec.structs.replace(OPEN, **changes),))


def test_every_rule_has_a_finding_in_both_languages_and_a_gap_says_what_is_missing():
    for seen in (WHOLE, Observed(at=AT, serving=False)):
        found = judge(seen)
        assert [one.rule for one in found] == [f"R{number}" for number in range(1, 29)] == list(TITLES)
        for one in found:
            assert one.evidence, one.rule
            assert one.evidence_zh, one.rule
            assert (one.state == "met") <= (one.gap == ""), one.rule
            assert bool(one.gap) == bool(one.gap_zh), one.rule


def test_a_roster_and_a_watch_over_it_are_what_duty_takes():
    assert (states(WHOLE)["R22"], states(WHOLE)["R25"]) == ("met", "met")
    assert but(unwatched=1)["R25"] == "part"
    bare = but(store=store(shifts=0))
    assert (bare["R22"], bare["R25"]) == ("part", "gap")


def test_what_the_software_has_no_part_for_is_a_gap_whatever_the_rest_shows():
    assert {rule for rule, state in states(WHOLE).items() if state == "gap"} == {"R9", "R10", "R11", "R12"}


@pytest.mark.parametrize(
    ("rule", "changes", "state"),
    [
        ("R1", {"air": Air(broadcasts=1, packets=9, below_floor=1, least_s=29.0)}, "gap"),
        ("R1", {"air": Air()}, "unknown"),
        ("R1", {"air": Air(broadcasts=1)}, "unknown"),
        ("R1", {"air": Air(broadcasts=1, packets=9, unreadable=1, least_s=30.0)}, "gap"),
        ("R2", {"serving": False}, "unknown"),
        ("R3", {"with_backup": 0}, "gap"),
        ("R3", {"with_standby": 0}, "part"),
        ("R4", {"store": store(published=5, unapproved=1)}, "gap"),
        ("R4", {"store": store(error="away")}, "unknown"),
        ("R5", {"store": opened(at=AT - 600)}, "gap"),
        ("R5", {"store": opened(at=AT - 50 * DAY_S, by="")}, "gap"),
        ("R5", {"store": opened(on_air=False)}, "part"),
        ("R5", {"store": opened(), "serving": False}, "part"),
        ("R5", {"store": store(error="away")}, "unknown"),
        ("R8", {"gaps": 1}, "gap"),
        ("R8", {"retention": {"main": 59}}, "gap"),
        ("R13", {"by_one_person": 1}, "part"),
        ("R16", {"plain_urls": 1}, "gap"),
        ("R17", {"ledger_whole": False}, "gap"),
        ("R18", {"acts": acts(too_few_stages=1)}, "gap"),
        ("R18", {"acts": acts(sensitive=0)}, "unknown"),
        ("R19", {"old_drafts": 1}, "gap"),
        ("R23", {"store": store(roles={"reviewer": 1})}, "part"),
        ("R24", {"idle_logout_min": 0.0}, "gap"),
        ("R24", {"store": store(sessions_of_disabled=1)}, "gap"),
        ("R24", {"store": store(tokens_of_disabled=("deck",))}, "part"),
        ("R24", {"store": store(unused=("wu",))}, "part"),
        ("R24", {"store": store(error="away")}, "unknown"),
        ("R26", {"store": store(same_person=1)}, "gap"),
        ("R27", {"chain_steps": 0}, "gap"),
        ("R27", {"overdue": 1}, "gap"),
        ("R27", {"undelivered": 1}, "gap"),
        ("R28", {"acts": acts(checks=0)}, "part"),
    ],
)
def test_what_turns_a_rule(rule, changes, state):
    assert states(WHOLE)[rule] != state
    assert but(**changes)[rule] == state


@pytest.mark.parametrize("changes", [{}, {"at": AT - 50 * DAY_S}])
def test_interaction_that_a_named_person_opened_for_a_broadcast_is_as_it_should_be(changes):
    assert but(store=opened(**changes))["R5"] == "met"


def test_people_who_left_and_open_switches_are_seen_in_the_database_and_the_ledger(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    location = locate("sqlite", data)
    upgrade(location)
    with Database(location) as database, database.write() as session:
        for name, at in (("an", AT - 100 * DAY_S), ("bo", AT - DAY_S), ("wu", AT - 100 * DAY_S)):
            user = users.add(session, name, by="x", at=at)
            ends = {"at": at, "absolute_expires_at": AT + 3600.0}
            sessions.create(session, f"s-{name}", user.id, **ends, address="", user_agent="")
        users.note_sign_in(session, 3, at=AT - DAY_S)
        users.disable(session, 2, at=AT - 60)
        for name, by in (("deck", "console:bo"), ("wall", "console:an")):
            api_tokens.create(session, name, name, scopes=["air:cut"], by=by, at=AT - DAY_S)
        settings.put(session, "interaction/main", {"comments": True}, by="console:an", at=AT - 60)
        settings.put(session, "interaction/hall", {"comments": False}, by="console:an", at=AT - 60)
        settings.put(session, "broadcast/main", {"id": "main-1", "started_at": AT - 90}, by="x", at=AT - 90)
    approvals = [StageApproval(stage, 1, "console:an", "reviewer", AT) for stage in (1, 2)]
    write_ledger(
        data,
        Decision(
            at=AT - 60, who="console:an", channel="main", what="interaction.set", args={"comments": True},
            answer="ok",
        ),
        Decision(at=AT - 50, who="console:an", what="selfcheck.make", answer="ok"),
        Publication(at=AT, channel="main", card=1, verdict=0, stages=1, approvals=approvals[:1]),
        Publication(at=AT, channel="main", card=2, verdict=2, stages=2, approvals=approvals),
    )  # fmt: skip
    seen = observe(data, location, now=AT + 1, serving=True, retention_days=60, options={})
    store, acts = seen.store, seen.acts
    assert (store.sessions, store.sessions_of_disabled, store.longest_session_h) == (3, 1, 100 * 24 + 1)
    assert (store.tokens_of_disabled, store.unused) == (("deck",), ("an",))
    assert store.interaction_open == (Opened("main", "console:an", AT - 60, on_air=True),)
    assert [channel for channel, _ in acts.opened] == ["main"]
    assert (acts.sensitive, acts.too_few_stages, acts.checks) == (1, 1, 1)
    assert {states(seen)[rule] for rule in ("R18", "R24")} == {"gap"}
    assert {states(seen)[rule] for rule in ("R5", "R28")} == {"met"}


def test_it_is_read_from_a_directory_and_printed(tmp_path):
    data = tmp_path / "data"
    (data / "archive" / "main").mkdir(parents=True)
    (data / "channels").mkdir()
    data.chmod(0o700)
    held = Held(25, 30_010_000, 45_000_000, 1, 0, [(30_010, 2), (45_000, 23)])
    broadcast(
        data,
        Piece(at=AT, from_us=0, to_us=1, source="live", delay_us=45_000_000, runs=[], held=held),
        End(at=AT + 5),
    )
    write_ledger(data, command("cut", latency_ms=0.4), command("stop", AT + 5))
    seen = observe(data, None, now=AT + 60, serving=True, retention_days=60, options={})
    assert (seen.air.broadcasts, seen.air.least_s, seen.acts.cuts, seen.acts.cut_ms) == (1, 30.01, 1, 0.4)
    assert seen.ledger_whole
    code, said = run(data, "selfcheck", "--json")
    assert code == 0, said
    found = json.loads(said)
    assert len(found["rules"]) == 28
    assert sum(found["counts"].values()) == 28
    out = tmp_path / "selfcheck.docx"
    assert run(data, "selfcheck", "--out", str(out), "--json")[0] == 0
    assert out.read_bytes().startswith(b"PK")
    assert "must end with" in run(data, "selfcheck", "--out", str(tmp_path / "x.txt"))[1]
