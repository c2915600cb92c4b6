"""The end: SIGTERM with nothing on air, and what is left behind. Runs last: it waits for every broadcast."""

from broadcasts import Broadcasts


def test_sigterm_ends_serve_within_5_seconds(broadcasts: Broadcasts) -> None:
    code, took_s = broadcasts.end()
    assert code == 0
    assert took_s < 5


def test_no_python_traceback_in_any_log(broadcasts: Broadcasts) -> None:
    assert "Traceback" not in broadcasts.gate.log
