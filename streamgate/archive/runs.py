"""Runs: unbroken rows of parts within five minutes, summed up, so that months are listed at once.

A part lasts 6 s: 60 days of 8 hours are 288,000 parts, and 5,760 runs. The table is made from that of the
parts, in the same transaction, whenever these change.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from streamgate.archive.broadcasts import NO_INPUT_S, Piece

SLOT_S = 300.0  # time zones are whole quarters of an hour away from UTC: a run is never of two days
_KEPT, _MISSING, _REMOVED = range(3)
_RENEW = """
    INSERT INTO archive_runs
    SELECT channel, slot, MIN(number), COUNT(*), MIN(start_s), MAX(start_s), MAX(end_s), SUM(bytes),
        MIN(state)
    FROM (
        SELECT *, SUM(begins) OVER (PARTITION BY channel, slot ORDER BY number) AS run
        FROM (
            SELECT *, CASE WHEN number = LAG(number) OVER w + 1 AND state = LAG(state) OVER w
                AND start_s >= LAG(start_s) OVER w AND start_s - LAG(end_s) OVER w <= :pause
                THEN 0 ELSE 1 END AS begins
            FROM (
                SELECT channel, CAST(start_s / :slot AS INTEGER) AS slot, number, start_s, end_s, bytes,
                    CASE WHEN removed_at IS NOT NULL THEN 2 WHEN missing THEN 1 ELSE 0 END AS state
                FROM archive_parts WHERE {} start_s >= :first AND start_s < :last
            )
            WINDOW w AS (PARTITION BY channel, slot ORDER BY number)
        )
    )
    GROUP BY channel, slot, run
    """
_FORGET = "DELETE FROM archive_runs WHERE {} slot >= :low AND slot < :high"
_OF_CHANNEL = "channel = :channel AND"
_READ = sa.text(
    """
    SELECT number, parts, start_s, last_s, end_s, bytes, state FROM archive_runs
    WHERE channel = :channel AND slot >= :low AND slot <= :high AND start_s < :end AND last_s >= :start
    """
)
_COVERED = """
    WITH spans(first_s, last_s, lowest, highest) AS (VALUES {})
    SELECT number, archive_parts.start_s, end_s, bytes, removed_at IS NOT NULL, missing
    FROM spans JOIN archive_parts ON channel = :channel AND start_s BETWEEN first_s AND last_s
        AND number BETWEEN lowest AND highest
    """
_CHUNK = 200  # spans of one statement: SQLite takes 500 terms


def define(metadata: sa.MetaData) -> sa.Table:
    """Return the table. `number`: of the first part; the others follow by one."""
    return sa.Table(
        "archive_runs",
        metadata,
        sa.Column("channel", sa.String(64), primary_key=True),
        sa.Column("slot", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("parts", sa.Integer, nullable=False),
        sa.Column("start_s", sa.Float, nullable=False),
        sa.Column("last_s", sa.Float, nullable=False),  # start of its last part
        sa.Column("end_s", sa.Float, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Integer, nullable=False),
    )


def renew(connection: sa.Connection, channel: str = "", first_s: float = 0.0, last_s: float = 1e12) -> None:
    """Make the runs anew of which a part begins within [first_s, last_s]; without a channel those of all."""
    first, last = int(first_s / SLOT_S), int(last_s / SLOT_S) + 1
    which = _OF_CHANNEL if channel else ""
    of = {"channel": channel} if channel else {}
    span = {"slot": SLOT_S, "pause": NO_INPUT_S, "first": first * SLOT_S, "last": last * SLOT_S}
    connection.execute(sa.text(_FORGET.format(which)), {**of, "low": first, "high": last})
    connection.execute(sa.text(_RENEW.format(which)), {**of, **span})


def read(
    connection: sa.Connection, channel: str, start_s: float, end_s: float, exact_at: Iterable[float]
) -> list[Piece]:
    """Return the parts of a channel that begin within [start_s, end_s), summed up where that loses nothing.

    Parts are told one by one in the runs that hold one of the times `exact_at`, or either bound. By number.
    """
    rows = connection.execute(
        _READ,
        {
            "channel": channel,
            "low": int(max(0.0, start_s) / SLOT_S),
            "high": int(min(end_s, 1e12) / SLOT_S),
            "start": start_s,
            "end": end_s,
        },
    ).all()
    times = sorted({start_s, end_s, *exact_at})
    found, covered = [], []
    for row in rows:
        number, parts, first, last, end, size, state = row
        if parts > 1 and (_holds(times, first, end) or first < start_s or last >= end_s):
            covered.append((first, last, number, number + parts - 1))
        else:
            found.append(Piece(number, first, end, size, state == _REMOVED, state == _MISSING, parts))
    for at in range(0, len(covered), _CHUNK):
        found += _one_by_one(connection, channel, covered[at : at + _CHUNK])
    return sorted(one for one in found if start_s <= one.start < end_s)


def _holds(times: Sequence[float], first: float, last: float) -> bool:
    place = bisect_left(times, first)
    return place < len(times) and times[place] <= last


def _one_by_one(
    connection: sa.Connection, channel: str, spans: Sequence[tuple[float, float, int, int]]
) -> list[Piece]:
    given: dict[str, object] = {"channel": channel}
    values = []
    for number, span in enumerate(spans):
        names = [f"{letter}{number}" for letter in "abcd"]
        given |= dict(zip(names, span, strict=True))
        values.append("(" + ", ".join(f":{name}" for name in names) + ")")
    rows = connection.execute(sa.text(_COVERED.format(", ".join(values))), given)
    return [
        Piece(number, start, end, size, bool(removed), bool(missing))
        for number, start, end, size, removed, missing in rows
    ]
