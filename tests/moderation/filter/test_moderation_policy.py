"""The policy is a table, and some tables are refused."""

import pytest

from moderation.errors import InputError
from moderation.filter.policy import ROWS, STAGES, Policy, Verdict
from moderation.lexicon import Channel, Severity


def test_only_an_exact_clean_hit_of_a_block_term_blocks() -> None:
    policy = Policy()
    blocking = [
        (severity, channel, clean)
        for severity in Severity
        for channel in Channel
        for clean in (True, False)
        if policy.verdict(severity, channel, clean) is Verdict.BLOCK
    ]
    assert blocking == [(Severity.BLOCK, Channel.EXACT, True)]


def test_stages_follow_severity() -> None:
    assert [Policy().stages[verdict] for verdict in Verdict] == [1, 1, 2, 3, 3]


@pytest.mark.parametrize("channel", [channel for channel in ROWS if channel != Channel.EXACT])
def test_a_table_where_an_unsure_channel_blocks_is_refused(channel: str) -> None:
    rows = dict(ROWS) | {channel: (Verdict.SUSPECTED, Verdict.SENSITIVE, Verdict.IMPORTANT, Verdict.BLOCK)}
    with pytest.raises(InputError, match=f"row {channel} gives block"):
        Policy(rows=rows)


def test_a_table_that_lacks_a_row_lets_a_hit_pass_or_skips_review_is_refused() -> None:
    with pytest.raises(InputError, match="lacks rows: homophone"):
        Policy(rows={name: row for name, row in ROWS.items() if name != "homophone"})
    with pytest.raises(InputError, match="gives clean"):
        Policy(rows=dict(ROWS) | {"pinyin": (Verdict.CLEAN,) * 4})
    with pytest.raises(InputError, match="not all 1, 2 or 3"):
        Policy(stages=dict(STAGES) | {Verdict.CLEAN: 0})


@pytest.mark.parametrize("row", [(Verdict.SUSPECTED,) * 3, (Verdict.SUSPECTED,) * 5, (), (1, 2, 3, 3)])
def test_a_row_that_has_not_a_verdict_for_each_severity_is_refused(row: tuple[Verdict, ...]) -> None:
    with pytest.raises(InputError, match=r"policy row exact is .*; allowed are 4 verdicts"):
        Policy(rows=dict(ROWS) | {"exact": row})


def test_a_row_that_nothing_asks_for_is_refused() -> None:
    with pytest.raises(InputError, match="not known: bogus; allowed are exact"):
        Policy(rows=dict(ROWS) | {"bogus": ROWS["exact"]})
