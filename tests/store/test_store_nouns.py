"""What the repositories store and answer, on both engines."""

import pytest
from sqlalchemy.orm import Session

from streamgate.errors import Refused
from streamgate.store import api_tokens, approvals, factors, links, sessions, settings, sign_ins, users
from streamgate.store.database import Database
from streamgate.store.users import Grant


@pytest.fixture
def session(database: Database):
    with database.write() as opened:
        yield opened


@pytest.fixture
def alice(session: Session) -> int:
    return users.add(session, "alice", by="cli:root", at=1, grants=[Grant("operator")]).id


# ---------------------------------------------------------------- people


def test_people_are_found_in_any_spelling(session: Session, alice: int) -> None:
    bob = users.add(session, "Bob", by="console:alice", at=2, display_name="鲍勃", locale="zh")

    assert users.find(session, "ＡＬＩＣＥ").id == alice
    assert users.find(session, "carol") is None
    assert users.get(session, bob.id).display_name == "鲍勃"
    assert [(user.username, roles) for user, roles in users.list_all(session)] == [
        ("alice", [Grant("operator")]),
        ("Bob", []),
    ]
    with pytest.raises(Refused, match="called ALICE already") as caught:
        users.add(session, "ALICE", by="x", at=3)
    assert "ALICE" in caught.value.zh


def test_disabling_and_enabling(session: Session, alice: int) -> None:
    assert users.disable(session, alice, at=5)
    assert not users.disable(session, alice, at=6)
    session.expire_all()
    assert users.get(session, alice).disabled_at == 5
    assert users.enable(session, alice)
    assert not users.enable(session, alice)


def test_roles_that_stay_keep_who_gave_them(session: Session, alice: int) -> None:
    users.set_roles(session, alice, [Grant("operator"), Grant("reviewer", "main")], by="console:bob", at=9)
    users.set_roles(session, alice, [Grant("reviewer", "main"), Grant("operator", "main")], by="x", at=10)

    assert set(users.roles(session, alice)) == {Grant("reviewer", "main"), Grant("operator", "main")}
    with pytest.raises(Refused, match="no role 'root'; roles are: administrator"):
        users.set_roles(session, alice, [Grant("root")], by="x", at=11)


def test_the_newest_five_passwords_are_remembered(session: Session, alice: int) -> None:
    bob = users.add(session, "bob", by="x", at=1).id
    users.set_password(session, bob, "of bob", at=1)
    for number in range(8):
        users.set_password(session, alice, f"hash{number}", at=number, must_change=number == 7)

    assert users.recent_passwords(session, alice) == ["hash7", "hash6", "hash5", "hash4", "hash3"]
    assert users.recent_passwords(session, bob) == ["of bob"]
    session.expire_all()
    stored = users.get(session, alice)
    assert (stored.password_hash, stored.password_changed_at, stored.must_change) == ("hash7", 7, True)


def test_the_last_sign_in_is_kept(session: Session, alice: int) -> None:
    users.note_sign_in(session, alice, at=77)
    session.expire_all()
    assert users.get(session, alice).last_sign_in_at == 77


# ---------------------------------------------------------------- second factor


def test_a_time_step_is_good_once(session: Session, alice: int) -> None:
    factors.set_totp(session, alice, b"\x00encrypted\xff", at=1)
    assert factors.totp(session, alice).secret == b"\x00encrypted\xff"
    assert factors.confirm_totp(session, alice, at=2)
    assert not factors.confirm_totp(session, alice, at=3)
    assert [
        factors.use_step(session, alice, step) for step in (59_845_073, 59_845_073, 59_845_072, 59_845_074)
    ] == [
        True,
        False,
        False,
        True,
    ]


def test_a_new_secret_takes_the_place_of_the_old_one(session: Session, alice: int) -> None:
    factors.set_totp(session, alice, b"old", at=1)
    factors.confirm_totp(session, alice, at=2)
    factors.set_totp(session, alice, b"new", at=3)
    session.expire_all()
    stored = factors.totp(session, alice)
    assert (stored.secret, stored.confirmed_at) == (b"new", None)
    assert factors.remove_totp(session, alice)
    session.expire_all()
    assert factors.totp(session, alice) is None


