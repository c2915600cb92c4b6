"""Which camera's pictures the platform received, turn by turn."""

from collections.abc import Sequence

from tools.recording import Recording


def turns(recording: Recording) -> list[int | None]:
    """Return whose pictures the platform received (number of the feed), each turn once; None: filler."""
    found: list[int | None] = []
    for shown in recording.frames:
        who = None if shown.mark is None else shown.mark.feed
        if found[-1:] != [who]:
            found.append(who)
    return found


def long_runs(numbers: Sequence[int]) -> list[list[int]]:
    """Return the runs of frame numbers that follow each other.

    Without those of three frames and less: a group of pictures left in its middle may lack a B-frame.
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return [run for run in runs if len(run) > 3]
