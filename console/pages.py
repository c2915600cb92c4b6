"""The built page: index.html, its assets, and what stands there when nothing was built."""

from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>streamgate</title>
<style>body{font:16px/1.6 system-ui,"Noto Sans CJK SC",sans-serif;background:#14171c;color:#e6e8eb;
margin:12vh auto;max-width:42rem;padding:0 1rem}
code{background:#252a32;padding:.1em .4em;border-radius:4px}</style>
<h1>The page is not built</h1>
<p>The console runs, the gate is not affected. Build the page with <code>make install</code> (or
<code>npm ci && npm run build</code> in <code>console/web</code>) and reload.</p>
<h1 lang="zh">页面尚未构建</h1>
<p lang="zh">控制台正在运行，播出不受影响。请运行 <code>make install</code>
（或在 <code>console/web</code> 中运行 <code>npm ci && npm run build</code>）后刷新。</p>
</html>
"""

_PAGES = frozenset({"index.html", "watch.html", "overlay.html"})
"""Pages of the build. The viewers' two belong to the public address; here they are as good as missing."""


def is_built(static: Path) -> bool:
    return (static / "index.html").is_file()


def index(static: Path) -> Response:
    """Return the page. Never cached: it names the assets of its own build."""
    headers = {"cache-control": "no-store"}
    if is_built(static):
        return FileResponse(static / "index.html", media_type="text/html", headers=headers)
    return HTMLResponse(_NOT_BUILT, headers=headers)


class Built(StaticFiles):
    """Files of the build. Those under /assets carry a hash in their names and never change.

    Any other address that a person opens is the page: it knows its own screens.
    """

    def __init__(self, static: Path) -> None:
        super().__init__(directory=static, check_dir=False, follow_symlink=False)
        self._static = static

    async def check_config(self) -> None:
        """A directory that is not there yet holds nothing; it may be built while the console runs."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if path in _PAGES:
            return self._page(scope)
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404 or path.startswith("assets/"):
                raise
            return self._page(scope)
        immutable = path.startswith("assets/")
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if immutable else "no-cache"
        return response

    def _page(self, scope: Scope) -> Response:
        """Return the page to somebody who opens an address in a browser; to others there is nothing."""
        if "text/html" not in Headers(scope=scope).get("accept", ""):
            raise HTTPException(404)
        return index(self._static)
