"""Serves the application's own files by an address that holds their digest, so that browsers keep them for good."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from sealane.errors import Phrase, RequestRefusedError
from sealane.web.render import STATIC, static_digest

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
# A worker has a policy of its own, that of its script.
_POLICY = "default-src 'none'; connect-src 'self'; script-src 'self'; frame-ancestors 'none'"


@cache
def files() -> dict[str, Path]:
    """Return every file that is served, by its path; nothing a request says is ever joined to a folder."""
    found = {path.relative_to(STATIC).as_posix(): path for path in STATIC.rglob("*") if path.is_file()}
    return {name: path for name, path in found.items() if path.suffix in _TYPES}


@cache
def _content(name: str, compressed: bool) -> tuple[bytes, bool]:
    path = files()[name]
    small = path.with_name(path.name + ".gz")
    if compressed and small.is_file():
        return small.read_bytes(), True
    content = path.read_bytes()
    if compressed and path.suffix not in {".png", ".woff2"} and len(content) > 500:
        import gzip

        return gzip.compress(content, 9, mtime=0), True
    return content, False


def static_router() -> APIRouter:
    """Return the endpoint of static files."""
    api = APIRouter(include_in_schema=False)

    @api.get("/static/{digest}/{path:path}")
    def static_file(request: Request, digest: str, path: str) -> Response:
        if path not in files():
            raise RequestRefusedError(
                404, "not-found", Phrase("There is no such file."), Phrase("Load the page again.")
            )
        accepts = "gzip" in request.headers.get("accept-encoding", "")
        content, compressed = _content(path, accepts)
        known = digest == static_digest()
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable" if known else "no-cache",
            "Vary": "Accept-Encoding",
            "Content-Security-Policy": _POLICY,
        }
        if compressed:
            headers["Content-Encoding"] = "gzip"
        return Response(content, media_type=_TYPES[files()[path].suffix], headers=headers)

    return api
