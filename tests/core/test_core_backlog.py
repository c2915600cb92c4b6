from streamgate.core.backlog import MAX_WAITING_MS, WINDOW_US, Backlog

SECOND = 1_000_000


def run(backlog, seconds, *, start_s=0, sent=0, dropped=0, per_s=80, lost_per_s=0.0, waiting_ms=0):
    """Sample twice a second; return (time, sent, dropped) to go on from and the states seen."""
    states = []
    for tick in range(1, seconds * 2 + 1):
        sent += per_s // 2
        dropped += lost_per_s / 2
        now = round((start_s + tick / 2) * SECOND)
        backlog.sample(now, sent=sent, dropped=round(dropped), waiting_ms=waiting_ms)
        states.append(backlog.behind)
    return {"start_s": start_s + seconds, "sent": sent, "dropped": dropped}, states


def test_one_that_keeps_up_is_never_behind():
    _, states = run(Backlog(), 60, waiting_ms=MAX_WAITING_MS)
    assert not any(states)


def test_dropping_most_is_behind_until_nothing_is_dropped_for_a_window():
    backlog = Backlog()
    at, _ = run(backlog, 30)
    at, states = run(backlog, 10, **at, lost_per_s=60)
    assert states[-1]
    assert "of the last 20 s did not reach it" in backlog.reason.english
    at, states = run(backlog, 40, **at)
    seconds = states.index(False) / 2
    assert abs(seconds - WINDOW_US / SECOND) <= 1
    assert not any(states[states.index(False) :])


def test_a_single_packet_dropped_is_not_behind():
    backlog = Backlog()
    at, _ = run(backlog, 30)
    backlog.sample(30_600_000, sent=at["sent"] + 40, dropped=1, waiting_ms=0)
    assert not backlog.behind


def test_a_long_queue_is_behind_until_it_was_short_for_a_window():
    backlog = Backlog()
    at, states = run(backlog, 2, waiting_ms=6000)
    assert all(states)
    assert backlog.reason == ("6 s of the program wait to be sent", "有 6 秒的节目待发送")
    at, states = run(backlog, 30, **at, waiting_ms=2000)  # less, but no end of it
    assert all(states)
    _, states = run(backlog, 30, **at)
    assert states[:39] == [True] * 39
    assert not states[-1]
