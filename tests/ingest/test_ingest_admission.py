from streamgate.ingest.admission import MAX_PEERS, Admission, Limits

S = 1_000_000


def test_connections_are_limited_per_address_and_in_all():
    admission = Admission(Limits(connections=3, per_ip=2))
    assert admission.enter("a") == ""
    assert admission.enter("a") == ""
    assert "2 connections from one address" in admission.enter("a")
    assert admission.enter("b") == ""
    assert "3 connections are open" in admission.enter("c")
    admission.leave("a")
    assert admission.enter("c") == ""


def test_failures_bar_an_address_until_the_window_has_passed():
    admission = Admission(Limits(failures=3, failures_window_s=60))
    assert [admission.fail("a", at * S) for at in (0, 10, 20)] == [False, False, True]
    assert admission.is_barred("a", 59 * S)
    assert not admission.is_barred("b", 59 * S)
    assert not admission.is_barred("a", 61 * S)
    assert admission.fail("a", 62 * S)  # 10, 20 and 62 lie within a minute
    assert not admission.is_barred("a", 200 * S)


def test_failures_far_apart_bar_nobody():
    admission = Admission(Limits(failures=3, failures_window_s=60))
    assert not any(admission.fail("a", at * 31 * S) for at in range(10))


def test_the_memory_of_failures_is_bounded():
    admission = Admission(Limits())
    for n in range(MAX_PEERS + 100):
        admission.fail(str(n), n)
    assert len(admission._failures) == MAX_PEERS
