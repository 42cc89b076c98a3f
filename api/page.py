"""The web page: files of a folder, held in memory, for everything outside /api."""

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import Detail, Problem, problem_of, respond

# The page's own addresses beside "/": each shows the same document, whose script does the rest.
VIEWS: Final = frozenset(
    {
        "sign-in",
        "overview",
        "alerts",
        "flow",
        "balance",
        "benchmarks",
        "trends",
        "meters",
        "review",
        "bill",
        "files",
        "park",
    }
)
_DOCUMENT = "index.html"
# Best first: what the build puts beside a file, and the name by which it is asked for.
_ENCODINGS: Mapping[str, str] = {"br": ".br", "gzip": ".gz"}
_FOREVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_MEDIA_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_NOT_BUILT = """<!doctype html>
<html lang="zh-CN"><meta charset="utf-8"><title>能碳 Nengtan</title>
<h1>能碳 Nengtan</h1>
<p>网页尚未构建：在项目目录运行 <code>make demo</code> 即会构建；也可运行
<code>sh deploy/page.sh</code>，然后重启 API。</p>
<p lang="en">The page is not built: <code>make demo</code> in the project's folder builds it, or
<code>sh deploy/page.sh</code>; then start the API again.</p>
<p>API: <a href="/api/v1/openapi.json">/api/v1/openapi.json</a></p>
</html>
"""


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it is sent, and as it is sent compressed."""

    content: bytes
    media_type: str
    cache_control: str
    encoded: Mapping[str, bytes] = field(default_factory=dict)


class Page:
    """Middleware that answers whatever is not the API's; the page is open to all, its data are not.

    The folder is read once: no request reaches the disk, so no address leads out of the folder, and
    a page that is built anew meanwhile is not served in halves.
    """

    def __init__(self, app: ASGIApp, *, folder: Path | None) -> None:
        self._app = app
        self._files = {} if folder is None else _read(folder)
        self._document = self._files.get(f"/{_DOCUMENT}") or _File(
            _NOT_BUILT.encode(), _MEDIA_TYPES[".html"], _ASK_AGAIN
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a file, the page's document, or the word that there is none."""
        if scope["type"] != "http" or scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        try:
            response = self._answer(scope["method"], scope["path"], Headers(scope=scope))
        except Problem as problem:
            response = respond(problem_of(problem))
        await response(scope, receive, send)

    def _answer(self, method: str, path: str, headers: Headers) -> Response:
        first = path.removeprefix("/").partition("/")[0]
        file = self._document if path == "/" or first in VIEWS else self._files.get(path)
        if file is None:
            raise Problem("not_found", Detail("no page here: see /", "没有此页面：见 /"))
        if method not in {"GET", "HEAD"}:
            raise Problem(
                "method_not_allowed",
                Detail("see the Allow header", "见 Allow 响应头"),
                headers={"Allow": "GET, HEAD"},
            )
        encoding = _encoding(headers.get("accept-encoding", ""), file)
        content = file.content if encoding is None else file.encoded[encoding]
        response = Response(content, media_type=file.media_type)
        response.headers["Cache-Control"] = file.cache_control
        response.headers["Vary"] = "Accept-Encoding"
        if encoding is not None:
            response.headers["Content-Encoding"] = encoding
        if method == "HEAD":
            response.body = b""
        return response


def _read(folder: Path) -> dict[str, _File]:
    """Return the files of a folder by their address; {} if there is no folder."""
    files = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if not path.is_file() or path.suffix in _ENCODINGS.values() or name.name.startswith("."):
            continue
        beside = {
            encoding: path.with_name(path.name + suffix) for encoding, suffix in _ENCODINGS.items()
        }
        files[f"/{name.as_posix()}"] = _File(
            content=path.read_bytes(),
            media_type=_MEDIA_TYPES.get(path.suffix)
            or mimetypes.guess_type(path.name)[0]
            or "application/octet-stream",
            # The build names its assets for what is in them.
            cache_control=_FOREVER if name.parts[0] == "assets" else _ASK_AGAIN,
            encoded={
                encoding: place.read_bytes() for encoding, place in beside.items() if place.exists()
            },
        )
    return files


def _encoding(accepted: str, file: _File) -> str | None:
    """Return the best encoding that a client takes and the file has; None for none."""
    taken = set()
    for part in accepted.split(","):
        name, _, weight = part.strip().partition(";")
        if weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}:
            taken.add(name.strip().lower())
    return next((encoding for encoding in file.encoded if encoding in taken), None)
