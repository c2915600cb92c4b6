"""Serves the watch page, the overlay, their assets, and the program as HLS files."""

import hmac
import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from moderation.public.answers import ChunkedResponse
from moderation.public.channels import KnownChannels
from moderation.public.files import FileCache
from moderation.public.problems import BAD_OVERLAY, NOT_FOUND, RequestRefused
from moderation.public.viewers import Viewers

HLS = "hls"
PAGE_S = 1.0
PLAYLIST_S = 0.2
SEGMENT_S = 10.0
_FOR_EVER = "public, max-age=31536000, immutable"
_SEGMENT = "public, max-age=3600, immutable"  # they are gone after minutes
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".m4s": "video/iso.segment",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ts": "video/mp2t",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_OF_HLS = frozenset({".m3u8", ".m4s", ".mp4", ".ts"})
# Everything that a page needs comes from here; nothing else is loaded. blob: is for Media Source Extensions:
# hls.js plays by an address of this kind; a browser without them (iPhone) reads /hls itself.
_WATCH = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
# OBS writes the custom CSS of a browser source into the page as a style element (obs-browser, `OnLoadEnd`):
# hence 'unsafe-inline' for styles, and no trusted types. The overlay has no media.
_OVERLAY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})")
_NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>streamgate</title>
<h1>The page is not built</h1><p>Build it with <code>make install</code> and reload.</p>
<h1 lang="zh">页面尚未构建</h1><p lang="zh">请运行 <code>make install</code> 后刷新。</p></html>
"""


class Pages:
    """`static`: the built page. `hls`: where the gate writes a folder of segments for each channel."""

    def __init__(
        self, static: Path, data_dir: Path, files: FileCache, viewers: Viewers, channels: KnownChannels
    ) -> None:
        self._static, self._hls = static, data_dir / HLS
        self._files, self._viewers, self._channels = files, viewers, channels

    async def watch(self, request: Request) -> Response:
        await self._require_channel(request)
        return await self._page("watch.html", _WATCH)

    async def overlay(self, request: Request) -> Response:
        channel = await self._require_channel(request)
        token = request.query_params.get("token", "")
        good = self._viewers.overlay_token(channel)
        if not hmac.compare_digest(token.encode("utf-8", "replace"), good.encode()):
            raise RequestRefused(BAD_OVERLAY)
        return await self._page("overlay.html", _OVERLAY)

    async def asset(self, request: Request) -> Response:
        name: str = request.path_params["name"]
        media_type = _TYPES.get(Path(name).suffix)
        if media_type is None:
            raise RequestRefused(NOT_FOUND)
        data = await self._files.read(self._static / "assets", name, fresh_s=None)
        return ChunkedResponse(data, media_type=media_type, headers={"cache-control": _FOR_EVER})

    async def icon(self, _: Request) -> Response:
        data = await self._files.read(self._static, "favicon.svg", fresh_s=PAGE_S)
        return Response(data, media_type=_TYPES[".svg"], headers={"cache-control": "max-age=3600"})

    async def hls(self, request: Request) -> Response:
        channel, name = await self._require_channel(request), request.path_params["name"]
        suffix = Path(name).suffix
        if suffix not in _OF_HLS:
            raise RequestRefused(NOT_FOUND)
        playlist = suffix == ".m3u8"
        data = await self._files.read(
            self._hls / channel, name, fresh_s=PLAYLIST_S if playlist else SEGMENT_S
        )
        headers = {"cache-control": "no-cache" if playlist else _SEGMENT, "accept-ranges": "bytes"}
        status, data = _cut(request.headers.get("range"), data, headers)
        return ChunkedResponse(data, status, headers, media_type=_TYPES[suffix])

    async def _require_channel(self, request: Request) -> str:
        channel: str = request.path_params["channel"]
        await self._channels.require(channel)
        return channel

    async def _page(self, name: str, policy: str) -> Response:
        headers = {"cache-control": "no-store", "content-security-policy": policy}
        try:
            data = await self._files.read(self._static, name, fresh_s=PAGE_S)
        except RequestRefused as refused:
            if refused.problem is not NOT_FOUND:
                raise
            return HTMLResponse(_NOT_BUILT, headers=headers)
        return HTMLResponse(data, headers=headers)


def _cut(asked: str | None, data: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """Return status and bytes for a Range header (RFC 9110, 14.2). Only a single range is supported."""
    found = _RANGE.fullmatch(asked or "")
    if found is None:
        return 200, data
    first, last = int(found[1]), int(found[2] or len(data) - 1)
    if first >= len(data) or last < first:
        headers["content-range"] = f"bytes */{len(data)}"
        return 416, b""
    last = min(last, len(data) - 1)
    headers["content-range"] = f"bytes {first}-{last}/{len(data)}"
    return 206, data[first : last + 1]
