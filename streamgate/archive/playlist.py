"""HLS playlists (RFC 8216): of what was received, with byte ranges of the parts as they stand; of what aired.

A part's time begins at 0. With `shift` in their addresses all have one timeline that rises, as FFmpeg wants
it; at a gap, another format or a reconnect stands a discontinuity. What aired has one timeline already: a
splice is none, as it was none for the platforms. Pure.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from streamgate.archive.aired import Cut, Program
from streamgate.archive.broadcasts import Loss
from streamgate.archive.fragments import Fragment
from streamgate.archive.selection import Chosen, Selection
from streamgate.archive.times import iso

SEGMENT_S = 8.0  # of a part that is longer more segments are made, at keyframes
LONGEST_S = 24.0  # without one a segment ends all the same
GROWING_TARGET_S = (
    6  # it must not change while players reload (RFC 8216, 6.2.1); the recorder cuts at 4 and 5 s
)


class _Segment(NamedTuple):
    """`map`: the tag of its init section. `begins`: it does not go on with the segment before."""

    address: str
    bytes: str  # its byte range, "" for all of it
    map: str
    duration_s: float
    at: float
    begins: bool


def render(selection: Selection, start: float, *, growing: bool) -> str:
    """Return the playlist of what was received from `start` on.

    `growing`: one that players load again and again: one segment a fragment, and no end. Addresses are
    relative to that of the playlist: parts/DAY/NAME?shift=MS.
    """
    segments = [one for chosen in selection.chosen for one in _segments(chosen, growing=growing)]
    independent = all(fragment.keyframe for chosen in selection.chosen for fragment in chosen.fragments)
    return _render(segments, _gaps(selection.losses), start, growing=growing, independent=independent)


def render_aired(program: Program, start: float, *, growing: bool) -> str:
    """Return the playlist of what aired from `start` on; addresses: aired/BROADCAST/NAME?shift=MS.

    Its times are those at which it aired. Where filler stood for the feed there is an EXT-X-DATERANGE, too.
    """
    segments = [
        _Segment(
            f"aired/{one.broadcast}/{_place(one.first)}-{_place(one.last)}.m4s" + _shift(one.shift_ms),
            "",
            f'#EXT-X-MAP:URI="aired/{one.broadcast}/init-{one.header}.mp4"',
            one.duration_s,
            one.start,
            not one.goes_on,
        )
        for one in program.segments
    ]
    ranges = [
        _range_of(
            f"filler-{number}", "filler", (one.start, one.end), one.why, f',X-FILLER="{_plain(one.filler)}"'
        )
        for number, one in enumerate(program.filled, 1)
    ]
    independent = all(one.independent for one in program.segments)
    ranges += _gaps(program.losses)
    return _render(segments, ranges, start, growing=growing, independent=independent)


def _render(
    segments: Sequence[_Segment], ranges: Sequence[str], start: float, *, growing: bool, independent: bool
) -> str:
    longest = max((math.floor(one.duration_s + 0.5) for one in segments), default=1)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-PLAYLIST-TYPE:{'EVENT' if growing else 'VOD'}",
        f"#EXT-X-TARGETDURATION:{max(GROWING_TARGET_S if growing else 1, longest)}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-INDEPENDENT-SEGMENTS" if independent else "",
    ]
    if segments and start > segments[0].at:
        lines.append(f"#EXT-X-START:TIME-OFFSET={start - segments[0].at:.3f},PRECISE=YES")
    lines += ranges
    for number, segment in enumerate(segments):
        if segment.begins and number:
            lines.append("#EXT-X-DISCONTINUITY")
        if segment.begins or not number:
            lines.append(segment.map)
        lines += [
            f"#EXT-X-PROGRAM-DATE-TIME:{iso(segment.at)}",
            f"#EXTINF:{segment.duration_s:.5f},",
            f"#EXT-X-BYTERANGE:{segment.bytes}" if segment.bytes else "",
            segment.address,
        ]
    if not growing:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(filter(None, lines)) + "\n"


def _segments(chosen: Chosen, *, growing: bool) -> Iterator[_Segment]:
    for number, run in enumerate(_cut(chosen, growing=growing)):
        first, last = run[0], run[-1]
        yield _Segment(
            _address(chosen, chosen.shift_ms),
            f"{last.offset + last.size - first.offset}@{first.offset}",
            f'#EXT-X-MAP:URI="{_address(chosen, 0)}",BYTERANGE="{chosen.map.init}@0"',
            max(0.001, last.end_s - first.start_s),
            chosen.start + first.start_s - chosen.fragments[0].start_s,
            number == 0 and not chosen.goes_on,
        )


def _cut(chosen: Chosen, *, growing: bool) -> Iterator[list[Fragment]]:
    """Yield runs of fragments. Where they need not, none begins without a keyframe: players seek to them."""
    run: list[Fragment] = []
    for fragment in chosen.fragments:
        lasts_s = fragment.end_s - run[0].start_s if run else 0.0
        if run and (growing or lasts_s > (SEGMENT_S if fragment.keyframe else LONGEST_S)):
            yield run
            run = []
        run.append(fragment)
    yield run


def _gaps(losses: Sequence[Loss]) -> list[str]:
    return [
        _range_of(f"gap-{number}", "gap", (loss.start, loss.end), loss.why)
        for number, loss in enumerate(losses, 1)
    ]


def _range_of(name: str, kind: str, span: tuple[float, float], why: str, more: str = "") -> str:
    """Return the tag of a span that pages show on the timeline: what does not play, or is filler."""
    start, end = span
    return (
        f'#EXT-X-DATERANGE:ID="{name}",CLASS="streamgate.{kind}",START-DATE="{iso(start)}",'
        f'END-DATE="{iso(max(start, end))}",X-WHY="{why}"{more}'
    )


def _plain(text: str) -> str:
    """Return a text that may stand between quotation marks (RFC 8216, 4.2)."""
    return "".join("'" if one == '"' else one for one in text if one.isprintable())


def _place(cut: Cut) -> str:
    return f"{cut.row}.{cut.skip}"


def _shift(shift_ms: int) -> str:
    return f"?shift={shift_ms}" if shift_ms else ""


def _address(chosen: Chosen, shift_ms: int) -> str:
    _, day, name = chosen.part.path.parts
    return f"parts/{day}/{name}{_shift(shift_ms)}"