def test_a_recovery_code_is_good_once(session: Session, alice: int) -> None:
    factors.set_recovery_codes(session, alice, ["a", "b", "c"])
    assert factors.use_recovery_code(session, alice, "b", at=2)
    assert not factors.use_recovery_code(session, alice, "b", at=3)
    assert not factors.use_recovery_code(session, alice, "z", at=3)
    assert factors.recovery_codes_left(session, alice) == 2
    factors.set_recovery_codes(session, alice, ["d"])
    assert not factors.use_recovery_code(session, alice, "a", at=4)


# ---------------------------------------------------------------- sessions


def signed_in(session: Session, user_id: int, name: str, at: float = 10) -> None:
    sessions.create(
        session, name, user_id, at=at, absolute_expires_at=at + 100, address="::1", user_agent="Firefox"
    )


def test_a_session_lives_until_it_ends_expires_or_its_person_is_disabled(
    session: Session, alice: int
) -> None:
    signed_in(session, alice, "s1")
    found, person = sessions.find(session, "s1", at=11)
    assert (found.address, found.user_agent, person.username) == ("::1", "Firefox", "alice")
    assert sessions.find(session, "s1", at=110) is None
    assert sessions.find(session, "nobody's", at=11) is None
    users.disable(session, alice, at=12)
    assert sessions.find(session, "s1", at=13) is None
    users.enable(session, alice)
    assert sessions.end(session, "s1", at=14, why="signed out")
    assert not sessions.end(session, "s1", at=15, why="again")
    assert sessions.find(session, "s1", at=16) is None
    assert not sessions.touch(session, "s1", at=99)


def test_sessions_are_written_at_most_every_ten_seconds(session: Session, alice: int) -> None:
    signed_in(session, alice, "s1", at=100)
    assert [sessions.touch(session, "s1", at=at) for at in (105, 110, 111, 120)] == [False, True, False, True]


def test_all_sessions_of_a_person_end_but_one(session: Session, alice: int) -> None:
    bob = users.add(session, "bob", by="x", at=1).id
    for user_id, name in ((alice, "a1"), (alice, "a2"), (alice, "a3"), (bob, "b1")):
        signed_in(session, user_id, name)
    sessions.touch(session, "a2", at=30)
    session.expire_all()
    assert sessions.list_open(session, alice, at=31)[0].id_hash == "a2"
    assert sorted(sessions.end_all(session, alice, at=31, why="password", keep="a2")) == ["a1", "a3"]
    assert [one.id_hash for one in sessions.list_open(session, alice, at=32)] == ["a2"]
    assert sessions.end_all(session, alice, at=33, why="disabled") == ["a2"]
    assert [one.id_hash for one in sessions.list_open(session, bob, at=34)] == ["b1"]


def test_what_came_from_outside_is_bounded_and_cleaned(session: Session, alice: int) -> None:
    sessions.create(
        session,
        "s",
        alice,
        at=1,
        absolute_expires_at=2,
        address="x" * 900,
        user_agent="a\0b\ud800" + "y" * 900,
    )
    found, _ = sessions.find(session, "s", at=1)
    assert (len(found.address), len(found.user_agent)) == (64, 256)
    assert found.user_agent.startswith("a\ufffdb")


def test_old_sessions_are_forgotten(session: Session, alice: int) -> None:
    for name, at in (("ended", 10), ("expired", 10), ("open", 1000)):
        signed_in(session, alice, name, at=at)
    sessions.end(session, "ended", at=20, why="x")
    assert sessions.prune(session, before=500) == 2
    assert [one.id_hash for one in sessions.list_open(session, alice, at=1001)] == ["open"]


# ---------------------------------------------------------------- links


