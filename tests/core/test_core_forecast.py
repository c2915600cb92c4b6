"""How long the disk lasts: pure sums."""

from streamgate.core.forecast import Use, forecast

DAY_S = 86_400.0
GB = 10**9
NOW = 1_790_000_000.0


def use(*, days=60, week=70 * GB, held=70 * GB, age_days=7.0, rate=0.0, channel="main"):
    return Use(channel, days, held, week, NOW - age_days * DAY_S, rate)


def test_hours_left_at_the_present_rate_of_all_channels():
    uses = [use(rate=1_000_000), use(rate=500_000, channel="hall")]
    assert forecast(uses, free_bytes=54 * GB, now=NOW).hours_left == 10.0
    assert forecast([use()], free_bytes=54 * GB, now=NOW).hours_left is None


def test_what_is_recorded_already_counts_as_room():
    found = forecast([use()], free_bytes=530 * GB, now=NOW)
    assert (found.bytes_a_day, found.days_fit, found.fits, found.missing_bytes) == (10 * GB, 60.0, True, 0)
    found = forecast([use()], free_bytes=500 * GB, now=NOW)
    assert (found.days_fit, found.fits, found.missing_bytes) == (57.0, False, 30 * GB)


def test_each_channel_has_its_own_retention():
    uses = [use(days=60), use(days=365, week=7 * GB, held=0, channel="hall")]
    needed = 10 * GB * 60 + 1 * GB * 365
    assert forecast(uses, free_bytes=needed - 70 * GB, now=NOW).fits
    found = forecast(uses, free_bytes=needed - 71 * GB, now=NOW)
    assert (found.fits, found.missing_bytes, found.retention_days) == (False, GB, 365)


def test_a_first_day_counts_as_a_whole_one():
    assert forecast([use(week=3 * GB, age_days=0.1)], free_bytes=GB, now=NOW).bytes_a_day == 3 * GB


def test_an_empty_archive_fits():
    found = forecast([], free_bytes=-5, now=NOW)
    assert (found.fits, found.days_fit, found.hours_left, found.free_bytes) == (True, None, None, 0)
