"""/openapi.json, the reference page /docs, and the error codes /docs/errors. Nothing is fetched from elsewhere.

The page is Redoc (MIT), one vendored file in static/ with its licence beside it.
"""

import gzip
from collections.abc import Callable, Sequence
from hashlib import blake2b
from html import escape
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from checkout.edge import openapi
from checkout.edge.error_table import ERRORS
from checkout.errors import NotFound
from checkout.kit.routes import Route

_STATIC = Path(__file__).parent / "static"
_SCRIPT = "redoc.standalone.js"
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1c2530}"
    "h2{margin:2rem 0 .25rem;font:600 1.05rem ui-monospace,monospace}dt{color:#5b6875}dd{margin:0 0 .3rem 1rem}"
    "a{color:#0b57a4}:target{background:#fff6d6}"
)
_CSP = (
    "default-src 'none'; script-src 'self'; worker-src 'self' blob:; style-src 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
)


class _Bytes:
    """One document: plain and compressed once, with its ETag."""

    def __init__(self, body: bytes, content_type: str, cache: str, *, csp: str | None = None) -> None:
        self.plain = body
        self.packed = gzip.compress(body, 9, mtime=0)
        self.etag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
        self.headers = {
            "Content-Type": content_type, "Cache-Control": cache, "ETag": self.etag, "Vary": "Accept-Encoding"
        }  # fmt: skip
        if csp:
            self.headers["Content-Security-Policy"] = csp

    def answer(self, request: web.Request) -> web.Response:
        if request.headers.get("If-None-Match") == self.etag:
            return web.Response(status=304, headers=self.headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=self.packed, headers={**self.headers, "Content-Encoding": "gzip"})
        return web.Response(body=self.plain, headers=self.headers)


def routes(
    described: Callable[[], Sequence[Route]], *, title: str, version: str, server: str = ""
) -> list[Route]:
    """The reference's routes. Shape: `described` gives all routes of the application when the first caller asks."""
    made: dict[str, _Bytes] = {}

    def document() -> _Bytes:
        if "openapi" not in made:
            listed = [route for route in described() if route.path != "/docs/{file}"]
            text = orjson.dumps(openapi.document(listed, title=title, version=version, server=server))
            made["openapi"] = _Bytes(text, "application/json", "public, max-age=60")
        return made["openapi"]

    async def openapi_json(request: web.Request) -> web.Response:
        return document().answer(request)

    async def reference(request: web.Request) -> web.Response:
        if "page" not in made:
            made["page"] = _Bytes(_page(title), "text/html; charset=utf-8", "public, max-age=300", csp=_CSP)
        return made["page"].answer(request)

    async def file(request: web.Request) -> web.Response:
        name = request.match_info["file"]
        if name == "errors":
            if name not in made:
                made[name] = _Bytes(_errors(), "text/html; charset=utf-8", "public, max-age=300", csp=_CSP)
            return made[name].answer(request)
        if name not in (_SCRIPT, "boot.js"):
            raise NotFound("Nothing is at this address.")
        if name not in made:
            body = _BOOT if name == "boot.js" else gzip.decompress((_STATIC / f"{name}.gz").read_bytes())
            made[name] = _Bytes(body, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable")
        return made[name].answer(request)

    shared: dict[str, Any] = {"tag": "machines", "priority": 0}
    return [
        Route("GET", "/openapi.json", openapi_json, "This document", response={"type": "object"}, **shared),
        Route("GET", "/docs", reference, "The browsable reference", content_type="text/html", **shared),
        Route("GET", "/docs/{file}", file, "Files of the reference, error codes", content_type="text/html", **shared),
    ]  # fmt: skip


_BOOT = b'Redoc.init("/openapi.json",{hideDownloadButton:false},document.getElementById("reference"));'


def _page(title: str) -> bytes:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><style>body{margin:0}</style></head>'
        f'<body><div id="reference"><p style="padding:1rem">The reference needs JavaScript; the document itself is '
        '<a href="/openapi.json">/openapi.json</a>, the error codes are <a href="/docs/errors">/docs/errors</a>.</p></div>'
        f'<script src="/docs/{_SCRIPT}"></script><script src="/docs/boot.js"></script></body></html>'
    ).encode()


def _errors() -> bytes:
    parts = [
        f'<h2 id="{code}">{code}</h2><p>Status {found.status}. {escape(found.meaning)}</p><dl>'
        f"<dt>Shopper</dt><dd>{escape(found.shopper)}</dd><dt>Operator</dt><dd>{escape(found.operator)}</dd>"
        f"<dt>Developer</dt><dd>{escape(found.developer)}</dd></dl>"
        for code, found in ERRORS.items()
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Error codes</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style></head>'
        f'<body><h1>Error codes</h1><p><a href="/docs">Reference</a></p>{"".join(parts)}</body></html>'
    ).encode()