def test_a_link_is_good_once_and_until_it_expires(session: Session, alice: int) -> None:
    links.create(session, "t1", "invite", by="x", at=1, expires_at=100, roles=["operator", "reviewer"])
    links.create(session, "t2", "reset", by="x", at=1, expires_at=100, user_id=alice)
    assert links.find(session, "t1", at=50).roles == ["operator", "reviewer"]
    assert links.use(session, "t1", at=50).kind == "invite"
    assert links.use(session, "t1", at=51) is None
    assert links.find(session, "t1", at=51) is None
    assert links.use(session, "t2", at=100) is None
    assert links.use(session, "t3", at=1) is None


def test_open_links_are_withdrawn(session: Session, alice: int) -> None:
    bob = users.add(session, "bob", by="x", at=1).id
    for name, user_id in (("a", alice), ("b", bob)):
        links.create(session, name, "reset", by="x", at=1, expires_at=100, user_id=user_id)
    assert links.open_until(session, at=5) == {alice: 100, bob: 100}
    assert links.withdraw(session, "reset", at=5, user_id=alice) == 1
    assert links.open_until(session, at=5) == {bob: 100}
    assert links.use(session, "a", at=6) is None
    assert links.use(session, "b", at=6).user_id == bob
    assert links.open_until(session, at=6) == {}
    assert links.prune(session, before=50) == 1


# ---------------------------------------------------------------- sign-in log


def test_failures_are_counted_since_the_last_success(session: Session, alice: int) -> None:
    def attempt(at: float, result: str, name: str = "Alice", address: str = "1.1.1.1") -> None:
        sign_ins.record(session, at=at, username=name, address=address, result=result, user_id=alice)

    attempt(1, "password")
    attempt(2, sign_ins.OK)
    attempt(3, "password")
    attempt(4, "totp", name="ＡＬＩＣＥ", address="2.2.2.2")
    attempt(5, "password", name="nobody", address="2.2.2.2")

    assert sign_ins.failures(session, since=0, username="alice") == (2, 4)
    assert sign_ins.failures(session, since=4, username="alice") == (1, 4)
    assert sign_ins.failures(session, since=0, address="2.2.2.2") == (2, 5)
    assert sign_ins.failures(session, since=0, username="alice", address="2.2.2.2") == (1, 4)
    assert sign_ins.failures(session, since=0, username="carol") == (0, None)
    assert [one.at for one in sign_ins.list_latest(session, limit=2)] == [5, 4]
    assert len(sign_ins.list_latest(session, limit=9, user_id=alice)) == 5
    assert sign_ins.prune(session, before=4) == 3


def test_the_log_is_read_by_name_by_failure_and_in_pages(session: Session, alice: int) -> None:
    tries = [
        (1, "alice", "1.1.1.1", sign_ins.CODE_ASKED),  # and given a moment later
        (2, "Alice", "1.1.1.1", sign_ins.OK),
        (3, "bob", "1.1.1.1", "unknown"),
        (4, "alice", "6.6.6.6", sign_ins.CODE_ASKED),  # somebody who knows the password alone
        (5, "alice", "1.1.1.1", sign_ins.CODE_ASKED),
        (6 + sign_ins.CODE_S, "alice", "1.1.1.1", sign_ins.OK),  # too late to be the answer to it
        (999, "alice", "1.1.1.1", "bad_password"),
    ]
    for at, name, address, result in tries:
        sign_ins.record(session, at=at, username=name, address=address, result=result)

    def read(**wanted: object) -> list[float]:
        return [one.at for one in sign_ins.list_latest(session, limit=9, **wanted)]

    assert read(failed=True) == [999, 5, 4, 3]
    assert read(username="ＡＬＩＣＥ", failed=True) == [999, 5, 4]
    assert read(username="bob") == [3]
    assert read(username="a\0b") == []
    newest = sign_ins.list_latest(session, limit=2)
    assert read(before=newest[-1].id)[:2] == [5, 4]


