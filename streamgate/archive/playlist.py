"""HLS playlists over the parts as they stand (RFC 8216), with byte ranges. Pure.

A part's time begins at 0. With `shift` in their addresses all have one timeline that rises, as FFmpeg wants
it; at a gap, another format or a reconnect stands a discontinuity.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from streamgate.archive.broadcasts import Loss
from streamgate.archive.fragments import Fragment
from streamgate.archive.selection import Chosen, Selection
from streamgate.archive.times import iso

SEGMENT_S = 8.0  # of a part that is longer more segments are made
GROWING_TARGET_S = (
    6  # it must not change while players reload (RFC 8216, 6.2.1); the recorder cuts at 4 and 5 s
)


class _Segment(NamedTuple):
    chosen: Chosen
    offset: int
    size: int
    duration_s: float
    at: float
    first: bool  # of what is chosen of its part


def render(selection: Selection, start: float, *, growing: bool) -> str:
    """Return the playlist of what was selected from `start` on.

    `growing`: one that players load again and again: one segment a fragment, and no end. Addresses are
    relative to that of the playlist: parts/DAY/NAME?shift=MS.
    """
    segments = [one for chosen in selection.chosen for one in _segments(chosen, growing=growing)]
    longest = max((math.floor(one.duration_s + 0.5) for one in segments), default=1)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-PLAYLIST-TYPE:{'EVENT' if growing else 'VOD'}",
        f"#EXT-X-TARGETDURATION:{max(GROWING_TARGET_S if growing else 1, longest)}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-INDEPENDENT-SEGMENTS" if _independent(selection) else "",
    ]
    if segments and start > segments[0].at:
        lines.append(f"#EXT-X-START:TIME-OFFSET={start - segments[0].at:.3f},PRECISE=YES")
    lines += [_range_of(number, loss) for number, loss in enumerate(selection.losses, 1)]
    for number, segment in enumerate(segments):
        chosen = segment.chosen
        begins = segment.first and not chosen.goes_on
        if begins and number:
            lines.append("#EXT-X-DISCONTINUITY")
        if begins:
            lines.append(f'#EXT-X-MAP:URI="{_address(chosen, 0)}",BYTERANGE="{chosen.map.init}@0"')
        lines += [
            f"#EXT-X-PROGRAM-DATE-TIME:{iso(segment.at)}",
            f"#EXTINF:{segment.duration_s:.5f},",
            f"#EXT-X-BYTERANGE:{segment.size}@{segment.offset}",
            _address(chosen, chosen.shift_ms),
        ]
    if not growing:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(filter(None, lines)) + "\n"


def _segments(chosen: Chosen, *, growing: bool) -> Iterator[_Segment]:
    for number, run in enumerate(_cut(chosen, growing=growing)):
        first, last = run[0], run[-1]
        yield _Segment(
            chosen,
            first.offset,
            last.offset + last.size - first.offset,
            max(0.001, last.end_s - first.start_s),
            chosen.start + first.start_s - chosen.fragments[0].start_s,
            number == 0,
        )


def _cut(chosen: Chosen, *, growing: bool) -> Iterator[list[Fragment]]:
    run: list[Fragment] = []
    for fragment in chosen.fragments:
        if run and (growing or fragment.end_s - run[0].start_s > SEGMENT_S):
            yield run
            run = []
        run.append(fragment)
    yield run


def _independent(selection: Selection) -> bool:
    return all(fragment.keyframe for chosen in selection.chosen for fragment in chosen.fragments)


def _range_of(number: int, loss: Loss) -> str:
    """Return the tag of something that does not play: pages show it on the timeline."""
    return (
        f'#EXT-X-DATERANGE:ID="gap-{number}",CLASS="streamgate.gap",START-DATE="{iso(loss.start)}",'
        f'END-DATE="{iso(max(loss.start, loss.end))}",X-WHY="{loss.why}"'
    )


def _address(chosen: Chosen, shift_ms: int) -> str:
    _, day, name = chosen.part.path.parts
    return f"parts/{day}/{name}" + (f"?shift={shift_ms}" if shift_ms else "")
