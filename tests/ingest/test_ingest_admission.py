from hypothesis import given
from hypothesis import strategies as st

from streamgate.ingest.admission import MAX_PEERS, YOUNG_US, Admission, Limits

S = 1_000_000


def entered(admission, ip, who, at_us=0):
    """Let a connection in that must be."""
    reason, victim = admission.enter(ip, who, at_us)
    assert reason == ""
    return victim


def test_connections_are_limited_per_address_and_in_all():
    admission = Admission(Limits(connections=3, per_ip=2))
    for who, ip in enumerate("aa"):
        entered(admission, ip, who)
    assert "2 connections from one address" in admission.enter("a", 2, 0)[0]
    entered(admission, "b", 3)
    admission.on_published("a", 0)
    admission.on_published("a", 1)
    assert "3 connections are open" in admission.enter("c", 4, 0)[0]
    admission.leave("a", 0)
    entered(admission, "c", 4)


def test_publishers_keep_their_places_and_strangers_make_room_for_newcomers():
    admission = Admission(Limits(connections=6, per_ip=3))
    for who in range(3):
        entered(admission, "a", who)
    admission.on_published("a", 0)
    assert admission.enter("a", 3, YOUNG_US - 1)[0]  # nobody there has had his time
    assert entered(admission, "a", 4, YOUNG_US) == 1
    admission.leave("a", 1)
    for who in (4, 2):
        admission.on_published("a", who)
    assert admission.enter("a", 5, 9 * S)[0]  # three that publish


def test_many_connections_of_one_address_make_room_for_one_of_another_at_once():
    admission = Admission(Limits(connections=4, per_ip=4))
    for who in range(4):
        entered(admission, "a", who)
    assert entered(admission, "b", 4) == 0
    admission.leave("a", 0)
    assert entered(admission, "b", 5) == 1
    admission.leave("a", 1)
    assert "4 connections are open" in admission.enter("b", 6, 0)[0]  # two of each now


def test_connecting_has_a_rate_per_address():
    admission = Admission(Limits(connects=5, connects_per_s=2))
    for who in range(5):
        entered(admission, "a", who)
    assert "more than 2 connections a second" in admission.enter("a", 5, 0)[0]
    entered(admission, "b", 6)
    entered(admission, "a", 7, S // 2)


def test_answers_to_wrong_keys_wait_when_an_address_has_tried_many():
    admission = Admission(Limits(failures=3, failures_window_s=60, tarpit_s=3))
    assert [admission.fail("a", 0) for _ in range(5)] == [0, 0, 0, 3, 3]
    assert admission.fail("b", 0) == 0
    assert admission.fail("a", 21 * S) == 0
    assert admission.fail("a", 22 * S) == 3


def test_the_memory_of_addresses_is_bounded():
    admission = Admission(Limits(connections=10**9))
    for n in range(MAX_PEERS + 100):
        admission.fail(str(n), n)
        admission.enter(str(n), n, n)
        admission.leave(str(n), n)
    assert len(admission._failures) == len(admission._connects) == MAX_PEERS
    assert not admission._connections
    assert not admission._quiet


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 4)), max_size=60))
def test_places_are_never_over_the_limit_and_publishers_are_never_ended(acts):
    limits = Limits(connections=5, per_ip=3, connects=100)
    admission = Admission(limits)
    open_, publishing, now, number = {}, set(), 0, 0
    for ip, act, seconds in acts:
        now += seconds * S
        mine = [who for who, theirs in open_.items() if theirs == ip]
        if act <= 1:
            number += 1
            reason, victim = admission.enter(ip, number, now)
            if not reason:
                open_[number] = ip
            if victim is not None:
                assert victim not in publishing
                admission.leave(open_.pop(victim), victim)
        elif mine and act == 2:
            admission.on_published(ip, mine[0])
            publishing.add(mine[0])
        elif mine:
            admission.leave(ip, mine[0])
            publishing.discard(mine[0])
            del open_[mine[0]]
        assert len(open_) <= limits.connections
        assert all(list(open_.values()).count(one) <= limits.per_ip for one in "abc")
        assert admission._connections.total() == len(open_)
        assert sum(map(len, admission._quiet.values())) == len(open_) - len(publishing)