@pytest.mark.parametrize("typed", ["x" * 5000, "a\0b", "\ud800", "ﷺ" * 64, ""])
def test_whatever_is_typed_is_logged(session: Session, typed: str) -> None:
    sign_ins.record(session, at=1, username=typed, address="::1", result="unknown")

    assert sign_ins.failures(session, since=0, username=typed) == (1, 1)
    assert len(sign_ins.list_latest(session, limit=1)[0].username) <= 64


# ---------------------------------------------------------------- tokens, approvals, settings


def test_a_token_until_it_is_revoked_or_expires(session: Session) -> None:
    made = api_tokens.create(
        session,
        "deck",
        "h1",
        scopes=["channel:cut", "channel:cut", "a"],
        by="x",
        at=1,
        channel="main",
        expires_at=50,
    )
    api_tokens.create(session, "forever", "h2", scopes=[], by="x", at=1)

    assert api_tokens.find(session, "h1", at=49).scopes == ["a", "channel:cut"]
    assert api_tokens.find(session, "h1", at=50) is None
    assert api_tokens.find(session, "h2", at=1e9).channel is None
    assert [api_tokens.touch(session, made.id, at=at) for at in (10, 20, 70)] == [True, False, True]
    with pytest.raises(Refused, match="a token deck already"):
        api_tokens.create(session, "deck", "h3", scopes=[], by="x", at=2)
    assert api_tokens.revoke(session, "deck", at=5)
    assert not api_tokens.revoke(session, "deck", at=6)
    assert api_tokens.find(session, "h1", at=6) is None
    api_tokens.create(session, "deck", "h3", scopes=[], by="x", at=7)
    assert [one.name for one in api_tokens.list_all(session)] == ["deck", "forever", "deck"]


def test_a_destination_is_approved_by_somebody_else(session: Session) -> None:
    entered = approvals.enter(session, "main", "yt", "h", by="console:alice", at=1)
    assert approvals.enter(session, "main", "yt", "h", by="console:bob", at=2).id == entered.id
    assert [one.id for one in approvals.list_in_force(session, waiting=True)] == [entered.id]
    with pytest.raises(Refused, match="console:alice entered this destination") as caught:
        approvals.approve(session, entered.id, by="console:alice", at=3, via="console")
    assert "R13" in caught.value.zh
    assert approvals.approve(session, entered.id, by="console:bob", at=4, via="console")
    assert not approvals.approve(session, entered.id, by="console:carol", at=5, via="console")
    assert approvals.list_in_force(session, waiting=True) == []
    session.expire_all()
    found = approvals.find(session, "main", "yt", "h")
    assert (found.approved_by, found.approved_at, found.via) == ("console:bob", 4, "console")


def test_one_entered_on_the_command_line_is_approved_by_who_entered_it(session: Session) -> None:
    entered = approvals.enter(session, "main", "yt", "h", by="cli:root", at=1)
    assert approvals.approve(session, entered.id, by="cli:root", at=1, via="command-line")


def test_a_withdrawn_destination_needs_a_new_approval(session: Session) -> None:
    first = approvals.enter(session, "main", "yt", "h", by="cli:root", at=1)
    approvals.approve(session, first.id, by="cli:root", at=1, via="command-line")
    assert approvals.withdraw(session, "main", "yt", by="console:bob", at=2) == 1
    assert approvals.find(session, "main", "yt", "h") is None
    assert not approvals.approve(session, first.id, by="x", at=3, via="console")
    assert approvals.enter(session, "main", "yt", "h", by="cli:root", at=3).id != first.id


def test_settings_are_json_and_say_what_they_were(session: Session) -> None:
    assert settings.get(session, "approval", "two-person") == "two-person"
    assert settings.put(session, "approval", {"a": [1, None, "文"]}, by="x", at=1) is None
    assert settings.put(session, "approval", None, by="y", at=2) == {"a": [1, None, "文"]}
    assert settings.list_all(session) == {"approval": None}
