"""The duty roster, practices and reaction times, on both engines."""

import pytest
from sqlalchemy.orm import Session

from streamgate.errors import Refused, StoreConflictError
from streamgate.store import practices, reactions, shifts, users
from streamgate.store.database import Database
from streamgate.store.duty_models import DutyShift, ReactionTime
from streamgate.store.models import User
from streamgate.store.practices import Mark
from streamgate.store.reactions import Reaction

HOUR = 3600.0


@pytest.fixture
def session(database: Database):
    with database.write() as opened:
        yield opened


@pytest.fixture
def ann(session: Session) -> User:
    return users.add(session, "ann", by="cli:root", at=1, display_name="安娜")


@pytest.fixture
def ben(session: Session) -> User:
    return users.add(session, "ben", by="cli:root", at=1)


def plan(session: Session, user: User, starts: float, ends: float, channel: str = "main", **more: str) -> int:
    return shifts.plan(session, channel, user, starts, ends, by="console:chief", at=0, **more)


def on_duty(session: Session, at: float, channel: str = "main") -> list[str]:
    return [one.user for one in shifts.list_on_duty(session, at) if one.channel == channel]


def test_a_planned_shift_is_duty_while_it_lasts(session: Session, ann: User, ben: User) -> None:
    number = plan(session, ann, 100, 200, broadcast="  开学  典礼 ", note="主控室")
    plan(session, ben, 200, 300)
    plan(session, ben, 100, 200, channel="other")

    assert [on_duty(session, at) for at in (99, 100, 199, 200, 300)] == [[], ["ann"], ["ann"], ["ben"], []]
    assert shifts.find(session, "main", number) == shifts.Shift(
        number, "main", "开学 典礼", "ann", "安娜", 100, 200, "planned", None, "主控室", "console:chief", ""
    )
    assert shifts.find(session, "other", number) is None
    near = [(one.channel, one.user) for one in shifts.list_near(session, 150)]
    assert near == [("main", "ann"), ("main", "ben"), ("other", "ben")]
    assert shifts.list_channels(session) == {"main", "other"}
    assert [one.user for one in shifts.list_shifts(session, "main", since=150, until=200)] == ["ann"]


@pytest.mark.parametrize(
    ("times", "says"),
    [
        ((200, 200, 0), "must end after it starts"),
        ((0, 25 * HOUR, 0), "within 24 h"),
        ((0, 100, 100), "must end in the future"),
        ((400 * 24 * HOUR, 400 * 24 * HOUR + 1, 0), "within a year"),
    ],
)
def test_times_that_make_no_sense_are_refused(
    session: Session, ann: User, times: tuple[float, float, float], says: str
) -> None:
    starts, ends, at = times
    with pytest.raises(Refused, match=says) as caught:
        shifts.plan(session, "main", ann, starts, ends, by="x", at=at)
    assert "值班" in caught.value.zh


