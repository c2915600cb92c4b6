"""Playback: HLS playlists over the archive, and the parts and segments that they name."""

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query
from starlette.responses import Response, StreamingResponse

from console.api.answers import GetParts, problems
from console.auth.rights import API
from console.problems import BAD_RANGE, NOT_FOUND, Refused, bad_request
from streamgate import errors
from streamgate.archive.times import parse_time

router = APIRouter(prefix=f"{API}/archive/{{channel}}", tags=["archive"])
PLAYLIST = "application/vnd.apple.mpegurl"
IMMUTABLE = "private, max-age=31536000, immutable"
_TYPES = {"mp4": "video/mp4", "flv": "video/x-flv"}
_RANGE = re.compile(r"bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))")
_NUMBER = r"(0|[1-9]\d{0,8})"
_INIT = re.compile(rf"init-{_NUMBER}\.mp4")
_SEGMENT = re.compile(rf"{_NUMBER}\.{_NUMBER}-{_NUMBER}\.{_NUMBER}\.m4s")
_Time = Annotated[str, Query(max_length=64)]
_FILE = {
    "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in _TYPES.values()},
    "description": "The bytes",
}


@router.get(
    "/playlist.m3u8",
    response_class=Response,
    responses={
        200: {"content": {PLAYLIST: {"schema": {"type": "string"}}}, "description": "HLS (RFC 8216)"},
        **problems(400, 404, 503),
    },
)
async def show_playlist(
    channel: str,
    parts: GetParts,
    *,
    start: Annotated[_Time, Query(alias="from")],
    end: Annotated[_Time | None, Query(alias="to")] = None,
    kind: Annotated[Literal["received", "aired"], Query(alias="as")] = "received",
) -> Response:
    """Show a playlist of a span, as received or as aired. Times: ISO 8601, or seconds since the epoch.

    They are those of arrival, of what aired those at air. Without `to` it grows with what comes in: ask again
    every few seconds. Gaps, and where filler aired, are EXT-X-DATERANGE tags.
    """
    until = None if end is None else _time(end)
    text = await parts.playback.playlist(channel, _time(start), until, aired=kind == "aired")
    return Response(text, headers={"cache-control": "no-store"}, media_type=PLAYLIST)


@router.get(
    "/parts/{day}/{name}",
    response_class=StreamingResponse,
    responses={200: _FILE, 206: _FILE, **problems(400, 404, 416, 503)},
)
async def show_part(
    channel: str,
    day: str,
    name: str,
    parts: GetParts,
    *,
    shift: Annotated[int, Query(ge=-(2**40), le=2**40)] = 0,
    wanted: Annotated[str, Header(alias="range", max_length=200)] = "",
) -> StreamingResponse:
    """Send a part, or one range of its bytes. `shift`: milliseconds by which every time in it is later."""
    part = await parts.playback.find(channel, day, name)
    found = _RANGE.fullmatch(wanted.strip())
    start, end = 0, part.size
    if found is not None:  # several ranges, or another unit: all of it (RFC 9110, 14.2)
        start, end = _bounds(found, part.size)
    headers = {
        "accept-ranges": "bytes",
        "content-length": str(end - start),
        "cache-control": IMMUTABLE if part.finished else "no-store",
        "vary": "cookie",  # what one session has loaded is nothing for the next one on the same computer
    }
    if found is not None:
        headers["content-range"] = f"bytes {start}-{end - 1}/{part.size}"
    return StreamingResponse(
        parts.playback.read(part, start, end, shift),
        206 if found is not None else 200,
        headers,
        media_type=_TYPES[name.rpartition(".")[2]],
    )


@router.get(
    "/aired/{broadcast}/{name}",
    response_class=Response,
    responses={
        200: {
            "content": {"video/mp4": {"schema": {"type": "string", "format": "binary"}}},
            "description": "The bytes",
        },
        **problems(400, 404, 503),
    },
)
async def show_aired(
    channel: str,
    broadcast: str,
    name: str,
    parts: GetParts,
    *,
    shift: Annotated[int, Query(ge=-(2**40), le=2**40)] = 0,
) -> Response:
    """Send a piece of a program as it aired: a segment, or the init section before it.

    Names are those of a playlist. `shift`: milliseconds by which every time in it is later.
    """
    if (found := _INIT.fullmatch(name)) is not None:
        data = await parts.playback.aired_init(channel, broadcast, int(found[1]))
    elif (found := _SEGMENT.fullmatch(name)) is not None:
        first, first_skip, last, last_skip = map(int, found.groups())
        data = await parts.playback.aired_media(
            channel, broadcast, (first, first_skip), (last, last_skip), shift
        )
    else:
        raise Refused(NOT_FOUND)
    headers = {"cache-control": IMMUTABLE, "vary": "cookie"}
    return Response(data, headers=headers, media_type="video/mp4")


def _time(text: str) -> float:
    try:
        return parse_time(text)
    except errors.Refused as error:
        raise Refused(bad_request(str(error), error.zh)) from error


def _bounds(found: re.Match[str], size: int) -> tuple[int, int]:
    first, last, suffix = found.groups()
    if suffix is not None:
        start, end = max(0, size - int(suffix)), size
    else:
        start, end = int(first), min(size, int(last) + 1 if last else size)
    if start >= end:
        raise Refused(BAD_RANGE._replace(error=BAD_RANGE.error.format(size)))
    return start, end
