"""The built UI: hashed files for ever, everything else by ETag, index.html for any page.

The build lies in `http/static` with compressed twins (`.br`, `.zst`, `.gz`) beside the
files. The page's policy forbids inline scripts except the ones that the build wrote
into index.html, each allowed by its hash. Without a build a page says how to make one.
"""

import asyncio
import base64
import hashlib
import mimetypes
import re
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from quarterdeck.http.errors import method_not_allowed, render, route_unknown

DIRECTORY = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"

# Addresses below these belong to programs: an unknown one is an error, never a page.
_MACHINE = (
    "/api/", "/v1/", "/metrics", "/prometheus/", "/alertmanager/", "/ping/", "/_app/",
)  # fmt: skip
_TWINS = (("br", ".br"), ("zstd", ".zst"), ("gzip", ".gz"))
_INLINE = re.compile(rb"<(script|style)(\s[^>]*)?>(.*?)</\1>", re.DOTALL)

_NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Quarterdeck</title>
<h1>The server answers, but its UI has not been built</h1>
<p>Run <code>make setup</code> in the checkout and load this page again.
The API works: <a href="/api/health">/api/health</a>.</p></html>"""


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    media_type: str
    etag: str
    immutable: bool
    twins: dict[str, Path] = field(default_factory=dict)


class Static:
    """The ASGI-independent part: which file answers which address."""

    def __init__(self, directory: Path = DIRECTORY) -> None:
        self._directory = directory
        self._files: dict[str, _File] = {}
        self._policy = ""
        self._stamp = 0

    async def answer(self, request: Request, raw_paths: frozenset[str]) -> Response:
        """A file, a page, or the error that says there is neither."""
        path = request.url.path
        machine = path.startswith(_MACHINE) or path == "/api"
        if request.method not in ("GET", "HEAD"):
            if machine or path in raw_paths:
                return render(route_unknown(path), path)
            return render(method_not_allowed(request.method, path), path, {"Allow": "GET, HEAD"})
        await asyncio.to_thread(self._refresh)
        file = self._files.get(path)
        if file is not None and path != "/index.html":
            return await self._send(file, request)
        if machine or not _wants_page(request):
            return render(route_unknown(path), path)
        index = self._files.get("/index.html")
        if index is None:
            return HTMLResponse(_NOT_BUILT, status_code=503)
        response = await self._send(index, request)
        response.headers["content-security-policy"] = self._policy
        response.headers["cross-origin-opener-policy"] = "same-origin"
        return response

    async def _send(self, file: _File, request: Request) -> Response:
        headers = {
            "etag": file.etag,
            "cache-control": FOREVER if file.immutable else "no-cache",
            "vary": "Accept-Encoding",
        }
        if file.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        path = file.path
        accepted = _accepted(request.headers.get("accept-encoding", ""))
        for name, twin in file.twins.items():
            if name in accepted:
                headers["content-encoding"], path = name, twin
                break
        body = await asyncio.to_thread(path.read_bytes)
        return Response(body, headers=headers, media_type=file.media_type)

    def _refresh(self) -> None:
        """Read the directory again when a new build has replaced index.html."""
        try:
            stamp = (self._directory / "index.html").stat().st_mtime_ns
        except OSError:
            return
        if stamp == self._stamp:
            return
        files: dict[str, _File] = {}
        for path in sorted(self._directory.rglob("*")):
            if path.is_file() and path.suffix not in (".br", ".gz", ".zst"):
                address = "/" + path.relative_to(self._directory).as_posix()
                files[address] = _describe(path, immutable="/immutable/" in address)
        self._policy = page_policy((self._directory / "index.html").read_bytes())
        self._files, self._stamp = files, stamp


def _describe(path: Path, immutable: bool) -> _File:
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if path.suffix == ".js":
        media_type = "text/javascript"
    etag = '"' + hashlib.sha256(path.read_bytes()).hexdigest()[:24] + '"'
    twins = {
        name: twin
        for name, suffix in _TWINS
        if (twin := path.with_name(path.name + suffix)).is_file()
    }
    return _File(path, media_type, etag, immutable, twins)


def page_policy(html: bytes) -> str:
    """A content security policy that allows the page's own inline blocks by hash."""
    hashes: dict[bytes, list[str]] = {b"script": [], b"style": []}
    for kind, attributes, block in _INLINE.findall(html):
        if not block or b"src=" in attributes:  # what stands between those tags does not run
            continue
        digest = base64.b64encode(hashlib.sha256(block).digest()).decode()
        hashes[kind].append(f"'sha256-{digest}'")
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(["script-src 'self'", *hashes[b"script"]]),
            " ".join(["style-src 'self'", *hashes[b"style"]]),
            # Widths and positions of charts are style attributes; a style element is not.
            "style-src-attr 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            "worker-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _accepted(header: str) -> set[str]:
    accepted = set()
    for part in header.lower().split(","):
        name, _, weight = part.strip().partition(";")
        if weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            accepted.add(name.strip())
    return accepted


def _wants_page(request: Request) -> bool:
    """A browser that navigates says so; otherwise a name without a dot is taken for a page."""
    if "text/html" in request.headers.get("accept", ""):
        return True
    return "." not in request.url.path.rsplit("/", 1)[-1]