def test_nobody_is_planned_twice_at_a_time_or_while_disabled(
    session: Session, ann: User, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(session, ann, 100, 200)
    plan(session, ann, 200, 300)
    with pytest.raises(Refused, match="on the roster of main at that time already"):
        plan(session, ann, 150, 160)
    users.disable(session, ben.id, at=5)
    session.expire_all()
    with pytest.raises(Refused, match="ben is disabled"):
        plan(session, ben, 100, 200)
    with pytest.raises(Refused, match="note may have at most 500 characters"):
        plan(session, ann, 400, 500, note="x" * 501)
    monkeypatch.setattr(shifts, "MAX_PLANNED", 2)
    with pytest.raises(Refused, match="holds 2 shifts already"):
        plan(session, ann, 400, 500)


def test_a_shift_is_removed_before_it_begins_or_ended_while_it_runs(session: Session, ann: User) -> None:
    early, running = plan(session, ann, 300, 400), plan(session, ann, 100, 200)
    assert shifts.remove(session, "main", early, by="console:chief", at=150).user == "ann"
    assert shifts.remove(session, "main", running, by="console:chief", at=150).ends_at == 200
    assert on_duty(session, 160) == []
    listed = shifts.list_shifts(session, "main", since=0, until=1000)
    assert [(one.id, one.ends_at, one.ended_why) for one in listed] == [(running, 150, "removed")]
    with pytest.raises(Refused, match=f"no shift {running} on the roster of main"):
        shifts.remove(session, "main", running, by="x", at=160)
    plan(session, ann, 300, 400)  # its place is free again


def test_duty_is_handed_over_when_the_other_one_takes_it(session: Session, ann: User, ben: User) -> None:
    number = plan(session, ann, 100, 200, broadcast="晚会")
    with pytest.raises(Refused, match="ann is not on duty on main"):
        shifts.offer(session, "main", ann, ben, note="", at=50)
    with pytest.raises(Refused, match="name somebody else"):
        shifts.offer(session, "main", ann, ann, note="", at=110)
    first = shifts.offer(session, "main", ann, ben, note="旧", at=110)
    second = shifts.offer(session, "main", ann, ben, note="话筒 2 有杂音", at=120)
    assert [one.id for one in shifts.list_offers(session, 121)] == [second.id] != [first.id]
    assert on_duty(session, 125) == ["ann"]  # until it is taken

    taken, new = shifts.accept(session, "main", ben, by="console:ben", at=130)

    assert (taken.user, taken.to, taken.note) == ("ann", "ben", "话筒 2 有杂音")
    assert (on_duty(session, 129), on_duty(session, 130), on_duty(session, 199)) == (
        ["ann"],
        ["ben"],
        ["ben"],
    )
    assert on_duty(session, 200) == []
    made = shifts.find(session, "main", new)
    assert made is not None
    assert (made.origin, made.after, made.broadcast, made.note) == (
        "handed_over",
        number,
        "晚会",
        "话筒 2 有杂音",
    )
    with pytest.raises(Refused, match="nobody hands over duty on main to ben"):
        shifts.accept(session, "main", ben, by="console:ben", at=131)


def test_an_offer_lapses_with_its_shift_and_can_be_withdrawn(session: Session, ann: User, ben: User) -> None:
    plan(session, ann, 100, 200)
    shifts.offer(session, "main", ann, ben, note="", at=110)
    assert shifts.list_offers(session, 200) == []
    with pytest.raises(Refused):
        shifts.accept(session, "main", ben, by="x", at=200)
    shifts.withdraw(session, "main", ann, at=120)
    with pytest.raises(Refused, match="no hand-over is offered"):
        shifts.withdraw(session, "main", ann, at=121)
    shifts.offer(session, "main", ann, ben, note="", at=122)
    assert shifts.leave(session, "main", ann, by="console:ann", at=130).user == "ann"
    assert (shifts.list_offers(session, 131), on_duty(session, 131)) == ([], [])


def test_somebody_steps_in_and_leaves(session: Session, ann: User) -> None:
    shifts.take(session, "main", ann, note="临时", by="console:ann", at=100)
    assert on_duty(session, 100 + shifts.TAKEN_S - 1) == ["ann"]
    assert on_duty(session, 100 + shifts.TAKEN_S) == []
    with pytest.raises(Refused, match="on duty on main already"):
        shifts.take(session, "main", ann, by="x", at=101)
    shifts.leave(session, "main", ann, by="console:ann", at=200)
    with pytest.raises(Refused, match="is not on duty"):
        shifts.leave(session, "main", ann, by="console:ann", at=201)
    shifts.take(session, "main", ann, by="x", at=202)


@pytest.mark.parametrize(
    "wrong",
    [{"ends_at": 1.0}, {"origin": "dreamt"}, {"ended_at": 1.5}, {"note": "x" * 501}, {"user_id": 99}],
)
def test_the_database_refuses_a_shift_that_makes_no_sense(
    database: Database, wrong: dict[str, object]
) -> None:
    with database.write() as session:
        user = users.add(session, "ann", by="x", at=1).id
    plain = {
        "channel": "main",
        "broadcast": "",
        "user_id": user,
        "starts_at": 1.0,
        "ends_at": 2.0,
        "origin": "planned",
        "note": "",
        "made_by": "x",
        "made_at": 0.0,
    }
    with pytest.raises(StoreConflictError), database.write() as session:
        session.add(DutyShift(**{**plain, **wrong}))


def test_reaction_times_are_measured_and_chosen(session: Session, ann: User, ben: User) -> None:
    assert reactions.reactions_of(session, ann.id) == {"picture": Reaction(), "sound": Reaction()}
    reactions.note_measured(session, ann.id, "picture", 0.9, 5, by="console:ann", at=1)
    reactions.note_measured(session, ann.id, "picture", 0.8, 7, by="console:ann", at=2)
    assert reactions.choose(session, ann.id, "picture", 1.5, by="console:ann", at=3) is None
    found = reactions.reactions_of(session, ann.id)
    assert found["picture"] == Reaction(0.8, 7, 1.5)
    assert (found["picture"].in_force_s, found["sound"].in_force_s) == (1.5, None)
    assert reactions.choose(session, ann.id, "picture", None, by="console:ann", at=4) == 1.5
    assert reactions.reactions_of(session, ann.id)["picture"].in_force_s == 0.8
    assert reactions.reactions_of(session, ben.id)["picture"] == Reaction()
    for wrong in (-0.1, 10.1, float("nan")):
        with pytest.raises(Refused, match="use 0 to 10 s"):
            reactions.choose(session, ann.id, "sound", wrong, by="x", at=5)


def test_the_database_refuses_a_reaction_time_out_of_bounds(database: Database) -> None:
    with database.write() as session:
        user = users.add(session, "ann", by="x", at=1).id
    with pytest.raises(StoreConflictError), database.write() as session:
        session.add(
            ReactionTime(user_id=user, kind="sound", marks=0, chosen_s=11.0, changed_at=1.0, changed_by="x")
        )


def test_practices_keep_what_each_person_did(session: Session, ann: User, ben: User) -> None:
    first = practices.begin(session, ann.id, "practice", at=100)
    marks = [Mark(1, "picture", 101, 0.7, "cut"), Mark(2, "sound", 110, None, None)]
    practices.finish(session, first, marks, false_presses=2, at=120)
    second = practices.begin(session, ann.id, "practice", at=200)
    practices.finish(session, second, [Mark(1, "picture", 201, 0.5, "dump")], false_presses=0, at=210)
    broken = practices.begin(session, ben.id, "practice", at=300)

    assert practices.newest_reactions(session, ann.id, "picture") == [0.5, 0.7]
    assert practices.newest_reactions(session, ann.id, "picture", limit=1) == [0.5]
    assert practices.newest_reactions(session, ann.id, "sound") == []
    assert [one.id for one in practices.list_results(session)] == [broken, second, first]
    assert practices.list_results(session, user_id=ann.id)[1] == practices.PracticeResult(
        first, "ann", "安娜", "practice", 100, 120, 2, marks
    )
    assert practices.list_results(session, user_id=ben.id)[0].ended_at is None
