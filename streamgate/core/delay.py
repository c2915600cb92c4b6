"""Bounds of the delay: the one floor of rule R1, and the most that a ring is made for."""

from streamgate.errors import Refused

MIN_DELAY_S = 30.0  # rule R1, Art. 16: at least 30 seconds. Nothing lowers it.
MAX_DELAY_S = 600.0
MIN_DELAY_US = round(MIN_DELAY_S * 1_000_000)


def check_delay(seconds: float) -> int:
    """Return the delay in microseconds.

    Raises:
        Refused: outside 30 to 600 s, and for what is no number.
    """
    if not seconds >= MIN_DELAY_S:
        raise Refused(
            f"a delay of {seconds:g} s is refused by rule R1 (Art. 16: at least {MIN_DELAY_S:g} seconds);"
            f" allowed are {MIN_DELAY_S:g} to {MAX_DELAY_S:g} s; choose {MIN_DELAY_S:g} or more",
            f"延时 {seconds:g} 秒被拒绝：规则 R1（第十六条）要求不少于 {MIN_DELAY_S:g} 秒",
        )
    if seconds > MAX_DELAY_S:
        raise Refused(
            f"a delay of {seconds:g} s is too long; allowed are {MIN_DELAY_S:g} to {MAX_DELAY_S:g} s"
            f" (the whole delay is held in memory); choose {MAX_DELAY_S:g} or less",
            f"延时 {seconds:g} 秒过长，允许 {MIN_DELAY_S:g} 至 {MAX_DELAY_S:g} 秒",
        )
    return round(seconds * 1_000_000)
